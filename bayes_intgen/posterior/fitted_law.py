"""The law of the outcome that belongs to a fit: measured on its rows when it is made, then kept.

It stands as JSON in the attribute ``outcome_law`` of the tree of draws. A fit that was saved before
there was one, or made without rows, has the plain law of the kind that its summary tells.
"""

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.estimands.expected_outcome import theta_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.noise_scale import noise_scale
from bayes_intgen.posterior.outcome_laws.outcome_law import OutcomeLaw, measure_law

__all__ = ["MEASURED", "keep_law", "law_of"]

LAW = "outcome_law"
MEASURED = ("proportion", "positive")  # kinds whose law is measured, by the variance of the rows
ROWS = 2**10  # of each regime
DRAWS = 2**6


def law_of(fit: Fitted) -> OutcomeLaw:
    """Return the law from which outcomes are drawn."""
    kept = fit.idata.attrs.get(LAW)
    if kept is None:
        return OutcomeLaw(fit.summary.outcome_range.kind)
    return OutcomeLaw.from_text(str(kept))


def keep_law[Fit: Fitted](fit: Fit) -> Fit:
    """Measure the law on the rows that the first pass kept, and write it into the tree of draws."""
    kind = fit.summary.outcome_range.kind
    rows = [
        (regime, part.sample.thin(ROWS).rows)
        for regime, part in fit.summary.regimes.items()
        if len(part.sample.rows)
    ]
    if kind == "real" or not rows:
        return fit
    if kind not in MEASURED:  # binary or count, which have nothing beyond mean and variance
        law = OutcomeLaw(kind)
    else:
        moments = [_mean_and_variance(fit, values[:, :-1], regime) for regime, values in rows]
        mean, variance = (np.concatenate(parts) for parts in zip(*moments, strict=True))
        law = measure_law(
            kind, np.concatenate([values[:, -1] for _, values in rows]), mean, variance
        )
    fit.idata.attrs[LAW] = law.to_text()
    return fit


def _mean_and_variance(fit: Fitted, values: Array, regime: Regime) -> tuple[Array, Array]:
    """Return posterior means of the expected outcome and its variance at some rows."""
    theta = theta_draws(fit, regime).mean(axis=(0, 1))
    mean = fit.design.features.evaluate(values) @ theta + fit.outcome_scale.centre
    scale, nu = noise_scale(fit, values, regime)
    square = scale**2 if nu is None else scale**2 * nu / (nu - 2)
    return mean, np.broadcast_to(square.mean(axis=(0, 1)), len(values))
