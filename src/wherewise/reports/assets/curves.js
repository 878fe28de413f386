// Line charts over steps. chart: {title, series: [{name, points: [[x, y], ...]}]}; faint as measured, strong as the trailing mean.
function ticksOf(low, high, count) {
  const span = high - low || Math.abs(high) || 1;
  let step = 10 ** Math.floor(Math.log10(span / count));
  step *= [1, 2, 5, 10].find(times => span / (step * times) <= count) || 10;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}
// At most `most` points: means of neighbours.
function thinned(points, most) {
  if (points.length <= most) return points;
  const size = Math.ceil(points.length / most), found = [];
  for (let i = 0; i < points.length; i += size) {
    const part = points.slice(i, i + size);
    found.push([part[part.length - 1][0], part.reduce((sum, point) => sum + point[1], 0) / part.length]);
  }
  return found;
}
function trailing(points, window) {
  let sum = 0;
  return points.map(([x, y], i) => { sum += y - (i >= window ? points[i - window][1] : 0); return [x, sum / Math.min(i + 1, window)]; });
}
function lineChart(chart) {
  const kept = chart.series.map(({name, points}) => ({name, points: points.filter(point => Number.isFinite(point[1]))})).filter(each => each.points.length);
  if (!kept.length) return null;
  const width = 360, height = 200, left = 46, right = 12, bottom = 24, legend = kept.length > 1 ? 13 * Math.ceil(kept.length / 3) : 0, top = 24 + legend;
  const all = kept.flatMap(each => each.points), low = i => all.reduce((least, point) => Math.min(least, point[i]), Infinity), high = i => all.reduce((most, point) => Math.max(most, point[i]), -Infinity);
  const x0 = low(0), x1 = high(0);
  let y0 = low(1), y1 = high(1);
  if (y1 - y0 < 1e-9) [y0, y1] = y0 >= 0 ? [y0, y0 + 1] : [y0 - .5, y0 + .5];
  const X = x => left + (x - x0) / (x1 - x0 || 1) * (width - left - right), Y = y => height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom);
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chart.title, class: "chart"}, svg("text", {x: left, y: 15, class: "title"}, chart.title));
  const latest = svg("text", {x: width - right, y: 15, class: "tick end"}); root.append(latest);
  const short = value => value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  for (const tick of ticksOf(y0, y1, 4)) root.append(svg("line", {x1: left, x2: width - right, y1: Y(tick), y2: Y(tick), class: "grid"}), svg("text", {x: left - 5, y: Y(tick) + 3.5, class: "tick end"}, short(tick)));
  for (const tick of ticksOf(x0, x1, 5)) root.append(svg("text", {x: X(tick), y: height - 8, class: "tick mid"}, short(tick)));
  kept.forEach((each, i) => {
    const stroke = `var(--c${(kept.length > 1 ? i + 1 : 2) % 6})`, raw = thinned(each.points, 400), smooth = trailing(raw, Math.max(1, Math.floor(raw.length / 20)));
    each.smooth = smooth;
    for (const [points, opacity] of [[raw, .28], [smooth, 1]]) root.append(svg("polyline", {points: points.map(([x, y]) => `${X(x).toFixed(1)},${Y(y).toFixed(1)}`).join(" "), fill: "none", stroke, opacity}));
    if (raw.length === 1) root.append(svg("circle", {cx: X(raw[0][0]), cy: Y(raw[0][1]), r: 2.5, fill: stroke}));
    if (kept.length > 1) {
      const name = svg("text", {x: left + (i % 3) * 103, y: 29 + 13 * Math.floor(i / 3), class: "tick", style: `fill:${stroke}`}, each.name.length > 18 ? each.name.slice(0, 17) + "…" : each.name);
      name.append(svg("title", {}, each.name)); root.append(name);
    }
  });
  const cursor = svg("line", {y1: top, y2: height - bottom, class: "cursor", visibility: "hidden"}); root.append(cursor);
  const say = x => { const near = kept.map(each => each.smooth.reduce((best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best)); latest.textContent = `${short(near[0][0])}: ${near.map(point => short(point[1])).join(", ")}`; cursor.setAttribute("x1", X(near[0][0])); cursor.setAttribute("x2", X(near[0][0])); };
  const rest = () => { cursor.setAttribute("visibility", "hidden"); latest.textContent = kept.length === 1 ? short(kept[0].smooth[kept[0].smooth.length - 1][1]) : ""; };
  root.addEventListener("pointermove", event => { const box = root.getBoundingClientRect(); cursor.setAttribute("visibility", "visible"); say(x0 + ((event.clientX - box.left) / box.width * width - left) / (width - left - right) * (x1 - x0)); });
  root.addEventListener("pointerleave", rest); rest();
  return root;
}
function drawCharts(place, charts) { place.replaceChildren(...charts.map(lineChart).filter(Boolean)); }
