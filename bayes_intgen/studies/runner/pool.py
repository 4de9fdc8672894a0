"""Executors of a study: processes of this machine, or anything like ``concurrent.futures``.

By default that is processes of this machine. A worker stops at once on Ctrl-C, and when the process
that started it is gone, so that a killed study leaves nothing behind.
"""

import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Literal

from bayes_intgen.base.errors import ModelError

__all__ = ["Pool", "local_processes"]

type StartMethod = Literal["spawn", "fork", "forkserver"]


@dataclass(frozen=True)
class Pool:
    """How to get an executor.

    Parameters
    ----------
    workers
        How many units to hand out at a time.
    open
        Returns a new executor; called again when one broke. It is used as a context manager.

    Examples
    --------
    On a Dask cluster, with ``client = distributed.Client(...)``: ``Pool(64, client.get_executor)``.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> threads = Pool(2, lambda: ThreadPoolExecutor(2))
    """

    workers: int
    open: Callable[[], Executor]

    def __post_init__(self) -> None:
        if not isinstance(self.workers, int) or self.workers < 1:
            raise ModelError(f"workers must be a whole number of at least 1, got {self.workers!r}.")


def local_processes(workers: int, start_method: StartMethod = "spawn") -> Pool:
    """Return a pool of processes on this machine.

    Parameters
    ----------
    workers
        How many.
    start_method
        How they are started: afresh by default. A ``fork`` is faster, but only safe in a program
        that runs no threads.

    Raises
    ------
    ModelError
        If the number of workers is not a positive whole number.
    """
    context = multiprocessing.get_context(start_method)
    return Pool(
        workers, lambda: ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    )


def _start_worker() -> None:
    faulthandler.enable()  # where a worker was when it crashed, on the standard error
    logging.disable(logging.INFO)  # would break into the line that shows progress
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from every worker
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
