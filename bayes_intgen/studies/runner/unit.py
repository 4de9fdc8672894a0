"""Units of a study: fixed settings, the rows that follow from them, and the file that keeps them.

A unit is a frozen dataclass whose fields determine its rows. Its key, a readable name and a digest
of all fields, names the file ``.units/<key>.json`` that holds the rows; a unit with other settings
has another key and so is never taken for done.
"""

import hashlib
import json
import re
import warnings
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Protocol

from bayes_intgen.base.errors import ConvergenceWarning, ModelError
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["Row", "Unit", "dump_rows", "fit_in_unit", "read_rows", "require_least", "unit_key"]

DIGITS = 12

type Row = dict[str, Any]


class Unit(Protocol):
    """One piece of a study.

    A frozen dataclass, importable by its name in another process, whose fields are JSON types
    (text, numbers, booleans, None, and tuples or lists of them).
    """

    @property
    def name(self) -> str:
        """A short name, of letters, digits, dots, hyphens and underscores."""

    def run(self) -> list[Row]:
        """Return the unit's rows, of JSON types; they follow from the fields alone."""


def unit_key(unit: Unit) -> str:
    """Return the name of a unit with a digest of its kind and fields.

    Raises
    ------
    ModelError
        If the unit is not a dataclass of JSON types, or its name cannot be that of a file.

    Examples
    --------
    >>> from bayes_intgen.studies.random_systems.calibration import CalibrationUnit
    >>> unit_key(CalibrationUnit("linear", 3))
    'linear-0003-...'
    """
    digest = hashlib.sha256(_describe(unit).encode()).hexdigest()
    if not re.fullmatch(r"[A-Za-z0-9._-]+", unit.name):
        raise ModelError(
            f"a unit's name must consist of letters, digits, '.', '-' and '_', got {unit.name!r}."
        )
    return f"{unit.name}-{digest[:DIGITS]}"


def require_least(unit: Unit, way_out: str = "", **least: int) -> None:
    """Raise a ModelError if a field of a unit is below its least value."""
    for name, bound in least.items():
        value = getattr(unit, name)
        if value < bound:
            raise ModelError(
                f"{name} must be a whole number of at least {bound}, got {value}{way_out}."
            )


def fit_in_unit(model: InterventionModel, data: RegimeData | Moments, **options: Any) -> Posterior:
    """Fit a model on one core and without a word: whether it converged is to be in the rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(data, cores=1, progressbar=False, **options)


def dump_rows(unit: Unit, rows: list[Row]) -> str:
    """Write a unit and its rows as JSON text; NaN is kept."""
    return json.dumps({"unit": json.loads(_describe(unit)), "rows": rows}, indent=1)


def read_rows(unit: Unit, path: Path) -> list[Row] | None:
    """Return the rows of a unit that is done; None if it is not, or its file is of no use."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("unit") != json.loads(_describe(unit)):
        return None
    rows: list[Row] | None = content.get("rows")
    return rows


def _describe(unit: object) -> str:
    if not is_dataclass(unit) or isinstance(unit, type):
        raise ModelError(f"a unit must be an object of a dataclass, got {unit!r}.")
    kind = f"{type(unit).__module__}.{type(unit).__qualname__}"
    try:
        return json.dumps({"kind": kind, "fields": asdict(unit)}, sort_keys=True)
    except TypeError as error:
        raise ModelError(f"a unit's fields must be JSON types, got {unit!r} ({error}).") from error
