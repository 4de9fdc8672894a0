"""Convergence of the chains, or error of the Laplace approximation, of every fit.

The nutpie sampler reports nothing by itself, so R-hat, effective sample sizes, divergences and tree
depths are looked at here.

How far the Laplace approximation is from the posterior is judged where it matters, in E[Y | do(a)].
Points drawn from the Gaussian at the mode are reweighted by the ratio of the posterior density to
that Gaussian. Given the hyperparameters, E[Y | do(a)] is normal with known mean mu_s and variance
v_s, so that its posterior mean and variance with and without the importance weights w_s are

    (1)  mean = sum_s w_s mu_s,      variance = sum_s w_s (v_s + mu_s^2) - mean^2.

If the importance weights change them, so would NUTS. In thirty dimensions a few points carry most
of the total, whether or not the answer is sound (which is why Pareto k is no alarm here);
importance weights are therefore truncated at sqrt(S) times their mean.

References
----------
Ionides (2008), "Truncated importance sampling", Journal of Computational and Graphical
Statistics 17.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.errors import ConvergenceWarning
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.problem import Problem, WeightsGiven, conditionals
from bayes_intgen.model.conditional import Conditional

__all__ = [
    "Convergence",
    "Reweighting",
    "check_laplace",
    "check_nuts",
    "laplace_error",
    "typical_rows",
]

MAX_R_HAT = 1.01
MIN_ESS = 400.0
MAX_SHIFT = 0.25
MAX_RATIO = 1.15
MOST_DIGITS = 9
FEW_POINTS, LEAST_POINTS, MOST_POINTS = 64, 128, 1024
SETTLED = 0.6  # of what is allowed, to be judged by few points
TYPICAL_SETTINGS = 32
WORK = 4e9  # operations spent on factorisations


@dataclass(frozen=True)
class Convergence:
    """The verdict on one fit.

    Parameters
    ----------
    method
        ``nuts``, ``laplace``, or ``prior`` for draws that have seen no data.
    r_hat
        Largest split rank-normalised R-hat over the hyperparameters, and over the weights where
        they are sampled too; NaN for laplace and for a single chain.
    ess
        Smallest bulk effective sample size over the same; NaN for laplace.
    divergences
        Number of draws after tuning on the way to which a transition diverged.
    saturated
        Number of draws on the way to which one was cut off at the maximal tree depth.
    shift, ratio
        For laplace: how much a mean of E[Y | do(a)] (in posterior standard deviations) and a
        standard deviation (as a factor) change when the draws are reweighted to the posterior; zero
        and one for NUTS, which does not approximate.
    problems
        One sentence for each thing that is wrong.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and
    localization: an improved R-hat", Bayesian Analysis 16.
    """

    method: str
    r_hat: float = np.nan
    ess: float = np.nan
    divergences: int = 0
    saturated: int = 0
    shift: float = 0.0
    ratio: float = 1.0
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    def warn(self) -> None:
        """Issue a ConvergenceWarning if something is wrong."""
        if self.problems:
            warnings.warn(str(self), ConvergenceWarning, stacklevel=3)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON types; NaN becomes None."""
        return {k: None if v != v else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Convergence":
        """Rebuild the verdict from :meth:`to_dict`."""
        values: dict[str, Any] = {k: np.nan if v is None else v for k, v in state.items()}
        values["problems"] = tuple(state["problems"])
        return cls(**values)

    def __str__(self) -> str:
        if self.problems:
            return "NOT CONVERGED: " + " ".join(self.problems)
        if self.method == "prior":
            return "independent draws from the prior, not from the data"
        if self.method == "laplace":
            return (
                f"laplace: the mode was found (reweighting moves means by {self.shift:.2f} sd, "
                f"sds by {self.ratio - 1:.0%} at most)"
            )
        return (
            f"nuts: converged (r_hat {self.r_hat:.3f}, bulk ESS {self.ess:.0f}, "
            f"{self.divergences} divergences)"
        )


def check_nuts(sampled: xr.Dataset, sample_stats: xr.Dataset) -> Convergence:
    """Judge NUTS by R-hat, effective sample size, divergences and tree depth.

    ``sampled``: draws of everything that was sampled, dims (chain, draw, ...).
    """
    import arviz as az  # slow to import: saved fits and laplace do without

    chains = sampled.sizes["chain"]
    total = chains * sampled.sizes["draw"]
    ess = _extreme(az.ess(sampled, method="bulk"), np.min)
    r_hat = _extreme(az.rhat(sampled), np.max) if chains > 1 else np.nan
    divergences = int(sample_stats["diverging"].sum()) if "diverging" in sample_stats else 0
    deep = "maxdepth_reached"
    saturated = int(sample_stats[deep].sum()) if deep in sample_stats else 0
    problems = []
    if chains == 1:
        problems.append("One chain cannot show whether it converged; use chains=4.")
    elif not r_hat <= MAX_R_HAT:  # NaN is no convergence either
        problems.append(
            f"The chains disagree (largest r_hat {_tell(r_hat, MAX_R_HAT, 3)}, should be at most "
            f"{MAX_R_HAT}); raise tune and draws."
        )
    if not ess >= MIN_ESS:
        problems.append(
            f"Too few effective draws (smallest bulk ESS {_tell(ess, MIN_ESS, 0)}, should be at "
            f"least {MIN_ESS:.0f}); raise draws."
        )
    if divergences:
        problems.append(f"{divergences} of {total} draws diverged; raise tune.")
    if saturated:
        problems.append(f"{saturated} of {total} draws reached the tree depth; raise tune.")
    return Convergence("nuts", r_hat, ess, divergences, saturated, problems=tuple(problems))


def check_laplace(converged: bool, shift: float, ratio: float) -> Convergence:
    """Judge the Laplace approximation by its mode, and by what reweighting makes of it."""
    problems = []
    if not converged:
        problems.append("The search for the mode stopped early; use method='nuts'.")
    if not (shift <= MAX_SHIFT and ratio <= MAX_RATIO):
        problems.append(
            f"The Gaussian approximation differs from the posterior: reweighted, a mean of the "
            f"expected outcome moves by {_tell(shift, MAX_SHIFT)} sd (should be at most "
            f"{MAX_SHIFT}) and an sd by a factor of {_tell(ratio, MAX_RATIO)} (at most "
            f"{MAX_RATIO}); use method='nuts'."
        )
    return Convergence("laplace", shift=shift, ratio=ratio, problems=tuple(problems))


def _tell(value: float, limit: float, digits: int = 2) -> str:
    """Write a number with as many decimals as it takes to tell it from its limit.

    Examples
    --------
    >>> _tell(0.2504, 0.25), _tell(0.3, 0.25), _tell(399.8, 400.0, 0)
    ('0.2504', '0.30', '399.8')
    """
    while digits < MOST_DIGITS and f"{value:.{digits}f}" == f"{limit:.{digits}f}" != str(value):
        digits += 1
    return f"{value:.{digits}f}"


def typical_rows(problem: Problem, regime: Regime) -> Array:
    """Return what turns weights into the mean of a regime, at 32 settings from the data.

    Shape (settings, weights). Without rows, the means of actions and covariates are the only
    setting.
    """
    design, summary = problem.design, problem.moments.summary
    rows = np.concatenate([part.sample.rows for part in summary.regimes.values()])[:, :-1]
    if len(rows):
        rows = rows[np.linspace(0, len(rows) - 1, TYPICAL_SETTINGS).astype(int)]
    else:
        rows = np.array([[summary.scales[action].centre for action in design.variables]])
    return design.features.evaluate(rows)[:, design.positions] * design.active(regime)


class Reweighting:
    """How far the Gaussian at the mode is from the posterior: (1), as points are added.

    The points from which weights are drawn come first. If they do not settle the matter
    (:meth:`complete`), more of the same Gaussian take their place.

    Parameters
    ----------
    problem, mode
        The posterior, and the Gaussian.
    typical
        Rows that turn weights into means E[Y | do(a)] of interest, shape (settings, weights).
    """

    def __init__(self, problem: Problem, mode: LaplaceMode, typical: Array) -> None:
        self._problem, self._mode = problem, mode
        # once, not for every point
        self._typical = problem.likelihood.centring.to_centred_rows(typical)
        self._points: list[Array] = []
        self._means: list[Array] = []
        self._variances: list[Array] = []
        self._given: list[Conditional] = []  # without their factors

    def add(self, point: Array, given: WeightsGiven) -> None:
        """Add a point of the Gaussian, with the weights given it."""
        self._points.append(point)
        self._means.append(self._typical @ given.centred.mean)
        self._variances.append(given.centred.variance_of(self._typical))
        self._given.append(given.centred.without_factor())

    def complete(self, rng: np.random.Generator) -> tuple[float, float]:
        """Return shift and ratio of the verdict.

        Sixty-four points settle it if by them both are far from their limits; if not, as many fresh
        ones are looked at as the size of the matrices allows for. Few points exaggerate: of 84
        systems of three actions (21 families of curves; 2000, or at most 150, rows per regime), 64
        points settle 50, in all of which 1024 points move means by at most 0.21 sd and sds by at
        most 15%; the one system that 1024 points find to be beyond the limits is beyond them by 64.
        """
        if len(self._points) >= FEW_POINTS:
            shift, ratio = self.error()
            if shift <= SETTLED * MAX_SHIFT and ratio - 1 <= SETTLED * (MAX_RATIO - 1):
                return shift, ratio
        for known in (self._points, self._means, self._variances, self._given):
            known.clear()
        size = int(np.clip(WORK / self._typical.shape[1] ** 3, LEAST_POINTS, MOST_POINTS))
        points = self._mode.draw(size, rng)
        with one_blas_thread():
            for point, given in zip(points, conditionals(self._problem, points), strict=True):
                self.add(point, given)
        return self.error()

    def error(self) -> tuple[float, float]:
        """Return shift and ratio by the points so far."""
        points, size = np.array(self._points), len(self._points)
        log_sds = zip(*self._problem.log_sds(points), self._given, strict=True)
        density = np.array([self._problem.likelihood.log_density(*one) for one in log_sds])
        density += self._problem.hyperpriors.log_density(points).sum(axis=1)
        log_ratio = density - self._mode.log_density(points)
        importance = np.exp(log_ratio - log_ratio.max())
        importance = np.minimum(importance, importance.mean() * np.sqrt(size))
        known = (np.array(self._means), np.array(self._variances))
        mean, sd = _mean_and_sd(np.full(size, 1 / size), *known)
        moved, other = _mean_and_sd(importance / importance.sum(), *known)
        shift = float((np.abs(moved - mean) / sd).max())
        return shift, float(np.maximum(other / sd, sd / other).max())


def laplace_error(
    problem: Problem, mode: LaplaceMode, typical: Array, rng: np.random.Generator
) -> tuple[float, float]:
    """Compare the approximation with itself, reweighted: by shift and ratio of its verdict.

    ``typical``: rows that turn weights into means E[Y | do(a)] of interest, (settings, weights).
    """
    return Reweighting(problem, mode, typical).complete(rng)


def _mean_and_sd(importance: Array, means: Array, variances: Array) -> tuple[Array, Array]:
    """Return the mean and standard deviation of each setting, by (1)."""
    mean = importance @ means
    return mean, np.sqrt(importance @ (variances + (means - mean) ** 2))


def _extreme(values: xr.Dataset, reduce: Any) -> float:
    return float(reduce([reduce(values[name].to_numpy()) for name in values.data_vars]))
