"""Lift tests as linear functionals of the weights, with a normal likelihood.

A regime mean is m_S(a) = phi(a)' theta_S with theta_S the sum, feature by feature, of the weights
that take part in S (design (2)). So the effect of moving a_k, averaged over rows of the other
actions,

    (1)  t'w = mean of phi(to, others after)' theta_S - mean of phi(from, others before)' theta_S,

is linear in the weights w: S = all actions for a direct effect, S = {k} for a total one. A test
reports e ~ N(t'w, se^2) and adds t t' / se^2 to P, t e / se^2 to b, and -1/2 e^2 / se^2 - log se -
1/2 log(2 pi) to the log density of :mod:`bayes_intgen.model.marginal`.

Without interactions a direct effect is u_k(to) - u_k(from), whatever the others are. A total effect
equals it if nothing follows A_k: the others' distribution is then the same at both ends, and their
biases do not involve a_k. Whether nothing does must be given; that no dependence was found in the
data is no proof of it. Otherwise the others follow, and rows of them at both ends are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log, pi
from typing import Self

import numpy as np

from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.base.types import Array, Mask, Scale
from bayes_intgen.data.lift_tests import Columns, LiftTest, LiftTests
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.design import Design

__all__ = ["LiftRows"]

LEAST_ERROR = 1e-6  # of the outcome's spread; sharper ones leave no digits for the rows


@dataclass(frozen=True)
class LiftRows:
    """Observed linear functionals of the weights, in standard units of the outcome."""

    rows: Array = field(repr=False)  # t of each test, shape (tests, weights)
    effect: Array  # shape (tests,)
    standard_error: Array  # shape (tests,)

    @classmethod
    def read(
        cls, lifts: LiftTests, design: Design, summary: Summary, scale: Scale, given: bool
    ) -> Self:
        """Write tests as functionals, by (1); ``given``: that the structure is, and not learned.

        Raises
        ------
        ModelError
            If the effect of a test depends on other actions whose values are not given, or is a
            total one and rows of what follows the action are missing, or of an action whose block
            no regime cuts so; if a value lies beyond the box of a smooth curve; or a standard error
            is below 1e-6 of the outcome's spread.
        DataError
            If a value is not of its action's kind.
        """
        for test in lifts.tests:
            if not test.standard_error >= LEAST_ERROR * scale.spread:
                raise ModelError(
                    f"lifts: row {test.label}: the standard error {test.standard_error:g} is below "
                    f"{LEAST_ERROR:g} of the outcome's spread ({scale.spread:.3g}), which no test "
                    f"reaches and arithmetic cannot tell from none. Is it in the outcome's unit?"
                )
        rows = np.array([_functional(test, design, summary, given) for test in lifts.tests])
        effect = np.array([test.effect for test in lifts.tests]) / scale.spread
        error = np.array([test.standard_error for test in lifts.tests]) / scale.spread
        return cls(rows, effect, error)

    @cached_property
    def gram(self) -> Array:
        """Sum of t t' / se^2, shape (weights, weights)."""
        scaled = self.rows / self.standard_error[:, None]
        return np.asarray(scaled.T @ scaled)

    @cached_property
    def cross(self) -> Array:
        """Sum of t e / se^2, shape (weights,)."""
        return np.asarray((self.effect / self.standard_error**2) @ self.rows)

    @property
    def constant(self) -> float:
        """What the log density holds beside the weights."""
        standard = self.effect / self.standard_error
        each = -0.5 * standard**2 - np.log(self.standard_error) - 0.5 * log(2 * pi)
        return float(each.sum())

    def log_likelihood(self, weights: Array) -> Array:
        """Return the log density of each test, shape (..., weights) to (..., tests)."""
        standard = (self.effect - weights @ self.rows.T) / self.standard_error
        return np.asarray(-0.5 * (standard**2 + log(2 * pi)) - np.log(self.standard_error))

    def take(self, chosen: Mask) -> "LiftRows | None":
        """Return some of the tests; None if there are none of them."""
        if not chosen.any():
            return None
        return LiftRows(self.rows[chosen], self.effect[chosen], self.standard_error[chosen])


def _functional(test: LiftTest, design: Design, summary: Summary, given: bool) -> Array:
    """Return t of one test, shape (weights,)."""
    regime = tuple(design.actions) if test.kind == "direct" else (test.action,)
    _check_block(test, design)
    active = design.active(regime)
    follows = test.others is not None and test.others[0] is not test.others[1]
    if test.kind == "total" and not follows:
        _check_nothing_follows(test, design, given)
    names = tuple(design.features.bases)
    needed = {name for name in names if name != test.action}
    if not follows:  # only what interacts with the action does not cancel
        used = [w.feature.actions for w, on in zip(design.weights, active, strict=True) if on]
        needed &= {name for scope in used if test.action in scope for name in scope}
    before, after = test.others or ({}, {})
    usual = dict(zip(names, reference_values(summary), strict=True))
    ends = []
    for columns, value in zip((before, after), test.code(summary.levels), strict=True):
        settings = _values(test, names, columns, sorted(needed), summary)
        settings[test.action] = np.full(1, value)
        _check_box(test, design, settings)
        unused = {name: np.full(1, usual[name]) for name in names}  # what cancels may be anywhere
        ends.append(_mean_features(design, unused | settings))
    return np.asarray((ends[1] - ends[0])[design.positions] * active)  # (1)


def _check_block(test: LiftTest, design: Design) -> None:
    """Raise a ModelError for a total effect of an action in a block that no regime cuts so."""
    block, own = design.block_of(test.action), (test.action,)
    if test.kind == "total" and block != own and own not in design.cuts:
        others = [name for name in block if name != test.action]
        raise ModelError(
            f"lifts: row {test.label} is a total effect of {test.action!r}, which is in one block "
            f"with {others}: what setting it alone does is a mean of its own, which no regime of "
            f"the data shows. Give its direct effect, with the values at which {others} were held; "
            f"or rows of an experiment that sets {test.action!r} alone, or of one on the whole "
            f"block in place of the test."
        )


def _check_nothing_follows(test: LiftTest, design: Design, given: bool) -> None:
    """Raise a ModelError unless the structure says that no other action depends on this one."""
    children = [name for name, parents in design.parents.items() if test.action in parents]
    if given and not children:
        return
    reason = (
        f"{children} may depend on it" if children else "that no action depends on it was learned"
    )
    raise ModelError(
        f"lifts: row {test.label} is a total effect of {test.action!r}, but {reason}, and so the "
        f"other actions may have differed between the two arms. Give the structure as a graph in "
        f"which nothing depends on {test.action!r}; or rows of the other actions in both arms, "
        f"LiftTests.from_frame(frame, others={{row: (at_from, at_to)}}); or a direct effect."
    )


def _values(
    test: LiftTest, names: Sequence[str], columns: Columns, needed: Sequence[str], summary: Summary
) -> dict[str, Array]:
    """Return the values of the other actions, codes for levels."""
    known = {name: test.settings[name] for name in names if name in test.settings}
    known |= {name: columns[name] for name in names if name in columns}
    missing = [name for name in needed if name not in known]
    if missing:
        raise ModelError(
            f"lifts: the effect in row {test.label} depends on where {missing} were while "
            f"{test.action!r} was moved. Add columns of these names to the table, or rows to "
            f"average over: LiftTests.from_frame(frame, others=...)."
        )
    if not needed:
        return {}
    try:
        points = Points.read({name: known[name] for name in needed}, needed, summary.levels)
    except QueryError as error:
        text = str(error).removeprefix("at: ")
        raise ModelError(f"lifts: row {test.label}, the others while it ran: {text}") from error
    return {name: points.values[:, i] for i, name in enumerate(needed)}


def _check_box(test: LiftTest, design: Design, given: dict[str, Array]) -> None:
    """Raise a ModelError for values beyond the box of a smooth curve."""
    for name, column in given.items():
        low, high = design.features.bases[name].limits or (-np.inf, np.inf)
        beyond = column[(column < low) | (column > high)]
        if len(beyond):
            raise ModelError(
                f"lifts: row {test.label}: {name!r} at {beyond[0]:.6g} lies beyond "
                f"[{low:.4g}, {high:.4g}], the box on which the data define its curve. Is it in "
                f"the unit of the data? If so, leave the row out, or choose the basis Polynomial() "
                f"for {name!r}, which has no box."
            )


def _mean_features(design: Design, table: dict[str, Array]) -> Array:
    """Return the mean of phi over rows, shape (features,)."""
    size = max(len(column) for column in table.values())
    values = np.column_stack([np.broadcast_to(column, size) for column in table.values()])
    return np.asarray(design.features.evaluate(values).mean(axis=0))
