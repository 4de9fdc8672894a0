"""The linear model with outliers: a Student-t likelihood, its degrees of freedom inferred.

    C_k ~ N(0, 1),   A_1 = C_1 + V_1,   A_2 = A_1 / 2 + C_2 + V_2,          V_k, U ~ N(0, 1/4),
    Y = A_1 - 2 A_2 + 2 C_1 + C_2 + U,   and in 2% of the rows 200 times as much noise U.

An action that is set is drawn from N(0, 1) instead. E[Y | do(a_1, a_2)] = a_1 - 2 a_2 whatever the
noise. Least squares gives a row that is off by 100 the weight of hundreds of others; under
Student's t with few degrees of freedom it counts for next to nothing. That number, nu, is shared by
all regimes and stays above 2, so that mean and variance exist. The unit of the outcome is that of
its bulk, since outliers would make it as large as they are.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm

__all__ = ["REFERENCE", "build", "make_data", "truth"]

REFERENCE = "Lange, Little and Taylor (JASA 84, 1989) for the likelihood; linear.py for the means"

SLOPES = (1.0, -2.0)
CONFOUNDING = (2.0, 1.0)
NOISE = 0.5
OUTLIERS, GROSS = 0.02, 200.0  # their share, and how much larger their noise is

type Array = npt.NDArray[np.float64]


def make_data(n: int, random_seed: int) -> pd.DataFrame:
    """Draw n rows of each of the regimes ``obs``, ``a1`` and ``a2``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        c1, c2 = rng.normal(size=(2, n))
        v1, v2, u = rng.normal(scale=NOISE, size=(3, n))
        u = np.where(rng.uniform(size=n) < OUTLIERS, GROSS * u, u)
        a1 = rng.normal(size=n) if regime == "a1" else c1 + v1
        a2 = rng.normal(size=n) if regime == "a2" else 0.5 * a1 + c2 + v2
        y = truth(a1, a2) + CONFOUNDING[0] * c1 + CONFOUNDING[1] * c2 + u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def truth(a1: Array, a2: Array) -> Array:
    """Return E[Y | do(a_1, a_2)]."""
    return np.asarray(SLOPES[0] * a1 + SLOPES[1] * a2)


def build(frame: pd.DataFrame) -> pm.Model:
    """Write the model, one likelihood term per row, in standard units of every column."""
    regimes = ["obs", "a1", "a2"]
    regime = frame["regime"].map(regimes.index).to_numpy()
    z1, z2 = (_standardise(frame[name].to_numpy(), regime) for name in ("a1", "a2"))
    y = _standardise_bulk(frame["y"].to_numpy(), regime)
    confounded1 = (frame["regime"] != "a1").to_numpy()
    confounded2 = (frame["regime"] != "a2").to_numpy()
    # a bias sums to its constant over the rows that leave its action alone
    own1, own2 = z1 - z1[confounded1].mean(), z2 - z2[confounded2].mean()

    coords = {"regime": regimes, "action": ["a1", "a2"]}
    with pm.Model(coords=coords) as model:
        sigma = pm.LogNormal("sigma", np.log(0.6), 1, dims="regime")
        nu = 2 + pm.Gamma("nu_above_2", 2, 0.1)
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
        pm.StudentT("y", nu=nu, mu=mean, sigma=sigma[regime], observed=y)
    return model


def _standardise(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    parts = [values[regime == r] for r in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    variance = np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts])
    return np.asarray((values - centre) / np.sqrt(variance))


def _standardise_bulk(values: Array, regime: npt.NDArray[np.intp]) -> Array:
    """Standardise by medians and median absolute deviations, as if normal: 0.6745 sd."""
    parts = [values[regime == r] for r in np.unique(regime)]
    medians = [np.median(part) for part in parts]
    spreads = [
        np.median(np.abs(part - m)) / 0.6744897501960817
        for part, m in zip(parts, medians, strict=True)
    ]
    centre = np.mean(medians)
    variance = np.mean(np.square(spreads) + (medians - centre) ** 2)
    return np.asarray((values - centre) / np.sqrt(variance))
