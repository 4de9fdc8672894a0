"""The weights before any data, of which stated spreads are all that is known.

There are no rows: P of design, section 12, is the prior precision Lambda alone, and N(m, C) =
N(0, Lambda^-1). The hyperparameters stand at the centres of their priors, then the weights of the
effect of each action, and of each bias, are multiplied by the one factor that makes

    (1)  sum_i lambda_i^-1 Var(phi_i(a_k)) = e_k^2,       i over the weights of u_k,
    (2)  sum_i lambda_i^-1 E[x_i^2]        = b_B^2,       i over the (centred) weights of d_B,

the squares of the stated sd: of the effect over the rows of all options, and of the bias over the
rows in which it takes part. Terms of several actions keep the scales of the model's priors. Rows
of the options are drawn from the stated laws; they give Gbar_r and settle the basis, and their
outcomes are never looked at.
"""

from typing import Protocol

import numpy as np
import xarray as xr

from bayes_intgen.base.blocks import BlockChoice
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.choice import BasisChoice
from bayes_intgen.design.components import CAUSAL
from bayes_intgen.design.interactions import Interactions
from bayes_intgen.design.structure import Structure
from bayes_intgen.inference.prepare import Prepared, prepare, settle_design
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.model.conditional import Conditional
from bayes_intgen.model.priors import Priors
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.stated_spreads import Spreads

__all__ = ["Choices", "know_spreads"]

DRAWS = 1000


class Choices(Protocol):
    """The choices of a model that count before there are data."""

    @property
    def basis(self) -> BasisChoice:
        """The functions of each action."""

    @property
    def structure(self) -> Structure:
        """Which actions may depend on which."""

    @property
    def interactions(self) -> Interactions:
        """What may interact."""

    @property
    def blocks(self) -> BlockChoice:
        """Actions that may share a confounder."""

    @property
    def priors(self) -> Priors | None:
        """Priors of the hyperparameters."""


def know_spreads(
    choices: Choices, spreads: Spreads, random_seed: int
) -> tuple[Fitted, HyperPoints]:
    """Return what a fit without rows would know, and the weights given the stated spreads."""
    prepared = _prepare(choices, spreads, random_seed)
    problem, unit = prepared.problem, prepared.moments.outcome_scale.spread
    regimes = problem.moments.regimes
    log_sd = _log_sds(problem, spreads, unit)
    precision = np.exp(-2 * log_sd)
    prior = Conditional.solve(np.diag(precision), np.zeros(len(precision)))
    likelihood = problem.likelihood
    given = WeightsGiven(prior, precision, likelihood.centring)
    drawn = unit * given.draw(DRAWS // 2, np.random.default_rng([random_seed, 2]))
    drawn = np.concatenate([drawn, -drawn])  # nothing is better than another in the mean
    noise = np.array([[spreads.noise[regime] for regime in regimes]])
    points = HyperPoints(
        tuple(regimes),
        likelihood.gram / likelihood.n[:, None, None],
        likelihood.centring,
        (given,),
        (unit / noise) ** 2,
        np.ones(1),
        np.zeros(DRAWS, dtype=int),
    )
    coords = {"chain": [0], "draw": np.arange(DRAWS)}
    weights = xr.Dataset({"weight": (("chain", "draw", "term"), drawn[None])}, coords=coords)
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(coords=coords), "weights": weights})
    return Fitted(tree, **prepared.context, convergence=Convergence("prior")), points


def _prepare(choices: Choices, spreads: Spreads, random_seed: int) -> Prepared:
    """Settle basis and design on rows drawn from the stated laws, with any outcome."""
    rows = spreads.draw_rows(random_seed)
    outcome = "outcome"
    while outcome in spreads.actions:
        outcome += "_"
    rng = np.random.default_rng([random_seed, 12])
    rows[outcome] = spreads.total * rng.standard_normal(len(rows))
    data = RegimeData.from_frame(
        rows, outcome=outcome, actions=spreads.actions, categorical=spreads.categorical
    )
    structure = choices.structure
    if isinstance(structure, str) and structure == "learned":
        structure = "full"
    interactions = "none" if choices.interactions == "learned" else choices.interactions
    settled = settle_design(data, choices.basis, structure, interactions, choices.blocks)
    return prepare(settled, data, choices.priors or Priors(), weighted=False)


def _log_sds(problem: Problem, spreads: Spreads, unit: float) -> Array:
    """Return the log prior sd of every centred weight, in standard units."""
    design, moments = problem.design, problem.moments
    _, log_sd = problem.log_sds(problem.hyperpriors.mean)
    n, gram = problem.likelihood.n, problem.likelihood.gram
    raw = np.sum([moments.regression(regime).gram for regime in moments.regimes], axis=0) / n.sum()
    variance = (np.diag(raw) - raw[0] ** 2)[design.positions]  # of each feature
    touched = [weight.feature.actions for weight in design.weights]
    causal = design.component(CAUSAL)
    for name, effect in spreads.effects.items():  # (1)
        own = causal & np.array([actions == {name} for actions in touched])
        log_sd[own] += _log_factor(log_sd[own], variance[own], effect / unit)
    squares = np.array([np.diag(products) for products in gram])
    for component in dict.fromkeys(w.component for w in design.weights if w.component != CAUSAL):
        own = design.component(component)
        takes_part = squares[:, own].any(axis=1)
        if takes_part.any():  # (2)
            names = component.removeprefix("bias:").partition("|")[0].split("+")
            bias = float(np.sqrt(sum(spreads.biases[name] ** 2 for name in names)))
            mean = squares[takes_part][:, own].sum(axis=0) / n[takes_part].sum()
            log_sd[own] += _log_factor(log_sd[own], mean, bias / unit)
    return log_sd


def _log_factor(log_sd: Array, squares: Array, wanted: float) -> float:
    """Return the log of the factor that makes the sd of a component what is wanted."""
    return float(np.log(wanted) - 0.5 * np.log(np.exp(2 * log_sd) @ squares))
