"""Results of lift tests, drawn around the truth of a system.

A test moves one action from one value to another and reports the direct effect, the others held,
with a normal error of known size:

    effect = E[Y | do(to, others), z] - E[Y | do(from, others), z] + N(0, standard_error^2).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_intgen.scm.examples.lever_system import LeverSystem

__all__ = ["lift_results"]

type Move = tuple[str, float, float, float, float]


def lift_results(
    system: LeverSystem, moves: Sequence[Move], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the result of each test.

    Parameters
    ----------
    system
        Whose effects are tested.
    moves
        For each test: the action, from where, to where, the covariate (0 if there is none) and the
        standard error.
    rng
        Where the errors come from.
    """
    typical = {lever.name: lever.typical for lever in system.levers}
    rows = []
    for action, start, end, z, error in moves:
        given = dict.fromkeys(system.covariates, z)
        at = {**typical, **given, action: [start, end]}
        before, after = system.expected_outcome(at).to_numpy()
        effect = after - before + rng.normal(0.0, error)
        row = {"action": action, "from": start, "to": end, "effect": effect}
        rows.append({**row, "standard_error": error, **given})
    return pd.DataFrame(rows)
