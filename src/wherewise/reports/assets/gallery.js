// The gallery of a dataset.
const scenes = row => row.scene ? blockJson(row.scene) : null;
const shotsOf = row => row.media.flatMap((place, medium) => DATA.media[place].shots.map(shot => ({...shot, medium, kind: DATA.media[place].type})));
const look = {boxes: "all", names: "asked", layer: "picture", shot: 0, row: null};
const cycle = (name, choices) => { look[name] = choices[(choices.indexOf(look[name]) + 1) % choices.length]; };
const percentOf = (part, all) => `${(100 * part / Math.max(1, all)).toFixed(0)} %`;

// --- what a sample is about -----------------------------------------------------------------------------------------
function idsIn(value, known, found) {
  if (typeof value === "string") { if (known.has(value)) found.add(value); }
  else if (value && typeof value === "object") for (const each of Object.values(value)) idsIn(each, known, found);
  return found;
}
// Ids of the objects that the answer rests on: the evidence's, those that the facts name, and those whose name is said.
function focusOf(row) {
  const scene = scenes(row), things = scene ? scene.objects.map(thing => [thing.id, thing.label]) : row.graph !== undefined ? DATA.graphs[row.graph].objects : [];
  const found = idsIn(row.facts || {}, new Set(things.map(thing => thing[0])), new Set(row.focus || []));
  let said = ` ${[row.question, ...(row.options || [])].join(" | ").toLowerCase().replace(/[^\p{L}\p{N}|]+/gu, " ")} `;
  for (const [id, label] of [...things].sort((a, b) => b[1].length - a[1].length)) { // "red chair" before "chair"
    const name = ` ${label.toLowerCase()} `;
    if (!label || things.filter(thing => thing[1] === label).length > 1 || !said.includes(name)) continue;
    found.add(id); said = said.replaceAll(name, " | ");
  }
  return found;
}
function truthsOf(row, shot, focus) {
  const scene = scenes(row);
  let found = [];
  if (scene && scene.seen[shot.view]) {
    found = scene.seen[shot.view].map(([place, x1, y1, x2, y2, fraction, distance]) => {
      const thing = scene.objects[place];
      return {id: thing.id, label: thing.label, box: [x1, y1, x2, y2], focus: focus.has(thing.id), fraction, distance, color: thing.color, title: `${thing.id} ${thing.label}, ${Math.round(100 * fraction)} % visible`};
    });
  } else if (row.graph !== undefined && row.media.length === 1 && shot.kind === "image") {
    found = DATA.graphs[row.graph].objects.map(([id, label, box, distance]) => ({id, label, box, distance, focus: focus.has(id), title: `${id} ${label}`}));
  }
  const area = box => (box[2] - box[0]) * (box[3] - box[1]);
  return found.sort((a, b) => a.focus - b.focus || area(b.box) - area(a.box));
}

// How much of what is asked about a shot shows; of a clip the frame that shows most is shown first.
const shownOf = (row, shot, focus) => truthsOf(row, shot, focus).filter(each => each.focus).reduce((sum, each) => sum + (each.fraction ?? 1), 0);
function firstShot(row, focus) {
  const shots = shotsOf(row);
  if (!shots.length || shots[0].kind !== "video") return 0;
  const shown = shots.map(shot => shownOf(row, shot, focus));
  return shown.indexOf(Math.max(...shown));
}

// Boxes that question and options write as [x1, y1, x2, y2]: the asked and the right one, and the others.
function saidBoxes(row, at) {
  const told = (row.facts || {}).label, pair = row.task === "correspondence" && /^\d+ \d+$/.test(told) ? told.split(" ").map(Number) : [0, 0];
  const boxIn = text => { const found = /\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\]/.exec(text); return found ? found.slice(1).map(Number) : null; };
  const asked = at === pair[0] ? boxIn(row.question) : null;
  const options = at === pair[1] ? (row.options || []).map((option, i) => ({box: boxIn(option), label: String.fromCharCode(65 + i)})).filter(option => option.box) : [];
  return {gold: [...(asked ? [{box: asked, label: "asked"}] : []), ...options.filter(option => option.label === row.letter)], claims: options.filter(option => option.label !== row.letter)};
}

// --- cards ----------------------------------------------------------------------------------------------------------
const card = (title, kind, ...children) => el("section", {class: "card " + kind}, title ? el("h4", {}, title) : null, ...children);
const pick = (label, pressed, act, key) => el("button", {class: "button small", type: "button", "aria-pressed": String(pressed), title: key ? `key ${key}` : null, onclick: act}, label);

function drawShot(row, shot, focus, at, wide) {
  let truths = truthsOf(row, shot, focus);
  if (look.boxes === "asked") truths = truths.filter(each => each.focus);
  if (look.boxes === "off") truths = [];
  const gold = row.gold && at === 0 && look.boxes !== "off" ? [{...row.gold, label: "answer"}] : [];
  const said = look.boxes === "off" || shot.kind !== "image" ? {gold: [], claims: []} : saidBoxes(row, at);
  const source = look.layer !== "picture" && shot[look.layer] ? shot[look.layer] : shot.picture;
  const node = pictureView({source: block(source), size: shot.size, truths, gold: [...gold, ...said.gold], claims: said.claims, names: {asked: true, all: "all", off: false}[look.names], wide, label: `picture of ${row.id}`});
  node.style.maxWidth = `min(100%, ${(66 * shot.size[0] / shot.size[1]).toFixed(1)}vh)`;
  return node;
}
function pictureCard(row, focus) {
  const shots = shotsOf(row);
  const errors = [...new Set(row.media.map(place => DATA.media[place].error).filter(Boolean))];
  if (!shots.length) return card("Media", "pictures", ...(errors.length ? errors.map(error => el("p", {class: "bad small"}, error)) : [el("p", {class: "soft"}, "The pictures of this sample are not on this page.")]),
    el("p", {class: "mono"}, row.media.map(place => DATA.media[place].path || "(bytes in the dataset)").join(", ")));
  look.shot = Math.min(look.shot, shots.length - 1);
  const shot = shots[look.shot], clip = shots.some(each => each.kind === "video");
  const choose = i => { look.shot = i; page.redraw(); };
  const tools = el("div", {class: "tools"},
    pick(`boxes: ${look.boxes}`, look.boxes !== "off", () => act("b"), "b"), pick(`names: ${look.names}`, look.names !== "off", () => act("n"), "n"),
    shot.depth ? pick("depth", look.layer === "depth", () => act("d"), "d") : null, shot.ids ? pick("ids", look.layer === "ids", () => act("i"), "i") : null);
  const caption = (each, i) => el("figcaption", {}, each.kind === "video" ? `${number(each.time)} s · frame ${i + 1} of ${shots.length} shown` : shots.length > 1 ? `picture ${i + 1}` : `${each.size[0]} x ${each.size[1]}`);
  const together = !clip && shots.length > 1 && shots.length <= 6;
  const big = together ? el("div", {class: "shots"}, shots.map((each, i) => el("figure", {class: i === look.shot ? "chosen" : "", onclick: () => choose(i)}, drawShot(row, each, focus, i, 370), caption(each, i))))
    : el("div", {class: "shots one"}, el("figure", {}, drawShot(row, shot, focus, look.shot, 620), caption(shot, look.shot)));
  const strip = !together && shots.length > 1 ? el("div", {class: "strip"}, shots.map((each, i) => el("button", {type: "button", "aria-pressed": i === look.shot, onclick: () => choose(i)}, el("img", {src: block(each.picture), alt: ""}), each.time !== undefined ? `${number(each.time)} s` : String(i + 1), shownOf(row, each, focus) > .05 ? el("span", {class: "swatch truth-swatch dot", title: "shows something that is asked about"}) : null))) : null;
  const beside = shot.depth ? el("div", {class: "beside"},
    el("figure", {}, el("button", {type: "button", onclick: () => act("d")}, el("img", {src: block(shot.depth), alt: "depth"})), el("div", {class: "ramp"}), el("figcaption", {}, `depth, ${number(shot.span[0])} to ${number(shot.span[1])} m`)),
    shot.ids ? el("figure", {}, el("button", {type: "button", onclick: () => act("i")}, el("img", {src: block(shot.ids), alt: "instance ids"})), el("figcaption", {}, "instance ids")) : null) : null;
  return card(null, "pictures", tools, big, strip, beside, ...errors.map(error => el("p", {class: "bad small"}, error)));
}
function planCard(row, focus) {
  const scene = scenes(row);
  if (!scene || !scene.plan) return null;
  const shot = shotsOf(row)[look.shot];
  const plan = floorPlan(scene, shot ? shot.view : null, focus), [, , width, height] = plan.getAttribute("viewBox").split(" ").map(Number);
  plan.style.maxWidth = `min(100%, ${(26 * width / height).toFixed(1)}rem)`;
  return card("From above", "", plan);
}
function told(value, names) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  if (typeof value === "string") return names.has(value) ? `${value} (${names.get(value)})` : value;
  if (Array.isArray(value)) return value.map(each => Array.isArray(each) ? `[${told(each, names)}]` : told(each, names)).join(", ");
  if (value && typeof value === "object") return Object.entries(value).map(([key, each]) => `${key}: ${told(each, names)}`).join("; ");
  return String(value);
}
function whyCard(row) {
  const scene = scenes(row), names = new Map(scene ? scene.objects.map(thing => [thing.id, thing.label]) : row.graph !== undefined ? DATA.graphs[row.graph].objects.map(each => [each[0], each[1]]) : []);
  const facts = Object.entries(row.facts || {});
  const meter = row.margin === undefined ? null : el("div", {}, el("div", {class: "meter", title: "1 is just clear enough to be asked"}, el("div", {class: row.margin < 1.5 ? "low" : "", style: `width:${Math.min(100, 100 * row.margin / 6)}%`}), el("i", {style: `left:${100 / 6}%`})),
    el("p", {class: "small soft"}, `${number(row.margin)} times its margin`));
  return card("Why", "", row.rationale ? el("p", {class: "why"}, row.rationale) : el("p", {class: "soft"}, "No rationale."), meter,
    facts.length ? el("dl", {}, facts.flatMap(([key, value]) => [el("dt", {}, spaced(key)), el("dd", {}, told(value, names))])) : null);
}
function objectsCard(row, focus) {
  const shot = shotsOf(row)[look.shot], truths = shot ? truthsOf(row, shot, focus) : row.graph !== undefined ? truthsOf(row, {kind: "image"}, focus) : [];
  if (!truths.length) return null;
  const listed = [...truths].sort((a, b) => b.focus - a.focus || (a.distance ?? 1e9) - (b.distance ?? 1e9)), fractions = truths.some(each => each.fraction !== undefined);
  const label = id => (truths.find(each => each.id === id) || {label: id}).label;
  return card("In this picture", "", el("div", {class: "objects"}, el("table", {},
    el("tr", {}, el("th", {}, "id"), el("th", {}, "name"), el("th", {}, "distance"), fractions ? el("th", {}, "visible") : null),
    listed.map(each => el("tr", {class: each.focus ? "focus" : ""}, el("td", {}, each.color && shot && shot.ids ? el("span", {class: "swatch", style: `background:${each.color}`}) : null, " ", each.id), el("td", {}, each.label),
      el("td", {}, each.distance === null || each.distance === undefined ? "–" : `${number(each.distance)} m`), fractions ? el("td", {}, `${Math.round(100 * each.fraction)} %`) : null)))),
    row.relations ? el("div", {class: "relations"}, row.relations.slice(0, 24).map(([a, relation, b]) => el("span", {}, `${label(a)} ${spaced(relation)} ${label(b)}`)), row.relations.length > 24 ? el("span", {}, `+ ${row.relations.length - 24}`) : null) : null);
}
function timeCard(row) {
  if (row.timeline === undefined) return null;
  const shots = shotsOf(row), events = DATA.timelines[row.timeline].map(([label, start, end]) => ({label, start, end}));
  return card("In view", "", timeChart(events, shots.map(shot => shot.time).filter(time => time !== undefined), shots[look.shot] ? shots[look.shot].time : null));
}
function sourceCard(row) {
  const facts = [["id", row.id], ["group", row.group], ["source", row.source], ["license", row.license], ["seed", row.seed],
    ...row.media.map(place => DATA.media[place]).map(medium => [medium.type, [medium.path || "bytes", medium.width ? `${medium.width} x ${medium.height}` : null, medium.duration ? `${number(medium.duration)} s` : null, medium.fps ? `${medium.fps} fps` : null].filter(Boolean).join(", ")])];
  return card("Origin", "", el("dl", {}, facts.filter(fact => fact[1]).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {class: "mono"}, key === "id" ? el("a", {href: "#" + encodeURIComponent(value)}, value) : value)])));
}
function answerOf(row) {
  if (!row.options) return el("p", {class: "answer"}, row.answer);
  return el("ol", {class: "options"}, row.options.map((option, i) => {
    const letter = String.fromCharCode(65 + i), right = row.letter ? row.letter === letter : row.answer === option;
    return el("li", {class: right ? "right" : ""}, `${letter}. `, option, right ? " ✓" : "");
  }), row.letter ? null : el("li", {class: "right"}, row.answer));
}
function show(row) {
  const focus = focusOf(row), flagged = flags.has(row.id);
  if (look.row !== row) { look.row = row; look.shot = firstShot(row, focus); }
  const note = flagged ? el("input", {class: "note-input", placeholder: "what is wrong with it?", "aria-label": "note", maxlength: 500, oninput: event => flags.note(row.id, event.target.value)}) : null;
  if (note) note.value = flags.notes.get(row.id);
  return [
    el("div", {class: "top"}, el("span", {class: "badge"}, spaced(row.task)), el("span", {class: "badge soft"}, spaced(row.kind)), el("span", {class: "badge soft"}, row.split),
      row.margin !== undefined ? el("span", {class: row.margin < 1.5 ? "badge warn" : "badge soft"}, `${number(row.margin, 1)} x margin`) : null,
      el("div", {class: "push"}, el("button", {class: "button small", type: "button", "aria-label": "previous", onclick: () => page.step(-1)}, "↑"), el("button", {class: "button small", type: "button", "aria-label": "next", onclick: () => page.step(1)}, "↓"),
        el("button", {class: "button small flag", type: "button", "aria-pressed": String(flagged), onclick: () => act("f")}, flagged ? "⚑ flagged" : "⚐ flag"))),
    note, el("h3", {class: "question"}, row.question), answerOf(row),
    el("div", {class: "cards"},
      el("div", {class: "column"}, pictureCard(row, focus), timeCard(row), row.cells ? card("Map", "", cellMap(row.cells.size, row.cells.cells)) : null),
      el("div", {class: "column"}, whyCard(row), planCard(row, focus), objectsCard(row, focus), sourceCard(row))),
  ];
}
function thumb(row) {
  const medium = row.media.map(place => DATA.media[place]).find(each => each.shots.length);
  return medium ? el("img", {class: "thumb", src: block(medium.shots[0].picture), alt: "", loading: "lazy"}) : el("span", {class: "thumb"}, row.media.length ? DATA.media[row.media[0]].type : "none");
}

// --- counts, balance, refusals --------------------------------------------------------------------------------------
const splits = Object.keys(DATA.counts), tasks = Object.keys(DATA.balance), color = i => `var(--c${[2, 1, 3, 4, 5, 0][i % 6]})`;
document.getElementById("summary").textContent = `${whole(DATA.total)} samples of ${whole(tasks.length)} ${tasks.length === 1 ? "task" : "tasks"}: ${splits.map(split => `${split} ${whole(Object.values(DATA.counts[split]).reduce((a, b) => a + b, 0))}`).join(", ")}`
  + (DATA.generator ? `. Made by ${DATA.generator}, wherewise ${DATA.version}.` : ".");
function countsCard() {
  const totals = tasks.map(task => ({name: task, parts: splits.map(split => DATA.counts[split][task] || 0)})).map(each => ({...each, value: each.parts.reduce((a, b) => a + b, 0)})).sort((a, b) => b.value - a.value);
  return card("Samples by task", "", splits.length > 1 ? el("div", {class: "keys"}, splits.map((split, i) => el("span", {}, el("span", {class: "swatch", style: `background:${color(i)}`}), " ", split))) : null,
    bars(totals.map(each => ({name: spaced(each.name), value: each.value, text: whole(each.value), parts: each.parts.map((part, i) => [part / each.value, color(i)]), onclick: () => choose(each.name)})), totals[0].value));
}
function choose(task) { page.inputs.task.value = page.inputs.task.value === task ? "" : task; page.refilter(); }
function balanceCard(task) {
  if (!task) return card("Balance of answers", "", bars(tasks.map(name => {
    const {answers, total} = DATA.balance[name];
    return {name: spaced(name), value: 1, parts: [...answers.map(([, count], i) => [count / total, color(i)])], text: `${answers[0][0].length > 14 ? answers[0][0].slice(0, 13) + "…" : answers[0][0]} ${percentOf(answers[0][1], total)}`, onclick: () => choose(name)};
  }), 1), el("p", {class: "soft small"}, "Each color is one answer; the most frequent is named."));
  const {answers, distinct, total, letters} = DATA.balance[task], most = answers[0][1], rest = total - answers.reduce((sum, each) => sum + each[1], 0);
  return card(`Answers of ${spaced(task)}`, "", bars([...answers.map(([name, count]) => ({name, value: count, text: `${whole(count)} · ${percentOf(count, total)}`})), ...(rest ? [{name: `${distinct - answers.length} others`, value: Math.min(rest, most), text: `${whole(rest)} · ${percentOf(rest, total)}`, color: "var(--c0)"}] : [])], most),
    letters.length ? el("h4", {style: "margin-top:.9rem"}, "Right letters") : null, letters.length ? bars(letters.map(([name, count]) => ({name, value: count, text: `${whole(count)} · ${percentOf(count, total)}`, color: "var(--c3)"})), Math.max(...letters.map(each => each[1]))) : null);
}
function refusalsCard(task) {
  const own = task && DATA.families[task], entries = own || DATA.rejections;
  if (!entries.length) return null;
  const kept = name => name === "kept" || name === "clear";
  return card(own ? `Outcomes of ${spaced(task)}` : "Refused while it was made", "", !own && task ? el("p", {class: "soft small"}, "The manifest counts reasons over all tasks.") : null,
    bars(entries.map(([name, count]) => ({name: spaced(name.replace(/^questions\./, "").replace(/^scenes\./, "scene: ")), value: count, text: whole(count), color: kept(name) ? "var(--c3)" : "var(--c1)"})), entries[0][1]));
}
function overview(page) {
  const task = page.inputs.task ? page.inputs.task.value : "";
  document.querySelector("#overview .overview").replaceChildren(...[countsCard(), balanceCard(task), refusalsCard(task)].filter(Boolean));
}

// --- the page -------------------------------------------------------------------------------------------------------
const bar = document.getElementById("filters");
const page = browser({
  root: document.getElementById("gallery"), bar, rows: DATA.rows,
  filters: [
    {name: "task", of: row => row.task, values: values(DATA.rows, row => row.task), always: true},
    {name: "split", of: row => row.split, values: values(DATA.rows, row => row.split)},
    {name: "answer", of: row => row.kind, values: values(DATA.rows, row => row.kind)},
    {name: "margin below", below: row => row.margin, step: .1, title: "at most so many times the margin that keeps it from being ambiguous"},
    {name: "flagged", test: row => flags.has(row.id)},
    {name: "with pictures", test: row => row.media.some(place => DATA.media[place].shots.length)},
  ],
  item: row => [thumb(row), el("div", {}, el("div", {class: "line"}, flags.has(row.id) ? el("span", {class: "flagged"}, "⚑ ") : null, el("b", {}, spaced(row.task)), ` · ${row.letter ? row.letter + ". " : ""}${row.answer}`), el("div", {class: "line soft"}, row.question))],
  text: row => [row.id, row.task, row.split, row.question, ...(row.options || []), row.answer, row.rationale || "", row.group, JSON.stringify(row.facts || {})].join("\n"),
  show,
  onchange: self => overview(self),
});
const flagCount = el("button", {class: "button small", type: "button", id: "download", onclick: () => flags.download()});
const file = el("input", {type: "file", class: "file", accept: ".jsonl", onchange: async event => { const [chosen] = event.target.files; if (chosen) { loaded.textContent = flags.load(await chosen.text()); page.refilter(true); } event.target.value = ""; }});
const loaded = el("span", {class: "soft small", "aria-live": "polite"});
bar.append(flagCount, el("button", {class: "button small", type: "button", title: "flags.jsonl of before", onclick: () => file.click()}, "load flags"), file, loaded);
flags.watch = () => { flagCount.textContent = `download flags (${flags.notes.size})`; flagCount.disabled = !flags.notes.size; };
flags.watch();
function act(key) {
  const row = page.chosen();
  if (!row) return false;
  const shots = shotsOf(row);
  if (key === "f") { flags.toggle(row.id); page.draw(true); }
  else if (key === "b") cycle("boxes", ["all", "asked", "off"]);
  else if (key === "n") cycle("names", ["asked", "all", "off"]);
  else if (key === "d" || key === "i") { const layer = {d: "depth", i: "ids"}[key]; look.layer = look.layer === layer ? "picture" : layer; }
  else if (key === "[") look.shot = Math.max(0, look.shot - 1);
  else if (key === "]") look.shot = Math.max(0, Math.min(shots.length - 1, look.shot + 1));
  else return false;
  page.redraw();
  return true;
}
keys([page], key => act(key));
const counts = document.getElementById("overview"), remembered = memory.get("wherewise-overview");
counts.open = remembered ? remembered === "open" : window.matchMedia("(min-width: 761px) and (min-height: 1100px)").matches;
counts.addEventListener("toggle", () => memory.set("wherewise-overview", counts.open ? "open" : "closed"));
const follow = () => location.hash.length > 1 && page.find(row => row.id === decodeURIComponent(location.hash.slice(1)));
window.addEventListener("hashchange", follow);
follow();
