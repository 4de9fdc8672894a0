"""Synergy from single interventions, its truth, and what a regression on joint rows finds."""

from dataclasses import replace
from itertools import combinations, combinations_with_replacement

import numpy as np
import pandas as pd

import bayes_intgen as ig

SIGNS = np.array([1.0, -1.0, -1.0, 1.0])  # both moved, one, the other, neither
SYSTEM = 1
SPANS = ((-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0), (-0.5, 0.5))  # in sd of the interventions


def known_product(size):
    """Three actions, each a cause of the next, all confounded; y gains a product of the first two.

    The product is that of the actions in units of their interventions, times ``size``.
    """
    scm = ig.scm.sample_polynomial_scm(3, random_seed=SYSTEM, edge_probability=1.0)
    mean, sd = scm.intervention_means[:2], scm.intervention_sds[:2]
    unit = size / (sd[0] * sd[1])
    terms = {(1, 1): unit, (1, 0): -unit * mean[1], (0, 1): -unit * mean[0]}
    powers = tuple((*power, 0, 0, 0, 0) for power in terms)
    return replace(scm, extra=(ig.scm.Polynomial(powers, tuple(terms.values())),))


def study(scm, n, seed):
    """Fit n rows per regime; a row per pair and span."""
    frame = scm.sample_regimes(scm.single_regimes, n, random_seed=seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    fit = ig.InterventionModel(interactions="pairwise").fit(data, method="laplace")
    regressions = {
        name: regress(scm, scm.sample(size, scm.actions, random_seed=10_000 + seed))
        for name, size in (("joint", n), ("joint_of_all", len(frame)))
    }
    rows = []
    for j, k in combinations(range(len(scm.actions)), 2):
        pair = scm.actions[j], scm.actions[k]
        for low, high in SPANS:
            at, start = (place(scm, {j: z, k: z}) for z in (high, low))
            corners = np.array([place(scm, {j: y, k: z}) for y in (high, low) for z in (high, low)])
            points = pd.DataFrame(corners, columns=scm.actions)
            draws = fit.synergy(
                dict(zip(scm.actions, at, strict=True)),
                pair,
                {scm.actions[i]: start[i] for i in (j, k)},
                beyond="clamp",
            ).to_numpy()
            lower, upper = np.quantile(draws, [0.05, 0.95])
            rows.append(
                {
                    "pair": "+".join(pair),
                    "truth": SIGNS @ scm.expected_outcome(points).to_numpy(),
                    "mean": draws.mean(),
                    "sd": draws.std(),
                    "lower": lower,
                    "upper": upper,
                }
                | {name: SIGNS @ quadratic(scm, corners) @ b for name, b in regressions.items()}
            )
    return pd.DataFrame(rows)


def place(scm, moved):
    """Return all actions at the means of their interventions, some moved by z sd."""
    mean, sd = np.array(scm.intervention_means), np.array(scm.intervention_sds)
    z = np.array([moved.get(k, 0.0) for k in range(len(mean))])
    return mean + z * sd


def regress(scm, rows):
    """Least squares of the outcome on a quadratic of the actions: the form of the truth."""
    phi = quadratic(scm, rows[list(scm.actions)].to_numpy())
    return np.linalg.lstsq(phi, rows["y"].to_numpy(), rcond=None)[0]


def quadratic(scm, values):
    z = (values - np.array(scm.intervention_means)) / np.array(scm.intervention_sds)
    columns = range(z.shape[1])
    terms = [term for d in range(3) for term in combinations_with_replacement(columns, d)]
    return np.column_stack([z[:, list(term)].prod(axis=1) for term in terms])
