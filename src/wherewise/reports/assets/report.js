// The run report: rollout groups and answers side by side.
function claimsOf(text) {
  const scene = /<scene>([\s\S]*?)(<\/scene>|$)/i.exec(text);
  if (!scene) return [];
  const found = [];
  for (const part of scene[1].split(/[;\n]/)) {
    const match = /^\s*([^(]+?)\s*\(\s*(\d+(?:\s*,\s*\d+)*)\s*\)/.exec(part);
    if (match) found.push({label: match[1], numbers: match[2].split(",").map(Number)});
  }
  return found;
}
function picture(row, text) {
  const source = DATA.pictures[row.picture];
  if (!source) return el("p", {class: "soft"}, "no picture kept");
  const size = row.size[0] ? row.size : [100, 100], [width, height] = size;
  const claims = claimsOf(text || "").filter(claim => claim.numbers.length <= 3).map(({label, numbers: [x, y]}) =>
    ({label, box: [x * width / 10, y * height / 10, (x + 1) * width / 10, (y + 1) * height / 10]}));
  return pictureView({source, size, truths: row.boxes, claims});
}
const silent = row => { const kept = row.completions.map(c => c.reward).filter(r => r !== null); return kept.length > 0 && Math.max(...kept) - Math.min(...kept) < 1e-9; };
const scoreBars = scores => bars(Object.entries(scores).map(([name, value]) => ({name, value, text: value === null ? "not judged" : number(value)})));
const section = (id, rows, rest) => document.getElementById(id) ? browser({root: document.getElementById(id), bar: document.getElementById(id.slice(0, -1) + "-filters"), rows, text: row => JSON.stringify(row), ...rest}) : null;
const line = (...parts) => el("div", {class: "line"}, parts);

const groupBrowser = section("groups", DATA.groups, {
  filters: [
    {name: "task", of: r => r.task, values: values(DATA.groups, r => r.task)},
    {name: "run", of: r => r.run, values: values(DATA.groups, r => r.run)},
    {name: "signal", of: r => silent(r) ? "none" : "yes", values: ["yes", "none"]},
  ],
  item: row => {
    const kept = row.completions.map(c => c.reward).filter(r => r !== null);
    const range = kept.length ? `reward ${number(Math.min(...kept))}–${number(Math.max(...kept))}` : "not judged";
    return el("div", {}, line(`step ${row.step} · ${spaced(row.task)}`), line(el("span", {class: "soft"}, `${range} `), silent(row) ? el("span", {class: "badge bad"}, "no signal") : null));
  },
  show: (row, pick, choose) => [
    el("h3", {}, row.question), el("p", {class: "soft"}, "truth: ", el("b", {}, row.gold), ` · ${row.id}`),
    picture(row, (row.completions[pick] || {}).text),
    ...row.completions.map((c, i) => el("div", {class: i === pick ? "reply chosen" : "reply", onclick: () => choose(i)},
      el("b", {}, `${i + 1}`), ` reward ${number(c.reward)} · advantage `, el("b", {class: c.advantage > 0 ? "good" : c.advantage < 0 ? "bad" : "soft"}, number(c.advantage)),
      c.truncated ? el("span", {class: "badge bad"}, "truncated") : null, scoreBars(c.scores), el("code", {}, c.text))),
  ],
});
const verdict = row => row.replies.map(r => r.correct ? "✓" : "✗").join(" ");
const exampleBrowser = section("examples", DATA.examples, {
  filters: [
    {name: "task", of: r => r.task, values: values(DATA.examples, r => r.task)},
    {name: "marks", of: verdict, values: values(DATA.examples, verdict)},
  ],
  item: row => el("div", {}, line(`${verdict(row)} · ${spaced(row.task)}`), line(el("span", {class: "soft"}, row.question))),
  show: (row, pick, choose) => [
    el("h3", {}, row.question), el("p", {class: "soft"}, "truth: ", el("b", {}, row.gold), ` · ${row.id}`),
    picture(row, (row.replies[pick] || {}).text),
    ...row.replies.map((r, i) => el("div", {class: i === pick ? "reply chosen" : "reply", onclick: () => choose(i)},
      el("b", {}, r.name), " ", el("span", {class: r.correct ? "good" : "bad"}, r.correct ? "right" : "wrong"), el("code", {}, r.text))),
  ],
});
keys([groupBrowser, exampleBrowser], (key, current) => {
  if (!/^[1-9]$/.test(key)) return false;
  current.go(current.state.at, Number(key) - 1);
  return true;
});
