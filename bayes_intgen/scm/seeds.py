"""Random seeds, split into named streams, and the number of draws."""

from typing import TypeGuard

import numpy as np

from bayes_intgen.base.arguments import MOST_COUNT, show
from bayes_intgen.base.errors import ModelError

__all__ = ["Seed", "check_count", "named_generator", "seed_sequence"]

type Seed = int | np.random.Generator | np.random.SeedSequence


def seed_sequence(random_seed: Seed) -> np.random.SeedSequence:
    """Turn a seed into a seed sequence, without changing it if it is one already.

    A generator is advanced by the draw of a fresh seed, so that two calls with the same
    generator are independent.

    Raises
    ------
    ModelError
        If the seed is not a non-negative integer, a generator or a seed sequence. None is
        refused as well: results must be reproducible.
    """
    if isinstance(random_seed, np.random.SeedSequence):
        return random_seed
    if isinstance(random_seed, np.random.Generator):
        return np.random.SeedSequence(random_seed.integers(2**32, size=4).tolist())
    if _is_integer(random_seed) and random_seed >= 0:
        return np.random.SeedSequence(int(random_seed))
    raise ModelError(
        f"random_seed must be a non-negative integer, a numpy Generator or a SeedSequence, "
        f"got {show(random_seed)}; write random_seed=1."
    )


def named_generator(random_seed: Seed, name: str) -> np.random.Generator:
    """Return the generator that belongs to a seed and a name.

    Names play the part of child numbers in ``SeedSequence.spawn``: streams of different names are
    independent, and each is the same whichever others are in use.

    Examples
    --------
    >>> first, second = named_generator(1, "weather"), named_generator(1, "weather")
    >>> bool(first.random() == second.random())
    True
    """
    root = seed_sequence(random_seed)
    key = int.from_bytes(name.encode())
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, key))
    return np.random.default_rng(child)


def check_count(count: object, argument: str, what: str, most: int = MOST_COUNT) -> None:
    """Raise a ModelError unless the count is a positive whole number, up to a bound."""
    if not _is_integer(count) or count < 1:
        raise ModelError(
            f"{argument} must be a positive whole number of {what}, got {show(count)}; write 10."
        )
    if count > most:
        raise ModelError(
            f"{argument} must be at most {most:,} {what}, got {count}; draw more in portions."
        )


def _is_integer(number: object) -> TypeGuard[int | np.integer]:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
