"""Rows that a query in SQL yields, put to a database at each pass."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bayes_intgen.data.stream_sources import Query

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["read_sql"]


def read_sql(
    cls: "type[RegimeData]",
    query: str,
    connection: Any,
    outcome: Any,
    actions: Sequence[str],
    regime: str | Mapping[str, str] = "regime",
    categorical: Iterable[str] = (),
    covariates: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Any:
    """Read and validate the result of a query; the rows stay in the database.

    Parameters
    ----------
    query
        In SQL, with a row per unit. It is put once per pass, for the columns in use only.
    connection
        Of DuckDB or ADBC; it must stay open for as long as the data are used.
    outcome, actions, regime, categorical, covariates, labels
        As in :meth:`from_frame`, as is what is returned.

    Raises
    ------
    DataError
        As :meth:`from_frame`, or if the database cannot answer.
    RegimeError
        As :meth:`from_frame`.

    Examples
    --------
    >>> import duckdb
    >>> connection = duckdb.connect().register("rows", frame)
    >>> query = "SELECT * FROM rows WHERE regime <> 'a2'"
    >>> ig.RegimeData.from_sql(query, connection, "y", ["a1", "a2"]).n_rows
    400
    """
    roles = (outcome, actions, regime, categorical, covariates)
    return cls.from_frame(Query(query, connection), *roles, labels=labels)
