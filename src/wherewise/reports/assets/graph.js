// Truth (solid) beside a claim (dashed): a scene graph, a timeline, cells of a map.

/* truth, claim: {boxes: [{label, box, focus}], relations: [[subject, predicate, object]]}; size: [width, height] of the picture.
   Nodes lie as in the picture, pulled apart to fill the drawing; a dotted line leads from a claimed place to the true one of the same name. */
function sceneGraph(truth, claim, size) {
  const focus = new Set((truth.boxes || []).filter(each => each.focus).map(each => each.label)), between = names => ([subject, , object]) => names.has(subject) && names.has(object);
  let relations = truth.relations || [], things = truth.boxes || [];
  if (relations.length > 8 && focus.size > 1) relations = relations.filter(between(focus));
  if (things.length > 8) { const named = new Set(relations.flatMap(([subject, , object]) => [subject, object])); things = [...things].filter(each => each.focus || named.has(each.label)).slice(0, 12); }
  const said = (claim.boxes || []).filter(each => each.label !== "answer").slice(0, 12), width = 340, height = 230, letter = 11, margin = 34;
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "scene-graph", role: "img", "aria-label": "scene graph: truth solid, claim dashed"});
  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
  const middles = [...things, ...said].map(({box: [x1, y1, x2, y2]}) => [(x1 + x2) / 2 / size[0], (y1 + y2) / 2 / size[1]]);
  const span = axis => { const all = middles.map(each => clamp(each[axis], -.2, 1.2)), low = Math.min(...all), high = Math.max(...all), pad = Math.max(0, .3 - (high - low)) / 2; return [low - pad, high + pad]; };
  const [left, right] = span(0), [high, low] = span(1);
  const place = ([x1, y1, x2, y2]) => [clamp(margin + (width - 2 * margin) * ((x1 + x2) / 2 / size[0] - left) / (right - left), margin, width - margin), clamp(margin + (height - 2 * margin) * ((y1 + y2) / 2 / size[1] - high) / (low - high), margin, height - margin)];
  const key = label => String(label).trim().toLowerCase(), at = new Map(), saidAt = new Map();
  for (const each of things) at.set(key(each.label), place(each.box));
  for (const each of said) saidAt.set(key(each.label), place(each.box));
  const words = [...at.values(), ...saidAt.values()].map(([x, y]) => ({x, y: y + 4, half: 8}));
  function write(x, y, text, kind) {
    const half = text.length * letter * .29;
    x = clamp(x, half + 2, width - half - 2);
    for (let tries = 0; tries < 6 && words.some(other => Math.abs(other.y - y) < letter && Math.abs(other.x - x) < other.half + half); tries++) y += letter + 1;
    y = clamp(y, letter, height - 3); words.push({x, y, half});
    root.append(svg("text", {x, y, "font-size": letter, "text-anchor": "middle", class: kind}, text));
  }
  const edges = [];
  function edge(from, to, text, kind, bend) {
    if (!from || !to) return;
    const [x1, y1] = from, [x2, y2] = to, long = Math.hypot(x2 - x1, y2 - y1) || 1, mx = (x1 + x2) / 2 - bend * (y2 - y1) / long, my = (y1 + y2) / 2 + bend * (x2 - x1) / long;
    root.append(svg("path", {d: `M${x1},${y1} Q${mx},${my} ${x2},${y2}`, class: kind}));
    const ax = (x1 + 2 * mx + x2) / 4, ay = (y1 + 2 * my + y2) / 4, turn = Math.atan2(y2 - y1, x2 - x1) * 180 / Math.PI;
    root.append(svg("path", {d: "M-4,-3.5 L4,0 L-4,3.5 Z", transform: `translate(${ax},${ay}) rotate(${turn})`, class: kind + " tip"}));
    edges.push([ax, ay - 6, spaced(text), kind + "-name"]);
  }
  relations.slice(0, 24).forEach(([subject, predicate, object], i) => edge(at.get(key(subject)), at.get(key(object)), predicate, "edge", 8 + 9 * (i % 3)));
  (claim.relations || []).slice(0, 24).forEach(([subject, predicate, object], i) => edge(saidAt.get(key(subject)) || at.get(key(subject)), saidAt.get(key(object)) || at.get(key(object)), predicate, "edge said", -8 - 9 * (i % 3)));
  for (const each of said) {
    const [x, y] = saidAt.get(key(each.label)), there = at.get(key(each.label));
    if (there && Math.hypot(there[0] - x, there[1] - y) > 4) root.append(svg("line", {x1: x, y1: y, x2: there[0], y2: there[1], class: "shift"}));
  }
  for (const each of things) { const [x, y] = at.get(key(each.label)); root.append(svg("circle", {cx: x, cy: y, r: each.focus ? 6 : 4.5, class: each.focus ? "node focus" : "node"})); }
  for (const each of said) { const [x, y] = saidAt.get(key(each.label)); root.append(svg("circle", {cx: x, cy: y, r: 8.5, class: "node said"})); }
  for (const each of things) { const [x, y] = at.get(key(each.label)); write(x, y - 10, each.label, "node-name"); }
  for (const each of said) { const [x, y] = saidAt.get(key(each.label)); write(x, y + 19, each.label, at.has(key(each.label)) ? "said-name" : "said-name unknown"); }
  for (const [x, y, text, kind] of edges) write(x, y, text, kind.replace(" ", "-"));
  return root;
}

// Events of truth (solid) over those of the claim (dashed), in seconds; marks: times of the frames that are shown.
function eventChart(truth, claim, marks) {
  const rows = [...truth.map(each => ({...each, kind: "span"})), ...claim.map(each => ({...each, kind: "span said"}))].slice(0, 48);
  rows.sort((a, b) => a.label.toLowerCase() > b.label.toLowerCase() ? 1 : a.label.toLowerCase() < b.label.toLowerCase() ? -1 : a.kind.length - b.kind.length);
  const root = timeChart(rows.map(({label, start, end}) => ({label, start, end: Math.max(start, end)})), marks, null);
  root.querySelectorAll(".span").forEach((node, i) => node.setAttribute("class", rows[i].kind));
  return root;
}

// Cells of truth (solid) and claim (dashed) on one map.
function cellsView(size, truth, claim) {
  const most = Math.max(size || 0, 2, ...claim.flatMap(([, places]) => places.flatMap(([column, row]) => [column + 1, row + 1])).filter(value => value <= 40));
  const root = cellMap(most, truth);
  for (const [label, places] of claim) for (const [column, row] of places) if (column >= 0 && row >= 0 && column < most && row < most)
    root.append(svg("rect", {x: 10 * column + .6, y: 10 * row + .6, width: 8.8, height: 8.8, class: "said-cell"}, svg("title", {}, `claimed: ${label}: column ${column}, row ${row}`)));
  return root;
}
