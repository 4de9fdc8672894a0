"""Two actions that interact in the outcome: the causal part has a surface of both.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,   A_2 = A_1 / 2 + C_2 + V_2,          V_k, U ~ N(0, 1/4),
    Y = A_1 - A_1^2 / 2 + A_2 / 2 + A_1 A_2 + 2 A_1 C_1 - A_2 C_2 + C_1 + U.

An action that is set is drawn from N(0, 1) instead. Then E[Y | do(a_1, a_2)] is no longer a sum of
curves: a_1 - a_1^2 / 2 + a_2 / 2 + a_1 a_2. It is still what the observational regime and the two
experiments determine, m_1 + m_2 - m_obs, because each confounder meets its own action only.
Features are products of normalised Hermite polynomials of the standardised actions up to total
degree three; the causal part and each bias use all of them.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Kekić, Garrido Mejia and Schölkopf (ICML 2025), with g(A_1, A_2) added to Assumption 2"

NOISE = 0.5
FEATURES = [
    *("1", "a1", "a1^2", "a1^3", "a2", "a2^2", "a2^3"),
    *("a1 a2", "a1 a2^2", "a1^2 a2"),
]
KIND = [-1, 0, 1, 1, 2, 3, 3, 4, 4, 4]  # which prior scale a feature has
MEDIAN = np.array([0.3, 0.1, 0.3, 0.1, 0.1])  # linear and wiggly a1, linear and wiggly a2, pair

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
        y = truth(a1, a2) + 2 * a1 * c1 - a2 * c2 + c1 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(a1 - a1**2 / 2 + a2 / 2 + a1 * a2)


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
    with pm.Model(coords={"regime": regimes, "feature": FEATURES}) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        # one scale per linear part, wiggly part and pair; the last entry is that of the constant
        effect_scale = _scales("effect_scale")
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias1_scale = _scales("bias1_scale", offset_scale)
        bias2_scale = _scales("bias2_scale", offset_scale)

        effect = pm.Normal("effect", 0, effect_scale[KIND], dims="feature")
        bias1 = pm.Normal("bias1", 0, bias1_scale[KIND], dims="feature")
        bias2 = pm.Normal("bias2", 0, bias2_scale[KIND], dims="feature")

        mean = phi @ effect
        mean += confounded1 * (phi1 @ bias1)
        mean += confounded2 * (phi2 @ bias2)
        pm.Normal("y", mean, sigma[regime], observed=y)
    return model


def _scales(name: str, constant: float | TensorVariable = 3.0) -> TensorVariable:
    return pm.math.concatenate([pm.LogNormal(name, np.log(MEDIAN), 1), [constant]])


def _features(z1: Array, z2: Array) -> Array:
    square1, square2 = (z1**2 - 1) / np.sqrt(2), (z2**2 - 1) / np.sqrt(2)
    cube1, cube2 = (z1**3 - 3 * z1) / np.sqrt(6), (z2**3 - 3 * z2) / np.sqrt(6)
    ones = np.ones_like(z1)
    products = (z1 * z2, z1 * square2, square1 * z2)
    return np.column_stack([ones, z1, square1, cube1, z2, square2, cube2, *products])


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
