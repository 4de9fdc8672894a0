"""Score tests of further regressors, with a covariance robust to unequal variances.

With regressors X, their least squares residuals e and leverages h_i, and further regressors Z freed
of X, Z~ = Z - X (X'X)^+ X'Z, the score and its covariance (HC3) are

    (1)  s = Z~' e,      V = sum_i z~_i z~_i' e_i^2 / (1 - h_i)^2,
    (2)  s' V^+ s / q ~ F(q, m - q)

with q the rank of V. The residuals are those of the null hypothesis, so that V is not understated
where Z has much leverage. V rests on the rows in which Z~ is large, however many others there are:
with g_i = z~_i' (Z~' Z~)^+ z~_i, whose sum is q, their effective number is m = q^2 / sum g_i^2, or
n - p if that is less.

References
----------
MacKinnon and White (1985), "Some heteroskedasticity-consistent covariance matrix estimators with
improved finite sample properties", Journal of Econometrics 29.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from bayes_intgen.base.types import Array, Indices

__all__ = ["Regression", "ScoreTest"]

RANK = 1e-9
HIGHEST_LEVERAGE = 0.9


@dataclass(frozen=True)
class ScoreTest:
    """The outcome of one test."""

    # the ratio, and the degrees of freedom of its F distribution
    statistic: float
    degrees: int
    rest: int
    p_value: float  # of no effect of the further regressors
    # root mean square of what they explain, over the rows where they are not all zero and without
    # what chance explains; unit of the response
    size: float


@dataclass(frozen=True)
class Regression:
    """An orthonormal basis of some regressors, with leverages."""

    basis: Array = field(repr=False)  # orthonormal columns that span X, shape (n, p)
    leverage: Array = field(repr=False)  # h_i, shape (n,)
    # the independent unit that each row is of, shape (n,); None: a row each
    units: Indices | None = field(default=None, repr=False)

    @classmethod
    def on(cls, regressors: Array, units: Indices | None = None) -> "Regression":
        """Orthonormalise regressors, shape (n, columns), of any rank."""
        spread = np.sqrt(np.einsum("ij,ij->j", regressors, regressors))
        scaled = regressors[:, spread > 0] / spread[spread > 0]
        values, vectors = np.linalg.eigh(scaled.T @ scaled)
        kept = values > RANK * values.max()
        basis = scaled @ (vectors[:, kept] / np.sqrt(values[kept]))
        leverage = np.minimum(np.einsum("ij,ij->i", basis, basis), HIGHEST_LEVERAGE)
        return cls(basis, leverage, units)

    def by_unit(self, values: Array) -> Array:
        """Add up rows, shape (n, columns), of each unit."""
        if self.units is None:
            return values
        order = np.argsort(self.units, kind="stable")
        starts = np.flatnonzero(np.diff(self.units[order], prepend=-1))
        return np.asarray(np.add.reduceat(values[order], starts, axis=0))

    def free(self, columns: Array) -> Array:
        """Return what the regressors leave of some columns, shape (n,) or (n, columns)."""
        return columns - self.basis @ (self.basis.T @ columns)

    def test(self, residuals: Array, probes: Array, freed: Array) -> ScoreTest:
        """Test further regressors.

        ``residuals``: of the response, shape (n,). ``probes`` and ``freed``: the further regressors
        and :meth:`free` of them, shape (n, q).
        """
        n, p = self.basis.shape
        unit = np.sqrt(np.einsum("ij,ij->j", freed, freed))
        original = np.sqrt(np.einsum("ij,ij->j", probes, probes))
        kept = unit > 1e-4 * np.maximum(original, 1e-300)
        z, left = probes[:, kept] / unit[kept], freed[:, kept] / unit[kept]
        score = left.T @ residuals  # s and V of (1)
        scaled = self.by_unit(left * (residuals / (1 - self.leverage))[:, None])
        covariance = scaled.T @ scaled
        values, vectors = np.linalg.eigh(covariance)
        sound = values > RANK * max(float(values.max(initial=0.0)), 1e-300)
        degrees = int(sound.sum())
        if degrees == 0:
            return ScoreTest(np.nan, 0, 0, np.nan, np.nan)
        inverse = np.linalg.pinv(left.T @ left, rcond=1e-6, hermitian=True)
        own = self.by_unit(np.einsum("ij,ij->i", left @ inverse, left)[:, None])[:, 0]  # g_i
        effective = min(float(own.sum() ** 2 / np.sum(own**2)), n - p)  # m
        rest = int(effective) - degrees
        if rest < 1:
            return ScoreTest(np.nan, degrees, rest, np.nan, np.nan)
        rotated = vectors[:, sound].T @ score  # (2), in the eigenvectors of V
        statistic = float(np.sum(rotated**2 / values[sound])) / degrees
        p_value = float(stats.f.sf(statistic, degrees, rest))
        # What the further regressors explain, less what chance alone would explain.
        active = z[np.any(z != 0, axis=1)]
        spread = active.T @ active / len(active)
        explained = inverse @ score
        chance = float(np.vdot(spread, inverse @ covariance @ inverse))
        size = np.sqrt(max(float(explained @ spread @ explained) - chance, 0.0))
        return ScoreTest(statistic, degrees, rest, p_value, float(size))
