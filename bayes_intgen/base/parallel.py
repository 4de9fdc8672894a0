"""Work on several cores whose result does not depend on how many there are, but for rounding.

Linear algebra and array arithmetic release the interpreter, so that threads share the cores; items
are taken and results given back in one fixed order. Only large matrices are worked on by several
threads at once, whose number changes last digits.
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
_most_threads: ContextVar[int | None] = ContextVar("most_threads", default=None)


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
def _controller() -> ThreadpoolController:
    """Find the thread pools of NumPy and SciPy, once: it means reading all loaded libraries."""
    # SciPy brings a pool of its own, which must be loaded
    import scipy.linalg  # noqa: F401  # slow to import

    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread within a ``with`` statement.

    Of matrices of a few hundred rows its threads mostly wait for one another, and on a busy machine
    for long; the cores are shared by chains, chunks of rows or draws instead.
    """
    limiter: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limiter


@contextmanager
def blas_threads_for(rows: int) -> Iterator[None]:
    """Keep linear algebra to one thread within a ``with`` statement, unless matrices are large.

    Those of 1000 rows and more have as many threads as there are cores, but no more than linear
    algebra had where the outermost of such statements began: one of 1200 rows is factorised by two
    in two thirds of the time, one of 2600 in 0.57.
    """
    pools = _controller().select(user_api="blas")
    most = _most_threads.get()
    if most is None:
        most = min((pool["num_threads"] for pool in pools.info()), default=1)
    token = _most_threads.set(most)
    try:
        with one_blas_thread():
            threads = 1 if rows < LARGE else min(available_cores(), most)
            with pools.limit(limits=threads):
                yield
    finally:
        _most_threads.reset(token)


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
