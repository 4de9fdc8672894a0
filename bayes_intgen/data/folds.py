"""Rows cut into chunks of one regime and one cross-validation fold.

Folds are contiguous thirds of the rows of each regime, in their order, as those of scikit-learn's
``KFold(3)`` without shuffling. Batches may be of any length: short ones are gathered first, so that
the work on a chunk outweighs what is spent around it.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array

__all__ = ["FOLDS", "Chunk", "folded_chunks"]

FOLDS = 3
CHUNK_ROWS = 2**15

type Chunk = tuple[Regime, int, Array]


def folded_chunks(
    batches: Iterable[tuple[Regime, Array]],
    counts: Mapping[Regime, int],
    starts: Mapping[Regime, int] | None = None,
) -> Iterator[Chunk]:
    """Yield (regime, fold, rows), the rows of each regime in their order.

    Parameters
    ----------
    batches
        Rows of one regime at a time, shape (rows, columns).
    counts
        Number of rows of each regime, which settles where its folds end.
    starts
        Number of rows of each regime that come before the batches, none by default.
    """
    seen = {regime: 0 if starts is None else starts.get(regime, 0) for regime in counts}
    pending: dict[Regime, list[Array]] = {regime: [] for regime in counts}
    lengths = dict.fromkeys(counts, 0)

    def flush(regime: Regime) -> Iterator[Chunk]:
        parts = pending[regime]
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        for fold, chunk in _cut(rows, seen[regime], counts[regime]):
            yield regime, fold, chunk
        seen[regime] += len(rows)
        pending[regime], lengths[regime] = [], 0

    for regime, values in batches:
        pending[regime].append(values)
        lengths[regime] += len(values)
        if lengths[regime] >= CHUNK_ROWS:
            yield from flush(regime)
    for regime, length in list(lengths.items()):
        if length:
            yield from flush(regime)


def _cut(values: Array, start: int, n: int) -> Iterator[tuple[int, Array]]:
    """Cut rows ``start`` to ``start + len(values)`` of n at fold borders and every chunk.

    Folds are as equal as can be, the larger ones first.
    """
    sizes = [n // FOLDS + (fold < n % FOLDS) for fold in range(FOLDS)]
    ends = np.cumsum(sizes)
    done = 0
    while done < len(values):
        fold = int(np.searchsorted(ends, start + done, side="right"))
        stop = min(len(values), int(ends[fold]) - start, done + CHUNK_ROWS)
        yield fold, values[done:stop]
        done = stop
