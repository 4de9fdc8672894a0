"""The experiments that may be run: what one row of each tells, and what it costs.

One row of regime r adds, in the mean, w_r Gbar_r to the precision of the weights (design, section
12), with Gbar_r the mean of products of the features that take part in r and w_r = sigma_r^-2.

* A regime that has rows and is run with the settings that it had: both as in its rows, which count
  there by their row weights.
* Any other: rows as it would give them (:mod:`bayes_intgen.posterior.planning.planned_rows`), and
  the mean of Var_S(a) over these by the sum rule of variances
  (:mod:`bayes_intgen.model.variance_sum_rule`), or, if the fit has one sigma per regime, the same
  affine combination of the squares of these, not below the least nor above the sum of all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_mapping, read_real, show
from bayes_intgen.base.errors import QueryError, RegimeError
from bayes_intgen.base.regimes import Regime, format_regime, read_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.identification.identify import require_known_cuts
from bayes_intgen.inference.variance_functions import variance_design
from bayes_intgen.model.variance_sum_rule import combine_regimes
from bayes_intgen.posterior import query
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.planned_rows import RowPlanner

__all__ = ["Option", "read_costs", "read_options", "read_regimes"]


@dataclass(frozen=True)
class Option:
    """An experiment: its regime, what it costs, and what a row of it tells."""

    regime: Regime
    cost: float  # of a row
    fixed: float  # of running it at all
    simulated: bool  # whether its rows were made up, because there are none with such settings
    mean_gram: Array = field(repr=False)  # Gbar of centred weights, shape (weights, weights)
    precision: Array = field(repr=False)  # w of each point of hyperparameters, shape (points,)

    @property
    def label(self) -> str:
        """Its regime's label."""
        return format_regime(self.regime)


def read_regimes(fit: Fitted, options: Iterable[Any] | None) -> list[Regime]:
    """Read the regimes that may be run: the observational one and every action alone by default."""
    if options is None:
        return [(), *((action,) for action in fit.actions)]
    if isinstance(options, str | bytes) or not isinstance(options, Iterable):
        raise QueryError(
            f"options must be a list of regimes, such as ['obs', 'a1', 'a1+a2'], got "
            f"{show(options)}."
        )
    try:
        regimes = [read_regime(option, fit.actions, "options") for option in options]
    except RegimeError as error:
        raise QueryError(str(error)) from error
    if not regimes or len({*regimes}) < len(regimes):
        raise QueryError(
            f"options must hold at least one regime and each once, got "
            f"{[format_regime(regime) for regime in regimes]}."
        )
    for regime in regimes:
        require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    return regimes


def read_costs(
    fit: Fitted, given: Mapping[str, Any] | None, regimes: list[Regime], name: str, usual: float
) -> list[float]:
    """Return a cost for each regime; one that is not named has the usual one."""
    costs = read_mapping(given, name, "regimes to numbers")
    known: dict[Regime, float] = {}
    rule = "a number above zero" if usual else "a number of at least zero"
    for label, value in costs.items():
        try:
            regime = read_regime(label, fit.actions, name)
        except RegimeError as error:
            raise QueryError(str(error)) from error
        cost = read_real(value, f"{name}: that of {label!r}", rule, 0.0, error=QueryError)
        if usual and cost == 0:
            raise QueryError(f"{name}: that of {label!r} must be {rule}, got {show(value)}.")
        if regime not in regimes:
            raise QueryError(
                f"{name}: {label!r} is not among the options "
                f"{[format_regime(regime) for regime in regimes]}."
            )
        known[regime] = cost
    return [known.get(regime, usual) for regime in regimes]


def read_options(
    fit: Fitted,
    points: HyperPoints,
    regimes: list[Regime],
    costs: tuple[list[float], list[float]],
    settings: Mapping[str, Any] | None,
    random_seed: int,
) -> list[Option]:
    """Work out what a row of each regime tells; ``costs``: of a row of each, and fixed ones."""
    values = _read_settings(fit, settings, regimes)
    planner = RowPlanner(fit, values)
    found = []
    for regime, cost, fixed in zip(regimes, *costs, strict=True):
        known = regime in points.regimes and not {*regime} & {*values}
        if known:
            r = points.regimes.index(regime)
            gram, precision = points.mean_gram[r], points.precision[:, r]
        else:
            names = [fit.actions.index(action) for action in regime]
            rows = planner.rows(regime, np.random.default_rng([random_seed, 9, *names]))
            regressors = query.mean_functionals(fit.design, rows, regime)
            centred = points.centring.to_centred_rows(regressors)
            gram = centred.T @ centred / len(rows)
            precision = 1 / _mean_variance(fit, points, regime, rows)
        found.append(Option(regime, cost, fixed, not known, gram, precision))
    return found


def _read_settings(
    fit: Fitted, settings: Mapping[str, Any] | None, regimes: list[Regime]
) -> dict[str, Array]:
    """Return the values, or codes of levels, at which a plan sets some actions."""
    values: dict[str, Array] = {}
    for action, given in read_mapping(settings, "settings", "actions to lists of values").items():
        query.require_action(fit, action, "settings: the names")
        if not any(action in regime for regime in regimes):
            raise QueryError(f"settings: no option sets {action!r}; leave it out, or add one.")
        with query.naming("settings"):
            points = query.complete_points(fit, {action: given})
        values[action] = points.values[:, fit.actions.index(action)]
    return values


def _mean_variance(fit: Fitted, points: HyperPoints, regime: Regime, rows: Array) -> Array:
    """Return the mean of Var_S(a) over rows in squared standard units, shape (points,)."""
    tree, known = fit.idata, 1 / points.precision
    square = fit.outcome_scale.spread**2
    least = known.min(axis=1)
    if "variance" in tree.children:
        functions = tree["variance"].to_dataset()
        design = variance_design(fit.design)
        weights = functions["weight"].mean(("chain", "draw")).to_numpy()
        theta = design.collect(weights, design.active(regime))
        variance = design.features.evaluate(rows) @ theta / square
        floor = float(functions["least"]) / square
        return np.full(len(known), float(np.maximum(variance, floor).mean()))
    coefficients = combine_regimes(fit.design, points.regimes, regime)
    if coefficients is None:
        return np.asarray(known.max(axis=1))
    return np.clip(known @ coefficients, least, known.sum(axis=1))
