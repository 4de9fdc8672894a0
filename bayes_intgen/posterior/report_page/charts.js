// Pictures as SVG: the interval, curves, and contributions.

function el(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "defs", "pattern", "title"];
  const node = svg.includes(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function niceTicks(low, high, most) {
  const least = (high - low) / most;
  if (!(least > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 2.5, 5, 10].map((s) => s * power).find((s) => s >= least * (1 - 1e-9));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(i * step);
  return ticks;
}

function tickText(value, ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(value) || 1;
  const digits = Math.min(12, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (/^2\.5/.test(String(step / 10 ** Math.floor(Math.log10(step)))) ? 1 : 0)));
  const text = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return /^-[0.,]+$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}

function hatchPattern(id) {
  return el("defs", {},
    el("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      el("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch" })));
}

const line = (x1, y1, x2, y2, cls) => el("line", { x1, y1, x2, y2, class: cls });
const path = (points, cls) =>
  el("path", { d: points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join(""), class: cls });

function label(x, y, content, anchor = "middle", cls = "") {
  return el("text", { x, y, "text-anchor": anchor, class: cls }, content);
}

// the interval and the mean on an axis, with the baseline as a ring
function drawInterval(now, base, range, text) {
  const [low, high] = range;
  const ticks = niceTicks(low, high, 4);
  const x = (value) => 14 + ((value - low) / (high - low || 1)) * 292;
  const svg = el("svg", { viewBox: "0 0 320 58", role: "img", "aria-label": "The interval on the scale of the outcome" });
  svg.append(line(14, 36, 306, 36, "axis"));
  for (const tick of ticks) {
    svg.append(line(x(tick), 36, x(tick), 40, "axis"), label(x(tick), 53, text(tick, ticks)));
  }
  if (base) svg.append(el("circle", { cx: x(base.mean), cy: 18, r: 5, class: "ring" }));
  svg.append(line(x(now.lower), 18, x(now.upper), 18, "whisker"));
  svg.append(line(x(now.lower), 12, x(now.lower), 24, "whisker"), line(x(now.upper), 12, x(now.upper), 24, "whisker"));
  svg.append(el("circle", { cx: x(now.mean), cy: 18, r: 6, class: "dot" }));
  return svg;
}

const BOX = { width: 330, height: 200, left: 52, right: 12, top: 10, bottom: 26 };

// series: [{points: [{mean, lower, upper}], line, band}]; poor: where it is hatched
function drawPanel(action, series, options) {
  const { range, poor, text, mark, ring, id } = options;
  const { width, height, left, right, top, bottom } = BOX;
  const values = action.values;
  const n = values.length;
  const [low, high] = range;
  const slots = action.buttons;
  const first = values[0];
  const last = values[n - 1];
  const inner = width - left - right;
  const x = (i) => left + (slots ? (i + 0.5) / n : n > 1 ? (values[i] - first) / (last - first) : 0.5) * inner;
  const edge = (i) => {
    if (slots) return left + (i / n) * inner;
    return i <= 0 ? left : i >= n ? width - right : (x(i - 1) + x(i)) / 2;
  };
  const y = (value) => top + (1 - (value - low) / (high - low || 1)) * (height - top - bottom);
  const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.title });
  svg.append(hatchPattern(id));
  const ticks = niceTicks(low, high, 4);
  for (const tick of ticks) {
    svg.append(line(left, y(tick), width - right, y(tick), "grid"), label(left - 7, y(tick) + 4, text(tick, ticks), "end"));
  }
  poor.forEach((bad, i) => {
    if (!bad) return;
    const from = edge(i);
    svg.append(el("rect", { x: from, y: top, width: Math.max(0, edge(i + 1) - from), height: height - top - bottom, fill: `url(#${id})`, opacity: 0.45 }));
  });
  if (options.zero) svg.append(line(left, y(0), width - right, y(0), "zero"));
  for (const { points, line: cls, band } of series) {
    if (slots) {
      const shift = (series.findIndex((s) => s.points === points) - (series.length - 1) / 2) * 9;
      points.forEach((p, i) => {
        svg.append(line(x(i) + shift, y(p.lower), x(i) + shift, y(p.upper), cls));
        svg.append(line(x(i) + shift - 7, y(p.mean), x(i) + shift + 7, y(p.mean), cls));
      });
      continue;
    }
    if (band) {
      const up = points.map((p, i) => [x(i), y(p.upper)]);
      const down = points.map((p, i) => [x(i), y(p.lower)]).reverse();
      svg.append(path([...up, ...down], band));
    }
    svg.append(path(points.map((p, i) => [x(i), y(p.mean)]), cls));
  }
  if (ring !== undefined) svg.append(el("circle", { cx: x(ring.position), cy: y(ring.mean), r: 5, class: "ring" }));
  if (mark !== undefined) {
    svg.append(line(x(mark.position), top, x(mark.position), height - bottom, "mark"));
    svg.append(el("circle", { cx: x(mark.position), cy: y(mark.mean), r: 5.5, class: "dot" }));
  }
  svg.append(line(left, height - bottom, width - right, height - bottom, "axis"));
  if (slots) {
    const most = Math.max(3, Math.floor(inner / n / 6.2));
    action.labels.forEach((name, i) => {
      const short = name.length > most ? `${name.slice(0, most - 1)}\u2026` : name;
      svg.append(label(x(i), height - 9, short));
    });
  } else {
    const along = niceTicks(first, last, 5);
    for (const tick of along) {
      const at = left + ((tick - first) / (last - first || 1)) * inner;
      svg.append(line(at, height - bottom, at, height - bottom + 4, "axis"), label(at, height - 9, tickText(tick, along)));
    }
  }
  svg.locate = (clientX) => {
    const box = svg.getBoundingClientRect();
    const at = ((clientX - box.left) / box.width) * width;
    let nearest = 0;
    for (let i = 1; i < n; i++) if (Math.abs(x(i) - at) < Math.abs(x(nearest) - at)) nearest = i;
    return nearest;
  };
  return svg;
}

// one line per part of the difference: a dot, its interval, and the number beside it
function drawContributions(rows, text, width) {
  const low = Math.min(0, ...rows.map((row) => row.lower));
  const high = Math.max(0, ...rows.map((row) => row.upper));
  const left = Math.min(170, 0.3 * width);
  const right = 112;
  const x = (value) => left + ((value - low) / (high - low || 1)) * (width - left - right);
  const height = 30 * rows.length + 8;
  const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Contributions, as in the table beside" });
  svg.append(line(x(0), 2, x(0), height - 4, "zero"));
  rows.forEach((row, i) => {
    const y = 30 * i + 18;
    const most = Math.floor((left - 14) / 6.6);
    const name = row.name.length > most ? `${row.name.slice(0, most - 1)}\u2026` : row.name;
    svg.append(label(left - 14, y + 4, name, "end", "strong"));
    svg.append(line(x(row.lower), y, x(row.upper), y, "whisker"));
    svg.append(el("circle", { cx: x(row.mean), cy: y, r: row.total ? 6 : 4.5, class: row.total ? "dot" : "ring" }));
    svg.append(label(width - right + 14, y + 4, text(row), "start", "strong"));
  });
  return svg;
}
