"""Validation of single arguments: of the right kind and within their range.

Every function returns its argument, converted to the plain Python type, or raises an error that
names the argument, the rule and the value received. Numbers may be of Python or NumPy; a truth
value is never a number, nor text, nor an array of one element. The bounds on sizes are there to
tell a slip of the pen from a request for all the memory there is.
"""

from collections.abc import Mapping, Sequence
from math import inf
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from bayes_intgen.base.errors import BayesIntgenError, FileError, ModelError, QueryError

__all__ = [
    "MOST_COUNT",
    "read_choice",
    "read_mapping",
    "read_path",
    "read_real",
    "read_switch",
    "read_whole",
    "show",
]

MOST_COUNT = 10**9
SHOWN = 200

type Error = type[BayesIntgenError]


def show(value: object) -> str:
    """Write a value for a message: in one line, and cut if it is long.

    Examples
    --------
    >>> show([1, 2]), len(show("x" * 10_000)) < 300
    ('[1, 2]', True)
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({type(value).__name__})"


def read_whole(
    value: object,
    argument: str,
    least: int = 1,
    most: int = MOST_COUNT,
    error: Error = ModelError,
) -> int:
    """Return a whole number within its bounds.

    Raises
    ------
    BayesIntgenError
        Of the class ``error``, if it is none.

    Examples
    --------
    >>> read_whole(np.int64(3), "draws")
    3
    >>> read_whole(2.5, "draws")
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.ModelError: draws must be a whole number of at least 1, got 2.5.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise error(f"{argument} must be a whole number of at least {least}, got {show(value)}.")
    if value > most:
        raise error(f"{argument} must be a whole number of at most {most:,}, got {show(value)}.")
    return int(value)


def read_real(
    value: object,
    argument: str,
    rule: str = "a finite number",
    low: float = -inf,
    high: float = inf,
    open_ends: bool = False,
    error: Error = ModelError,
) -> float:
    """Return a finite number within its bounds.

    Parameters
    ----------
    value, argument
        The value, and the name of the argument.
    rule
        What the argument must be, in words.
    low, high
        Its bounds.
    open_ends
        Whether the bounds are excluded.
    error
        Class of the error.

    Raises
    ------
    BayesIntgenError
        Of the class ``error``, if it is none.

    Examples
    --------
    >>> read_real(np.float32(0.5), "threshold")
    0.5
    >>> read_real("high", "threshold")
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.ModelError: threshold must be a finite number, got 'high'.
    >>> read_real(90, "level", "a number between 0 and 1", 0.0, 1.0)
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.ModelError: level must be a number between 0 and 1, got 90; 90% is 0.9.
    """
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = inf
        within = low < number < high if open_ends else low <= number <= high
        if -inf < number < inf and within:
            return number
        if (low, high) == (0.0, 1.0) and 1 < number < 100:  # a share, given in percent
            raise error(
                f"{argument} must be {rule}, got {show(value)}; {number:g}% is {number / 100:g}."
            )
    raise error(f"{argument} must be {rule}, got {show(value)}.")


def read_choice(
    value: object, argument: str, options: Sequence[str], error: Error = ModelError
) -> str:
    """Return one of several texts.

    Raises
    ------
    BayesIntgenError
        Of the class ``error``, if it is none of them.

    Examples
    --------
    >>> read_choice("laplace", "method", ("nuts", "laplace"))
    'laplace'
    """
    if isinstance(value, str) and value in options:
        return value
    raise error(f"{argument} must be one of {list(options)}, got {show(value)}.")


def read_switch(value: object, argument: str, error: Error = ModelError) -> bool:
    """Return True or False.

    Raises
    ------
    BayesIntgenError
        Of the class ``error``, if it is neither: text such as ``"no"`` counts as true in Python.
    """
    if isinstance(value, bool | np.bool):
        return bool(value)
    raise error(f"{argument} must be True or False, got {show(value)}.")


def read_mapping(
    value: object, argument: str, holds: str, error: Error = QueryError
) -> dict[str, Any]:
    """Return a mapping as a dictionary, an empty one for None.

    ``holds`` says in words what it maps to what.

    Raises
    ------
    BayesIntgenError
        Of the class ``error``, if it is no mapping.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    raise error(f"{argument} must be a mapping of {holds}, got {show(value)}.")


def read_path(value: object, argument: str = "path") -> Path:
    """Return a path.

    Raises
    ------
    FileError
        If it is neither text nor a path, or empty, or has a null character.
    """
    if isinstance(value, str | PathLike):
        path = Path(value)
        if str(value) and "\0" not in str(path):
            return path
    raise FileError(
        f"{argument} must be the path of a file, as text or pathlib.Path, got {show(value)}."
    )
