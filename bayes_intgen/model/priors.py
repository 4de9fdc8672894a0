"""Priors of the hyperparameters, and the prior scales of the weights that follow from them.

All are in standard units.

The outcome and the actions are centred and divided by their spread before the model sees them, so
the numbers below mean the same at any scale of any column. Each group of weights (the linear or the
wiggly part of one action, the levels of a categorical one, a pair of actions, everything of higher
order; separately for the causal part and for the bias of each action) has a prior scale of its own,
so that pieces the data do not need shrink away by themselves; beside a warped coordinate, the
wiggly part of an action in its effect and that in its own bias share one. Pieces that involve a
covariate have wider priors than others: there are many, and most covariates that are put in for
safety do little. Two that do nothing raise the error of the joint effect by 12% (12 systems of 3
actions, 5000 rows per regime); with the priors of the other pieces it would be 47% (8 of these).

An action that no regime sets has a shorter lengthscale and more confounding by prior. Its rows tell
of the sum of effect and confounding only, so wiggles of one that the other cancels go unseen: with
the priors of the others, 90% intervals from lift tests in place of its experiment hold the truth at
80% of the moves between tested values, with these at 92% (40 systems, not those on which the priors
were chosen). For all pieces of all actions such caution costs: scales of 0.3 to 0.5 and
lengthscales of 0.45 raise the error by 8% where every experiment has rows (20 systems each of 3 and
5 actions).

Likewise an action whose experiments have few rows, or a gap: the wiggles of its effect and of its
bias are seen mostly by their sum. With a median of 0.4 for their scale in place of 1.0, 90%
intervals of contrasts hold the truth at 80% of the settings with 10^5 rows and 40 per experiment,
and at 87% with 2 x 10^4 and 60 (24 and 48 systems), with this one at 86% and 91%; errors are the
same to 1%.

From the hyperparameters follows the prior standard deviation of every weight. Its logarithm is
linear in the log scales of the groups and, for eigenfunctions of frequency w of an action with
lengthscale l, adds half the log spectral density of a unit squared-exponential kernel:

    (1)  log sd_i = log scale_g(i) + sum over factors of ( log(2 pi)/4 + log(l)/2 - (w l)^2 / 4 ),

and for a Matern kernel of smoothness nu

    (2)  ( log c_nu + log(l) ) / 2 - (nu / 2 + 1 / 4) log(1 + (w l)^2 / (2 nu)),
         c_nu = 2 sqrt(pi) Gamma(nu + 1/2) / (Gamma(nu) sqrt(2 nu)).

A product of eigenfunctions has one such term per factor. Constants have a fixed scale. Below
exp(-40) a weight is zero for every purpose, and its prior scale is held there to avoid overflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import isinf, lgamma, log, pi
from typing import Self

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.design import Design
from bayes_intgen.model.distributions import (
    Gamma,
    LogNormal,
    Prior,
    check_positive,
    check_prior,
    describe_prior,
)

__all__ = ["LEAST_LOG_SD", "PriorScales", "Priors"]

LEAST_LOG_SD = -40.0


@dataclass(frozen=True)
class Priors:
    """Priors of every hyperparameter; each can be replaced.

    A prior is a :class:`LogNormal`, a number (the value is known and held there, to within a tenth
    of a percent), or a PyMC distribution of one positive number, such as ``pm.HalfNormal.dist(1)``.
    Printing the object shows all of them in one table.

    Parameters
    ----------
    sigma
        Residual standard deviation of a regime, in standard deviations of the outcome.
    linear, wiggly
        Scale of the weights of a single action, likewise: of its linear functions, and of its
        powers or eigenfunctions.
    level
        Scale of the values of a categorical action's levels.
    pair
        Scale of the weights of products of two actions.
    covariate
        Scale of the weights of a covariate, and of its products with one other variable.
    higher
        Scale of the weights of products of three variables or more.
    lengthscale
        Lengthscale of an action's eigenfunctions, in half-widths of its data.
    lengthscale_unset
        The same for an action that no regime sets. What lift tests tell of its effect are a few
        differences, and what lies between them is for the prior to say.
    confounding_unset
        Scale of the confounding bias of such an action as a function of that action, likewise in
        place of ``linear`` and ``wiggly`` (and of what its effect shares with it): no rows could
        tell that there is none.
    constant
        Standard deviation of the constant of the causal part (normal, mean zero); a number.
    tail
        Degrees of freedom of a Student-t likelihood, less two; a
        :class:`~bayes_intgen.model.distributions.Gamma`.
    variance
        Scale of the log-variance function of a regime, if it is inferred with the means; a
        :class:`LogNormal`.
    warped
        Scale of the weights of eigenfunctions of the warped coordinate.
    curved
        Scale of the square and the cube of the normal score of an action.
    mass
        Scale of what sets a frequent value of a smooth action apart from its curve.
    step
        Scale of the heights of jumps of the outcome along an action, where they were found.
    lengthscale_warped
        Lengthscale of the eigenfunctions of the warped coordinate, which runs from -1 to 1.
    gapped
        Scale of the wiggles of an action with a warped coordinate, in its effect and in its bias
        alike, if experiments leave a gap in which rows that leave it alone lie, or have fewer than
        150 rows: what is seen is mostly the sum of the two.
    offset
        Scale of the constants of all biases: of what a bias has for its mean over the rows that
        leave the action alone (:mod:`bayes_intgen.model.centring`).

    Raises
    ------
    ModelError
        If a prior is none of the three, or can be negative, zero or infinite.

    Examples
    --------
    >>> import pymc as pm
    >>> print(Priors(linear=LogNormal(1.0, 0.5), wiggly=pm.HalfNormal.dist(0.5), lengthscale=0.8))
    sigma              LogNormal(median=0.6, log_sd=1.0): 90% within 0.116 to 3.11
    linear             LogNormal(median=1.0, log_sd=0.5): 90% within 0.439 to 2.28
    wiggly             HalfNormal(0, 0.5): 90% within 0.0314 to 0.978
    level              LogNormal(median=0.3, log_sd=1.0): 90% within 0.0579 to 1.55
    pair               LogNormal(median=0.1, log_sd=1.0): 90% within 0.0193 to 0.518
    covariate          LogNormal(median=0.05, log_sd=2.0): 90% within 0.00186 to 1.34
    higher             LogNormal(median=0.05, log_sd=1.0): 90% within 0.00965 to 0.259
    lengthscale        0.8 (known)
    lengthscale_unset  LogNormal(median=0.35, log_sd=0.2): 90% within 0.252 to 0.486
    confounding_unset  LogNormal(median=0.3, log_sd=0.5): 90% within 0.132 to 0.683
    constant           Normal(0, 3.0)
    tail               Gamma(shape=2.0, rate=0.1): 90% within 3.55 to 47.4
    variance           LogNormal(median=0.3, log_sd=1.0): 90% within 0.0579 to 1.55
    warped             LogNormal(median=0.2, log_sd=1.0): 90% within 0.0386 to 1.04
    curved             LogNormal(median=0.1, log_sd=1.0): 90% within 0.0193 to 0.518
    mass               LogNormal(median=0.1, log_sd=1.0): 90% within 0.0193 to 0.518
    step               LogNormal(median=0.3, log_sd=1.0): 90% within 0.0579 to 1.55
    lengthscale_warped  LogNormal(median=0.35, log_sd=0.5): 90% within 0.154 to 0.797
    gapped             LogNormal(median=1.0, log_sd=0.3): 90% within 0.611 to 1.64
    offset             LogNormal(median=0.2, log_sd=0.7): 90% within 0.0632 to 0.633
    """

    sigma: Prior = LogNormal(0.6, 1.0)
    linear: Prior = LogNormal(0.3, 1.0)
    wiggly: Prior = LogNormal(0.1, 1.0)
    level: Prior = LogNormal(0.3, 1.0)
    pair: Prior = LogNormal(0.1, 1.0)
    covariate: Prior = LogNormal(0.05, 2.0)
    higher: Prior = LogNormal(0.05, 1.0)
    lengthscale: Prior = LogNormal(0.6, 0.42)
    lengthscale_unset: Prior = LogNormal(0.35, 0.2)
    confounding_unset: Prior = LogNormal(0.3, 0.5)
    constant: float = 3.0
    tail: Gamma = Gamma(2.0, 0.1)
    variance: LogNormal = LogNormal(0.3, 1.0)
    warped: Prior = LogNormal(0.2, 1.0)
    curved: Prior = LogNormal(0.1, 1.0)
    mass: Prior = LogNormal(0.1, 1.0)
    step: Prior = LogNormal(0.3, 1.0)
    lengthscale_warped: Prior = LogNormal(0.35, 0.5)
    gapped: Prior = LogNormal(1.0, 0.3)
    offset: Prior = LogNormal(0.2, 0.7)

    def __post_init__(self) -> None:
        check_positive(self.constant, "constant")
        for name, kind in (("tail", Gamma), ("variance", LogNormal)):
            if not isinstance(getattr(self, name), kind):
                raise ModelError(
                    f"priors: {name} must be a {kind.__name__}, got {getattr(self, name)!r}."
                )
        for field in fields(self):
            if field.name not in ("constant", "tail", "variance"):
                check_prior(getattr(self, field.name), field.name)

    def of_each(
        self, n_regimes: int, group_kinds: Sequence[str], length_kinds: Sequence[str]
    ) -> list[Prior]:
        """Return the prior of each sigma, scale and lengthscale, joined end to end.

        The kind of a group or lengthscale is the name of its prior.

        Examples
        --------
        >>> len(ig.Priors().of_each(3, ["linear", "wiggly"], ["lengthscale"]))
        6
        """
        kinds = (*group_kinds, *length_kinds)
        return [self.sigma] * n_regimes + [getattr(self, kind) for kind in kinds]

    def describe(self) -> dict[str, str]:
        """Return each prior as text.

        Examples
        --------
        >>> sorted(ig.Priors().describe())[:2]
        ['confounding_unset', 'constant']
        """
        texts = {f.name: describe_prior(getattr(self, f.name)) for f in fields(self)}
        return texts | {"constant": f"Normal(0, {self.constant})"}

    def __str__(self) -> str:
        return "\n".join(f"{name:<17}  {text}" for name, text in self.describe().items())


@dataclass(frozen=True)
class PriorScales:
    """How prior standard deviations follow from the hyperparameters."""

    # prior group of each weight; the constant has the number of groups; shape (weights,)
    group_index: Indices
    n_groups: int
    # whether a weight's feature has an eigenfunction of a variable; (weights, lengthscales)
    is_wave: Array
    # its squared frequency, zero where there is none; (weights, lengthscales)
    squared_frequency: Array
    # nu of each Matern kernel, infinite for a squared-exponential one; (lengthscales,)
    smoothness: Array
    # prior standard deviation of the constant, in standard units of the outcome
    constant_scale: float

    @classmethod
    def from_design(cls, design: Design, constant_scale: float) -> Self:
        """Read groups and frequencies off a design."""
        frequency = np.asfortranarray(design.frequencies)  # read by lengthscale
        return cls(
            design.group_index,
            len(design.groups),
            (frequency > 0).astype(float),
            frequency**2,
            np.array([waves.smoothness for waves in design.waves]),
            constant_scale,
        )

    def log_sd(self, log_scale: Array, log_length: Array) -> Array:
        """Return the log prior standard deviation of every weight, shape (..., weights)."""
        constant = np.full((*log_scale.shape[:-1], 1), log(self.constant_scale))
        by_group = np.concatenate([log_scale, constant], axis=-1)[..., self.group_index]
        waves = (self.log_peak / 2 + log_length / 2) @ self.is_wave.T
        squares = np.exp(2 * log_length)
        squares[..., self.rough] = 0.0
        decay = squares @ self.squared_frequency.T / 4  # (1)
        for k in self.rough:
            decay += self._matern(k, log_length)[0]  # (2)
        return np.asarray(np.maximum(by_group + waves - decay, LEAST_LOG_SD))

    def pull_back(self, by_log_sd: Array, log_length: Array) -> tuple[Array, Array]:
        """Turn a gradient in log sd into one in log scale and in log lengthscale."""
        by_group = np.bincount(self.group_index, weights=by_log_sd, minlength=self.n_groups + 1)
        decay = by_log_sd @ self.squared_frequency * np.exp(2 * log_length)
        for k in self.rough:
            decay[k] = 2 * by_log_sd @ self._matern(k, log_length)[1]
        return by_group[: self.n_groups], 0.5 * (by_log_sd @ self.is_wave - decay)

    def slopes(self, log_length: Array) -> Array:
        """Return the derivatives of log sd in (log scale, log lengthscale).

        Shape (weights, groups + lengthscales).
        """
        groups = np.eye(self.n_groups + 1)[self.group_index, : self.n_groups]
        decay = self.squared_frequency * np.exp(2 * log_length)
        for k in self.rough:
            decay[:, k] = 2 * self._matern(k, log_length)[1]
        return np.column_stack([groups, 0.5 * (self.is_wave - decay)])

    def curvature(self, by_log_sd: Array, log_length: Array) -> Array:
        """Return sum_i by_log_sd_i d2(log sd_i)/d(log lengthscale)2, shape (lengthscales,)."""
        bends = by_log_sd @ self.squared_frequency * np.exp(2 * log_length)
        for k in self.rough:
            bends[k] = by_log_sd @ self._matern(k, log_length)[2]
        return np.asarray(-bends)

    @cached_property
    def rough(self) -> list[int]:
        """Positions of the lengthscales of Matern kernels."""
        return np.flatnonzero(np.isfinite(self.smoothness)).tolist()

    @cached_property
    def log_peak(self) -> Array:
        """The logarithm of S(0) / l of each kernel, shape (lengthscales,)."""
        peaks = [
            log(2 * pi) / 2
            if isinf(nu)
            else log(2) + log(pi) / 2 + lgamma(nu + 0.5) - lgamma(nu) - log(2 * nu) / 2
            for nu in self.smoothness
        ]
        return np.array(peaks)

    def _matern(self, k: int, log_length: Array) -> tuple[Array, Array, Array]:
        """Return the decay of log sd with frequency of one kernel, and two derivatives.

        The derivatives are in its log lengthscale; each of shape (..., weights).
        """
        nu = self.smoothness[k]
        u = self.squared_frequency[:, k] * np.exp(2 * log_length[..., k, None]) / (2 * nu)
        slope = (nu + 0.5) * u / (1 + u)
        return (nu / 2 + 0.25) * np.log1p(u), slope, (2 * nu + 1) * u / (1 + u) ** 2
