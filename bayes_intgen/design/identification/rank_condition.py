"""Identification of contrasts under a design: a rank condition.

Regime S shows theta_S = sum of the weights that take part in S, feature by feature (design (2),
:mod:`bayes_intgen.design.design`). A linear functional t'w of the weights is identified exactly

    (1)  when t lies in the span of the rows of the matrices G_S with theta_S = G_S w, one per
         regime at hand, and of the functionals of the lift tests.

This takes the features for linearly independent functions on the rows of each regime: an experiment
that tried two values of an action does not show a curve, which is seen in the intervals of the
answer, not here.

Within a regime every feature is a matter of its own: a column of zeros and ones says which of the
components that use it take part. So (1) splits into one tiny matrix per feature,
components by regimes, and many features share theirs. Lift tests tie features together: what the
regimes leave open of each is put end to end, and the tests must span what is left of t.

For levels the condition says nothing new. The constant is part of every component, so that its
matrix holds the indicators of :mod:`bayes_intgen.design.identification.identify`, and every other
feature has a part of its rows: the mean of a regime is identified at every setting exactly when its
indicator is an affine combination of those at hand. Nor do lift tests add to it, since a difference
has no constant. Contrasts are another matter. Moving a_k changes only the features that touch a_k,
and these may be shown, or tested, where the constant of a bias is not. But where the bias of j is
never switched off, it hides the effects of all possible parents of A_j too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from bayes_intgen.base.blocks import find_cuts
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Mask
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import Identification, identify_from
from bayes_intgen.design.identification.missing_experiments import TOLERANCE

__all__ = ["RankCondition", "Status"]

type Status = Literal["identified", "tested", "unknown"]


@dataclass(frozen=True)
class RankCondition:
    """The regimes and lift tests at hand, and what they identify under a design."""

    design: Design
    regimes: tuple[Regime, ...]
    # functionals of the lift tests, shape (tests, weights); none by default
    lifts: Array | None = field(default=None, repr=False)

    def affine(self, target: Regime) -> Identification:
        """Apply the rule that needs no basis, which decides on levels."""
        return identify_from(self.regimes, target, self.design.blocks)

    def covers(self, target: Regime) -> bool:
        """Say whether the design has a mean for a regime: none for one that cuts a block anew."""
        return {*find_cuts([target], self.design.blocks)} <= {*self.design.cuts}

    def unseen_share(self, rows: Array, scale: Array | None = None) -> Array:
        """Return how much of some functionals the data leave open, even without noise.

        ``rows``: functionals, shape (n, weights). ``scale``: prior standard deviations of the
        weights, all one by default. Returned is the part of their prior variance that exact data
        would leave, shape (n,), zero for what is identified.
        """
        unit = np.ones(rows.shape[1]) if scale is None else scale
        wanted = rows * unit
        project = self._projection(unit)
        left = wanted - project(wanted)  # (1), as far as the regimes go
        if self.lifts is not None:
            # Of the tests counts what the regimes leave open of them, scaled to unit length.
            beyond = self.lifts * unit
            beyond = beyond - project(beyond)
            size = np.linalg.norm(beyond, axis=1, keepdims=True)
            beyond = beyond[size[:, 0] > TOLERANCE] / size[size[:, 0] > TOLERANCE]
            if len(beyond):
                coefficients = np.linalg.lstsq(beyond.T, left.T, rcond=1e-10)[0]
                left = left - (beyond.T @ coefficients).T
        total = np.maximum(np.sum(wanted**2, axis=1), np.finfo(float).tiny)
        share = np.sum(left**2, axis=1) / total
        return np.where(share < TOLERANCE, 0.0, share)

    def shown(self, target: Regime, tested: bool = False) -> Mask:
        """Say of which features the coefficient in the mean of a regime is identified, (features,).

        ``tested``: whether to count lift tests as if they had been made at every value of their
        actions: a test then shows the features that it moves.
        """
        active = self._active([*self.regimes, target])
        shown = np.ones(len(self.design.features.features), dtype=bool)
        known: dict[tuple[bytes, int], bool] = {}
        for position, columns in enumerate(self._columns):
            table = active[:, columns]
            if tested and self.lifts is not None:
                moved = self.lifts[:, columns]
                moved = moved[np.abs(moved).max(axis=1, initial=0.0) > TOLERANCE]
                table = np.vstack([moved, table])
            key = (table.tobytes(), len(columns))  # many features share their table
            if key not in known:
                known[key] = _spans(table[:-1], table[-1])
            shown[position] = known[key]
        return shown

    def status(self, target: Regime, moved: Iterable[str], rows: Array | None = None) -> Status:
        """Say whether moving some actions has a known effect on the mean of a regime.

        ``rows``: the functionals of the contrasts in question, shape (n, weights); any by default.

        Returns
        -------
        str
            ``identified``: any contrast in these actions, or the given ones. ``tested``: lift tests
            tell at the tested values, and the prior in between. ``unknown``: otherwise.
        """
        names = set(moved)
        touched = self._touched(names)
        if self.shown(target)[touched].all():
            return "identified"
        if self.lifts is None:
            return "unknown"
        contrasts = self._contrasts(target, names) if rows is None else rows
        if not self.unseen_share(contrasts).any():
            return "identified"
        return "tested" if self.shown(target, tested=True)[touched].all() else "unknown"

    def lacking(self, target: Regime, moved: Iterable[str]) -> tuple[Regime, ...]:
        """Return further experiments that would show the effect of moving some actions.

        They are observational or set one action or block, and none of them can be left out.
        """
        names = list(moved)
        single: list[Regime] = [(), *self.design.blocks]
        chosen = [regime for regime in single if regime not in self.regimes]
        for regime in reversed(list(chosen)):
            fewer = [other for other in chosen if other != regime]
            more = RankCondition(self.design, (*self.regimes, *fewer), self.lifts)
            if more.status(target, names) == "identified":
                chosen = fewer
        return tuple(chosen)

    @cached_property
    def _columns(self) -> list[Indices]:
        """The weights of each feature."""
        order = np.argsort(self.design.positions, kind="stable")
        counts = np.bincount(
            self.design.positions, minlength=len(self.design.features.features)
        ).cumsum()
        return np.split(order, counts[:-1])

    def _active(self, regimes: Sequence[Regime]) -> Array:
        return np.array([self.design.active(regime) for regime in regimes], dtype=float)

    def _touched(self, moved: Iterable[str]) -> Mask:
        names = set(moved)
        return np.array([bool(f.actions & names) for f in self.design.features.features])

    def _projection(self, unit: Array) -> "_Projection":
        active = self._active(self.regimes)
        return _Projection([(c, _basis(active[:, c] * unit[c])) for c in self._columns])

    def _contrasts(self, target: Regime, moved: Iterable[str]) -> Array:
        """Return functionals that span all contrasts of the mean of a regime in some actions.

        A smooth function may change by itself; of the indicators of levels, which sum to one, only
        differences change.
        """
        names, features = set(moved), self.design.features
        active = self.design.active(target)
        groups: dict[tuple[tuple[str, int], ...], list[int]] = {}
        changes: list[dict[int, float]] = []
        for position, feature in enumerate(features.features):
            touching = [factor for factor in feature.factors if factor[0] in names]
            levels = [f for f in touching if features.bases[f[0]].functions[f[1]].shape == "level"]
            if touching and len(levels) == len(touching) == 1:
                rest = tuple(factor for factor in feature.factors if factor not in levels)
                groups.setdefault((*rest, (levels[0][0], -1)), []).append(position)
            elif touching:
                changes.append({position: 1.0})
        for first, *others in groups.values():
            changes += [{first: -1.0, other: 1.0} for other in others]
        rows = np.zeros((len(changes), len(active)))
        for row, change in zip(rows, changes, strict=True):
            for position, value in change.items():
                columns = self._columns[position]
                row[columns] = value * active[columns]
        return rows


@dataclass(frozen=True)
class _Projection:
    """The orthogonal projection on what the regimes show, feature by feature."""

    by_feature: Sequence[tuple[Indices, Array]]

    def __call__(self, rows: Array) -> Array:
        projected = np.zeros_like(rows)
        for columns, basis in self.by_feature:
            projected[:, columns] = (rows[:, columns] @ basis.T) @ basis
        return projected


def _basis(rows: Array) -> Array:
    """Return an orthonormal basis of a row space, shape (rank, columns)."""
    _, sizes, turned = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(turned[sizes > TOLERANCE * max(sizes.max(initial=0.0), 1e-300)])


def _spans(rows: Array, wanted: Array) -> bool:
    basis = _basis(rows)
    left = wanted - (wanted @ basis.T) @ basis
    return bool(np.abs(left).max(initial=0.0) < TOLERANCE * 100)
