"""Moments of a confounder C_k given its action A_k and the action's parents.

In a regime that leaves A_k alone, z = g(C_k, V_k) is known once A_k and its parents are, with g the
mechanism at those parents. So (C_k, V_k) lies on a curve, and

    E[C_k^p | z] = I_p / I_0,    I_p = int sum_c c^p p_C(c) p_V(v) / |dg/dc| dv                 (1)

where the sum runs over the roots c of g(c, v) = z; I_0 is the density of z. For g of degree two in
(c, v) the curve is a conic, and ``|dg/dc|`` is the root of a discriminant that is quadratic in v:

    a c^2 + b(v) c + e(v) = 0,    |dg/dc| = sqrt(b(v)^2 - 4 a e(v))                             (2)

Near a root r of the discriminant, where the curve turns back, ``|dg/dc|`` behaves as the square
root of ``|v - r|``; the substitution v = r +- w^2 removes that. The range of v is cut where a root
c passes an edge of its noise's support, at the roots r, and ever more finely towards the middle
between them, where ``|dg/dc|`` is almost proportional to the distance if the conic is close to a
pair of lines. What is left is smooth in w, so that Gauss's rule converges exponentially. A rule
with fewer nodes shows the error.

For Gaussian noises and g linear in (c, v) the pair (C_k, z) is Gaussian and the moments follow from
Gaussian conditioning, without error.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial

__all__ = ["Conditional", "condition_on_action", "unconditional"]

NODES, FEWER_NODES = 40, 28
CUTS = (-1.0, -1 / 3, 0.0, 1 / 3, 1.0)  # of the reach of each noise
FAR = 1e3  # reaches of v at which a root of the discriminant is as good as none
GRADES = 16.0 ** -np.arange(1, 13)[:, None]  # of the reach of v, away from the centre of the conic
POINTS_AT_ONCE = 4096
LEAST_WIDTH = 1e-14  # of a panel, relative to the reach of v


@dataclass(frozen=True)
class Conditional:
    """A confounder given its action and the action's parents.

    Parameters
    ----------
    moments
        E[C^p | a] for p = 0..order, shape (points, order + 1); NaN where the action cannot have
        the value that it is said to have.
    rough
        The same by the rule with fewer nodes: the difference is an estimate of the error, and
        there is none where the moments are in closed form.
    """

    moments: Array
    rough: Array


def unconditional(confounder: Noise, order: int, points: int) -> Conditional:
    """Return the moments of a confounder of which nothing is known, the same at all points."""
    prior = [confounder.moment(power) for power in range(order + 1)]
    moments = np.tile(prior, (points, 1))
    return Conditional(moments, moments)


@dataclass(frozen=True)
class Conic:
    """The curve cc c^2 + cv c v + vv v^2 + c c + v v + one = 0 at some points, shape (points,)."""

    cc: Array
    cv: Array
    vv: Array
    c: Array
    v: Array
    one: Array

    def take(self, points: Any) -> "Conic":
        """Select points by any NumPy index."""
        coefficients = (self.cc, self.cv, self.vv, self.c, self.v, self.one)
        return Conic(*(part[points] for part in coefficients))

    def solve_c(self, v: Array, sign: Array | float) -> Array:
        """Return the root c of one sign at v; not finite where there is none."""
        linear = self.cv * v + self.c
        return _root(self.cc, linear, (self.vv * v + self.v) * v + self.one, sign)

    def solve_v(self, c: float, sign: float) -> Array:
        """Return the root v of one sign at c; not finite where there is none."""
        return _root(self.vv, self.cv * c + self.v, (self.cc * c + self.c) * c + self.one, sign)

    @property
    def discriminant(self) -> tuple[Array, Array, Array]:
        """Coefficients of v^2, v and 1 in the square of dg/dc."""
        return (
            self.cv**2 - 4 * self.cc * self.vv,
            2 * self.cv * self.c - 4 * self.cc * self.v,
            self.c**2 - 4 * self.cc * self.one,
        )

    def slope(self, v: Array) -> Array:
        """Return |dg/dc| on the curve at v; zero where the curve has no point."""
        square, linear, one = self.discriminant
        return np.sqrt(np.maximum((square * v + linear) * v + one, 0.0))


def condition_on_action(
    mechanism: Polynomial,
    confounder: Noise,
    noise: Noise,
    parents: Array,
    z: Array,
    order: int,
) -> Conditional:
    """Average powers of a confounder given its action.

    Parameters
    ----------
    mechanism
        g_k with inputs (parents, C_k, V_k), of total degree two at most in the last two.
    confounder, noise
        Distributions of C_k and V_k.
    parents
        Values of the parents, shape (points, parents).
    z
        Values of g_k, shape (points,).
    order
        Highest power.

    Raises
    ------
    ModelError
        If the mechanism is of a higher degree.
    """
    if all(term[-2] == 0 for term in mechanism.powers):  # the action says nothing
        return unconditional(confounder, order, len(z))
    conic = _conic(mechanism, parents, z)
    straight = not (conic.cc.any() or conic.cv.any() or conic.vv.any())
    if straight and confounder.kind == noise.kind == "gaussian":
        return _condition_gaussian(conic, confounder.sd, noise.sd, order)
    results = []
    for some_points in stretches(len(z), POINTS_AT_ONCE):
        some = conic.take(some_points)
        panels = _panels(some, confounder.reach, noise.reach)
        results.append(
            [_integrate(some, panels, confounder, noise, order, n) for n in (NODES, FEWER_NODES)]
        )
    fine, rough = (np.concatenate(batches) for batches in zip(*results, strict=True))
    with np.errstate(invalid="ignore"):  # 0/0 where the action cannot have this value
        return Conditional(fine / fine[:, :1], rough / rough[:, :1])  # (1)


def _conic(mechanism: Polynomial, parents: Array, z: Array) -> Conic:
    """Collect the coefficients of g - z as a polynomial in (c, v)."""
    collected = {powers: np.zeros(len(z)) for powers in ((2, 0), (1, 1), (0, 2), (1, 0), (0, 1))}
    collected[0, 0] = -z
    for term, coefficient in zip(mechanism.powers, mechanism.coefficients, strict=True):
        *of_parents, of_c, of_v = term
        if (of_c, of_v) not in collected:
            raise ModelError(
                f"effects under which an action is left alone are computed for mechanisms of total "
                f"degree two at most in confounder and noise, got a term with powers "
                f"({of_c}, {of_v}); ask for the joint effect, do=None."
            )
        factor = coefficient * np.prod(parents**of_parents, axis=1)
        collected[of_c, of_v] = collected[of_c, of_v] + factor
    return Conic(*collected.values())


def _condition_gaussian(conic: Conic, sd_c: float, sd_v: float, order: int) -> Conditional:
    """Condition C on c C + v V = -one, all Gaussian."""
    variance = (conic.c * sd_c) ** 2 + (conic.v * sd_v) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):  # an action that neither moves
        mean = -conic.one * conic.c * sd_c**2 / variance
        left = (conic.v * sd_v * sd_c) ** 2 / variance
    moments = [np.ones_like(mean), mean]
    for p in range(2, order + 1):  # E[X^p] = m E[X^(p-1)] + (p - 1) s^2 E[X^(p-2)]
        moments.append(mean * moments[-1] + (p - 1) * left * moments[-2])
    exact = np.column_stack(moments[: order + 1])
    return Conditional(exact, exact)


@dataclass(frozen=True)
class Panels:
    """Pieces of the curve, each of shape (pieces,).

    Their points, the sign of their root c, their ends in v, and the nearest root of the
    discriminant.
    """

    point: Indices
    sign: Array
    lower: Array
    upper: Array
    turn: Array


def _panels(conic: Conic, reach_c: float, reach_v: float) -> Panels:
    """Cut the part of the curve within the reach of both noises into smooth pieces."""
    square, linear, one = conic.discriminant
    signs = (-1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        turns = np.array([_root(square, linear, one, sign) for sign in signs])
        centre = -linear / (2 * square)
        radius = np.sqrt(np.abs(linear**2 - 4 * square * one)) / np.abs(2 * square)
        grades = np.where(4 * GRADES * reach_v >= radius, GRADES * reach_v, 0.0)
        cuts = [np.full_like(centre, cut * reach_v) for cut in CUTS]
        cuts += [conic.solve_v(cut * reach_c, sign) for cut in CUTS for sign in signs]
        knots = np.array([*cuts, *turns, centre, *(centre - grades), *(centre + grades)])
        knots = np.sort(np.clip(np.where(np.isfinite(knots), knots, 0.0), -reach_v, reach_v), 0)
        lower, upper = knots[:-1], knots[1:]
        middle = 0.5 * (lower + upper)
        wide = (upper - lower > LEAST_WIDTH * reach_v) & (conic.slope(middle) > 0)
        inside = [wide & (np.abs(conic.solve_c(middle, sign)) <= reach_c) for sign in signs]
    turns = np.where(np.abs(turns) <= FAR * reach_v, turns, FAR * reach_v)
    first, second = turns[:, None, :]
    turn = np.where(np.abs(first - middle) < np.abs(second - middle), first, second)
    root, panel, point = np.nonzero(np.array(inside))
    ends = lower[panel, point], upper[panel, point]
    return Panels(point, np.array(signs)[root], *ends, turn[panel, point])


def _integrate(
    conic: Conic, panels: Panels, confounder: Noise, noise: Noise, order: int, nodes: int
) -> Array:
    """Return I_0..I_order, shape (points, order + 1)."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    turn = panels.turn[:, None]
    start, end = (np.sqrt(np.abs(v[:, None] - turn)) for v in (panels.lower, panels.upper))
    # v = turn +- w^2, which takes out the square root at the turn
    w = 0.5 * (start + end) + 0.5 * (end - start) * x
    v = turn + np.where(panels.lower[:, None] >= turn, 1.0, -1.0) * w**2
    some = conic.take((panels.point, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        c = some.solve_c(v, panels.sign[:, None])
        slope = some.slope(v)
        height = confounder.density(c) * noise.density(v) / slope  # the integrand of (1)
    on_curve = (slope > 0) & np.isfinite(c)
    mass = np.where(on_curve, height, 0.0) * np.abs(end - start) * w * weight
    c = np.where(on_curve, c, 0.0)
    total = np.zeros((len(conic.one), order + 1))
    for p in range(order + 1):
        total[:, p] = np.bincount(panels.point, (mass * c**p).sum(axis=1), len(conic.one))
    return total


def _root(square: Array, linear: Array, one: Array, sign: Array | float) -> Array:
    """Return (-linear + sign sqrt(linear^2 - 4 square one)) / (2 square), without cancellation."""
    spread = sign * np.sqrt(linear**2 - 4 * square * one)
    apart = linear * spread <= 0
    return np.where(apart, (spread - linear) / (2 * square), -2 * one / (linear + spread))
