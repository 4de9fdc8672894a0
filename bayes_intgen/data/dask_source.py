"""Rows in partitions that Dask holds or makes: work goes to the rows, sums come back.

A partition is a delayed table. :meth:`DaskSource.reduce` applies a function where each partition
is, on the cluster that Dask is connected to, in threads if it is to none, and combines the results
two by two in a tree of fixed shape, so that neither the number of workers nor their order changes a
digit. What a lost worker did is done again by another.

Dask is an optional dependency (the extra ``dask``), imported only where a table of its is given.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.sources import FrameSource, Mergeable, Source, merge_each

__all__ = ["DaskSource"]


@dataclass(frozen=True)
class DaskSource:
    """Delayed tables, and the columns in use."""

    tables: tuple[Any, ...] = field(repr=False)  # in their order
    columns: Columns
    threads = 1  # in each partition: Dask fills the cores with partitions

    @classmethod
    def open(cls, frame: Any, columns: Columns) -> Self:
        """Take the partitions of a Dask table, of one delayed table or of a list of them."""
        if isinstance(frame, list | tuple):
            return cls(tuple(frame), columns)
        if type(frame).__name__.startswith("Delayed"):
            return cls((frame,), columns)
        columns.check_present(frame.columns)
        return cls(tuple(frame[[*columns.used]].to_delayed()), columns)

    @property
    def partitions(self) -> int:
        """Number of tables."""
        return len(self.tables)

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows, partition by partition, on this machine."""
        for table in self.tables:
            yield from FrameSource.read(table.compute(), self.columns).batches()

    def reduce[Result: Mergeable](
        self, per_partition: Callable[[Source, Any], dict[Regime, Result]], arguments: Sequence[Any]
    ) -> dict[Regime, Result]:
        """Apply a function to every partition and merge the results in a tree, regime by regime."""
        dask = _dask()
        apply, join = dask.delayed(_apply, pure=False), dask.delayed(merge_each, pure=False)
        pairs = zip(self.tables, arguments, strict=True)
        level = [apply(per_partition, table, self.columns, argument) for table, argument in pairs]
        while len(level) > 1:
            joined = [join(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
            level = joined + level[len(joined) * 2 :]  # an odd one waits for the next level
        result: dict[Regime, Result] = dask.compute(level[0])[0]
        return result


def _apply[Result](
    per_partition: Callable[[Source, Any], Result], table: Any, columns: Columns, argument: Any
) -> Result:
    return per_partition(FrameSource.read(table, columns), argument)


def _dask() -> Any:
    try:
        return importlib.import_module("dask")
    except ImportError as error:  # a table of Dask without Dask: only if it was removed since
        raise DataError("frame: a Dask table takes Dask; install bayes-intgen[dask].") from error
