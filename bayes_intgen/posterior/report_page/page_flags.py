"""What decides the support flag of any setting of the page, taken apart.

A condition on one action alone (:mod:`bayes_intgen.posterior.support`) is worked out at each value
of its control. One on several actions goes into the page as the clouds it is made of, and is worked
out there. The rest, a misfit or an impossible mean, follows from the draws.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from scipy import stats

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.posterior.clouds import NEIGHBOURS, Cloud, InClouds
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.misfit_flags import DRAWS, LARGE, answer_misfit
from bayes_intgen.posterior.report_page.arrays import pack
from bayes_intgen.posterior.report_page.controls import Control
from bayes_intgen.posterior.support import support_conditions, within_ranges

__all__ = ["describe_flags"]

MOST_CASES = 20_000  # of levels of several actions


def describe_flags(
    fit: Fitted, regime: Regime, controls: Sequence[Control], held: Array, level: bool
) -> dict[str, Any]:
    """Return all that flags are made of, as JSON types.

    ``held``: values of all variables, of which those of covariates count. ``level``: whether the
    mean of the regime is identified, so that it may be called impossible.
    """
    summary = fit.summary
    needed, joint = support_conditions(regime, summary, fit.design.parents, fit.design.blocks)
    supported: list[Mask] = [np.ones(len(control.values), dtype=bool) for control in controls]
    wide: list[InClouds] = []
    for condition in needed:
        about = [k for k in condition.columns if k < len(controls)]
        if isinstance(condition, InClouds) and len(about) > 1:
            wide.append(condition)
        else:
            k = about[0]
            supported[k] &= condition.holds(_along(controls[k].values, k, held))
    inside = [
        within_ranges(_along(control.values, k, held), summary)[:, k]
        for k, control in enumerate(controls)
    ]
    reach = within_ranges(held[None], summary)[0, len(controls) :]
    low, high = summary.outcome_range.limits
    bounded = level and not np.isinf([low, high]).all()
    misfit = answer_misfit(fit, regime)
    half = float(stats.norm.ppf((1 + INTERVAL) / 2))
    clouds = _Clouds()
    apart = [_take_apart(condition, held, clouds) for condition in wide]
    arm = None if joint is None else _take_apart(joint, held, clouds)
    return {
        "supported": [mask.tolist() for mask in supported],
        "inside": [mask.tolist() for mask in inside],
        "covariates": held[len(controls) :].tolist(),
        "covariatesInside": bool(reach.all()),
        "needed": apart,
        "joint": arm,
        "clouds": clouds.written,
        "misfit": {"size": misfit, "factor": LARGE * half, "draws": DRAWS} if misfit else None,
        "limits": [_finite(low), _finite(high)] if bounded else None,
    }


def _along(values: Array, column: int, held: Array) -> Array:
    points = np.repeat(held[None], len(values), axis=0)
    points[:, column] = values
    return points


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


class _Clouds:
    """The clouds of all conditions, each written once."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self._positions: dict[tuple[bytes, bytes, int], int] = {}

    def add(self, cloud: Cloud) -> int:
        """Return the position of a cloud, which is written if it is new."""
        key = (cloud.mean.tobytes(), cloud.covariance.tobytes(), id(cloud.rows))
        if key not in self._positions:
            self._positions[key] = len(self.written)
            self.written.append(_describe(cloud))
        return self._positions[key]


def _take_apart(condition: InClouds, held: Array, clouds: _Clouds) -> dict[str, Any]:
    """Return a condition on clouds, which it refers to by position.

    ``cases``, for each regime: by the codes of its levels, joined by commas, the clouds that a
    point must lie in. A combination that was not seen is left out.
    """
    summary, actions = condition.summary, len(condition.summary.actions)
    options = [
        range(len(summary.levels[summary.columns[k]])) if k < actions else [int(held[k])]
        for k in condition.coded
    ]
    if prod(map(len, options)) > MOST_CASES:
        names = [summary.columns[k] for k in condition.coded]
        raise QueryError(
            f"report: {names} have more than {MOST_CASES:,} combinations of levels, too many for "
            f"a page; merge rare levels, or ask posterior.table."
        )
    regimes = []
    for part in condition.regimes:
        found = {codes: condition.clouds(part, codes) for codes in product(*options)}
        regimes.append(
            {
                ",".join(map(str, codes)): [clouds.add(cloud) for cloud in own]
                for codes, own in found.items()
                if own is not None
            }
        )
    return {"coded": condition.coded, "numeric": condition.numeric, "cases": regimes}


def _describe(cloud: Cloud) -> dict[str, Any]:
    rows = cloud.rows
    return {
        "mean": cloud.mean.tolist(),
        "unit": cloud.unit.tolist(),
        "inverse": np.linalg.inv(cloud.covariance).tolist(),
        "radius": cloud.radius,
        "rows": None
        if rows is None
        else {
            "unit": rows.unit.tolist(),
            "radius": rows.radius,
            "neighbours": NEIGHBOURS,
            "points": pack(np.asarray(rows.tree.data)),
        },
    }
