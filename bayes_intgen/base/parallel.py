"""Work on several cores whose result does not depend on how many there are.

Linear algebra and array arithmetic release the interpreter, so that threads share the cores; items
are taken and results given back in one fixed order.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = [
    "available_cores",
    "blas_threads_for",
    "on_one_core",
    "one_blas_thread",
    "ordered_map",
    "stretches",
    "threads_for",
]

WAITING = 1  # items per thread that are read before they are needed
MANY_WEIGHTS = 150  # from here on threads have enough to do
LARGE = 1000  # from here on those of linear algebra, within one matrix


_on_one_core: ContextVar[bool] = ContextVar("on_one_core", default=False)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if _on_one_core.get():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_for(weights: int) -> int:
    """Return how many matrices of some number of weights to work on at once.

    With few weights threads would only wait for one another.
    """
    return 1 if weights < MANY_WEIGHTS else available_cores()


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep to one core within a ``with`` statement: other processes work on the others.

    Examples
    --------
    >>> with on_one_core():
    ...     available_cores()
    1
    """
    token = _on_one_core.set(True)
    try:
        yield
    finally:
        _on_one_core.reset(token)


@cache
def _pools() -> tuple[ThreadpoolController, int]:
    """Find the thread pools of NumPy and SciPy, once: it means reading all loaded libraries.

    Returned with them is how many threads they have beforehand.
    """
    # SciPy brings a pool of its own, which must be loaded
    import scipy.linalg  # noqa: F401  # slow to import

    found = ThreadpoolController()
    return found, max((pool["num_threads"] for pool in found.info()), default=1)


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread within a ``with`` statement.

    Of matrices of a few hundred rows its threads mostly wait for one another, and on a busy machine
    for long; the cores are shared by chains, chunks of rows or draws instead.
    """
    return blas_threads_for(0)


def blas_threads_for(rows: int) -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread within a ``with`` statement, unless matrices are large.

    Those of 1000 rows and more have as many threads as there are cores, or fewer if that was asked
    for beforehand: one of 1200 rows is factorised by two in two thirds of the time, one of 2600 in
    0.57.
    """
    controller, most = _pools()
    threads = 1 if rows < LARGE else min(available_cores(), most)
    limiter: AbstractContextManager[Any] = controller.limit(limits=threads)
    return limiter


def stretches(size: int, most: int) -> Iterator[slice]:
    """Cut ``size`` items into slices of at most ``most``, so that what is made of them fits.

    Examples
    --------
    >>> list(stretches(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, size, most):
        yield slice(start, min(start + most, size))


def ordered_map[Item, Result](
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """Apply a function to items in threads and yield the results in the order of the items.

    Parameters
    ----------
    function
        Must not change anything that two calls share.
    items
        Are taken one by one, a few ahead of the results, in the calling thread.
    threads
        None for one per core that this process may use.

    Examples
    --------
    >>> list(ordered_map(abs, [-3, 1, -2], threads=2))
    [3, 1, 2]
    """
    count = available_cores() if threads is None else threads
    if count == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > WAITING * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
