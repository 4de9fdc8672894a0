"""The draws of a fit once its mode is known, and what is told beside them."""

from collections.abc import Callable, Hashable
from typing import Any

import xarray as xr

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.interaction_learning import LearnedFit
from bayes_intgen.inference.options import describe_draws, marks_of
from bayes_intgen.inference.prepare import Prepared
from bayes_intgen.inference.rowwise import RowwiseProblem, sample_rowwise
from bayes_intgen.inference.sampling import Sampling, sample_integrated
from bayes_intgen.inference.sandwich import estimate_sandwich
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.lift_conflicts import check_lifts
from bayes_intgen.inference.verdicts.lift_result import LiftCheck
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.pymc_rowwise import Likelihood
from bayes_intgen.moments.moments import Moments

__all__ = ["draw_fit"]


def draw_fit(
    learned: LearnedFit,
    unweighted: Callable[[], Prepared],
    data: RegimeData | Moments,
    sampling: Sampling,
    target: Regime,
    likelihood: Likelihood,
    variance: str,
    priors: Priors | None,
    lifts: LiftTests | None,
    brief: bool = False,
) -> tuple[xr.DataTree, Convergence, LiftCheck | None]:
    """Draw from the posterior whose mode is known.

    Parameters
    ----------
    learned
        The problem and its mode.
    unweighted
        Makes the problem in which all rows count the same, for a likelihood of single rows.
    data, sampling, target, likelihood, variance, priors, lifts
        What was asked for.
    brief
        Whether only the weights are wanted, as in
        :func:`bayes_intgen.inference.sampling.sample_integrated`.
    """
    prepared, mode, problem = learned.prepared, learned.mode, learned.prepared.problem
    sandwich = None
    if problem.moments.clusters:
        sandwich = estimate_sandwich(problem, mode.mode, prepared.moments)
    if likelihood == "normal":
        tree, convergence = sample_integrated(
            problem, mode, sampling, target, variance, sandwich, brief
        )
    else:  # every row counts in full
        rowwise = RowwiseProblem.read(unweighted().problem, data, likelihood)
        tree, convergence = sample_rowwise(rowwise, sampling)
    seed = sampling.random_seed
    checked = check_lifts(problem, mode, lifts, seed) if lifts else None
    told: dict[Hashable, Any] = learned.attributes(sandwich, marks_of(data))
    made = describe_draws(sampling.method, seed, likelihood, variance, priors)
    tree.attrs = made | {"target": format_regime(target)} | told
    return tree, convergence, checked
