"""Conversion of tables and Arrow batches to arrays of rows that share a regime.

It has two steps. A batch of a source is split by the label as it stands in the table, and its
categorical columns become codes that hold for that batch only. :func:`regime_batches` then reads
the labels, and replaces the codes by those that hold for all rows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from bayes_intgen.base.errors import BayesIntgenError, DataError, RegimeError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.column_types import (
    levels_among_objects,
    numbers_among_objects,
    own_type,
)
from bayes_intgen.data.columns import Columns, check_finite, label_rows
from bayes_intgen.data.levels import encode
from bayes_intgen.data.marks import read_marks

__all__ = [
    "LabelledBatch",
    "Levels",
    "convert_batch",
    "convert_table",
    "open_table",
    "or_categorical",
    "regime_batches",
]

TABLES = (
    "frame must be a pandas, polars or pyarrow table, a polars lazy frame, a pyarrow dataset, a "
    "Dask table, a function that yields such tables, or a path to a CSV or Parquet file"
)

type Levels = Mapping[str, tuple[str, ...]]
type LabelledBatch = tuple[object, Array, Levels]


def regime_batches(
    batches: Iterable[LabelledBatch],
    columns: Columns,
    levels: Levels,
    regimes: Collection[Regime] | None = None,
) -> Iterator[tuple[Regime, Array]]:
    """Yield the regime of each batch of a source, and its rows with the codes of given levels.

    Behind the values of a row stand its marks. ``levels``: in the order of their codes.
    ``regimes``: those that are wanted; all by default.
    """
    for label, values, texts in batches:
        regime = columns.regime_of(label)
        if regimes is None or regime in regimes:
            yield regime, _recode(values, texts, columns, levels) if texts else values


def _recode(values: Array, texts: Levels, columns: Columns, levels: Levels) -> Array:
    """Replace the codes of a batch by the positions of its levels among all levels."""
    recoded = values.copy()
    for name, own in texts.items():
        order = {level: code for code, level in enumerate(levels[name])}
        # A level of the batch without rows, such as one that only another regime has, has no code.
        codes = np.array([order.get(level, -1) for level in own], dtype=float)
        position = columns.values.index(name)
        recoded[:, position] = codes[values[:, position].astype(int)]
    return recoded


def open_table(frame: Any, expected: str, error: type[BayesIntgenError]) -> nw.DataFrame[Any]:
    """Open a pandas, polars or pyarrow table.

    ``expected``: the sentence, without its end, that says what is taken.

    Raises
    ------
    error
        If it is something else, or column names are repeated.
    """
    lazy = hasattr(frame, "collect")
    table: nw.DataFrame[Any] | None = None
    try:
        names = [] if lazy else _column_names(frame)
        if len(names) == len(set(names)):
            table = nw.from_native(frame, eager_only=True)
    except (TypeError, ValueError):
        collect = "; collect it first" if lazy else ""
        raise error(f"{expected}; got {type(frame).__name__}{collect}.") from None
    if table is None:
        name, repeated = (
            expected.partition(" must ")[0],
            {str(n) for n in names if names.count(n) > 1},
        )
        raise error(
            f"{name}: column names must be distinct, got {sorted(repeated)} more than once."
        )
    return table


def _column_names(frame: Any) -> list[Any]:
    """Return the names of the columns of a table; none of what is no table."""
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return list(frame.schema.names)
    return list(getattr(frame, "columns", ()))


def convert_table(frame: Any, columns: Columns, first_row: int = 0) -> Iterator[LabelledBatch]:
    """Convert a pandas, polars or pyarrow table and split it by label.

    ``first_row``: the number of its first row, for error messages.

    Raises
    ------
    DataError
        If it is no such table, or a column is missing, repeated or cannot be used.
    RegimeError
        If a label is missing.
    """
    table = open_table(frame, TABLES, DataError)
    columns.check_present(table.columns)

    def labels() -> tuple[Indices, Sequence[object]]:
        texts = np.fromiter(table[columns.regime].to_list(), dtype=object, count=len(table))
        try:
            codes, uniques = pd.factorize(texts)
        except TypeError as error:
            raise RegimeError(
                f"regime: labels must be text, such as 'obs' or 'a1+a2', but some are collections "
                f"({error}); write them as text."
            ) from error
        return codes, uniques.tolist()

    def column(name: str) -> pa.Array:
        return _to_arrow(table[name], name, columns)

    def mark(name: str) -> pa.Array:
        series = table[name]
        if series.dtype != nw.Object:
            return series.to_arrow()
        return pa.array([None if pd.isna(own) else str(own) for own in series.to_list()])

    return _convert(len(table), column, mark, labels, columns, first_row)


def convert_batch(
    batch: pa.RecordBatch, columns: Columns, first_row: int, empty_is_missing: bool = False
) -> Iterator[LabelledBatch]:
    """Convert an Arrow batch and split it by label; as :func:`convert_table`.

    ``empty_is_missing``: whether an empty text is a missing value, as in CSV files.
    """

    def labels() -> tuple[Indices, Sequence[object]]:
        column = batch.column(columns.regime)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        uniques = column.dictionary.to_pylist()
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        if None in uniques:
            codes = np.where(codes == uniques.index(None), -1, codes)
        return codes, uniques

    size = batch.num_rows
    column = batch.column
    return _convert(size, column, column, labels, columns, first_row, empty_is_missing)


def _convert(
    size: int,
    column: Callable[[str], pa.Array],
    mark: Callable[[str], pa.Array],
    labels: Callable[[], tuple[Indices, Sequence[object]]],
    columns: Columns,
    first_row: int,
    empty_is_missing: bool = False,
) -> Iterator[LabelledBatch]:
    """Convert a column after the other, then split the rows by their labels or flags.

    ``column`` returns one that holds values, ``mark`` one that holds marks.
    """
    width = len(columns.values)
    values, texts = np.empty((size, width + len(columns.marks.kept)), order="F"), {}
    if columns.marks.kept:
        values[:, width:] = read_marks(mark, columns.marks, first_row)
    for position, name in enumerate(columns.values):
        role = columns.role(name)
        if name in columns.categorical:
            coded = encode(column(name), name, first_row, empty_is_missing, role)
            values[:, position], texts[name] = coded
        elif name in columns.outcomes:
            values[:, position] = _numbers_or_nan(column, name)
        else:
            values[:, position] = _numbers(column(name), name, role, first_row)
    if columns.flags:
        marks = [_numbers(column(name), name, "regime", first_row) for name in columns.labels]
        return _split(*label_rows(marks, columns.flags, first_row), values, texts)
    return _split(*labels(), values, texts)


def _numbers(column: pa.Array, name: str, role: str, first_row: int) -> Array:
    """Convert a column of numbers to float64."""
    if not _is_number(column.type):
        raise DataError(_no_numbers(name, role, column.type))
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    values = np.asarray(column.to_numpy(zero_copy_only=False))  # NaN where a value is missing
    check_finite(values, name, role, first_row)
    return values


def _numbers_or_nan(column: Callable[[str], pa.Array], name: str) -> Array:
    """Convert one of several outcomes; NaN where it is missing, or everywhere if it has no numbers.

    One that cannot be used must not stop the others: whoever reads several says which they are.
    """
    try:
        values = column(name)
    except DataError:
        return np.full(1, np.nan)
    if not _is_number(values.type):
        return np.full(1, np.nan)
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _to_arrow(series: nw.Series[Any], name: str, columns: Columns) -> pa.Array:
    """Convert a column of a table, whose own name of its type is the one to tell."""
    role, dtype = columns.role(name), series.dtype
    if name not in columns.categorical:
        if dtype.is_numeric() or dtype == nw.Boolean:
            return series.to_arrow()
        numbers = numbers_among_objects(series) if dtype == nw.Object else None
        if numbers is None:
            raise DataError(_no_numbers(name, role, own_type(series)))
        return numbers
    try:
        return series.to_arrow() if dtype != nw.Object else levels_among_objects(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError):
        pass  # a mixture of types
    raise DataError(
        f"{role}: the categorical column {name!r} must hold text, whole numbers, booleans or "
        f"categories of one type, but it is a mixture of types. Convert it to text first."
    )


def _no_numbers(name: str, role: str, kind: object) -> str:
    return f"{role}: column {name!r} must hold numbers, but its type is {kind}. {_remedy(role)}."


def _remedy(role: str) -> str:
    """Say what to do with a column that holds no numbers, without the full stop."""
    if role == "regime":
        return "Write true or false (1 or 0) in every row"
    return f"Convert it to numbers first{or_categorical(role)}"


def or_categorical(role: str) -> str:
    """Name the other way out for a column that holds no numbers, as the end of a sentence."""
    return ", or list it in categorical" if role in ("actions", "covariates") else ""


def _is_number(kind: pa.DataType) -> bool:
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(check(kind) for check in checks)


def _split(
    codes: Indices, labels: Sequence[object], values: Array, texts: Levels
) -> Iterator[LabelledBatch]:
    """Part the rows by label, in their order; a missing label raises a RegimeError."""
    if not len(codes):
        return
    if int(codes.min()) < 0:
        raise RegimeError(
            f"regime: {int((codes < 0).sum())} rows have no label; "
            f"write 'obs' for observational rows."
        )
    counts = np.bincount(codes, minlength=len(labels))
    if counts.max() == len(codes):
        yield labels[int(codes[0])], values, texts
        return
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(counts)
    for code, label in enumerate(labels):
        if counts[code]:
            rows = order[ends[code] - counts[code] : ends[code]]
            yield label, values.T[:, rows].T, texts
