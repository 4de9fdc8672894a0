"""From draws of the hyperparameters to the full posterior, as a tree that ArviZ understands.

Each draw of the hyperparameters gets its weights from their exact conditional distribution
N(P^-1 b, P^-1); the two together are a draw from the posterior of the whole model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from scipy import stats

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.inference.problem import Problem, WeightsGiven, conditionals
from bayes_intgen.inference.sandwich import Sandwich
from bayes_intgen.model.each_draw import draw_weights_of_each

__all__ = [
    "DRAWS",
    "HYPERPARAMETERS",
    "SUMS",
    "HyperDraws",
    "Visit",
    "assemble_tree",
    "build_tree",
    "draw_weights",
    "hyperparameters",
    "keep_sums",
    "label_draws",
]

type Visit = Callable[[Array, WeightsGiven], None]

HYPERPARAMETERS = ("log_sigma", "log_scale", "log_length")
# groups of a tree that hold draws of parameters
DRAWS = ("posterior", "prior_scales", "weights", "variance", "variance_weights")

SUMS = "sums"  # the group of a tree that holds sums over the rows

DIMS = {
    "log_sigma": "regime",
    "log_scale": "group",
    "log_length": "smooth_action",
    "sigma": "regime",
    "prior_scale": "group",
    "lengthscale": "smooth_action",
    "weight": "term",
    "outcome": "regime",
    "effect": "lift_test",
}


@dataclass(frozen=True)
class HyperDraws:
    """Posterior draws of the hyperparameters in standard units of the outcome."""

    x: Array  # (log sigma, log scale, log lengthscale), shape (chains, draws, hyperparameters)
    sample_stats: xr.Dataset  # what the sampler says about itself
    # drawn given each of them, standard units, if that came for free; (chains, draws, weights)
    weights: Array | None = None

    @classmethod
    def of(cls, sampled: xr.Dataset, sample_stats: xr.Dataset) -> Self:
        """Join those of the three that were sampled: not every design has lengthscales."""
        arrays = [sampled[name].to_numpy() for name in HYPERPARAMETERS if name in sampled]
        return cls(np.concatenate(arrays, axis=-1), sample_stats)


def label_draws(problem: Problem, x: Array) -> xr.Dataset:
    """Label the draws on the scale on which they were sampled, dims (chain, draw, ...)."""
    return _label(problem, dict(zip(HYPERPARAMETERS, problem.split(x), strict=True)))


def build_tree(
    problem: Problem,
    draws: HyperDraws,
    random_seed: int,
    prior: bool = False,
    sandwich: Sandwich | None = None,
    visit: Visit | None = None,
    brief: bool = False,
) -> xr.DataTree:
    """Draw the weights given each draw of the hyperparameters, and assemble the tree.

    ``prior``: whether the weights are drawn from their prior instead. ``sandwich``: by what they
    spread in place of the model's own covariance. ``visit``: as in :func:`draw_weights`.
    ``brief``: whether to leave out all but the weights.
    """
    shape = draws.x.shape[:2]
    x = draws.x.reshape(-1, draws.x.shape[2])
    if prior:
        weights = _draw_prior(problem, x, random_seed)
    elif draws.weights is not None and sandwich is None:
        weights = draws.weights.reshape(len(x), -1)
    else:
        weights = draw_weights(problem, x, random_seed, sandwich, visit)
    if brief:
        scaled = problem.moments.outcome_scale.spread * weights.reshape(*shape, -1)
        group = _label(problem, {"weight": scaled})
        return xr.DataTree.from_dict({"posterior": group[["chain", "draw"]], "weights": group})
    likelihood = problem.likelihood.log_likelihood(weights, np.exp(problem.split(x)[0]))
    return assemble_tree(
        problem, draws, weights.reshape(*shape, -1), likelihood.reshape(*shape, -1)
    )


def assemble_tree(
    problem: Problem, draws: HyperDraws, weights: Array, likelihood: Array
) -> xr.DataTree:
    """Turn draws in standard units into a tree in the outcome's unit.

    ``weights`` has shape (chains, draws, weights), and ``likelihood``, the log-likelihood of the
    rows of each regime, (chains, draws, regimes).

    Returns
    -------
    xarray.DataTree
        ``posterior`` (sigma by regime, in the outcome's unit; lengthscale by action, in half-widths
        of its data), ``prior_scales`` (prior_scale by group) and ``weights`` (weight by term), both
        in the outcome's unit; ``sample_stats``, ``log_likelihood`` (of all rows of a regime; of
        each lift test), ``log_prior`` (of the hyperparameters), ``weights/log_prior`` (of the
        weights given these) and ``constant_data`` (rows per regime). Functions of ArviZ look at
        ``posterior`` unless told otherwise: there is what fits into a table or a figure.
    """
    log_sigma, log_scale, log_length = problem.split(draws.x)
    moments = problem.moments
    unit = moments.outcome_scale.spread
    # of a row from a new cluster
    total = np.sqrt([1 + moments.ratios.get(regime, 0.0) for regime in moments.regimes])
    groups = {
        "posterior": {"sigma": unit * total * np.exp(log_sigma), "lengthscale": np.exp(log_length)},
        "prior_scales": {"prior_scale": unit * np.exp(log_scale)},
        "weights": {"weight": unit * weights},
        "weights/log_prior": {"weight": _log_prior_of_weights(problem, draws.x, weights)},
        "log_likelihood": {"outcome": likelihood - problem.likelihood.n * np.log(unit)},
        "log_prior": _log_prior(problem, draws.x),
    }
    # Log-likelihoods are of outcomes in their own unit: a Jacobian of one log unit for each row.
    if problem.lifts:
        effect = problem.lifts.log_likelihood(weights) - np.log(unit)
        groups["log_likelihood"]["effect"] = effect
    labelled = {name: _label(problem, arrays) for name, arrays in groups.items()}
    regimes = {"regime": _coords(problem)["regime"]}
    rows = xr.Dataset({"n_rows": ("regime", problem.likelihood.n)}, coords=regimes)
    return xr.DataTree.from_dict(
        {**labelled, "sample_stats": draws.sample_stats, "constant_data": rows}
    )


def keep_sums(problem: Problem) -> xr.Dataset:
    """Return the sums of a problem as the group of a tree."""
    moments = problem.moments
    sums = [moments.regression(regime) for regime in moments.regimes]
    lower = np.tril_indices(len(sums[0].cross))
    lifts = problem.lifts
    variables = {
        "gram": (("regime", "product"), np.array([one.gram[lower] for one in sums])),
        "cross": (("regime", "function"), np.array([one.cross for one in sums])),
        "square": ("regime", np.array([one.square for one in sums])),
        "n_rows": ("regime", np.array([one.n for one in sums])),
        "log_weight": ("regime", np.array([moments.log_weights[r] for r in moments.regimes])),
        "constant_scale": ((), problem.scales.constant_scale),
    }
    if lifts:
        variables |= {
            "lift_functional": (("lift_test", "weight"), lifts.rows),
            "lift_effect": ("lift_test", lifts.effect),
            "lift_error": ("lift_test", lifts.standard_error),
        }
    labels = [format_regime(regime) for regime in moments.regimes]
    return xr.Dataset(variables, coords={"regime": labels})


def hyperparameters(tree: xr.DataTree) -> xr.Dataset:
    """Return the draws of all hyperparameters in a tree, dims (chain, draw, ...)."""
    return xr.merge([tree["posterior"].to_dataset(), tree["prior_scales"].to_dataset()])


def draw_weights(
    problem: Problem,
    x: Array,
    random_seed: int,
    sandwich: Sandwich | None = None,
    visit: Visit | None = None,
) -> Array:
    """Draw weights for each row of hyperparameters, shape (draws, weights), standard units.

    With ``visit``, which is called with each distinct row and the distribution of the weights given
    it, or ``sandwich``, rows that repeat one another share a factorisation; otherwise each is
    factorised, by compiled code on all cores.
    """
    rng = np.random.default_rng([random_seed, 2])
    likelihood = problem.likelihood
    if visit is None and sandwich is None:
        noise = rng.standard_normal((len(x), likelihood.cross.shape[1]))
        with one_blas_thread():
            drawn, _ = draw_weights_of_each(likelihood, *problem.log_sds(x), noise)
        if np.isnan(drawn).any():
            raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
        return likelihood.centring.to_weights(drawn)
    # a Laplace fit repeats 64 points: each is factorised once
    points, turn = np.unique(x, axis=0, return_inverse=True)
    weights = np.empty((len(x), likelihood.cross.shape[1]))
    with one_blas_thread():
        for i, given in enumerate(conditionals(problem, points)):
            rows = np.flatnonzero(turn == i)
            if visit is not None:
                visit(points[i], given)
            if sandwich is None:
                weights[rows] = given.centred.draw(len(rows), rng)
            else:
                weights[rows] = sandwich.draw(given, len(rows), rng)
    return weights if sandwich is not None else likelihood.centring.to_weights(weights)


def _draw_prior(problem: Problem, x: Array, random_seed: int) -> Array:
    """Draw weights from their prior given each row of hyperparameters, shape (draws, weights)."""
    rng = np.random.default_rng([random_seed, 2])
    sd = np.exp(_log_sd(problem, x))
    return problem.likelihood.centring.to_weights(sd * rng.standard_normal(sd.shape))


def _log_sd(problem: Problem, x: Array) -> Array:
    """Return the log prior standard deviations of the centred weights, (draws, weights)."""
    _, scale, length = problem.split(x)
    return problem.scales.log_sd(scale, length)


def _log_prior(problem: Problem, x: Array) -> dict[str, Array]:
    """Log prior densities of hyperparameters, on the scale on which the model states them."""
    log_sigma, log_scale, log_length = problem.split(problem.hyperpriors.log_density(x))
    return {"sigma": log_sigma, "prior_scale": log_scale, "lengthscale": log_length}


def _log_prior_of_weights(problem: Problem, x: Array, weights: Array) -> Array:
    """Log prior densities of the centred weights; the determinant of centring is one."""
    centred = problem.likelihood.centring.to_centred(weights)
    log_sd = _log_sd(problem, x.reshape(-1, x.shape[-1])).reshape(weights.shape)
    return np.asarray(stats.norm.logpdf(centred, 0, np.exp(log_sd)))


def _label(problem: Problem, arrays: dict[str, Array]) -> xr.Dataset:
    """Give draws of shape (chains, draws, size) their dims and coordinates."""
    arrays = {name: values for name, values in arrays.items() if values.shape[-1]}
    variables = {name: (("chain", "draw", DIMS[name]), values) for name, values in arrays.items()}
    chains, draws = next(iter(arrays.values())).shape[:2]
    used = {DIMS[name] for name in arrays}
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
        "smooth_action": list(problem.design.smooth_actions),
        "lift_test": np.arange(len(problem.lifts.effect) if problem.lifts else 0),
        "term": [weight.name for weight in weights],
        "component": ("term", [weight.component for weight in weights]),
        "feature": ("term", [weight.feature.name for weight in weights]),
    }
