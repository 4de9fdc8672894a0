"""What rows of some experiments leave of the uncertainty, in few dimensions.

Given the hyperparameters, weights theta ~ N(m, C), C = R R' (design, section 12). With n_r further
rows of each option r,

    (1)  C_n = (P + sum_r n_r w_r Gbar_r)^-1 = R (I + sum_r n_r H_r)^-1 R',   H_r = w_r R' Gbar_r R,

so that directions z = R^-1 theta in which no H_r has anything stay as they are: with V the
eigenvectors of sum_r n_r H_r, at the largest n_r asked about, whose eigenvalue is not negligible,
H_r is replaced by V' H_r V, and what a goal l has outside them is a constant.

A goal l'theta has, averaged over draws of the hyperparameters, the variance

    (2)  E[l' C_n l] + Var[l'(m - C_n sum_r n_r w_r Gbar_r (m - E m))].

The second part is what different hyperparameters make of the same rows, whose outcomes are as E m
has them. That rows also tell which hyperparameters are right is left out. Refitting with the
expected rows is the same, slowly; the tests do that.

m - E m is never multiplied by R^-1: features may stand in for one another, one set of them under
these hyperparameters and another under those, where the prior of each leaves no room for the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import lapack

from bayes_intgen.base.parallel import one_blas_thread, ordered_map, threads_for
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.options import Option

__all__ = ["Reduced", "ReducedPoint", "reduce_points"]

NEGLIGIBLE = 1e-3  # share of a direction's variance that all rows together would take


@dataclass(frozen=True)
class ReducedPoint:
    """One point of the hyperparameters, with q directions that rows can tell something of."""

    information: Array = field(repr=False)  # H_r, shape (options, q, q)
    goals: Array = field(repr=False)  # l'R V, shape (goals, q)
    rest: Array  # variance of each goal in other directions, shape (goals,)
    shift: Array  # l'(m - E m), shape (goals,)
    pull: Array = field(repr=False)  # w_r V'R' Gbar_r (m - E m), shape (options, q)
    root: Array = field(repr=False)  # R V, of centred weights, shape (weights, q)
    inverse: Array = field(repr=False)  # V'R^-1, shape (q, weights)
    mean: Array = field(repr=False)  # m of centred weights, shape (weights,)


@dataclass(frozen=True)
class Reduced:
    """All points, and the share of the draws that each stands for; in standard units."""

    points: tuple[ReducedPoint, ...]
    share: Array

    def variances(self, rows: Array) -> Array:
        """Return (2) of each goal after some rows of each option, (options,) to (goals,)."""
        within, shifts = [], []
        for point in self.points:
            total = np.tensordot(rows, point.information, 1) + np.eye(point.goals.shape[1])
            solved = np.linalg.solve(total, point.goals.T)  # (q, goals)
            within.append(point.rest + np.einsum("gq,qg->g", point.goals, solved))
            shifts.append(point.shift - (rows @ point.pull) @ solved)
        return self._total(within, shifts)

    def curves(self, option: int, sizes: Array) -> Array:
        """Return (2) of each goal for one option alone at every size, shape (sizes, goals)."""
        with one_blas_thread():
            return self._curves(option, sizes)

    def _curves(self, option: int, sizes: Array) -> Array:
        within, shifts = [], []
        for point in self.points:
            values, vectors = np.linalg.eigh(point.information[option])
            left = 1 / (1 + sizes[:, None] * np.maximum(values, 0.0))  # 1 / (1 + n gamma_i)
            goals, pull = point.goals @ vectors, point.pull[option] @ vectors
            within.append(point.rest + left @ (goals**2).T)
            shifts.append(point.shift - (sizes[:, None] * left) @ (goals * pull).T)
        return self._total(within, shifts)

    def _total(self, within: Sequence[Array], shifts: Sequence[Array]) -> Array:
        squares = np.array(within) + np.array(shifts) ** 2
        return np.asarray(np.tensordot(self.share, squares, 1))


def reduce_points(
    points: HyperPoints,
    options: Sequence[Option],
    goals: Array,
    most: Array,
    centre: Array | None = None,
) -> Reduced:
    """Find the directions that matter, for each point of the hyperparameters.

    Parameters
    ----------
    points, options
        Of a fit, and what may be run.
    goals
        Linear functionals of the weights, not centred, shape (goals, weights).
    most
        The largest number of rows of each option that will be asked about, shape (options,).
    centre
        E m, of centred weights; by default that over the points.
    """
    centred = points.centring.to_centred_rows(goals)
    means = np.array([given.centred.mean for given in points.given])
    overall = points.share @ means if centre is None else centre
    products = np.array([option.mean_gram for option in options])

    def reduce(i: int) -> ReducedPoint:
        conditional = points.given[i].centred
        inverse_factor, _ = lapack.dtrtri(conditional.factor, lower=1)
        root = conditional.scaling[:, None] * inverse_factor.T  # R, C = R R'
        backward = conditional.factor.T / conditional.scaling  # R^-1
        full = centred @ root
        weights = np.array([option.precision[i] for option in options])
        total = root.T @ np.tensordot(most * weights, products, 1) @ root
        values, vectors = np.linalg.eigh(total)
        chosen = vectors[:, values > NEGLIGIBLE]
        half = root @ chosen
        kept = full @ chosen
        information = np.array(
            [w * half.T @ gram @ half for w, gram in zip(weights, products, strict=True)]
        )
        away = means[i] - overall
        return ReducedPoint(
            information,
            kept,
            np.maximum((full**2).sum(axis=1) - (kept**2).sum(axis=1), 0.0),
            centred @ away,
            np.array([w * half.T @ (g @ away) for w, g in zip(weights, products, strict=True)]),
            half,
            chosen.T @ backward,
            means[i],
        )

    with one_blas_thread():
        threads = threads_for(products.shape[-1])
        found = tuple(ordered_map(reduce, range(len(points.given)), threads))
    return Reduced(found, points.share)
