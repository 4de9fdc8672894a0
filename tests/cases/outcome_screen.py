"""A screen: many outcomes of three confounded actions, few of which respond to them."""

import numpy as np
import pandas as pd

ACTIONS = ["a1", "a2", "a3"]


def sample_screen(outcomes, n, responding, seed):
    """Return a table with n rows in each of four regimes, and the joint slopes, (outcomes, 3)."""
    rng = np.random.default_rng(seed)
    actions, confounders = [], []
    for regime in ("obs", *ACTIONS):
        c, a = rng.normal(size=(2, n, 3))
        a *= 0.5
        a[:, 0] += 0.7 * c[:, 0]
        a[:, 1] += 0.5 * a[:, 0] + 0.6 * c[:, 1]
        a[:, 2] += 0.7 * c[:, 2]
        if regime != "obs":
            a[:, ACTIONS.index(regime)] = rng.normal(size=n)
            if regime == "a1":  # a2 follows a1 also where that is set
                a[:, 1] = 0.5 * a[:, 0] + 0.6 * c[:, 1] + 0.5 * rng.normal(size=n)
        actions.append(a)
        confounders.append(c)
    slopes = np.zeros((outcomes, 3))
    chosen = rng.choice(outcomes, responding, replace=False)
    size = rng.choice([-1, 1], responding) * rng.uniform(0.08, 0.4, responding)
    slopes[chosen] = size[:, None] * rng.dirichlet([3, 3, 3], responding)
    y = np.concatenate(actions) @ slopes.T
    y += np.concatenate(confounders) @ rng.normal(0, 0.3, size=(outcomes, 3)).T
    y = (y + rng.normal(size=y.shape)) * rng.uniform(0.5, 5, outcomes)
    names = [f"y{i:04d}" for i in range(outcomes)]
    table = pd.DataFrame(np.concatenate(actions), columns=ACTIONS)
    regime = np.repeat(["obs", *ACTIONS], n)
    return pd.concat([table.assign(regime=regime), pd.DataFrame(y, columns=names)], axis=1), slopes
