// Shared drawings: a picture with boxes and points over it, a room from above, times of a clip, cells of a map.

/* size: [width, height] of the original picture, which boxes refer to; source: its data address (any smaller size).
   truths: {box, label, focus}; gold: {box | point, label}; claims: {box, label}. names: write their labels; wide: pixels that it will be wide on a large screen. */
function pictureView({source, size, truths = [], gold = [], claims = [], names = true, wide = 420, label = "picture"}) {
  const [width, height] = size, letter = width * .77 * parseFloat(getComputedStyle(document.documentElement).fontSize) / Math.min(wide, Math.max(240, window.innerWidth - 70));
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "picture", role: "img", "aria-label": label});
  root.append(svg("image", {href: source, width, height, preserveAspectRatio: "none"}));
  const written = [];
  function write(x, y, text, kind) {
    y = Math.max(letter, Math.min(height - 2, y));
    while (written.some(other => Math.abs(other.y - y) < letter && x < other.end && other.x < x + text.length * letter * .62) && y < height - letter) y += letter;
    const length = text.length * letter * .62;
    x = Math.max(1, Math.min(x, width - length));
    written.push({x, y, end: x + length});
    root.append(svg("text", {x, y, "font-size": letter, class: kind}, text));
  }
  const rect = ([x1, y1, x2, y2], kind) => svg("rect", {x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: kind});
  for (const each of truths) {
    const node = rect(each.box, each.focus ? "truth focus" : "truth");
    node.append(svg("title", {}, each.title || each.label)); root.append(node);
  }
  for (const each of claims) root.append(rect(each.box, "claim"));
  for (const each of gold) {
    if (each.box) root.append(rect(each.box, "gold"));
    else root.append(svg("circle", {cx: each.point[0], cy: each.point[1], r: width / 70, class: "gold dot"}));
  }
  for (const each of truths) if (each.focus || names === "all") if (names) write(each.box[0] + 1, each.box[1] - letter * .25, each.label, null);
  for (const each of claims) if (each.label) write(each.box[0], each.box[3] + letter, each.label, "said");
  for (const each of gold) if (names && each.label) write((each.box || each.point)[0] + (each.box ? 1 : width / 55), (each.box ? each.box[3] + letter : each.point[1]), each.label, "gold-name");
  return root;
}

// scene: outlines in metres, y up; at: index of the camera that is shown; focus: ids of the objects that matter.
function floorPlan(scene, at, focus) {
  const points = [...scene.room, ...scene.rooms.flatMap(room => room.floor), ...scene.objects.flatMap(thing => [...thing.outline, ...(thing.trail || [])]), ...scene.cameras.map(camera => [camera[0], camera[1]])];
  const xs = points.map(point => point[0]), ys = points.map(point => point[1]);
  const pad = .06 * Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), .5);
  const x0 = Math.min(...xs) - pad, x1 = Math.max(...xs) + pad, y0 = Math.min(...ys) - pad, y1 = Math.max(...ys) + pad;
  const span = Math.max(x1 - x0, y1 - y0), k = 100 / span, letter = 3.2;
  const X = x => (k * (x - x0)).toFixed(2), Y = y => (k * (y1 - y)).toFixed(2), P = list => list.map(([x, y]) => `${X(x)},${Y(y)}`).join(" ");
  const root = svg("svg", {viewBox: `0 0 ${(k * (x1 - x0)).toFixed(2)} ${(k * (y1 - y0) + 5).toFixed(2)}`, class: "map", role: "img", "aria-label": "the room from above"});
  if (scene.room.length) root.append(svg("polygon", {points: P(scene.room), class: "floor"}));
  for (const room of scene.rooms) root.append(svg("polygon", {points: P(room.floor), class: "inner"}, svg("title", {}, room.name)));
  for (const door of scene.doors) {
    const [[ax, ay], [bx, by]] = door.ends, ends = {x1: X(ax), y1: Y(ay), x2: X(bx), y2: Y(by)};
    root.append(svg("line", {...ends, class: door.open ? "door" : "door closed"}));
    if (door.open) root.append(svg("line", {...ends, class: "doorway"}));
  }
  const camera = scene.cameras[at], seen = new Set((scene.seen[at] || []).map(each => each[0]));
  if (camera) {
    const [x, y, dx, dy] = camera, half = (scene.fov || 60) * Math.PI / 360, far = .22 * span, turn = angle => [x + far * (dx * Math.cos(angle) - dy * Math.sin(angle)), y + far * (dx * Math.sin(angle) + dy * Math.cos(angle))];
    if (Math.hypot(dx, dy) > .05) root.append(svg("polygon", {points: P([[x, y], turn(half), turn(half / 2), turn(0), turn(-half / 2), turn(-half)]), class: "cone"}));
  }
  const moved = scene.moved[at] || {}, outlineOf = thing => moved[thing.id] || thing.outline;
  const middle = points => [points.reduce((sum, point) => sum + point[0], 0) / points.length, points.reduce((sum, point) => sum + point[1], 0) / points.length];
  scene.objects.forEach((thing, i) => {
    if (thing.trail) root.append(svg("polyline", {points: P(thing.trail), class: "trail"}));
    if (!outlineOf(thing).length) return;
    const node = svg("polygon", {points: P(outlineOf(thing)), class: `thing${seen.has(i) ? " seen" : ""}${focus.has(thing.id) ? " focus" : ""}`});
    node.append(svg("title", {}, `${thing.id} ${thing.label}: ${thing.size.map(length => length.toFixed(2)).join(" x ")}${scene.units ? " m" : ""}`)); root.append(node);
    if (thing.front && !moved[thing.id]) { const [x, y] = thing.center, reach = .5 * Math.min(thing.size[0], thing.size[1]) + .03 * span; root.append(svg("line", {x1: X(x), y1: Y(y), x2: X(x + reach * thing.front[0]), y2: Y(y + reach * thing.front[1]), class: "facing"})); }
  });
  if (scene.cameras.length > 1 && !scene.pictures) root.append(svg("polyline", {points: P(scene.cameras.map(each => [each[0], each[1]])), class: "path"}));
  scene.cameras.forEach((each, i) => {
    if (i !== at && !scene.pictures) return;
    root.append(svg("circle", {cx: X(each[0]), cy: Y(each[1]), r: i === at ? 1.6 : 1.2, class: i === at ? "camera" : "camera other"}, svg("title", {}, scene.pictures ? `picture ${i + 1}` : `${number(each[4])} s`)));
    if (scene.pictures && scene.cameras.length > 1) root.append(svg("text", {x: X(each[0] + .02 * span), y: Y(each[1] + .02 * span), "font-size": letter, class: "label"}, String(i + 1)));
  });
  const written = [];
  const crowded = scene.objects.length > 24;
  for (const important of [true, false]) scene.objects.forEach((thing, i) => {
    if (!outlineOf(thing).length || focus.has(thing.id) !== important || (crowded && !important && !seen.has(i))) return;
    const [cx, cy] = middle(outlineOf(thing)), x = Number(X(cx)), y = Number(Y(cy)) + letter * .35, wide = thing.label.length * letter * .5;
    if (!important && written.some(other => Math.abs(other.x - x) < (other.wide + wide) / 2 && Math.abs(other.y - y) < letter)) return;
    written.push({x, y, wide});
    root.append(svg("text", {x, y, "font-size": letter, "text-anchor": "middle", class: important ? "label" : "label quiet"}, thing.label));
  });
  if (scene.units) {
    const y = k * (y1 - y0) + 2.6; // a metre, below the room
    root.append(svg("line", {x1: 2, x2: 2 + k, y1: y, y2: y, class: "scale"}), svg("text", {x: 3.5 + k, y: y + 1, "font-size": letter, class: "label"}, "1 m"));
  }
  return root;
}

// events: {label, start, end} in seconds; marks: times of the frames that are shown; now: the chosen one.
function timeChart(events, marks, now) {
  const rows = events.slice(0, 40), end = Math.max(...rows.map(event => event.end), ...marks, .1), small = window.innerWidth < 760, left = small ? 96 : 130, right = 12, row = 15, width = small ? 320 : 520, top = 8;
  const height = top + row * rows.length + 22, X = time => left + (width - left - right) * time / end;
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "times", role: "img", "aria-label": "times"});
  for (const mark of marks) root.append(svg("line", {x1: X(mark), x2: X(mark), y1: top, y2: height - 18, class: "grid"}));
  rows.forEach((event, i) => {
    root.append(svg("text", {x: left - 6, y: top + row * i + 11, class: "name"}, event.label.length > left / 6 ? event.label.slice(0, left / 6 - 1) + "…" : event.label));
    root.append(svg("rect", {x: X(event.start), y: top + row * i + 3, width: Math.max(2, X(event.end) - X(event.start)), height: row - 6, rx: 2, class: "span"}, svg("title", {}, `${event.label}: ${number(event.start)} to ${number(event.end)} s`)));
  });
  for (let i = 0; i <= 4; i++) root.append(svg("text", {x: X(end * i / 4), y: height - 5, "text-anchor": i === 4 ? "end" : "middle"}, `${number(end * i / 4, 1)} s`));
  if (now !== null && now !== undefined) root.append(svg("line", {x1: X(now), x2: X(now), y1: top - 4, y2: height - 18, class: "now"}));
  return root;
}

// cells: [[label, [[column, row], ...]], ...] on a size x size grid; row 0 is drawn at the top.
function cellMap(size, cells) {
  const root = svg("svg", {viewBox: `-1 -1 ${size * 10 + 2} ${size * 10 + 2}`, class: "cells", role: "img", "aria-label": "map"});
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) root.append(svg("rect", {x: 10 * i, y: 10 * j, width: 10, height: 10, class: "cell"}));
  for (const [label, places] of cells) for (const [column, row] of places) {
    root.append(svg("rect", {x: 10 * column, y: 10 * row, width: 10, height: 10, class: "full"}, svg("title", {}, `${label}: column ${column}, row ${row}`)));
    label.split(" ").slice(-2).forEach((word, i, all) => root.append(svg("text", {x: 10 * column + 5, y: 10 * row + 6.4 + 3.6 * (i - (all.length - 1) / 2), "font-size": Math.min(4, 16 / word.length)}, word)));
  }
  return root;
}
