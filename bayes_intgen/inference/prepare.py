"""From data and choices to a problem that inference can work on; nothing is sampled here.

Rows are used up to four times: for ranges and structure, for the moments of the features, for the
variance functions, and for the weighted moments with those of the residuals. Of many rows a sample
is enough for the second (:mod:`bayes_intgen.moments.row_sample`). Moments are not read at all.
"""

from dataclasses import dataclass, replace

import numpy as np

from bayes_intgen.base.blocks import BlockChoice, find_cuts, read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import subsample_rows
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import BasisChoice, freeze_bases, match_bases
from bayes_intgen.design.design import Design, Interactions
from bayes_intgen.design.structure import Structure, resolve_structure
from bayes_intgen.design.structure_learning import LearnedStructure, learn_structure
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.reweight import reweight
from bayes_intgen.inference.verdicts.additivity import check_additivity, probe_features
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.moments import Moments

__all__ = [
    "Posed",
    "actions_of",
    "count_clamped",
    "judge_rung",
    "plan",
    "pose",
    "refuse_exact",
    "regimes_of",
    "typical_rows",
    "weigh",
]

LEAST_RESIDUAL = 1e-10
TYPICAL_SETTINGS = 32


@dataclass(frozen=True)
class Posed:
    """A problem, and what was found on the way to it.

    Parameters
    ----------
    problem
        What is to be inferred.
    moments
        The moments of its features; of further features and of residuals too, once rows have been
        weighed.
    learned
        The evidence on who depends on whom, if the structure was learned.
    """

    problem: Problem
    moments: Moments
    learned: LearnedStructure | None


@dataclass(frozen=True)
class Plan:
    """What is settled by the first pass over the rows."""

    design: Design
    summary: Summary
    learned: LearnedStructure | None

    def read(self, lifts: LiftTests, scale: Scale) -> LiftRows:
        """Write lift tests as functionals of the weights."""
        return LiftRows.read(lifts, self.design, self.summary, scale, self.learned is None)


def plan(
    data: RegimeData | Moments,
    basis: BasisChoice,
    structure: Structure,
    interactions: Interactions,
    blocks: BlockChoice = None,
    lifts: LiftTests | None = None,
) -> Plan:
    """Make the first pass over the rows, if they are at hand, and choose the design."""
    actions, covariates = actions_of(data), data.covariates
    summary = data.summary
    if lifts is not None:
        if not isinstance(lifts, LiftTests):
            raise ModelError(
                f"lifts must be LiftTests, got {type(lifts).__name__}; make them with "
                f"LiftTests.from_frame."
            )
        tested = lifts.tested(actions, summary.levels, covariates)
        summary = replace(summary, tested=tested)
    by_data = isinstance(structure, str) and structure == "learned"
    learned = learn_structure(summary) if by_data else None
    parents = learned.parents if learned else resolve_structure(structure, actions)
    if isinstance(data, Moments):
        bases = match_bases(basis, data.features.bases, covariates)
    else:
        bases = freeze_bases(basis, data.variables, summary)
    partition = read_blocks(blocks, actions)
    cuts = find_cuts(summary.regimes, partition)
    design = Design.build(bases, parents, interactions, partition, cuts, covariates)
    return Plan(design, summary, learned)


def pose(
    data: RegimeData | Moments,
    basis: BasisChoice,
    structure: Structure,
    interactions: Interactions,
    priors: Priors,
    robust: bool = False,
    blocks: BlockChoice = None,
    lifts: LiftTests | None = None,
    pilot: bool = False,
) -> Posed:
    """Make the first two passes over the rows, or none if the data are moments already.

    ``robust``: whether the outcome's unit should not follow gross errors in it. ``pilot``: whether
    a sample of many rows is enough, because :func:`weigh` follows.
    """
    planned = plan(data, basis, structure, interactions, blocks, lifts)
    design, summary = planned.design, planned.summary
    if isinstance(data, Moments):
        moments = replace(data.select(design.features), summary=summary)
    else:
        scale = summary.robust_outcome_scale if robust else summary.scales[data.outcome]
        used = subsample_rows(data) if pilot else data
        moments = Moments.compute(used, summary, design.features, scale, folds=1)
    rows = planned.read(lifts, moments.outcome_scale) if lifts else None
    return Posed(Problem(design, moments, priors, rows), moments, planned.learned)


def weigh(posed: Posed, data: RegimeData, learn_variance: bool) -> Posed:
    """Make the other passes over the rows: weights, further moments, residuals."""
    problem = posed.problem
    probes = probe_features(problem.design.features.bases, problem.design.actions)
    moments = reweight(problem, data, probes, learn_variance)
    selected = moments.select(problem.design.features)
    return replace(posed, problem=replace(problem, moments=selected), moments=moments)


def judge_rung(posed: Posed, mode: LaplaceMode) -> Additivity | None:
    """Test the lowest rung, whichever was fitted; None if there are no rows to test it on."""
    problem, moments = posed.problem, posed.moments
    fitted = problem.design.interactions
    if moments.residuals is None:
        return None
    if problem.lifts:  # the check is one of the rows
        problem = problem.with_lifts(None)
        mode = find_mode(problem)
    if fitted != "none":
        design = problem.design.on_rung("none")
        problem = Problem(design, moments.select(design.features), problem.priors)
        mode = find_mode(problem)
    return check_additivity(problem, mode.mode, moments, fitted)


def actions_of(data: RegimeData | Moments) -> tuple[str, ...]:
    """Return the names of the actions; a ModelError if it is no data at all."""
    if not isinstance(data, RegimeData | Moments):
        raise ModelError(
            f"data must be a RegimeData or Moments, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    return data.actions


def regimes_of(data: RegimeData | Moments) -> tuple[Regime, ...]:
    """Return the regimes of the data."""
    return data.regimes


def typical_rows(problem: Problem, regime: Regime) -> Array:
    """Return what turns weights into the mean of a regime, at 32 settings from the data.

    Shape (settings, weights). Without rows, the means of actions and covariates are the only
    setting.
    """
    design, summary = problem.design, problem.moments.summary
    rows = np.concatenate([part.sample.rows for part in summary.regimes.values()])[:, :-1]
    if len(rows):
        rows = rows[np.linspace(0, len(rows) - 1, TYPICAL_SETTINGS).astype(int)]
    else:
        rows = np.array([[summary.scales[action].centre for action in design.variables]])
    return design.features.evaluate(rows)[:, design.positions] * design.active(regime)


def count_clamped(moments: Moments) -> dict[str, int]:
    """Return the number of rows beyond the box of each variable, if there are any."""
    total = sum(moments.clamped.values(), np.zeros(len(moments.variables), dtype=np.int64))
    return {n: count for n, count in zip(moments.variables, total.tolist(), strict=True) if count}


def refuse_exact(moments: Moments) -> None:
    """Refuse an outcome without noise, for which the likelihood has no maximum."""
    for regime in moments.regimes:
        if moments.residual_share(regime) < LEAST_RESIDUAL:
            raise ModelError(
                f"data: in regime {format_regime(regime)!r} the outcome {moments.outcome!r} is "
                f"constant or an exact function of the actions; a noise of at least 1e-5 of its "
                f"spread is needed. Is the outcome computed from the actions?"
            )
