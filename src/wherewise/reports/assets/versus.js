// Two evaluations or two runs, question by question.
const sourceOf = shot => shot.picture ? block(shot.picture) : null;
if (DATA.charts.length) drawCharts(document.getElementById("charts"), DATA.charts);
const pairLook = {boxes: true, graph: true, shot: 0, row: null};
const repliesOf = row => row.sides.flatMap((side, i) => side.completions.map(each => ({...each, side: i})));
const badgeOf = name => ({fixed: "good", broken: "bad", "both wrong": "warn"})[name] || "soft";

function sideCard(row, i, pick, choose, replies) {
  const side = row.sides[i], most = Math.max(...side.completions.map(each => Math.abs(each.advantage || 0)));
  return el("section", {class: "side"}, el("h4", {}, `${"AB"[i]}: ${DATA.names[i]} `, el("span", {class: side.right ? "good" : "bad"}, side.right ? "right" : "wrong"), side.step ? ` · step ${side.step} · mean ${number(side.score)}` : ""),
    el("div", {class: "replies"}, replies.map((each, at) => each.side !== i ? null : el("div", {class: at === pick ? "reply chosen" : "reply", onclick: () => choose(at)},
      el("div", {class: "reply-head"}, el("b", {}, String(at + 1)), each.reward === undefined ? null : el("span", {}, "reward ", el("b", {}, number(each.reward))), each.advantage === undefined ? null : el("span", {class: "with-bar"}, "advantage ", advantageBar(each.advantage, most)),
        each.tokens ? el("span", {class: "soft"}, `${each.tokens} tokens`) : null, each.truncated ? el("span", {class: "badge bad"}, "truncated") : null),
      scoreBars(each, side), each.text ? el("code", {}, each.text) : el("p", {class: "soft"}, "no reply"), each.note ? el("p", {class: "soft small note-line"}, each.note) : null))));
}
const pairBrowser = browser({
  root: document.getElementById("pairs"), bar: document.getElementById("pair-filters"), rows: DATA.rows,
  filters: [
    {name: "verdict", of: row => row.verdict, values: DATA.verdicts, always: true},
    {name: "task", of: row => row.task, values: values(DATA.rows, row => row.task)},
    {name: "truncated", test: row => repliesOf(row).some(each => each.truncated)},
  ],
  text: row => JSON.stringify([row.id, row.question, row.options, row.gold, repliesOf(row).map(each => each.text)]),
  item: row => el("div", {}, line(el("span", {class: badgeOf(row.verdict)}, row.verdict), ` · ${spaced(row.task)}`), line(el("span", {class: "soft"}, row.question)), line(el("span", {class: "soft"}, row.gold))),
  show: (row, pick, choose) => {
    const replies = repliesOf(row);
    return [
      el("div", {class: "top"}, el("span", {class: `badge ${badgeOf(row.verdict)}`}, row.verdict), el("span", {class: "soft small"}, `${spaced(row.task)} · ${row.id}`),
        el("span", {class: "push"}, press("boxes", pairLook.boxes, () => pairKey("b"), "b"), press("graph", pairLook.graph, () => pairKey("g"), "g"))),
      el("h3", {}, row.question), optionsList(row), el("p", {class: "answer"}, row.gold),
      el("div", {class: "beside-replies"}, row.shots.length ? el("div", {class: "seen"}, shotCard(row, replies[pick], pairLook, () => pairBrowser.redraw()), evidenceCard(row, replies[pick], pairLook)) : el("div", {class: "seen"}, el("p", {class: "soft"}, "Pictures come with --data DATASET."), evidenceCard(row, replies[pick], pairLook)),
        el("div", {class: "sides"}, sideCard(row, 0, pick, choose, replies), sideCard(row, 1, pick, choose, replies))),
    ];
  },
  onchange: () => showVerdicts(),
});
function showVerdicts() {
  const chosen = document.querySelector("#pair-filters select").value;
  document.getElementById("verdicts").replaceChildren(...DATA.verdicts.map(name => el("button", {class: `verdict ${name.replace(" ", "-")}`, type: "button", "aria-pressed": String(chosen === name), onclick: () => only(chosen === name ? "" : name)},
    el("b", {}, whole(DATA.rows.filter(row => row.verdict === name).length)), name)));
}
function only(name) { pairBrowser.inputs.verdict.value = name; pairBrowser.refilter(); }
function pairKey(key) {
  const jump = {f: "fixed", r: "broken", w: "both wrong", a: ""};
  if (key in jump) { only(jump[key]); return true; }
  if (key === "b") pairLook.boxes = !pairLook.boxes;
  else if (key === "g") pairLook.graph = !pairLook.graph;
  else if (key === "[" || key === "]") pairLook.shot = Math.max(0, pairLook.shot + (key === "]" ? 1 : -1));
  else return false;
  pairBrowser.redraw();
  return true;
}
keys([pairBrowser], (key, current) => pickKey(key, current) || pairKey(key));
document.documentElement.dataset.ready = "yes";
