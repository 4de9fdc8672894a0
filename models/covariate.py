"""The covariate model: one covariate that moves both actions and modifies an effect.

    Z, C_k ~ N(0, 1),   A_1 = Z + C_1 + V_1,   A_2 = A_1 / 2 - Z + C_2 + V_2,
    V_k, U ~ N(0, 1/4),   Y = A_1 - 2 A_2 + A_1 Z / 2 + 3 Z / 2 + 2 C_1 + C_2 + U.

An action that is set is drawn from N(0, 1) instead. Z is no one action's confounder, so that
without it the actions' confounders are not independent. Given z they are, and everything holds at
each z: E[Y | do(a_1, a_2), z] = a_1 - 2 a_2 + a_1 z / 2 + 3 z / 2. Features are products of
normalised Hermite polynomials of the standardised columns up to total degree two; those of the
causal part touch at most one action and any covariate, those of a bias its action, the parents and
the covariate.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
from pytensor.tensor import TensorVariable

__all__ = ["REFERENCE", "build", "make_data", "mixed_truth", "truth"]

REFERENCE = "Kekić, Garrido Mejia and Schölkopf (ICML 2025), Theorem 1, given a covariate"

NOISE = 0.5
FEATURES = ["1", "a1", "a1^2", "a2", "a2^2", "z", "z^2", "a1 a2", "a1 z", "a2 z"]
EFFECT = [name for name in FEATURES if name != "a1 a2"]
BIAS1 = [name for name in FEATURES if "a2" not in name]
BIAS2 = FEATURES
PRIORS = {  # median and log-sd of the prior scale
    "a1": (0.3, 1.0),
    "a1^2": (0.1, 1.0),
    "a2": (0.3, 1.0),
    "a2^2": (0.1, 1.0),
    "a1 a2": (0.1, 1.0),
    "z": (0.05, 2.0),
}

type Array = npt.NDArray[np.float64]


def make_data(n: int, random_seed: int) -> pd.DataFrame:
    """Draw n rows of each of the regimes ``obs``, ``a1`` and ``a2``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        z, c1, c2 = rng.normal(size=(3, n))
        v1, v2, u = rng.normal(scale=NOISE, size=(3, n))
        a1 = rng.normal(size=n) if regime == "a1" else z + c1 + v1
        a2 = rng.normal(size=n) if regime == "a2" else 0.5 * a1 - z + c2 + v2
        y = truth(a1, a2, z) + 2 * c1 + c2 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array, z: Array) -> Array:
    """Return E[Y | do(a_1, a_2), z]."""
    return np.asarray(a1 - 2 * a2 + a1 * z / 2 + 1.5 * z)


def mixed_truth(a1: Array, a2: Array, z: Array, do: tuple[str, ...]) -> Array:
    """Return E[Y | do(a_S), a_rest, z]: the confounder of an action that is not set is inferred.

    E[C_k | A_k - (what its parents and z do to it) = r] = r / (1 + NOISE^2).
    """
    mean = truth(a1, a2, z)
    if "a1" not in do:
        mean = mean + 2 * (a1 - z) / (1 + NOISE**2)
    if "a2" not in do:
        mean = mean + (a2 - 0.5 * a1 + z) / (1 + NOISE**2)
    return mean


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of every column."""
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    x1, x2, z, y = (_standardise(frame[k].to_numpy(), regime) for k in ("a1", "a2", "z", "y"))
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()

    phi = pd.DataFrame(_features(x1, x2, z), columns=FEATURES)
    given1 = [i for i, name in enumerate(BIAS1) if "a1" not in name]
    given2 = [i for i, name in enumerate(BIAS2) if "a2" not in name]
    phi1 = _centre(phi[BIAS1].to_numpy(), given1, confounded1)
    phi2 = _centre(phi[BIAS2].to_numpy(), given2, confounded2)
    coords = {"regime": regimes, "effect_term": EFFECT, "bias1_term": BIAS1, "bias2_term": BIAS2}
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        effect = pm.Normal("effect", 0, _scales("effect_scale", EFFECT), dims="effect_term")
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)
        bias1 = pm.Normal(
            "bias1", 0, _scales("bias1_scale", BIAS1, offset_scale), dims="bias1_term"
        )
        bias2 = pm.Normal(
            "bias2", 0, _scales("bias2_scale", BIAS2, offset_scale), dims="bias2_term"
        )

        mean = phi[EFFECT].to_numpy() @ effect
        mean += confounded1 * (phi1 @ bias1)
        mean += confounded2 * (phi2 @ bias2)
        pm.Normal("y", mean, sigma[regime], observed=y)
    return model


def _features(x1: Array, x2: Array, z: Array) -> Array:
    squares = [(x**2 - 1) / np.sqrt(2) for x in (x1, x2, z)]
    single = (x1, squares[0], x2, squares[1], z, squares[2])
    return np.column_stack([np.ones_like(z), *single, x1 * x2, x1 * z, x2 * z])


def _scales(name: str, terms: list[str], constant: float | TensorVariable = 3.0) -> TensorVariable:
    """Give every term but the constant a scale of its own; terms with the covariate a wide one."""
    priors = [PRIORS["z" if "z" in term else term] for term in terms[1:]]
    medians, log_sds = np.transpose(priors)
    free = pm.LogNormal(name, np.log(medians), log_sds)
    return pm.math.concatenate([[constant], free])


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
