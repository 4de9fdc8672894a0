// The posterior's draws at any setting of the controls, their summary and the support flag.
// A setting is an array with the position of the value of each action.

function decodeBytes(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

function decodeNumbers(packed) {
  const view = new DataView(decodeBytes(packed.f8).buffer);
  const numbers = new Float64Array(view.byteLength / 8);
  for (let i = 0; i < numbers.length; i++) numbers[i] = view.getFloat64(8 * i, true);
  return numbers;
}

function decodeWhole(packed) {
  const bytes = decodeBytes(packed.text);
  const width = packed.bytes;
  const numbers = new Float64Array(bytes.length / width);
  for (let i = 0; i < numbers.length; i++) {
    const last = i * width + width - 1;
    let value = bytes[last] > 127 ? bytes[last] - 256 : bytes[last];
    for (let j = last - 1; j >= i * width; j--) value = value * 256 + bytes[j];
    numbers[i] = value;
  }
  return numbers;
}

class Model {
  constructor(data) {
    const draws = data.draws;
    this.actions = data.actions;
    this.interval = data.interval;
    this.level = draws.level;
    this.deviations = decodeNumbers(draws.deviations);
    this.step = draws.step;
    this.count = this.deviations.length;
    this.curves = draws.curves.map((c) => ({
      action: c.action,
      mean: decodeNumbers(c.mean),
      shapes: decodeNumbers(c.shapes),
      scores: c.scores.map(decodeWhole),
    }));
    this.products = draws.products.map((p) => ({
      actions: p.actions,
      factors: p.factors,
      mean: decodeNumbers(p.mean),
      steps: decodeNumbers(p.steps),
      scores: p.scores.map(decodeWhole),
    }));
    this.tables = {};
    for (const [k, packed] of Object.entries(draws.tables)) {
      this.tables[k] = { width: packed.shape[1], values: decodeNumbers(packed) };
    }
    this.flags = new Flags(data.flags, data.actions);
    this.scratch = new Float64Array(this.count);
  }

  features(product, setting) {
    return product.factors.map((factors) =>
      factors.reduce((value, column, j) => {
        const k = product.actions[j];
        const table = this.tables[k];
        return value * table.values[setting[k] * table.width + column];
      }, 1)
    );
  }

  meanOf(product, setting) {
    const phi = this.features(product, setting);
    return phi.reduce((sum, value, f) => sum + value * product.mean[f], 0);
  }

  mean(setting) {
    let total = this.level;
    for (const curve of this.curves) total += curve.mean[setting[curve.action]];
    for (const product of this.products) total += this.meanOf(product, setting);
    return total;
  }

  // add one curve at a value, or with sign -1 take it away
  addCurve(total, curve, position, sign) {
    const R = curve.scores.length;
    for (let r = 0; r < R; r++) {
      const weight = sign * this.step * curve.shapes[position * R + r];
      const scores = curve.scores[r];
      for (let d = 0; d < total.length; d++) total[d] += weight * scores[d];
    }
    const mean = sign * curve.mean[position];
    for (let d = 0; d < total.length; d++) total[d] += mean;
  }

  addProduct(total, product, setting) {
    const phi = this.features(product, setting);
    let mean = 0;
    phi.forEach((value, f) => {
      mean += value * product.mean[f];
      const weight = value * product.steps[f];
      const scores = product.scores[f];
      if (weight !== 0) for (let d = 0; d < total.length; d++) total[d] += weight * scores[d];
    });
    for (let d = 0; d < total.length; d++) total[d] += mean;
  }

  // draws of the mean at a setting, without the terms of some action if it is given
  draws(setting, without = -1) {
    const total = new Float64Array(this.count);
    for (let d = 0; d < total.length; d++) total[d] = this.level + this.deviations[d];
    for (const curve of this.curves) {
      if (curve.action !== without) this.addCurve(total, curve, setting[curve.action], 1);
    }
    for (const product of this.products) {
      if (!product.actions.includes(without)) this.addProduct(total, product, setting);
    }
    return total;
  }

  // mean, sd and interval; equal tails, quantiles interpolated between neighbours
  summarise(values) {
    const n = values.length;
    let mean = 0;
    for (let i = 0; i < n; i++) mean += values[i] / n;
    let square = 0;
    for (let i = 0; i < n; i++) square += (values[i] - mean) ** 2;
    const sorted = n === this.count ? this.scratch : new Float64Array(n);
    sorted.set(values);
    sorted.sort();
    const quantile = (p) => {
      const at = p * (n - 1);
      const low = Math.floor(at);
      const high = Math.min(low + 1, n - 1);
      return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    };
    const tail = (1 - this.interval) / 2;
    return { mean, sd: Math.sqrt(square / Math.max(1, n - 1)), lower: quantile(tail), upper: quantile(1 - tail) };
  }

  flag(setting, draws = null) {
    const basic = this.flags.basic(setting);
    if (draws === null) return basic;
    return this.flags.withDraws(basic, draws);
  }

  // means and intervals along one action, the others as they are, less other draws if given; of
  // every stride-th draw
  along(setting, action, stride, less = null) {
    const rest = this.draws(setting, action);
    let shift = 0;
    if (less) {
      for (let d = 0; d < rest.length; d++) {
        rest[d] -= less[d];
        shift += less[d] / less.length;
      }
    }
    const some = new Float64Array(Math.ceil(this.count / stride));
    const own = this.curves.filter((curve) => curve.action === action);
    const joint = this.products.filter((product) => product.actions.includes(action));
    const moved = setting.slice();
    return this.actions[action].values.map((_, position) => {
      moved[action] = position;
      let total = rest;
      if (stride === 1 || joint.length) {
        total = rest.slice();
        for (const curve of own) this.addCurve(total, curve, position, 1);
        for (const product of joint) this.addProduct(total, product, moved);
        for (let i = 0; i < some.length; i++) some[i] = total[i * stride];
      } else {
        for (let i = 0; i < some.length; i++) some[i] = rest[i * stride];
        for (const curve of own) this.addThinned(some, curve, position, stride);
      }
      const summary = this.summarise(some);
      summary.mean = this.mean(moved) - shift;
      summary.flag = this.flag(moved, stride === 1 && !less ? total : null);
      return summary;
    });
  }

  addThinned(some, curve, position, stride) {
    const R = curve.scores.length;
    for (let r = 0; r < R; r++) {
      const weight = this.step * curve.shapes[position * R + r];
      const scores = curve.scores[r];
      for (let i = 0; i < some.length; i++) some[i] += weight * scores[i * stride];
    }
    for (let i = 0; i < some.length; i++) some[i] += curve.mean[position];
  }
}

const SEVERITY = ["supported", "misfit", "extrapolated", "outside", "beyond", "impossible"];

function worst(one, other) {
  return SEVERITY.indexOf(one) > SEVERITY.indexOf(other) ? one : other;
}

class Flags {
  constructor(parts, actions) {
    this.parts = parts;
    this.actions = actions;
    for (const cloud of parts.clouds) {
      if (cloud.rows) cloud.rows.numbers = decodeNumbers(cloud.rows.points);
    }
  }

  basic(setting) {
    const parts = this.parts;
    if (!parts.covariatesInside) return "outside";
    if (!setting.every((position, k) => parts.inside[k][position])) return "outside";
    const values = setting.map((position, k) => this.actions[k].values[position]);
    values.push(...parts.covariates);
    const supported =
      setting.every((position, k) => parts.supported[k][position]) &&
      parts.needed.every((condition) => this.holds(condition, values));
    if (supported || (parts.joint && this.holds(parts.joint, values))) return "supported";
    return "extrapolated";
  }

  withDraws(basic, draws) {
    const { misfit, limits } = this.parts;
    const n = draws.length;
    if (limits) {
      let mean = 0;
      for (let d = 0; d < n; d++) mean += draws[d] / n;
      if ((limits[0] !== null && mean < limits[0]) || (limits[1] !== null && mean > limits[1])) {
        return "impossible";
      }
    }
    if (misfit && basic === "supported") {
      const count = Math.min(misfit.draws, n);
      const some = [];
      for (let i = 0; i < count; i++) {
        some.push(draws[count > 1 ? Math.floor((i * (n - 1)) / (count - 1)) : 0]);
      }
      const mean = some.reduce((sum, value) => sum + value / count, 0);
      const variance = some.reduce((sum, value) => sum + (value - mean) ** 2 / count, 0);
      if (misfit.size > misfit.factor * Math.sqrt(variance)) return "misfit";
    }
    return basic;
  }

  holds(condition, values) {
    const key = condition.coded.map((k) => Math.round(values[k])).join(",");
    const point = condition.numeric.map((k) => values[k]);
    return condition.cases.some(
      (regime) => key in regime && regime[key].every((c) => this.inCloud(this.parts.clouds[c], point))
    );
  }

  inCloud(cloud, point) {
    const centred = point.map((value, k) => (value - cloud.mean[k]) / cloud.unit[k]);
    let distance = 0;
    centred.forEach((a, i) => centred.forEach((b, j) => (distance += a * cloud.inverse[i][j] * b)));
    if (distance > cloud.radius) return false;
    return cloud.rows === null || this.nearRows(cloud.rows, point);
  }

  // whether the third nearest row is near enough
  nearRows(rows, point) {
    const width = point.length;
    const scaled = point.map((value, k) => value / rows.unit[k]);
    const reach = rows.radius ** 2;
    let found = 0;
    for (let start = 0; start < rows.numbers.length; start += width) {
      let square = 0;
      for (let k = 0; k < width; k++) square += (rows.numbers[start + k] - scaled[k]) ** 2;
      if (square <= reach && ++found === rows.neighbours) return true;
    }
    return false;
  }
}
