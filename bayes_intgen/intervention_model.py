"""The model as a user meets it: choices first, then data, then a posterior."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pymc as pm

from bayes_intgen.basis import (
    HSGP,
    BasisChoice,
    check_choice,
    freeze_bases,
    match_bases,
)
from bayes_intgen.data import RegimeData
from bayes_intgen.design import Design
from bayes_intgen.errors import ModelError
from bayes_intgen.identify import require_identified
from bayes_intgen.inference import (
    Problem,
    RowwiseProblem,
    build_tree,
    check_laplace,
    check_nuts,
    hyperparameters,
    reweight,
    sample_laplace,
    sample_nuts,
    sample_rowwise,
)
from bayes_intgen.moments import Moments
from bayes_intgen.posterior import Posterior
from bayes_intgen.priors import Priors
from bayes_intgen.regimes import Regime, format_regime, read_regime
from bayes_intgen.rowwise import LIKELIHOODS, Likelihood
from bayes_intgen.storage import read_fit
from bayes_intgen.structure import Structure, resolve_structure
from bayes_intgen.structure_learning import LearnedStructure, learn_structure
from bayes_intgen.summary import Summary

__all__ = ["InterventionModel", "load"]

METHODS = ("nuts", "laplace")
LEAST_RESIDUAL = 1e-10
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class InterventionModel:
    """A Bayesian model of the outcome under any set of interventions.

    Every regime mean is alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_parents(k)):
    causal effects u_k that all regimes share, and confounding biases d_k that an intervention
    switches off. Making the object reads no data and samples nothing.

    Parameters
    ----------
    basis
        The functions that components are linear in: one choice, or a mapping with one per action.
    structure
        Which actions may depend on which others: ``"learned"`` from the experiments, ``"full"``
        (each on every other), a list of all actions in causal order, a ``networkx.DiGraph``, or a
        list of (parent, child) pairs.
    variance
        ``"learned"``: rows are weighted by the variance of the outcome, a smooth function of the
        actions in each regime, estimated in one more pass over the rows. ``"constant"``: one
        residual standard deviation per regime, which is all that can be had from moments. It goes
        with the normal likelihood; the others need no weights.
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

    basis: BasisChoice = field(default_factory=HSGP)
    structure: Structure = "learned"
    variance: Literal["learned", "constant"] = "learned"
    likelihood: Likelihood = "normal"

    def __post_init__(self) -> None:
        check_choice(self.basis)
        if self.variance not in ("learned", "constant"):
            raise ModelError(f"variance must be 'learned' or 'constant', got {self.variance!r}.")
        if self.likelihood not in LIKELIHOODS:
            raise ModelError(f"likelihood must be one of {LIKELIHOODS}, got {self.likelihood!r}.")

    def build(self, data: RegimeData | Moments) -> pm.Model:
        """Return the PyMC model, without sampling.

        With the normal likelihood it is that of the hyperparameters. The others have explicit
        weights and an observed variable ``outcome`` with one term per row, regime by regime, so
        that ``pymc.sample``, ``pymc.stats.compute_log_likelihood`` (of every row) and
        ``pymc.sample_posterior_predictive`` work on it; all in standard units of the outcome.

        Raises
        ------
        ModelError
            If the data are moments and the likelihood needs rows.
        """
        rows = self._rows(data)
        problem, _ = self._pose(data)
        if rows is None:
            return problem.build()
        return RowwiseProblem.pose(problem, rows, self.likelihood).build()

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
    ) -> Posterior:
        """Draw from the posterior.

        Parameters
        ----------
        data
            The rows, or their moments.
        method
            ``"nuts"`` samples the hyperparameters with NUTS; ``"laplace"`` draws 64 points from a
            Gaussian at their mode and repeats them in turn (seconds instead of a minute, one chain;
            with few rows its intervals are up to a tenth too narrow, and R-hat or effective sample
            sizes mean nothing there). The weights are drawn exactly in both.
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
            that all actions are set.

        Returns
        -------
        Posterior
            Draws in the outcome's unit.

        Raises
        ------
        NotIdentifiedError
            If the regimes at hand do not determine the target; names what is missing.
        ModelError
            If an option is not valid, or moments do not fit the model's basis.

        Warns
        -----
        ConvergenceWarning
            If the draws cannot be trusted; the verdict is kept in ``posterior.convergence``.
        """
        _check_options(method, draws, tune, chains, cores, random_seed)
        rows = self._rows(data)
        if rows is not None and method != "nuts":
            raise ModelError(
                f"method: with likelihood={self.likelihood!r} the weights cannot be integrated "
                f"out, so that there is no Laplace approximation of what is left; use "
                f"method='nuts', or likelihood='normal'."
            )
        wanted = data_actions = tuple(_actions(data))
        if target is not None:
            wanted = read_regime(target, data_actions)
        require_identified(_regimes(data), wanted)
        try:
            problem, learned = self._pose(data)
            if rows is not None:
                rowwise = RowwiseProblem.pose(problem, rows, self.likelihood)
                tree, convergence = sample_rowwise(
                    rowwise, draws, tune, chains, cores, random_seed, progressbar
                )
            elif method == "nuts":
                hyper = sample_nuts(problem, draws, tune, chains, cores, random_seed, progressbar)
                convergence = check_nuts(hyperparameters(problem, hyper), hyper.sample_stats)
                tree = build_tree(problem, hyper, random_seed)
            else:
                hyper = sample_laplace(problem, draws, random_seed)
                convergence = check_laplace(hyper.converged)
                tree = build_tree(problem, hyper, random_seed)
        except np.linalg.LinAlgError as error:
            raise ModelError(
                f"data: the regression is numerically singular ({error}); look for columns that "
                f"are copies of one another, or values of wildly different size."
            ) from error
        tree.attrs = {"method": method, "random_seed": random_seed, "likelihood": self.likelihood}
        convergence.warn()
        moments = problem.moments
        scale = moments.outcome_scale
        return Posterior(tree, problem.design, moments.summary, scale, convergence, learned)

    def _rows(self, data: RegimeData | Moments) -> RegimeData | None:
        """Return the data if the likelihood needs their rows."""
        if self.likelihood == "normal":
            return None
        if isinstance(data, Moments):
            raise ModelError(
                f"data: likelihood={self.likelihood!r} depends on every row, and moments hold only "
                f"sums of products of all rows; give the RegimeData, or use likelihood='normal'."
            )
        return data

    def _pose(self, data: RegimeData | Moments) -> tuple[Problem, LearnedStructure | None]:
        """Read the data as often as needed and state the problem; nothing is sampled."""
        actions = _actions(data)
        summary = data.summary if isinstance(data, Moments) else Summary.from_data(data)
        learned = learn_structure(summary) if self.structure == "learned" else None
        parents = learned.parents if learned else resolve_structure(self.structure, actions)
        if isinstance(data, Moments):
            design = Design.build(match_bases(self.basis, data.features.bases), parents)
            moments = data.select(design.features)
        else:
            design = Design.build(freeze_bases(self.basis, actions, summary), parents)
            robust = self.likelihood == "student_t"
            scale = summary.robust_outcome_scale if robust else summary.scales[data.outcome]
            moments = Moments.compute(data, summary, design.features, scale)
        _refuse_exact(moments)
        problem = Problem(design, moments, Priors())
        weighted = self.variance == "learned" and self.likelihood == "normal"
        if isinstance(data, RegimeData) and weighted:
            problem = reweight(problem, data)
        return problem, learned


def load(path: str | Path) -> Posterior:
    """Read a posterior that :meth:`Posterior.save` wrote; it answers every query.

    Parameters
    ----------
    path
        The netCDF file. Nothing in it is executed.

    Raises
    ------
    FileError
        If the file is missing, not a saved fit, or damaged.
    """
    state = read_fit(Path(path))
    return Posterior(
        state.idata,
        state.design,
        state.summary,
        state.outcome_scale,
        state.convergence,
        state.learned,
    )


def _actions(data: RegimeData | Moments) -> tuple[str, ...]:
    if not isinstance(data, RegimeData | Moments):
        raise ModelError(
            f"data must be a RegimeData or Moments, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    return data.actions


def _refuse_exact(moments: Moments) -> None:
    """Refuse an outcome without noise, for which the likelihood has no maximum."""
    for regime in moments.regimes:
        if moments.residual_share(regime) < LEAST_RESIDUAL:
            raise ModelError(
                f"data: in regime {format_regime(regime)!r} the outcome {moments.outcome!r} is an "
                f"exact function of the actions; a noise of at least 1e-5 of its spread is needed. "
                f"Is the outcome computed from the actions?"
            )


def _regimes(data: RegimeData | Moments) -> tuple[Regime, ...]:
    return data.regimes if isinstance(data, Moments) else tuple(data.extents)


def _check_options(
    method: str, draws: int, tune: int | None, chains: int, cores: int | None, random_seed: int
) -> None:
    if method not in METHODS:
        raise ModelError(f"method must be 'nuts' or 'laplace', got {method!r}.")
    least = {"draws": (draws, 1), "chains": (chains, 1), "random_seed": (random_seed, 0)}
    if tune is not None:
        least["tune"] = (tune, 0)
    if cores is not None:
        least["cores"] = (cores, 1)
    for name, (value, bound) in least.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < bound:
            raise ModelError(f"{name} must be a whole number of at least {bound}, got {value!r}.")
    if random_seed > MAX_SEED:
        raise ModelError(f"random_seed must be at most {MAX_SEED}, got {random_seed}.")
