"""The paper's estimator and its three baselines.

Kekić, Garrido Mejia and Schölkopf (ICML 2025) fit one penalised cubic per regime and combine them
with the coefficients of identification: by their Theorem 1

    E[Y | do(a_1, ..., a_K)] = sum_k m_k(a) - (K - 1) m_obs(a),

where m_obs and m_k are the regressions on the observational rows and on those of the experiment on
A_k. Their Appendix E leaves the features open; those here are the ones of the authors' code, all
monomials of the actions up to a total degree, *then* standardised (with the rows of each fit). The
penalty is the one of 10^-8, ..., 10^-1 with the best mean coefficient of determination over three
contiguous folds.

All of it is computed from the moments of one pass over the rows, so that the cost of the search
does not depend on their number. Covariates enter the polynomials as the actions do: the theorem
holds at every z.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.errors import ModelError, NotIdentifiedError
from bayes_intgen.base.regimes import Regime, format_regime, read_regime
from bayes_intgen.baselines.fitted_ridge import FittedRidge
from bayes_intgen.baselines.penalised import Penalty, fit_penalised
from bayes_intgen.baselines.polynomial_moments import Groups, group_moments
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.design.identification.identify import require_identified
from bayes_intgen.moments.moments import Moments

__all__ = ["JointRidge", "ObservationalRidge", "PooledRidge", "RidgeEstimator"]


@dataclass(frozen=True)
class _Options:
    """Degree and penalty of a polynomial regression."""

    degree: int = 3
    estimator: Penalty = "ridge"

    def __post_init__(self) -> None:
        Polynomial(degree=self.degree)  # holds the rule
        read_choice(self.estimator, "estimator", get_args(Penalty.__value__))

    def _fit_groups(
        self, data: RegimeData | Moments, groups: Groups, baseline: bool
    ) -> FittedRidge:
        """Fit a regression to the rows of each group of regimes."""
        moments = group_moments(data, self.degree, groups)
        scale = moments.outcome_scale
        return FittedRidge(
            name=type(self).__name__,
            actions=data.actions,
            outcome=data.outcome,
            outcome_scale=scale,
            regressions={
                label: fit_penalised(features, folds, self.estimator, scale.spread)
                for label, (features, folds) in moments.groups.items()
            },
            baseline=baseline,
            covariates=data.covariates,
        )


@dataclass(frozen=True)
class RidgeEstimator(_Options):
    """The paper's estimator: a penalised polynomial per regime, combined by identification.

    With the paper's K + 1 regimes the coefficients are those of Theorem 1 and Proposition 1.
    Further regimes in the data take part too, with the coefficients of least norm; ``data.drop``
    leaves them out.

    Parameters
    ----------
    degree
        Highest total degree of the monomials of the actions; 3 in the paper.
    estimator
        ``"ridge"``, as in the paper, or ``"lasso"``, the other choice of the authors' code.

    Raises
    ------
    ModelError
        If an option is not valid.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), "Learning Joint Interventional Effects from
    Single-Variable Interventions in Additive Models", ICML, Theorem 1 and Appendix E.

    Examples
    --------
    >>> fit = ig.RidgeEstimator().fit(data)
    >>> fit.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    >>> fit.table["rows"].to_dict()
    {'obs': 200, 'a1': 200, 'a2': 200}
    """

    def fit(
        self, data: RegimeData | Moments, target: str | Iterable[str] | None = None
    ) -> FittedRidge:
        """Fit a regression to the rows of every regime.

        Parameters
        ----------
        data
            The rows, or their moments in a polynomial basis of at least this degree. Moments have
            one unit per action for all regimes: where an action varies a hundred times less than
            that, rows give more digits.
        target
            The regime, as a label or as names, that must be identified from the data; None means
            that all actions are set.

        Raises
        ------
        NotIdentifiedError
            If the regimes at hand do not determine the target; names what is missing.
        ModelError
            If moments are weighted or lack a monomial, there are too many monomials, or a column is
            categorical.

        Examples
        --------
        >>> fit = ig.RidgeEstimator(degree=2).fit(data.drop("a2"), target="a1")
        >>> fit.expected_outcome({"a1": 0.1, "a2": 0.0}, do="a1").shape
        (1,)
        """
        regimes = _regimes(data)
        wanted = data.actions if target is None else read_regime(target, data.actions, "target")
        require_identified(regimes, wanted)
        groups: Groups = {format_regime(regime): [regime] for regime in regimes}
        return self._fit_groups(data, groups, baseline=False)


@dataclass(frozen=True)
class _Baseline(_Options):
    """A single regression that stands for every mean, whatever ``do`` is."""

    def fit(self, data: RegimeData | Moments) -> FittedRidge:
        """Fit the regression to its rows; others are not looked at.

        Raises
        ------
        NotIdentifiedError
            If there are no such rows.
        ModelError
            As in :meth:`RidgeEstimator.fit`.

        Examples
        --------
        >>> ig.PooledRidge(degree=2).fit(data).table["rows"].to_dict()
        {'pooled': 600}
        >>> ig.ObservationalRidge(degree=2).fit(data).table["rows"].to_dict()
        {'obs': 200}
        """
        return self._fit_groups(data, self._group(_regimes(data), data.actions), baseline=True)

    def _group(self, regimes: Sequence[Regime], actions: Regime) -> Groups:
        """Return the name and the regimes of the rows that the regression is fitted to."""
        raise NotImplementedError  # each estimator below says which

    def _only(self, regime: Regime, regimes: Sequence[Regime]) -> Groups:
        label, have = format_regime(regime), [format_regime(known) for known in regimes]
        if regime not in regimes:
            raise NotIdentifiedError(
                f"data: {type(self).__name__} is a regression on the rows of regime {label!r}, but "
                f"the regimes are {have}. Add such rows, or use RidgeEstimator, which combines the "
                f"regimes at hand."
            )
        return {label: [regime]}


@dataclass(frozen=True)
class ObservationalRidge(_Baseline):
    """The observational baseline: the regression on the observational rows answers everything.

    Right about E[Y | a] (``do=[]``); for every other ``do`` the error is the confounding.

    Parameters
    ----------
    degree, estimator
        As in :class:`RidgeEstimator`.

    Examples
    --------
    >>> ig.ObservationalRidge().fit(data).expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    """

    def _group(self, regimes: Sequence[Regime], actions: Regime) -> Groups:
        return self._only((), regimes)


@dataclass(frozen=True)
class JointRidge(_Baseline):
    """The joint baseline: what joint experiments would give, if there were any.

    The regression on rows in which all actions are set, which no other estimator here needs. Right
    about ``do=None``; every other ``do`` gets the same answer.

    Parameters
    ----------
    degree, estimator
        As in :class:`RidgeEstimator`.

    Examples
    --------
    >>> joint = scm.sample_regimes(["a1+a2"], n=200, random_seed=2)
    >>> rows = ig.RegimeData.from_frame(joint, outcome="y", actions=["a1", "a2"])
    >>> ig.JointRidge().fit(rows).expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    """

    def _group(self, regimes: Sequence[Regime], actions: Regime) -> Groups:
        return self._only(actions, regimes)


@dataclass(frozen=True)
class PooledRidge(_Baseline):
    """The pooled baseline: one regression on the rows of all regimes, whose labels it ignores.

    It answers every ``do`` alike, and is right about none. Each of its folds for cross-validation
    holds a third of every regime.

    Parameters
    ----------
    degree, estimator
        As in :class:`RidgeEstimator`.

    Examples
    --------
    >>> ig.PooledRidge().fit(data).expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    """

    def _group(self, regimes: Sequence[Regime], actions: Regime) -> Groups:
        return {"pooled": regimes}


def _regimes(data: RegimeData | Moments) -> tuple[Regime, ...]:
    if not isinstance(data, RegimeData | Moments):
        raise ModelError(
            f"data must be a RegimeData or Moments, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    return data.regimes
