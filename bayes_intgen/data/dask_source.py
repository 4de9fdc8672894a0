"""Rows in partitions that Dask holds or makes: work goes to the rows, sums come back.

A partition is a delayed table. :meth:`DaskSource.map` applies a function where the partition is,
on the cluster that Dask is connected to, in threads if it is to none, and
:meth:`DaskSource.reduce` combines the results two by two in a tree of fixed shape, so that neither
the number of workers nor their order changes a digit. What a lost worker did is done again by
another.

Dask is an optional dependency (the extra ``dask``), imported only where a table of its is given.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bayes_intgen.base.errors import DataError
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.sources import FrameSource

__all__ = ["DaskSource", "is_dask"]


def is_dask(frame: Any) -> bool:
    """Say whether something is a Dask table, or a list of delayed tables."""
    if isinstance(frame, list | tuple):
        return bool(frame) and all(map(_is_delayed, frame))
    return _is_delayed(frame) or _is_collection(frame)


def _is_collection(frame: Any) -> bool:
    return _comes_from_dask(frame) and hasattr(frame, "to_delayed") and hasattr(frame, "columns")


def _is_delayed(frame: Any) -> bool:
    return _comes_from_dask(frame) and type(frame).__name__.startswith("Delayed")


def _comes_from_dask(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] in ("dask", "dask_expr")


@dataclass(frozen=True)
class DaskSource:
    """Delayed tables, and the columns in use.

    Parameters
    ----------
    parts
        The partitions, in their order.
    columns
        The columns in use.
    """

    parts: tuple[Any, ...] = field(repr=False)
    columns: Columns

    @classmethod
    def open(cls, frame: Any, columns: Columns) -> Self:
        """Take the partitions of a Dask table, or a list of delayed tables."""
        if not _is_collection(frame):
            return cls(tuple(frame) if isinstance(frame, list | tuple) else (frame,), columns)
        columns.check_present(frame.columns)
        return cls(tuple(frame[[*columns.used]].to_delayed()), columns)

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows, partition by partition, on this machine."""
        for part in self.parts:
            yield from FrameSource.read(part.compute(), self.columns).batches()

    def map[Result](
        self, function: Callable[[FrameSource, Any], Result], arguments: Sequence[Any]
    ) -> list[Result]:
        """Apply a function to every partition and an argument of its own."""
        dask = _dask()
        return list(dask.compute(*self._leaves(function, arguments)))

    def reduce[Result](
        self,
        function: Callable[[FrameSource, Any], Result],
        arguments: Sequence[Any],
        combine: Callable[[Result, Result], Result],
    ) -> Result:
        """Apply a function to every partition and combine the results in a tree."""
        dask = _dask()
        level = self._leaves(function, arguments)
        join = dask.delayed(combine, pure=False)
        while len(level) > 1:
            pairs = [join(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
            level = pairs + level[len(pairs) * 2 :]
        found: Result = dask.compute(level[0])[0]
        return found

    def _leaves(
        self, function: Callable[[FrameSource, Any], Any], arguments: Sequence[Any]
    ) -> list[Any]:
        apply = _dask().delayed(_apply, pure=False)
        pairs = zip(self.parts, arguments, strict=True)
        return [apply(function, part, self.columns, argument) for part, argument in pairs]


def _apply[Result](
    function: Callable[[FrameSource, Any], Result], table: Any, columns: Columns, argument: Any
) -> Result:
    return function(FrameSource.read(table, columns), argument)


def _dask() -> Any:
    try:
        return importlib.import_module("dask")
    except ImportError as error:  # a table of Dask without Dask: only if it was removed since
        raise DataError("frame: a Dask table takes Dask; install bayes-intgen[dask].") from error
