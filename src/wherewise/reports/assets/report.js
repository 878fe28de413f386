// The report: learning curves, rollout groups, answers of several models side by side.
const sourceOf = shot => shot.picture ? block(shot.picture) : null;
DATA.runs.forEach((run, i) => drawCharts(document.getElementById(`charts-${i}`), run.charts));
const groupBrowser = DATA.groups.length ? makeGroups(document.getElementById("groups"), document.getElementById("group-filters"), DATA.groups) : null;

const exampleLook = {boxes: true, graph: true, shot: 0, row: null};
const verdict = row => row.replies.map(reply => reply.correct ? "✓" : "✗").join(" ");
const exampleBrowser = DATA.examples.length ? browser({
  root: document.getElementById("examples"), bar: document.getElementById("example-filters"), rows: DATA.examples,
  filters: [
    {name: "task", of: row => row.task, values: values(DATA.examples, row => row.task)},
    {name: "marks", of: verdict, values: values(DATA.examples, verdict)},
  ],
  text: row => JSON.stringify([row.id, row.question, row.options, row.gold, row.replies.map(reply => reply.text)]),
  item: row => el("div", {}, line(`${verdict(row)} · ${spaced(row.task)}`), line(el("span", {class: "soft"}, row.question))),
  show: (row, pick, choose) => [
    el("span", {class: "soft small"}, `${spaced(row.task)} · ${row.id}`), el("h3", {}, row.question), optionsList(row), el("p", {class: "answer"}, row.gold),
    el("div", {class: "beside-replies"}, el("div", {class: "seen"}, shotCard(row, row.replies[pick], exampleLook, () => exampleBrowser.redraw()), evidenceCard(row, row.replies[pick], exampleLook)),
      el("div", {class: "replies"}, row.replies.map((reply, i) => el("div", {class: i === pick ? "reply chosen" : "reply", onclick: () => choose(i)},
        el("b", {}, reply.name), " ", el("span", {class: reply.correct ? "good" : "bad"}, reply.correct ? "right" : "wrong"), el("code", {}, reply.text))))),
  ],
}) : null;
keys([groupBrowser, exampleBrowser], (key, current) => pickKey(key, current) || (current === groupBrowser && groupKey(key)));
document.documentElement.dataset.ready = "yes";
