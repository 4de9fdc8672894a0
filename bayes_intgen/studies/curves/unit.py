"""One system of a family of curves: fitted, and compared with the truth.

Errors are in standard deviations of the truth over the settings asked for. With e the error of the
posterior mean at a setting,

    rmse^2 = mean(e^2) = level^2 + shape^2,       level = mean(e),    shape = sd(e).

A contrast is E[Y | do(a)] - E[Y | do(b)] with b_k the median setting of the experiment on A_k: what
a change of plan does, of which an error of the level cancels.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import INTERVAL, coverage, rmse
from bayes_intgen.base.support_flags import EXTRAPOLATED, SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.baselines.ridge import RidgeEstimator
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import OUTCOME, draw_system
from bayes_intgen.studies.runner.unit import Row, fit_in_unit, require_least

__all__ = ["CurveUnit", "compare_curves", "median_settings"]


@dataclass(frozen=True)
class _Answers:
    """Draws, shape (draws, points), what the ridge says, and the truth, shape (points,)."""

    draws: Array
    ridge: Array
    truth: Array

    def measure(self, chosen: Mask, spread: float) -> dict[str, float]:
        """Return errors in units of the spread, and coverage, at some of the points."""
        if not chosen.any():
            return dict.fromkeys(("rmse", "rmse_ridge", "coverage"), float("nan"))
        draws, truth = self.draws[:, chosen], self.truth[chosen]
        lower, upper = np.quantile(draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
        return {
            "rmse": rmse(draws.mean(axis=0), truth) / spread,
            "rmse_ridge": rmse(self.ridge[chosen], truth) / spread,
            "coverage": coverage(lower, upper, truth),
        }


@dataclass(frozen=True)
class CurveUnit:
    """One random system: draw it and its rows, fit, and compare with the truth.

    Parameters
    ----------
    family
        A name in `CURVE_FAMILIES`.
    index
        Number of the system within its family.
    seed
        Seed of the study. The system, its rows and the settings are drawn from
        ``numpy.random.SeedSequence([seed, index])``, in streams of the family's own.
    n
        Most rows of any regime; None leaves them as many as the family has.
    n_actions
        Number of actions.
    method
        Of inference: ``"laplace"`` or ``"nuts"``.
    interactions
        Of the model, passed on to it; None leaves it at its default.
    warped
        Whether its basis has functions of the warped coordinate; ``HSGP(warp=0)`` has not.
    points
        Number of joint settings.
    """

    family: str
    index: int
    seed: int = 1
    n: int | None = None
    n_actions: int = 3
    method: str = "laplace"
    interactions: str | None = None
    warped: bool = True
    points: int = 500

    def __post_init__(self) -> None:
        if self.family not in CURVE_FAMILIES:
            raise ModelError(f"family must be one of {list(CURVE_FAMILIES)}, got {self.family!r}.")
        require_least(self, index=0, seed=0, n_actions=1, points=2)
        if self.n is not None:
            require_least(self, n=1)

    @property
    def name(self) -> str:
        """Family and number."""
        return f"{self.family}-{self.index:04d}"

    def run(self) -> list[Row]:
        """Return the row of this system, see :func:`compare_curves`."""
        seed = np.random.SeedSequence([self.seed, self.index])
        streams = (
            named_generator(seed, f"{self.family} {part}")
            for part in ("system", "rows", "settings", "fit")
        )
        of_system, of_rows, of_settings, of_fit = streams
        system = draw_system(CURVE_FAMILIES[self.family], self.n_actions, of_system)
        frame = system.sample_regimes(of_rows, self.n)
        data = RegimeData.from_frame(frame, outcome=OUTCOME, actions=system.actions)
        options: dict[str, Any] = {} if self.warped else {"basis": HSGP(warp=0)}
        if self.interactions is not None:
            options["interactions"] = self.interactions
        model = InterventionModel(**options)
        start = time.perf_counter()
        fit_seed = int(of_fit.integers(2**31))
        posterior = fit_in_unit(model, data, method=self.method, random_seed=fit_seed)
        seconds = time.perf_counter() - start
        settings = system.draw_settings(self.points, of_settings)
        at = np.vstack([median_settings(frame, system.actions), settings])
        ridge = RidgeEstimator().fit(data).expected_outcome(pd.DataFrame(at, columns=data.actions))
        measures = compare_curves(posterior, at, system.expected_outcome(at), ridge.to_numpy())
        tail = {"seconds": seconds, "converged": posterior.convergence.ok}
        return [{"family": self.family, "scm": self.index, **measures, **tail}]


def median_settings(frame: pd.DataFrame, actions: tuple[str, ...]) -> Array:
    """Return the median setting of each experiment, shape (actions,).

    Of two in the middle it is the lower one, so that it is a setting which was tested.

    Examples
    --------
    >>> frame = pd.DataFrame({"a1": [5.0, 1.0, 2.0], "regime": ["obs", "a1", "a1"]})
    >>> median_settings(frame, ("a1",))
    array([1.])
    """
    of_each = (frame.loc[frame["regime"] == name, name].to_numpy(float) for name in actions)
    return np.array([np.quantile(values, 0.5, method="lower") for values in of_each])


def compare_curves(posterior: Posterior, at: Array, truth: Array, ridge: Array) -> Row:
    """Compare the posterior of the joint effect and of its contrasts with the truth.

    Parameters
    ----------
    posterior
        The fit.
    at
        Joint settings, shape (1 + points, actions), of which the first is the one that the others
        are compared with.
    truth, ridge
        E[Y | do(a)] there, and what the paper's estimator says, shape (1 + points,).

    Returns
    -------
    dict
        ``points``; ``spread``, the sd of the truth, in which errors are; ``supported`` and
        ``extrapolated``, shares of the settings flagged so; ``level`` and ``shape`` of the error;
        and, over all settings and with the ending ``_supported`` over those (NaN without any):
        ``rmse`` and ``rmse_ridge``, ``coverage`` of 90% intervals, and the same of contrasts,
        ``rmse_contrast``, ``rmse_ridge_contrast`` and ``coverage_contrast``.
    """
    answer = posterior.expected_outcome(pd.DataFrame(at, columns=posterior.actions), beyond="clamp")
    draws = answer.to_numpy().reshape(-1, len(at))
    flags = answer["support"].to_numpy()[1:]
    level = _Answers(draws[:, 1:], ridge[1:], truth[1:])
    change = _Answers(*(values[..., 1:] - values[..., :1] for values in (draws, ridge, truth)))
    spread = float(truth[1:].std())
    error = (level.draws.mean(axis=0) - level.truth) / spread
    row: Row = {
        "points": len(flags),
        "spread": spread,
        "supported": float((flags == SUPPORTED).mean()),
        "extrapolated": float((flags == EXTRAPOLATED).mean()),
        "level": float(error.mean()),
        "shape": float(error.std()),
    }
    moved = (at[1:] != at[0]).any(axis=1)  # no contrast is asked of the median setting itself
    for ending, chosen in (("", flags != ""), ("_supported", flags == SUPPORTED)):
        for kind, answers, asked in (("", level, chosen), ("_contrast", change, chosen & moved)):
            measures = answers.measure(asked, spread)
            row |= {f"{measure}{kind}{ending}": value for measure, value in measures.items()}
    return row
