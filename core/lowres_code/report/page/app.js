"use strict";
(async () => {
  const page = await unpacked(document.getElementById("data").textContent);
  document.getElementById("head").append(...head(page));
  const main = document.getElementById("main");
  main.replaceChildren(...[gain, differences, curves, wellbeing, samples, origins].flatMap((part) => part(page)).filter(Boolean));
})().catch((error) => {
  document.getElementById("main").replaceChildren(el("p", {}, `This browser cannot show the report: ${error.message}`));
});

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function head(page) {
  const root = document.documentElement;
  const dark = () => root.dataset.theme === "dark";
  const set = (theme) => { root.dataset.theme = theme; root.style.colorScheme = theme; };
  set(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const button = el("button", { type: "button", id: "theme", "aria-label": "light or dark", onclick: () => set(dark() ? "light" : "dark") }, "◐");
  return [el("div", {}, el("h1", {}, page.title), el("div", { class: "soft" }, page.subtitle)), button];
}

const section = (id, title, ...children) => el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), ...children);

function gain(page) {
  const there = page.evaluations.filter((one) => one.all);
  if (!there.length) return [section("gain", "No evaluation yet")];
  const optional = [["greedy", "greedy"], ["fraction", "tests passed"]].filter(([key]) => there.some((one) => one.all[key]));
  const rows = there.map((one) => [one.label, share(one.all.pass_at_1), percent(one.all.any_of_n.value), percent(one.all.all_of_n.value),
    percent(one.all.syntax.value), percent(one.all.runs.value), percent(one.all.cut.value), one.all.tokens === null ? "" : one.all.tokens.toFixed(0),
    ...optional.map(([key]) => (one.all[key] ? share(one.all[key]) : ""))]);
  return [section("gain", "What was gained",
    el("div", { class: "steps" }, there.map((one) => el("div", {}, el("div", { class: "soft small" }, one.label), el("div", { class: "figure" }, one.all.pass_at_1.value.toFixed(3))))),
    el("p", { class: "soft" }, page.measured),
    dots(there.map((one) => ({ name: one.label, share: one.all.pass_at_1 }))),
    table(["model", "pass@1 [95 % interval]", "any right", "all right", "parses", "runs", "cut", "tokens", ...optional.map(([, name]) => name)], rows),
    byTurn(there), trusted(there), page.notes.map((note) => el("p", { class: "finding" }, note)))];
}

// Where a model may try again: what is right after so many turns.
function byTurn(evaluations) {
  const there = evaluations.filter((one) => Object.keys(one.all.pass_at_1_by_turn).length);
  if (!there.length) return null;
  const turns = [...new Set(there.flatMap((one) => Object.keys(one.all.pass_at_1_by_turn)))].sort((a, b) => a - b);
  const cell = (one, turn) => (one.all.pass_at_1_by_turn[turn] ? share(one.all.pass_at_1_by_turn[turn]) : "");
  return [el("h3", { id: "turns" }, "pass@1 by turn"), el("p", { class: "soft small" }, "Right after at most so many turns: after a program that failed, the model reads what its tools say and tries again."),
    table(["model", ...turns.map((turn) => `turn ${turn}`)], there.map((one) => [one.label, ...turns.map((turn) => cell(one, turn))]))];
}

// Whether right answers were programmed: what accuracy alone does not tell.
function trusted(evaluations) {
  const there = evaluations.filter((one) => one.all.trust);
  if (!there.length) return null;
  const rows = there.map(({ label, all: { trust } }) => [label, share(trust.earned), trust.bare === null ? "" : percent(trust.bare), trust.unread || "", ...[trust.clauses, trust.predicates, trust.constraints].map((one) => one.toFixed(1)),
    trust.agreement === null ? "" : percent(trust.agreement)]);
  return [el("h3", { id: "trust" }, "Is it programmed?"), el("p", { class: "soft small" }, "An answer is bare if the program merely states it, or computes it from numbers that the question does not give."),
    table(["model", "right and not bare", "bare, of the right", "right, not readable", "clauses", "predicates", "constraints", "numbers named in the reasoning"], rows), changed(there)];
}

// What became of right programs that were looked at once more: each column only if somebody has looked.
function changed(evaluations) {
  const columns = [
    ["one answer alone", "one_answer", null, "A right program that has other answers too may have tried candidates one after another: the first counts."],
    ["right with other names", "follow_renaming", "renamed", "A program whose own names are others means the same, unless it takes its answer from them."],
    ["right with other numbers", "follow_numbers", "renumbered", "With the numbers of another question a program gives the answer to that one, unless it states an answer or was tuned to it."],
  ].filter(([, key]) => evaluations.some(({ all: { trust } }) => trust[key] !== null));
  if (!columns.length) return null;
  const rows = evaluations.map(({ label, all: { trust } }) => [label, ...columns.map(([, key, count]) =>
    trust[key] === null ? "" : percent(trust[key]) + (count ? ` of ${trust[count]}` : ""))]);
  return [columns.map(([, , , why]) => el("p", { class: "soft small" }, why)), table(["of the right programs", ...columns.map(([name]) => name)], rows)];
}

function differences(page) {
  const made = page.comparisons.map((one) => {
    const sure = (part) => part.p_value < 0.05 && part.difference.low * part.difference.high > 0;
    const row = (name, part) => [name, String(part.problems), part.before.value.toFixed(3), part.after.value.toFixed(3),
      el("span", { class: !sure(part) ? "" : part.difference.value > 0 ? "better" : "worse" },
        `${signed(part.difference.value)} [${signed(part.difference.low)}, ${signed(part.difference.high)}]`),
      `${part.better} / ${part.worse}`, part.p_value < 0.001 ? part.p_value.toExponential(1) : part.p_value.toFixed(3)];
    return [el("h3", {}, one.title), one.notes.map((note) => el("p", { class: "finding" }, note)),
      table(["task", "problems", "before", "after", "difference", "better / worse", "p"], [row("all", one.all), ...Object.entries(one.by_turn).map(([turn, part]) => row(`after turn ${turn}`, part)), ...Object.entries(one.by_task).map(([name, part]) => row(words(name), part))])];
  });
  const breakdown = (name, parts) => {
    const keys = [...new Set(page.evaluations.flatMap((one) => Object.keys(one[parts])))];
    if (keys.length < 2) return null;
    const rows = keys.map((key) => [words(key), ...page.evaluations.map((one) => (one[parts][key] ? share(one[parts][key].pass_at_1) : ""))]);
    return el("details", {}, el("summary", {}, `pass@1 by ${name}`), table([name, ...page.evaluations.map((one) => one.label)], rows));
  };
  const all = [...made.flat(2), breakdown("task", "by_task"), breakdown("difficulty", "by_difficulty")].filter(Boolean);
  return all.length ? [section("differences", "The same problems, paired", el("p", { class: "soft small" }, "Difference of pass@1 with its 95 % interval, coloured where the test agrees that it is no chance (p < .05); problems that got better or worse; an exact test."), ...all)] : [];
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

const CURVES = [["reward", "reward"], ["share/correct", "right", true], ["share/runs", "runs", true], ["share/syntax", "parses", true],
  ["reasoning_words", "words of reasoning"], ["completions/mean_length", "tokens of a completion"], ["completions/clipped_ratio", "cut", true],
  ["entropy", "entropy"], ["share/equal_rewards", "groups with equal rewards", true], ["judge_share", "judging, of the time", true], ["step_time", "seconds a step"]];

function curves(page) {
  return page.runs.filter((run) => run.steps.length).map((run, number) => section(`curves-${number}`, page.runs.length > 1 ? `Training: ${run.name}` : "While it trained",
    el("div", { class: "curves" }, mixture("verdicts", run.steps, run.verdicts, run.counts),
      CURVES.filter(([key]) => run.metrics[key]).map(([key, title, isShare]) => curve(title, run.steps, run.metrics[key], isShare))),
    el("p", { class: "soft small" }, "Pale: each step; strong: the running mean.")));
}

function wellbeing(page) {
  return page.runs.filter((run) => run.steps.length).map((run, number) => section(`health-${number}`, page.runs.length > 1 ? `Health: ${run.name}` : "Health",
    run.health.length ? run.health.map((one) => el("div", { class: "finding" }, el("strong", {}, `Step ${one.step}: ${one.seen}.`), ` ${one.means} `, el("em", {}, one.change)))
      : el("p", {}, "Nothing was found to go wrong.")));
}

function origins(page) {
  return page.runs.map((run, number) => section(`origin-${number}`, page.runs.length > 1 ? `Where it comes from: ${run.name}` : "Where it comes from",
    el("dl", {}, Object.entries(run.facts).map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))])),
    el("details", {}, el("summary", {}, "the recipe, as it was used"), el("pre", {}, run.recipe))));
}

const PAGE = 200;

function samples(page) {
  const data = page.samples, count = data.source.length;
  if (!count) return [];
  const options = (all, names) => [el("option", { value: "" }, all), ...names.map((name, number) => el("option", { value: number }, words(name)))];
  const choose = (id, label, all, names) => el("label", { for: id }, label, el("select", { id, onchange: show }, options(all, names)));
  const tasks = [...new Set(page.problems.task)].sort();
  const controls = {
    source: choose("source", "stage", "all", page.sources), verdict: choose("verdict", "verdict", "all", page.verdicts), task: choose("task", "task", "all", tasks),
    step: el("label", { for: "step" }, "step", el("input", { type: "number", id: "step", min: 1, oninput: show })),
    search: el("input", { type: "search", id: "search", placeholder: "search in questions, completions and answers", "aria-label": "search", oninput: show }),
  };
  const found = el("span", { id: "found", class: "soft small", role: "status" });
  const list = el("div", { class: "list", id: "list", onkeydown: move }), detail = el("div", { id: "detail" });
  let matching = [], shown = 0;

  const value = (id) => document.getElementById(id)?.value ?? "";
  function show() {
    const [source, verdict, task, step, text] = ["source", "verdict", "task", "step", "search"].map(value);
    const wanted = text.toLowerCase(), has = (some) => some !== null && some.toLowerCase().includes(wanted);
    matching = [];
    for (let row = 0; row < count; row++) {
      if (source !== "" && data.source[row] !== Number(source)) continue;
      if (verdict !== "" && data.verdict[row] !== Number(verdict)) continue;
      if (task !== "" && page.problems.task[data.problem[row]] !== tasks[Number(task)]) continue;
      if (step !== "" && data.step[row] !== Number(step)) continue;
      if (wanted && !(has(data.text[row]) || has(data.answer[row]) || has(page.problems.question[data.problem[row]]))) continue;
      matching.push(row);
    }
    if (document.body.dataset.version) matching.sort((a, b) => data.step[b] - data.step[a]); // of a run that goes on: the newest first
    found.textContent = `${matching.length.toLocaleString("en")} of ${count.toLocaleString("en")} samples`;
    list.replaceChildren();
    shown = 0;
    more();
    if (matching.length) open(matching[0]);
    else detail.replaceChildren(el("p", { class: "soft" }, "No sample is like that."));
  }

  function more() {
    list.querySelector(".more")?.remove();
    for (const row of matching.slice(shown, shown + PAGE)) list.append(entry(row));
    shown = Math.min(matching.length, shown + PAGE);
    if (shown < matching.length) list.append(el("button", { type: "button", class: "more", onclick: more }, `${(matching.length - shown).toLocaleString("en")} more`));
  }

  function entry(row) {
    const name = page.verdicts[data.verdict[row]], question = page.problems.question[data.problem[row]] || page.problems.id[data.problem[row]];
    const where = data.step[row] ? `step ${data.step[row]}` : page.sources[data.source[row]];
    return el("button", { type: "button", "data-row": row, title: words(name), onclick: () => open(row) },
      dot(name), el("span", { class: "what" }, question.trim().split("\n").at(-1)), el("span", { class: "where" }, where));
  }

  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], here = document.activeElement;
    if (!step || here.parentElement !== list) return;
    const next = step > 0 ? here.nextElementSibling : here.previousElementSibling;
    if (next) { event.preventDefault(); next.focus(); if (next.dataset.row) open(Number(next.dataset.row)); }
  }

  // All samples of a problem, by stage; of the training those of the same step.
  function open(row) {
    list.querySelectorAll("[aria-current]").forEach((one) => one.removeAttribute("aria-current"));
    list.querySelector(`[data-row="${row}"]`)?.setAttribute("aria-current", "true");
    const problem = data.problem[row], sides = new Map();
    for (let other = 0; other < count; other++) {
      if (data.problem[other] !== problem || (data.step[other] && data.step[other] !== data.step[row] && other !== row)) continue;
      const stage = data.source[other];
      if (!sides.has(stage)) sides.set(stage, []);
      sides.get(stage).push(other);
    }
    const expected = page.problems.expected[problem];
    detail.replaceChildren(
      el("p", { class: "soft small" }, [words(page.problems.task[problem]), page.problems.id[problem], expected ? `right: ${expected}` : ""].filter(Boolean).join(" · ")),
      el("p", { class: "question" }, page.problems.question[problem]),
      el("div", { class: "sides" }, [...sides].sort(([a], [b]) => a - b).map(([stage, rows]) => side(stage, rows, rows.includes(row) ? row : rows[0], row))));
  }

  function side(stage, rows, row, chosen) {
    const made = el("div", { class: `side ${rows.includes(chosen) ? "chosen" : ""}` });
    const draw = (which) => {
      const verdict = page.verdicts[data.verdict[which]];
      made.replaceChildren(...[el("h3", {}, page.sources[stage], data.step[which] ? `, step ${data.step[which]}` : ""),
        rows.length > 1 ? el("nav", { "aria-label": "samples" }, rows.map((one, number) => el("button", { type: "button", "aria-pressed": one === which ? "true" : "false",
          style: `border-bottom-color:${colour(page.verdicts[data.verdict[one]])}`, title: words(page.verdicts[data.verdict[one]]), onclick: () => draw(one) }, data.greedy[one] ? "greedy" : String(number + 1)))) : null,
        el("div", {}, dot(verdict), el("strong", {}, words(verdict)), data.answer[which] === null ? "" : `: ${data.answer[which]}`),
        ...data.earlier[which].map(([text, verdict, told]) => el("details", { class: "earlier" }, el("summary", {}, dot(page.verdicts[verdict]), `before: ${words(page.verdicts[verdict])}`),
          el("pre", { class: "text", dir: "auto" }, text), el("div", { class: "said soft" }, told))),
        written(which),
        data.said[which] ? el("div", { class: "said soft" }, data.said[which]) : null,
        el("div", { class: "said soft" }, [data.tokens[which] === null ? "" : `${data.tokens[which]} tokens`, data.cut[which] ? "cut" : "", data.bare[which] ? "bare: its answer is stated, not computed from what is given" : ""].filter(Boolean).join(", "))].filter(Boolean));
    };
    draw(row);
    return made;
  }

  function written(row) {
    const text = data.text[row], program = data.program[row], language = page.languages[data.source[row]];
    if (program === null) return el("pre", { class: "text", dir: "auto" }, text);
    if (typeof program === "string") return el("div", {}, el("pre", { class: "text" }, text), el("pre", { class: "text" }, el("span", { class: "program" }, highlighted(program, language))));
    const [from, to] = program;
    return el("pre", { class: "text", dir: "auto" }, el("span", { class: "around" }, text.slice(0, from)),
      el("span", { class: "program" }, highlighted(text.slice(from, to), language)), el("span", { class: "around" }, text.slice(to)));
  }

  queueMicrotask(show);
  return [section("samples", "What the model writes", page.left_out ? el("p", { class: "soft small" }, page.left_out) : null,
    el("div", { class: "controls" }, Object.values(controls), found), el("div", { class: "browser" }, list, detail))];
}
