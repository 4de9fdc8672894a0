"""Ridge and lasso regression on standardised monomials, cross-validated, from moments.

With x the standardised monomials of :mod:`bayes_intgen.baselines.monomials`, scikit-learn's
objectives

    (1) ridge   ||y - mean y - X w||^2 + alpha w'w
    (2) lasso   ||y - mean y - X w||^2 / (2 n) + alpha |w|_1

depend on the rows through their centred sums of products only. The ridge is solved for the
coefficients c of the orthogonal polynomials, where it reads (G + alpha Q) c = b with G and b the
sums of products, Q = R R' and R = T^-1 D: this keeps the digits that the sums of products of x
lose. alpha is the one of a grid with the best mean coefficient of determination over three folds
(each standardised by its own training rows); the regression is then fitted to all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Literal

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack, qr

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.baselines.lasso import lasso_path
from bayes_intgen.baselines.monomials import Monomials
from bayes_intgen.design.basis.features import FeatureMap

__all__ = ["ALPHAS", "PenalisedRegression", "Penalty", "fit_penalised"]

ALPHAS = tuple(10.0**power for power in range(-8, 0))
LEAST_PIVOT = 1e-13  # a feature with less variance of its own depends on the others

type Penalty = Literal["ridge", "lasso"]


@dataclass(frozen=True)
class PenalisedRegression:
    """A penalised polynomial regression.

    Parameters
    ----------
    features
        The orthogonal polynomials it is linear in, the constant first.
    n
        Number of rows.
    alpha
        The penalty chosen.
    r2
        Its coefficient of determination on held-out rows, averaged over the folds.
    centre
        Means of the features without the constant, then of the outcome, in standard units.
    coefficients
        Of the features without the constant.
    """

    features: FeatureMap = field(repr=False)
    n: int
    alpha: float
    r2: float
    centre: Array = field(repr=False)
    coefficients: Array = field(repr=False)

    def predict(self, values: Array) -> Array:
        """Return the mean outcome at values of the actions, shape (n, K) to (n,)."""
        phi = self.features.evaluate(values)[:, 1:]
        return np.asarray(self.centre[-1] + (phi - self.centre[:-1]) @ self.coefficients)


def fit_penalised(
    features: FeatureMap,
    folds: Sequence[CentredMoments],
    penalty: Penalty,
    unit: float,
    alphas: Sequence[float] = ALPHAS,
) -> PenalisedRegression:
    """Choose alpha by cross-validation and fit the regression to all rows.

    Parameters
    ----------
    features
        Orthogonal polynomials of the actions, the constant first.
    folds
        Moments of (features without the constant, outcome) of the rows of each fold.
    penalty
        ``"ridge"`` or ``"lasso"``.
    unit
        The unit of the outcome, in which the lasso's alpha is meant.
    alphas
        The grid.

    Raises
    ------
    ModelError
        If the features are not products of polynomials.
    """
    monomials = Monomials.of(features)

    def path_of(rows: CentredMoments) -> Array:
        if penalty == "ridge":
            return _ridge(rows, monomials, alphas)
        return _lasso(rows, monomials, [alpha / unit for alpha in alphas])

    scores = []
    for position, held_out in enumerate(folds):
        others = [fold for i, fold in enumerate(folds) if i != position]
        training = reduce(CentredMoments.merge, others)
        scores.append(_r2(training, path_of(training), held_out))
    means = np.mean(scores, axis=0)
    best = int(np.argmax(means))
    rows = reduce(CentredMoments.merge, folds)
    return PenalisedRegression(
        features, rows.n, alphas[best], float(means[best]), rows.mean, path_of(rows)[best]
    )


def _ridge(rows: CentredMoments, monomials: Monomials, alphas: Sequence[float]) -> Array:
    """Return the coefficients of the features for every alpha, shape (alphas, features)."""
    gram, cross = rows.scatter[:-1, :-1], rows.scatter[:-1, -1]
    spreads = monomials.spreads(rows)
    typical = np.linalg.norm(monomials.expansion, axis=1)
    spreads = np.where(spreads > 0, spreads, typical)  # a constant has weight zero in any unit
    root = spreads[:, None] * monomials.inverse.T  # R', so that w = R'c
    kept, spread_out = _free_directions(gram, root)
    roots = root @ spread_out
    inner, penalty = gram[np.ix_(kept, kept)], roots.T @ roots
    # (1) in the directions that the rows determine: (G + alpha Q) c = b
    solutions = [cho_solve(cho_factor(inner + a * penalty), cross[kept]) for a in alphas]
    return np.array(solutions) @ spread_out.T


def _free_directions(gram: Array, root: Array) -> tuple[Indices, Array]:
    """Find features that determine the others on the rows, and how ridge spreads their weight.

    Features are linearly dependent when an action takes few values, or rows are fewer than
    features. With phi_rest = M' phi_kept on the rows, only g = c_kept + M c_rest matters to the
    fit, and of all c with the same g the ridge takes the one of least c'Q c: c = E g.

    Parameters
    ----------
    gram
        Centred sums of products of the features.
    root
        R', where c'Q c = |R'c|^2.

    Returns
    -------
    kept
        Positions of features that are independent.
    spread_out
        E, shape (features, kept).
    """
    spread = np.sqrt(np.diag(gram))
    spread[spread == 0] = 1.0
    _, order, rank, _ = lapack.dpstrf(gram / np.outer(spread, spread), tol=LEAST_PIVOT, lower=1)
    if rank == len(gram):
        return np.arange(rank), np.eye(rank)
    order = order - 1  # Fortran counts from one
    first, others = order[:rank], order[rank:]
    null = np.zeros((len(gram), len(others)))  # changes of c that change nothing on the rows
    null[others] = np.eye(len(others))
    null[first] = -cho_solve(cho_factor(gram[np.ix_(first, first)]), gram[np.ix_(first, others)])
    # The rest are those that the penalty burdens most: their share is small and cancels nothing.
    cost = np.linalg.norm(root, axis=0)
    order = qr((cost[:, None] * null).T, mode="r", pivoting=True)[1]
    rest, kept = order[: len(others)], np.sort(order[len(others) :])
    matrix = -np.linalg.solve(null[rest].T, null[kept].T).T
    idle = root[:, rest] - root[:, kept] @ matrix
    size = np.linalg.norm(idle, axis=0)
    share = np.linalg.lstsq(idle / size, root[:, kept])[0] / size[:, None]
    spread_out = np.zeros((len(gram), rank))
    spread_out[kept] = np.eye(rank) + matrix @ share
    spread_out[rest] = -share
    return kept, spread_out


def _lasso(rows: CentredMoments, monomials: Monomials, alphas: Sequence[float]) -> Array:
    spreads = monomials.spreads(rows)
    inverse = np.divide(1.0, spreads, out=np.zeros_like(spreads), where=spreads > 0)
    standard = inverse[:, None] * monomials.expansion  # x = D^-1 T phi
    gram = standard @ rows.scatter[:-1, :-1] @ standard.T / rows.n
    cross = standard @ rows.scatter[:-1, -1] / rows.n
    return lasso_path(gram, cross, alphas) @ standard


def _r2(training: CentredMoments, path: Array, held_out: CentredMoments) -> Array:
    """Return 1 - (squared error) / (squares around the mean) on held-out rows, for every alpha."""
    gram, cross = held_out.scatter[:-1, :-1], held_out.scatter[:-1, -1]
    total = held_out.scatter[-1, -1]
    shift = held_out.mean - training.mean
    error = total - 2 * path @ cross + ((path @ gram) * path).sum(axis=1)
    error += held_out.n * (shift[-1] - path @ shift[:-1]) ** 2
    if total == 0:  # as in scikit-learn
        return np.where(error == 0, 1.0, 0.0)
    return np.asarray(1 - error / total)
