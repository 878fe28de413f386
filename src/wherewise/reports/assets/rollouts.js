// Groups of completions: pictures with truth and claim, scores, advantages. sourceOf(shot) is the page's: where a picture is.
const groupLook = {boxes: true, graph: true, shot: 0, row: null};
const rewardsOf = row => row.completions.map(each => each.reward).filter(each => each !== null && each !== undefined);
const mean = values => values.length ? values.reduce((sum, each) => sum + each, 0) / values.length : null;
const silent = row => { const kept = rewardsOf(row); return kept.length > 0 && Math.max(...kept) - Math.min(...kept) < 1e-9; };
const line = (...parts) => el("div", {class: "line"}, parts);
const partsOf = (chosen, key) => (chosen && chosen.claim && chosen.claim[key]) || [];
const press = (label, pressed, act, key) => el("button", {class: "button small", type: "button", "aria-pressed": String(pressed), title: `key ${key}`, onclick: act}, label);

// Pictures of a row with truth and, dashed, what a completion claims; below, the frames of a clip with their times.
function shotCard(row, chosen, look, redraw) {
  const shots = row.shots.map(shot => ({...shot, source: sourceOf(shot)})).filter(shot => shot.source), truth = row.truth || {};
  if (row.error) return el("p", {class: "bad small"}, row.error);
  if (!shots.length) return el("p", {class: "soft"}, row.shots.length ? "The picture is not on this page." : "The question has no picture.");
  if (look.row !== row) { look.row = row; look.shot = 0; }
  look.shot = Math.min(look.shot, shots.length - 1);
  const shot = shots[look.shot], size = row.size || shot.size || [100, 100], still = shot.time === undefined && shot.medium === 0;
  const gold = truth.gold ? [{...truth.gold, label: "answer"}] : [];
  const view = pictureView({source: shot.source, size: still ? size : shot.size || size, truths: look.boxes && still ? truth.boxes || [] : [], gold: look.boxes && still ? gold : [], claims: look.boxes && still ? partsOf(chosen, "boxes") : [], wide: 560, label: `picture of ${row.id}`});
  const name = (each, i) => each.time !== undefined ? `${number(each.time)} s` : `picture ${i + 1}`;
  const strip = shots.length > 1 ? el("div", {class: "strip"}, shots.map((each, i) => el("button", {type: "button", "aria-pressed": String(i === look.shot), onclick: () => { look.shot = i; redraw(); }}, el("img", {src: each.source, alt: ""}), name(each, i)))) : null;
  return el("figure", {class: "shot"}, view, shots.length > 1 || shot.time !== undefined ? el("figcaption", {}, `${name(shot, look.shot)} · ${look.shot + 1} of ${shots.length}`) : null, strip);
}
// Scene graph, timeline and map of truth and claim, where the question has them.
function evidenceCard(row, chosen, look) {
  const truth = row.truth || {}, claim = (chosen && chosen.claim) || {}, found = [];
  if ((truth.boxes || claim.boxes) && row.size) found.push(sceneGraph(truth, claim, row.size));
  if (truth.events || claim.events) found.push(eventChart(truth.events || [], claim.events || [], row.shots.map(shot => shot.time).filter(time => time !== undefined)));
  if (truth.cells || claim.cells) found.push(cellsView(truth.grid, truth.cells || [], claim.cells || []));
  return look.graph && found.length ? el("section", {class: "evidence"}, el("h4", {}, "truth solid, claim dashed"), ...found) : null;
}
// Each reward as a bar on the scale of its highest value in the row; the advantage to the left or right of a middle.
function scoreBars(completion, row) {
  const most = name => Math.max(1, ...row.completions.map(each => each.scores[name] || 0));
  return bars(Object.entries(completion.scores).map(([name, value], i) => ({name, value, text: value === null ? "not judged" : number(value), color: `var(--c${[2, 3, 4, 1, 5, 0][i % 6]})`})).map(entry => ({...entry, value: entry.value === null ? null : entry.value / most(entry.name)})));
}
function advantageBar(value, most) {
  if (value === null || value === undefined) return el("span", {class: "soft"}, "none");
  const share = 50 * Math.min(1, Math.abs(value) / (most || 1));
  return el("span", {class: "advantage", title: `advantage ${number(value, 3)}`}, el("span", {class: "zero"}), el("span", {class: value < 0 ? "less" : "more", style: value < 0 ? `right:50%;width:${share}%` : `left:50%;width:${share}%`}));
}
function completionCard(row, i, pick, choose) {
  const each = row.completions[i], most = Math.max(...row.completions.map(other => Math.abs(other.advantage || 0)));
  return el("div", {class: i === pick ? "reply chosen" : "reply", onclick: () => choose(i)},
    el("div", {class: "reply-head"}, el("b", {}, `${i + 1}`), el("span", {}, "reward ", el("b", {}, number(each.reward))),
      el("span", {class: "with-bar"}, "advantage ", el("b", {class: each.advantage > 0 ? "good" : each.advantage < 0 ? "bad" : "soft"}, number(each.advantage)), advantageBar(each.advantage, most)),
      each.tokens ? el("span", {class: "soft"}, `${each.tokens} tokens`) : null, each.truncated ? el("span", {class: "badge bad"}, "truncated") : null),
    scoreBars(each, row), el("code", {}, each.text), each.note ? el("p", {class: "soft small note-line"}, each.note) : null);
}
const optionsList = row => row.options && row.options.length ? el("p", {class: "soft small"}, "options: ", row.options.join(" · ")) : null;

function groupFilters(rows) {
  return [
    {name: "task", of: row => row.task, values: values(rows, row => row.task), always: true},
    {name: "run", of: row => row.run, values: values(rows, row => row.run)},
    {name: "signal", of: row => silent(row) ? "none" : "yes", values: ["yes", "none"]},
    {name: "truncated", test: row => row.completions.some(each => each.truncated)},
    {name: "mean reward below", below: row => mean(rewardsOf(row)), step: .1, title: "groups whose mean reward is lower"},
  ];
}
function groupItem(row) {
  const kept = rewardsOf(row), range = kept.length ? `reward ${number(Math.min(...kept))} to ${number(Math.max(...kept))}` : "not judged";
  return el("div", {}, line(`step ${row.step} · ${spaced(row.task)}`), line(el("span", {class: "soft"}, row.question)), line(el("span", {class: "soft"}, `${range} `), silent(row) ? el("span", {class: "badge warn"}, "no signal") : null));
}
function groupDetails(row, pick, choose, redraw) {
  const chosen = row.completions[pick];
  return [
    el("div", {class: "top"}, el("span", {class: "soft small"}, `step ${row.step} · ${spaced(row.task)} · ${row.id}`), row.policy ? el("span", {class: "soft small"}, `drawn by ${row.policy}`) : null, silent(row) ? el("span", {class: "badge warn", title: "all rewards are equal: the group teaches nothing"}, "no signal") : null,
      el("span", {class: "push"}, press("boxes", groupLook.boxes, () => groupKey("b"), "b"), press("graph", groupLook.graph, () => groupKey("g"), "g"))),
    el("h3", {}, row.question), optionsList(row), el("p", {class: "answer"}, row.gold),
    el("div", {class: "beside-replies"}, el("div", {class: "seen"}, shotCard(row, chosen, groupLook, redraw), evidenceCard(row, chosen, groupLook)),
      el("div", {class: "replies"}, row.completions.map((_, i) => completionCard(row, i, pick, choose)))),
  ];
}
function groupKey(key) {
  if (key === "b") groupLook.boxes = !groupLook.boxes;
  else if (key === "g") groupLook.graph = !groupLook.graph;
  else if (key === "[" || key === "]") groupLook.shot = Math.max(0, groupLook.shot + (key === "]" ? 1 : -1));
  else return false;
  groupBrowser.redraw();
  return true;
}
function makeGroups(root, bar, rows) {
  return browser({root, bar, rows, filters: groupFilters(rows), item: groupItem, text: row => JSON.stringify([row.id, row.question, row.options, row.gold, row.completions.map(each => each.text)]),
    show: (row, pick, choose) => groupDetails(row, pick, choose, () => groupBrowser.redraw())});
}
const pickKey = (key, current) => { if (!/^[1-9]$/.test(key)) return false; current.go(current.state.at, Number(key) - 1); return true; };
