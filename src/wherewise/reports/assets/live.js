// A run that is being written: asks its own server once a second for what is new.
const sourceOf = shot => shot.file;
const groupBrowser = makeGroups(document.getElementById("groups"), document.getElementById("group-filters"), []);
keys([groupBrowser], (key, current) => pickKey(key, current) || groupKey(key));

const live = {epoch: 0, metrics: [], groups: 0, seen: 0, dropped: 0, last: null, lost: 0};
function spell(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
function showCurves() {
  const of = key => live.metrics.filter(row => typeof row[key] === "number").map(row => [row.step, row[key]]);
  const parts = [...new Set(live.metrics.flatMap(row => Object.keys(row)))].filter(key => key.startsWith("reward/") && key !== "reward/total").sort();
  const charts = DATA.curves.map(([title, key]) => ({title, series: [{name: DATA.run, points: of(key)}]}));
  charts.push({title: "reward by part", series: parts.map(key => ({name: key.slice(7), points: of(key)}))});
  drawCharts(document.getElementById("charts"), charts);
}
function showStatus(news) {
  const steps = news.steps, planned = news.planned, recent = live.metrics.slice(-20).map(row => row.seconds).filter(each => typeof each === "number");
  const rate = mean(recent), silentShare = (live.metrics[live.metrics.length - 1] || {}).no_signal;
  const idle = news.quiet !== null && news.quiet > Math.max(30, 20 * (rate || 1));
  const [light, words] = news.finished ? ["on", "finished"] : news.quiet === null ? ["quiet", "waiting for the first step"] : idle ? ["quiet", `no step for ${spell(news.quiet)}`] : ["on", "training"];
  document.getElementById("status").replaceChildren(...[
    el("span", {}, el("span", {class: `light ${light}`}), words), el("span", {}, `step ${whole(steps)}${planned ? ` of ${whole(planned)}` : ""}`),
    rate !== null ? el("span", {class: "soft"}, `${number(rate)} s a step`) : null,
    rate !== null && planned && !news.finished && !idle ? el("span", {class: "soft"}, `about ${spell(rate * (planned - steps))} left`) : null,
    silentShare > 0 ? el("span", {class: silentShare > .5 ? "bad" : "soft"}, `${Math.round(100 * silentShare)} % of the last step's groups without signal`) : null,
    live.dropped ? el("span", {class: "soft"}, `${whole(live.dropped)} earlier groups are only on disk`) : null,
    planned ? el("div", {class: "meter-line"}, el("div", {style: `width:${Math.min(100, 100 * steps / planned)}%`})) : null].filter(Boolean));
}
function showLost(words) { document.getElementById("status").replaceChildren(el("span", {}, el("span", {class: "light lost"}), words)); }
async function look() {
  let news;
  try {
    const answer = await fetch(`state?epoch=${live.epoch}&metrics=${live.metrics.length}&groups=${live.groups}`, {cache: "no-store"});
    news = await answer.json();
  } catch { live.lost += 1; showLost("the server does not answer; start `wherewise view --live` again"); return; }
  if (news.problem) { showLost(news.problem); return; }
  if (news.epoch !== live.epoch) { // the run was resumed from a checkpoint, or this is the first look
    live.metrics = []; live.groups = 0; live.epoch = news.epoch; groupBrowser.clear();
  }
  for (const row of news.metrics) live.metrics.push(row);
  live.groups = news.next_groups; live.dropped = news.dropped;
  if (news.metrics.length || !live.seen) showCurves();
  if (news.groups.length) groupBrowser.add(news.groups);
  live.seen += 1;
  showStatus(news);
}
(async () => { for (;;) { if (!document.hidden || !live.seen) await look(); document.documentElement.dataset.ready = "yes"; await new Promise(resolve => setTimeout(resolve, 1000)); } })();
