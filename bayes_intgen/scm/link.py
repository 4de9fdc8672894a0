"""Link functions of the actions: A_k = L(z_k) with z_k = g_k(A_pa(k), C_k, V_k).

``identity`` is the paper's; ``tanh`` keeps every action in (-1, 1). An intervention on A_k sets
A_k = L(z) with z drawn from N(mean_k, sd_k^2), so that actions keep one range in all regimes.
"""

from typing import Literal, get_args

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array

__all__ = ["Link", "apply_link", "check_link", "invert_link"]

Link = Literal["identity", "tanh"]


def check_link(link: str) -> None:
    """Raise a ModelError unless the link is known."""
    if link not in get_args(Link):
        raise ModelError(f"link must be one of {list(get_args(Link))}, got {link!r}.")


def apply_link(link: Link, z: Array) -> Array:
    """Return L(z)."""
    return np.tanh(z) if link == "tanh" else z


def invert_link(link: Link, actions: Array) -> Array:
    """Return z with L(z) = actions; not finite for actions outside the range of L.

    Examples
    --------
    >>> invert_link("tanh", np.array([0.0, 1.0]))
    array([ 0., inf])
    """
    if link == "identity":
        return actions
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.arctanh(actions)
