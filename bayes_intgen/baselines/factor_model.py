"""The factor model: interventions change factors of a distribution, and unseen ones multiply.

Bravo-Hermsdorff et al. (2023) let the joint distribution be a product of factors, each of which an
action's (or block's) intervention changes or leaves alone. With the coefficients lambda_r of
:mod:`bayes_intgen.design.identification.identify` the outcome then has, under do(a_S),

    (1)  p(y | a; S) proportional to prod_r p_r(y | a)^lambda_r,

for Theorem 1's regimes p_obs prod_k p_k / p_obs: log probabilities add where the paper's means do.

* Of an outcome with few values y_0 < y_1 < .. each regime has a multinomial regression,

    (2)  log p_r(y_l | a) / p_r(y_0 | a) = phi(a)'w_rl,

  on the monomials phi of the actions, and (1) adds up the coefficients; the mean follows.
* Of any other outcome the factors are normal with one variance, for which (1) is Theorem 1: the
  regressions of the regimes, by least squares, add up themselves.

What differs from :class:`bayes_intgen.InterventionModel`: which scale effects add up on. Where the
outcome is 0/1, that of a confounder is a sum of logits here and of probabilities there; a
distribution like (1) is a fixed one of the outcome, not what is left when confounders are averaged.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.blocks import BlockChoice, check_blocks, read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.fitted_factor_model import FittedFactorModel
from bayes_intgen.baselines.multinomial import fit_multinomial
from bayes_intgen.baselines.regime_moments import read_moments, require_data
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.design.identification.identify import (
    require_identified,
)
from bayes_intgen.moments.moments import Moments

__all__ = ["FactorModel"]

MOST_VALUES = 10  # of an outcome that is taken to be discrete


@dataclass(frozen=True)
class FactorModel:
    """Factors of the outcome's distribution multiply (Bravo-Hermsdorff et al. 2023).

    For an outcome with at most ten values, such as 0/1, logits of the regimes add up; for any other
    the factors are normal with one variance, and this is Theorem 1 of the paper by least squares.
    The equations stand in :mod:`bayes_intgen.baselines.factor_model`. What is assumed is another
    thing than in :class:`bayes_intgen.InterventionModel`, where probabilities add up.

    Parameters
    ----------
    degree
        Highest total degree of the monomials of the actions. Categorical actions have indicators.
    blocks
        Actions whose interventions change one factor together, as in
        :class:`bayes_intgen.InterventionModel`.

    Raises
    ------
    ModelError
        If an option is not valid.

    References
    ----------
    Bravo-Hermsdorff, Watson, Yu, Zeitler and Silva (2023), "Intervention Generalization: A View
    from Factor Graph Models", NeurIPS 36.

    Examples
    --------
    >>> fit = ig.FactorModel().fit(data)
    >>> fit.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    >>> yes_no = frame.assign(y=(frame["y"] > 0) * 1)
    >>> rows = ig.RegimeData.from_frame(yes_no, outcome="y", actions=["a1", "a2"])
    >>> ig.FactorModel(degree=1).fit(rows).values
    (0.0, 1.0)
    """

    degree: int = 3
    blocks: BlockChoice = None

    def __post_init__(self) -> None:
        Polynomial(degree=self.degree)  # holds the rule
        check_blocks(() if self.blocks is None else self.blocks)

    def fit(self, data: RegimeData | Moments) -> FittedFactorModel:
        """Fit a regression to the rows of every regime.

        Parameters
        ----------
        data
            The rows, or their moments in polynomials of at least this degree if the outcome is
            not discrete.

        Raises
        ------
        NotIdentifiedError
            If the regimes at hand do not determine the joint effect; names what is missing.
        ModelError
            If there are covariates or too many monomials; if moments are weighted, lack a monomial,
            or are those of a 0/1 outcome, whose regressions need rows.

        Examples
        --------
        >>> fit = ig.FactorModel(degree=2).fit(data)
        >>> fit.expected_outcome({"a1": 0.1, "a2": 0.0}, do="a1").shape
        (1,)
        """
        require_data(data, "FactorModel")
        blocks = read_blocks(self.blocks, data.actions)
        require_identified(data.regimes, data.actions, blocks)
        moments = read_moments(data, self.degree, [data.actions])
        values = _values(data)
        if values is None:
            coefficients = {regime: _least_squares(moments.raw(regime)) for regime in data.regimes}
        else:
            assert isinstance(data, RegimeData)
            coefficients = {}
            for regime in data.regimes:
                rows = data.rows(regime)
                phi = moments.features.evaluate(rows[:, :-1])
                position = np.searchsorted(values, rows[:, -1])
                coefficients[regime] = fit_multinomial(phi, position, len(values))
        return FittedFactorModel(
            data.actions,
            data.outcome,
            dict(data.summary.levels),
            blocks,
            values,
            moments.features,
            moments.outcome_scale,
            coefficients,
        )


def _least_squares(products: Array) -> Array:
    """Return the coefficients of the mean, of least norm where functions are collinear."""
    gram, cross = products[:-1, :-1], products[:-1, -1]
    spread = np.sqrt(np.maximum(np.diag(gram), 0.0))
    spread[spread == 0] = 1.0
    solution = np.linalg.lstsq(gram / np.outer(spread, spread), cross / spread, rcond=1e-11)[0]
    return np.asarray(solution / spread)[:, None]


def _values(data: RegimeData | Moments) -> tuple[float, ...] | None:
    """Return the values of the outcome if they are few, else None."""
    if isinstance(data, Moments):
        if data.summary.outcome_range.kind == "binary":
            raise ModelError(
                "data: the outcome is 0/1, whose logits moments do not hold; give the RegimeData."
            )
        return None
    found: set[float] = set()
    for _, rows in data.batches():
        found |= set(np.unique(rows[:, -1]).tolist())
        if len(found) > MOST_VALUES:
            return None
    return tuple(sorted(found))
