"""Arrays as text: little-endian numbers in base 64, which the page decodes (model.js)."""

from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.types import Array

__all__ = ["Whole", "pack", "pack_whole", "width_of"]

type Whole = npt.NDArray[np.int64]


def pack(values: Array) -> dict[str, Any]:
    """Write numbers in double precision, row by row, with their shape.

    Examples
    --------
    >>> pack(np.array([[1.0, 2.0]]))
    {'shape': [1, 2], 'f8': 'AAAAAAAA8D8AAAAAAAAAQA=='}
    """
    numbers = np.ascontiguousarray(values, dtype="<f8")
    return {"shape": list(values.shape), "f8": b64encode(numbers.tobytes()).decode()}


def width_of(row: Whole) -> int:
    """Return the number of bytes that each of some whole numbers takes: one to six.

    Examples
    --------
    >>> width_of(np.array([127, -128])), width_of(np.array([128]))
    (1, 2)
    """
    least, most = int(row.min(initial=0)), int(row.max(initial=0))
    return next(n for n in range(1, 9) if -(1 << 8 * n - 1) <= least and most < 1 << 8 * n - 1)


def pack_whole(rows: Whole) -> list[dict[str, Any]]:
    """Write rows of whole numbers, each with as many bytes per number as it takes.

    Examples
    --------
    >>> pack_whole(np.array([[1, -1]]))
    [{'bytes': 1, 'text': 'Af8='}]
    """
    return [{"bytes": width_of(row), "text": _bytes(row, width_of(row))} for row in rows]


def _bytes(row: Whole, width: int) -> str:
    table = np.ascontiguousarray(row, dtype="<i8").view(np.uint8).reshape(-1, 8)
    return b64encode(np.ascontiguousarray(table[:, :width]).tobytes()).decode()
