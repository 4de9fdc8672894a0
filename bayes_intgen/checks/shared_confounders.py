"""Is one confounder shared, and does it modify nothing? A test from causal aggregation.

Where actions share a confounder that modifies no effect, the sum rule is wrong, and what
experiments show one by one is right: causal aggregation
(:mod:`bayes_intgen.baselines.aggregation`) solves Cov_j(phi(A_j), Y - E[Y | do(A)]) = 0. That holds
under our assumptions, too, for an action j that no other depends on, if no confounder modifies the
effect of *another* action: regime j then shows what A_j does, whatever confounds the others. So it
is asked of our answer T(a) = E[Y | do(a)], in the manner of Hausman. Biases that depend on a_j,
which a fit takes up because it needs them, lead T away from what the experiment on A_j shows:

    (1)  g = Cov_j(phi_j(A_j), Y - T(A)),

with phi_j the first three powers of A_j, cut at 2.5 standard deviations, or its levels.

With T = x_T'w, the weights w of precision C^-1, and residuals e_i of the fit, row i of regime r
moves g by

    (2)  psi_i = 1{r = j} phi_ji (y_i - T_i) / n_j - Cov_j(phi_j, x_T) C omega_i x_i e_i / sigma_r^2

with phi_j and y - T less their means in regime j. The variance V of g is the sum of psi psi', and
g'V^-1 g / q follows F(q, n_j - q - 1), in large samples chi-square. Influences are those on the
difference itself, so that V has no negative part, as a difference of variances may have.

A confounder that modifies the effect of A_j is no failure; it lets the spread of Y depend on a_j in
regime j, while under a shared confounder that only adds it cannot:

    (3)  Cov_j(phi_j(A_j), (Y - E_j[Y | A_j])^2) = 0.

Where (1) fails and (3) is rejected too, at 1%, the deviation is one that the model allows.

References
----------
Hausman (1978), "Specification tests in econometrics", Econometrica 46.
Gimenez and Rothenhaeusler (2022), Journal of Machine Learning Research 23.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Mask, Scale
from bayes_intgen.checks.finding import Finding
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import Chunk, sum_chunks
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.inference.prepare import Prepared
from bayes_intgen.moments.feature_sums import RowWeights

__all__ = ["check_shared_confounders"]

CUT = 2.5  # sds beyond which a polynomial of an action stays as it is
RANK = 1e-8
LEAST_SHARE = 0.02
SEPARABLE = 0.01  # level of (3)
FEWEST_ROWS = 30
# bins of A_j at most, and rows in each at least, within which a cubic is taken out in (3): in the
# outer bins, wide as they are, lines leave a bend, which looks like a spread
BINS, ROWS_OF_BIN = 6, 50


@dataclass(frozen=True)
class _Instruments:
    """phi_j of one action."""

    column: int
    scale: Scale
    levels: int  # of a categorical action, else zero

    def __call__(self, values: Array) -> Array:
        """Evaluate at rows, shape (n, columns) to (n, functions)."""
        own = values[:, self.column]
        if self.levels:
            return np.equal.outer(own, np.arange(1, self.levels)).astype(float)
        z = np.clip(self.scale.standardise(own), -CUT, CUT)
        return np.column_stack([z, z**2, z**3])


@dataclass(frozen=True)
class _Effects:
    """First pass: moments of (phi_j, y - T, x_T) in regime j."""

    instruments: _Instruments
    features: FeatureMap
    theta: Array  # of T
    scale: Scale  # of the outcome

    def __call__(self, chunk: Chunk) -> CentredMoments:
        values = chunk.values
        phi = self.features.evaluate(values[:, :-1])
        rest = self.scale.standardise(values[:, -1]) - phi @ self.theta
        return CentredMoments.from_rows(np.column_stack([self.instruments(values), rest, phi]))


@dataclass(frozen=True)
class _Influences:
    """Second pass: moments of psi of (2), in every regime."""

    effects: _Effects
    own: Regime  # j
    means: Array  # of (phi_j, y - T) in regime j
    n: int  # rows of regime j
    theta: Mapping[Regime, Array] = field(repr=False)  # of the mean of each regime
    lever: Mapping[Regime, Array] = field(repr=False)  # Cov_j(phi_j, x_T) C / sigma_r^2 by feature
    variances: Mapping[Regime, RowWeights] | None = field(repr=False)

    def __call__(self, chunk: Chunk) -> CentredMoments:
        regime, values = chunk.regime, chunk.values
        of = self.effects
        phi = of.features.evaluate(values[:, :-1])
        y = of.scale.standardise(values[:, -1])
        omega = 1.0 if self.variances is None else np.exp(self.variances[regime].log_weights(phi))
        psi = -(phi @ self.lever[regime].T) * (omega * (y - phi @ self.theta[regime]))[:, None]
        if regime == self.own:
            rest = y - phi @ of.theta - self.means[-1]
            psi += (of.instruments(values) - self.means[:-1]) * (rest / self.n)[:, None]
        return CentredMoments.from_rows(psi)


def check_shared_confounders(
    prepared: Prepared, mode: Array, data: RegimeData
) -> Iterator[Finding]:
    """Hold our answer against what the experiment on each action shows by itself.

    ``prepared`` and ``mode``: the fit that is judged, and its hyperparameters.
    """
    design = prepared.problem.design
    if design.covariates:
        reason = "causal aggregation has no covariates"
        yield Finding.untestable("sharing", "all", reason)
        return
    if design.interactions == "all":
        reason = "where confounders modify other effects causal aggregation is wrong, too"
        yield Finding.untestable("sharing", "all", reason)
        return
    if data.columns.marks.kept:
        reason = "the test takes rows as independent and alike"
        yield Finding.untestable("sharing", "all", reason)
        return
    ends = [
        action
        for action in design.actions
        if design.block_of(action) == (action,)
        and (action,) in data.regimes
        and data.summary.regimes[action,].n >= FEWEST_ROWS
        and not any(action in design.parents[other] for other in design.actions)
    ]
    if not ends or len(design.blocks) < 2:
        reason = f"no action is set alone, in {FEWEST_ROWS} rows, and a cause of no other"
        yield Finding.untestable("sharing", "all", reason)
        return
    if not identify_from(data.regimes, data.actions, design.blocks).identified:
        reason = "the regimes at hand do not determine the joint effect"
        yield Finding.untestable("sharing", "all", reason)
        return
    parts = _Parts.of(prepared, mode)
    for action in ends:
        yield _test(parts, action, data)


@dataclass(frozen=True)
class _Parts:
    """The fit, in the terms of (2)."""

    prepared: Prepared
    features: FeatureMap
    weights: Array
    covariance: Array  # C, of the weights
    positions: Indices  # of each weight's feature
    precision: Mapping[Regime, float]  # sigma_r^-2

    @classmethod
    def of(cls, prepared: Prepared, mode: Array) -> "_Parts":
        problem = prepared.problem
        given = problem.conditional(mode)
        log_sigma = problem.split(mode)[0]
        precision = dict(zip(problem.moments.regimes, np.exp(-2 * log_sigma).tolist(), strict=True))
        # the features of the design come first among those of the moments
        features = prepared.moments.features
        return cls(
            prepared, features, given.mean, given.covariance, problem.design.positions, precision
        )

    def theta(self, active: Mask) -> Array:
        """Return the coefficients of the features for some of the weights."""
        gather = np.zeros(len(self.features.features))
        np.add.at(gather, self.positions[active], self.weights[active])
        return gather


def _test(parts: _Parts, action: str, data: RegimeData) -> Finding:
    """Test (1) for one action."""
    design, summary = parts.prepared.problem.design, data.summary
    scale = parts.prepared.problem.moments.outcome_scale
    own = (action,)
    instruments = _Instruments(
        summary.variables.index(action),
        summary.scales[action],
        len(summary.levels[action]) if action in summary.levels else 0,
    )
    joint = design.active(design.actions)
    effects = _Effects(instruments, parts.features, parts.theta(joint), scale)
    (seen,) = sum_chunks(data, effects, [own]).values()
    count = len(seen.mean) - len(parts.features.features) - 1
    covariance = seen.covariance
    g = covariance[:count, count]  # (1)
    along = np.zeros((count, len(parts.weights)))  # Cov_j(phi_j, x_T), by weight
    along[:, joint] = covariance[:count, count + 1 :][:, parts.positions[joint]]
    pull = along @ parts.covariance
    levers, thetas = {}, {}
    for regime in data.regimes:
        active = design.active(regime)
        by_feature = np.zeros((len(parts.features.features), count))
        np.add.at(by_feature, parts.positions[active], pull[:, active].T)
        levers[regime] = parts.precision[regime] * by_feature.T
        thetas[regime] = parts.theta(active)
    influences = _Influences(
        effects, own, seen.mean[: count + 1], seen.n, thetas, levers, parts.prepared.log_variances
    )
    moved = sum_chunks(data, influences)
    variance = np.sum([rows.scatter for rows in moved.values()], axis=0)
    square, degrees = _quadratic_form(g, variance)
    statistic, rest = square / degrees, seen.n - len(g) - 1
    size = _explained(g, covariance[:count, :count], variance) * scale.spread
    spread = summary.scales[data.outcome].spread
    return Finding(
        "sharing",
        f"effect of {action}",
        statistic,
        f"F({degrees}, {rest})",
        float(stats.f.sf(statistic, degrees, rest)),
        size,
        size / spread,
        LEAST_SHARE,
        f"the experiment on {action} shows another effect of it than the sum rule: a confounder is "
        f"shared by actions and modifies nothing, or their confounders act together; causal "
        f"aggregation is right in the first case (CausalAggregation; its answer stands below)",
        allowed=_spread_depends(instruments, data, own) <= SEPARABLE,
    )


def _quadratic_form(g: Array, variance: Array) -> tuple[float, int]:
    """Return g'V^+ g and the rank of V."""
    unit = np.sqrt(np.maximum(np.diag(variance), 1e-300))
    values, vectors = np.linalg.eigh(variance / np.outer(unit, unit))
    sound = values > RANK * values.max()
    return float(np.sum((vectors[:, sound].T @ (g / unit)) ** 2 / values[sound])), int(sound.sum())


def _explained(g: Array, spread: Array, variance: Array) -> float:
    """Return the root mean square of what phi_j explains of Y - T, less what chance would."""
    inverse = np.linalg.pinv(spread, RANK, hermitian=True)
    square = float(g @ inverse @ g) - float(np.vdot(inverse, variance))
    return float(np.sqrt(max(square, 0.0)))


def _spread_depends(instruments: _Instruments, data: RegimeData, own: Regime) -> float:
    """Return the p-value of (3), of thinned rows."""
    rows = data.summary.regimes[own].sample.rows
    a, y = rows[:, instruments.column], rows[:, -1]
    edges = np.linspace(0, 1, max(min(BINS, len(a) // ROWS_OF_BIN), 1) + 1)[1:-1]
    _, place = np.unique(np.searchsorted(np.quantile(a, edges), a), return_inverse=True)
    residuals = np.empty_like(y)
    for one in range(place.max() + 1):
        chosen = place == one
        z = (a[chosen] - a[chosen].mean()) / (np.ptp(a[chosen]) or 1.0)
        cubic = np.vander(z, 4)
        residuals[chosen] = y[chosen] - cubic @ np.linalg.lstsq(cubic, y[chosen])[0]
    squares = residuals**2
    probes = instruments(rows)
    products = (probes - probes.mean(axis=0)) * (squares - squares.mean())[:, None]
    statistic, degrees = _quadratic_form(products.sum(axis=0), products.T @ products)
    return float(stats.chi2.sf(statistic, degrees))
