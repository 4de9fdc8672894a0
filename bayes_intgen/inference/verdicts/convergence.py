"""Whether the draws can be trusted: computed after every fit and carried with it.

The nutpie sampler reports nothing by itself, so everything is looked at here.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import arviz as az
import numpy as np
import xarray as xr

from bayes_intgen.base.errors import ConvergenceWarning
from bayes_intgen.inference.verdicts.laplace_error import LaplaceError

__all__ = ["Convergence", "check_laplace", "check_nuts"]

MAX_R_HAT = 1.01
MIN_ESS = 400.0
MAX_SHIFT = 0.25
MAX_RATIO = 1.15


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
        Number of divergent transitions after tuning.
    saturated
        Number of transitions that were cut off at the maximal tree depth.
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

    Parameters
    ----------
    sampled
        Draws of everything that was sampled, dims (chain, draw, ...).
    sample_stats
        The sampler's own record.
    """
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
    elif not r_hat <= MAX_R_HAT:
        problems.append(
            f"The chains disagree (largest r_hat {r_hat:.6g}, should be at most {MAX_R_HAT}); "
            f"raise tune and draws."
        )
    if not ess >= MIN_ESS:
        problems.append(
            f"Too few effective draws (smallest bulk ESS {ess:.0f}, should be at least "
            f"{MIN_ESS:.0f}); raise draws."
        )
    if divergences:
        problems.append(f"{divergences} of {total} transitions diverged; raise tune.")
    if saturated:
        problems.append(f"{saturated} of {total} transitions reached the tree depth; raise tune.")
    return Convergence("nuts", r_hat, ess, divergences, saturated, problems=tuple(problems))


def check_laplace(found: bool, error: LaplaceError) -> Convergence:
    """Judge the Laplace approximation by its mode, and by what reweighting makes of it.

    Parameters
    ----------
    found
        Whether the mode was found.
    error
        The effect of reweighting.
    """
    problems = []
    if not found:
        problems.append("The search for the mode stopped early; use method='nuts'.")
    if not (error.shift <= MAX_SHIFT and error.ratio <= MAX_RATIO):
        problems.append(
            f"The Gaussian approximation differs from the posterior: reweighted, a mean of the "
            f"expected outcome moves by {error.shift:.2f} sd (should be at most {MAX_SHIFT}) and "
            f"an sd by a factor of {error.ratio:.2f} (at most {MAX_RATIO}); use method='nuts'."
        )
    return Convergence("laplace", shift=error.shift, ratio=error.ratio, problems=tuple(problems))


def _extreme(values: xr.Dataset, reduce: Any) -> float:
    return float(reduce([reduce(values[name].to_numpy()) for name in values.data_vars]))
