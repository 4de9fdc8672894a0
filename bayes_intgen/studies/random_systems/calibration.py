"""Coverage of credible intervals and errors of posterior means over random systems.

For each system rows are drawn from the K + 1 regimes of the paper, a model is fitted, and the
posterior of E[Y | do(a)] is compared with the truth at settings drawn from the joint intervention.
With e the error of the posterior mean at a setting,

    rmse^2 = mean(e^2) = level^2 + shape^2,       level = mean(e),    shape = sd(e)

and coverage_p is the share of settings whose equal-tailed credible interval of probability p holds
the truth. Settings of one system share their error, above all its level, so that coverage is judged
over systems: it is their mean that should be p.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.baselines.ridge import RidgeEstimator
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.scm import (
    SCM,
    sample_common_support_scm,
    sample_linear_scm,
    sample_polynomial_scm,
)
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.runner.unit import Row, fit_in_unit, require_least

__all__ = ["COVERAGES", "FAMILIES", "CalibrationUnit", "compare"]

COVERAGES = MappingProxyType({f"coverage_{percent}": percent / 100 for percent in (50, 80, 90, 95)})
POINTS_AT_ONCE = 1000

FAMILIES: Mapping[str, Callable[[int, np.random.SeedSequence], SCM]] = MappingProxyType(
    {
        "paper": sample_polynomial_scm,
        "common-support": sample_common_support_scm,
        "linear": sample_linear_scm,
        "interactions": partial(sample_polynomial_scm, interactions=1.0),
    }
)


@dataclass(frozen=True)
class CalibrationUnit:
    """One random system: draw it and its rows, fit, and compare with the truth.

    Parameters
    ----------
    family
        One of `FAMILIES`.
    index
        Number of the system within its family.
    seed
        Seed of the study. The system is drawn from ``numpy.random.SeedSequence([seed, index])``,
        as are its rows.
    n
        Rows in each regime.
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
    n: int = 10_000
    n_actions: int = 5
    method: str = "laplace"
    interactions: str | None = None
    warped: bool = True
    points: int = 5000

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ModelError(f"family must be one of {list(FAMILIES)}, got {self.family!r}.")
        require_least(self, index=0, seed=0, n=1, n_actions=1, points=2)

    @property
    def name(self) -> str:
        """Family and number."""
        return f"{self.family}-{self.index:04d}"

    def run(self) -> list[Row]:
        """Return one row per kind of setting, see :func:`compare`."""
        seed = np.random.SeedSequence([self.seed, self.index])
        scm = FAMILIES[self.family](self.n_actions, seed)
        frame = scm.sample_regimes(scm.single_regimes, self.n, random_seed=seed)
        data = RegimeData.from_frame(frame, outcome=scm.outcome, actions=scm.actions)
        options: dict[str, Any] = {} if self.warped else {"basis": HSGP(warp=0)}
        if self.interactions is not None:
            options["interactions"] = self.interactions
        model = InterventionModel(**options)
        start = time.perf_counter()
        fit_seed = int(seed.generate_state(1)[0])
        posterior = fit_in_unit(model, data, method=self.method, random_seed=fit_seed)
        seconds = time.perf_counter() - start
        fresh = named_generator(seed, "settings")
        at = scm.sample(self.points, do=scm.actions, random_seed=fresh)[list(scm.actions)]
        head: Row = {"family": self.family, "scm": self.index}
        additivity = posterior.additivity
        tail: Row = {
            "seconds": seconds,
            "converged": posterior.convergence.ok,
            "needed_interactions": additivity.needed_interactions if additivity else None,
        }
        truth = scm.expected_outcome(at).to_numpy()
        ridge = RidgeEstimator().fit(data).expected_outcome(at).to_numpy()
        return [{**head, **row, **tail} for row in compare(posterior, at, truth, ridge)]


def compare(posterior: Posterior, at: pd.DataFrame, truth: Array, ridge: Array) -> list[Row]:
    """Compare the posterior of the joint effect with the truth.

    Parameters
    ----------
    posterior
        The fit.
    at
        Joint settings, a column per action.
    truth
        E[Y | do(a)] there, shape (points,).
    ridge
        What the paper's estimator says there, shape (points,).

    Returns
    -------
    list of dict
        A row for ``settings`` = ``all``, and one each for those that the fit flags ``supported``
        and those that it does not, ``unsupported``, unless there are none: number of ``points``,
        ``share`` of all settings, ``spread`` (sd of the truth), ``rmse``, ``level``, ``shape``,
        ``rmse_ridge`` (of the paper's estimator) and
        ``coverage_50`` to ``coverage_95``.
    """
    tails = np.array([(1 - p) / 2 for p in COVERAGES.values()])
    mean, support, ends = [], [], []
    for some in stretches(len(at), POINTS_AT_ONCE):
        draws = posterior.expected_outcome(at[some], beyond="clamp")
        values = draws.to_numpy().reshape(-1, draws.sizes["point"])
        mean.append(values.mean(axis=0))
        ends.append(np.quantile(values, [tails, 1 - tails], axis=0))
        support.append(draws["support"].to_numpy() == SUPPORTED)
    estimate, supported = np.concatenate(mean), np.concatenate(support)
    lower, upper = np.concatenate(ends, axis=2)
    chosen = {"all": np.ones(len(at), bool), "supported": supported, "unsupported": ~supported}
    return [
        {"settings": name, **_summarise(estimate, lower, upper, truth, ridge, mask)}
        for name, mask in chosen.items()
        if mask.any()
    ]


def _summarise(
    estimate: Array, lower: Array, upper: Array, truth: Array, ridge: Array, mask: Mask
) -> Row:
    error = (estimate - truth)[mask]
    return {
        "points": int(mask.sum()),
        "share": float(mask.mean()),
        "spread": float(truth[mask].std()),
        "rmse": rmse(estimate[mask], truth[mask]),
        "level": float(error.mean()),
        "shape": float(error.std()),
        "rmse_ridge": rmse(ridge[mask], truth[mask]),
        **{
            name: coverage(low[mask], high[mask], truth[mask])
            for name, low, high in zip(COVERAGES, lower, upper, strict=True)
        },
    }
