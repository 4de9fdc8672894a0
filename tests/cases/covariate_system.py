"""A nonlinear system with a numeric and a categorical covariate, whose truth is known.

    A_1 = sin(2 Z) + s / 2 + C_1 + V_1,   A_2 = tanh(A_1) Z + C_2 + V_2,
    Y = sin(A_1) (1 + Z / 2) + A_2^2 / 4 + s A_2 + cos(2 Z) + 2 A_1 C_1 + C_2 + U,

with s the shift of the site, Z uniform on (-1.5, 1.5), and C_k, V_k and U normal with standard
deviations 0.5, 0.2 and 0.1. An action that is set is uniform on (-2, 2) instead. The confounders
have mean zero, so that E[Y | do(a), z, site] is Y without them; A_2 follows A_1 in its spread only.
Every effect and every bias is a sum of functions of two variables: smooth curves have no products
of three.
"""

import numpy as np
import pandas as pd

__all__ = ["SHIFT", "draw_points", "make_data", "truth"]

SHIFT = {"north": -0.5, "south": 0.0, "west": 1.0}


def make_data(n, random_seed):
    """Draw n rows of each of the regimes ``obs``, ``a1`` and ``a2``."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        z = rng.uniform(-1.5, 1.5, n)
        site = rng.choice(list(SHIFT), n, p=[0.5, 0.3, 0.2])
        c1, c2, v1, v2 = rng.normal(size=(4, n)) * [[0.5], [0.5], [0.2], [0.2]]
        a1, a2 = rng.uniform(-2, 2, (2, n))
        if regime != "a1":
            a1 = np.sin(2 * z) + [SHIFT[s] / 2 for s in site] + c1 + v1
        if regime != "a2":
            a2 = np.tanh(a1) * z + c2 + v2
        y = truth(a1, a2, z, site) + 2 * a1 * c1 + c2 + 0.1 * rng.normal(size=n)
        columns = {"a1": a1, "a2": a2, "z": z, "site": site, "y": y}
        tables.append(pd.DataFrame(columns).assign(regime=regime))
    return pd.concat(tables, ignore_index=True)


def truth(a1, a2, z, site):
    """Return E[Y | do(a_1, a_2), z, site]."""
    shift = np.array([SHIFT[s] for s in site])
    return np.sin(a1) * (1 + z / 2) + a2**2 / 4 + shift * a2 + np.cos(2 * z)


def draw_points(n, random_seed):
    """Draw settings of all variables within the core of the data."""
    rng = np.random.default_rng(random_seed)
    points = pd.DataFrame(rng.uniform(-1.4, 1.4, (n, 3)), columns=["a1", "a2", "z"])
    points["site"] = rng.choice(list(SHIFT), n)
    return points
