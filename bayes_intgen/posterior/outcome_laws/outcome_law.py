"""The law of an outcome given its mean and variance, by its kind.

=============== ==================================================================================
``binary``      Bernoulli; the variance follows from the mean
``count``       negative binomial, Poisson, or a mixture of binomial laws
                (:mod:`bayes_intgen.posterior.outcome_laws.counts`)
``proportion``  beta, with masses at 0 and 1 if rows are there
                (:mod:`bayes_intgen.posterior.outcome_laws.proportions`)
``positive``    gamma or lognormal, with a mass at zero if rows are there
                (:mod:`bayes_intgen.posterior.outcome_laws.positive`)
``real``        normal, or Student's t if the fit has degrees of freedom
=============== ==================================================================================

Mean and variance are those of the fit, whatever the law. What the law has beyond them is measured
on rows, given the fitted means and variances (:func:`measure_law`): the masses by their number, and
of gamma and lognormal the one with the greater likelihood. With the wrong one of the two, 90%
intervals hold 94% of lognormal outcomes with a coefficient of variation of 0.6 and 85% of gamma
ones.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from bayes_intgen.base.types import Array
from bayes_intgen.data.outcome_kind import OutcomeKind
from bayes_intgen.posterior.outcome_laws.counts import draw_counts, log_mass_counts
from bayes_intgen.posterior.outcome_laws.positive import (
    PositiveShape,
    draw_positive,
    log_density_positive,
    zero_share,
)
from bayes_intgen.posterior.outcome_laws.proportions import (
    draw_proportions,
    end_shares,
    log_density_proportions,
)

__all__ = ["OutcomeLaw", "measure_law"]


@dataclass(frozen=True)
class OutcomeLaw:
    """The family of laws from which outcomes are drawn.

    Parameters
    ----------
    kind
        That of the outcome.
    shape
        Of a positive outcome.
    at_zero, at_one
        Masses at the ends, relative to the largest that mean and variance allow.
    """

    kind: OutcomeKind
    shape: PositiveShape = "gamma"
    at_zero: float = 0.0
    at_one: float = 0.0

    @property
    def discrete(self) -> bool:
        """Whether all outcomes are whole numbers."""
        return self.kind in ("binary", "count")

    def draw(
        self, mean: Array, variance: Array, rng: np.random.Generator, nu: Array | None = None
    ) -> Array:
        """Draw outcomes with given means and variances, of shapes that broadcast.

        ``nu``: degrees of freedom of Student's t, of which ``variance`` is the squared scale.
        """
        if self.kind == "real":
            shape = np.broadcast_shapes(mean.shape, variance.shape)
            noise = rng.standard_normal(shape) if nu is None else rng.standard_t(nu, shape)
            return np.asarray(mean + np.sqrt(variance) * noise)
        spread = _variance(variance, nu)
        if self.kind == "binary":
            return (rng.random(mean.shape) < mean).astype(float)
        if self.kind == "count":
            return draw_counts(mean, spread, rng)
        if self.kind == "proportion":
            return draw_proportions(mean, spread, self.at_zero, self.at_one, rng)
        return draw_positive(mean, spread, self.shape, self.at_zero, rng)

    def log_density(self, y: Array, mean: Array, variance: Array, nu: Array | None = None) -> Array:
        """Return the log density of outcomes, or log probability where there is mass."""
        if self.kind == "real":
            scale = np.sqrt(variance)
            z = (y - mean) / scale
            density = stats.norm.logpdf(z) if nu is None else stats.t.logpdf(z, nu)
            return np.asarray(density - np.log(scale))
        spread = _variance(variance, nu)
        if self.kind == "binary":
            p = np.clip(mean, 0.0, 1.0)
            return np.asarray(special.xlogy(y, p) + special.xlog1py(1 - y, -p))
        if self.kind == "count":
            return log_mass_counts(y, mean, spread)
        if self.kind == "proportion":
            return log_density_proportions(y, mean, spread, self.at_zero, self.at_one)
        return log_density_positive(y, mean, spread, self.shape, self.at_zero)

    def to_text(self) -> str:
        """Write everything as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "OutcomeLaw":
        """Rebuild from :meth:`to_text`."""
        state: Mapping[str, Any] = json.loads(text)
        return cls(**state)

    def __str__(self) -> str:
        masses = "".join(
            f", with mass at {end}"
            for end, share in ((0, self.at_zero), (1, self.at_one))
            if share > 0
        )
        names: Mapping[OutcomeKind, str] = {
            "binary": "Bernoulli",
            "count": "counts, by mean and variance",
            "proportion": f"beta{masses}",
            "positive": f"{self.shape}{masses}",
            "real": "normal",
        }
        return names[self.kind]


def _variance(squared_scale: Array, nu: Array | None) -> Array:
    return squared_scale if nu is None else squared_scale * nu / (nu - 2)


def measure_law(kind: OutcomeKind, y: Array, mean: Array, variance: Array) -> OutcomeLaw:
    """Measure on rows what the law has beyond mean and variance.

    Parameters
    ----------
    kind
        That of the outcome.
    y, mean, variance
        Outcomes, and their fitted means and variances, shape (rows,) each.
    """
    if kind == "proportion":
        zero, one = end_shares(mean, variance)
        ends = ((y == 0).sum() / zero.sum(), (y == 1).sum() / one.sum())
        at_zero, at_one = (min(float(share), 1.0) for share in ends)
        return OutcomeLaw(kind, at_zero=at_zero, at_one=at_one)
    if kind != "positive":
        return OutcomeLaw(kind)
    at_zero = min(float((y == 0).sum() / zero_share(mean, variance).sum()), 1.0)
    laws = [OutcomeLaw(kind, "gamma", at_zero), OutcomeLaw(kind, "lognormal", at_zero)]
    # where the mean had to be raised, neither law is that of the outcome
    sound = mean > np.sqrt(variance) / 3
    chosen = sound if sound.any() else np.ones(len(y), dtype=bool)
    rows = (y[chosen], mean[chosen], variance[chosen])
    return max(laws, key=lambda law: float(law.log_density(*rows).sum()))
