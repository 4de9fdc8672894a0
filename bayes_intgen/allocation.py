"""How many rows each experiment should have.

The estimator of Theorem 1 fits each regime r on its own and adds the fits up with the weights
lambda_r of identification. With n_r rows a fit has variance s_r^2 / n_r at the point of interest
(s_r^2 is the variance of the outcome around the fit times the leverage of the point, both free of
n_r), and fits to different rows are independent, so

    Var = sum_r lambda_r^2 s_r^2 / n_r      subject to      sum_r n_r = N.

By Cauchy and Schwarz, (sum_r |lambda_r| s_r)^2 = (sum_r (|lambda_r| s_r / sqrt n_r) sqrt n_r)^2 is
at most Var times N, with equality exactly when |lambda_r| s_r / sqrt n_r is proportional to
sqrt n_r. Hence

    n_r = N |lambda_r| s_r / sum_q |lambda_q| s_q,        N Var = (sum_r |lambda_r| s_r)^2.

For the joint effect of K actions lambda is 1 for each experiment and -(K - 1) for the observational
rows. With equal s_r an experiment should therefore have 1 / (K - 1) times as many rows as the
observational regime, and N Var / s^2 falls from (K + 1) (K + (K - 1)^2) under an equal split to
(2 K - 1)^2: from 126 to 81 at K = 5. A model that shares pieces between the regimes, as
:class:`bayes_intgen.InterventionModel` does, has a smaller variance and another optimum; and where
there are more experiments than are needed, lambda is one choice among many (that of least norm).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from bayes_intgen.blocks import BlockChoice
from bayes_intgen.errors import ModelError
from bayes_intgen.identify import identify, read_names, require_identified
from bayes_intgen.regimes import Regime, format_regime

__all__ = ["Allocation", "allocate"]

ROUNDING = 1e-12  # of a weight that is zero


@dataclass(frozen=True)
class Allocation:
    """The best split of the rows over the experiments.

    Parameters
    ----------
    shares
        The share of all rows that each experiment should have; they sum to one.
    variance
        Variance of the estimate times the total number of rows, with these shares.
    equal_variance
        The same with equally many rows in each of the experiments that have a weight.
    """

    shares: dict[Regime, float]
    variance: float
    equal_variance: float


def allocate(
    experiments: Collection[str | Iterable[str]],
    target: str | Iterable[str],
    sd: float | Mapping[str, float] = 1.0,
    blocks: BlockChoice = None,
) -> Allocation:
    """Split the rows over some experiments so that the variance of an effect is least.

    Parameters
    ----------
    experiments
        The regimes that can be run, each a label (``"obs"``, ``"a1+a2"``) or a collection of names.
    target
        The regime whose mean is wanted, in the same form.
    sd
        s_r of each experiment by its label, in the outcome's unit, or one for all.
    blocks
        Sets of actions that may share a confounder, as in :func:`bayes_intgen.identify`.

    Raises
    ------
    RegimeError
        If there is no experiment, or a label cannot be read.
    NotIdentifiedError
        If the experiments do not determine the effect.
    ModelError
        If a standard deviation is missing, or not a positive finite number; or the blocks cannot be
        read.

    Examples
    --------
    >>> best = allocate(["obs", "a", "b", "c"], "a+b+c")
    >>> {regime: round(share, 3) for regime, share in best.shares.items()}
    {(): 0.4, ('a',): 0.2, ('b',): 0.2, ('c',): 0.2}
    >>> round(best.variance), round(best.equal_variance)
    (25, 28)
    """
    answer = identify(experiments, target, blocks)
    require_identified(answer.experiments, answer.target, answer.blocks)
    regimes, weights = list(answer.weights), np.array(list(answer.weights.values()))
    weights[np.abs(weights) < ROUNDING] = 0.0
    costs = np.abs(weights) * np.array([_sd(sd, regime) for regime in regimes])
    shares = (costs / costs.sum()).tolist()
    equal = float(np.count_nonzero(costs) * (costs**2).sum())
    return Allocation(dict(zip(regimes, shares, strict=True)), float(costs.sum() ** 2), equal)


def _sd(sd: float | Mapping[str, float], regime: Regime) -> float:
    value: object = sd
    if isinstance(sd, Mapping):
        value = {read_names(label): number for label, number in sd.items()}.get(regime)
    if not isinstance(value, float | int | np.number) or not 0 < value < inf:
        raise ModelError(
            f"sd must give a positive finite number for regime {format_regime(regime)!r}, got "
            f"{value!r}; one number serves all regimes."
        )
    return float(value)
