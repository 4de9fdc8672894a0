"""Progress of a study on one line, with an estimate of the time left."""

import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Progress", "format_seconds"]

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Count units as they end and say so, on a terminal by rewriting one line.

    `kept` of the `total` units were done before; `clock` returns the time in seconds.
    """

    def __init__(
        self, total: int, kept: int, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._kept, self._stream, self._clock = total, kept, stream, clock
        self._done = self._failed = 0
        self._start = self._shown = clock()
        if kept:
            self._write(f"{kept} of {total} units were done before", end="\n")

    def add(self, failed: bool) -> None:
        """Count one more unit."""
        self._done += 1
        self._failed += failed
        now = self._clock()
        last = self._kept + self._done == self._total
        if self._stream.isatty():
            self._write(f"\r\033[K{self}", end="\n" if last else "")
        elif last or now - self._shown >= SECONDS_BETWEEN_LINES or self._done == 1:
            self._shown = now
            self._write(str(self), end="\n")

    def tell(self, text: str) -> None:
        """Write a text above the line that shows progress."""
        self._write("\r\033[K" if self._stream.isatty() else "", end="")
        self._write(text.rstrip(), end="\n")

    def __str__(self) -> str:
        elapsed = self._clock() - self._start
        ended = self._kept + self._done
        left = self._total - ended
        phrases = [f"{ended} of {self._total} units"]
        if self._failed:
            phrases.append(f"{self._failed} failed")
        if left and self._done:
            phrases.append(f"about {format_seconds(elapsed / self._done * left)} left")
        if not left:
            phrases.append(f"in {format_seconds(elapsed)}")
        return ", ".join(phrases)

    def _write(self, text: str, end: str) -> None:
        self._stream.write(text + end)
        self._stream.flush()


def format_seconds(seconds: float) -> str:
    """Write a duration for humans.

    Examples
    --------
    >>> [format_seconds(s) for s in (4.2, 100, 5000, 90_000)]
    ['4 s', '2 min', '1 h 23 min', '25 h 0 min']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
