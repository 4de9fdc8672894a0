"""Three actions in two blocks: {A_1, A_2} share a confounder and interact, {A_3} is on its own.

    C, C_3 ~ N(0, 1),   V_k, U ~ N(0, 1/4),
    A_1 = C + V_1,   A_2 = A_1 / 2 + C + V_2,   A_3 = A_2 / 2 + C_3 + V_3,
    Y = A_1 + A_1 A_2 + A_1 C + 2 C + A_3 - A_3^2 / 2 + A_3 C_3 + U.

Actions that are set are drawn from N(0, 1) instead, those of a block together, so that the regimes
are obs, a1+a2 and a3. E[Y | do(a_1, a_2, a_3)] = a_1 + a_1 a_2 + a_3 - a_3^2 / 2, though the first
two actions were never set one at a time and the third never with them. The formula is that of
single actions with blocks in their place: the effect of the block is a surface of a_1 and a_2, its
bias another, switched off when the block is set; that of A_3 depends on a_3 and its parent a_2.
Features are products of normalised Hermite polynomials of the standardised actions up to total
degree three.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Kekić, Garrido Mejia and Schölkopf (ICML 2025), Corollary 1"

NOISE = 0.5
SINGLE = {k: [f"a{k}", f"a{k}^2", f"a{k}^3"] for k in (1, 2, 3)}
PAIR = {(j, k): [f"a{j} a{k}", f"a{j} a{k}^2", f"a{j}^2 a{k}"] for j, k in ((1, 2), (2, 3))}
FEATURES = ["1", *SINGLE[1], *SINGLE[2], *SINGLE[3], *PAIR[1, 2], *PAIR[2, 3]]
EFFECT = ["1", *SINGLE[1], *SINGLE[2], *SINGLE[3], *PAIR[1, 2]]
BIAS12 = ["1", *SINGLE[1], *SINGLE[2], *PAIR[1, 2]]
BIAS3 = ["1", *SINGLE[2], *SINGLE[3], *PAIR[2, 3]]
# which prior scale a feature of a component has: linear and wiggly by action, pair; the constant's
# is the last
CURVES2, CURVES3 = [0, 1, 1, 2, 3, 3], [0, 1, 1, 2, 3, 3, 4, 5, 5]
EFFECT_KIND, BIAS_KIND = [-1, *CURVES3, 6, 6, 6], [-1, *CURVES2, 4, 4, 4]
EFFECT_MEDIAN = np.array([0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.1])
BIAS_MEDIAN = np.array([0.3, 0.1, 0.3, 0.1, 0.1])

type Array = npt.NDArray[np.float64]


def make_data(n: int, random_seed: int) -> pd.DataFrame:
    """Draw n rows of each of the regimes ``obs``, ``a1+a2`` and ``a3``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1+a2", "a3"):
        c, c3, set1, set2, set3 = rng.normal(size=(5, n))
        v1, v2, v3, u = rng.normal(scale=NOISE, size=(4, n))
        a1 = set1 if regime == "a1+a2" else c + v1
        a2 = set2 if regime == "a1+a2" else 0.5 * a1 + c + v2
        a3 = set3 if regime == "a3" else 0.5 * a2 + c3 + v3
        y = truth(a1, a2, a3) + a1 * c + 2 * c + a3 * c3 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "a3": a3, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array, a3: Array) -> Array:
    """Return E[Y | do(a_1, a_2, a_3)]."""
    return np.asarray(a1 + a1 * a2 + a3 - a3**2 / 2)


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of every column."""
    regimes = ["obs", "a1+a2", "a3"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    z1, z2, z3, y = (
        _standardise(frame[name].to_numpy(), regime) for name in ("a1", "a2", "a3", "y")
    )
    confounded12 = (frame["regime"] != "a1+a2").to_numpy()
    confounded3 = (frame["regime"] != "a3").to_numpy()

    phi = pd.DataFrame(_features(z1, z2, z3), columns=FEATURES)
    phi12 = _centre(phi[BIAS12].to_numpy(), [0], confounded12)
    of_a2 = list(range(1 + len(SINGLE[2])))
    phi3 = _centre(phi[BIAS3].to_numpy(), of_a2, confounded3)
    coords = {"regime": regimes, "effect_of": EFFECT, "bias12_of": BIAS12, "bias3_of": BIAS3}
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        effect_scale = _scales("effect_scale", EFFECT_MEDIAN)
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias12_scale = _scales("bias12_scale", BIAS_MEDIAN, offset_scale)
        bias3_scale = _scales("bias3_scale", BIAS_MEDIAN, offset_scale)

        effect = pm.Normal("effect", 0, effect_scale[EFFECT_KIND], dims="effect_of")
        bias12 = pm.Normal("bias12", 0, bias12_scale[BIAS_KIND], dims="bias12_of")
        bias3 = pm.Normal("bias3", 0, bias3_scale[BIAS_KIND], dims="bias3_of")

        mean = phi[EFFECT].to_numpy() @ effect
        mean += confounded12 * (phi12 @ bias12)
        mean += confounded3 * (phi3 @ bias3)
        pm.Normal("y", mean, sigma[regime], observed=y)
    return model


def _scales(name: str, medians: Array, constant: float | TensorVariable = 3.0) -> TensorVariable:
    return pm.math.concatenate([pm.LogNormal(name, np.log(medians), 1), [constant]])


def _features(z1: Array, z2: Array, z3: Array) -> Array:
    values = (z1, z2, z3)
    squares = [(z**2 - 1) / np.sqrt(2) for z in values]
    cubes = [(z**3 - 3 * z) / np.sqrt(6) for z in values]
    columns = [np.ones_like(z1)]
    for curve in zip(values, squares, cubes, strict=True):
        columns += curve
    for j, k in ((0, 1), (1, 2)):
        products = (values[j] * values[k], values[j] * squares[k], squares[j] * values[k])
        columns += products
    return np.column_stack(columns)


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


def _standardise(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    parts = [values[regime == r] for r in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    variance = np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts])
    return np.asarray((values - centre) / np.sqrt(variance))
