"""Errors of every mixed effect of linear chains, and of the joint effect of blocks.

At 20,000 rows per regime, against effects in closed form; tests and benchmarks share them.
"""

from itertools import combinations

import numpy as np

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from models import linear, partition

ROWS = 20_000


def fit(frame, actions, seed, blocks=None):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=actions)
    return ig.InterventionModel(blocks=blocks).fit(data, method="laplace", random_seed=seed)


def every_error(posterior, at, truth):
    """Return the error and coverage of the effect of setting S, for every set S of actions."""
    actions, found = posterior.actions, {}
    for size in range(len(actions) + 1):
        for do in combinations(actions, size):
            table, exact = posterior.table(at, do=do, beyond="clamp"), truth(do)
            covered = ((table["lower"] <= exact) & (exact <= table["upper"])).mean()
            found["+".join(do) or "obs"] = (rmse(table["mean"], exact), covered)
    return found


def errors_of_two(seed):
    """Errors in the system of models/linear.py, A_1 -> A_2."""
    posterior = fit(linear.make_data(ROWS, seed), ["a1", "a2"], seed)
    rng = np.random.default_rng([seed, 1])
    at = {name: rng.normal(size=500) for name in ("a1", "a2")}
    return every_error(posterior, at, lambda do: linear.mixed_truth(**at, do=do))


def errors_of_three(seed):
    """Errors in a random linear system of three actions, each dependent on all before it."""
    scm = ig.scm.sample_linear_scm(3, seed, edge_probability=1.0)
    posterior = fit(scm.sample_regimes(scm.single_regimes, ROWS, seed), scm.actions, seed)
    at = scm.sample(500, do=scm.actions, random_seed=seed + 1)
    return every_error(posterior, at, lambda do: scm.expected_outcome(at, do=do).to_numpy())


def error_of_a_block(seed):
    """Error and coverage of the joint effect in the system of models/partition.py."""
    frame = partition.make_data(ROWS, seed)
    posterior = fit(frame, ["a1", "a2", "a3"], seed, ["a1+a2"])
    at = dict(
        zip(posterior.actions, np.random.default_rng([seed, 1]).normal(size=(3, 500)), strict=True)
    )
    table, exact = posterior.table(at, beyond="clamp"), partition.truth(**at)
    covered = ((table["lower"] <= exact) & (exact <= table["upper"])).mean()
    return rmse(table["mean"], exact), covered


def error_of_random_blocks(seed, basis):
    """Error and coverage of the joint effect with two blocks of two and a single action."""
    scm = ig.scm.sample_partition_scm(["a1+a2", "a3+a4", "a5"], seed)
    frame = scm.sample_regimes(scm.regimes, ROWS, seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(basis, blocks=scm.blocks)
    posterior = model.fit(data, method="laplace", random_seed=seed)
    at = scm.sample(500, do=scm.actions, random_seed=seed + 1)
    table, exact = posterior.table(at, beyond="clamp"), scm.expected_outcome(at).to_numpy()
    covered = ((table["lower"] <= exact) & (exact <= table["upper"])).mean()
    return rmse(table["mean"], exact), covered
