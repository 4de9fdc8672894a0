"""Draws of the hyperparameters, by NUTS or from the Laplace approximation."""

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_intgen.design import Design
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.marginal import MarginalLikelihood
from bayes_intgen.model import build_model
from bayes_intgen.moments import Moments
from bayes_intgen.priors import Priors

__all__ = ["HyperDraws", "Problem", "sample_laplace", "sample_nuts"]

LAPLACE_POINTS = 64

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Everything inference needs: the design, the data and the priors.

    Parameters
    ----------
    design
        Features, components and prior groups.
    moments
        The data.
    priors
        Priors of the hyperparameters.
    likelihood
        Sums of products over the weights, from the three above.
    """

    design: Design
    moments: Moments
    priors: Priors
    likelihood: MarginalLikelihood

    @classmethod
    def pose(cls, design: Design, moments: Moments, priors: Priors) -> "Problem":
        """Spread the moments over the weights of the design."""
        chosen = moments.select(design.features)
        likelihood = MarginalLikelihood.from_moments(design, chosen, priors.constant)
        return cls(design, chosen, priors, likelihood)

    def build(self) -> pm.Model:
        """Write the PyMC model, without sampling."""
        return build_model(self.design, self.moments, self.likelihood, self.priors)


@dataclass(frozen=True)
class HyperDraws:
    """Posterior draws of the hyperparameters in standard units of the outcome.

    Parameters
    ----------
    log_sigma
        Shape (chains, draws, regimes).
    log_scale
        Shape (chains, draws, groups).
    sample_stats
        What the sampler says about itself.
    converged
        Whether the search for the mode converged; always true for NUTS, whose convergence is
        judged from its draws.
    """

    log_sigma: Array
    log_scale: Array
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
    """Sample the hyperparameters with the No-U-Turn sampler (nutpie, through ``pymc.sample``).

    Linear algebra runs on one thread per chain: the chains already use the cores.
    """
    model = problem.build()
    with threadpool_limits(1), model:
        result = pm.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, cores or os.cpu_count() or 1),
            random_seed=random_seed,
            progressbar=progressbar,
            compute_convergence_checks=False,
        )
    posterior = result["posterior"].dataset
    stats = result["sample_stats"].dataset
    texts = [name for name, variable in stats.variables.items() if variable.dtype == object]
    return HyperDraws(
        posterior["log_sigma"].to_numpy(),
        posterior["log_scale"].to_numpy(),
        stats.drop_vars(texts),
    )


def sample_laplace(problem: Problem, draws: int, random_seed: int) -> HyperDraws:
    """Draw from the Gaussian at the mode: 64 distinct points, repeated in turn over the draws."""
    split = len(problem.likelihood.n)
    with threadpool_limits(1):
        mode = find_mode(problem.likelihood, problem.priors, problem.design.groups)
    rng = np.random.default_rng([random_seed, 1])
    points = mode.draw(min(draws, LAPLACE_POINTS), rng)
    turns = points[np.arange(draws) % len(points)][None]
    stats = xr.Dataset({"newton_decrement": mode.decrement})
    return HyperDraws(turns[..., :split], turns[..., split:], stats, mode.converged)
