// The best setting by the posterior mean under bounds and a budget, exactly on the grid: a
// multiple-choice knapsack over groups of actions, of which only those of one group interact.

const MOST_COMBINATIONS = 20000;
const MOST_ENTRIES = 20000;

function groupActions(model) {
  let groups = model.actions.map((_, k) => [k]);
  for (const product of model.products) {
    const touched = groups.filter((group) => group.some((k) => product.actions.includes(k)));
    groups = groups.filter((group) => !touched.includes(group));
    groups.push(touched.flat().sort((a, b) => a - b));
  }
  return groups;
}

// all combinations of allowed positions; numeric grids get coarser where these are too many
function combine(model, group, allowed) {
  let lists = group.map((k) => allowed[k]);
  const size = () => lists.reduce((n, list) => n * list.length, 1);
  let coarse = false;
  while (size() > MOST_COMBINATIONS) {
    const longest = lists.reduce((best, list, j) => (list.length > lists[best].length ? j : best), 0);
    const list = lists[longest];
    lists[longest] = list.filter((_, i) => i % 2 === 0 || i === list.length - 1);
    coarse = true;
  }
  const combinations = lists.reduce(
    (all, list) => all.flatMap((some) => list.map((position) => [...some, position])), [[]]
  );
  return { combinations, coarse };
}

function prune(entries) {
  entries.sort((a, b) => a.cost - b.cost || b.value - a.value);
  const kept = [];
  let top = -Infinity;
  for (const entry of entries) {
    if (entry.value > top) {
      kept.push(entry);
      top = entry.value;
    }
  }
  return kept;
}

// allowed: positions per action; cost: of each value per action; sign: 1 largest, -1 smallest
function findBest(model, allowed, cost, budget, sign) {
  let coarse = false;
  let table = [{ cost: 0, value: 0, choice: null, before: null }];
  const groups = groupActions(model);
  const options = groups.map((group) => {
    const found = combine(model, group, allowed);
    coarse = coarse || found.coarse;
    const setting = model.actions.map((action) => action.start);
    const curves = model.curves.filter((curve) => group.includes(curve.action));
    const products = model.products.filter((product) => group.includes(product.actions[0]));
    return prune(
      found.combinations.map((positions) => {
        group.forEach((k, j) => (setting[k] = positions[j]));
        let value = 0;
        for (const curve of curves) value += curve.mean[setting[curve.action]];
        for (const product of products) value += model.meanOf(product, setting);
        const price = group.reduce((sum, k, j) => sum + cost[k][positions[j]], 0);
        return { cost: price, value: sign * value, positions };
      })
    );
  });
  if (budget === null) {
    const setting = model.actions.map((action) => action.start);
    let total = 0;
    groups.forEach((group, g) => {
      const top = options[g][options[g].length - 1];
      group.forEach((k, j) => (setting[k] = top.positions[j]));
      total += top.cost;
    });
    return { setting, cost: total, coarse };
  }
  const scale = options.reduce((sum, list) => sum + Math.max(...list.map((o) => Math.abs(o.cost))), 0);
  const slack = 1e-9 * scale;
  const least = options.map((list) => list[0].cost);
  let rest = least.reduce((sum, cost) => sum + cost, 0);
  if (rest > budget + slack) return null;
  options.forEach((list, g) => {
    rest -= least[g];
    const merged = [];
    for (const entry of table) {
      for (const option of list) {
        const price = entry.cost + option.cost;
        if (price + rest > budget + slack) break;
        merged.push({ cost: price, value: entry.value + option.value, choice: option, before: entry });
      }
    }
    table = prune(merged);
    if (table.length > MOST_ENTRIES) {
      const every = Math.ceil(table.length / MOST_ENTRIES);
      table = table.filter((_, i) => i % every === 0 || i === table.length - 1);
      coarse = true;
    }
  });
  let entry = table[table.length - 1];
  const total = entry.cost;
  const setting = model.actions.map((action) => action.start);
  for (let g = groups.length - 1; g >= 0; g--) {
    groups[g].forEach((k, j) => (setting[k] = entry.choice.positions[j]));
    entry = entry.before;
  }
  return { setting, cost: total, coarse };
}
