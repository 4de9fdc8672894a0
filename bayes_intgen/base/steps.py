"""Steps of work that may take long: told as they begin, and only if the work does take long."""

import sys
from collections.abc import Sequence
from threading import Lock, Timer
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Steps"]

PATIENCE = 3.0  # seconds during which nothing is said


class Steps:
    """Say which step of some work is under way, once it has taken longer than some seconds.

    Parameters
    ----------
    name
        Of the work.
    steps
        What is done, in order.
    show
        Whether anything is said.
    stream
        Where to write; standard error by default.
    patience
        Seconds before the first word.

    Examples
    --------
    >>> from time import sleep
    >>> with Steps("check", ["fitting", "testing"], stream=sys.stdout, patience=0.0) as steps:
    ...     steps.begin("fitting")
    ...     sleep(0.1)
    ...     steps.begin("testing")
    check: fitting (step 1 of 2)
    check: testing (step 2 of 2)
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[str],
        show: bool = True,
        stream: TextIO | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._name, self._steps, self._stream = name, steps, stream
        self._current, self._told, self._speaks, self._lock = "", "", False, Lock()
        self._timer = Timer(patience, self._speak) if show else None

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def begin(self, step: str) -> None:
        """Begin one of the steps."""
        with self._lock:
            self._current = step
            if self._speaks:
                self._tell()

    def _speak(self) -> None:
        with self._lock:
            self._speaks = True
            self._tell()

    def _tell(self) -> None:
        """Write what is under way, once."""
        if self._current in ("", self._told):
            return
        self._told = self._current
        place = f"step {self._steps.index(self._current) + 1} of {len(self._steps)}"
        stream = sys.stderr if self._stream is None else self._stream
        print(f"{self._name}: {self._current} ({place})", file=stream, flush=True)
