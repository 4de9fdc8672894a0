"""The Bayesian model of the outcome: its choices, and fits to data that return a posterior."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import pymc as pm

from bayes_intgen.base.blocks import BlockChoice, check_blocks
from bayes_intgen.base.html import html_block, html_choices
from bayes_intgen.base.parallel import blas_threads_for
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.choice import BasisChoice, check_choice
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.identification.model_identification import DesignIdentification
from bayes_intgen.design.interactions import Interactions
from bayes_intgen.design.structure import Structure
from bayes_intgen.inference.draws_tree import build_tree
from bayes_intgen.inference.interaction_learning import LearnedFit, fit_rows, learn_interactions
from bayes_intgen.inference.options import (
    Sampling,
    check_choices,
    describe_draws,
    marks_of,
    origin_of,
    read_target,
    refuse_marks,
)
from bayes_intgen.inference.prepare import Prepared, SettledDesign, prepare, settle_design
from bayes_intgen.inference.problem import explain_singular
from bayes_intgen.inference.rowwise import RowwiseProblem
from bayes_intgen.inference.sampling import sample_prior
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.pymc_rowwise import Likelihood
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.fitted_law import keep_law
from bayes_intgen.posterior.planning.plan_before_data import plan_before_data
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["InterventionModel"]


@dataclass(frozen=True)
class InterventionModel:
    """A Bayesian model of the outcome under any set of interventions.

    Every regime mean is alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_pa(k)): causal
    effects u_k that all regimes share, and confounding biases d_k that an intervention switches
    off; with ``blocks``, of blocks. Given covariates z all are functions of z, which no action may
    change, and each confounder belongs to one action.

    Parameters
    ----------
    basis
        The functions that components are linear in: one choice, or a mapping with one per action
        and covariate. A categorical one has ``Categorical()`` by default, and of a covariate, one
        choice of ``HSGP`` takes at most three eigenfunctions into products.
    structure
        Which actions may depend on which: ``"learned"`` from the experiments, ``"full"`` (each on
        every other), all actions in causal order, a ``networkx.DiGraph``, or (parent, child) pairs.
    interactions
        What may interact, beside each action with its own confounder: ``"learned"``, those sets of
        two or three actions, in the effect and in biases, that a test of the rows finds
        (``posterior.interactions``); ``"none"``, the paper's class Y = sum_k f_k(A_k, C_k) + U;
        ``"pairwise"``, any two actions; ``"all"``, actions, and each confounder with all of them.
    blocks
        Sets of actions that may share a confounder and interact in any way, as labels or lists of
        names; the others are blocks of their own. The effect of a block takes experiments that set
        all of it together, over the combinations of interest.
    priors
        Priors of the hyperparameters; None for those of :class:`Priors`.
    variance
        Of a normal likelihood. ``"learned"``: rows are weighted by the variance of the outcome, a
        smooth function of the actions in each regime, where the evidence asks for it and the mean
        fits. ``"constant"``: one per regime, all that moments know.
    likelihood
        ``"normal"``: the weights are integrated out and the cost does not grow with the rows.
        ``"student_t"``, for outliers: its degrees of freedom, above two, are inferred.
        ``"heteroscedastic"``: the variance functions are, too. Both sample all weights, in minutes.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), "Learning Joint Interventional Effects from
    Single-Variable Interventions in Additive Models", ICML.

    Examples
    --------
    >>> posterior = ig.InterventionModel().fit(data, method="laplace", random_seed=3)
    >>> posterior.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'chain': 1, 'draw': 1000, 'point': 2})
    """

    basis: BasisChoice = field(default_factory=HSGP)
    structure: Structure = "learned"
    interactions: Interactions = "learned"
    blocks: BlockChoice = None
    priors: Priors | None = None
    variance: Literal["learned", "constant"] = "learned"
    likelihood: Likelihood = "normal"
    plan = plan_before_data

    def __post_init__(self) -> None:
        if self.blocks is not None:
            object.__setattr__(self, "blocks", check_blocks(self.blocks))
        check_choice(self.basis)
        check_choices(self.interactions, self.priors, self.variance, self.likelihood)

    def identify(
        self,
        data: RegimeData | Moments,
        target: str | Iterable[str] | None = None,
        lifts: LiftTests | None = None,
    ) -> DesignIdentification:
        """Say what is identified from the data, before anything is fitted.

        The level of a mean follows the rule of :func:`bayes_intgen.identify`. The effect of moving
        one action may be identified where the level is not, by the structure and interactions of
        this model: to ask for it, fit with a ``target`` that is identified. Both are about settings
        of which there are rows: of joint rows that are all at one setting, it says so.

        Parameters
        ----------
        data, target, lifts
            As in :meth:`fit`; only the first pass over the rows is made.

        Raises
        ------
        ModelError
            If an option is not valid, or moments do not fit the model's basis.

        Examples
        --------
        >>> print(ig.InterventionModel(structure=["a2", "a1"]).identify(data.drop("a2")))
        E[Y | do(a1, a2)] from the regimes obs, a1: level not identified; missing an experiment
        that sets 'a2'
          effect of moving a1: identified
          effect of moving a2: not identified; missing an experiment that sets 'a2'
          Effects rest on which action may depend on which, here as given.
        """
        settled, single = self._settle(data, lifts), data.summary.single_settings
        asked, learned = (settled.condition, read_target(target, data)), bool(settled.learned)
        return DesignIdentification.judge(*asked, structure_is_learned=learned, single=single)

    def build(self, data: RegimeData | Moments, lifts: LiftTests | None = None) -> pm.Model:
        """Return the PyMC model, without sampling.

        Unless the likelihood is normal it has weights and an ``outcome``; all in standard units.

        Parameters
        ----------
        data, lifts
            As in :meth:`fit`.

        Raises
        ------
        ModelError
            If the likelihood needs rows and gets moments.

        Examples
        --------
        >>> sorted(variable.name for variable in model.build(data).free_RVs)
        ['log_scale', 'log_sigma']
        """
        refuse_marks(self.likelihood, marks_of(data))
        learned = self._learn(data, lifts)
        if self.likelihood == "normal":
            return learned.prepared.problem.build()
        return self._rows(data, learned.settled).build()

    def fit(
        self,
        data: RegimeData | Moments,
        method: str = "nuts",
        draws: int = 1000,
        tune: int | None = None,
        chains: int = 4,
        cores: int | None = None,
        random_seed: int = 1,
        progressbar: bool = True,
        target: str | Iterable[str] | None = None,
        lifts: LiftTests | None = None,
    ) -> Posterior:
        """Draw from the posterior.

        Parameters
        ----------
        data
            The rows, or their moments.
        method
            ``"nuts"`` samples the hyperparameters, of five actions in half a minute; ``"laplace"``
            takes 64 points of the Gaussian at their mode in turn, in seconds, and warns when
            reweighting to the posterior moves a mean by over 0.25 sd or an sd by over 15%.
        draws, tune, chains, cores
            Draws kept per chain, and before (None: 100, row-wise 400); chains, cores (None: all).
        random_seed, progressbar
            Seed of everything random, a whole number from 0; whether to show progress.
        target
            The regime that must be identified from the data, as a label or as names; None for all
            actions. Whatever else is identified may be asked for as well.
        lifts
            Results of experiments without rows (:class:`bayes_intgen.LiftTests`). In place of rows
            they inform contrasts where they tested, but not the level of the target.

        Returns
        -------
        Posterior

        Raises
        ------
        NotIdentifiedError
            If the target is not identified, nor, with lift tests, the effect of moving one action;
            names what is missing, and a target that is identified.
        ModelError
            If an option is not valid, moments do not fit the basis, or a lift test depends on
            other actions whose values are not given.

        Warns
        -----
        ConvergenceWarning
            If the draws are not sound; the verdict is kept in ``posterior.convergence``.
        ConflictWarning
            If lift tests contradict the other data; the verdict is kept in ``posterior.lifts``.

        Examples
        --------
        >>> posterior = model.fit(data, method="laplace", draws=500)  # "nuts" takes longer
        >>> posterior.convergence.ok, posterior.idata["posterior"].sizes["draw"]
        (True, 500)
        """
        options = (draws, tune, chains, cores, random_seed, progressbar)
        return self._fit(data, Sampling(method, *options), target, lifts)

    def _fit(
        self,
        data: RegimeData | Moments,
        sampling: Sampling,
        target: str | Iterable[str] | None,
        lifts: LiftTests | None = None,
        brief: bool = False,
    ) -> Posterior:
        """Fit; with ``brief`` draw the weights only, not what no answer about means takes."""
        sampling.require_nuts_unless_normal(self.likelihood)
        variance = self.variance if isinstance(data, RegimeData) else "constant"
        wanted, marks = read_target(target, data), marks_of(data)
        refuse_marks(self.likelihood, marks)
        with blas_threads_for(0), explain_singular(" For outliers: likelihood='student_t'."):
            learned = self._learn(data, lifts, wanted)
            rows = self.likelihood != "normal" and partial(self._rows, data, learned.settled)
            tree, convergence = learned.draw(sampling, wanted, rows, variance, marks, brief)
            checked = learned.check(lifts, sampling.random_seed) if lifts else None
        made = (sampling.method, sampling.random_seed, self.likelihood, variance, self.priors)
        tree.attrs |= describe_draws(*made) | origin_of(data)
        convergence.warn()
        if checked:
            checked.add_to(tree)
            checked.warn()
        verdicts = learned.verdicts() | {"convergence": convergence}
        return keep_law(Posterior(tree, **(learned.prepared.context | verdicts)))

    def sample_prior(
        self, data: RegimeData | Moments, draws: int = 1000, random_seed: int = 1
    ) -> Posterior:
        """Draw prior predictive curves: what the model holds possible before it sees outcomes.

        Parameters
        ----------
        data
            The rows, or their moments, for units, ranges and a structure that is learned.
        draws, random_seed
            Number of draws, and their seed.

        Examples
        --------
        >>> prior = ig.InterventionModel().sample_prior(data, draws=100)
        >>> prior.component("a1", [0.0, 0.1, 0.2]).shape  # chain, draw, point
        (1, 100, 3)
        """
        Sampling("laplace", draws, random_seed=random_seed)
        prepared = self._prepare(data, weighted=False)
        hyper = sample_prior(prepared.problem, draws, random_seed)
        tree = build_tree(prepared.problem, hyper, random_seed, prior=True)
        tree.attrs = describe_draws("prior", random_seed, self.likelihood, "constant", self.priors)
        return Posterior(tree, **prepared.context, convergence=Convergence("prior"))

    def _repr_html_(self) -> str:
        mean = "Mean of regime S: alpha + sum of u_k(a_k) + sum over k not in S of d_k(a_k, ...)"
        told = [mean], [html_choices(vars(self), vars(InterventionModel()))]
        return html_block("InterventionModel (nothing sampled yet)", *told)

    def _settle(self, data: RegimeData | Moments, lifts: LiftTests | None) -> SettledDesign:
        chosen = (self.basis, self.structure, self.interactions, self.blocks)
        return settle_design(data, *chosen, lifts)

    def _rows(self, data: RegimeData | Moments, settled: SettledDesign) -> RowwiseProblem:
        problem = self._prepare(data, settled, weighted=False).problem
        return RowwiseProblem.read(problem, data, self.likelihood)

    def _learn(
        self, data: RegimeData | Moments, lifts: LiftTests | None, target: Regime | None = None
    ) -> LearnedFit:
        def learn(rows: RegimeData | Moments) -> LearnedFit:
            prepare_one = partial(self._prepare, rows, target=target)
            return learn_interactions(self._settle(rows, lifts), prepare_one)

        return fit_rows(learn, data)[0] if self.likelihood == "normal" else learn(data)

    def _prepare(
        self,
        data: RegimeData | Moments,
        settled: SettledDesign | None = None,
        *,
        lifts: LiftTests | None = None,
        **asked: Any,
    ) -> Prepared:
        chosen = (settled or self._settle(data, lifts), data, self.priors or Priors())
        return prepare(*chosen, self.likelihood, self.variance, **asked)
