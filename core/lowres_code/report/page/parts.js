"use strict";
// Everything that a model wrote becomes text, never markup: elements are made by `el`, whose strings are text nodes.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = {
  correct: "correct", wrong_answer: "wrong", no_answer: "none", no_code: "lost", syntax_error: "syntax",
  runtime_error: "runtime", timeout: "limit", memory_limit: "limit", output_limit: "limit", infra_error: "lost",
};
const colour = (verdict) => `var(--${COLOURS[verdict] || "lost"})`;
const words = (name) => name.replaceAll("_", " ");

function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.flat());
  return made;
}

const dot = (verdict) => el("span", { class: "dot", style: `background:${colour(verdict)}`, "aria-hidden": "true" });
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const share = (one) => `${one.value.toFixed(3)} [${one.low.toFixed(3)}, ${one.high.toFixed(3)}]`;

function table(head, rows, caption) {
  const cells = (kind, row) => row.map((cell) => el(kind, kind === "th" ? { scope: "col" } : {}, cell));
  return el("div", { class: "wide" }, el("table", {},
    caption ? el("caption", { class: "soft small" }, caption) : null,
    el("thead", {}, el("tr", {}, cells("th", head))),
    el("tbody", {}, rows.map((row) => el("tr", {}, cells("td", row))))));
}

// Shares with their intervals, one under the other.
function dots(rows) {
  const width = innerWidth < 600 ? 360 : 720, left = width / 4, right = 60, height = 34, x = (value) => left + value * (width - left - right);
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${rows.length * height + 26}`, role: "img",
    "aria-label": rows.map((row) => `${row.name}: ${share(row.share)}`).join("; ") });
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    drawn.append(svg("line", { x1: x(tick), x2: x(tick), y1: 4, y2: rows.length * height, stroke: "var(--line)" }),
      svg("text", { x: x(tick), y: rows.length * height + 18, "text-anchor": "middle" }, String(tick)));
  }
  rows.forEach((row, number) => {
    const y = number * height + height / 2 + 2, { value, low, high } = row.share;
    drawn.append(
      svg("text", { x: 0, y: y + 4, style: "fill:var(--ink);font-size:13px" }, row.name),
      svg("line", { x1: x(low), x2: x(high), y1: y, y2: y, stroke: "var(--accent)", "stroke-width": 6, "stroke-linecap": "round", opacity: .3 }),
      svg("circle", { cx: x(value), cy: y, r: 6, fill: "var(--accent)" }),
      svg("text", { x: width - right + 8, y: y + 4, style: "fill:var(--ink);font-size:13px" }, value.toFixed(3)));
  });
  return drawn;
}

const WIDTH = 320, HEIGHT = 130, LEFT = 40, BOTTOM = 20, TOP = 8;

function frame(label, low, high, steps) {
  const x = (step) => LEFT + (steps.length < 2 ? 0.5 : (step - steps[0]) / (steps.at(-1) - steps[0])) * (WIDTH - LEFT - 6);
  const y = (value) => TOP + (1 - (value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const value of [low, (low + high) / 2, high]) {
    drawn.append(svg("line", { x1: LEFT, x2: WIDTH - 6, y1: y(value), y2: y(value), stroke: "var(--line)" }),
      svg("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  drawn.append(svg("text", { x: LEFT, y: HEIGHT - 5 }, `step ${steps[0]}`),
    svg("text", { x: WIDTH - 6, y: HEIGHT - 5, "text-anchor": "end" }, String(steps.at(-1))));
  return { drawn, x, y };
}

const short = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

function smoothed(values) {
  const span = Math.max(1, Math.round(values.length / 20));
  return values.map((_, place) => {
    const some = values.slice(Math.max(0, place - span), place + span + 1).filter(Number.isFinite);
    return some.reduce((sum, value) => sum + value, 0) / (some.length || 1);
  });
}

// One metric over the steps: its values, pale, and their running mean.
function curve(title, steps, values, isShare) {
  const there = values.filter(Number.isFinite);
  if (!there.some(Boolean)) return null;  // a metric that is always 0 says nothing
  const low = isShare ? 0 : Math.min(0, ...there), high = isShare ? 1 : Math.max(...there, low + 1e-9);
  const { drawn, x, y } = frame(`${title} over ${steps.length} steps, from ${short(there[0])} to ${short(there.at(-1))}`, low, high, steps);
  const path = (line) => line.map((value, place) => (Number.isFinite(value) ? `${x(steps[place]).toFixed(1)},${y(value).toFixed(1)}` : "")).filter(Boolean).join(" ");
  drawn.append(
    svg("polyline", { points: path(values), fill: "none", stroke: "var(--accent)", opacity: .3 }),
    svg("polyline", { points: path(smoothed(values)), fill: "none", stroke: "var(--accent)", "stroke-width": 2 }));
  const mean = smoothed(values);
  return el("div", { class: "curve" }, el("h3", {}, title, el("span", { class: "now soft" }, `${short(mean[0])} → ${short(mean.at(-1))}`)), drawn);
}

// How the verdicts of each step divide, stacked.
function mixture(title, steps, verdicts, counts) {
  const { drawn, x, y } = frame(title, 0, 1, steps);
  const totals = steps.map((_, place) => counts.reduce((sum, row) => sum + row[place], 0) || 1);
  const below = steps.map(() => 0);
  const shown = steps.length < 2 ? [...steps, steps[0] + 1] : steps;
  verdicts.forEach((verdict, number) => {
    const under = below.slice();
    steps.forEach((_, place) => { below[place] += counts[number][place] / totals[place]; });
    const at = (line, place) => `${(steps.length < 2 ? LEFT + place * (WIDTH - LEFT - 6) : x(shown[place])).toFixed(1)},${y(line[Math.min(place, steps.length - 1)]).toFixed(1)}`;
    const forth = shown.map((_, place) => at(below, place)), back = shown.map((_, place) => at(under, place)).reverse();
    drawn.append(svg("polygon", { points: [...forth, ...back].join(" "), fill: colour(verdict) }));
  });
  return el("div", { class: "curve" }, el("h3", {}, title), drawn,
    el("div", { class: "legend" }, verdicts.map((verdict) => el("span", {}, dot(verdict), words(verdict)))));
}

// A program in colours: comments, strings, numbers, variables of languages that write them with a capital.
const COMMENTS = {
  prolog: "%.*", erlang: "%.*", "common-lisp": ";.*", scheme: ";.*", racket: ";.*", lua: "--.*", haskell: "--.*", ada: "--.*",
  python: "#.*", r: "#.*", tcl: "#.*", ocaml: "\\(\\*[^]*?\\*\\)", fortran: "!.*", cobol: "\\*>.*", forth: "\\\\ .*",
};
const QUOTED = '"(?:[^"\\\\\\n]|\\\\.)*"|\'(?:[^\'\\\\\\n]|\\\\.)*\'';

function highlighted(text, language) {
  const capital = ["prolog", "erlang"].includes(language) ? "\\b[A-Z_]\\w*" : "(?!)";
  const parts = [["c", COMMENTS[language] || "(?!)"], ["s", QUOTED], ["n", "\\b\\d[\\w.]*\\b"], ["v", capital], ["o", ":-|-->|->|=>|:="]];
  const pattern = new RegExp(parts.map(([name, one]) => `(?<${name}>${one})`).join("|"), "g");
  const made = [];
  let done = 0;
  for (const found of text.slice(0, 20000).matchAll(pattern)) {
    made.push(text.slice(done, found.index));
    made.push(el("span", { class: Object.entries(found.groups).find(([, one]) => one !== undefined)[0] }, found[0]));
    done = found.index + found[0].length;
  }
  return [...made, text.slice(done)];
}
