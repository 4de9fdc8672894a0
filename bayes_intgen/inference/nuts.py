"""The No-U-Turn sampler (nutpie) over the hyperparameters, the weights integrated out.

It moves in the coordinates z of x = mode + L z, where L L' is the covariance of the Laplace
approximation, in which most hyperparameters are close to independent and normal.

A draw takes some seven gradients, each a factorisation of the precision of all weights. So the
chains run in the approximation by blocks of :mod:`bayes_intgen.model.block_density`, p~(x), in a
fraction of the time, and are corrected afterwards: draw s has the importance weight

    (1)  w_s = p(x_s | y) / p~(x_s),

by the factorisation from which its weights are drawn anyway. These w_s are smoothed in their tail
(Vehtari and others 2024), and each chain is resampled in its order, draw s about as often as
w_s / sum w says (systematically, by one uniform number: Kitagawa 1996). What is drawn twice stands
twice in a row, so that R-hat and effective sample sizes take it into account. Where the w_s are too
uneven, nothing of this is used, and NUTS runs in the exact density, as it does for a few draws and
where all weights are in one block.

Eight systems of five actions with one to eight edges (10^4 rows per regime; 300 to 670 weights; 4
chains of 1000 draws): whole fits take 12 to 39 s, 25 s in the median, where exact NUTS took 26 to
139 s, 83 s in the median; weighted draws are worth .60 to 1.00 times as many, R-hat is at most
1.006, and the worst hyperparameter has 1200 effective draws or more. With one transition a draw
they take 10 to 37 s, but R-hat is up to 1.010 and the worst hyperparameter has 590. In one run
(``tests/benchmarks/test_nuts_cost.py``) hyperparameters and weights take .51 times as long as by
exact NUTS with 344 weights and .21 times with 580.

References
----------
Kitagawa (1996), "Monte Carlo filter and smoother for non-Gaussian nonlinear state space models",
Journal of Computational and Graphical Statistics 5.
Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", Journal of
Machine Learning Research 25.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.types import Array
from bayes_intgen.inference.draws_tree import HyperDraws
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.block_density import block_density
from bayes_intgen.model.compiled_density import CompiledDensity
from bayes_intgen.model.each_draw import draw_weights_of_each

__all__ = ["ChainStart", "run_nuts", "sample_nuts"]

START_SPREAD = 1.5  # wider than the posterior, as R-hat asks of the starts of chains
TARGET_ACCEPT = 0.7
TUNE = 100
TRANSITIONS = 2  # for each draw, where they take little time
FEWEST = 100  # draws whose weights tell how uneven they are
# what the weighted draws must be worth, as a part of as many, and their largest Pareto k
LEAST_EFFICIENCY, HEAVIEST_TAIL = 0.25, 0.7


@dataclass(frozen=True)
class ChainStart:
    """Where chains start and how carefully they step."""

    initvals: Mapping[str, Any]  # initial values by variable
    # whether the sampler spreads the chains around them by up to one in each coordinate
    jitter: bool = True
    # acceptance that the step size aims at; None leaves it to the sampler
    target_accept: float | None = None


def sample_nuts(problem: Problem, mode: LaplaceMode, sampling: Sampling) -> HyperDraws:
    """Sample the hyperparameters, through the approximation by blocks where that is good enough.

    Each chain starts from its own draw of the Gaussian at the mode, widened by half.

    Returns
    -------
    HyperDraws
        ``sample_stats`` has ``importance_efficiency`` and ``pareto_k`` if draws were weighted: what
        part of as many draws they are worth, and how heavy the tail of the weights is.
    """
    root = np.linalg.cholesky(mode.covariance)
    parts = problem.likelihood, problem.scales, problem.hyperpriors, mode.mode, root
    with one_blas_thread():
        enough = sampling.chains * sampling.draws >= FEWEST
        approximate = block_density(*parts) if enough else None
        # compiled code that was kept, not the PyMC model, which each data set compiles anew
        exact = CompiledDensity.of(*parts)
        if approximate is None:
            return _sample(exact, sampling, TRANSITIONS)
        drawn = _sample(approximate, sampling, TRANSITIONS)
        return _correct(problem, drawn, sampling.random_seed) or _sample(exact, sampling, 1)


def _sample(density: CompiledDensity, sampling: Sampling, transitions: int) -> HyperDraws:
    """Run the chains in coordinates z, so many transitions for each draw."""
    import nutpie  # slow to import: laplace and all that does not fit do without

    size = len(density.centre)

    def start(seed: int) -> Array:
        return START_SPREAD * np.random.default_rng(seed).standard_normal(size)

    compiled = nutpie.compiled_pyfunc.from_pyfunc(
        size,
        lambda: density,
        lambda *seeds: lambda z: {"z": z},
        [np.dtype(float)],
        [(size,)],
        ["z"],
        make_initial_point_fn=start,
    )
    tune = TUNE if sampling.tune is None else sampling.tune
    result = nutpie.sample(
        compiled,
        draws=sampling.draws * transitions,
        tune=max(tune, 1),  # it does not start with none
        chains=sampling.chains,
        cores=_cores(sampling),
        seed=sampling.random_seed,
        save_warmup=False,
        progress_bar=sampling.progressbar,
        target_accept=TARGET_ACCEPT,
    )
    last = slice(transitions - 1, None, transitions)
    z = result["posterior"].dataset["z"].to_numpy()[:, last]
    told = _statistics(result).isel(draw=last).assign_coords(draw=np.arange(sampling.draws))
    return HyperDraws(density.centre + z @ density.root.T, told)


def _correct(problem: Problem, drawn: HyperDraws, random_seed: int) -> HyperDraws | None:
    """Resample each chain by (1), with weights; None where their worth does not allow it."""
    from arviz_stats.base import array_stats  # slow to import, as above

    likelihood, (chains, draws, size) = problem.likelihood, drawn.x.shape
    x = drawn.x.reshape(-1, size)
    rng = np.random.default_rng([random_seed, 2])
    noise = rng.standard_normal((len(x), likelihood.cross.shape[1]))
    weights, log_density = draw_weights_of_each(likelihood, *problem.log_sds(x), noise)
    log_density += problem.hyperpriors.log_density(x).sum(axis=1)
    log_ratio = log_density - drawn.sample_stats["logp"].to_numpy().ravel()
    if np.isnan(log_ratio).any():
        return None
    # made for leaving one out, it takes minus the logarithm
    log_importance, pareto_k = array_stats.psislw(-log_ratio)
    importance = np.exp(log_importance).reshape(chains, draws)
    efficiency = float(importance.sum() ** 2 / np.sum(importance**2) / importance.size)
    if not (efficiency >= LEAST_EFFICIENCY and pareto_k <= HEAVIEST_TAIL):
        return None
    rng = np.random.default_rng([random_seed, 7])
    chosen = np.array([_systematic(own, rng) for own in importance])
    chain = np.arange(chains)[:, None]
    told = drawn.sample_stats.drop_vars(["chain", "draw"]).isel(
        chain=xr.DataArray(chain[:, 0], dims="chain"),
        draw=xr.DataArray(chosen, dims=("chain", "draw")),
    )
    told = told.assign_coords(drawn.sample_stats.coords)
    told = told.assign(importance_efficiency=efficiency, pareto_k=float(pareto_k))
    weights = likelihood.centring.to_weights(weights).reshape(chains, draws, -1)
    return HyperDraws(drawn.x[chain, chosen], told, weights[chain, chosen])


def _systematic(weight: Array, rng: np.random.Generator) -> Array:
    """Return positions in ascending order, each about as often as its weight says."""
    size = len(weight)
    level = np.cumsum(weight / weight.sum())
    steps = (rng.random() + np.arange(size)) / size
    return np.minimum(np.searchsorted(level, steps), size - 1)


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
