"""How strong hidden violations would have to be to overturn a conclusion: a tipping point analysis.

For every pair of actions two violations of the paper's Assumption 2 are let into the mean of every
regime (:mod:`bayes_intgen.checks.sensitivity.violations`) and propagated through the very fit
(:mod:`bayes_intgen.checks.sensitivity.response`). The change of an answer is linear in their size,
so that the size at which a contrast, or the end of its credible interval that is nearer to zero,
becomes zero is a division. Sizes are given as strengths from 0 to 1, beside the strength of the
strongest confounding that the data show, and beside what the data leave room for: a product makes
the bias of observational rows depend on both actions, a shared confounder makes their innovations
correlate.

Assumed are linear and normal mechanisms of the hidden variables (their means given the actions are
linear in the innovations), hyperparameters at their centre, and one violation at a time.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.checks.sensitivity.innovations import Innovation, InnovationSums, pairs_of
from bayes_intgen.checks.sensitivity.response import Response, respond, walk
from bayes_intgen.checks.sensitivity.result import Sensitivity
from bayes_intgen.checks.sensitivity.strength import Known, judge
from bayes_intgen.checks.sensitivity.violations import PairTerm, terms_of
from bayes_intgen.data.points import Points
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.design import bias_name
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.posterior.query import contrast_functionals, read_baseline, read_points
from bayes_intgen.posterior.same_data import require_same_data

__all__ = ["sensitivity"]

ERRORS = 2.0  # standard errors that the data are given

type Pair = tuple[str, str]


def sensitivity(
    posterior: Posterior,
    data: RegimeData,
    at: Any,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    minimize: bool = False,
) -> Sensitivity:
    """Find how strong a violation would have to be to change a sign, or which action is best.

    Parameters
    ----------
    posterior
        The fit.
    data
        Its rows, which are read four times.
    at
        Points, as in :meth:`bayes_intgen.Posterior.expected_outcome`.
    baseline
        What they are compared with, as in ``contrast``: the conclusion is the sign of each
        contrast. Without one, the points are candidates, and the conclusion is that the one with
        the largest posterior mean is the best: it is compared with each of the others.
    do
        The actions that are set; None sets all.
    minimize
        Whether the candidate with the smallest mean is the best.

    Returns
    -------
    Sensitivity
        Print it for the verdicts, ``.table`` for the numbers.

    Raises
    ------
    ModelError
        If the posterior is not one of these data.
    QueryError
        If points cannot be read or lie beyond the box, or there is one candidate only.
    NotIdentifiedError
        If the contrasts are not identified from the data.

    References
    ----------
    Cinelli and Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias",
    Journal of the Royal Statistical Society B 82.

    Examples
    --------
    >>> rise = {"a1": 1.0, "a2": 0.0}
    >>> result = ig.sensitivity(posterior, data, rise, baseline={"a1": 0.0, "a2": 0.0})
    >>> result.table[["violation", "actions"]].to_numpy().tolist()
    [['product', 'a1, a2'], ['shared', 'a1, a2']]
    """
    require_same_data(posterior, data)
    regime = read_do(do, posterior.actions)
    after, before, names, conclusion = _contrasts(posterior, at, baseline, regime, minimize)
    answer = posterior.contrast(after, before, list(regime))
    draws = answer.to_numpy().reshape(-1, answer.sizes["point"])
    pairs = pairs_of(posterior.design, posterior.summary.levels)
    innovations = _innovations(data, posterior, pairs)
    terms = [term for pair in pairs for term in terms_of(pair, innovations[pair])]
    responses = respond(data, posterior, terms)
    correlations, seen = _look(data, posterior, innovations)
    steps = contrast_functionals(posterior.design, before.values, after.values, regime)
    rows = []
    for i, pair in enumerate(pairs):  # terms_of a pair are five: the product comes first
        own = responses[5 * i : 5 * i + 5]
        shifts = np.array([_shift(r, posterior, after, before, regime, steps) for r in own])
        room = abs(own[0].size) + ERRORS * own[0].error
        if _imitates(posterior, pair):
            room = float("inf")  # the data tell nothing of such a product
        known = Known(posterior.outcome_scale.spread, max(seen.values()), room, correlations[pair])
        rows += judge(pair, names, draws, shifts, known)
    return Sensitivity(
        conclusion,
        posterior.outcome,
        posterior.outcome_scale.spread,
        seen,
        pd.DataFrame(rows),
        tuple(name for name in posterior.actions if name in posterior.summary.levels),
    )


def _contrasts(
    posterior: Posterior, at: Any, baseline: Any, regime: Regime, minimize: bool
) -> tuple[Points, Points, list[str], str]:
    """Return both ends of every contrast, their names, and the conclusion in words."""
    points = read_points(posterior, at)
    label = format_regime(regime)
    if baseline is not None:
        names = [str(name) for name in points.index]
        sign = f"the sign of {len(names)} contrast{'s' if len(names) > 1 else ''} under do({label})"
        return points, read_baseline(posterior, baseline, points), names, sign
    if len(points) < 2:
        raise QueryError(
            "at: one candidate has nothing to be compared with; give a baseline, or more points."
        )
    do = list(regime)
    means = posterior.expected_outcome(points, do).mean(("chain", "draw")).to_numpy()
    best = int(np.argmin(means) if minimize else np.argmax(means))
    others = [i for i in range(len(points)) if i != best]
    index = points.index[others]
    chosen = replace(points, values=np.tile(points.values[best], (len(others), 1)), index=index)
    rest = replace(points, values=points.values[others], index=index)
    names = [f"{points.index[best]} against {points.index[i]}" for i in others]
    least = "smallest" if minimize else "largest"
    text = f"point {points.index[best]} has the {least} mean outcome under do({label})"
    return chosen, rest, names, text


def _innovations(
    data: RegimeData, posterior: Posterior, pairs: list[Pair]
) -> dict[Pair, tuple[Innovation, Innovation]]:
    design, regimes = posterior.design, data.regimes
    sums = {
        (pair, i): InnovationSums.of(design, regimes, pair[i], pair[1 - i])
        for pair in pairs
        for i in (0, 1)
    }
    for regime, phi, rows in walk(data, posterior):
        for of_action in sums.values():
            of_action.add(regime, phi, rows)
    return {pair: (sums[pair, 0].solve(), sums[pair, 1].solve()) for pair in pairs}


def _look(
    data: RegimeData, posterior: Posterior, innovations: dict[Pair, tuple[Innovation, Innovation]]
) -> tuple[dict[Pair, float], dict[str, float]]:
    """Return the largest correlations of innovations that fit, and the sd of every bias."""
    design = posterior.design
    mean = weight_draws(posterior).mean(axis=(0, 1))
    biases = {b: design.collect(mean, design.component(bias_name(b))) for b in design.blocks}
    products = {pair: np.zeros(6) for pair in innovations}
    sums = {block: np.zeros(3) for block in design.blocks}
    for regime, phi, rows in walk(data, posterior):
        for pair, (first, second) in innovations.items():
            if not {*pair} & {*regime}:
                z = np.array([first(phi, rows), second(phi, rows)])
                powers = (z.sum(axis=1), (z**2).sum(axis=1), [z[0] @ z[1]])
                products[pair] += np.concatenate([[len(rows)], *powers])
        for block, bias in biases.items():
            if not {*block} & {*regime}:
                value = phi @ bias
                sums[block] += np.array([len(rows), value.sum(), value @ value])
    room = {pair: _largest_correlation(total) for pair, total in products.items()}
    seen = {
        format_regime(block): float(np.sqrt(max(square / n - (total / n) ** 2, 0.0))) if n else 0.0
        for block, (n, total, square) in sums.items()
    }
    return room, seen


def _largest_correlation(sums: Array) -> float:
    """Return |r| and two standard errors; one if no regime leaves both actions alone."""
    n, first, second, first_square, second_square, both = sums
    if n < 4:
        return 1.0
    spread = np.sqrt((first_square - first**2 / n) * (second_square - second**2 / n))
    r = (both - first * second / n) / spread
    return float(min(abs(r) + ERRORS * (1 - r**2) / np.sqrt(n), 1.0))


def _imitates(posterior: Posterior, pair: Pair) -> bool:
    """Say whether the model has room for a function of both where both are left alone only.

    Then the data tell nothing of a product; what the fit says of it comes from the prior.
    """
    design, regimes = posterior.design, tuple(posterior.summary.regimes)
    shared = [f for f in design.features.features if f.actions == {*pair}]
    if not shared:
        return False
    position = design.features.features.index(shared[0])
    weights = np.flatnonzero(design.positions == position)
    if not len(weights):
        return False
    activity = np.array([design.active(regime)[weights] for regime in regimes], dtype=float)
    pattern = np.array([float(not {*pair} & {*regime}) for regime in regimes])
    fitted = activity @ np.linalg.lstsq(activity, pattern, rcond=None)[0]
    return bool(np.allclose(fitted, pattern))


def _shift(
    response: Response,
    posterior: Posterior,
    after: Points,
    before: Points,
    regime: Regime,
    steps: Array,
) -> Array:
    """Return the change of every contrast by a term of unit size."""
    change = -steps @ response.weights  # what the fit mistakes for the model's own
    for points, sign in ((after, 1.0), (before, -1.0)):
        phi = posterior.design.features.evaluate(points.values)
        term = response.term
        present = term(regime, phi, points.values) if isinstance(term, PairTerm) else None
        if present is not None:  # the term itself, delta_T(a) of response (2)
            change = change + sign * present
    return np.asarray(change)
