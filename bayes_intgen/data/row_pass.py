"""One pass over the rows of all regimes: on the cores of this machine, or where partitions are.

Which rows are summed together, and in which order the sums are merged, depends on the rows alone:
neither the number of cores nor that of workers changes a digit of the result.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol, Self

from threadpoolctl import threadpool_limits

from bayes_intgen.base.parallel import ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.dask_source import DaskSource
from bayes_intgen.data.folds import Chunk, folded_chunks
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.sources import FrameSource

__all__ = ["Job", "Sums", "pass_over"]

type Starts = Mapping[Regime, int]


class Sums(Protocol):
    """Sums over rows of one regime."""

    def add(self, fold: int, part: Any) -> Self:
        """Add what a job found in a chunk of one fold."""
        ...

    def merge(self, other: Self) -> Self:
        """Return the sums over the rows of both."""
        ...


class Job[Found: Sums](Protocol):
    """What is to be summed; it is sent to where the rows are."""

    def empty(self) -> Found:
        """Return the sums over no rows."""
        ...

    def sum(self, chunk: Chunk) -> tuple[Regime, int, Any]:
        """Return the regime and fold of a chunk and what its rows add."""
        ...


def pass_over[Found: Sums](data: RegimeData, job: Job[Found]) -> dict[Regime, Found]:
    """Sum over all rows of every regime; regimes in canonical order."""
    if isinstance(data.source, DaskSource):
        leaf = partial(_partition, data.without_rows(), job)
        return data.source.reduce(leaf, data.starts, _merge)
    return _pass(data, job, None, None)


def _partition[Found: Sums](
    data: RegimeData, job: Job[Found], rows: FrameSource, starts: Starts
) -> dict[Regime, Found]:
    return _pass(data.within(rows), job, starts, 1)


def _pass[Found: Sums](
    data: RegimeData, job: Job[Found], starts: Starts | None, threads: int | None
) -> dict[Regime, Found]:
    sums = {regime: job.empty() for regime in data.extents}
    counts = {regime: extent.n for regime, extent in data.extents.items()}
    with threadpool_limits(1):  # the cores are shared by chunks, not within a product
        chunks = folded_chunks(data.batches(), counts, starts)
        for regime, fold, found in ordered_map(job.sum, chunks, threads):
            sums[regime] = sums[regime].add(fold, found)
    return sums


def _merge[Found: Sums](one: dict[Regime, Found], two: dict[Regime, Found]) -> dict[Regime, Found]:
    return {regime: sums.merge(two[regime]) for regime, sums in one.items()}
