"""The linear model: two actions, each confounded with the outcome, everything linear and Gaussian.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,   A_2 = A_1 / 2 + C_2 + V_2,
    Y = A_1 - 2 A_2 + 2 C_1 + C_2 + U,          V_k, U ~ N(0, 1/4).

An action that is set is drawn from N(0, 1) instead. Then E[Y | do(a_1, a_2)] = a_1 - 2 a_2. What
can be seen is one regression per regime, and the three lines of ``mean`` in ``build`` say how they
hang together: an intervention on A_k switches the bias of k off, and changes nothing else.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm

__all__ = ["REFERENCE", "build", "make_data", "mixed_truth", "truth"]

REFERENCE = "Kekić, Garrido Mejia and Schölkopf (ICML 2025), Assumption 2 with linear f_k and g_k"

SLOPES = (1.0, -2.0)
CONFOUNDING = (2.0, 1.0)
NOISE = 0.5

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
        y = SLOPES[0] * a1 + SLOPES[1] * a2 + CONFOUNDING[0] * c1 + CONFOUNDING[1] * c2 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(SLOPES[0] * a1 + SLOPES[1] * a2)


def mixed_truth(a1: Array, a2: Array, do: tuple[str, ...]) -> Array:
    """Return E[Y | do(a_S), a_rest]: the confounder of an action that is not set is inferred.

    E[C_k | A_k - (its parents' part) = r] = r / (1 + NOISE^2).
    """
    mean = truth(a1, a2)
    if "a1" not in do:
        mean = mean + CONFOUNDING[0] * a1 / (1 + NOISE**2)
    if "a2" not in do:
        mean = mean + CONFOUNDING[1] * (a2 - 0.5 * a1) / (1 + NOISE**2)
    return mean


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row.

    ``z1``, ``z2`` and ``y`` are standardised by their mean and spread over the three regimes, each
    regime weighted equally, so that one set of priors serves any unit.
    """
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    z1, z2, y = (_standardise(frame[name].to_numpy(), regime) for name in ("a1", "a2", "y"))
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()
    # a bias sums to its constant over the rows that leave its action alone
    own1, own2 = z1 - z1[confounded1].mean(), z2 - z2[confounded2].mean()

    coords = {"regime": regimes, "action": ["a1", "a2"]}
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        effect_scale = pm.LogNormal("effect_scale", np.log(0.3), 1, dims="action")
        bias1_scale = pm.LogNormal("bias1_scale", np.log(0.3), 1, dims="action")
        bias2_scale = pm.LogNormal("bias2_scale", np.log(0.3), 1, dims="action")
        offset_scale = pm.LogNormal("offset_scale", np.log(0.2), 0.7)

        alpha = pm.Normal("alpha", 0.0, 3.0)
        effect = pm.Normal("effect", 0, effect_scale, dims="action")
        bias1_constant = pm.Normal("bias1_constant", 0, offset_scale)
        bias1 = pm.Normal("bias1", 0, bias1_scale, dims="action")
        bias2_constant = pm.Normal("bias2_constant", 0, offset_scale)
        bias2 = pm.Normal("bias2", 0, bias2_scale, dims="action")

        mean = alpha + effect[0] * z1 + effect[1] * z2
        mean += confounded1 * (bias1_constant + bias1[0] * own1 + bias1[1] * z2)
        mean += confounded2 * (bias2_constant + bias2[0] * z1 + bias2[1] * own2)
        pm.Normal("y", mean, sigma[regime], observed=y)
    return model


def _standardise(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    parts = [values[regime == r] for r in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    variance = np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts])
    return np.asarray((values - centre) / np.sqrt(variance))
