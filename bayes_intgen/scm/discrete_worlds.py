"""The worlds of a discrete system: all combinations of what its noises and settings can be.

A world is a level (a position among the values) of every variable. It follows from the levels of
the noises and of the actions that are set; its probability is that of the noises' values, and a
setting is as likely as any other.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.scm.discrete_variables import DiscreteMechanism, DiscreteNoise

__all__ = ["Levels", "follow_mechanisms", "list_worlds"]

MOST_WORLDS = 10_000_000

type Levels = Indices


def list_worlds(
    noises: Sequence[DiscreteNoise],
    mechanisms: Sequence[DiscreteMechanism],
    settings: Mapping[str, Levels],
) -> tuple[dict[str, Levels], Array]:
    """List all worlds of a regime, and their probabilities.

    Parameters
    ----------
    noises, mechanisms
        The variables of the system, in a causal order.
    settings
        The levels that each action that is set can have.

    Returns
    -------
    levels
        The level of each variable in each world, of shape (worlds,).
    probability
        The probability of each world, of shape (worlds,).

    Raises
    ------
    ModelError
        If there are more than ten million.
    """
    choices: list[Indices] = [np.arange(len(noise.values)) for noise in noises]
    choices += settings.values()
    count = prod(len(choice) for choice in choices)
    if count > MOST_WORLDS:
        raise ModelError(
            f"noises: with {list(settings)} set there are {count} worlds, more than the "
            f"{MOST_WORLDS} that are listed at most; use fewer noises or values."
        )
    names = [noise.name for noise in noises] + [*settings]
    grid = np.meshgrid(*choices, indexing="ij")
    levels = {name: axis.ravel() for name, axis in zip(names, grid, strict=True)}
    probability = np.full(count, 1 / prod(len(choice) for choice in settings.values()))
    for noise in noises:
        probability *= np.array(noise.probabilities)[levels[noise.name]]
    return follow_mechanisms(noises, mechanisms, levels), probability


def follow_mechanisms(
    noises: Sequence[DiscreteNoise],
    mechanisms: Sequence[DiscreteMechanism],
    given: Mapping[str, Levels],
) -> dict[str, Levels]:
    """Add the levels of all variables that are not given."""
    sizes = {noise.name: len(noise.values) for noise in noises}
    levels = dict(given)
    size = len(next(iter(levels.values())))
    for mechanism in mechanisms:
        values, table = np.unique(mechanism.table, return_inverse=True)
        sizes[mechanism.name] = len(values)
        if mechanism.name in given:
            continue
        entry = np.zeros(size, dtype=np.intp)
        for parent in mechanism.parents:
            entry = entry * sizes[parent] + levels[parent]
        levels[mechanism.name] = table[entry]
    return levels
