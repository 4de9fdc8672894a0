"""One random system of the paper's experiments: draw it, fit every estimator, judge the fits.

Section 7 and Appendix E of Kekić, Garrido Mejia and Schölkopf (ICML 2025): N_obs observational
rows, N_sint rows of each experiment on one action and N_jint joint rows are drawn; the first 80% of
each regime are for fitting, and all estimators are judged at the other 20% of the joint rows,

    rmse_outcome^2 = mean((estimate - Y)^2),    rmse_effect^2 = mean((estimate - E[Y | do(a)])^2).

The paper reports the first, in which the noise of Y hides most of the differences: a perfect
predictor has an error of about 0.3 too. The second is zero for it.

All numbers but ``seconds`` (of fitting and predicting, by the clock) follow from the fields of a
unit, given the same versions of the libraries and the same kind of processor. Rows of the same
regime and number are the same in all units of a system, so that units that differ in N_obs and
N_sint are judged at the same settings.
"""

import time
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import INTERVAL, coverage, rmse
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.interactions import CHOICES, Interactions
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.scm import sample_polynomial_scm
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.runner.unit import Row, fit_in_unit, require_least

__all__ = ["BASELINES", "COLUMNS", "ESTIMATORS", "FEWEST_ROWS", "Method", "ReproduceUnit"]

SETTING = ("figure", "scm", "K", "n_obs", "n_sint", "estimator")
COLUMNS = (*SETTING, "rmse_outcome", "rmse_effect", "coverage", "seconds")
FEWEST_ROWS = 10  # of a regime: eight to fit, in three folds
BASELINES = ("observational", "joint")  # see rows of one regime
RIDGES: dict[str, type[ObservationalRidge | PooledRidge | RidgeEstimator | JointRidge]] = {
    "observational": ObservationalRidge,
    "pooled": PooledRidge,
    "ridge": RidgeEstimator,
    "joint": JointRidge,
}
ESTIMATORS = (*RIDGES, "bayes")

type Method = Literal["laplace", "nuts"]


@dataclass(frozen=True)
class Answer:
    """What an estimator says at some settings: the mean and, if it has one, its interval."""

    mean: Array
    ends: tuple[Array, Array] | None = None
    converged: bool = True


@dataclass(frozen=True)
class ReproduceUnit:
    """One system with one number of rows per regime.

    Parameters
    ----------
    figure
        Name of the figure that it is for.
    scm
        Number of the system, which is drawn from ``numpy.random.SeedSequence([seed, scm])``, as are
        its rows.
    seed
        Seed of the study.
    n_actions
        Number K of actions.
    n_obs, n_sint, n_jint
        Rows of the observational regime, of each experiment on one action, and of the joint one,
        before the split. Without rows of experiments, ``n_sint`` = 0, only ``observational`` and
        ``joint`` can be fitted.
    estimators
        Out of ``ESTIMATORS``, in the order of the rows.
    degree
        Of the polynomials of all estimators but ``bayes``.
    interactions, method
        Of the Bayesian model, see :class:`bayes_intgen.InterventionModel`.
    edge_probability
        That an action depends on an earlier one.

    Raises
    ------
    ModelError
        If an option is not valid.
    """

    figure: str
    scm: int
    n_obs: int
    n_sint: int
    n_jint: int
    seed: int = 1
    n_actions: int = 5
    estimators: tuple[str, ...] = ESTIMATORS
    degree: int = 3
    interactions: Interactions = "none"
    method: Method = "laplace"
    edge_probability: float = 0.3

    def __post_init__(self) -> None:
        require_least(self, scm=0, seed=0, n_actions=2, degree=1)
        least = {"n_obs": FEWEST_ROWS, "n_jint": FEWEST_ROWS}
        alone = not set(self.estimators) - set(BASELINES)
        if not (alone and self.n_sint == 0):
            least["n_sint"] = FEWEST_ROWS
        require_least(self, "; ask for more rows", **least)
        if not 0 <= self.edge_probability <= 1:
            raise ModelError(f"edge_probability must be from 0 to 1, got {self.edge_probability}.")
        names, unknown = list(self.estimators), set(self.estimators) - set(ESTIMATORS)
        if not names or unknown or len(set(names)) < len(names):
            raise ModelError(
                f"estimators must be different ones out of {list(ESTIMATORS)}, got {names}."
            )
        methods = get_args(Method.__value__)
        for name, choices in (("interactions", CHOICES), ("method", methods)):
            if getattr(self, name) not in choices:
                raise ModelError(
                    f"{name} must be one of {list(choices)}, got {getattr(self, name)!r}."
                )

    @property
    def name(self) -> str:
        """Figure, number and sizes."""
        sizes = f"K{self.n_actions}-{self.n_obs}-{self.n_sint}"
        return f"{self.figure}-{self.scm:04d}-{sizes}"

    def run(self) -> list[Row]:
        """Return a row per estimator.

        Each has the ``COLUMNS``, and besides ``perfect``, the error to the outcome of a predictor
        that knows E[Y | do(a)], and ``converged``, the verdict on the fit.
        """
        seed = np.random.SeedSequence([self.seed, self.scm])
        scm = sample_polynomial_scm(self.n_actions, seed, self.edge_probability)
        joint = "+".join(scm.actions)
        rows = dict.fromkeys(scm.actions, self.n_sint) if self.n_sint else {}
        rows = {"obs": self.n_obs, **rows, joint: self.n_jint}
        frame = scm.sample_regimes(rows, rows, seed)
        place = frame.groupby("regime").cumcount()
        held_out = place >= frame["regime"].map(rows) * 4 // 5
        test = frame[held_out & (frame["regime"] == joint)]
        at, outcome = test[list(scm.actions)], test["y"].to_numpy()
        truth = scm.expected_outcome(at).to_numpy()
        data = RegimeData.from_frame(frame[~held_out], outcome="y", actions=scm.actions)
        without = data.drop(joint)
        perfect = rmse(truth, outcome)
        rows_of_estimators: list[Row] = []
        for estimator in self.estimators:
            start = time.perf_counter()
            answer = self._answer(estimator, data if estimator == "joint" else without, at)
            seconds = time.perf_counter() - start
            rows_of_estimators.append(
                {
                    "figure": self.figure,
                    "scm": self.scm,
                    "K": self.n_actions,
                    "n_obs": self.n_obs,
                    "n_sint": self.n_sint,
                    "estimator": estimator,
                    "rmse_outcome": rmse(answer.mean, outcome),
                    "rmse_effect": rmse(answer.mean, truth),
                    "coverage": coverage(*answer.ends, truth) if answer.ends else float("nan"),
                    "seconds": seconds,
                    "perfect": perfect,
                    "converged": answer.converged,
                }
            )
        return rows_of_estimators

    def _answer(self, estimator: str, data: RegimeData, at: pd.DataFrame) -> Answer:
        """Fit an estimator and ask it for the joint effect."""
        if estimator in RIDGES:
            fit = RIDGES[estimator](degree=self.degree).fit(data)
            return Answer(fit.expected_outcome(at).to_numpy())
        seed = named_generator(np.random.SeedSequence([self.seed, self.scm]), "posterior")
        model = InterventionModel(interactions=self.interactions)
        fit_seed = int(seed.integers(2**32))
        posterior = fit_in_unit(model, data, method=self.method, random_seed=fit_seed)
        table = posterior.table(at, probability=INTERVAL, beyond="clamp")
        mean, lower, upper = (table[name].to_numpy() for name in ("mean", "lower", "upper"))
        return Answer(mean, (lower, upper), posterior.convergence.ok)
