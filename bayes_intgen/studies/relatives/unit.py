"""One system of a family: every estimator fitted, and compared with the truth.

Errors are in standard deviations of the true E[Y | do(a)] over the settings,

    rmse^2 = mean((estimate - truth)^2) / var(truth).

All numbers follow from the fields of a unit, given the same versions of the libraries and the same
kind of processor.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayes_intgen.base.errors import BayesIntgenError, ModelError
from bayes_intgen.base.metrics import INTERVAL, coverage, rmse
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.additive_noise import AdditiveNoise
from bayes_intgen.baselines.aggregation import CausalAggregation
from bayes_intgen.baselines.factor_model import FactorModel
from bayes_intgen.baselines.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.relatives.families import RELATIVES, draw_case
from bayes_intgen.studies.runner.unit import Row, fit_in_unit, require_least

__all__ = ["COLUMNS", "ESTIMATORS", "CompareUnit"]

COLUMNS = ("family", "scm", "estimator", "rmse", "coverage", "spread", "note")
LEAST_ROWS = 50
NORMAL = float(norm.ppf((1 + INTERVAL) / 2))
type Comparator = (
    ObservationalRidge
    | PooledRidge
    | RidgeEstimator
    | JointRidge
    | AdditiveNoise
    | CausalAggregation
    | FactorModel
)

COMPARATORS: dict[str, Comparator] = {
    "observational": ObservationalRidge(),
    "pooled": PooledRidge(),
    "ridge": RidgeEstimator(),
    "factor": FactorModel(),
    "additive-noise": AdditiveNoise(),
    "aggregation": CausalAggregation(),
    "joint": JointRidge(),
}
ESTIMATORS = (*(name for name in COMPARATORS if name != "joint"), "bayes", "joint")


@dataclass(frozen=True)
class CompareUnit:
    """One random system: draw it and its rows, fit each estimator, and compare with the truth.

    Parameters
    ----------
    family
        A name in `RELATIVES`.
    index
        Number of the system within its family; it is drawn from
        ``numpy.random.SeedSequence([seed, index])``.
    seed
        Seed of the study.
    n
        Rows of each regime.
    n_actions
        Number of actions.
    points
        Number of joint settings.
    estimators
        Out of `ESTIMATORS`, in the order of the rows.
    method
        Of inference in the Bayesian model: ``"laplace"`` or ``"nuts"``.

    Raises
    ------
    ModelError
        If a field is not valid.
    """

    family: str
    index: int
    seed: int = 1
    n: int = 4000
    n_actions: int = 3
    points: int = 1000
    estimators: tuple[str, ...] = ESTIMATORS
    method: str = "laplace"

    def __post_init__(self) -> None:
        if self.family not in RELATIVES:
            raise ModelError(f"family must be one of {list(RELATIVES)}, got {self.family!r}.")
        require_least(self, index=0, seed=0, n=LEAST_ROWS, n_actions=2, points=2)
        names = list(self.estimators)
        if not names or set(names) - set(ESTIMATORS) or len(set(names)) < len(names):
            raise ModelError(
                f"estimators must be different ones out of {list(ESTIMATORS)}, got {names}."
            )

    @property
    def name(self) -> str:
        """Family and number."""
        return f"{self.family}-{self.index:04d}"

    def run(self) -> list[Row]:
        """Return a row per estimator, with the `COLUMNS`.

        ``coverage`` is that of 90% intervals, NaN for an estimator without; ``spread`` the standard
        deviation of the truth; ``note`` why there is no answer, if there is none.
        """
        seed = np.random.SeedSequence([self.seed, self.index])
        case = draw_case(self.family, self.n_actions, self.n, self.points, seed)
        single, joint = (
            RegimeData.from_frame(rows, outcome="y", actions=case.actions)
            for rows in (case.rows, case.joint)
        )
        spread = float(case.truth.std())
        rows: list[Row] = []
        for estimator in self.estimators:
            error, covered, note = float("nan"), float("nan"), ""
            try:
                data = joint if estimator == "joint" else single
                mean, ends = self._answer(estimator, data, case.settings, seed)
                error = rmse(mean, case.truth) / spread
                covered = coverage(*ends, case.truth) if ends else covered
            except BayesIntgenError as reason:
                note = str(reason)
            values = (self.family, self.index, estimator, error, covered, spread, note)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
        return rows

    def _answer(
        self, estimator: str, data: RegimeData, at: pd.DataFrame, seed: np.random.SeedSequence
    ) -> tuple[Array, tuple[Array, Array] | None]:
        """Fit an estimator; return its joint effect, and the ends of its intervals if any."""
        if estimator != "bayes":
            answer = COMPARATORS[estimator].fit(data).expected_outcome(at)
            if "sd" not in answer.coords:
                return answer.to_numpy(), None
            reach = NORMAL * answer["sd"].to_numpy()
            return answer.to_numpy(), (answer.to_numpy() - reach, answer.to_numpy() + reach)
        fit_seed = int(named_generator(seed, f"{self.family} fit").integers(2**31))
        posterior = fit_in_unit(InterventionModel(), data, method=self.method, random_seed=fit_seed)
        table = posterior.table(at, probability=INTERVAL, beyond="clamp")
        mean, lower, upper = (table[name].to_numpy() for name in ("mean", "lower", "upper"))
        return mean, (lower, upper)
