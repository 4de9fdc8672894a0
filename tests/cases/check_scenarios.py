"""Data sets that keep the assumptions, and data sets that break one of them.

``sound``: the paper's systems and those of common support, three and five actions, half of the data
sets with a joint arm. ``shared`` and ``shared_edge``: one confounder of two actions, without and
with an influence between them. ``product`` and ``product_joint``: a product of two confounders in
the outcome, without and with joint rows. ``changed``: the experiment on a1 shifts a2 by 0.3
standard deviations. ``modifier``: the confounder of a1 multiplies a2 in the outcome, which
``interactions="all"`` allow.
"""

from dataclasses import replace

import pandas as pd

import bayes_intgen as ig
from bayes_intgen.scm import Polynomial

SCENARIOS = (
    "sound",
    "shared",
    "shared_edge",
    "product",
    "product_joint",
    "changed",
    "modifier",
)


def make(name, n, seed, strength=1.0):
    """Return the rows of a scenario, n in each regime, and the names of the actions.

    The strength multiplies what breaks the assumptions: the linear terms by which a shared
    confounder moves its actions, or the coefficient of the product or the shift.
    """
    if name == "sound":
        family = (ig.scm.sample_polynomial_scm, ig.scm.sample_common_support_scm)[seed % 2]
        scm = family((3, 5)[seed // 2 % 2], random_seed=seed)
        joint = ["+".join(scm.actions)] if seed // 4 % 2 else []
    elif name.startswith("shared"):
        edges = 1.0 if name == "shared_edge" else 0.0
        scm, joint = ig.scm.sample_partition_scm(["a1+a2", "a3"], seed, edges), []
        moved = [replace_last(g, strength) for g in scm.mechanisms[:2]]
        scm = replace(scm, mechanisms=(*moved, scm.mechanisms[2]))
    else:
        scm = ig.scm.sample_common_support_scm(3, random_seed=seed)
        joint = ["a1+a2+a3"] if name == "product_joint" else []
    regimes = [*scm.single_regimes, *joint]
    if name.startswith("product"):
        scm = replace(scm, extra=(Polynomial(((0, 0, 0, 1, 1, 0),), (strength,)),))
    if name == "modifier":
        scm = replace(scm, extra=(Polynomial(((0, 1, 0, 1, 0, 0),), (strength,)),))
    frame = scm.sample_regimes(regimes, n, random_seed=seed + 1000)
    if name == "changed":
        changed = shift(scm, 1, 0.3 * strength).sample(n, "a1", random_seed=seed + 1000)
        frame = pd.concat([frame[frame["regime"] != "a1"], changed.assign(regime="a1")])
    return frame, scm.actions


def shift(scm, k, by):
    """Return the system with a constant added to the mechanism of action k, in its own sd."""
    g = scm.mechanisms[k]
    constant = (0,) * g.inputs
    moved = Polynomial((*g.powers, constant), (*g.coefficients, by * scm.intervention_sds[k]))
    mechanisms = (*scm.mechanisms[:k], moved, *scm.mechanisms[k + 1 :])
    return replace(scm, mechanisms=mechanisms)


def replace_last(g, by):
    """Return the polynomial with its last coefficient, the confounder's, multiplied."""
    return Polynomial(g.powers, (*g.coefficients[:-1], by * g.coefficients[-1]))
