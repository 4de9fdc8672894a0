"""Sampling the posterior: hyperparameters by NUTS or Laplace, then weights, then a verdict.

The weights are integrated out, so that only the hyperparameters x = (log sigma, log scale, log
lengthscale) are sampled; given each draw of them the weights, and the variance functions if they
were learned, are drawn from their exact distributions. Row-wise likelihoods have samplers of their
own (:mod:`bayes_intgen.inference.rowwise`).

Every random part of a fit has a stream of its own, ``default_rng([random_seed, number])``, so that
none depends on how much another draws:

====== ===============================================================================
number what is drawn
====== ===============================================================================
1      hyperparameters, from the Laplace approximation or the prior (here)
2      weights given hyperparameters (``draws_tree.py``, ``nuts.py``)
3      further points by which the Laplace approximation is judged (here)
4      hyperparameters for the leave-one-out check of lifts (``verdicts/lift_conflicts.py``)
5      variance functions (``variance_functions.py``)
6      outcomes (``posterior/predictive.py``, with the number of the draw)
7      which draws of NUTS are repeated, and how often (``nuts.py``)
8      simulated data sets (``studies/refit/unit.py``, behind the number of the data set)
====== ===============================================================================

NUTS seeds its chains itself.
"""

import numpy as np
import xarray as xr

from bayes_intgen.base.regimes import Regime
from bayes_intgen.inference.draws_tree import (
    SUMS,
    HyperDraws,
    Visit,
    build_tree,
    keep_sums,
    label_draws,
)
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.nuts import sample_nuts
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.sandwich import Sandwich
from bayes_intgen.inference.variance_functions import draw_variance_functions
from bayes_intgen.inference.verdicts.convergence import (
    Convergence,
    Reweighting,
    check_laplace,
    check_nuts,
    typical_rows,
)

__all__ = [
    "sample_integrated",
    "sample_laplace",
    "sample_prior",
]

LAPLACE_POINTS = 64  # each costs a factorisation; draws differ mostly by their weights given x


def sample_integrated(
    problem: Problem,
    mode: LaplaceMode,
    sampling: Sampling,
    target: Regime,
    variance: str = "constant",
    sandwich: Sandwich | None = None,
    brief: bool = False,
) -> tuple[xr.DataTree, Convergence]:
    """Draw hyperparameters, weights and variance functions, and judge the draws.

    ``target``: the regime by whose mean the Laplace approximation is judged.
    ``variance``: ``"learned"`` if that of the outcome is a function of the actions; then it is
    drawn too, in the group ``variance`` of the tree. ``sandwich``: by what the weights spread, if
    rows depend on one another. ``brief``: whether a tree with the weights alone will do, which are
    the same.
    """
    seed = sampling.random_seed
    visit: Visit | None = None
    if sampling.method == "nuts":
        hyper = sample_nuts(problem, mode, sampling)
        verdict = check_nuts(label_draws(problem, hyper.x), hyper.sample_stats)
    else:
        hyper = sample_laplace(mode, sampling.draws, seed)
        reweighted = Reweighting(problem, mode, typical_rows(problem, target))
        visit = reweighted.add
    tree = build_tree(problem, hyper, seed, sandwich=sandwich, visit=visit, brief=brief)
    if sampling.method == "laplace":
        error = reweighted.complete(np.random.default_rng([seed, 3]))
        verdict = check_laplace(mode.converged, *error)
    if brief:
        return tree, verdict
    tree[SUMS] = xr.DataTree(keep_sums(problem))
    if variance == "learned":
        draws = tree["posterior"].dataset
        functions = draw_variance_functions(problem, mode.mode, draws.chain, draws.draw, seed)
        tree["variance"] = xr.DataTree(functions)
    return tree, verdict


def sample_laplace(mode: LaplaceMode, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the Gaussian at the mode: 64 distinct points, repeated in turn over the draws."""
    rng = np.random.default_rng([random_seed, 1])
    points = mode.draw(min(draws, LAPLACE_POINTS), rng)
    turns = points[np.arange(draws) % len(points)][None]
    return HyperDraws(turns, xr.Dataset({"newton_decrement": mode.decrement}))


def sample_prior(problem: Problem, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the prior of the hyperparameters."""
    rng = np.random.default_rng([random_seed, 1])
    return HyperDraws(problem.hyperpriors.draw(draws, rng)[None], xr.Dataset())
