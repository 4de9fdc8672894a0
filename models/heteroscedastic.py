"""The quadratic model whose outcome is far noisier at some actions than at others.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,   A_2 = A_1 / 2 + C_2 + V_2,          V_k, U ~ N(0, 1/4),
    Y = A_1 + 2 A_1 C_1 + A_2 / 2 + A_2^2 / 4 - A_2 C_2 + U.

An action that is set is drawn from N(0, 1) instead. E[Y | do(a_1, a_2)] = a_1 + a_2/2 + a_2^2/4,
and Var(Y | do(a_1, a_2)) = 4 a_1^2 + a_2^2 + 1/4: rows near the origin say most about the mean.
Features are products of normalised Hermite polynomials of the standardised actions up to total
degree two; the causal part uses those of one action, each bias all of them. The log-variance of
each regime is a function of its own, linear in the same features of actions that are clamped to the
regime's bulk (2.5% to 97.5%, or ten rows from either end), and bounded by 4.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Harvey (Econometrica 44, 1976) for the variance; polynomial.py for the means"

NOISE = 0.5
FEATURES = ["1", "a1", "a1^2", "a2", "a2^2", "a1 a2"]
SINGLE = 5  # how many of them use one action at most
KIND = [-1, 0, 1, 2, 3, 4]  # which prior scale a feature has
MEDIAN = np.array([0.3, 0.1, 0.3, 0.1, 0.1])  # linear and wiggly a1, linear and wiggly a2, pair
BOUND = 4.0

type Array = npt.NDArray[np.float64]


def make_data(n: int, random_seed: int) -> pd.DataFrame:
    """Draw n rows of each of the regimes ``obs``, ``a1`` and ``a2``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        c1, c2 = rng.normal(size=(2, n))
        v1, v2, u = rng.normal(scale=NOISE, size=(3, n))
        a1 = rng.normal(size=n) if regime == "a1" else c1 + v1
        a2 = rng.normal(size=n) if regime == "a2" else 0.5 * a1 + c2 + v2
        y = truth(a1, a2) + 2 * a1 * c1 - a2 * c2 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(a1 + a2 / 2 + a2**2 / 4)


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of every column."""
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    z1, z2, y = (_standardise(frame[name].to_numpy(), regime) for name in ("a1", "a2", "y"))
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()

    phi = _features(z1, z2)
    own1 = [i for i, name in enumerate(FEATURES) if "a1" in name]
    own2 = [i for i, name in enumerate(FEATURES) if "a2" in name]
    phi1, phi2 = _centre(phi, own1, confounded1), _centre(phi, own2, confounded2)
    psi = _features(_clamp(z1, regime), _clamp(z2, regime))[:, 1:]
    psi -= np.array([psi[regime == r].mean(axis=0) for r in range(3)])[regime]
    coords = {
        "regime": regimes,
        "feature": FEATURES,
        "single": FEATURES[:SINGLE],
        "variance_feature": FEATURES[1:],
    }
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        # one scale per linear part, wiggly part and pair; the last entry is that of the constant
        effect_scale = _scales("effect_scale", MEDIAN[:4])
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias1_scale = _scales("bias1_scale", MEDIAN, offset_scale)
        bias2_scale = _scales("bias2_scale", MEDIAN, offset_scale)

        effect = pm.Normal("effect", 0, effect_scale[KIND[:SINGLE]], dims="single")
        bias1 = pm.Normal("bias1", 0, bias1_scale[KIND], dims="feature")
        bias2 = pm.Normal("bias2", 0, bias2_scale[KIND], dims="feature")
        variance_scale = pm.LogNormal("variance_scale", np.log(0.3), 1, dims="regime")
        variance_weight = pm.Normal(
            "variance_weight", 0, variance_scale[:, None], dims=("regime", "variance_feature")
        )

        mean = phi[:, :SINGLE] @ effect
        mean += confounded1 * (phi1 @ bias1)
        mean += confounded2 * (phi2 @ bias2)
        linear = (psi * variance_weight[regime]).sum(axis=1)
        log_variance = BOUND * pm.math.tanh(linear / BOUND)
        pm.Normal("y", mean, sigma[regime] * pm.math.exp(log_variance / 2), observed=y)
    return model


def _scales(name: str, medians: Array, constant: float | TensorVariable = 3.0) -> TensorVariable:
    free = pm.LogNormal(name, np.log(medians), 1)
    return pm.math.concatenate([free, [constant]])


def _features(z1: Array, z2: Array) -> Array:
    square1, square2 = (z1**2 - 1) / np.sqrt(2), (z2**2 - 1) / np.sqrt(2)
    return np.column_stack([np.ones_like(z1), z1, square1, z2, square2, z1 * z2])


def _clamp(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    """Hold values within the bulk of their own regime."""
    held = values.copy()
    for r in np.unique(regime):
        tail = min(max(0.025, 10 / np.sum(regime == r)), 0.25)
        ends = np.quantile(values[regime == r], [tail, 1 - tail])
        held[regime == r] = np.clip(values[regime == r], *ends)
    return held


def _centre(phi: Array, own: list[int], alone: npt.NDArray[np.bool_]) -> Array:
    """Take from the features of an action their means over the rows that leave it alone."""
    centred = phi.copy()
    centred[:, own] -= phi[alone][:, own].mean(axis=0)
    return centred


def _standardise(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    parts = [values[regime == r] for r in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    variance = np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts])
    return np.asarray((values - centre) / np.sqrt(variance))
