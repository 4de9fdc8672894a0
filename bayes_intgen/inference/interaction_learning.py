"""Fits by rounds, which learn what interacts (``interactions="learned"``).

A first fit has no interactions. What its test of additivity selects
(:mod:`bayes_intgen.inference.verdicts.additivity`) is what the next one has, whose own test may
find more, such as a product of three that one of two has hidden. Mostly the first finds nothing and
is the fit; a second is made where actions interact. With moments in place of rows there is no test,
and no interaction.

Rows that show dependence which no column says are fitted in groups
(:mod:`bayes_intgen.data.implied_groups`).
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import xarray as xr

from bayes_intgen.base.errors import ModelError, NotIdentifiedError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.data.implied_groups import SETTINGS, by_settings, in_blocks
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.interactions import InteractionTerms
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.prepare import Prepared, SettledDesign, judge_interactions
from bayes_intgen.inference.rowwise import RowwiseProblem, sample_rowwise
from bayes_intgen.inference.sampling import sample_integrated
from bayes_intgen.inference.sandwich import Sandwich, estimate_sandwich
from bayes_intgen.inference.variance_functions import name_misfit
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.dependence import check_dependence, shared_settings
from bayes_intgen.inference.verdicts.dependence_result import LEVEL, OrderTest
from bayes_intgen.inference.verdicts.lack_of_fit import check_lack_of_fit
from bayes_intgen.inference.verdicts.lift_conflicts import check_lifts
from bayes_intgen.inference.verdicts.lift_result import LiftCheck
from bayes_intgen.inference.verdicts.row_order import RowOrder
from bayes_intgen.inference.verdicts.scale_of_additivity import check_scale, describe_scale
from bayes_intgen.moments.moments import Moments

__all__ = ["LearnedFit", "fit_rows", "learn_interactions"]

MOST_ROUNDS = 3


@dataclass(frozen=True)
class LearnedFit:
    """A problem with its mode, and what its test of additivity says."""

    settled: SettledDesign
    prepared: Prepared
    mode: LaplaceMode
    additivity: Additivity | None  # None without rows
    # tests of the order of the rows, by a fit before, which is why they are in blocks
    seen: tuple[OrderTest, ...] = ()

    def verdicts(self) -> dict[str, Any]:
        """Judge the fit by its rows; return verdicts as keyword arguments of a posterior."""
        prepared, at = self.prepared, self.mode.mode
        problem, moments = prepared.problem, prepared.moments
        misfit = check_lack_of_fit(problem, at, moments, prepared.log_variances)
        return {"additivity": self.additivity, "lack_of_fit": misfit}

    @cached_property
    def residuals(self) -> RowOrder:
        """The residuals in the order of the rows."""
        prepared = self.prepared
        told = (prepared.moments, prepared.log_variances)
        in_common = []
        if prepared.moments.marks.cluster == (SETTINGS,):
            in_common = [found.regime for found in shared_settings(prepared.moments.summary)]
        return RowOrder.of(prepared.problem, self.mode.mode, *told, in_common)

    @cached_property
    def order(self) -> tuple[OrderTest, ...]:
        """Tests of the order of the rows."""
        return self.seen or self.residuals.test()

    @property
    def depends_on_order(self) -> bool:
        """Whether rows near one another in the table depend on one another."""
        return any(test.p_value <= LEVEL for test in self.order)

    def draw(
        self,
        sampling: Sampling,
        target: Regime,
        rowwise: Callable[[], RowwiseProblem] | Literal[False],
        variance: str,
        declared: Mapping[str, Any],
        brief: bool = False,
    ) -> tuple[xr.DataTree, Convergence]:
        """Draw from the posterior whose mode is known, and say what is told beside the draws.

        Parameters
        ----------
        sampling, target, variance, brief
            As in :func:`bayes_intgen.inference.sampling.sample_integrated`.
        rowwise
            Makes the problem of a likelihood of single rows; False if the weights integrate out.
        declared
            As in :meth:`attributes`.
        """
        problem, sandwich = self.prepared.problem, None
        if problem.moments.clusters:
            sandwich = estimate_sandwich(problem, self.mode.mode, self.prepared.moments)
        if not rowwise:
            options = (sampling, target, variance, sandwich, brief)
            tree, convergence = sample_integrated(problem, self.mode, *options)
        else:  # every row counts in full
            tree, convergence = sample_rowwise(rowwise(), sampling)
        tree.attrs = {"target": format_regime(target), **self.attributes(sandwich, declared)}
        return tree, convergence

    def check(self, lifts: LiftTests, random_seed: int) -> LiftCheck | None:
        """Hold each lift test against all else."""
        return check_lifts(self.prepared.problem, self.mode, lifts, random_seed)

    def attributes(
        self, sandwich: Sandwich | None, declared: Mapping[str, Any]
    ) -> dict[Hashable, Any]:
        """Say what of the fit is told as attributes of its draws.

        ``sandwich``: by what the weights spread, if rows depend on one another; ``declared``: the
        columns that say so, by argument.
        """
        prepared, problem, moments = self.prepared, self.prepared.problem, self.prepared.moments
        rows = check_dependence(moments, self.order, sandwich, declared)
        scale = describe_scale(check_scale(problem, self.mode, moments))
        return prepared.attributes | scale | {"dependence": rows.to_text()}


def fit_rows(
    fit: Callable[[Any], LearnedFit], data: RegimeData | Moments
) -> tuple[LearnedFit, Any]:
    """Fit; if rows show dependence that no column says, in groups that stand in for it.

    Returns the fit, and the data with the groups that it took.
    """
    if isinstance(data, Moments):
        return fit(data), data
    grouped = by_settings(data) if shared_settings(data.summary) else None
    first = fit(grouped or data)
    blocks = first.depends_on_order and in_blocks(data, first.residuals.block_rows())
    if not blocks:
        return first, grouped or data
    return replace(fit(blocks), seen=first.order), blocks


def learn_interactions(
    settled: SettledDesign, prepare_one: Callable[[SettledDesign], Prepared]
) -> LearnedFit:
    """Fit, and fit again with the terms that were found, until none is missing.

    With explicit interactions there is one round.

    Parameters
    ----------
    settled
        The design of the first fit.
    prepare_one
        Makes the passes over the rows for a design.
    """
    first: Additivity | None = None
    prepared = prepare_one(settled)
    for number in range(MOST_ROUNDS):
        mode = find_mode(prepared.problem, prepared.near)
        found = judge_interactions(prepared, mode)
        misfit = found and name_misfit(settled.design, prepared.moments, found)
        if misfit and prepared.with_equal_rows:
            prepared = prepared.with_equal_rows(misfit)
            mode = find_mode(prepared.problem, prepared.near)
            found = judge_interactions(prepared, mode)
        fit = LearnedFit(settled, prepared, mode, found)
        if found is None or settled.design.interactions != "learned":
            return fit
        first, used = first or found, settled.design.terms
        fit = replace(fit, additivity=replace(first, terms=used, missing=found.terms))
        if not found.terms or number + 1 == MOST_ROUNDS:
            return fit
        wider = _widen(settled, used.union(found.terms))
        if wider is None:
            return fit
        try:
            prepared = prepare_one(wider)
        except (ModelError, NotIdentifiedError):  # lift tests that do not determine the terms
            return fit
        settled = wider
    return fit


def _widen(settled: SettledDesign, terms: InteractionTerms) -> SettledDesign | None:
    """Return the design with those of some terms that it has features for; None if too many."""
    try:
        wider = settled.with_terms(terms)
        lacking = wider.design.lacks(terms)
        if lacking:
            wider = settled.with_terms(terms.without(lacking))
    except ModelError:
        return None
    return None if wider.design.terms == settled.design.terms else wider
