"""A system of levers: its rows in any regime, and its true effects.

    Y = base + season z + sum_k f_k(a_k, C_k) + synergy h_1(a_1) h_2(a_2) + noise,

where the last product, of the first two actions, is zero unless it is asked for. Then

    E[Y | do(a_S), a_rest, z] = base + season z + sum_k h_k(a_k) (1 + seasonal_k z)
                                + synergy h_1(a_1) h_2(a_2) + sum over k not in S of bias_k:    (1)

equation 1 of the model, with every term in closed form. Confounders and noises are independent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.examples.lever import Lever

__all__ = ["LeverSystem", "LiftTest"]

# the action, from where, to where, the covariate (0 if there is none) and the standard error
type LiftTest = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class LeverSystem:
    """Levers, an outcome, and possibly a covariate.

    Parameters
    ----------
    levers
        The actions, in a causal order.
    outcome
        Name of the outcome.
    base
        Mean outcome apart from the effects of levers and covariate.
    noise
        Standard deviation of what is left.
    covariate
        Name of the covariate; None if there is none.
    season
        Its effect on the outcome.
    synergy
        Weight of the product of the effects of the first two actions, per unit of the outcome.
    """

    levers: tuple[Lever, ...]
    outcome: str
    base: float
    noise: float
    covariate: str | None = None
    season: float = 0.0
    synergy: float = 0.0

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return tuple(lever.name for lever in self.levers)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates: one or none."""
        return () if self.covariate is None else (self.covariate,)

    def rows(self, regime: Regime, z: Array, rng: np.random.Generator) -> pd.DataFrame:
        """Draw a row per value z of the covariate, zeros if there is none."""
        values: dict[str, Array] = {}
        logs: dict[str, Array] = {}
        y = self.base + self.season * z + self.noise * rng.normal(size=len(z))
        for lever in self.levers:
            confounder, other = rng.normal(size=(2, len(z)))
            if lever.name in regime:
                values[lever.name] = rng.uniform(*lever.tested, size=len(z))
            else:
                x = lever.left_alone(logs, z) + lever.planned * confounder + lever.other * other
                values[lever.name] = lever.typical * np.exp(x)
            logs[lever.name] = lever.log_ratio(values[lever.name])
            y = y + lever.causal(values[lever.name], z)
            y = y + lever.loading(logs[lever.name]) * confounder
        return pd.DataFrame({**values, self.outcome: y + self._product(values)})

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Return the true mean outcome, see :meth:`.example.Example.expected_outcome`: (1)."""
        points = Points.read(at, self.actions, covariates=self.covariates)
        regime = read_do(do, self.actions)
        columns = dict(zip(points.variables, points.values.T, strict=True))
        values = {name: columns[name] for name in self.actions}
        for name, column in values.items():
            if (column <= 0).any():
                raise QueryError(
                    f"at: {name!r} must be positive, got {column.min():g}; the truth is a function "
                    f"of its logarithm."
                )
        z = columns[self.covariate] if self.covariate else np.zeros(len(points))
        logs = {lever.name: lever.log_ratio(values[lever.name]) for lever in self.levers}
        mean = self.base + self.season * z + self._product(values)
        for lever in self.levers:
            mean = mean + lever.causal(values[lever.name], z)
            if lever.name not in regime:  # what sets (1) apart from the joint effect
                mean = mean + lever.bias(logs[lever.name], logs, z)
        return points.to_xarray(mean, self.outcome).assign_attrs(do=format_regime(regime))

    def lift_results(self, tests: Sequence[LiftTest], rng: np.random.Generator) -> pd.DataFrame:
        """Draw the results of lift tests, direct effects with normal errors of known size.

        effect = E[Y | do(to, others), z] - E[Y | do(from, others), z] + N(0, standard_error^2),
        the others at their typical values.
        """
        typical = {lever.name: lever.typical for lever in self.levers}
        rows = []
        for action, start, end, z, error in tests:
            given = dict.fromkeys(self.covariates, z)
            before, after = self.expected_outcome({**typical, **given, action: [start, end]})
            effect = (after - before).item() + rng.normal(0.0, error)
            row = {"action": action, "from": start, "to": end, "effect": effect}
            rows.append({**row, "standard_error": error, **given})
        return pd.DataFrame(rows)

    def _product(self, values: Mapping[str, Array]) -> Array | float:
        """Return what the first two actions add together."""
        if not self.synergy:
            return 0.0
        first, second = self.levers[:2]
        return self.synergy * first.curve(values[first.name]) * second.curve(values[second.name])
