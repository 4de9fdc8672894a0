"""The model with levels: a numeric action, and a categorical one that depends on it.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,                                   V_k, U ~ N(0, 1/4),
    A_2 = mail, shop or web, as A_1 / 2 + C_2 + V_2 lies below -1/2, between, or above 1/2,
    Y = A_1 - A_1^2 / 2 + A_1 C_1 + C_1 + g(A_2) + h(A_2) C_2 + U.

An action that is set is drawn from N(0, 1), or from the three levels alike. Then
E[Y | do(a_1, a_2)] = a_1 - a_1^2 / 2 + g(a_2). Every level has an indicator, none is left out, and
their weights share a scale, so that neither the order of the levels nor a reference level matters.
Products of the indicators with a_1 and a_1^2 let the bias of each action follow another curve at
every level of the other.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix A.1: discrete actions"

NOISE = 0.5
LEVELS = ["mail", "shop", "web"]
EFFECT = np.array([0.0, 1.0, -0.5])  # g
CONFOUNDING = np.array([1.0, 0.2, 2.0])  # h
CURVE, INDICATORS = ["a1", "a1^2", "a1^3"], [f"a2[{level}]" for level in LEVELS]
PRODUCTS = [f"{power} {indicator}" for power in CURVE[:2] for indicator in INDICATORS]
FEATURES = ["1", *CURVE, *INDICATORS, *PRODUCTS]
SINGLE = 1 + len(CURVE + INDICATORS)  # how many of them use one action only
KIND = [-1, 0, 1, 1, *[2] * len(INDICATORS), *[3] * len(PRODUCTS)]  # which scale a feature has
MEDIAN = np.array([0.3, 0.1, 0.3, 0.1])  # linear and wiggly a1, levels of a2, pair

type Array = npt.NDArray[np.float64]


def make_data(n: int, random_seed: int) -> pd.DataFrame:
    """Draw n rows of each of the regimes ``obs``, ``a1`` and ``a2``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        c1, c2 = rng.normal(size=(2, n))
        v1, v2, u = rng.normal(scale=NOISE, size=(3, n))
        a1 = rng.normal(size=n) if regime == "a1" else c1 + v1
        chosen = np.digitize(a1 / 2 + c2 + v2, [-0.5, 0.5])
        a2 = rng.integers(len(LEVELS), size=n) if regime == "a2" else chosen
        y = a1 - a1**2 / 2 + (1 + a1) * c1 + EFFECT[a2] + CONFOUNDING[a2] * c2 + u
        table = {"a1": a1, "a2": np.array(LEVELS)[a2], "y": y, "regime": regime}
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: npt.NDArray[np.str_]) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(a1 - a1**2 / 2 + EFFECT[np.searchsorted(LEVELS, a2)])


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of the numeric columns."""
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    z1, y = (_standardise(frame[name].to_numpy(), regime) for name in ("a1", "y"))
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()

    phi = _features(z1, frame["a2"].to_numpy(dtype=str))
    own1 = [i for i, name in enumerate(FEATURES) if "a1" in name]
    own2 = [i for i, name in enumerate(FEATURES) if "a2" in name]
    phi1, phi2 = _centre(phi, own1, confounded1), _centre(phi, own2, confounded2)
    coords = {"regime": regimes, "feature": FEATURES, "single": FEATURES[:SINGLE]}
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        # one scale per linear part, wiggly part, levels and pair; the last entry is the constant's
        effect_scale = _scales("effect_scale", MEDIAN[:3])
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias1_scale = _scales("bias1_scale", MEDIAN, offset_scale)
        bias2_scale = _scales("bias2_scale", MEDIAN, offset_scale)

        effect = pm.Normal("effect", 0, effect_scale[KIND[:SINGLE]], dims="single")
        bias1 = pm.Normal("bias1", 0, bias1_scale[KIND], dims="feature")
        bias2 = pm.Normal("bias2", 0, bias2_scale[KIND], dims="feature")

        mean = phi[:, :SINGLE] @ effect
        mean += confounded1 * (phi1 @ bias1)
        mean += confounded2 * (phi2 @ bias2)
        pm.Normal("y", mean, sigma[regime], observed=y)
    return model


def _features(z1: Array, a2: npt.NDArray[np.str_]) -> Array:
    curve = [z1, (z1**2 - 1) / np.sqrt(2), (z1**3 - 3 * z1) / np.sqrt(6)]
    indicators = [(a2 == level).astype(float) for level in LEVELS]
    products = [power * indicator for power in curve[:2] for indicator in indicators]
    return np.column_stack([np.ones_like(z1), *curve, *indicators, *products])


def _scales(name: str, medians: Array, constant: float | TensorVariable = 3.0) -> TensorVariable:
    free = pm.LogNormal(name, np.log(medians), 1)
    return pm.math.concatenate([free, [constant]])


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
