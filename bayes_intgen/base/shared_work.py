"""Results that many computations have in common, kept while they run.

Fits of many outcomes of the same rows evaluate the same features, sum the same products of them,
look for jumps with the same smooth functions and learn the same structure. Within
:func:`sharing_work` such a result is computed once for each key, which names everything that it
follows from (arrays by :func:`digest`), and so is what it would have been: a fit among many equals
that alone. Outside, nothing is kept.

What is kept must not be changed by those who get it. The results that were asked for longest ago
make room for new ones.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["SharedWork", "digest", "is_sharing", "shared", "sharing_work"]

MOST_BYTES = 2**28  # of arrays
LEAST_BYTES = 2**10  # that anything is taken to have


@dataclass
class SharedWork:
    """Results by key, the latest last."""

    most_bytes: int = MOST_BYTES
    kept: OrderedDict[Hashable, tuple[Any, int]] = field(default_factory=OrderedDict, repr=False)
    total: int = 0

    def get[Result](
        self, key: Hashable, compute: Callable[[], Result], size: Callable[[Result], int]
    ) -> Result:
        """Return the result of a key, computed if it is not kept."""
        if key in self.kept:
            self.kept.move_to_end(key)
            found: Result = self.kept[key][0]
            return found
        result = compute()
        taken = max(size(result), LEAST_BYTES)
        self.kept[key] = (result, taken)
        self.total += taken
        while self.total > self.most_bytes:
            _, (_, freed) = self.kept.popitem(last=False)
            self.total -= freed
        return result


_work: ContextVar[SharedWork | None] = ContextVar("shared_work", default=None)


@contextmanager
def sharing_work(work: SharedWork) -> Iterator[None]:
    """Share results within a ``with`` statement, in this thread.

    Examples
    --------
    >>> with sharing_work(SharedWork()):
    ...     first = shared(("ones", 3), lambda: np.ones(3))
    ...     shared(("ones", 3), lambda: np.ones(3)) is first
    True
    """
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


def shared[Result](
    key: Hashable,
    compute: Callable[[], Result],
    size: Callable[[Result], int] = lambda result: getattr(result, "nbytes", 0),
) -> Result:
    """Return what ``compute`` returns, or returned when it was asked for with this key before.

    Parameters
    ----------
    key
        Names the result and everything that it follows from.
    compute
        Computes it.
    size
        Of it, in bytes.
    """
    work = _work.get()
    return compute() if work is None else work.get(key, compute, size)


def is_sharing() -> bool:
    """Say whether results are kept."""
    return _work.get() is not None


def digest(*arrays: Array) -> bytes:
    """Return what stands for some arrays in a key.

    Examples
    --------
    >>> digest(np.arange(3.0)) == digest(np.arange(3.0)), digest(np.ones(2)) == digest(np.ones(3))
    (True, False)
    """
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(repr((array.shape, array.dtype.str)).encode())
        found.update(np.ascontiguousarray(array).data)
    return found.digest()
