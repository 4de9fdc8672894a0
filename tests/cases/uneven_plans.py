"""The split of a budget over experiments whose spreads or costs differ, against equal rows.

Three actions, four options: the observational regime and each action's experiment. What differs is
drawn at random for each system: the ratio of the largest to the smallest is log-uniform from 3 to
30, two of the four regimes, in random order, have these, and the other two lie log-uniformly
between. Systems of one number have the same mechanisms in all kinds, and the same draws of rows.

* ``spreads``: the outcome's sd around its mean, of each regime. Where a row is the average of more
  or fewer units, its residual is that of the paper's family times a factor; factors are such that
  the geometric mean of the four spreads stays as it was.
* ``costs`` of a row; the spreads are those of the paper's family, which differ by less.
* ``both``, drawn independently.
* ``confounder``: one action has a strong confounder that it follows closely, so that its outcome is
  known well until an experiment cuts the two apart; costs are equal.
* ``neither``: the paper's family, and costs of ratio 1 to 3.

With s_r = |weight of regime r in Theorem 1| times its spread, the closed form without prior and
sharing (design, section 12) has n_r proportional to s_r / sqrt(c_r), and errors in the ratio

    (1)  sum_r s_r sqrt(c_r) / sqrt(sum_r c_r sum_r s_r^2)

to those of equal rows at equal cost, if there are no rows before.

Regimes share their curves, however. Where no action depends on another, the shape of the effect of
an action is seen in its own experiment alone, whatever its bias is, and only constants are those of
Theorem 1. With q the variance of a cubic curve at a point over that of its constant, both in one
regime, a level then has

    (2)  s_obs = (K - 1) sigma_obs,    s_k = sqrt(1 + q) sigma_k,

and a contrast of one action has its own experiment's s_k only. Both count the rows that are there.
Priors, which say most of what the noisiest rows would tell, lessen the gain further.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import optimize, special

import bayes_intgen as ig
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_draw import calibrate_interventions
from tests.cases.plan_study import HIGH, MODELS, PILOT, draw_rows, fit, moves

UNEVEN = ("spreads", "costs", "both", "confounder", "neither")
GOALS = ("levels", "contrasts")
NAMES = ("planned", "equal")
RATIO = (3.0, 30.0)  # of the largest to the smallest, where they differ
MEASURED = 1000  # rows by which the spread of a regime is measured


def draw_uneven(count, between, rng):
    """Return positive numbers of geometric mean one, the largest a random multiple of the least."""
    ratio = np.exp(rng.uniform(*np.log(between)))
    powers = rng.permutation([0.0, 1.0, *rng.random(count - 2)])
    return ratio ** (powers - powers.mean())


@dataclass(frozen=True)
class Rescaled:
    """A system whose outcome's residual is multiplied by a factor in each regime."""

    scm: ig.scm.PolynomialSCM
    factors: tuple[tuple[str, float], ...]

    @property
    def actions(self):
        return self.scm.actions

    def expected_outcome(self, at):
        return self.scm.expected_outcome(at)

    def sample(self, n, do, random_seed):
        rows = self.scm.sample(n, do=do, random_seed=random_seed)
        factor = dict(self.factors)["+".join(do) or "obs"]
        mean = self.scm.expected_outcome(rows[[*self.actions]], do=do).to_numpy()
        return rows.assign(y=mean + factor * (rows["y"] - mean))


def measure_spreads(scm, seed):
    """Return the outcome's sd around its mean in each of the single regimes."""
    found = []
    for label in scm.single_regimes:
        do = () if label == "obs" else (label,)
        rows = scm.sample(MEASURED, do=do, random_seed=seed)
        mean = scm.expected_outcome(rows[[*scm.actions]], do=do).to_numpy()
        found.append(float(np.sqrt(((rows["y"] - mean) ** 2).mean())))
    return np.array(found)


def confound(scm, which, strength, seed):
    """Let one action follow its confounder, A = C + g(..), and this add ``strength`` C to Y."""
    mechanism, effect = scm.mechanisms[which], scm.effects[which]
    alone = [0] * mechanism.inputs
    alone[-2] = 1
    follows = Polynomial((*mechanism.powers, tuple(alone)), (*mechanism.coefficients, 1.0))
    adds = Polynomial((*effect.powers, (0, 1)), (*effect.coefficients, strength))
    changed = {
        "mechanisms": tuple(follows if k == which else g for k, g in enumerate(scm.mechanisms)),
        "effects": tuple(adds if k == which else f for k, f in enumerate(scm.effects)),
    }
    return calibrate_interventions(replace(scm, **changed), np.random.default_rng(seed))


def draw_system(uneven, system):
    """Return a system, the spread of each single regime, and the cost of a row of each."""
    rng = np.random.default_rng([system, 19])
    scm = ig.scm.sample_polynomial_scm(3, random_seed=3000 + system)
    count = len(scm.single_regimes)
    spreads, factors, costs = measure_spreads(scm, system), None, np.ones(count)
    if uneven in ("spreads", "both"):
        wanted = np.exp(np.log(spreads).mean()) * draw_uneven(count, RATIO, rng)
        factors = tuple(zip(scm.single_regimes, (wanted / spreads).tolist(), strict=True))
        spreads = wanted
    if uneven in ("costs", "both"):
        costs = draw_uneven(count, RATIO, rng)
    if uneven == "neither":
        costs = draw_uneven(count, (1.0, RATIO[0]), rng)
    if uneven == "confounder":
        which, ratio = int(rng.integers(3)), np.exp(rng.uniform(*np.log(RATIO)))
        sd = scm.confounder_noises[which].sd
        scm = confound(scm, which, ratio * float(spreads.max()) / sd, system)
        spreads = measure_spreads(scm, system)
    return scm if factors is None else Rescaled(scm, factors), spreads, costs


def closed_form(size, costs, each, pilot=0):
    """Return the ratio of errors to those of equal rows: (1), if there are no rows before.

    ``size``: s_r; rows of each regime before, of which there are ``pilot``, count as well.
    """
    budget = each * costs.sum()

    def rows(level):
        return np.maximum(level * size / np.sqrt(costs) - pilot, 0.0)

    most = (budget + pilot * costs.sum()) / (size * np.sqrt(costs)).min()
    level = optimize.brentq(lambda x: rows(x) @ costs - budget, 0.0, most)
    best, equal = (size**2 / (pilot + n) for n in (rows(level), each))
    return float(np.sqrt(best.sum() / equal.sum()))


def shared_form(goal, spreads, costs, each, moved):
    """Return the ratio of errors by (2), for levels or for contrasts of the action ``moved``."""
    if goal == "contrasts":
        only = PILOT + each * costs.sum() / costs[1 + moved]
        return float(np.sqrt((PILOT + each) / only))
    z = special.ndtri(HIGH)
    q = sum(special.eval_hermitenorm(j, z) ** 2 / special.factorial(j) for j in (1, 2, 3))
    weights = np.array([len(spreads) - 2, *[np.sqrt(1 + q)] * (len(spreads) - 1)])
    return closed_form(weights * spreads, costs, each, PILOT)


@dataclass(frozen=True)
class SplitOfABudget:
    """The error of goals after the optimal split of a budget, and after equal rows.

    ``levels``: expected outcomes where one action after the other is high. ``contrasts``: moves of
    one action, drawn at random, from its 30% to its 50%, 70% and 90% quantile. Root mean squared
    errors to the truth over these and over repetitions with new rows, which all plans share as far
    as they go; the same as the fit before these rows predicts it; and the closed form.
    """

    system: int
    uneven: str
    model: str = "cubic"
    repeats: int = 2
    each: int = 1000  # rows of each option, in equal rows

    @property
    def name(self):
        return f"split-{self.model}-{self.uneven}-{self.system:03}"

    def run(self):
        scm, spreads, costs = draw_system(self.uneven, self.system)
        actions, labels = [*scm.actions], ["obs", *scm.actions]
        seed = 10**6 + 1000 * self.system
        frame = draw_rows(scm, dict.fromkeys(labels, PILOT), seed + 999, PILOT)
        moved = int(np.random.default_rng([self.system, 20]).integers(len(actions)))
        goals = find_goals(frame, actions, actions[moved])
        before = fit(frame, actions, model=MODELS[self.model])
        even = dict.fromkeys(labels, self.each)
        budget = {
            "budget": self.each * float(costs.sum()),
            "cost": dict(zip(labels, costs.tolist(), strict=True)),
        }
        plans = {
            (goal, name): before.plan(*points, options=labels, beyond="clamp", **amount)
            for goal, points in goals.items()
            for name, amount in (("planned", budget), ("equal", {"rows": even}))
        }
        rows = {key: dict.fromkeys(labels, 0) | dict(plan.rows) for key, plan in plans.items()}
        squares = {key: [] for key in plans}
        for repeat in range(self.repeats):
            most = {label: max(n[label] for n in rows.values()) for label in labels}
            stream = draw_rows(scm, most, seed + repeat, 1)
            for split in {tuple(n.values()) for n in rows.values()}:
                parts = [
                    stream[stream["regime"] == label].head(n)
                    for label, n in zip(labels, split, strict=True)
                ]
                after = fit(pd.concat([frame, *parts]), actions, model=MODELS[self.model])
                for key in (key for key, n in rows.items() if tuple(n.values()) == split):
                    squares[key].append(mean_square(scm, after, *goals[key[0]]))
        size = spreads * [len(actions) - 1, *[1] * len(actions)]
        return [
            {
                "system": self.system,
                "uneven": self.uneven,
                "goal": goal,
                "spreads": float(spreads.max() / spreads.min()),
                "costs": float(costs.max() / costs.min()),
                "closed_form": closed_form(size, costs, self.each),
                "shared_form": shared_form(goal, spreads, costs, self.each, moved),
                **{name: float(np.sqrt(np.mean(squares[goal, name]))) for name in NAMES},
                **{
                    f"said_{name}": float(np.sqrt((plans[goal, name].sd_after ** 2).mean()))
                    for name in NAMES
                },
                **{f"rows_{label}": n for label, n in rows[goal, "planned"].items()},
                **{f"size_{label}": s for label, s in zip(labels, size.tolist(), strict=True)},
                **{f"cost_{label}": c for label, c in zip(labels, costs.tolist(), strict=True)},
            }
            for goal in goals
        ]


def find_goals(frame, actions, moved):
    """Return the points of each goal, and its baseline."""
    levels, low = moves(frame, actions)
    high = low.assign(**{moved: frame[moved].quantile([0.5, 0.7, 0.9]).to_numpy()})
    return {"levels": (levels, None), "contrasts": (high, low)}


def mean_square(scm, posterior, at, baseline):
    """Return the mean squared error of posterior means at some points, or of contrasts."""
    truth = scm.expected_outcome(at).to_numpy()
    if baseline is None:
        draws = posterior.expected_outcome(at, beyond="clamp")
    else:
        truth = truth - scm.expected_outcome(baseline).to_numpy()
        draws = posterior.contrast(at, baseline, beyond="clamp")
    return float(((draws.mean(("chain", "draw")) - truth) ** 2).mean())
