// Flagged samples with their notes, kept by this browser; downloaded and loaded as flags.jsonl, one {"id", "note"} a line.
const flags = {
  key: "wherewise-flags " + location.pathname,
  notes: new Map(),
  watch: () => {},
  restore() { try { this.notes = new Map(JSON.parse(memory.get(this.key) || "[]")); } catch { this.notes = new Map(); } },
  save() { memory.set(this.key, JSON.stringify([...this.notes])); this.watch(); },
  has(id) { return this.notes.has(id); },
  toggle(id) { if (!this.notes.delete(id)) this.notes.set(id, ""); this.save(); },
  note(id, text) { this.notes.set(id, text); this.save(); },
  text() { return [...this.notes].map(([id, note]) => JSON.stringify({id, note}) + "\n").join(""); },
  load(text) {
    let count = 0;
    for (const [i, line] of text.split("\n").entries()) {
      if (!line.trim()) continue;
      let flag;
      try { flag = JSON.parse(line); } catch { return `line ${i + 1} is not JSON`; }
      if (!flag || typeof flag.id !== "string") return `line ${i + 1} has no "id"`;
      this.notes.set(flag.id, typeof flag.note === "string" ? flag.note : ""); count++;
    }
    this.save();
    return `${count} flags loaded`;
  },
  download() {
    const link = el("a", {href: URL.createObjectURL(new Blob([this.text()], {type: "application/jsonl"})), download: "flags.jsonl"});
    link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
};
flags.restore();
