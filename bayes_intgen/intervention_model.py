"""The model as a user meets it: choices first, then data, then a posterior.

What can be said before anything is sampled is in :mod:`bayes_intgen.choices`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.blocks import read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import format_regime, read_regime
from bayes_intgen.choices import ModelChoices
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.identification.model_identification import require_any, require_target
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.inference.draws_tree import build_tree
from bayes_intgen.inference.hyper_draws import sample_prior
from bayes_intgen.inference.integrated import sample_integrated
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.prepare import (
    actions_of,
    count_clamped,
    judge_rung,
    regimes_of,
    typical_rows,
)
from bayes_intgen.inference.rowwise import sample_rowwise
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.lift_conflicts import check_lifts
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["InterventionModel"]


@dataclass(frozen=True)
class InterventionModel(ModelChoices):
    """A Bayesian model of the outcome under any set of interventions.

    Every regime mean is alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_parents(k)):
    causal effects u_k that all regimes share, and confounding biases d_k that an intervention
    switches off; with ``blocks``, of blocks in place of actions. Making the object reads no data
    and samples nothing.

    If the data have covariates z, all of this holds given them: alpha, u_k and d_k are functions of
    z too, so that z may influence every action and modify every effect, and the answers are
    E[Y | do(a_S), a_rest, z]. Assumed is that z is settled before any action (no action changes it)
    and known in every regime, and that given z each confounder belongs to one action. What two
    actions' confounders share is thus no harm if it is among the covariates. An average over a
    population is the average of the answers over its rows of z; whose average it is, is the
    question's choice. Smooth curves have products of two variables, so that an effect or bias in
    which three act together, covariates counted, takes a polynomial basis of degree three.

    Parameters
    ----------
    basis
        The functions that components are linear in: one choice, or a mapping with one per action
        and covariate. A categorical one has ``Categorical()`` unless the mapping says otherwise.
        Of a covariate, one choice of ``HSGP`` takes at most three eigenfunctions into products.
    structure
        Which actions may depend on which others: ``"learned"`` from the experiments, ``"full"``
        (each on every other), a list of all actions in causal order, a ``networkx.DiGraph``, or a
        list of (parent, child) pairs.
    interactions
        What may interact in the outcome, beside each action with its own confounder: ``"none"``,
        the paper's class Y = sum_k f_k(A_k, C_k) + U; ``"pairwise"``, any two actions; ``"all"``,
        actions, and each confounder with all of them. Wider classes hold the narrower ones and cost
        precision; every fit tests which one the data need (``posterior.additivity``).
    blocks
        Sets of actions that may share a confounder and interact in any way, as labels
        (``["a1+a2"]``) or lists of names; the others are blocks of their own, as are ``"a1"`` and
        ``"a2"`` in ``["a1", "a2"]``: the names of one block are joined by ``+``. The effect of a
        block takes experiments that set all of it together, with settings that cover the
        combinations of interest. Within a block of several smooth actions any two interact, within
        one of polynomials any number up to the degree.
    priors
        Priors of the hyperparameters; None for those of :class:`Priors`.
    variance
        ``"learned"``: rows are weighted by the variance of the outcome, a smooth function of the
        actions in each regime, estimated in one more pass over the rows. ``"constant"``: one
        residual standard deviation per regime, which is all that can be had from moments. It goes
        with the normal likelihood.
    likelihood
        ``"normal"``: the weights are integrated out and the cost does not grow with the rows.
        ``"student_t"``, for outliers in the outcome: its degrees of freedom, more than two, are
        inferred. ``"heteroscedastic"``: the variance functions are inferred jointly with the means,
        not estimated first and taken as known. The latter two sample every weight over all rows,
        in minutes where the first takes seconds, and need the rows and ``method="nuts"``.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), "Learning Joint Interventional Effects from
    Single-Variable Interventions in Additive Models", ICML.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=2000, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> posterior = ig.InterventionModel().fit(data, method="laplace", random_seed=3)
    >>> posterior.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'chain': 1, 'draw': 1000, 'point': 2})
    """

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
            ``"nuts"`` samples the hyperparameters with NUTS, started from their mode; ``"laplace"``
            draws 64 points from a Gaussian at the mode and repeats them in turn (seconds instead of
            a minute, one chain; R-hat and effective sample sizes mean nothing there). It warns when
            reweighting to the posterior moves a mean of the expected outcome by more than 0.25 sd
            or an sd by more than 15%. The weights are drawn exactly in both.
        draws
            Draws per chain that are kept.
        tune
            Draws per chain before those; None leaves the number to the sampler.
        chains, cores
            Number of chains, and how many run at once; None means as many as the machine has.
        random_seed
            Seed of everything random, a whole number from 0.
        progressbar
            Whether to show progress.
        target
            The regime, as a label or as names, that must be identified from the data; None means
            that all actions are set. If these are not identified, the fit is shown by the effects
            in this regime. Any other question that the data determine may be asked as well.
        lifts
            Results of experiments of which there are no rows: see
            :class:`bayes_intgen.LiftTests`. They stand beside rows of the same actions, or in place
            of them: then contrasts are informed where they tested, but not the level of the target,
            whose expected outcome is refused.

        Returns
        -------
        Posterior
            Draws in the outcome's unit.

        Raises
        ------
        NotIdentifiedError
            If the regimes at hand do not determine the target, and there are no lift tests with
            which they tell the effect of moving one action at least; names what is missing, and a
            target that is determined, with which the contrasts that are known can be asked for.
        ModelError
            If an option is not valid, moments do not fit the model's basis, or the effect of a lift
            test depends on other actions whose values are not given.

        Warns
        -----
        ConvergenceWarning
            If the draws cannot be trusted; the verdict is kept in ``posterior.convergence``.
        ConflictWarning
            If lift tests contradict all else; the verdict is kept in ``posterior.lifts``.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> model = ig.InterventionModel(ig.Polynomial(2))
        >>> posterior = model.fit(data, method="laplace", draws=500)  # "nuts" takes longer
        >>> posterior.convergence.ok, posterior.idata["posterior"].sizes["draw"]
        (True, 500)
        """
        sampling = Sampling(method, draws, tune, chains, cores, random_seed, progressbar)
        learned = self.variance == "learned" and isinstance(data, RegimeData)
        if self.likelihood != "normal" and method != "nuts":
            raise ModelError(
                f"method: with likelihood={self.likelihood!r} the weights cannot be integrated "
                f"out, so that there is no Laplace approximation of what is left; use "
                f"method='nuts', or likelihood='normal'."
            )
        wanted = data_actions = actions_of(data)
        if target is not None:
            wanted = read_regime(target, data_actions, "target")
        if lifts is None:
            require_target(regimes_of(data), wanted, read_blocks(self.blocks, data_actions))
        try:
            posed = self._pose(data, lifts=lifts)
            if lifts is not None:
                rows = posed.problem.lifts.rows if posed.problem.lifts else None
                require_any(RankCondition(posed.problem.design, regimes_of(data), rows), wanted)
            mode = find_mode(posed.problem)
            if self.likelihood == "normal":
                asked = typical_rows(posed.problem, wanted)
                tree, convergence = sample_integrated(posed.problem, mode, sampling, asked, learned)
            else:
                tree, convergence = sample_rowwise(self._pose_rowwise(data, lifts), sampling)
            additivity = judge_rung(posed, mode)
            checked = check_lifts(posed.problem, mode, lifts, random_seed) if lifts else None
        except np.linalg.LinAlgError as error:
            raise ModelError(
                f"data: the regression is numerically singular ({error}); look for columns that "
                f"are copies of one another, or values of wildly different size. For gross errors "
                f"in the outcome there is likelihood='student_t'."
            ) from error
        tree.attrs = {
            **self._attributes(method, random_seed, learned),
            "target": format_regime(wanted),
            "clamped": json.dumps(count_clamped(posed.moments)),
        }
        convergence.warn()
        if checked:
            known = tree["constant_data"].dataset
            tree["constant_data"].dataset = known.merge(checked.to_dataset())
            checked.warn()
        return self._posterior(posed, tree, convergence, additivity)

    def sample_prior(
        self, data: RegimeData | Moments, draws: int = 1000, random_seed: int = 1
    ) -> Posterior:
        """Draw from the prior: what the model holds possible before it sees outcomes.

        Parameters
        ----------
        data
            The rows, or their moments; read are the units of the columns, the ranges of the actions
            and, if it is to be learned, the structure.
        draws
            Number of draws.
        random_seed
            Seed of everything random.

        Returns
        -------
        Posterior
            Answers every question a posterior does, so that ``component`` and ``expected_outcome``
            give prior predictive draws of the curves.

        Raises
        ------
        ModelError
            If an option is not valid, or moments do not fit the model's basis.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> prior = ig.InterventionModel().sample_prior(data, draws=100)
        >>> prior.component("a1", [0.0, 0.1, 0.2]).shape  # chain, draw, point
        (1, 100, 3)
        """
        Sampling("laplace", draws, random_seed=random_seed)
        posed = self._pose(data, weighted=False)
        hyper = sample_prior(posed.problem, draws, random_seed)
        tree = build_tree(posed.problem, hyper, random_seed, prior=True)
        tree.attrs = self._attributes("prior", random_seed, False)
        return self._posterior(posed, tree, Convergence("prior"), None)
