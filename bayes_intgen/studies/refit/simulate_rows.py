"""Outcomes for given rows of actions, drawn from one draw of a fit.

    y ~ law with mean m_r(a) and variance s_r(a)^2,      those of the row's regime,

both of the same draw (:mod:`bayes_intgen.posterior.predictive`). The law is that of the outcome's
kind, so that simulated outcomes are of the same kind; of a real one it is normal, or Student's t if
the fit has degrees of freedom. Actions and covariates are kept, so that a simulated
data set has the experiments, the row counts and the support of the given one. Rows of a cluster, or
of a block of times (and of the same settings, where these are held), share a random intercept, as
those of the fit do.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.implied_groups import by_settings, in_blocks
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.draws_tree import DRAWS
from bayes_intgen.posterior.estimands.expected_outcome import theta_draws
from bayes_intgen.posterior.fitted_law import law_of
from bayes_intgen.posterior.noise_scale import noise_scale
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.posterior.query import read_points

__all__ = ["REGIME", "one_draw", "read_like", "read_origin", "rows_of", "simulate_outcome"]

REGIME, GROUP = "__regime__", "__group__"
MARKS = {"cluster": "__cluster__", "time": "__time__", "weights": "__weights__"}
ROWS_AT_ONCE = 50_000


def rows_of(data: RegimeData, fitted: Posterior) -> pd.DataFrame:
    """Return all rows, regime by regime: the variables, levels as text, outcome and label.

    With their marks, and the groups that they were in when they were fitted.
    """
    told, grouped = fitted.dependence, data
    if told is not None and told.block_rows:
        lengths = {r: told.block_rows[format_regime(r)] for r in data.regimes}
        grouped = in_blocks(data, lengths) or data
    elif told is not None and told.by_settings:
        grouped = by_settings(data) or data
    tables, grouping = [], grouped.summary.grouping
    for label in data.labels:
        values = data.rows(label)
        columns: dict[str, npt.NDArray[np.generic]] = {}
        for k, name in enumerate((*data.variables, data.outcome)):
            column = values[:, k]
            if name in data.levels:
                columns[name] = np.array(data.levels[name])[column.astype(int)]
            else:
                columns[name] = column
        regime = read_do([] if label == "obs" else label, data.actions)
        marks = data.marks(regime)
        for position, role in enumerate(marks.kept):
            columns[MARKS[role]] = marks.table[:, position]
        if grouping is not None:
            first, second = grouping.keys(regime, values, grouped.marks(regime)).T
            columns[GROUP] = pd.factorize(pd.MultiIndex.from_arrays([first, second]))[0]
        tables.append(pd.DataFrame({**columns, REGIME: label}))
    return pd.concat(tables, ignore_index=True)


def read_origin(fitted: Posterior) -> dict[str, Any]:
    """Return the arguments of ``from_frame`` that a fit keeps: regime, labels, cluster, time.

    None are known of fits to moments, or of earlier versions.
    """
    kept = json.loads(str(fitted.idata.attrs.get("origin", "{}")))
    return dict(kept)


def read_like(
    fitted: Posterior,
    table: Any,
    regime: str | Mapping[str, str] = REGIME,
    marks: Mapping[str, Any] | None = None,
) -> RegimeData:
    """Read a table with the columns of a fit; of marks those of :func:`rows_of`, if it has any."""
    have = set(getattr(table, "columns", ()))
    roles: dict[str, Any] = {role: name for role, name in MARKS.items() if name in have}
    data: RegimeData = RegimeData.from_frame(
        table,
        outcome=fitted.outcome,
        actions=fitted.actions,
        regime=regime,
        categorical=list(fitted.summary.levels),
        covariates=fitted.covariates,
        **(roles | dict(marks or {})),
    )
    return data


def one_draw(posterior: Posterior, number: int) -> Posterior:
    """Return a posterior of which only one draw is left, counted over all chains."""
    tree = posterior.idata
    sizes = tree["posterior"].sizes
    chain, draw = divmod(number, sizes["draw"])
    groups = {}
    for name in (*DRAWS, "constant_data"):
        if name in tree.children:
            dataset = tree[name].to_dataset()
            kept = {dim: [at] for dim, at in (("chain", chain), ("draw", draw))}
            here = {dim: at for dim, at in kept.items() if dim in dataset.dims}
            groups[name] = dataset.isel(here)
    single = xr.DataTree.from_dict(groups)
    single.attrs = dict(tree.attrs)
    return replace(posterior, idata=single)


def simulate_outcome(single: Posterior, rows: pd.DataFrame, rng: np.random.Generator) -> Array:
    """Draw outcomes, in their unit, for rows of :func:`rows_of` from a posterior of one draw."""
    outcome, law, intercepts = np.empty(len(rows)), law_of(single), _intercepts(single, rows, rng)
    for label, part in rows.groupby(REGIME, sort=False):
        regime = read_do([] if label == "obs" else str(label), single.actions)
        theta = theta_draws(single, regime)[0, 0]
        for place in stretches(len(part), ROWS_AT_ONCE):
            some = part.iloc[place]
            values = read_points(single, some).values
            mean = single.design.features.evaluate(values) @ theta + single.outcome_scale.centre
            scale, nu = np.zeros((1, 1, 1)), None
            if law.kind != "binary":
                scale, nu = noise_scale(single, values, regime)
            square = np.broadcast_to(scale[0, 0] ** 2, len(some))
            if intercepts is not None:
                share, own = intercepts[str(label)], some.index.to_numpy()
                mean = mean + np.sqrt(share[0] * square) * share[1][own]
                square = (1 - share[0]) * square
            degrees = None if nu is None else nu[0, 0]
            outcome[some.index.to_numpy()] = law.draw(mean, square, rng, degrees)
    return outcome


def _intercepts(
    single: Posterior, rows: pd.DataFrame, rng: np.random.Generator
) -> "dict[str, tuple[float, Array]] | None":
    """Draw the intercept of each row's group, in its standard deviations, by regime.

    With the share of the variance that it has. None where the fit knows of no groups.
    """
    shares = None if single.dependence is None else single.dependence.shares
    if not shares or GROUP not in rows:
        return None
    drawn = {}
    for label, share in shares.items():
        groups = rows[GROUP].to_numpy()
        drawn[label] = share, rng.standard_normal(int(groups.max()) + 1)[groups]
    return drawn
