"""Sampling a row-wise model: all weights and hyperparameters at once, by NUTS.

There is no draw of the weights afterwards, so convergence is judged on weights and hyperparameters
alike. The tree is that of the compressed model with what the likelihood adds to it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pymc as pm
import xarray as xr
from scipy import special, stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import one_blas_thread, stretches
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.draws_tree import HyperDraws, assemble_tree
from bayes_intgen.inference.nuts import ChainStart, run_nuts
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.rowwise_start import find_start
from bayes_intgen.inference.verdicts.convergence import Convergence, check_nuts
from bayes_intgen.model.log_variance_rows import VarianceRows, bound_log_variance
from bayes_intgen.model.pymc_rowwise import Likelihood, Start, build_rowwise
from bayes_intgen.moments.feature_rows import Rows
from bayes_intgen.moments.moments import Moments

__all__ = ["RowwiseProblem", "sample_rowwise"]

VALUES_AT_ONCE = 2**22


@dataclass(frozen=True)
class RowwiseProblem:
    """The same design and priors with another likelihood, and the rows that it needs."""

    problem: Problem  # the compressed problem, its rows unweighted
    rows: Rows  # features and outcome of every row
    # ``"student_t"``, ``"heteroscedastic"``, or ``"normal"``: the compressed model once more, the
    # slow way
    likelihood: Likelihood

    @classmethod
    def read(cls, problem: Problem, data: RegimeData | Moments, likelihood: Likelihood) -> Self:
        """Read the rows; a ModelError if there are moments only."""
        if isinstance(data, Moments):
            raise ModelError(
                f"data: likelihood={likelihood!r} depends on every row, and moments hold only "
                f"sums of products of all rows; give the RegimeData, or use likelihood='normal'."
            )
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
        with one_blas_thread():
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
        As for the compressed model. ``posterior`` also has ``nu``, or ``variance_scale`` (regime);
        with the latter ``variance_weights`` has ``variance_weight`` (regime, variance_term), and
        ``constant_data`` has ``variance_centre`` and ``variance_limits``, psi_r and the ends of
        clamp_r in :mod:`bayes_intgen.model.log_variance_rows`. None of them has a unit. The
        log-likelihood is summed over the rows of a regime.
    Convergence
        Of weights and hyperparameters.
    """
    model = rowwise.build()
    start = ChainStart(rowwise.start.initial_values(model))
    sampled, sample_stats = run_nuts(model, sampling, start)
    hyper = HyperDraws.of(sampled, sample_stats)
    with one_blas_thread():
        likelihood = _log_likelihood(rowwise, sampled)
    tree = assemble_tree(rowwise.problem, hyper, sampled["weight"].to_numpy(), likelihood)
    _add_parameters(tree, rowwise, sampled)
    return tree, check_nuts(sampled, sample_stats)


def _add_parameters(tree: xr.DataTree, rowwise: RowwiseProblem, sampled: xr.Dataset) -> None:
    """Add what only this likelihood has, and its prior."""
    priors = rowwise.problem.priors
    posterior, log_prior = tree["posterior"].dataset, tree["log_prior"].dataset
    if rowwise.likelihood == "student_t":
        prior = stats.gamma(priors.tail.shape, scale=1 / priors.tail.rate)
        above = sampled["nu_above_2"]
        tree["posterior"].dataset = posterior.assign(nu=2 + above)
        tree["log_prior"].dataset = log_prior.assign(nu=above.copy(data=prior.logpdf(above)))
    if rowwise.variance:
        log_tau, gamma = sampled["log_variance_scale"], sampled["variance_weight"]
        location = (np.log(priors.variance.median), priors.variance.log_sd)
        sd = np.exp(log_tau.to_numpy())[..., None] * rowwise.variance.relative
        tree["posterior"].dataset = posterior.assign(variance_scale=np.exp(log_tau))
        tree["log_prior"].dataset = log_prior.assign(
            variance_scale=log_tau.copy(data=stats.norm.logpdf(log_tau, *location))
        )
        name, given = "variance_weights", gamma.copy(data=stats.norm.logpdf(gamma, 0, sd))
        tree[name] = xr.DataTree(gamma.to_dataset(name="variance_weight"))
        tree[f"{name}/log_prior"] = xr.DataTree(given.to_dataset(name="variance_weight"))
        tree["constant_data"].dataset = tree["constant_data"].dataset.assign(
            variance_centre=(("regime", "variance_term"), rowwise.variance.centre),
            variance_limits=(("regime", "limit", "action"), rowwise.variance.limits),
        )


def _log_likelihood(rowwise: RowwiseProblem, sampled: xr.Dataset) -> Array:
    """Sum the log densities of each regime's rows; shape (chains, draws, regimes)."""
    shape = sampled["weight"].shape[:2]
    flat = {
        str(name): values.to_numpy().reshape(-1, *values.shape[2:])
        for name, values in sampled.data_vars.items()
    }
    total = np.empty((shape[0] * shape[1], len(rowwise.rows.phi)))
    for r, phi in enumerate(rowwise.rows.phi):
        for some in stretches(len(total), max(1, VALUES_AT_ONCE // len(phi))):
            draws = {name: values[some] for name, values in flat.items()}
            total[some, r] = _log_density(rowwise, r, draws).sum(axis=1)
    return total.reshape(*shape, -1)


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
