"""Support flags: how far query points reach beyond the data.

Each query point gets a flag, from ranges, covariances and some rows of the first pass. A point lies
within the cloud of a regime if its squared Mahalanobis distance is at most the 99.9% quantile of
chi-square and, of several columns, rows lie near it (:mod:`bayes_intgen.posterior.clouds`;
without rows, as in fits saved by 0.1, the distance alone decides).

``supported``
    For every action k that is set: a_k lies within its core range (0.05% to 99.95% quantile) over
    the regimes that set A_k, which show u_k; and, for every action j that is set too and may depend
    on A_k, over the regimes that set A_j and over those that set neither, which tell u_k from the
    bias of j (or, if none sets neither, those that leave A_j alone); and not inside a gap between
    the values that experiments set (:meth:`bayes_intgen.data.summary.Summary.gaps`). For every
    action k that is not set: (a_k, a_pa(k)) lies within the cloud of a regime that leaves A_k
    alone. Actions of several blocks that regimes set only together, and that no lift test moved,
    must lie within the cloud of one of these regimes too: apart from one another their effects were
    not seen. Of a block of several actions: if all are set, a_B must lie within the cloud of a
    regime that sets all of B, and each of its actions within the core ranges that tell u_B from the
    bias of other blocks; if none or a part is set, a_B and the parents of those left alone must lie
    within the cloud of a regime that does the same to B. Or: several actions are set, and the point
    lies within the cloud of that very arm. With covariates z, where an action that is set must be
    within a core range, (a_k, z) must also lie within the cloud of one of the same regimes, since
    u_k(a_k, z) is known only where both were seen together; and for an action that is not set,
    (a_k, a_pa(k), z) is asked for. z has no core range of its own: nobody sets it, and every regime
    shows it. Of a categorical action, the levels seen stand for the core range, and a point lies
    within the cloud of a regime if every two of its levels were seen together there, as the
    products of their indicators need, and its numeric actions lie within the cloud of the rows at
    each of its levels. Of d numeric actions a level with fewer than 10 (d + 1) rows draws no border
    of its own: there the cloud of all rows counts, as the model lends such a level the curve of the
    others. A set action also counts as seen at the values and levels of its lift tests, and in
    between where these are close together (:mod:`bayes_intgen.posterior.tested_values`).
    Actions that never move unless set (:mod:`bayes_intgen.data.at_rest`) count as set, and seen,
    where they are at rest: what is set one at a time is then one experiment, of which settings of
    several at once are an empty corner.
``extrapolated``
    Not supported, though each variable is within its own range over all regimes.
``outside``
    An action or covariate lies beyond its observed range over all regimes.

Three more flags are set elsewhere: ``beyond`` marks points outside the box on which smooth curves
are defined, ``misfit`` those that would be supported if the fit did not miss its own data
(:mod:`bayes_intgen.posterior.misfit_flags`), and ``impossible`` those where the answer is no
possible mean (:mod:`bayes_intgen.posterior.possible_means`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.arguments import show
from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.gap import Gap
from bayes_intgen.data.points import Points
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.posterior.clouds import InClouds
from bayes_intgen.posterior.tested_values import is_tested

__all__ = [
    "Told",
    "classify_support",
    "find_beyond",
    "find_gaps",
    "support_conditions",
    "within_ranges",
]

GAP_MARGIN = 0.1

type Condition = Told | InClouds


def classify_support(
    values: Array,
    do: Regime,
    summary: Summary,
    parents: Mapping[str, tuple[str, ...]],
    blocks: Blocks | None = None,
) -> npt.NDArray[np.str_]:
    """Flag values of actions and covariates, shape (points, variables), under a regime.

    Returns ``supported``, ``extrapolated`` or ``outside`` for each point, shape (points,).
    ``parents`` are the possible parents of each action, which is a block of its own by default.
    """
    needed, joint = support_conditions(do, summary, parents, blocks)
    supported = np.ones(len(values), dtype=bool)
    for condition in needed:
        supported &= condition.holds(values)
    if joint is not None:
        supported |= joint.holds(values)
    inside = within_ranges(values, summary)
    return np.where(~inside.all(axis=1), OUTSIDE, np.where(supported, SUPPORTED, EXTRAPOLATED))


def within_ranges(values: Array, summary: Summary) -> Mask:
    """Say which values lie within the observed range of their variable, (points, variables)."""
    low = np.min([part.low[:-1] for part in summary.regimes.values()], axis=0)
    high = np.max([part.high[:-1] for part in summary.regimes.values()], axis=0)
    inside = (low <= values) & (values <= high)
    for k in map(summary.actions.index, summary.tested):
        inside[:, k] |= is_tested(values, k, summary, (low[k], high[k]), anywhere=True)
    return np.asarray(inside)


@dataclass(frozen=True)
class Told:
    """That the curve of an action that is set is told from the biases of others."""

    action: str
    summary: Summary
    regimes: list[list[RegimeSummary]]  # sets of which each must have shown the action

    @property
    def columns(self) -> tuple[int, ...]:
        """The variables that it is about: the action, and all covariates."""
        actions, covariates = self.summary.actions, self.summary.covariates
        given = range(len(actions), len(actions) + len(covariates))
        return (actions.index(self.action), *given)

    def holds(self, values: Array) -> Mask:
        """Say of which points it holds; ``values`` in all variables, shape (points, variables)."""
        column, *given = self.columns
        summary, seen = self.summary, np.ones(len(values), dtype=bool)
        for chosen in self.regimes:
            seen &= _in_core(values, column, chosen)
            if given:
                seen &= InClouds(self.columns, summary, chosen).holds(values)
        seen &= ~_in_gap(values[:, column], summary.gaps[self.action])
        if self.action in summary.tested:
            seen |= is_tested(values, column, summary, _shown(column, self.regimes))
        return seen


def support_conditions(
    do: Regime,
    summary: Summary,
    parents: Mapping[str, tuple[str, ...]],
    blocks: Blocks | None = None,
) -> tuple[list[Condition], InClouds | None]:
    """Return what supports a point: all of the first, or the second, that of a joint arm."""
    actions = summary.actions
    position = {name: k for k, name in enumerate((*actions, *summary.covariates))}
    given = [position[name] for name in summary.covariates]
    partition = tuple((action,) for action in actions) if blocks is None else blocks
    conditions: list[Condition] = []
    for block in partition:  # every block must have been seen as the regime sets it
        pattern = {*block} & {*do}
        alone = [action for action in block if action not in pattern]
        if alone or len(block) > 1:
            shown = dict.fromkeys([*block, *(name for child in alone for name in parents[child])])
            columns = (*(position[name] for name in shown), *given)
            alike = [part for r, part in summary.regimes.items() if {*block} & {*r} == pattern]
            conditions.append(InClouds(columns, summary, alike))
        if not alone:  # all of it is set: each curve must be told from the biases of others
            for action in block:
                regimes = _needed(action, block, do, summary, parents, partition)
                conditions.append(Told(action, summary, regimes))
    for joined in _set_together(do, summary, partition):
        alike = [part for regime, part in summary.as_set if {*joined} <= {*regime}]
        conditions.append(InClouds(tuple(position[name] for name in joined), summary, alike))
    arms = [part for regime, part in summary.as_set if regime == do] if len(do) > 1 else []
    if arms:  # a joint arm that is the very one asked for
        return conditions, InClouds(tuple(position.values()), summary, arms)
    return conditions, None


def find_beyond(points: Points, bases: Mapping[str, ActionBasis], beyond: str) -> Mask:
    """Find the points beyond the box of a basis, shape (points,).

    Raises
    ------
    QueryError
        If there are such points and ``beyond`` is ``"error"``, or it is not ``"clamp"`` either.
    """
    if not isinstance(beyond, str) or beyond not in ("error", "clamp"):
        raise QueryError(f"beyond must be one of ['error', 'clamp'], got {show(beyond)}.")
    far = np.zeros(len(points), dtype=bool)
    boxes = []
    for k, (action, basis) in enumerate(bases.items()):
        if basis.limits is not None:
            low, high = basis.limits
            out = (points.values[:, k] < low) | (points.values[:, k] > high)
            far |= out
            if out.any():
                boxes.append(f"{action} must lie in [{low:.4g}, {high:.4g}]")
    if beyond == "error" and far.any():
        rows = points.index[far]
        raise QueryError(
            f"at: {len(rows)} points lie beyond the box on which the curves are defined, the "
            f"first at {rows[:5].tolist()}; {', '.join(boxes)}. Leave them out, or pass "
            f"beyond='clamp' to hold the wiggly part of the curves at the edge of the box."
        )
    return far


def _needed(
    action: str,
    block: Regime,
    do: Regime,
    summary: Summary,
    parents: Mapping[str, tuple[str, ...]],
    partition: Blocks,
) -> list[list[RegimeSummary]]:
    """Return the sets of regimes in each of which an action that is set must have been seen."""
    regimes = summary.as_set
    needed = [[part for regime, part in regimes if {*block} <= {*regime}]]
    for other in partition:
        if other != block and any(child in do and action in parents[child] for child in other):
            setting = [part for regime, part in regimes if {*other} & {*regime} == {*other} & {*do}]
            leaving = [part for regime, part in regimes if not {*block, *other} & {*regime}]
            alone = [part for regime, part in regimes if not {*other} & {*regime}]
            needed += [setting, *([leaving or alone] if alone else [])]
    return needed


def _set_together(do: Regime, summary: Summary, partition: Blocks) -> list[Regime]:
    """Return the sets of actions of several blocks of which regimes set all or none."""
    groups: dict[tuple[Regime, ...], list[str]] = {}
    for action in do:
        regimes = tuple(regime for regime in summary.regimes if action in regime)
        if action in summary.at_rest:  # every regime counts as one that sets it
            regimes = tuple(summary.regimes)
        if regimes and action not in summary.tested:
            groups.setdefault(regimes, []).append(action)
    return [
        tuple(group)
        for group in groups.values()
        if len(group) > 1 and not any({*group} <= {*block} for block in partition)
    ]


def _in_core(values: Array, column: int, summaries: Sequence[RegimeSummary]) -> Mask:
    if not summaries:
        return np.zeros(len(values), dtype=bool)
    if column in summaries[0].levels:
        rows = np.array([[level.moments.n for level in part.levels[column]] for part in summaries])
        return np.asarray(rows.any(axis=0)[values[:, column].astype(int)])
    low = min(part.core[0, column] for part in summaries)
    high = max(part.core[1, column] for part in summaries)
    return np.asarray((low <= values[:, column]) & (values[:, column] <= high))


def find_gaps(values: Array, action: str, summary: Summary) -> list[tuple[Gap, Mask]]:
    """Return the gaps of an action between tested values, each with the points that lie in it.

    Lift tests in a gap make it smaller, as in the flags. ``values``: shape (points, variables).
    """
    column, found = summary.variables.index(action), []
    for gap in summary.gaps[action]:
        inside = _in_gap(values[:, column], [gap])
        if action in summary.tested:
            inside &= ~is_tested(values, column, summary, (gap.low, gap.high))
        found.append((gap, inside))
    return found


def _in_gap(values: Array, gaps: Sequence[Gap]) -> Mask:
    """Say which values lie well inside a gap: farther than a tenth of it from its ends."""
    inside = np.zeros(len(values), dtype=bool)
    for gap in gaps:
        margin = GAP_MARGIN * (gap.high - gap.low)
        inside |= (gap.low + margin < values) & (values < gap.high - margin)
    return inside


def _shown(column: int, needed: Sequence[Sequence[RegimeSummary]]) -> tuple[float, ...]:
    """Return both ends of the core range that all sets of regimes share; nothing if there is none.

    Of levels there is no range.
    """
    if not all(needed) or column in needed[0][0].levels:
        return ()
    low = max(min(part.core[0, column] for part in summaries) for summaries in needed)
    high = min(max(part.core[1, column] for part in summaries) for summaries in needed)
    return (low, high) if low <= high else ()
