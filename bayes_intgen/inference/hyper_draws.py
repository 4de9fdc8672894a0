"""Draws of the hyperparameters, by NUTS or from the Laplace approximation."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_intgen.base.types import Array
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem

__all__ = ["ChainStart", "HyperDraws", "run_nuts", "sample_laplace", "sample_nuts", "sample_prior"]

LAPLACE_POINTS = 64
NAMES = ("log_sigma", "log_scale", "log_length")
START_SPREAD = 1.5
TARGET_ACCEPT = 0.9  # at 0.8 scales of curves hardly needed have two thirds of the ESS


@dataclass(frozen=True)
class HyperDraws:
    """Posterior draws of the hyperparameters in standard units of the outcome.

    Parameters
    ----------
    x
        (log sigma, log scale, log lengthscale), shape (chains, draws, hyperparameters).
    sample_stats
        What the sampler says about itself.
    converged
        Whether the search for the mode converged; always true for NUTS, whose convergence is
        judged from its draws.
    """

    x: Array
    sample_stats: xr.Dataset
    converged: bool = True


def sample_nuts(problem: Problem, mode: LaplaceMode, sampling: Sampling) -> HyperDraws:
    """Sample the hyperparameters with the No-U-Turn sampler.

    Each chain starts from its own draw of the Gaussian at the mode, widened by half.
    """
    model = problem.build()
    root = np.linalg.cholesky(mode.covariance)
    rng = pt.random.shared_rng(seed=sampling.random_seed)  # each chain seeds it anew
    _, noise = pt.random.normal(size=len(root), rng=rng, return_next_rng=True)
    parts = zip(NAMES, problem.split(mode.mode + START_SPREAD * (root @ noise)), strict=True)
    initvals = {name: part for name, part in parts if name in model.named_vars}
    start = ChainStart(initvals, jitter=False, target_accept=TARGET_ACCEPT)
    posterior, stats = run_nuts(model, sampling, start)
    found = [posterior[name].to_numpy() for name in NAMES if name in posterior]
    return HyperDraws(np.concatenate(found, axis=-1), stats)


@dataclass(frozen=True)
class ChainStart:
    """Where chains start and how carefully they step.

    Parameters
    ----------
    initvals
        Initial values by variable.
    jitter
        Whether the sampler spreads the chains around them by up to one in each coordinate.
    target_accept
        Acceptance that the step size aims at; None leaves it to the sampler.
    """

    initvals: Mapping[str, Any]
    jitter: bool = True
    target_accept: float | None = None


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
    with threadpool_limits(1), model:
        result = pm.sample(
            draws=sampling.draws,
            tune=sampling.tune,
            chains=sampling.chains,
            cores=min(sampling.chains, sampling.cores or os.cpu_count() or 1),
            random_seed=sampling.random_seed,
            progressbar=sampling.progressbar,
            compute_convergence_checks=False,
            initvals=dict(start.initvals),
            compile_kwargs={} if start.jitter else {"jitter_rvs": set()},
            nuts={} if accept is None else {"target_accept": accept},
        )
    stats = result["sample_stats"].dataset
    texts = [name for name, variable in stats.variables.items() if variable.dtype == object]
    return result["posterior"].dataset, stats.drop_vars(texts)


def sample_laplace(problem: Problem, mode: LaplaceMode, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the Gaussian at the mode: 64 distinct points, repeated in turn over the draws."""
    rng = np.random.default_rng([random_seed, 1])
    points = mode.draw(min(draws, LAPLACE_POINTS), rng)
    turns = points[np.arange(draws) % len(points)][None]
    stats = xr.Dataset({"newton_decrement": mode.decrement})
    return HyperDraws(turns, stats, mode.converged)


def sample_prior(problem: Problem, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the prior of the hyperparameters."""
    rng = np.random.default_rng([random_seed, 1])
    return HyperDraws(problem.hyperpriors.draw(draws, rng)[None], xr.Dataset())
