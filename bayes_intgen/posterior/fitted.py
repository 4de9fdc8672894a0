"""The record of a fit.

The mean of regime S at a is phi(a)' theta_S, of which a fit holds draws. What is done with them
takes the record as its first argument: the points of a query and whether the data identify an
answer in :mod:`bayes_intgen.posterior.query`, the estimands in
:mod:`bayes_intgen.posterior.estimands`.
"""

from dataclasses import dataclass, field

import xarray as xr

from bayes_intgen.base.regimes import Regime, parse_regime
from bayes_intgen.base.types import Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.design import Design
from bayes_intgen.design.structure_learning import LearnedStructure
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.dependence_result import DependenceOfRows
from bayes_intgen.inference.verdicts.interaction_evidence import InteractionEvidence
from bayes_intgen.inference.verdicts.lack_of_fit_result import LackOfFit
from bayes_intgen.inference.verdicts.lift_result import LiftCheck
from bayes_intgen.inference.verdicts.scale_result import AdditiveScale

__all__ = ["Fitted"]


@dataclass(frozen=True)
class Fitted:
    """What a :class:`bayes_intgen.Posterior` consists of, which describes the parameters."""

    idata: xr.DataTree = field(repr=False)
    design: Design = field(repr=False)
    summary: Summary = field(repr=False)
    outcome_scale: Scale
    convergence: Convergence
    learned: LearnedStructure | None = None
    additivity: Additivity | None = None
    lack_of_fit: LackOfFit | None = None

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.summary.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.summary.covariates

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.summary.outcome

    @property
    def target(self) -> Regime:
        """The regime that the fit was to identify; all actions unless another was given."""
        label = self.idata.attrs.get("target")
        return self.actions if label is None else parse_regime(str(label), self.actions)

    @property
    def interactions(self) -> InteractionEvidence:
        """The probability of each class of interactions, as a mapping, and what was used.

        Its ``used`` is the class of the fit, ``terms`` the sets of actions that interact in it if
        this was learned; printing it says both.
        """
        return InteractionEvidence.of(self.design, self.additivity)

    @property
    def lifts(self) -> LiftCheck | None:
        """Lift tests of the fit, and whether they agree with the other data; None without any.

        ``print(posterior.lifts)`` gives the verdict, ``.table`` a row per test, ``.ok`` whether
        none is in conflict.
        """
        tree = self.idata
        data = tree["constant_data"].dataset if "constant_data" in tree.children else xr.Dataset()
        return LiftCheck.from_dataset(data, self.summary.levels)

    @property
    def dependence(self) -> DependenceOfRows | None:
        """How rows depend on one another: as declared, and as their order and copies suggest.

        ``print(posterior.dependence)`` gives the verdict and what to do, ``.ok`` whether nothing
        speaks for dependence that is not declared. None for a prior, and for a fit saved by an
        earlier version.

        Examples
        --------
        >>> print(posterior.dependence)
        dependence: rows are taken as independent, and their order is in keeping with that
        """
        text = self.idata.attrs.get("dependence")
        return None if text is None else DependenceOfRows.from_text(str(text))

    @property
    def additive_scale(self) -> AdditiveScale | None:
        """Whether effects seem to add up on another scale, for outcomes that have one.

        That is the log scale for counts and positive skewed outcomes, the log odds for 0/1 and
        proportions. None for others, and without rows. ``print(posterior.additive_scale)`` gives
        the verdict and what to do, ``.ok`` whether there is nothing to do.
        """
        text = self.idata.attrs.get("additive_scale")
        return None if text is None else AdditiveScale.from_text(str(text))
