"""Draws of the hyperparameters, by NUTS or from the Laplace approximation."""

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.problem import Problem

__all__ = ["HyperDraws", "run_nuts", "sample_laplace", "sample_nuts"]

LAPLACE_POINTS = 64

type Array = npt.NDArray[np.float64]


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


def sample_nuts(
    problem: Problem,
    draws: int,
    tune: int | None,
    chains: int,
    cores: int | None,
    random_seed: int,
    progressbar: bool,
) -> HyperDraws:
    """Sample the hyperparameters with the No-U-Turn sampler."""
    posterior, stats = run_nuts(
        problem.build(), draws, tune, chains, cores, random_seed, progressbar
    )
    names = ["log_sigma", "log_scale", "log_length"]
    parts = [posterior[name].to_numpy() for name in names if name in posterior]
    return HyperDraws(np.concatenate(parts, axis=-1), stats)


def run_nuts(
    model: pm.Model,
    draws: int,
    tune: int | None,
    chains: int,
    cores: int | None,
    random_seed: int,
    progressbar: bool,
    initial_values: dict[str, Array] | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sample a model with the No-U-Turn sampler (nutpie, through ``pymc.sample``).

    Linear algebra runs on one thread per chain: the chains already use the cores. Chains start
    around the initial values, or around the middle of the prior.

    Returns
    -------
    posterior, sample_stats
        The draws, and what the sampler says about itself.
    """
    with threadpool_limits(1), model:
        result = pm.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, cores or os.cpu_count() or 1),
            random_seed=random_seed,
            progressbar=progressbar,
            initvals=initial_values,
            compute_convergence_checks=False,
        )
    stats = result["sample_stats"].dataset
    texts = [name for name, variable in stats.variables.items() if variable.dtype == object]
    return result["posterior"].dataset, stats.drop_vars(texts)


def sample_laplace(problem: Problem, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the Gaussian at the mode: 64 distinct points, repeated in turn over the draws."""
    with threadpool_limits(1):
        mode = find_mode(problem)
    rng = np.random.default_rng([random_seed, 1])
    points = mode.draw(min(draws, LAPLACE_POINTS), rng)
    turns = points[np.arange(draws) % len(points)][None]
    stats = xr.Dataset({"newton_decrement": mode.decrement})
    return HyperDraws(turns, stats, mode.converged)
