"""Scores of further weights against a fit, with a covariance robust to unequal variances.

With X the features of the rows, a column per weight of the fit, Z those of further weights, W the
precisions of the rows and Lambda the prior precisions of the weights, the score of further weights
with prior variances t D is

    (1)  s = Z' W (y - X m),
    (2)  T = (X' W X + Lambda)^-1 X' W Z,      L = (-T; 1),
    (3)  Cov(s) = L' (sum of w_i^2 e_i^2 x_i x_i') L + T' Lambda T,

with the squared residuals e_i^2 in place of a model of the variance (White 1980), of rows that
depend on one another the products of the scores of their clusters
(:mod:`bayes_intgen.inference.sandwich`), and the second term for what shrinkage leaves in the
residuals. The statistic is

    (4)  s' D s,

whose null distribution is a weighted sum of chi-squares (Lin 1997, "Variance component testing in
generalised linear models with random effects", Biometrika 84): directions that the data say little
about count little. With I = Z' W Z - Z' W X T, the information about the further weights, the
evidence of a model with them over that without is, where the likelihood is normal,

    (5)  log B(t) = 1/2 s' (I + D^-1 / t)^-1 s - 1/2 log|1 + t D^1/2 I D^1/2|.

Of rows that depend on one another s and I are those of as many independent rows as tell the same:
both are divided by the design effect tr(D Cov(s)) / tr(D I) (Kish 1965, Survey Sampling).

The scores of some weights are freed of what others explain by

    (6)  s_1 - I_12 (I_22 + D_2^-1)^-1 s_2.

What that none was found is worth: let the weights be r u, with a direction u ~ N(0, D) scaled so
that what interacts has a spread of one over the data. Then s has mean r I u, and with e ~ N(0,
Cov(s)) the statistic is

    (7)  a r^2 + 2 b r + d,   a = |D^1/2 I u|^2,   b = u' I D e,   d = |D^1/2 e|^2,

which is above the value at which the test rejects beyond the larger root in r. The size that is
seen in four cases of five is the 80% quantile of that root. It is that of shapes which products of
the basis have, alike beforehand: smoother ones are seen at less (at half that size, if bilinear),
and ones that bend more often than these products are not seen at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
from scipy import special

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.sandwich import corrected_scores
from bayes_intgen.inference.verdicts.probes import Probe
from bayes_intgen.inference.verdicts.quadratic_form import QuadraticForm, quadratic_form_tail
from bayes_intgen.moments.meat import meat, sum_of_squares, units_are_blocks
from bayes_intgen.moments.moments import Moments

__all__ = ["Scores"]

SCALES = (0.03, 0.1, 0.3)  # root of t in (5): prior scales of products, in outcome's sds
POWER, DRAWS, LARGEST = 0.8, 400, 10.0  # of (7); the last in outcome's sds


@dataclass(frozen=True)
class Scores:
    """Scores of further weights, their information and their robust covariance."""

    score: Array  # shape (q,)
    information: Array  # I, shape (q, q)
    covariance: Array  # (3), shape (q, q)
    scale: Array  # the root of D, shape (q,)
    freedom: float = inf  # degrees of freedom of the covariance, few if rows come in few clusters

    @classmethod
    def of(cls, null: Problem, mode: Array, moments: Moments, probes: Sequence[Probe]) -> "Scores":
        """Compute the scores of all probes, one behind the other.

        Parameters
        ----------
        null, mode
            The fit, and its hyperparameters at the mode.
        moments
            Of its features and of the probes', with those of the residuals.
        probes
            The further weights.
        """
        if moments.residuals is None:
            raise ValueError("moments: those of the residuals are needed for the check.")
        design, given = null.design, null.conditional(mode)
        log_sigma, _, _ = null.split(mode)
        # Sums over rows of (x, z) with all weights, those of the fit first, regime by regime.
        order = {feature.factors: i for i, feature in enumerate(moments.features.features)}
        of_regimes = [design.active(regime) for regime in moments.regimes]
        seen = np.flatnonzero(np.any(of_regimes, axis=0))  # the others are independent of all
        mine = np.array([order[design.weights[i].feature.factors] for i in seen])
        columns = np.concatenate([mine, *(probe.columns for probe in probes)])
        size, freedom = len(mine), inf
        further = columns[size:]
        total = np.zeros((len(columns), len(further)))
        # the middle of (3), above and right of its diagonal blocks too
        middle, corner = np.zeros((size, len(columns))), np.zeros((len(further), len(further)))
        cross, taken = np.zeros(len(columns)), null.effective_parameters(mode, given)
        for r, regime in enumerate(moments.regimes):
            extra = [np.full(len(probe.columns), probe.active(regime)) for probe in probes]
            active = np.concatenate([of_regimes[r][seen], *extra]).astype(float)
            w = np.exp(-2 * log_sigma[r])
            sums = moments.regression(regime)
            counted = sums.n / max(sums.n - taken[r], 1.0)  # the fit took those out of the e_i^2
            _add_placed(total, w * active[size:], sums.gram, columns, active, further)
            if moments.clusters:
                unit = corrected_scores(null, given, moments, r, float(w))
                own = sum_of_squares(unit.keys, unit.scores, units_are_blocks(moments))
                freedom = min(freedom, unit.freedom)
            else:
                own = counted * meat(moments, regime)
            of_mine, of_further = active[:size], active[size:]
            _add_placed(middle, w**2 * active, own, mine, of_mine, columns)
            _add_placed(corner, w**2 * of_further, own, further, of_further, further)
            cross += w * active * sums.cross[columns]
        across = total[:size].T
        rows = np.zeros((len(further), len(design.weights)))
        rows[:, seen] = across
        rows = given.centring.to_centred_rows(rows)
        centred = rows @ given.centred.covariance
        shift = given.centring.to_weights(centred)[:, seen].T  # T of (2)
        score = cross[size:] - across @ given.mean[seen]  # (1)
        root = given.centred.root_of(rows)
        information = total[size:] - root.T @ root
        centred *= np.sqrt(given.precision)
        half = shift.T @ (middle[:, :size] @ shift - 2 * middle[:, size:])
        covariance = centred @ centred.T + (half + half.T) / 2 + corner  # (3), its last term first
        scale = np.concatenate([probe.scale for probe in probes])
        return cls(score, information, covariance, scale, freedom)

    def select(self, where: Indices) -> "Scores":
        """Keep the scores of some weights."""
        block = np.ix_(where, where)
        parts = self.score[where], self.information[block], self.covariance[block]
        return Scores(*parts, self.scale[where], self.freedom)

    def free(self, where: Indices, others: Indices) -> "Scores":
        """Keep those of some weights, without what other weights explain, by (6)."""
        if len(others) == 0:
            return self.select(where)
        own, rest = self.select(where), self.select(others)
        to_own = self.information[np.ix_(others, where)]
        pull = np.linalg.solve(rest.information + np.diag(rest.scale**-2), to_own).T
        cross = self.covariance[np.ix_(where, others)] @ pull.T
        covariance = own.covariance - cross - cross.T + pull @ rest.covariance @ pull.T
        score, information = own.score - pull @ rest.score, own.information - pull @ to_own
        return Scores(score, information, covariance, own.scale, self.freedom)

    @cached_property
    def test(self) -> tuple[float, float]:
        """Statistic s' D s of (4) over its expectation, and its p-value."""
        weighted = self.scale * self.score
        eigenvalues = np.linalg.eigvalsh(self.covariance * np.outer(self.scale, self.scale))
        value, expected = float(weighted @ weighted), max(float(eigenvalues.sum()), 1e-300)
        if self.freedom < inf:
            weights = np.outer(self.scale, self.scale)
            form = QuadraticForm(value, self.covariance * weights, max(self.freedom, 1.0))
            return value / expected, form.tail
        return value / expected, quadratic_form_tail(value, eigenvalues)

    @property
    def design_effect(self) -> float:
        """How many rows tell no more than one, tr(D Cov) / tr(D I); one if rows are independent."""
        if self.freedom == inf:
            return 1.0
        weights = self.scale**2
        told = float(weights @ np.diag(self.information))
        spread = float(weights @ np.diag(self.covariance))
        return spread / told if min(told, spread) > 0 else 1.0

    @cached_property
    def log_evidence(self) -> float:
        """Log Bayes factor (5) for the weights, averaged over three prior scales."""
        information = self.information * np.outer(self.scale, self.scale) / self.design_effect
        values, vectors = np.linalg.eigh((information + information.T) / 2)
        pull = vectors.T @ (self.scale * self.score) / self.design_effect
        values = np.maximum(values, 0.0)
        found = [
            0.5 * float(np.sum(pull**2 / (values + root**-2) - np.log1p(root**2 * values)))
            for root in SCALES
        ]
        return float(np.logaddexp.reduce(found)) - float(np.log(len(SCALES)))

    @property
    def mean(self) -> Array:
        """Posterior mean of the weights for t = 1, shape (q,)."""
        return np.linalg.solve(self.information + np.diag(self.scale**-2), self.score)

    def least_size(self, spread: Array, level: float) -> float:
        """Return the size of an interaction that a test sees in four cases of five, by (7).

        Parameters
        ----------
        spread
            Covariance of the features over the data, shape (q, q).
        level
            Of the test.

        Returns
        -------
        float
            Its spread, in standard units of the outcome; infinite if not even ten of these would
            be seen, since the rows hold nothing about it.
        """
        rng, q = np.random.default_rng(1), len(self.scale)
        u = rng.normal(size=(DRAWS, q)) * self.scale
        own = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", u, spread, u), 0.0))
        if not (own > 0).all():
            return inf
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise = rng.normal(size=(DRAWS, q)) @ root.T * self.scale
        signal = (u / own[:, None]) @ self.information * self.scale
        pairs = ((signal, signal), (signal, noise), (noise, noise))
        a, b, d = (np.sum(x * y, axis=1) for x, y in pairs)  # of (7)
        inside = b**2 - a * (d - self.critical_value(level))
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.where(inside > 0, (np.sqrt(np.maximum(inside, 0.0)) - b) / a, 0.0)
        least = np.where(a > 0, np.maximum(least, 0.0), inf)
        size = float(np.quantile(least, POWER, method="higher"))
        return size if size < LARGEST else inf

    def critical_value(self, level: float) -> float:
        """Return the value of (4) above which the test rejects, by its first two moments."""
        covariance = self.covariance * np.outer(self.scale, self.scale)
        total, squares = float(np.trace(covariance)), float(np.vdot(covariance, covariance))
        if squares <= 0:
            return inf
        own = total**2 / squares  # Satterthwaite's degrees of freedom
        if self.freedom < inf:
            return total * float(special.fdtri(own, max(self.freedom, 1.0), 1 - level))
        return total * float(special.chdtri(own, level)) / own


def _add_placed(
    total: Array, weight: Array, sums: Array, rows: Indices, active: Array, columns: Indices
) -> None:
    """Add sums of features, where their weights are; the shape is that of rows and columns.

    Row by row, of those that are active: each stays in the cache, in a tenth of the time.
    """
    for i in np.flatnonzero(active):
        total[i] += weight * sums[rows[i]].take(columns)
