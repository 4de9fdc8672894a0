"""Ridge and lasso from moments: exact rational arithmetic, and conditions of optimality."""

from fractions import Fraction
from functools import reduce
from itertools import product

import numpy as np
import pandas as pd
import pytest

from bayes_intgen import RegimeData
from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Scale
from bayes_intgen.baselines.lasso import lasso_path
from bayes_intgen.baselines.monomials import Monomials
from bayes_intgen.baselines.penalised import ALPHAS, fit_penalised
from bayes_intgen.baselines.polynomial_moments import group_moments
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis
from bayes_intgen.scm import sample_polynomial_scm

# Ridge in exact arithmetic


def solve(matrix, right):
    """Solve a positive definite system of fractions."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [b - factor * a for a, b in zip(rows[i], rows[j], strict=True)]
    found = [Fraction(0)] * len(rows)
    for i in reversed(range(len(rows))):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, len(rows)))
        found[i] = (rows[i][-1] - known) / rows[i][i]
    return found


def exact_ridge(rows, points, alpha):
    """Predict by ridge on standardised cubic monomials; only the last step rounds.

    In terms of the coefficients of the monomials the penalty is alpha times their variances.
    """
    powers = [p for p in product(range(4), repeat=rows.shape[1] - 1) if 1 <= sum(p) <= 3]

    def expand(row):
        monomials = []
        for term in powers:
            monomial = Fraction(1)
            for value, power in zip(row, term, strict=True):
                monomial *= Fraction(float(value)) ** power
            monomials.append(monomial)
        return monomials

    n, size = len(rows), len(powers)
    x = [expand(row[:-1]) for row in rows]
    y = [Fraction(float(value)) for value in rows[:, -1]]
    mean_x, mean_y = [sum(column) / n for column in zip(*x, strict=True)], sum(y) / n
    x = [[value - mean for value, mean in zip(row, mean_x, strict=True)] for row in x]
    gram = [[sum(row[i] * row[j] for row in x) for j in range(size)] for i in range(size)]
    cross = [sum(row[i] * (v - mean_y) for row, v in zip(x, y, strict=True)) for i in range(size)]
    for i in range(size):  # a constant monomial has weight zero, whatever its penalty
        gram[i][i] += Fraction(alpha) * (gram[i][i] / n or 1)
    weights = solve(gram, cross)
    answers = []
    for point in points:
        steps = zip(expand(point), mean_x, weights, strict=True)
        answers.append(float(mean_y + sum(w * (m - mean) for m, mean, w in steps)))
    return answers


def make(kind, n):
    """Rows of interest in regime obs; those of a1 only help to fix the units."""
    rng = np.random.default_rng(5)
    a1, a2 = rng.normal(0.3, 1.0, n + 10), rng.normal(-1.0, 2.0, n + 10)
    if kind == "offset":
        a1 += 1e6
    elif kind == "levels":
        a1, a2 = np.resize([0.0, 1.0, 1.0], n + 10), np.resize([-1.0, 1.0], n + 10)
    elif kind == "narrow":
        a1[:n] *= 1e-4
    elif kind == "constant":
        a1[:n] = 3.0
    shift = a1 - 1e6 if kind == "offset" else a1
    y = shift + a2**2 - 0.3 * shift**3 + shift * a2 + rng.normal(0, 0.3, n + 10)
    regime = np.repeat(["obs", "a1"], [n, 10])
    frame = pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime})
    return RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.mark.parametrize(
    ("kind", "n"),
    [
        ("plain", 24),
        ("plain", 9),
        ("offset", 24),
        ("offset", 9),
        ("levels", 24),
        ("constant", 24),
        ("narrow", 24),
    ],
)
def test_ridge_is_that_of_exact_arithmetic(kind, n):
    """Also where monomials are all but collinear, exactly so, constant, or more than rows."""
    data = make(kind, n)
    moments = group_moments(data, 3, {"obs": [()]})
    (features, folds), scale = moments.groups["obs"], moments.outcome_scale
    rows = data.rows("obs")
    points = np.concatenate([rows[:4, :-1], rows[4:8, :-1] + [0.7, -0.4]])  # off the levels too
    for alpha in (1e-8, 1e-4, 1e-1):
        fit = fit_penalised(features, folds, "ridge", scale.spread, [alpha])
        found = scale.centre + scale.spread * fit.predict(points)
        expected = exact_ridge(rows, points, alpha)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-8 * rows[:, -1].std())


def test_a_regime_in_which_no_action_varies_has_its_mean():
    folds = [CentredMoments.from_rows(np.array([[1.0, 2.0, y], [1.0, 2.0, -y]])) for y in (1, 2, 3)]
    features = FeatureMap.within({"a": PolynomialBasis(Scale(0.0, 1.0), 2)}, ["a"])
    for penalty in ("ridge", "lasso"):
        fit = fit_penalised(features, folds, penalty, 1.0)
        assert (fit.coefficients == 0).all()
        assert fit.predict(np.array([[5.0]])) == pytest.approx(0)
        assert fit.r2 == pytest.approx(0)


# The lasso


def standardised(n, correlation, seed, size=12):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    x = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=(n, size))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = x @ np.where(np.arange(size) % 3 == 0, 1.0, 0.0) + rng.normal(size=n)
    y -= y.mean()
    return x, y


def assert_optimal(gram, cross, alpha, weights, tolerance):
    """Zero is a subgradient of the objective at the weights."""
    gradient = gram @ weights - cross
    kept = weights != 0
    assert gradient[kept] == pytest.approx(-alpha * np.sign(weights[kept]), abs=tolerance)
    assert (np.abs(gradient) <= alpha + tolerance).all()


@pytest.mark.parametrize(
    ("n", "correlation"), [(100, 0.0), (100, 0.9), (100, 1 - 1e-6), (8, 0.5), (5, 0.99)]
)
def test_the_lasso_is_optimal(n, correlation):
    """Also with more features than rows, and features that are all but copies of one another."""
    for seed in range(20):
        x, y = standardised(n, correlation, seed)
        gram, cross = x.T @ x / n, x.T @ y / n
        alphas = [1e-8, 1e-4, 1e-2, 0.1, 1.0]
        for alpha, weights in zip(alphas, lasso_path(gram, cross, alphas), strict=True):
            assert_optimal(gram, cross, alpha, weights, 1e-9)


def test_the_lasso_of_uncorrelated_features_is_a_soft_threshold():
    cross = np.array([0.5, -0.3, 0.05, 0.0])
    expected = [[0.4, -0.2, 0.0, 0.0], [0.1, 0.0, 0.0, 0.0]]
    assert lasso_path(np.eye(4), cross, [0.1, 0.4]) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("n", [30, 1000])
def test_the_lasso_is_optimal_for_the_monomials_of_five_actions(n):
    scm = sample_polynomial_scm(5, random_seed=2)
    frame = scm.sample(n, random_seed=3).assign(regime="obs")
    data = RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    features, folds = group_moments(data, 3, {"obs": [()]}).groups["obs"]
    monomials = Monomials.of(features)
    rows = reduce(CentredMoments.merge, folds)
    standard = monomials.expansion / monomials.spreads(rows)[:, None]
    gram = standard @ rows.scatter[:-1, :-1] @ standard.T / n
    cross = standard @ rows.scatter[:-1, -1] / n
    path = lasso_path(gram, cross, ALPHAS)
    for alpha, weights in zip(ALPHAS, path, strict=True):
        assert_optimal(gram, cross, alpha, weights, 1e-10)
    assert np.count_nonzero(path[-1]) < np.count_nonzero(path[0])
