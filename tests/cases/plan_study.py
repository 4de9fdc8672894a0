"""Plans of experiments held against what refits to rows of the truth show."""

import warnings

import numpy as np
import pandas as pd

import bayes_intgen as ig

KINDS = ("obs", "single", "joint")


def fit(frame, actions, seed=1, draws=1000):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=actions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ig.ConvergenceWarning)
        return ig.InterventionModel().fit(
            data, method="laplace", draws=draws, random_seed=seed, progressbar=False
        )


def moves(frame, actions):
    """Return points at which one action after the other is high, and the point where none is."""
    low = pd.DataFrame([frame[actions].quantile(0.3)] * len(actions)).reset_index(drop=True)
    high = low.copy()
    for i, action in enumerate(actions):
        high.loc[i, action] = frame[action].quantile(0.7)
    return high, low


def spread_ratios(system, rows=1000):
    """Return predicted sd over that of a refit, for contrasts and for levels.

    Root mean squares over goals; the systems have 2, 3 and 5 actions in turn, and rows of the
    observational regime, of a single experiment or of a joint one that nobody has run are added.
    """
    n_actions, kind = (2, 3, 5)[system % 3], KINDS[system // 3 % 3]
    scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=1000 + system)
    actions = list(scm.actions)
    frame = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=system)
    before = fit(frame, actions)
    label = {"obs": "obs", "single": actions[0], "joint": "+".join(actions[:2])}[kind]
    at, baseline = moves(frame, actions)
    plans = [
        before.plan(at, base, options=[label], rows={label: rows}, beyond="clamp")
        for base in (baseline, None)
    ]
    do = () if kind == "obs" else label.split("+")
    new = scm.sample(rows, do=do, random_seed=system + 10**6).assign(regime=label)
    after = fit(pd.concat([frame, new]), actions)
    found = (
        after.contrast(at, baseline, beyond="clamp"),
        after.expected_outcome(at, beyond="clamp"),
    )
    real = [np.sqrt((draws.std(("chain", "draw")) ** 2).mean().item()) for draws in found]
    said = [float(np.sqrt((plan.sd_after**2).mean())) for plan in plans]
    now = [float(np.sqrt((plan.sd_before**2).mean())) for plan in plans]
    ratios = {"contrasts": said[0] / real[0], "levels": said[1] / real[1]}
    return {"actions": n_actions, "kind": kind, **ratios, "gain": said[0] / now[0]}


def errors_of_allocations(system, uneven):
    """Return the error of levels after the optimal split of a budget, and after equal rows.

    Root mean squared errors to the truth over the points of :func:`moves`, of refits to rows of the
    three actions' systems; ``uneven``: whether a row of the last action costs four times as much
    as others, and one of the observational regime a quarter.
    """
    scm = ig.scm.sample_polynomial_scm(3, random_seed=3000 + system)
    actions = list(scm.actions)
    frame = scm.sample_regimes(scm.single_regimes, n=300, random_seed=system)
    at, _ = moves(frame, actions)
    cost = {"obs": 0.25, actions[-1]: 4.0} if uneven else {}
    labels = ["obs", *actions]
    budget = 1000.0 * sum(cost.get(label, 1.0) for label in labels)
    plan = fit(frame, actions).plan(at, options=labels, budget=budget, cost=cost, beyond="clamp")
    truth = scm.expected_outcome(at).to_numpy()
    errors = []
    for rows in (plan.rows, dict.fromkeys(labels, 1000)):
        new = [
            scm.sample(
                n, do=() if label == "obs" else (label,), random_seed=system + 10**6 + i
            ).assign(regime=label)
            for i, (label, n) in enumerate(rows.items())
        ]
        mean = fit(pd.concat([frame, *new]), actions).expected_outcome(at, beyond="clamp")
        errors.append(float(np.sqrt(((mean.mean(("chain", "draw")) - truth) ** 2).mean())))
    return errors
