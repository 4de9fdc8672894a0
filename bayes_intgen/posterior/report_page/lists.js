// Kept settings, downloads, the best setting, and the address that remembers a setting.

// ---- kept settings

function drawKept() {
  const head = [...ACTIONS.map((a) => a.name), ...(DATA.level ? [DATA.title, "interval"] : []), "against baseline", "support", ""];
  const rows = [state.base, ...state.kept].map((setting, i) => {
    const own = answer(setting);
    const versus = contrast(own, baseAnswer);
    const width = own.upper - own.lower;
    const wide = versus.upper - versus.lower;
    const flag = el("span");
    showFlag(flag, own.flag);
    const cells = ACTIONS.map((action, k) => el("td", {}, shownValue(action, setting[k])));
    if (DATA.level) {
      cells.push(el("td", {}, outcomeText(own.mean, width)),
        el("td", {}, `${outcomeText(own.lower, width)} to ${outcomeText(own.upper, width)}`));
    }
    cells.push(el("td", {}, i === 0 ? "baseline"
      : `${outcomeText(versus.mean, wide, true)}${POINTS} (${outcomeText(versus.lower, wide, true)} to ${outcomeText(versus.upper, wide, true)})`));
    cells.push(el("td", {}, flag));
    const last = el("td", { class: "no-print" });
    if (i > 0) {
      const remove = el("button", { type: "button", class: "quiet", "aria-label": `Remove ${describe(setting)}` }, "Remove");
      remove.addEventListener("click", () => {
        state.kept.splice(i - 1, 1);
        drawKept();
      });
      last.append(remove);
    }
    return el("tr", {}, ...cells, last);
  });
  at("kept").replaceChildren(
    el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows));
}

// ---- CSV

// numbers as they are; texts quoted, and not to be taken for formulas by a spreadsheet
function csvCell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const toCsv = (rows) => `${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
const valueOf = (action, position) => (action.levels ? action.labels[position] : action.values[position]);

function settingsCsv() {
  const head = ACTIONS.map((a) => a.name);
  if (DATA.level) head.push("mean", "sd", "lower", "upper");
  head.push("support", "contrast_mean", "contrast_lower", "contrast_upper", "probability_higher", "contrast_support");
  const settings = [state.base, ...state.kept];
  if (!settings.some((setting) => same(setting, state.now))) settings.push(state.now);
  return toCsv([head, ...settings.map((setting) => {
    const own = answer(setting);
    const versus = contrast(own, baseAnswer);
    return [
      ...ACTIONS.map((action, k) => valueOf(action, setting[k])),
      ...(DATA.level ? [own.mean, own.sd, own.lower, own.upper] : []),
      own.flag, versus.mean, versus.lower, versus.upper, versus.probability, versus.flag,
    ];
  })]);
}

function curvesCsv() {
  const rows = ACTIONS.flatMap((moved, k) =>
    alongNow(k, 1).map((p, position) => [
      moved.name, ...ACTIONS.map((action, j) => valueOf(action, j === k ? position : state.now[j])),
      p.mean, p.lower, p.upper, p.flag,
    ]));
  return toCsv([["moved", ...ACTIONS.map((a) => a.name), "mean", "lower", "upper", "support"], ...rows]);
}

function decompositionCsv() {
  const rows = DATA.decomposition.flatMap((d) =>
    ["int", "bias", "obs"].flatMap((part) =>
      d[part].mean.map((mean, i) => [
        ACTIONS[d.action].name, valueOf(ACTIONS[d.action], i), part, mean, d[part].lower[i], d[part].upper[i],
      ])));
  return toCsv([["action", "value", "part", "mean", "lower", "upper"], ...rows]);
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// ---- the best setting

function makeBounds() {
  const rows = ACTIONS.flatMap((action, k) => {
    if (!action.set) return [];
    const name = el("th", { scope: "row" }, action.name);
    if (!action.buttons) {
      const number = (id, text, value) =>
        el("td", {}, el("input", { type: "number", step: "any", id: `${id}-${k}`, value, "aria-label": `${text} of ${action.name}` }));
      return [el("tr", {}, name, number("low", "least value", action.labels[0]),
        number("high", "largest value", action.labels.at(-1)), number("cost", "cost per unit", 0))];
    }
    return [el("tr", {}, name, ...[el("td", { colspan: 2 }, ...action.labels.map((text, i) =>
      el("label", {}, el("input", { type: "checkbox", id: `allow-${k}-${i}`, checked: true }), ` ${text} \u00a0 `))),
      el("td", {}, ...(action.levels
        ? action.labels.map((text, i) => el("div", {}, el("label", {}, `${text} `,
          el("input", { type: "number", step: "any", value: 0, id: `cost-${k}-${i}`, "aria-label": `cost of ${action.name} ${text}` }))))
        : [el("input", { type: "number", step: "any", id: `cost-${k}`, value: 0, "aria-label": `cost per unit of ${action.name}` })]))])];
  });
  at("bounds").replaceChildren(
    el("thead", {}, el("tr", {}, ...["action", "least", "largest", "cost per unit"].map((t) => el("th", { scope: "col" }, t)))),
    el("tbody", {}, ...rows));
}

function readBounds() {
  const read = (id) => {
    const text = at(id).value.trim();
    return text === "" ? NaN : Number(text);
  };
  const allowed = [];
  const cost = [];
  ACTIONS.forEach((action, k) => {
    const all = action.values.map((_, i) => i);
    if (!action.set) {
      allowed.push([state.now[k]]);
      cost.push(all.map(() => 0));
      return;
    }
    const slack = action.buttons ? 0 : 1e-9 * (action.values.at(-1) - action.values[0]);
    allowed.push(action.buttons
      ? all.filter((i) => at(`allow-${k}-${i}`).checked)
      : all.filter((i) => !(action.values[i] < read(`low-${k}`) - slack || action.values[i] > read(`high-${k}`) + slack)));
    cost.push(action.levels
      ? all.map((i) => read(`cost-${k}-${i}`) || 0)
      : all.map((i) => (read(`cost-${k}`) || 0) * action.values[i]));
  });
  const limit = at("budget").value.trim();
  return { allowed, cost, budget: limit === "" ? null : Number(limit), sign: Number(at("goal").value) };
}

function showBest(event) {
  event.preventDefault();
  const { allowed, cost, budget, sign } = readBounds();
  const empty = allowed.findIndex((list) => list.length === 0);
  const say = (...nodes) => at("best-answer").replaceChildren(...nodes);
  if (empty >= 0) return say(el("p", {}, `No value of ${ACTIONS[empty].name} lies within its bounds.`));
  const best = findBest(model, allowed, cost, budget, sign);
  if (best === null) return say(el("p", {}, "Even the cheapest setting costs more than the budget."));
  const own = answer(best.setting);
  const versus = contrast(own, baseAnswer);
  const width = own.upper - own.lower;
  const wide = versus.upper - versus.lower;
  const flag = el("span");
  showFlag(flag, own.flag);
  const take = el("button", { type: "button", id: "take-best" }, "Move the controls there");
  take.addEventListener("click", () => {
    state.now = best.setting.slice();
    refresh();
    at("explore").scrollIntoView();
  });
  at("best-answer").dataset.setting = JSON.stringify(best.setting);
  at("best-answer").dataset.cost = best.cost;
  const level = `${DATA.title}: ${outcomeText(own.mean, width)}, interval ${outcomeText(own.lower, width)} to ${outcomeText(own.upper, width)}. `;
  say(el("p", {}, el("strong", {}, describe(best.setting)), " ", flag),
    el("p", {}, (DATA.level ? level : "") +
      `Against the baseline: ${outcomeText(versus.mean, wide, true)}${POINTS}, interval ${outcomeText(versus.lower, wide, true)} to ` +
      `${outcomeText(versus.upper, wide, true)}; higher with probability ${chance(versus.probability)}.` +
      (budget === null ? "" : ` Cost ${plain(best.cost, 2)} of ${plain(budget, 2)}.`)),
    el("p", { class: "note" }, MEANING[own.flag][0].toUpperCase() + MEANING[own.flag].slice(1) +
      ". The best of many estimates tends to be one that is too good: try it in an experiment." +
      (best.coarse ? " Actions that act together were tried on a coarser grid." : "")),
    el("p", { class: "row" }, take));
  return undefined;
}

// ---- the address: #price=9&tv=4|price=8&tv=3, the setting and the baseline

function encode(setting) {
  return ACTIONS.map((a, k) => `${encodeURIComponent(a.name)}=${encodeURIComponent(a.labels[setting[k]])}`).join("&");
}

let written = "";

function writeHash() {
  written = `#${encode(state.now)}|${encode(state.base)}`;
  try {
    history.replaceState(null, "", written);
  } catch {
    // some browsers do not let a file change its address
  }
}

function readHash() {
  if (location.hash === written) return false;
  const parts = location.hash.slice(1).split(/\||%7C/i);
  const into = [state.now, state.base];
  parts.slice(0, 2).forEach((part, i) => {
    for (const pair of part.split("&")) {
      const [name, value] = pair.split("=").map((text) => {
        try {
          return decodeURIComponent(text);
        } catch {
          return text;
        }
      });
      const k = ACTIONS.findIndex((action) => action.name === name);
      if (k < 0 || value === undefined) continue;
      const exact = ACTIONS[k].labels.indexOf(value);
      if (exact >= 0) into[i][k] = exact;
      else if (!ACTIONS[k].levels && Number.isFinite(Number(value))) {
        const distance = ACTIONS[k].values.map((own) => Math.abs(own - Number(value)));
        into[i][k] = distance.indexOf(Math.min(...distance));
      }
    }
  });
  return true;
}

// ---- start

makeControls();
at("answer-title").textContent = DATA.level ? DATA.title : `Change of ${DATA.outcome} from the baseline`;
at("set-baseline").addEventListener("click", () => {
  state.base = state.now.slice();
  refresh();
});
at("keep").addEventListener("click", () => {
  if (!state.kept.some((setting) => same(setting, state.now))) state.kept.push(state.now.slice());
  drawKept();
  at("spoken").textContent = `Kept: ${describe(state.now)}.`;
});
at("reset").addEventListener("click", () => {
  state.now = START.slice();
  state.base = START.slice();
  refresh();
});
at("save-settings").addEventListener("click", () => download(`${DATA.file}-settings.csv`, settingsCsv()));
at("save-curves").addEventListener("click", () => download(`${DATA.file}-curves.csv`, curvesCsv()));
if (DATA.decomposition) {
  at("save-decomposition").addEventListener("click", () => download(`${DATA.file}-decomposition.csv`, decompositionCsv()));
}
if (at("best-form")) {
  makeBounds();
  at("best-form").addEventListener("submit", showBest);
}
window.addEventListener("hashchange", () => {
  if (readHash()) refresh();
});
window.addEventListener("beforeprint", () => drawCurves(1));
readHash();
update();
drawCurves(1);
drawParts();
drawDecomposition();
