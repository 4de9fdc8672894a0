"""The posterior's own draws, in a form that fits into a page and gives its numbers again.

With the covariates held, phi is a sum over sets of actions, and so is the mean of draw d at a
setting a on the grids of the controls,

    m_d(a) = level_d + sum_k f_kd(a_k) + sum over interacting sets g of phi_g(a_g)' theta_gd.  (1)

Means over the draws are kept as they are. Deviations from them are rounded to multiples of a step
q. A curve, of which all values on its grid are the matrix F (draws, values), is F = Z U' with
orthonormal columns U (singular value decomposition), and Z is rounded: at one value the error is
sum_r U_r e_r with e_r of at most q / 2 and sum_r U_r^2 <= 1, of variance q^2 / 12 at most. Of
products of functions of several actions each weight is rounded to q / (sqrt(F) max abs phi_f),
which has the same bound. So the error of m_d has a standard deviation of at most
q sqrt(terms / 12), and

    q = ERROR * width * sqrt(12 / terms),                                                      (2)

with the least width of an interval over settings drawn at random, holds it at ERROR widths: five
standard deviations are 5e-7 of the width. Columns of Z that are all zero then are left out, others
take one to six bytes a draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.estimands.expected_outcome import theta_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.report_page.arrays import Whole, pack, pack_whole, width_of
from bayes_intgen.posterior.report_page.controls import Control

__all__ = ["Curve", "PageDraws", "Product", "make_draws"]

ERROR = 1e-7  # of the width of an interval
SETTINGS = 64  # at which widths are looked at
MOST_BYTES = 3_000_000  # of the draws; a third more as text
LEAST_DRAWS = 256


@dataclass(frozen=True)
class Curve:
    """f_k of (1): its mean, shape (values,), shapes U (values, R), and Z / q (R, draws)."""

    action: int
    mean: Array
    shapes: Array
    scores: Whole


@dataclass(frozen=True)
class Product:
    """phi_g' theta_g of (1): the features of one set of actions, and their weights.

    ``factors`` are the columns in the tables of the actions, shape (features, actions), ``mean``
    the means of the weights, ``steps`` their steps, and ``scores`` the weights in these, shape
    (features, draws).
    """

    actions: tuple[int, ...]
    factors: Whole
    mean: Array
    steps: Array
    scores: Whole


@dataclass(frozen=True)
class PageDraws:
    """All terms of (1): ``level`` is a mean and deviations from it, shape (draws,).

    ``tables``: the functions of each action that is in a product, shape (values, functions).
    """

    level: float
    deviations: Array
    curves: tuple[Curve, ...]
    products: tuple[Product, ...]
    tables: dict[int, Array]
    step: float
    of: int  # the number of draws of the fit

    @property
    def n_bytes(self) -> int:
        """How many bytes the deviations take."""
        tables = [*(c.scores for c in self.curves), *(p.scores for p in self.products)]
        columns = [row for table in tables for row in table]
        return sum(width_of(row) * len(row) for row in columns) + 8 * len(self.deviations)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types, as model.js takes it."""
        return {
            "level": self.level,
            "deviations": pack(self.deviations),
            "step": self.step,
            "of": self.of,
            "curves": [
                {
                    "action": curve.action,
                    "mean": pack(curve.mean),
                    "shapes": pack(curve.shapes),
                    "scores": pack_whole(curve.scores),
                }
                for curve in self.curves
            ],
            "products": [
                {
                    "actions": list(product.actions),
                    "factors": product.factors.tolist(),
                    "mean": pack(product.mean),
                    "steps": pack(product.steps),
                    "scores": pack_whole(product.scores),
                }
                for product in self.products
            ],
            "tables": {str(k): pack(table) for k, table in self.tables.items()},
        }


def make_draws(
    fit: Fitted, regime: Regime, controls: Sequence[Control], held: Array, level: bool
) -> PageDraws:
    """Put the draws of the mean of a regime on the grids of the controls.

    All of them, or as many as fit into 3 MB. ``held``: values of all variables, of which those of
    covariates count. ``level``: whether the level is identified, and not only contrasts.
    """
    theta = theta_draws(fit, regime)
    theta = theta.reshape(-1, theta.shape[-1])
    count = len(theta)
    while True:
        chosen = np.linspace(0, len(theta) - 1, count).astype(int)
        found = _take_apart(fit, regime, controls, held, theta[chosen], level)
        if found.n_bytes <= MOST_BYTES or count <= LEAST_DRAWS:
            return PageDraws(**{**vars(found), "of": len(theta)})
        count = max(LEAST_DRAWS, int(count * 0.95 * MOST_BYTES / found.n_bytes))


def _take_apart(
    fit: Fitted,
    regime: Regime,
    controls: Sequence[Control],
    held: Array,
    theta: Array,
    level: bool,
) -> PageDraws:
    weights = _gather(fit, regime, held, theta)
    bases = fit.design.features.bases
    tables = {k: bases[c.name].evaluate(c.values) for k, c in enumerate(controls)}
    constant = weights.pop((), np.zeros(len(theta))) + fit.outcome_scale.centre
    sets = dict.fromkeys(tuple(k for k, _ in factors) for factors in weights)
    step = _least_width(tables, weights, constant, controls, level)
    step *= ERROR * sqrt(12 / max(1, len(sets)))  # (2)
    curves, products = [], []
    for actions in sets:
        own = {f: w for f, w in weights.items() if tuple(k for k, _ in f) == actions}
        factors = np.array([[i for _, i in f] for f in own], dtype=np.int64)
        draws = np.array(list(own.values()))
        if len(actions) == 1:
            k = actions[0]
            functions = tables[k][:, factors[:, 0]]
            here = functions[controls[k].start]
            constant = constant + here @ draws  # curves start from zero there
            curves.append(_compress(k, functions - here, draws, step))
        else:
            size = [prod(float(np.abs(tables[k][:, i]).max()) for k, i in f) or 1.0 for f in own]
            steps = step / sqrt(len(own)) / np.array(size)
            mean = draws.mean(axis=1)
            scores = np.rint((draws - mean[:, None]) / steps[:, None]).astype(np.int64)
            products.append(Product(actions, factors, mean, steps, scores))
    joined = {k for product in products for k in product.actions}
    average = float(constant.mean())
    return PageDraws(
        average,
        constant - average,
        tuple(curves),
        tuple(products),
        {k: table for k, table in tables.items() if k in joined},
        step,
        len(theta),
    )


def _gather(
    fit: Fitted, regime: Regime, held: Array, theta: Array
) -> dict[tuple[tuple[int, int], ...], Array]:
    """Sum the draws of weights by the functions of actions that they multiply, at the covariates.

    The keys are pairs (position of an action, position of the function in its basis).
    """
    features, names = fit.design.features, list(fit.design.variables)
    at = {
        name: features.bases[name].evaluate(held[[names.index(name)]])[0] for name in fit.covariates
    }
    used = np.unique(fit.design.positions[fit.design.active(regime)])
    weights: dict[tuple[tuple[int, int], ...], Array] = {}
    for position in used.tolist():
        factors = features.features[position].factors
        by_covariates = prod(float(at[name][i]) for name, i in factors if name in at)
        key = tuple(sorted((names.index(name), i) for name, i in factors if name not in at))
        weights[key] = weights.get(key, 0.0) + by_covariates * theta[:, position]
    return weights


def _compress(action: int, functions: Array, draws: Array, step: float) -> Curve:
    """Write a curve by its mean and rounded deviations.

    ``functions``: shape (values, functions); ``draws`` of their weights, (functions, draws).
    """
    mean = draws.mean(axis=1)
    across, inner = np.linalg.qr(functions)  # F' = functions (draws - mean) = across (inner ...)
    left, sizes, right = np.linalg.svd(inner @ (draws - mean[:, None]), full_matrices=False)
    scores = np.rint(right * (sizes / step)[:, None]).astype(np.int64)
    kept = np.abs(scores).max(axis=1) > 0
    return Curve(action, functions @ mean, (across @ left)[:, kept], scores[kept])


def _least_width(
    tables: dict[int, Array],
    weights: dict[tuple[tuple[int, int], ...], Array],
    constant: Array,
    controls: Sequence[Control],
    level: bool,
) -> float:
    """Return the least width of an interval at settings drawn at random, and at the start.

    Without a level, of the contrast with the start.
    """
    rng = np.random.default_rng(0)
    columns = [rng.integers(len(c.values), size=SETTINGS) for c in controls]
    settings = np.column_stack(columns)
    settings[0] = [c.start for c in controls]
    functions = np.ones((len(weights), SETTINGS))
    for row, factors in zip(functions, weights, strict=True):
        for k, i in factors:
            row *= tables[k][settings[:, k], i]
    rows = np.array(list(weights.values())).reshape(len(weights), -1)
    total = np.repeat(constant[:, None], SETTINGS, axis=1)
    if len(rows):
        total += rows.T @ functions
    if not level:
        total = total - total[:, [0]]
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(total, [tail, 1 - tail], axis=0)
    wide = (high - low)[high - low > 0]
    return float(wide.min()) if len(wide) else 1.0
