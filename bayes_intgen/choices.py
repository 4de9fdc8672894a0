"""The choices that make a model, and what they say of data before anything is sampled."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import pymc as pm
import xarray as xr

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.blocks import BlockChoice, check_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import read_regime
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.choice import BasisChoice, check_choice
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.design import INTERACTIONS, Interactions
from bayes_intgen.design.identification.model_identification import DesignIdentification
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.design.structure import Structure
from bayes_intgen.inference.prepare import Posed, plan, pose, refuse_exact, regimes_of, weigh
from bayes_intgen.inference.rowwise import RowwiseProblem
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.pymc_rowwise import LIKELIHOODS, Likelihood
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["ModelChoices"]


@dataclass(frozen=True)
class ModelChoices:
    """What an :class:`bayes_intgen.InterventionModel` consists of, which describes the fields."""

    basis: BasisChoice = field(default_factory=HSGP)
    structure: Structure = "learned"
    interactions: Interactions = "none"
    blocks: BlockChoice = None
    priors: Priors | None = None
    variance: Literal["learned", "constant"] = "learned"
    likelihood: Likelihood = "normal"

    def __post_init__(self) -> None:
        check_choice(self.basis)
        read_choice(self.interactions, "interactions", INTERACTIONS)
        if self.blocks is not None:
            object.__setattr__(self, "blocks", check_blocks(self.blocks))
        if self.priors is not None and not isinstance(self.priors, Priors):
            raise ModelError(
                f"priors must be a Priors object, such as Priors(linear=LogNormal(1.0, 0.5)), "
                f"got {self.priors!r}."
            )
        read_choice(self.variance, "variance", ("learned", "constant"))
        read_choice(self.likelihood, "likelihood", LIKELIHOODS)

    def identify(
        self,
        data: RegimeData | Moments,
        target: str | Iterable[str] | None = None,
        lifts: LiftTests | None = None,
    ) -> DesignIdentification:
        """Say what the data determine, before anything is fitted.

        The level of a mean takes the affine rule of
        :func:`bayes_intgen.design.identification.identify`, which holds for any basis. The effect
        of moving one action may be identified where the level is not: that depends on the structure
        and the rung of this model. To ask for such effects, fit with a
        ``target`` that is identified, such as one of the regimes at hand.

        Parameters
        ----------
        data
            The rows, or their moments; only the first pass is made.
        target
            The regime, as a label or as names; None means that all actions are set.
        lifts
            Lift tests beside them.

        Raises
        ------
        ModelError
            If an option is not valid, or moments do not fit the model's basis.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> print(ig.InterventionModel(structure=["a2", "a1"]).identify(data))
        E[Y | do(a1, a2)] from the regimes obs, a1: level not identified; missing an experiment
        that sets 'a2'
          effect of moving a1: identified
          effect of moving a2: not identified; missing an experiment that sets 'a2'
          Effects rest on which action may depend on which, here as given.
        """
        planned = plan(data, self.basis, self.structure, self.interactions, self.blocks, lifts)
        wanted = data.actions if target is None else read_regime(target, data.actions, "target")
        unit = planned.summary.scales[planned.summary.outcome]
        rows = planned.read(lifts, unit).rows if lifts else None
        condition = RankCondition(planned.design, regimes_of(data), rows)
        return DesignIdentification.judge(condition, wanted, planned.learned is not None)

    def build(self, data: RegimeData | Moments, lifts: LiftTests | None = None) -> pm.Model:
        """Return the PyMC model, without sampling.

        With the normal likelihood it is that of the hyperparameters. The others have explicit
        weights and an observed variable ``outcome`` with one term per row, regime by regime, so
        that ``pymc.sample``, ``pymc.stats.compute_log_likelihood`` (of every row) and
        ``pymc.sample_posterior_predictive`` work on it; all in standard units of the outcome.

        Parameters
        ----------
        data, lifts
            As in :meth:`fit`.

        Raises
        ------
        ModelError
            If the data are moments and the likelihood needs rows.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> model = ig.InterventionModel(ig.Polynomial(2)).build(data)
        >>> sorted(variable.name for variable in model.free_RVs)
        ['log_scale', 'log_sigma']
        """
        if self.likelihood == "normal":
            return self._pose(data, lifts=lifts).problem.build()
        return self._pose_rowwise(data, lifts).build()

    def _repr_html_(self) -> str:
        default = ModelChoices()
        rows = []
        for name, standard in vars(default).items():
            chosen = getattr(self, name)
            rows.append((name, str(chosen), "" if chosen == standard else "chosen"))
        return html_block(
            "InterventionModel (nothing sampled yet)",
            ["Mean of regime S: alpha + sum of u_k(a_k) + sum over k not in S of d_k(a_k, ...)"],
            [html_table(["argument", "value", ""], rows)],
        )

    def _posterior(
        self,
        posed: Posed,
        tree: xr.DataTree,
        convergence: Convergence,
        additivity: Additivity | None,
    ) -> Posterior:
        design, summary = posed.problem.design, posed.moments.summary
        scale = posed.moments.outcome_scale
        return Posterior(tree, design, summary, scale, convergence, posed.learned, additivity)

    def _attributes(self, method: str, random_seed: int, learned: bool) -> dict[str, Any]:
        """Say how the draws were made; priors are kept as text.

        ``learned`` says whether, under a normal likelihood, the variance was.
        """
        priors = json.dumps((self.priors or Priors()).describe())
        normal = self.likelihood == "normal"
        return {
            "method": method,
            "random_seed": random_seed,
            "likelihood": self.likelihood,
            "variance": ("learned" if learned else "constant") if normal else self.likelihood,
            "priors": priors,
        }

    def _pose_rowwise(
        self, data: RegimeData | Moments, lifts: LiftTests | None = None
    ) -> RowwiseProblem:
        if isinstance(data, Moments):
            raise ModelError(
                f"data: likelihood={self.likelihood!r} depends on every row, and moments hold only "
                f"sums of products of all rows; give the RegimeData, or use likelihood='normal'."
            )
        problem = self._pose(data, weighted=False, lifts=lifts).problem
        return RowwiseProblem.pose(problem, data, self.likelihood)

    def _pose(
        self, data: RegimeData | Moments, weighted: bool = True, lifts: LiftTests | None = None
    ) -> Posed:
        priors = self.priors or Priors()
        robust = self.likelihood == "student_t"
        choices = (self.basis, self.structure, self.interactions, priors, robust, self.blocks)
        posed = pose(data, *choices, lifts, pilot=weighted)
        if not weighted:
            return posed
        refuse_exact(posed.moments)
        if isinstance(data, RegimeData):
            posed = weigh(posed, data, self.variance == "learned")
        return posed
