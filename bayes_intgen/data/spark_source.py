"""Rows in partitions that Spark holds or makes: work goes to the rows, sums come back.

Each pass is a job of Spark: ``mapInArrow`` hands a task the Arrow batches of a partition one by
one, and the task answers with its sums. These are merged two by two in a tree of fixed shape, which
the numbers of the partitions settle: groups of sixteen by Spark, as long as there are many, and the
last on this machine. So neither the number of executors nor the order in which they finish changes
a digit, and a task that fails is done again by Spark.

Folds and the sample of rows are cut by position, so that the rows of a partition must be the same,
in the same order, at each pass, as those of files are. Those of a shuffle need not be: persist the
table, or write it first. The passes are compared by the number of rows in each partition.

Spark is an optional dependency (the extra ``spark``), imported only where a table of its is given;
the executors need this library too.
"""

import importlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import pyarrow as pa

from bayes_intgen.base.errors import BayesIntgenError, DataError, FileError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.sources import Mergeable, Source, TablesSource, merge_each

__all__ = ["SparkSource"]

GROUP = 16  # partitions whose sums are merged by one task
FEW = 64  # partitions whose sums come to this machine one by one
ANSWER = "partition long, n_rows long, answer binary"
SCHEMA = pa.schema([("partition", pa.int64()), ("n_rows", pa.int64()), ("answer", pa.binary())])

type Answers = dict[int, tuple[int, Any]]  # number of rows and sums, by partition


@dataclass(frozen=True)
class SparkSource:
    """A Spark table, and the columns in use."""

    frame: Any = field(repr=False)  # of these columns only
    columns: Columns
    partitions: int
    rows: dict[int, int] = field(default_factory=dict, repr=False)  # of each, in the first pass
    threads = 1  # in each partition: Spark fills the cores with partitions

    @classmethod
    def open(cls, frame: Any, columns: Columns) -> Self:
        """Take the partitions of a Spark table."""
        columns.check_present(frame.columns)
        chosen = frame.select(*(_quoted(name) for name in columns.used))
        return cls(chosen, columns, _count_partitions(chosen))

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows, partition by partition, on this machine."""
        number = importlib.import_module("pyspark.sql.functions").spark_partition_id
        for k in range(self.partitions):
            table = self.frame.where(number() == k).toArrow()
            batches = table.to_batches()
            yield from TablesSource(partial(iter, batches), self.columns).batches()

    def reduce[Result: Mergeable](
        self, per_partition: Callable[[Source, Any], dict[Regime, Result]], arguments: Sequence[Any]
    ) -> dict[Regime, Result]:
        """Apply a function to every partition and merge the results in a tree, regime by regime."""
        job = partial(_answer, per_partition, self.columns, tuple(arguments))
        answers = _ask(self.frame, job, self.partitions)
        self._compare({k: n for k, (n, _) in answers.items()})
        level = [answers[k][1] for k in sorted(answers)]
        for answer in level:
            if isinstance(answer, BayesIntgenError):
                raise answer
        return _merge_tree(level)

    def _compare(self, rows: dict[int, int]) -> None:
        """Compare the number of rows of each partition, or group of them, with an earlier pass."""
        if self.rows and self.rows != rows:
            one, two = (sum(own.values()) for own in (self.rows, rows))
            raise FileError(
                f"frame: the partitions of the Spark table had {one:,} rows, and now have {two:,}, "
                f"or have them elsewhere; they must stay the same while they are read. Persist the "
                f"table, or write it to Parquet and read that."
            )
        self.rows.update(rows)


def _ask(frame: Any, job: Callable[[Iterator[pa.RecordBatch]], Any], most: int) -> Answers:
    """Run a job over the partitions; return their answers, merged by groups if there are many."""
    answers = frame.mapInArrow(job, ANSWER)
    while most > FEW:  # the answers move, not the rows
        most = -(-most // GROUP)
        key = importlib.import_module("pyspark.sql.functions").col("partition")
        answers = answers.repartition(most, (key / GROUP).cast("long")).mapInArrow(_join, ANSWER)
    found: Answers = {}
    with _naming_spark():
        rows = answers.collect()
    for row in rows:
        found[row["partition"]] = (row["n_rows"], pickle.loads(row["answer"]))
    return found


@contextmanager
def _naming_spark() -> Iterator[None]:
    """Say in our words what Spark says."""
    failed = importlib.import_module("pyspark.errors").PySparkException
    try:
        yield
    except failed as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = [line for line in lines if "Error" in line] or lines or [type(error).__name__]
        raise DataError(
            f"frame: Spark could not do the work: {told[-1][:300]}. Does the table count its rows "
            f"there, and is bayes_intgen installed where its tasks run?"
        ) from error


def _answer(
    per_partition: Callable[[Source, Any], Any],
    columns: Columns,
    arguments: Sequence[Any],
    batches: Iterator[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """Apply a function to the batches of a partition, in a task of Spark."""
    number = importlib.import_module("pyspark").TaskContext.get().partitionId()
    seen = 0

    def count() -> Iterator[pa.RecordBatch]:
        nonlocal seen
        for batch in batches:
            seen += batch.num_rows
            yield batch

    try:
        found = per_partition(TablesSource(count, columns), arguments[number])
    except BayesIntgenError as error:  # to be told in our words, not those of Spark
        found = error
    except IndexError as error:  # there are more rows than there were, which the count will tell
        found = DataError(f"frame: the rows of a partition cannot be counted ({error}).")
    for _ in batches:  # of an error the rest of the rows
        pass
    yield _row(number, seen, found)


def _join(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Merge the answers of groups of partitions, in a task of Spark."""
    groups: dict[int, list[tuple[int, int, bytes]]] = {}
    for batch in batches:
        for row in batch.to_pylist():
            own = groups.setdefault(row["partition"] // GROUP, [])
            own.append((row["partition"], row["n_rows"], row["answer"]))
    for group, own in sorted(groups.items()):
        answers = [pickle.loads(answer) for _, _, answer in sorted(own)]
        errors = [answer for answer in answers if isinstance(answer, BayesIntgenError)]
        merged = errors[0] if errors else _merge_tree(answers)
        yield _row(group, sum(n for _, n, _ in own), merged)


def _row(partition: int, n_rows: int, answer: Any) -> pa.RecordBatch:
    packed = pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)
    return pa.RecordBatch.from_arrays([[partition], [n_rows], [packed]], schema=SCHEMA)


def _merge_tree[Result: Mergeable](level: list[dict[Regime, Result]]) -> dict[Regime, Result]:
    while len(level) > 1:
        joined = [merge_each(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = joined + level[len(joined) * 2 :]  # an odd one waits for the next level
    return level[0] if level else {}


def _count_partitions(frame: Any) -> int:
    """Return how many partitions there are; the last ones may be left out if they have no rows."""
    failed = importlib.import_module("pyspark.errors").PySparkException
    try:
        return int(frame.rdd.getNumPartitions())
    except (AttributeError, failed):  # by Spark Connect, which has no other way to know
        number = importlib.import_module("pyspark.sql.functions").spark_partition_id
        with _naming_spark():
            found = frame.select(number().alias("k")).distinct().collect()
        return max((row["k"] for row in found), default=0) + 1


def _quoted(name: str) -> str:
    """Return a name with dots or signs in it as Spark reads it."""
    return "`" + name.replace("`", "``") + "`"
