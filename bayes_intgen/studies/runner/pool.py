"""Executors of a study: processes of this machine, or anything like ``concurrent.futures``.

By default that is processes of this machine. A worker stops at once on Ctrl-C, and when the process
that started it is gone, so that a killed study leaves nothing behind.
"""

import ast
import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType, ModuleType
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


def local_processes(
    workers: int,
    start_method: StartMethod = "spawn",
    prepare: Callable[[], None] | None = None,
) -> Pool:
    """Return a pool of processes on this machine.

    Parameters
    ----------
    workers
        How many.
    start_method
        How they are started: afresh by default. A ``fork`` is faster, but only safe in a program
        that runs no threads.
    prepare
        What each process does first; it can be pickled. Nothing by default.

    Raises
    ------
    ModelError
        If the number of workers is not a positive whole number, or the program is a script without
        ``if __name__ == "__main__":`` around what it does.
    """
    if start_method != "fork":
        require_main_guard(sys.modules["__main__"], sys._getframe())
    context = multiprocessing.get_context(start_method)
    return Pool(
        workers,
        lambda: ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(prepare,)
        ),
    )


def require_main_guard(main: ModuleType, frame: FrameType | None) -> None:
    """Raise a ModelError if a script starts processes that would run the script itself anew.

    A process that is started afresh imports the script that started it, up to the guard
    ``if __name__ == "__main__":``. ``frame``: where processes are asked for.
    """
    path = getattr(main, "__file__", None)
    while path and frame is not None:
        line = frame.f_lineno
        script = frame.f_code.co_name == "<module>" and frame.f_globals is vars(main)
        if script and not _is_guarded(Path(path), line):
            raise ModelError(
                f"workers: each worker is a process that imports {Path(path).name!r} anew, and "
                f"would start the same study again (line {line}). Put what the script does under "
                f"`if __name__ == '__main__':`, or give workers=1."
            )
        frame = frame.f_back


def _is_guarded(script: Path, line: int) -> bool:
    """Whether a line of a script stands under a condition on ``__name__``, or cannot be judged."""
    try:
        statements = ast.parse(script.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return True
    return any(
        isinstance(node, ast.If)
        and "__name__" in ast.unparse(node.test)
        and node.lineno <= line <= (node.end_lineno or line)
        for node in statements
    )


def _start_worker(prepare: Callable[[], None] | None) -> None:
    faulthandler.enable()  # where a worker was when it crashed, on the standard error
    logging.disable(logging.INFO)  # would break into the line that shows progress
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from every worker
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
