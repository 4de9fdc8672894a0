"""Causal aggregation: joint effects from randomised actions alone, whatever confounds the others.

Gimenez and Rothenhaeusler (2022) assume that the outcome is

    (1)  Y = alpha + sum_B u_B(A_B) + eps,

with eps confounded with the actions in any way: confounders may be shared by all of them, but none
modifies an effect. Where an experiment sets A_j, nothing else depends on it but its descendants, so
that functions of A_j, centred, are orthogonal to eps there. With phi the functions whose
combination sum_B u_B(A_B) = phi(A)'beta is, and phi_j those of the actions set in regime j,

    (2)  M_j beta = z_j,     M_j = Cov_j(phi_j, phi(A)),     z_j = Cov_j(phi_j, Y).

With one experiment per action there are as many equations as unknowns. With more they are weighted
by the inverse of their covariance, which under (1) is sigma_j^2 Cov_j(phi_j) / n_j since eps does
not depend on what is set; sigma_j^2 = Var_j(Y - phi(A)'beta):

    (3)  beta = V sum_j M_j' W_j z_j,     V = (sum_j M_j' W_j M_j)^-1,
         W_j = n_j / sigma_j^2 Cov_j(phi_j)^-1.

The level is a combination of l_r = mean_r(Y) - mean_r(phi)'beta. Under (1) each of them is alpha.
Taken is the combination of Theorem 1 of the paper where the regimes at hand have it,

    (4)  alpha = sum_r lambda_r l_r = sum_j l_j - (K - 1) l_obs,

since it stays right where a confounder modifies the effect of its own action, as long as no action
depends on another; otherwise that of least variance.

Other equations of the same kind hold where an action left alone is unconfounded given its parents,
and for instruments, whose u_B is zero (:mod:`bayes_intgen.baselines.aggregation_equations`): then
z = Z phi takes the place of phi_j in (2) and (3).

What differs from :class:`bayes_intgen.InterventionModel`: there each action (or block) has a
confounder of its own, which may modify its effect; here confounders may be shared but modify none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.blocks import BlockChoice, Blocks, check_blocks, read_blocks
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.aggregation_equations import KnownCauses, inverse
from bayes_intgen.baselines.fitted_aggregation import FittedAggregation
from bayes_intgen.baselines.regime_moments import RegimeMoments, read_moments, require_data
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.moments.moments import Moments

__all__ = ["CausalAggregation"]

ROUNDS = 3  # of (3), whose sigma_j depend on beta


@dataclass(frozen=True)
class CausalAggregation:
    """Causal aggregation: confounders may be shared by all actions, but modify no effect.

    The outcome is a sum of functions of single actions (or blocks) and of an error that may be
    confounded with all of them. Every function is learned where its action is randomised; the
    equations stand in :mod:`bayes_intgen.baselines.aggregation`. The assumption is another one than
    that of :class:`bayes_intgen.InterventionModel`, where each action has a confounder of its own
    that may modify its effect.

    Parameters
    ----------
    degree
        Highest degree of the polynomials of each action. Categorical actions have indicators.
    blocks
        Actions that may interact in the outcome, as in :class:`bayes_intgen.InterventionModel`: a
        block needs an experiment that sets all of it, in which its settings vary jointly.
    instruments
        Actions that affect the outcome through other actions only: their experiments tell of
        those. Queries do not name them.
    unconfounded
        By label of regime, the parents of actions that are left alone there but unconfounded given
        them: ``{"a2": {"a3": ["a1", "a2"]}}`` if in rows of experiment ``a2`` nothing hidden is
        behind ``a3`` and the outcome once ``a1`` and ``a2`` are known.

    Raises
    ------
    ModelError
        If an option is not valid.

    References
    ----------
    Gimenez and Rothenhaeusler (2022), "Causal aggregation: estimation and inference of causal
    effects by constraint-based data fusion", Journal of Machine Learning Research 23.

    Examples
    --------
    >>> fit = ig.CausalAggregation().fit(data)
    >>> answer = fit.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2})
    >>> answer.sizes, bool((answer["sd"] > 0).all())
    (Frozen({'point': 2}), True)
    """

    degree: int = 3
    blocks: BlockChoice = None
    instruments: Sequence[str] = ()
    unconfounded: Mapping[str, Mapping[str, Sequence[str]]] | None = None

    def __post_init__(self) -> None:
        Polynomial(degree=self.degree)  # holds the rule
        check_blocks(() if self.blocks is None else self.blocks)

    def fit(self, data: RegimeData | Moments) -> FittedAggregation:
        """Solve the equations of the experiments.

        Parameters
        ----------
        data
            The rows, or their moments in polynomials of at least this degree. Observational rows
            are used for the level only, and not needed.

        Raises
        ------
        NotIdentifiedError
            If an action, or a whole block, is set in no regime, and neither unconfounded nor with
            an instrument to spare; names what is missing.
        ModelError
            If there are covariates, moments are weighted or lack a function, or an instrument or
            parent is none of the actions.

        Examples
        --------
        >>> ig.CausalAggregation(degree=1).fit(data).table.index.tolist()
        ['a1', 'a2']
        """
        require_data(data, "CausalAggregation")
        blocks = read_blocks(self.blocks, data.actions)
        known = KnownCauses.read(
            self.instruments, self.unconfounded or {}, data.actions, data.regimes, blocks
        )
        known.require(data.regimes, blocks)
        full = read_moments(data, self.degree, blocks)
        moments, beta, covariance, noise = _solve(full, known)
        return FittedAggregation(
            moments,
            tuple(name for name in data.actions if name not in known.instruments),
            data.outcome,
            {n: v for n, v in data.summary.levels.items() if n not in known.instruments},
            tuple(block for block in blocks if known.instruments.isdisjoint(block)),
            beta,
            covariance,
            _level_weights(data, blocks, moments, noise),
            noise,
        )


def _solve(
    full: RegimeMoments, known: KnownCauses
) -> tuple[RegimeMoments, Array, Array, dict[Regime, float]]:
    """Return the moments of what has an effect, its beta and V of (3), and sigma_r^2 by regime."""
    moments, kept = known.without_instruments(full)
    equations = {regime: known.rows(full, regime) for regime in full.by_regime}
    size = len(kept)
    beta = np.zeros(size)
    noise: dict[Regime, float] = {}
    covariance = np.zeros((size, size))
    for _ in range(ROUNDS):
        contrast = np.append(-beta, 1.0)
        for regime, rows in moments.by_regime.items():
            noise[regime] = max(float(contrast @ rows.covariance @ contrast), 1e-12)
        precision, shift = np.zeros((size, size)), np.zeros(size)
        for regime, rows in full.by_regime.items():
            z = equations[regime]
            if len(z):
                joint = z @ rows.covariance[:-1]
                weight = rows.n / noise[regime] * inverse(joint[:, :-1] @ z.T)  # W_j
                cross = joint[:, kept]  # M_j of (2)
                precision += cross.T @ weight @ cross
                shift += cross.T @ weight @ joint[:, -1]
        covariance = inverse(precision)
        beta = covariance @ shift  # (3)
    return moments, beta, covariance, noise


def _level_weights(
    data: RegimeData | Moments, blocks: Blocks, moments: RegimeMoments, noise: dict[Regime, float]
) -> dict[Regime, float]:
    """Return lambda_r of (4)."""
    answer = identify_from(data.regimes, data.actions, blocks)
    if answer.identified:
        by_set = {frozenset(regime): weight for regime, weight in answer.weights.items()}
        return {regime: by_set[frozenset(regime)] for regime in data.regimes}
    precision = {r: moments.by_regime[r].n / noise[r] for r in data.regimes}
    return {regime: value / sum(precision.values()) for regime, value in precision.items()}
