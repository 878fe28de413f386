// Shared by all pages: nodes from data (always as text), the theme, storage, and a list of rows beside the chosen one.
const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(key, value);
  for (const child of children) node.append(child);
  return node;
}
const number = (value, digits = 2) => value === null || value === undefined ? "–" : Number(value).toFixed(digits);
const whole = value => Number(value).toLocaleString("en");
const spaced = name => String(name).replaceAll("_", " ");
const values = (rows, of) => [...new Set(rows.flatMap(of))].sort((a, b) => a > b ? 1 : -1);

// A text that stands in the page by itself and is read only when it is shown.
const block = name => { const node = document.getElementById("block-" + name); return node ? node.textContent : null; };
const parsed = new Map();
function blockJson(name) {
  if (!parsed.has(name)) parsed.set(name, JSON.parse(block(name)));
  return parsed.get(name);
}

// Some browsers refuse storage to pages opened from a file; what would be kept then lasts as long as the page.
const memory = {
  held: new Map(),
  get(key) { try { return localStorage.getItem(key) ?? this.held.get(key) ?? null; } catch { return this.held.get(key) ?? null; } },
  set(key, value) { this.held.set(key, value); try { localStorage.setItem(key, value); } catch { /* held above */ } },
};

function themeButton() {
  const order = ["auto", "light", "dark"], root = document.documentElement;
  const button = el("button", {class: "button theme small", type: "button", title: "light or dark"});
  const show = theme => { if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme; button.textContent = {auto: "◐ auto", light: "☀ light", dark: "☾ dark"}[theme]; };
  let theme = memory.get("wherewise-theme") || "auto";
  if (!order.includes(theme)) theme = "auto";
  button.addEventListener("click", () => { theme = order[(order.indexOf(theme) + 1) % 3]; memory.set("wherewise-theme", theme); show(theme); });
  show(theme); document.body.append(button);
}
themeButton();

// Bars: [{name, value, text, color, parts}], longest = most; parts = [[share of value, color], ...].
function bars(entries, most) {
  const grid = el("div", {class: "bars"});
  for (const entry of entries) {
    const share = entry.value === null ? 0 : Math.max(0, Math.min(1, entry.value / (most || 1)));
    const parts = entry.parts || [[1, entry.color || "var(--accent)"]];
    const name = entry.onclick ? el("button", {class: "name link", type: "button", title: entry.name, onclick: entry.onclick}, entry.name) : el("span", {class: "name", title: entry.name}, entry.name);
    grid.append(name, el("div", {class: "track"}, parts.map(([part, color]) => el("div", {class: "fill", style: `width:${100 * share * part}%;background:${color}`}))),
      el("span", {class: "value"}, entry.text ?? number(entry.value)));
  }
  return grid;
}

const typing = target => ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName) && target.type !== "checkbox";

/* A list of rows and the chosen one's details. Only the rows in sight are in the page, so it may hold many thousands.
   root: holds .list and .detail; bar: takes the filters.
   filters: {name, of, values, label} a choice (of may give several values); {name, test} a box to tick; {name, below, step} a limit.
   item(row): nodes of its line; text(row): what the search looks at; show(row, pick, choose): nodes of its details. */
function browser({root, bar, rows, filters, item, text, show, onchange}) {
  const list = root.querySelector(".list"), detail = root.querySelector(".detail");
  const state = {shown: [], at: 0, pick: 0}, texts = new Map(), tests = [], choices = [];
  const height = () => Math.round(4.1 * parseFloat(getComputedStyle(document.documentElement).fontSize));
  const inputs = {};
  for (const filter of filters) {
    let input;
    if (filter.test) {
      input = el("input", {type: "checkbox"}); bar.append(el("label", {}, input, filter.name));
      tests.push(row => !input.checked || filter.test(row));
    } else if (filter.below) {
      input = el("input", {type: "number", min: 0, step: filter.step || "any", style: "width:5.5rem", "aria-label": filter.name});
      bar.append(el("label", {title: filter.title}, filter.name, input));
      tests.push(row => input.value === "" || (filter.below(row) !== null && filter.below(row) !== undefined && filter.below(row) < Number(input.value)));
    } else {
      if (filter.values.length < 2 && !filter.always) continue;
      const option = value => el("option", {value: String(value)}, filter.name + ": " + spaced(value));
      input = el("select", {"aria-label": filter.name}, el("option", {value: ""}, filter.name + ": all"), filter.values.map(option));
      bar.append(input); choices.push({of: filter.of, input, option});
      tests.push(row => input.value === "" || [filter.of(row)].flat().map(String).includes(input.value));
    }
    input.addEventListener("input", () => { refilter(); });
    inputs[filter.name] = input;
  }
  const search = el("input", {type: "search", placeholder: "search  /", "aria-label": "search"});
  search.addEventListener("input", () => refilter());
  const count = el("span", {class: "soft small", "aria-live": "polite"});
  bar.append(search, count);
  list.tabIndex = 0; list.setAttribute("role", "listbox");
  const space = el("div", {style: "position:relative"}); list.append(space);

  const matching = () => {
    const asked = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    state.shown = rows.filter(row => tests.every(test => test(row)) && asked.every(word => words(row).includes(word)));
    count.textContent = `${whole(state.shown.length)} of ${whole(rows.length)}`;
  };
  const words = row => { if (!texts.has(row)) texts.set(row, text(row).toLowerCase()); return texts.get(row); };
  function refilter(keep) {
    const kept = keep ? state.shown[state.at] : null;
    matching(); list.scrollTop = 0; draw(true);
    go(Math.max(0, kept ? state.shown.indexOf(kept) : 0));
    if (onchange) onchange(self);
  }
  // Rows that came later. What is chosen stays chosen, but the last row is left for a newer one.
  function add(more) {
    const chosen = state.shown[state.at], newest = state.at >= state.shown.length - 1;
    for (const row of more) rows.push(row);
    for (const {of, input, option} of choices) {
      const known = new Set([...input.options].map(each => each.value));
      for (const value of values(more, row => of(row))) if (!known.has(String(value))) input.append(option(value));
    }
    matching(); draw(true);
    if (!chosen || newest) go(state.shown.length - 1); else { state.at = Math.max(0, state.shown.indexOf(chosen)); draw(); }
  }
  function clear() { rows.length = 0; texts.clear(); refilter(); }
  let nodes = new Map();
  function draw(anew) {
    const step = height(), first = Math.max(0, Math.floor(list.scrollTop / step) - 4), last = Math.min(state.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / step) + 4);
    if (anew === true || nodes.step !== step) { space.replaceChildren(); nodes = new Map(); nodes.step = step; }
    space.style.height = `${step * state.shown.length}px`;
    for (const [i, node] of nodes) if (i < first || i >= last) { node.remove(); nodes.delete(i); }
    for (let i = first; i < last; i++) {
      if (!nodes.has(i)) {
        const node = el("button", {class: "item", type: "button", role: "option", tabindex: -1, "aria-setsize": state.shown.length, "aria-posinset": i + 1,
          style: `top:${i * step}px;height:${step}px`, onclick: () => go(i)}, item(state.shown[i]));
        nodes.set(i, node); space.append(node);
      }
      nodes.get(i).setAttribute("aria-selected", i === state.at);
    }
  }
  function go(i, pick = 0) {
    state.at = Math.max(0, Math.min(state.shown.length - 1, i)); state.pick = pick;
    const step = height(), top = state.at * step;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + step > list.scrollTop + list.clientHeight) list.scrollTop = top + step - list.clientHeight;
    draw(); redraw();
  }
  function redraw() {
    detail.replaceChildren(...(state.shown.length ? show(state.shown[state.at], state.pick, pick => go(state.at, pick)).filter(Boolean) : [el("p", {class: "soft"}, "Nothing matches these filters.")]));
  }
  function find(test) { const i = state.shown.findIndex(test); if (i >= 0) go(i); return i >= 0; }
  list.addEventListener("scroll", () => draw(), {passive: true});
  new ResizeObserver(() => draw()).observe(list);
  const self = {add, clear, go, step: by => go(state.at + by), draw, redraw, refilter, find, state, search, inputs, root, chosen: () => state.shown[state.at]};
  refilter();
  return self;
}

// Keys for the browser that was used last: arrows or j/k, Home, End, / for search, Escape to leave it; more by name.
function keys(browsers, more) {
  const all = browsers.filter(Boolean);
  let current = all[0];
  for (const each of all) each.root.addEventListener("pointerdown", () => { current = each; });
  document.addEventListener("keydown", event => {
    if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) { if (event.key === "Escape") { event.target.blur(); event.preventDefault(); } return; }
    const moves = {ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1, PageDown: 10, PageUp: -10};
    if (event.key in moves) current.step(moves[event.key]);
    else if (event.key === "Home") current.go(0);
    else if (event.key === "End") current.go(current.state.shown.length - 1);
    else if (event.key === "/") current.search.focus();
    else if (!more(event.key, current)) return;
    event.preventDefault();
  });
}
