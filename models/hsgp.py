"""The smooth model: two actions, effects that are no polynomials, every curve a Gaussian process.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,   A_2 = sin(A_1) + C_2 + V_2,         V_k, U ~ N(0, 1/4),
    Y = (1 + C_1) sin(2 A_1) + 2 C_1 + (2 - C_2) tanh(A_2) + C_2 + U.

An action that is set is drawn from N(0, 1) instead. The confounders modify the effects of their
actions, yet E[Y | do(a_1, a_2)] = sin(2 a_1) + 2 tanh(a_2). A curve is a linear function plus
eigenfunctions of the Laplacian on a box (Hilbert space Gaussian process), a surface the product of
the linear functions plus those of the first few eigenfunctions; the lengthscales enter the prior of
the weights only. The causal part has a curve of each action, the bias of A_1 a curve of a_1; the
bias of A_2, which depends on A_1, has a curve of each and a surface.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Riutort-Mayol et al. (Statistics and Computing 33, 2023) for the curves"

NOISE = 0.5
WAVES, PAIR_WAVES = 10, 5  # eigenfunctions of a curve, and of each action in a surface
EDGE = 1.5  # half-width of the box over that of the data
FREQUENCY = np.pi * np.arange(1, WAVES + 1) / (2 * EDGE)

CURVE1, CURVE2 = ([k, *(f"{k}~{j}" for j in range(1, WAVES + 1))] for k in ("a1", "a2"))
SURFACE = ["a1 a2"]
SURFACE += [f"{f} {g}" for f in CURVE1[1 : PAIR_WAVES + 1] for g in CURVE2[1 : PAIR_WAVES + 1]]
FEATURES = ["1", *CURVE1, *CURVE2, *SURFACE]
# how many of them use a_1 only, one action only, anything
OF_A1, SINGLE, ALL = 1 + len(CURVE1), 1 + len(CURVE1 + CURVE2), len(FEATURES)
KIND = [-1, 0, *[1] * WAVES, 2, *[3] * WAVES, *[4] * len(SURFACE)]  # which scale a feature has
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
        a2 = rng.normal(size=n) if regime == "a2" else np.sin(a1) + c2 + v2
        y = (1 + c1) * np.sin(2 * a1) + 2 * c1 + (2 - c2) * np.tanh(a2) + c2 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(np.sin(2 * a1) + 2 * np.tanh(a2))


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of every column."""
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    a1, a2, y = (frame[name].to_numpy() for name in ("a1", "a2", "y"))
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()

    coords = {
        "regime": regimes,
        "action": ["a1", "a2"],
        "of_a1": FEATURES[:OF_A1],
        "single": FEATURES[:SINGLE],
        "feature": FEATURES,
    }
    with pm.Model(coords=coords) as model:
        phi = _features(a1, a2, regime)
        phi1 = pm.Data("phi1", _centre(phi[:, :OF_A1], [0], confounded1))
        phi2 = pm.Data("phi2", _centre(phi, list(range(OF_A1)), confounded2))
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        lengthscale = pm.LogNormal("lengthscale", np.log(0.6), 0.42, dims="action")
        # one scale per linear part, wiggly part and pair; the last entry is that of the constant
        effect_scale = _scales("effect_scale", MEDIAN[:4])
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias1_scale = _scales("bias1_scale", MEDIAN[:2], offset_scale)
        bias2_scale = _scales("bias2_scale", MEDIAN, offset_scale)
        smoothness = _smoothness(lengthscale)

        effect = pm.Normal("effect", 0, _sd(effect_scale, smoothness, SINGLE), dims="single")
        bias1 = pm.Normal("bias1", 0, _sd(bias1_scale, smoothness, OF_A1), dims="of_a1")
        bias2 = pm.Normal("bias2", 0, _sd(bias2_scale, smoothness, ALL), dims="feature")

        mean = pm.Data("phi", phi[:, :SINGLE]) @ effect
        mean += confounded1 * (phi1 @ bias1)
        mean += confounded2 * (phi2 @ bias2)
        pm.Normal("y", mean, sigma[regime], observed=_standardise(y, regime))
    return model


def _scales(name: str, medians: Array, constant: float | TensorVariable = 3.0) -> TensorVariable:
    free = pm.LogNormal(name, np.log(medians), 1)
    return pm.math.concatenate([free, [constant]])


def _sd(scale: TensorVariable, smoothness: TensorVariable, size: int) -> TensorVariable:
    """Return the prior sd of the weights of the first features; exp(-40) is as good as zero."""
    return pm.math.maximum(scale[KIND[:size]] * smoothness[:size], np.exp(-40))


def _smoothness(lengthscale: TensorVariable) -> TensorVariable:
    """Return the prior sd of each feature's weight over its scale.

    It is one for the constant and the linear functions. For an eigenfunction it is the root of the
    spectral density S(w) = sqrt(2 pi) l exp(-l^2 w^2 / 2), for a product that of its factors.
    """
    root1, root2 = (
        pm.math.sqrt(np.sqrt(2 * np.pi) * ell * pm.math.exp(-((ell * FREQUENCY) ** 2) / 2))
        for ell in (lengthscale[0], lengthscale[1])
    )
    pairs = (root1[:PAIR_WAVES, None] * root2[None, :PAIR_WAVES]).ravel()
    return pm.math.concatenate([[1.0, 1.0], root1, [1.0], root2, [1.0], pairs])


def _features(a1: Array, a2: Array, regime: npt.NDArray[np.intp]) -> Array:
    waves1, waves2 = _waves(a1, regime), _waves(a2, regime)
    pairs = waves1[:, :PAIR_WAVES, None] * waves2[:, None, :PAIR_WAVES]
    z1, z2 = _standardise(a1, regime), _standardise(a2, regime)
    surface = [z1 * z2, pairs.reshape(len(z1), -1)]
    return np.column_stack([np.ones_like(z1), z1, waves1, z2, waves2, *surface])


def _centre(phi: Array, given: list[int], alone: npt.NDArray[np.bool_]) -> Array:
    """Take from the features of an action what those of its parents explain of them.

    ``given``: the positions of the latter, the constant first. The regression is over the rows that
    leave the action alone, and slightly penalised.
    """
    rows = phi[alone]
    left = rows[:, given].T @ rows[:, given]
    left += np.diag([0.0, *[1e-3 * len(rows)] * (len(given) - 1)])
    centred = phi - phi[:, given] @ np.linalg.solve(left, rows[:, given].T @ rows)
    centred[:, given] = phi[:, given]
    return centred


def _waves(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    """Evaluate the eigenfunctions on the box [-EDGE, EDGE], in half-widths of the data.

    The data reach from the lowest 0.05% quantile of the regimes to the highest 99.95% quantile.
    """
    cores = [np.quantile(values[regime == r], [0.0005, 0.9995]) for r in np.unique(regime)]
    low, high = np.min(cores), np.max(cores)
    x = np.clip((values - (low + high) / 2) / ((high - low) / 2), -EDGE, EDGE)
    return np.asarray(np.sin(np.multiply.outer(x + EDGE, FREQUENCY)) / np.sqrt(EDGE))


def _standardise(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    parts = [values[regime == r] for r in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    variance = np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts])
    return np.asarray((values - centre) / np.sqrt(variance))
