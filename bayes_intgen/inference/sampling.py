"""Sampling the posterior: hyperparameters by NUTS or Laplace, then weights, then a verdict.

The weights are integrated out, so that only the hyperparameters x = (log sigma, log scale, log
lengthscale) are sampled; given each draw of them the weights, and the variance functions if they
were learned, are drawn from their exact distributions. Row-wise likelihoods have samplers of their
own (:mod:`bayes_intgen.inference.rowwise`), which run through :func:`run_nuts` too.

NUTS moves in the coordinates z of x = mode + L z, where L L' is the covariance of the Laplace
approximation, in which most hyperparameters are close to independent and normal. Measured on two
systems of five actions (10^4 rows per regime, 344 and 366 weights, 58 and 60 hyperparameters, 4
chains of 1000 draws): 7.0 gradients a draw, 32 thousand in all with a warm-up of 100, and 740 and
3012 effective draws of the worst hyperparameter, 6500 of the median one. With a target acceptance
of .8 steps are shorter (.48 instead of .56), some trees are deeper (up to 31 thousand gradients
behind the warm-up instead of 28) and effective draws are fewer: 5200 of the median hyperparameter.
Trees of three gradients have a quarter of the effective draws, for less than half the gradients.
The weights are drawn given each draw in a tenth of the time.

Every random part of a fit has a stream of its own, ``default_rng([random_seed, number])``, so that
none depends on how much another draws:

====== ===============================================================================
number what is drawn
====== ===============================================================================
1      hyperparameters, from the Laplace approximation or the prior (here)
2      weights given hyperparameters (``draws_tree.py``)
3      further points by which the Laplace approximation is judged (here)
4      hyperparameters for the leave-one-out check of lifts (``verdicts/lift_conflicts.py``)
5      variance functions (``variance_functions.py``)
6      outcomes (``posterior/predictive.py``, with the number of the draw)
8      simulated data sets (``studies/refit/unit.py``, behind the number of the data set)
====== ===============================================================================

NUTS seeds its chains itself.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_intgen.base.arguments import read_choice, read_switch, read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.inference.draws_tree import (
    SUMS,
    HyperDraws,
    Visit,
    build_tree,
    keep_sums,
    label_draws,
)
from bayes_intgen.inference.laplace import LaplaceMode
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
from bayes_intgen.model.compiled_density import CompiledDensity

__all__ = [
    "ChainStart",
    "Sampling",
    "run_nuts",
    "sample_integrated",
    "sample_laplace",
    "sample_nuts",
    "sample_prior",
]

METHODS = ("nuts", "laplace")
BOUNDS = {
    "draws": (1, 10**6),
    "tune": (0, 10**6),
    "chains": (1, 1000),
    "cores": (1, 10**4),
    "random_seed": (0, 2**32 - 1),
}
OPTIONAL = ("tune", "cores")
LAPLACE_POINTS = 64  # each costs a factorisation; draws differ mostly by their weights given x
START_SPREAD = 1.5  # wider than the posterior, as R-hat asks of the starts of chains
TARGET_ACCEPT = 0.7
TUNE = 100


@dataclass(frozen=True)
class Sampling:
    """Options of the sampler, as in :meth:`bayes_intgen.InterventionModel.fit`.

    Raises
    ------
    ModelError
        If an option is not valid.
    """

    method: str
    draws: int = 1000
    tune: int | None = None
    chains: int = 4
    cores: int | None = None
    random_seed: int = 1
    progressbar: bool = False

    def __post_init__(self) -> None:
        read_choice(self.method, "method", METHODS)
        read_switch(self.progressbar, "progressbar")
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None or name not in OPTIONAL:
                object.__setattr__(self, name, read_whole(value, name, least, most))

    def require_nuts_unless_normal(self, likelihood: str) -> None:
        """Raise a ModelError for a Laplace approximation with explicit weights."""
        if likelihood != "normal" and self.method != "nuts":
            raise ModelError(
                f"method: with likelihood={likelihood!r} the weights cannot be integrated "
                f"out, so that there is no Laplace approximation of what is left; use "
                f"method='nuts', or likelihood='normal'."
            )


@dataclass(frozen=True)
class ChainStart:
    """Where chains start and how carefully they step."""

    initvals: Mapping[str, Any]  # initial values by variable
    # whether the sampler spreads the chains around them by up to one in each coordinate
    jitter: bool = True
    # acceptance that the step size aims at; None leaves it to the sampler
    target_accept: float | None = None


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


def sample_nuts(problem: Problem, mode: LaplaceMode, sampling: Sampling) -> HyperDraws:
    """Sample the hyperparameters with the No-U-Turn sampler (nutpie).

    The coordinates are those in which the Gaussian at the mode is standard normal, and each chain
    starts from its own draw of that, widened by half. The density is compiled code that was kept
    (:mod:`bayes_intgen.model.compiled_density`), not the PyMC model, which would be compiled anew
    for each data set.
    """
    import nutpie  # slow to import: laplace and all that does not fit do without

    root = np.linalg.cholesky(mode.covariance)
    log_density = CompiledDensity.of(
        problem.likelihood, problem.scales, problem.hyperpriors, mode.mode, root
    )

    def start(seed: int) -> Array:
        return START_SPREAD * np.random.default_rng(seed).standard_normal(len(root))

    compiled = nutpie.compiled_pyfunc.from_pyfunc(
        len(root),
        lambda: log_density,
        lambda *seeds: lambda z: {"z": z},
        [np.dtype(float)],
        [(len(root),)],
        ["z"],
        make_initial_point_fn=start,
    )
    tune = TUNE if sampling.tune is None else sampling.tune
    with one_blas_thread():
        result = nutpie.sample(
            compiled,
            draws=sampling.draws,
            tune=max(tune, 1),  # it does not start with none
            chains=sampling.chains,
            cores=_cores(sampling),
            seed=sampling.random_seed,
            save_warmup=False,
            progress_bar=sampling.progressbar,
            target_accept=TARGET_ACCEPT,
        )
    z = result["posterior"].dataset["z"].to_numpy()
    return HyperDraws(mode.mode + z @ root.T, _statistics(result))


def _cores(sampling: Sampling) -> int:
    return min(sampling.chains, sampling.cores or os.cpu_count() or 1)


def _statistics(result: xr.DataTree) -> xr.Dataset:
    """Return what the sampler says about itself, but for Python objects, which no file takes."""
    stats = result["sample_stats"].dataset
    texts = [name for name, variable in stats.variables.items() if variable.dtype == object]
    return stats.drop_vars(texts)


def run_nuts(
    model: pm.Model, sampling: Sampling, start: ChainStart
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sample a model with the No-U-Turn sampler (nutpie, through ``pymc.sample``).

    Linear algebra runs on one thread per chain: the chains already use the cores.

    Returns
    -------
    posterior, sample_stats
        The draws, and what the sampler says about itself.
    """
    accept = start.target_accept
    with one_blas_thread(), model:
        result = pm.sample(
            draws=sampling.draws,
            tune=sampling.tune,
            chains=sampling.chains,
            cores=_cores(sampling),
            random_seed=sampling.random_seed,
            progressbar=sampling.progressbar,
            compute_convergence_checks=False,
            initvals=dict(start.initvals),
            compile_kwargs={} if start.jitter else {"jitter_rvs": set()},
            nuts={} if accept is None else {"target_accept": accept},
        )
    return result["posterior"].dataset, _statistics(result)


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
