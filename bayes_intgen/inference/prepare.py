"""From data and choices to a problem that inference can work on; nothing is sampled here.

The passes over the rows:

summary
    Counts, ranges and a sample of each regime, made when the data are read: they settle the basis,
    the structure and so the design.
first-fit moments
    The moments of the features, of a subsample if there are many rows (:func:`prepare`).
log-variance
    The variance of the rows as a function of the actions, from the residuals of a first fit.
weighted moments
    Those of all features with each row weighted by its variance, and those of the residuals, which
    the tests of interactions need (:func:`weight_rows`).
moments of rows that count the same
    In place of these, if the tests show that the mean does not fit
    (:mod:`bayes_intgen.inference.variance_functions`).

If the data are already Moments, no pass over rows is made.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from bayes_intgen.base.blocks import BlockChoice, find_cuts, read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.shared_work import shared
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import subsample_rows
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import BasisChoice, freeze_bases, match_bases
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import require_target
from bayes_intgen.design.identification.model_identification import require_level_or_effect
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.design.interactions import NO_TERMS, Interactions, InteractionTerms
from bayes_intgen.design.structure import Structure, resolve_structure
from bayes_intgen.design.structure_learning import LearnedStructure, learn_structure
from bayes_intgen.inference.intercepts import fit_intercepts
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.options import actions_of, refuse_exact
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.variance_functions import FirstFit
from bayes_intgen.inference.verdicts.additivity import LEARNING_LEVEL, LEVEL, check_additivity
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.probes import probe_features
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.model.log_variance import LogVariance
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.moments import Moments

__all__ = [
    "Prepared",
    "SettledDesign",
    "judge_interactions",
    "prepare",
    "settle_design",
    "weight_rows",
]


@dataclass(frozen=True)
class SettledDesign:
    """The design, as the choices of a model and the first pass over the rows settle it."""

    design: Design
    summary: Summary  # the first pass over the rows
    # the evidence on which action depends on which, if the structure was learned
    learned: LearnedStructure | None
    lifts: LiftTests | None = None  # lift tests beside the rows, if there are any

    def read_lifts(self, outcome_scale: Scale) -> LiftRows | None:
        """Write the lift tests as functionals of the weights; None if there are none."""
        if not self.lifts:
            return None
        given = self.learned is None
        return LiftRows.read(self.lifts, self.design, self.summary, outcome_scale, given)

    def with_terms(self, terms: InteractionTerms) -> "SettledDesign":
        """Return the same with learned interactions, of these terms."""
        return replace(self, design=self.design.with_interactions("learned", terms))

    @property
    def condition(self) -> RankCondition:
        """What regimes and lift tests at hand identify."""
        lifts = self.read_lifts(self.summary.scales[self.summary.outcome])
        return _condition(self.design, self.summary, lifts)


@dataclass(frozen=True)
class Prepared:
    """A problem, with the moments and the structure that lead to it."""

    problem: Problem  # what is to be inferred
    # of its features; of further features and of residuals too, once rows have been weighted
    moments: Moments
    # the evidence on which action depends on which, if the structure was learned
    learned: LearnedStructure | None
    misfit: str = ""  # what the mean lacks, if this is why rows count the same
    log_variances: Mapping[Regime, LogVariance] | None = None  # by which rows were weighted
    near: Array | None = None  # hyperparameters about at the mode, by the first fit
    # makes the same of rows that count the same, given what the mean lacks; None if they do
    with_equal_rows: Callable[[str], "Prepared"] | None = field(default=None, repr=False)

    @property
    def condition(self) -> RankCondition:
        """What regimes and lift tests at hand identify."""
        return _condition(self.problem.design, self.moments.summary, self.problem.lifts)

    @property
    def context(self) -> dict[str, Any]:
        """What draws are read with, as keyword arguments of a posterior."""
        moments = self.moments
        return {
            "design": self.problem.design,
            "summary": moments.summary,
            "outcome_scale": moments.outcome_scale,
            "learned": self.learned,
        }

    @property
    def attributes(self) -> dict[Hashable, Any]:
        """What is told of the rows, as attributes of a tree of draws.

        ``clamped``: the number of rows beyond the box of each variable, if there are any, as JSON;
        ``misfit``, if that is why rows count the same.
        """
        names = self.moments.variables
        beyond = sum(self.moments.clamped.values(), np.zeros(len(names), dtype=np.int64))
        clamped = {n: k for n, k in zip(names, beyond.tolist(), strict=True) if k}
        attributes: dict[Hashable, Any] = {"clamped": json.dumps(clamped)}
        if self.misfit:
            attributes["misfit"] = self.misfit
        return attributes


def _condition(design: Design, summary: Summary, lifts: LiftRows | None) -> RankCondition:
    return RankCondition(design, tuple(summary.regimes), lifts.rows if lifts else None)


def settle_design(
    data: RegimeData | Moments,
    basis: BasisChoice,
    structure: Structure,
    interactions: Interactions,
    blocks: BlockChoice = None,
    lifts: LiftTests | None = None,
) -> SettledDesign:
    """Make the first pass over the rows, if they are at hand, and choose the design."""
    actions, covariates, summary = actions_of(data), data.covariates, data.summary
    if lifts is not None:
        if not isinstance(lifts, LiftTests):
            raise ModelError(
                f"lifts must be LiftTests, got {type(lifts).__name__}; make them with "
                f"LiftTests.from_frame."
            )
        tested = lifts.tested(actions, summary.levels, covariates)
        summary = replace(summary, tested=tested)
    structure_is_learned = isinstance(structure, str) and structure == "learned"
    learned = None
    if structure_is_learned:
        learned = shared(("structure", summary.settings_key), lambda: learn_structure(summary))
    parents = learned.parents if learned else resolve_structure(structure, actions)
    # the features of moments are summed already, so that their bases are taken, not made anew
    if isinstance(data, Moments):
        bases = match_bases(basis, data.features.bases, covariates)
    else:
        bases = freeze_bases(basis, data.variables, summary)
    partition = read_blocks(blocks, actions)
    cuts = find_cuts([*summary.regimes, *(regime for regime, _ in summary.as_set)], partition)
    chosen = (interactions, partition, cuts, covariates, NO_TERMS, tuple(summary.at_rest))
    key = ("design", *((n, id(basis)) for n, basis in bases.items()), *parents.items(), *chosen)
    # beside it the bases whose identity is in the key
    design, _ = shared(key, lambda: (Design.build(bases, parents, *chosen), bases))
    return SettledDesign(design, summary, learned, lifts)


def prepare(
    settled: SettledDesign,
    data: RegimeData | Moments,
    priors: Priors,
    likelihood: str = "normal",
    variance: str = "learned",
    *,
    target: Regime | None = None,
    weighted: bool = True,
) -> Prepared:
    """Make the passes over the rows that follow the summary; none if the data are moments already.

    Parameters
    ----------
    settled, data, priors
        The design, the rows or their moments, and the priors of the hyperparameters.
    likelihood, variance
        Those of the model.
    target
        The regime that must be identified, which is seen to before rows are read; any by default.
    weighted
        Whether rows are to be weighted by their variances after a first fit; otherwise all rows
        count the same.
    """
    if target is not None:
        if settled.lifts is None:
            require_target(settled.summary.regimes, target, settled.design.blocks)
        else:
            require_level_or_effect(settled.condition, target)
    design, summary = settled.design, settled.summary
    if isinstance(data, Moments):
        moments = replace(data.select(design.features), summary=summary)
    else:
        scale = summary.scales[data.outcome]
        if likelihood == "student_t":  # the unit should not follow gross errors in the outcome
            scale = summary.robust_outcome_scale
        # Of these moments only a first fit is made if rows are weighted, whose residuals give the
        # row weights: a subsample is enough. Otherwise they are what the model is fitted to.
        used = subsample_rows(data) if weighted else data
        moments = Moments.compute(used, summary, design.features, scale, n_folds=1)
    lifts = settled.read_lifts(moments.outcome_scale)
    problem = Problem(design, moments, priors, lifts)
    if moments.clusters:
        problem = fit_intercepts(problem)
        if weighted and not isinstance(data, Moments):
            problem = problem.without_group_sums()  # want of memory: another pass sums anew
        moments = problem.moments
    prepared = Prepared(problem, moments, settled.learned)
    if not weighted:
        return prepared
    refuse_exact(moments)
    if isinstance(data, Moments):
        return prepared
    return weight_rows(prepared, data, variance_is_learned=variance == "learned")


def weight_rows(
    prepared: Prepared, data: RegimeData, *, variance_is_learned: bool = True
) -> Prepared:
    """Weight the rows by their variances, and add moments of further features and of residuals.

    ``variance_is_learned``: whether the variance depends on the actions; otherwise the rows of a
    regime count the same.
    """
    problem = prepared.problem
    first, probes = FirstFit.of(problem), probe_features(problem.design)
    variances = first.log_variances(data) if variance_is_learned else {}
    known = problem.with_moments(first.moments)  # without its own sums

    def sum_rows(variances: Mapping[Regime, LogVariance], misfit: str = "") -> Prepared:
        sums = first.sum_rows(data, probes, variances or None)
        weighted = known.with_moments(sums.select(known.design.features))
        weighted = fit_intercepts(weighted) if sums.clusters else weighted
        moments = sums.with_intercepts(weighted.moments.ratios)
        near = first.mode_near(moments)
        told = (moments, prepared.learned, misfit, variances or None, near)
        return Prepared(weighted, *told)

    weighted = sum_rows(variances)
    if not any(function.bound for function in variances.values()):
        return weighted
    return replace(weighted, with_equal_rows=partial(sum_rows, {}))


def judge_interactions(prepared: Prepared, mode: LaplaceMode) -> Additivity | None:
    """Test what interacts and the fit does not have; None if there are no rows for it.

    Explicit ones are judged by a fit without any, as narrower ones may do; learned ones by theirs.
    """
    problem, moments = prepared.problem, prepared.moments
    design = problem.design
    if moments.residuals is None:
        return None
    # The null is a fit of the rows alone.
    null = problem.with_lifts(None) if problem.lifts else problem
    if design.interactions in ("pairwise", "all"):
        without = design.with_interactions("none")
        null = Problem(without, moments.select(without.features), problem.priors)
    if null is not problem:
        mode = find_mode(null)
    level = LEARNING_LEVEL if design.interactions == "learned" else LEVEL
    found = check_additivity(null, mode.mode, moments, level)
    return replace(found, fitted=design.interactions, missing=design.lacks(found.terms))
