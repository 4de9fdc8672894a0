// The page: controls, answer, pictures, lists and downloads, all from the data within it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const model = new Model(DATA);
const ACTIONS = DATA.actions;
const at = (id) => document.getElementById(id);
const MEANING = {
  supported: "the data cover this setting",
  misfit: "within the data, but the fit misses these by much against the interval",
  extrapolated: "within the ranges seen, but no rows support it: it rests on the form of the curves",
  outside: "beyond the values that were seen",
  beyond: "beyond the box on which curves are defined",
  impossible: "no average that the outcome can have: the answer is wrong",
};
const START = ACTIONS.map((action) => action.start);
const state = { now: START.slice(), base: START.slice(), kept: [], range: null };

// ---- numbers as text

function decimals(width) {
  if (!(width > 0)) return 3;
  return Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(width))));
}

function plain(value, digits) {
  const text = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (/^-[0.,]+$/.test(text) ? text.slice(1) : text).replace("-", "\u2212");
}

function outcomeText(value, width, signed = false) {
  const sign = signed && value > 0 ? "+" : "";
  if (DATA.percent) return `${sign}${plain(100 * value, decimals(100 * width))}${signed ? "" : "%"}`;
  return sign + plain(value, decimals(width));
}

const POINTS = DATA.percent ? " points" : "";
const axisText = (value, ticks) =>
  DATA.percent ? `${tickText(100 * value, ticks.map((t) => 100 * t))}${DATA.level ? "%" : ""}` : tickText(value, ticks);

function chance(p) {
  return p > 0.995 ? "above 99%" : p < 0.005 ? "below 1%" : `${Math.round(100 * p)}%`;
}

function put(id, value, text) {
  at(id).value = value;
  at(id).textContent = text;
}

function showFlag(node, flag) {
  const kind = flag === "supported" ? "good" : flag === "impossible" ? "bad" : "poor";
  node.className = `flag ${kind}`;
  node.textContent = `${{ good: "\u2713", poor: "\u25b2", bad: "\u2715" }[kind]} ${flag}`;
}

// numbers with a minus sign, levels as they are
const shownValue = (action, position) =>
  action.levels ? action.labels[position] : action.labels[position].replace("-", "\u2212");
const describe = (setting) => ACTIONS.map((action, k) => `${action.name} ${shownValue(action, setting[k])}`).join(", ");
const same = (one, other) => one.every((position, k) => position === other[k]);

// ---- answers

const answers = new Map(); // the latest ones

function answer(setting) {
  const key = setting.join();
  if (!answers.has(key)) {
    const draws = model.draws(setting);
    answers.set(key, { ...model.summarise(draws), draws, flag: model.flag(setting, draws) });
    if (answers.size > 50) answers.delete(answers.keys().next().value);
  }
  return answers.get(key);
}

function contrast(after, before) {
  const difference = after.draws.map((value, d) => value - before.draws[d]);
  let higher = 0;
  for (const value of difference) if (value > 0) higher++;
  return {
    ...model.summarise(difference), probability: higher / difference.length, flag: worst(after.flag, before.flag),
  };
}

let baseAnswer = null;
let nowAnswer = null;

function update() {
  baseAnswer = answer(state.base);
  nowAnswer = answer(state.now);
  const now = nowAnswer;
  const versus = contrast(now, baseAnswer);
  const shown = DATA.level ? now : versus;
  const width = shown.upper - shown.lower;
  const signed = !DATA.level;
  put("mean", shown.mean, outcomeText(shown.mean, width, signed) + (signed ? POINTS : ""));
  put("lower", shown.lower, outcomeText(shown.lower, width, signed));
  put("upper", shown.upper, outcomeText(shown.upper, width, signed));
  at("share").textContent = `${Math.round(100 * DATA.interval)}% interval:`;
  at("mean").dataset.sd = shown.sd;
  showFlag(at("flag"), DATA.level ? now.flag : versus.flag);
  at("flag").dataset.flag = now.flag;
  at("flag-meaning").textContent = MEANING[DATA.level ? now.flag : versus.flag];
  const wide = versus.upper - versus.lower;
  put("contrast", versus.mean, outcomeText(versus.mean, wide, true) + POINTS);
  put("contrast-lower", versus.lower, outcomeText(versus.lower, wide, true));
  put("contrast-upper", versus.upper, outcomeText(versus.upper, wide, true));
  const equal = same(state.now, state.base);
  at("has-contrast").hidden = equal;
  at("no-contrast").hidden = !equal;
  put("probability", versus.probability, chance(versus.probability));
  showFlag(at("contrast-flag"), versus.flag); // told only if the baseline is the worse end
  at("contrast-flag").hidden = versus.flag === (DATA.level ? now.flag : versus.flag);
  at("contrast-flag").prepend("baseline ");
  at("contrast-line").hidden = !DATA.level;
  at("baseline-values").textContent = `Baseline: ${describe(state.base)}`;
  ACTIONS.forEach((action, k) => {
    at(`value-${k}`).textContent = shownValue(action, state.now[k]);
    drawStrip(k);
  });
  drawKept();
  writeHash();
}

// ---- controls

function makeControls() {
  ACTIONS.forEach((action, k) => {
    const seen = action.set ? [] : [el("span", { class: "seen" }, " (seen, not set)")];
    const output = el("output", { id: `value-${k}`, for: `control-${k}` });
    if (action.buttons) {
      const field = el("fieldset", {}, el("legend", {}, action.name, ...seen));
      const choices = el("div", { class: "choices" });
      action.labels.forEach((_, i) => {
        const input = el("input", { type: "radio", name: `control-${k}`, value: i });
        input.addEventListener("change", () => change(k, i));
        choices.append(el("label", {}, input, el("span", {}, shownValue(action, i))));
      });
      field.append(choices, el("span", { hidden: true }, output));
      at("controls").append(field);
      return;
    }
    const slider = el("input", {
      type: "range", id: `control-${k}`, min: 0, max: action.values.length - 1, step: 1, "aria-describedby": `ends-${k}`,
    });
    slider.addEventListener("input", () => change(k, Number(slider.value)));
    at("controls").append(el("fieldset", {},
      el("div", { class: "head" }, el("label", { class: "name", for: `control-${k}` }, action.name, ...seen), output),
      slider, el("div", { id: `strip-${k}` }),
      el("div", { class: "ends", id: `ends-${k}` }, el("span", {}, shownValue(action, 0)), el("span", {}, shownValue(action, action.values.length - 1)))));
  });
  at("controls").addEventListener("submit", (event) => event.preventDefault());
}

// where the action is supported, the others as they are
function drawStrip(k) {
  const action = ACTIONS[k];
  const setting = state.now.slice();
  const poor = action.values.map((_, i) => {
    setting[k] = i;
    return model.flag(setting) !== "supported";
  });
  if (action.buttons) {
    document.querySelectorAll(`input[name="control-${k}"]`).forEach((input, i) => {
      input.checked = i === state.now[k];
      input.parentNode.classList.toggle("poor", poor[i]);
    });
    return;
  }
  const slider = at(`control-${k}`);
  slider.value = state.now[k];
  slider.setAttribute("aria-valuetext", action.labels[state.now[k]]);
  const n = action.values.length;
  const edge = (i) => Math.min(1000, Math.max(0, ((i - 0.5) / Math.max(1, n - 1)) * 1000));
  const svg = el("svg", { viewBox: "0 0 1000 8", preserveAspectRatio: "none", class: "strip", "aria-hidden": "true" });
  svg.append(hatchPattern(`hatch-strip-${k}`));
  for (let from = 0, to = 1; from < n; from = to++) {
    while (to < n && poor[to] === poor[from]) to++;
    const fill = poor[from] ? `url(#hatch-strip-${k})` : "#7fb08f";
    svg.append(el("rect", { x: edge(from), y: 1, width: edge(to) - edge(from), height: 6, fill }));
  }
  at(`strip-${k}`).replaceChildren(svg);
}

function change(k, position) {
  state.now[k] = position;
  refresh();
}

let later = null;
let frame = null;
let turn = 0;

// numbers at once, pictures from fewer draws until nothing has moved for a moment
function refresh() {
  update();
  turn++;
  clearTimeout(later);
  if (frame === null) {
    frame = requestAnimationFrame(() => {
      frame = null;
      drawCurves(Math.max(1, Math.floor(model.count / 400)));
    });
  }
  later = setTimeout(() => {
    drawParts();
    speak();
    finishCurves(turn, 0);
  }, 250);
}

// one picture after the other from all draws, unless something has moved again
function finishCurves(started, k) {
  if (started !== turn) return;
  if (k === ACTIONS.length) {
    paintCurves();
    return;
  }
  curves[k] = alongNow(k, 1);
  setTimeout(finishCurves, 0, started, k + 1);
}

function speak() {
  const kind = DATA.level ? DATA.title : `${DATA.title}, against the baseline`;
  at("spoken").textContent =
    `${kind}: ${at("mean").textContent}, ${at("share").textContent} ${at("lower").textContent} to ` +
    `${at("upper").textContent}; ${nowAnswer.flag}.`;
}

// ---- pictures

let curves = [];

const alongNow = (k, stride) => model.along(state.now, k, stride, DATA.level ? null : baseAnswer.draws);

function drawCurves(stride) {
  curves = ACTIONS.map((_, k) => alongNow(k, stride));
  paintCurves();
}

function paintCurves() {
  const points = curves.flat();
  const low = Math.min(...points.map((p) => p.lower));
  const high = Math.max(...points.map((p) => p.upper));
  const old = state.range;
  if (!old || low < old[0] || high > old[1] || high - low < 0.45 * (old[1] - old[0])) {
    const pad = 0.06 * (high - low || 1);
    state.range = [low - pad, high + pad];
  }
  const panels = ACTIONS.map((action, k) => {
    const moved = curves[k];
    const alone = state.now.every((position, j) => j === k || position === state.base[j]);
    const svg = drawPanel(action, [{ points: moved, line: "curve", band: "band" }], {
      range: state.range,
      poor: curves[k].map((p) => p.flag !== "supported"),
      text: axisText,
      mark: { position: state.now[k], mean: moved[state.now[k]].mean },
      ring: alone && !same(state.now, state.base)
        ? { position: state.base[k], mean: moved[state.base[k]].mean } : undefined,
      id: `hatch-curve-${k}`,
      title: `${DATA.title} along ${action.name}: from ${outcomeText(moved[0].mean, 0)} at ` +
        `${action.labels[0]} to ${outcomeText(moved.at(-1).mean, 0)} at ${action.labels.at(-1)}`,
    });
    svg.addEventListener("click", (event) => change(k, svg.locate(event.clientX)));
    return el("figure", { class: "panel" }, el("figcaption", {}, action.name), svg);
  });
  at("curves").replaceChildren(...panels);
  const base = DATA.level ? baseAnswer : { mean: 0 };
  const now = DATA.level ? nowAnswer : contrast(nowAnswer, baseAnswer);
  const span = [
    Math.min(state.range[0], now.lower, base.mean), Math.max(state.range[1], now.upper, base.mean),
  ];
  at("scale").replaceChildren(drawInterval(now, same(state.now, state.base) ? null : base, span, axisText));
}

function drawParts() {
  if (same(state.now, state.base)) {
    at("contributions").replaceChildren(
      el("p", {}, "The setting is the baseline. Move a control, and its part shows here."));
    return;
  }
  const rows = [];
  let rest = nowAnswer.draws.map((value, d) => value - baseAnswer.draws[d]);
  const total = { name: "together", ...contrast(nowAnswer, baseAnswer), total: true };
  ACTIONS.forEach((action, k) => {
    if (state.now[k] === state.base[k]) return;
    const setting = state.base.slice();
    setting[k] = state.now[k];
    const alone = contrast(answer(setting), baseAnswer);
    const draws = model.draws(setting);
    rest = rest.map((value, d) => value - (draws[d] - baseAnswer.draws[d]));
    rows.push({ name: action.name, ...alone });
  });
  if (rows.length > 1 && model.products.length) rows.push({ name: "acting together", ...model.summarise(rest) });
  rows.push(total);
  const text = (row) => `${outcomeText(row.mean, row.upper - row.lower, true)}${POINTS}`;
  const room = Math.min(720, Math.max(320, at("contributions").clientWidth || 720));
  at("contributions").replaceChildren(drawContributions(rows, text, room));
}

function drawDecomposition() {
  if (!DATA.decomposition) return;
  const points = (part) => part.mean.map((mean, i) => ({ mean, lower: part.lower[i], upper: part.upper[i] }));
  const all = DATA.decomposition.flatMap((d) => [...points(d.int), ...points(d.bias), ...points(d.obs)]);
  const low = Math.min(0, ...all.map((p) => p.lower));
  const high = Math.max(0, ...all.map((p) => p.upper));
  const pad = 0.06 * (high - low || 1);
  const change = (value, ticks) => (DATA.percent ? tickText(100 * value, ticks.map((t) => 100 * t)) : tickText(value, ticks));
  const panels = DATA.decomposition.map((d) => {
    const action = ACTIONS[d.action];
    const svg = drawPanel(action, [
      { points: points(d.bias), line: "second", band: "second-band" },
      { points: points(d.int), line: "curve", band: "band" },
      { points: points(d.obs), line: "third" },
    ], {
      range: [low - pad, high + pad], poor: action.values.map(() => false), text: change, zero: true,
      id: `hatch-part-${d.action}`, title: `Effect, confounding and their sum along ${action.name}`,
    });
    return el("figure", { class: "panel" }, el("figcaption", {}, action.name), svg);
  });
  const key = (cls, text) =>
    el("li", {}, el("svg", { viewBox: "0 0 34 10", "aria-hidden": "true" }, line(0, 5, 34, 5, cls)), text);
  at("decomposition").before(el("ul", { class: "legend" },
    key("curve", "effect of setting it"), key("second", "confounding"), key("third", "both: what observations show")));
  at("decomposition").replaceChildren(...panels);
}
