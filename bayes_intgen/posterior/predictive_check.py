"""Rows of the data beside draws of the posterior predictive, in the form that ArviZ checks.

For a row y under regime S with draws of mean m and scale s,

    PIT = P(y_new <= y),          log p(y | draw) = log density of (y - m) / s, less log s,

uniform PIT if the predictive distribution is right: mean, spread and shape. With up to some ten
thousand rows per weight the row's own part in the fit is nothing; with few, use the leave-one-out
version, for which the log densities are kept.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime, parse_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.predictive import noise_scale, predict_outcome

__all__ = ["predictive_check"]


def predictive_check(
    fit: Fitted, data: RegimeData, rows: int, regimes: Sequence[str] | None, random_seed: int
) -> xr.DataTree:
    """Gather observed outcomes, predictive draws and log densities of some rows.

    The arguments are those of :meth:`bayes_intgen.Posterior.predictive_check`.
    """
    known = (*fit.summary.columns, fit.covariates, dict(fit.summary.levels))
    if not isinstance(data, RegimeData) or known != (
        *data.variables,
        data.outcome,
        data.covariates,
        dict(data.levels),
    ):
        raise ModelError(
            f"data must be a RegimeData with the columns and levels of the fit, "
            f"{list(fit.summary.columns)}, got {data!r:.80}."
        )
    if not isinstance(rows, int | np.integer) or isinstance(rows, bool) or rows < 1:
        raise ModelError(f"rows must be a whole number of at least 1, got {rows!r}.")
    labels = list(data.labels) if regimes is None else list(regimes)
    wanted = [parse_regime(label, data.actions) for label in labels]
    absent = [label for label, r in zip(labels, wanted, strict=True) if r not in data.regimes]
    if absent:
        raise ModelError(f"regimes: the data have no {absent}; they have {list(data.labels)}.")
    chosen = _some_rows(data, wanted, int(rows))
    draws, densities, first = [], [], 0
    for regime, values in chosen.items():
        points = Points(
            fit.actions, values[:, :-1], np.arange(len(values)), fit.summary.levels, fit.covariates
        )
        do = list(regime)
        mean = fit.expected_outcome(points, do, "clamp").to_numpy()
        draws.append(predict_outcome(fit, points, do, random_seed, "clamp", first).to_numpy())
        scale, nu = noise_scale(fit, points.values, regime)
        z = (values[:, -1] - mean) / scale
        density = stats.norm.logpdf(z) if nu is None else stats.t.logpdf(z, nu)
        densities.append(density - np.log(scale))
        first += len(values)
    return _tree(fit, chosen, np.concatenate(draws, axis=2), np.concatenate(densities, axis=2))


def _some_rows(data: RegimeData, wanted: Sequence[Regime], most: int) -> dict[Regime, Array]:
    """Return rows of each regime, spread evenly over the order in which they come."""
    picks = {
        regime: np.unique(np.linspace(0, n - 1, min(most, n)).astype(int))
        for regime, n in ((r, data.summary.regimes[r].n) for r in wanted)
    }
    seen = dict.fromkeys(picks, 0)
    parts: dict[Regime, list[Array]] = {regime: [] for regime in picks}
    for regime, values in data.batches():
        if regime in picks:
            at = picks[regime] - seen[regime]
            parts[regime].append(values[at[(at >= 0) & (at < len(values))]])
            seen[regime] += len(values)
    return {regime: np.concatenate(found) for regime, found in parts.items()}


def _tree(fit: Fitted, chosen: dict[Regime, Array], draws: Array, density: Array) -> xr.DataTree:
    posterior = fit.idata["posterior"].dataset
    values = np.concatenate(list(chosen.values()))
    labels = [format_regime(regime) for regime, rows in chosen.items() for _ in rows]
    points = Points(
        fit.actions, values[:, :-1], np.arange(len(values)), fit.summary.levels, fit.covariates
    )
    along: dict[str, Any] = {
        name: ("row", column[1]) for name, column in points.coords().items() if name != "point"
    }
    coords = {"row": np.arange(len(values)), "regime_label": ("row", labels), **along}
    ends = {dim: posterior[dim].to_numpy() for dim in ("chain", "draw")}
    dims, name = ("chain", "draw", "row"), fit.outcome
    return xr.DataTree.from_dict(
        {
            "posterior": posterior[["sigma"]],
            "posterior_predictive": xr.Dataset({name: (dims, draws)}, coords={**ends, **coords}),
            "log_likelihood": xr.Dataset({name: (dims, density)}, coords={**ends, **coords}),
            "observed_data": xr.Dataset({name: ("row", values[:, -1])}, coords=coords),
        }
    )
