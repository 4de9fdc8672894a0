"""Points at which a fit that misses its own data cannot vouch for its interval.

By the affine rule the mean of the target is sum_r c_r m_r over the regimes r at hand
(:mod:`bayes_intgen.design.identification.identify`). If the fit misses the mean of regime r by
delta_r (:attr:`bayes_intgen.inference.verdicts.lack_of_fit_result.LackOfFit.sizes`), the answer is
off by about

    (1)  delta = (sum of c_r^2 delta_r^2)^(1/2),

which the draws do not know. Where it is more than half of the half-width of the 90% interval, which
then covers at most about 80%, the point is flagged ``misfit`` in the place of ``supported``. Where
only contrasts are identified, every c_r counts as one.
"""

from math import sqrt

import numpy as np
from scipy import stats

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["answer_misfit", "find_misfit_points"]

LARGE = 0.5  # of the half-width of the interval
DRAWS = 256
POINTS_AT_ONCE = 2**12


def answer_misfit(fit: Fitted, regime: Regime) -> float:
    """Return (1), the misfit of the mean of a regime, in the outcome's unit; zero if none is seen.

    ``regime``: the target, of which the data identify the mean or some contrasts.
    """
    if fit.lack_of_fit is None or fit.lack_of_fit.ok:
        return 0.0
    rule = identify_from(fit.summary.regimes, regime, fit.design.blocks)
    sizes = fit.lack_of_fit.sizes
    coefficients = [rule.weights[tuple(sorted(r))] if rule.identified else 1.0 for r in sizes]
    parts = zip(coefficients, sizes.values(), strict=True)
    return sqrt(sum((c * size) ** 2 for c, size in parts))  # (1)


def find_misfit_points(fit: Fitted, values: Array, regime: Regime) -> Mask:
    """Find the points at which the misfit is large against the interval of the mean of a regime.

    ``values``: of actions and covariates, shape (points, variables).
    """
    misfit = answer_misfit(fit, regime)
    if misfit == 0.0:
        return np.zeros(len(values), dtype=bool)
    weights = fit.idata["weights"].dataset["weight"].to_numpy()
    weights = weights.reshape(-1, weights.shape[-1])
    # evenly, and not at a multiple of the points that a Laplace fit repeats in turn
    draws = weights[np.linspace(0, len(weights) - 1, min(DRAWS, len(weights))).astype(int)]
    theta = fit.design.collect(draws, fit.design.active(regime))
    half_width = float(stats.norm.ppf((1 + INTERVAL) / 2))
    large = np.empty(len(values), dtype=bool)
    for some in stretches(len(values), POINTS_AT_ONCE):
        sd = (theta @ fit.design.features.evaluate(values[some]).T).std(axis=0)
        large[some] = misfit > LARGE * half_width * sd
    return large
