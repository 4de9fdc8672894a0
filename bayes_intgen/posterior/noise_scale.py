"""The spread of the outcome about its mean under any regime.

What it is depends on the fit:

learned variance
    Var_S(a) of :mod:`bayes_intgen.model.variance_sum_rule`, for every S that is identified; normal
    noise.
``likelihood="heteroscedastic"``
    The affine combination of the variance functions sigma_r^2 exp(h_r(a)) of the regimes that gives
    Var_S(a) by the same identity, draw by draw; normal noise.
one sigma per regime (``variance="constant"``, or moments)
    That sigma, for regimes with rows only. It is an average over the actions of its own regime, and
    says nothing of another.
``likelihood="student_t"``
    The scale of the regime and Student's t with nu degrees of freedom, likewise.
"""

import numpy as np

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.inference.variance_functions import variance_design
from bayes_intgen.model.log_variance import VarianceFeatures
from bayes_intgen.model.log_variance_rows import bound_log_variance
from bayes_intgen.model.variance_sum_rule import (
    FLOOR,
    combine_regimes,
    variance_at,
)
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["noise_scale", "squared_scale"]


def noise_scale(fit: Fitted, values: Array, regime: Regime) -> tuple[Array, Array | None]:
    """Return the scale of the noise at some points, and its degrees of freedom if it is Student's.

    The scale is in the outcome's unit and not below its floor, shape (chain, draw, points) or
    (chain, draw, 1), at values of actions and covariates, shape (points, variables). Degrees of
    freedom have shape (chain, draw, 1), or are None.
    """
    variance, least, nu = squared_scale(fit, values, regime)
    return np.sqrt(np.maximum(variance, least)), nu


def squared_scale(
    fit: Fitted, values: Array, regime: Regime
) -> tuple[Array, float | Array, Array | None]:
    """Return the squared scale of the noise, its floor, and degrees of freedom if it has any.

    The first has shape (chain, draw, points) or (chain, draw, 1), the others are numbers or have
    shape (chain, draw, 1). A fit without a spread of the outcome in this regime is refused.
    """
    tree = fit.idata
    if "variance" in tree.children:
        functions = tree["variance"].dataset
        design = variance_design(fit.design)
        variance = variance_at(design, functions["weight"].to_numpy(), values, regime)
        return variance, float(functions["least"]), None
    posterior = tree["posterior"].dataset
    if "variance_weights" in tree.children:
        by_regime = _regime_variances(fit, values)
        coefficients = combine_regimes(fit.design, fit.summary.regimes, regime)
        if coefficients is None:  # an identified mean has them
            raise QueryError(f"do: the spread under do({', '.join(regime)}) is not identified.")
        least = FLOOR * posterior["sigma"].to_numpy().min(axis=-1, keepdims=True) ** 2
        return np.einsum("r,cdrp->cdp", coefficients, by_regime), least, None
    if "nu" not in posterior and tree.attrs.get("variance") != "constant":
        raise QueryError(
            "predict: this fit holds no spread of the outcome, because it was saved by a version "
            "that kept none, or is a prior of a likelihood that learns it; fit it again."
        )
    label = format_regime(regime)
    if label not in posterior["regime"]:
        raise QueryError(
            f"do: nothing is known about the spread of the outcome in regime {label!r}, of which "
            f"there are no rows: this fit has one sigma per regime ({_why(fit)}). Ask about one "
            f"of {posterior['regime'].to_numpy().tolist()}, or fit rows (a RegimeData) with "
            f"likelihood='normal' and variance='learned', which carries over to every regime."
        )
    sigma = posterior["sigma"].sel(regime=label).to_numpy()[..., None]
    nu = posterior["nu"].to_numpy()[..., None] if "nu" in posterior else None
    return sigma**2, 0.0, nu


def _why(fit: Fitted) -> str:
    if "nu" in fit.idata["posterior"].dataset:
        return "likelihood='student_t'"
    return "variance='constant', moments without rows, or a prior"


def _regime_variances(fit: Fitted, values: Array) -> Array:
    """Evaluate sigma_r^2 exp(h_r(a)) of every regime, shape (chain, draw, regimes, points)."""
    tree = fit.idata
    constants = tree["constant_data"].dataset
    features = fit.design.features
    columns = VarianceFeatures.of(features).columns
    smooth = FeatureMap(features.bases, tuple(features.features[i] for i in columns))
    centre, limits = (constants[f"variance_{n}"].to_numpy() for n in ("centre", "limits"))
    gamma = tree["variance_weights"].dataset["variance_weight"].to_numpy()
    sigma = tree["posterior"].dataset["sigma"].to_numpy()
    variances = []
    for r, ends in enumerate(limits):
        psi = smooth.evaluate(np.clip(values, *ends)) - centre[r]
        log_variance = bound_log_variance(gamma[:, :, r] @ psi.T)
        variances.append(sigma[:, :, r, None] ** 2 * np.exp(log_variance))
    return np.stack(variances, axis=2)
