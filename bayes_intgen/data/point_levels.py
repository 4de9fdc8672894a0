"""Levels of a categorical action or covariate at query points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.errors import DataError, QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.data.levels import level_text

__all__ = ["to_codes"]


def to_codes(raw: npt.NDArray[Any], name: str, levels: Sequence[str], kind: str) -> Array:
    """Convert the levels of a categorical action or covariate to their codes."""
    try:
        texts = [level_text(value) for value in raw.ravel().tolist()]
    except DataError as error:
        raise QueryError(f"at: {kind} {name!r}: {error}") from error
    if None in texts:
        raise QueryError(
            f"at: the categorical {kind} {name!r} has missing values at {texts.count(None)} "
            f"points; drop those points."
        )
    order = {level: code for code, level in enumerate(levels)}
    unknown = list(dict.fromkeys(text for text in texts if text not in order))
    if unknown:
        raise QueryError(
            f"at: {kind} {name!r} has no level {', '.join(map(repr, unknown[:5]))}; the data have "
            f"{list(levels)}. Nothing is known about a level without rows."
        )
    return np.array([order[str(text)] for text in texts], dtype=float).reshape(raw.shape)
