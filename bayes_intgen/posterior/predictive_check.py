"""Posterior predictive check: rows beside predictive draws, in the form that ArviZ takes.

For a row y under regime S with draws of mean m and variance s^2,

    PIT = P(y_new <= y),                                                 (1)
    log p(y | draw) = log density of the outcome's law at y,             (2)

that law being normal for a real outcome; of 0/1 and counts (2) is the log probability, and rows and
draws are whole numbers. Uniform PIT if the predictive distribution is right: mean, spread and
shape. With up to some ten thousand rows per weight the row's own part in the fit is nothing; with
few, use the leave-one-out version, for which the log densities are kept.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.netcdf_names import without_slashes
from bayes_intgen.base.regimes import Regime, format_regime, parse_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords, expected_outcome
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.fitted_law import law_of
from bayes_intgen.posterior.noise_scale import noise_scale
from bayes_intgen.posterior.predictive import predict_portion

__all__ = ["predictive_check"]


def predictive_check(
    fit: Fitted,
    data: RegimeData,
    rows: int = 200,
    regimes: Sequence[str] | None = None,
    random_seed: int = 1,
) -> xr.DataTree:
    """Gather rows and predictive draws for ArviZ: ``az.plot_ppc_pit(tree)`` and its relatives.

    The share of predictive draws below each outcome (PIT) is uniform if the predictive
    distribution is right. That is more than the answers need: they rest on means, and are sound
    with outcomes of any shape, while the predictive distribution has a given one (:meth:`predict`).

    Parameters
    ----------
    data
        The rows, or others of the same columns that the fit has not seen.
    rows
        How many of each regime, spread evenly over their order.
    regimes
        Labels of the regimes; all by default.
    random_seed
        Seed of the predictive noise.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior_predictive``, ``observed_data`` and ``log_likelihood`` (of each row),
        each with one variable named as the outcome along ``row``, with the regime as
        ``regime_label``; and ``posterior``. ``az.plot_ppc_pit``, ``az.plot_ppc_dist`` and
        ``az.loo_pit`` take it as it is.

    Raises
    ------
    ModelError
        If the data have other columns or levels, or no such regime.
    QueryError
        If the fit holds no spread of the outcome.

    Examples
    --------
    >>> tree = posterior.predictive_check(data, rows=50)
    >>> tree["observed_data"].sizes["row"]
    150
    """
    if not (isinstance(data, RegimeData) and fit.summary.has_columns_of(data.summary)):
        raise ModelError(
            f"data must be a RegimeData with the columns and levels of the fit, "
            f"{list(fit.summary.columns)}, got {data!r:.80}."
        )
    most = read_whole(rows, "rows")
    labels = list(data.labels) if regimes is None else list(regimes)
    wanted = [parse_regime(label, data.actions) for label in labels]
    absent = [label for label, r in zip(labels, wanted, strict=True) if r not in data.regimes]
    if absent:
        raise ModelError(f"regimes: the data have no {absent}; they have {list(data.labels)}.")
    chosen = _some_rows(data, wanted, most)
    draws, densities, first, law = [], [], 0, law_of(fit)
    for regime, values in chosen.items():
        points = query.points_of(fit, values[:, :-1])
        mean = expected_outcome(fit, points, list(regime), "clamp").to_numpy()
        predicted = predict_portion(fit, points, regime, random_seed, "clamp", first)
        draws.append(predicted.to_numpy())
        scale, nu = np.zeros_like(mean), None
        if law.kind != "binary":
            scale, nu = noise_scale(fit, points.values, regime)
        densities.append(law.log_density(values[:, -1], mean, scale**2, nu))  # (2)
        first += len(values)
    return _tree(fit, chosen, np.concatenate(draws, axis=2), np.concatenate(densities, axis=2))


def _some_rows(data: RegimeData, wanted: Sequence[Regime], most: int) -> dict[Regime, Array]:
    """Return rows of each regime, spread evenly over the order in which they come."""
    picks = {
        regime: np.unique(np.linspace(0, n - 1, min(most, n)).astype(int))
        for regime, n in ((r, data.summary.regimes[r].n) for r in wanted)
    }
    seen = dict.fromkeys(picks, 0)
    picked: dict[Regime, list[Array]] = {regime: [] for regime in picks}
    for regime, values in data.batches():
        if regime in picks:
            at = picks[regime] - seen[regime]
            picked[regime].append(values[at[(at >= 0) & (at < len(values))]])
            seen[regime] += len(values)
    return {regime: np.concatenate(rows) for regime, rows in picked.items()}


def _tree(fit: Fitted, chosen: dict[Regime, Array], draws: Array, density: Array) -> xr.DataTree:
    posterior = fit.idata["posterior"].dataset
    values = np.concatenate(list(chosen.values()))
    labels = [format_regime(regime) for regime, rows in chosen.items() for _ in rows]
    points = query.points_of(fit, values[:, :-1])
    along = {name: ("row", points.coords()[name][1]) for name in points.variables}
    coords = {"row": np.arange(len(values)), "regime_label": ("row", labels), **along}
    ends = draw_coords(fit)
    dims, name = ("chain", "draw", "row"), fit.outcome
    y = values[:, -1]
    if law_of(fit).discrete:  # ArviZ tells by the type
        y, draws = y.astype(np.int64), draws.astype(np.int64)
    named = without_slashes  # which the nodes of a tree refuse
    return xr.DataTree.from_dict(
        {
            "posterior": posterior[["sigma"]],
            "posterior_predictive": named(xr.Dataset({name: (dims, draws)}, {**ends, **coords})),
            "log_likelihood": named(xr.Dataset({name: (dims, density)}, {**ends, **coords})),
            "observed_data": named(xr.Dataset({name: ("row", y)}, coords)),
        }
    )
