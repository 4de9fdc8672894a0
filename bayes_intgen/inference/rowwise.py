"""Sampling a row-wise model: all weights and hyperparameters at once, by NUTS.

There is no draw of the weights afterwards, so convergence is judged on weights and hyperparameters
alike. The tree is that of the compressed model with what the likelihood adds to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pymc as pm
import xarray as xr
from scipy import special, stats
from threadpoolctl import threadpool_limits

from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.draws_tree import assemble_tree
from bayes_intgen.inference.hyper_draws import ChainStart, run_nuts
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.rowwise_start import find_start
from bayes_intgen.inference.verdicts.convergence import Convergence, check_nuts
from bayes_intgen.model.log_variance_rows import VarianceRows, bound_log_variance
from bayes_intgen.model.pymc_rowwise import Likelihood, Start, build_rowwise
from bayes_intgen.moments.feature_rows import Rows

__all__ = ["RowwiseProblem", "sample_rowwise"]

VALUES_AT_ONCE = 2**22


@dataclass(frozen=True)
class RowwiseProblem:
    """The same design and priors with another likelihood, and the rows that it needs.

    Parameters
    ----------
    problem
        The compressed problem, its rows unweighted.
    rows
        Features and outcome of every row.
    likelihood
        ``"student_t"``, ``"heteroscedastic"``, or ``"normal"``: the compressed model once more,
        the slow way.
    """

    problem: Problem
    rows: Rows
    likelihood: Likelihood

    @classmethod
    def pose(cls, problem: Problem, data: RegimeData, likelihood: Likelihood) -> Self:
        """Read the rows."""
        scale = problem.moments.outcome_scale
        return cls(problem, Rows.read(data, problem.design.features, scale), likelihood)

    @cached_property
    def variance(self) -> VarianceRows | None:
        """Features of the log-variance functions, if there are any."""
        if self.likelihood != "heteroscedastic":
            return None
        return VarianceRows.read(self.rows, self.problem.design.features)

    @cached_property
    def start(self) -> Start:
        """About the mode, and the geometry around it."""
        with threadpool_limits(1):
            return find_start(self.problem, self.rows, self.variance, self.likelihood)

    def build(self) -> pm.Model:
        """Write the PyMC model, without sampling."""
        problem = self.problem
        return build_rowwise(
            problem.design,
            self.rows,
            self.variance,
            problem.moments.regimes,
            self.likelihood,
            problem.scales,
            problem.hyperpriors,
            problem.priors,
            self.start,
            problem.lifts,
        )


def sample_rowwise(rowwise: RowwiseProblem, sampling: Sampling) -> tuple[xr.DataTree, Convergence]:
    """Sample and judge the chains.

    Returns
    -------
    xarray.DataTree
        As for the compressed model. ``posterior`` also has ``nu``, or ``variance_scale`` (regime)
        and ``variance_weight`` (regime, variance_term), which have no unit; with the latter,
        ``constant_data`` holds ``variance_centre`` and ``variance_limits``, psi_r and the ends of
        clamp_r in :mod:`bayes_intgen.model.log_variance_rows`. The log-likelihood is summed over
        the rows of a regime.
    Convergence
        Of weights and hyperparameters.
    """
    model = rowwise.build()
    start = ChainStart(rowwise.start.initial_values(model))
    found, sample_stats = run_nuts(model, sampling, start)
    problem = rowwise.problem
    names = ["log_sigma", "log_scale", "log_length"]
    x = np.concatenate([found[name].to_numpy() for name in names if name in found], axis=-1)
    with threadpool_limits(1):
        likelihood = _log_likelihood(rowwise, found)
    tree = assemble_tree(problem, x, found["weight"].to_numpy(), likelihood, sample_stats)
    _add_parameters(tree, rowwise, found)
    return tree, check_nuts(found, sample_stats)


def _add_parameters(tree: xr.DataTree, rowwise: RowwiseProblem, found: xr.Dataset) -> None:
    """Add what only this likelihood has, and its prior."""
    priors = rowwise.problem.priors
    posterior, log_prior = tree["posterior"].dataset, tree["log_prior"].dataset
    if rowwise.likelihood == "student_t":
        prior = stats.gamma(priors.tail.shape, scale=1 / priors.tail.rate)
        above = found["nu_above_2"]
        tree["posterior"].dataset = posterior.assign(nu=2 + above)
        tree["log_prior"].dataset = log_prior.assign(nu=above.copy(data=prior.logpdf(above)))
    if rowwise.variance:
        log_tau, gamma = found["log_variance_scale"], found["variance_weight"]
        location = (np.log(priors.variance.median), priors.variance.log_sd)
        sd = np.exp(log_tau.to_numpy())[..., None] * rowwise.variance.relative
        tree["posterior"].dataset = posterior.assign(
            variance_scale=np.exp(log_tau), variance_weight=gamma
        )
        tree["log_prior"].dataset = log_prior.assign(
            variance_scale=log_tau.copy(data=stats.norm.logpdf(log_tau, *location)),
            variance_weight=gamma.copy(data=stats.norm.logpdf(gamma, 0, sd)),
        )
        tree["constant_data"].dataset = tree["constant_data"].dataset.assign(
            variance_centre=(("regime", "variance_term"), rowwise.variance.centre),
            variance_limits=(("regime", "limit", "action"), rowwise.variance.limits),
        )


def _log_likelihood(rowwise: RowwiseProblem, found: xr.Dataset) -> Array:
    """Sum the log densities of each regime's rows; shape (chains, draws, regimes)."""
    shape = found["weight"].shape[:2]
    flat = {
        str(name): values.to_numpy().reshape(-1, *values.shape[2:])
        for name, values in found.data_vars.items()
    }
    total = np.empty((shape[0] * shape[1], len(rowwise.rows.phi)))
    for r, phi in enumerate(rowwise.rows.phi):
        for some in _portions(len(total), len(phi)):
            draws = {name: values[some] for name, values in flat.items()}
            total[some, r] = _log_density(rowwise, r, draws).sum(axis=1)
    return total.reshape(*shape, -1)


def _portions(draws: int, rows: int) -> Iterator[slice]:
    size = max(1, VALUES_AT_ONCE // rows)
    for start in range(0, draws, size):
        yield slice(start, start + size)


def _log_density(rowwise: RowwiseProblem, r: int, draws: dict[str, Array]) -> Array:
    """Return log p(y_i | draw) of one regime's rows, shape (draws, rows)."""
    design, phi = rowwise.problem.design, rowwise.rows.phi[r]
    theta = design.collect(draws["weight"], design.active(rowwise.problem.moments.regimes[r]))
    log_sd = draws["log_sigma"][:, r, None]
    if rowwise.variance:
        linear = draws["variance_weight"][:, r] @ rowwise.variance.psi[r].T
        log_sd = log_sd + 0.5 * bound_log_variance(linear)
    squares = (rowwise.rows.outcome[r] - theta @ phi.T) ** 2 * np.exp(-2 * log_sd)
    if rowwise.likelihood != "student_t":
        return np.asarray(-0.5 * (squares + np.log(2 * np.pi)) - log_sd)
    nu = draws["nu"][:, None]
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - np.log(np.pi * nu) / 2
    return np.asarray(constant - (nu + 1) / 2 * np.log1p(squares / nu) - log_sd)
