"""A study of lift tests: random systems, two-arm tests simulated in them, and what they are for.

Each system has three actions. Of one of them there are no rows but five two-arm tests with 500
units in each arm, in which the other actions were held at zero.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts.lift_conflicts import check_lifts
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.posterior.estimands.expected_outcome import theta_draws

ROWS, ARM = 5000, 500
MOVES = [(0.0, -0.9), (0.0, -0.45), (0.0, 0.45), (0.0, 0.9), (-0.9, 0.9)]
BETWEEN = [(0.0, -0.675), (0.0, -0.225), (0.0, 0.225), (0.0, 0.675), (-0.225, 0.675)]
CASES = ("right", "wrong sign", "x 100", "/ 1000", "all signs wrong")


def arm(scm, action, value, seed):
    """Rows of one arm: an action at a value, the others at zero."""
    means = tuple(np.arctanh(value) if name == action else 0.0 for name in scm.actions)
    fixed = replace(scm, intervention_means=means, intervention_sds=(0.0,) * len(scm.actions))
    return fixed.sample(ARM, do=scm.actions, random_seed=seed)["y"].to_numpy()


def lift_table(scm, action, seed):
    """Results of two-arm tests of one action."""
    rows = []
    for i, (start, end) in enumerate(MOVES):
        seeds = np.random.SeedSequence([seed, i]).spawn(2)
        before, after = (arm(scm, action, v, s) for v, s in zip((start, end), seeds, strict=True))
        se = np.sqrt((before.var(ddof=1) + after.var(ddof=1)) / ARM)
        effect = after.mean() - before.mean()
        rows.append({"action": action, "from": start, "to": end, "effect": effect, "se": se})
    return pd.DataFrame(rows)


def spoil(table, case):
    """Make one row wrong, the one with the largest effect, or all of them."""
    wrong = table.copy()
    row = table["effect"].abs().idxmax()
    if case == "wrong sign":
        wrong.loc[row, "effect"] *= -1
    elif case in ("x 100", "/ 1000"):
        wrong.loc[row, ["effect", "se"]] *= 100 if case == "x 100" else 1e-3
    elif case == "all signs wrong":
        wrong["effect"] *= -1
    return wrong


def settings(actions, action, moves):
    """Both sides of moves of one action, the others at zero."""
    column = actions.index(action)
    sides = np.zeros((2, len(moves), len(actions)))
    sides[:, :, column] = np.array(moves).T
    return sides


def judge(posterior, scm, sides):
    """Coverage, error and width of the 90% intervals of contrasts of the joint effect.

    From the draws: without rows and tests of an action there is no answer by the front door.
    """
    before, after = (posterior.design.features.evaluate(part) for part in sides)
    values = theta_draws(posterior, posterior.actions) @ (after - before).T
    draws = xr.DataArray(values, dims=("chain", "draw", "point"))
    lower, upper = (end.to_numpy() for end in credible_interval(draws))
    truth = [
        scm.expected_outcome(dict(zip(scm.actions, part.T, strict=True))).to_numpy()
        for part in sides
    ]
    true = truth[1] - truth[0]
    error = np.abs(draws.mean(("chain", "draw")).to_numpy() - true)
    inside = (lower <= true) & (true <= upper)
    return pd.DataFrame({"covered": inside, "error": error, "width": upper - lower})


def one_data_set(seed):
    """Return contrasts judged under three sets of data, and which lift tests were flagged."""
    scm = ig.scm.sample_common_support_scm(3, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, n=ROWS, random_seed=seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    action = scm.actions[seed % 3]
    table = lift_table(scm, action, seed)
    lifts = ig.LiftTests.from_frame(table)
    model = ig.InterventionModel()
    fits = {
        "rows of the experiment": model.fit(data, method="laplace"),
        "five lift tests": model.fit(data.drop(action), method="laplace", lifts=lifts),
        "neither": model.fit(data.drop(action), method="laplace", target=[]),
    }
    rng = np.random.default_rng(seed)
    questions = {
        "tested": settings(scm.actions, action, MOVES),
        "between": settings(scm.actions, action, BETWEEN),
    }
    statuses = model.identify(data.drop(action), lifts=lifts).contrasts
    known = "unknown" not in statuses.values()
    name = "joint" if known else "joint, refused"
    questions[name] = rng.uniform(-0.9, 0.9, (2, 50, 3))
    parts = [
        judge(posterior, scm, sides).assign(question=question, fit=fit, data_set=seed)
        for question, sides in questions.items()
        for fit, posterior in fits.items()
    ]
    return pd.concat(parts), flags(model, data, action, table, seed)


def flags(model, data, action, table, seed):
    """Say for right and wrong tests, beside rows and without, whether the fit objects."""
    rows = []
    for beside, some in (("rows", data), ("one another", data.drop(action))):
        prepared = model._prepare(some, lifts=ig.LiftTests.from_frame(table))
        for case in CASES if beside == "rows" else CASES[:-1]:
            lifts = ig.LiftTests.from_frame(spoil(table, case))
            problem = prepared.problem
            scale, summary = problem.moments.outcome_scale, problem.moments.summary
            read = LiftRows.read(lifts, problem.design, summary, scale, False)
            problem = problem.with_lifts(read)
            check = check_lifts(problem, find_mode(problem), lifts, seed)
            z = float(check.rows.z[table["effect"].abs().argmax()])
            flagged = not check.ok
            rows.append({"beside": beside, "case": case, "flagged": flagged, "z": z})
    clear = float((table["effect"].abs() / table["se"]).max())
    return pd.DataFrame(rows).assign(data_set=seed, effect_over_se=clear)
