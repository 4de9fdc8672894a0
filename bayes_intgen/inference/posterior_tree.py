"""From draws of the hyperparameters to the full posterior, as a tree that ArviZ understands.

Each draw of the hyperparameters gets its weights from their exact conditional distribution
N(P^-1 b, P^-1); the two together are a draw from the posterior of the whole model.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import stats
from threadpoolctl import threadpool_limits

from bayes_intgen.inference.hyper import HyperDraws, Problem
from bayes_intgen.regimes import format_regime

__all__ = ["build_tree", "hyperparameters"]

DIMS = {
    "log_sigma": "regime",
    "log_scale": "group",
    "sigma": "regime",
    "prior_scale": "group",
    "weight": "term",
}

type Array = npt.NDArray[np.float64]


def hyperparameters(problem: Problem, draws: HyperDraws) -> xr.Dataset:
    """Label the draws on the scale on which they were sampled, dims (chain, draw, ...)."""
    return _label(problem, {"log_sigma": draws.log_sigma, "log_scale": draws.log_scale}, DIMS)


def build_tree(problem: Problem, draws: HyperDraws, random_seed: int) -> xr.DataTree:
    """Draw the weights and gather everything.

    Returns
    -------
    xarray.DataTree
        ``posterior`` (sigma by regime, prior_scale by group and weight by term, all in the
        outcome's unit), ``sample_stats``, ``log_likelihood`` (one value per regime), ``log_prior``
        and ``constant_data`` (rows per regime).
    """
    shape = draws.log_sigma.shape[:2]
    log_sigma = draws.log_sigma.reshape(-1, draws.log_sigma.shape[2])
    log_scale = draws.log_scale.reshape(-1, draws.log_scale.shape[2])
    weights = _draw_weights(problem, log_sigma, log_scale, random_seed)
    moments = problem.moments
    unit = moments.outcome_scale.spread
    likelihood = problem.likelihood.log_likelihood(weights, np.exp(log_sigma))
    likelihood -= problem.likelihood.n * np.log(unit)
    groups = {
        "posterior": {
            "sigma": unit * np.exp(log_sigma),
            "prior_scale": unit * np.exp(log_scale),
            "weight": unit * weights,
        },
        "log_likelihood": {moments.outcome: likelihood},
        "log_prior": _log_prior(problem, log_sigma, log_scale, weights),
    }
    dims = {**DIMS, moments.outcome: "regime"}
    labelled = {
        name: _label(problem, {k: v.reshape(*shape, -1) for k, v in arrays.items()}, dims)
        for name, arrays in groups.items()
    }
    regimes = {"regime": _coords(problem)["regime"]}
    rows = xr.Dataset({"n_rows": ("regime", problem.likelihood.n)}, coords=regimes)
    return xr.DataTree.from_dict(
        {**labelled, "sample_stats": draws.sample_stats, "constant_data": rows}
    )


def _draw_weights(problem: Problem, log_sigma: Array, log_scale: Array, random_seed: int) -> Array:
    """Draw weights for each row of hyperparameters, shape (draws, weights), standard units.

    Rows that repeat one another share a factorisation.
    """
    rng = np.random.default_rng([random_seed, 2])
    joint = np.concatenate([log_sigma, log_scale], axis=1)
    points, turn = np.unique(joint, axis=0, return_inverse=True)
    weights = np.empty((len(joint), problem.likelihood.cross.shape[1]))
    split = log_sigma.shape[1]
    with threadpool_limits(1):
        for i, point in enumerate(points):
            rows = np.flatnonzero(turn == i)
            given = problem.likelihood.conditional(point[:split], point[split:])
            weights[rows] = given.draw(len(rows), rng)
    return weights


def _log_prior(
    problem: Problem, log_sigma: Array, log_scale: Array, weights: Array
) -> dict[str, Array]:
    """Log prior densities, on the scale on which the model states them."""
    split = log_sigma.shape[1]
    mean, sd = problem.priors.locations(split, problem.design.groups)
    precisions = np.array([problem.likelihood.precisions(row) for row in log_scale])
    return {
        "sigma": stats.norm.logpdf(log_sigma, mean[:split], sd[:split]),
        "prior_scale": stats.norm.logpdf(log_scale, mean[split:], sd[split:]),
        "weight": stats.norm.logpdf(weights, 0, precisions**-0.5),
    }


def _label(problem: Problem, arrays: dict[str, Array], dims: dict[str, str]) -> xr.Dataset:
    """Give draws of shape (chains, draws, size) their dims and coordinates."""
    variables = {name: (("chain", "draw", dims[name]), values) for name, values in arrays.items()}
    chains, draws = next(iter(arrays.values())).shape[:2]
    used = {dims[name] for name in arrays}
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws)}
    for name, value in _coords(problem).items():
        along = value[0] if isinstance(value, tuple) else name
        if along in used:
            coords[name] = value
    return xr.Dataset(variables, coords=coords)


def _coords(problem: Problem) -> dict[str, Any]:
    weights = problem.design.weights
    return {
        "regime": [format_regime(regime) for regime in problem.moments.regimes],
        "group": list(problem.design.groups),
        "term": [weight.name for weight in weights],
        "component": ("term", [weight.component for weight in weights]),
        "feature": ("term", [weight.feature.name for weight in weights]),
    }
