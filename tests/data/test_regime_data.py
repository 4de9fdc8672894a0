"""Regime data: equal rows from every kind of table, batches, and regimes left out."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bayes_intgen import DataError, RegimeData, RegimeError

ACTIONS = ["a1", "a2", "a3"]


def parquet(frame, path):
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=33)
    return path


def csv(frame, path):
    frame.to_csv(path, index=False)
    return path


FORMS = {
    "pandas": lambda frame, folder: frame,
    "polars": lambda frame, folder: pl.from_pandas(frame),
    "pyarrow": lambda frame, folder: pa.Table.from_pandas(frame),
    "chunks": lambda frame, folder: pa.concat_tables(
        [pa.Table.from_pandas(frame[:33]), pa.Table.from_pandas(frame[33:])]
    ),
    "csv": lambda frame, folder: csv(frame, folder / "rows.csv"),
    "parquet": lambda frame, folder: parquet(frame, folder / "rows.parquet"),
    "path as text": lambda frame, folder: str(parquet(frame, folder / "rows.PQ")),
}

COLUMNS = {
    "float": lambda values: values,
    "int": lambda values: values.round().astype(int),
    "bool": lambda values: values > values.mean(),
    "float32": lambda values: (values.round(1) * 8 // 1 / 8).astype("float32"),  # short decimals
    "uint8": lambda values: values.round().abs().clip(upper=255).astype("uint8"),
    "beyond 2^53": lambda values: values.round().astype(int) * 2**50 + 1,
    "Int64": lambda values: values.round().astype("Int64"),
    "boolean": lambda values: (values > values.mean()).astype("boolean"),
    "pyarrow int": lambda values: values.round().astype("int64[pyarrow]"),
    "pyarrow double": lambda values: values.astype("double[pyarrow]"),
}

LABELS = {
    "categorical": lambda labels: labels.astype("category"),
    "object": lambda labels: labels.astype(object),
    "string": lambda labels: labels.astype("string"),
    "pyarrow": lambda labels: labels.astype("string[pyarrow]"),
}


def read(table, actions=ACTIONS, **names):
    return RegimeData.from_frame(table, **{"outcome": "y", "actions": actions, **names})


def assert_rows(data, frame):
    """Hold the rows against the frame, regime by regime and in order."""
    assert data.labels == ("obs", "a1", "a2", "a3")
    assert data.n_rows == len(frame)
    for regime in data.labels:
        expected = frame.loc[frame["regime"] == regime, [*data.actions, "y"]].astype("float64")
        np.testing.assert_array_equal(data.rows(regime), expected.to_numpy())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", COLUMNS)
def test_every_table_of_every_type_gives_the_same_rows(frame, tmp_path, form, column):
    typed = frame.assign(a2=COLUMNS[column](frame["a2"]), extra="x")
    assert_rows(read(FORMS[form](typed, tmp_path)), typed)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_type_give_the_same_regimes(frame, tmp_path, form, kind):
    labelled = frame.assign(regime=LABELS[kind](frame["regime"]))
    assert_rows(read(FORMS[form](labelled, tmp_path)), frame)


def test_polars_categories_are_labels(frame):
    for kind in (pl.Categorical, pl.Enum(["a3", "a2", "a1", "obs"])):
        table = pl.from_pandas(frame).with_columns(pl.col("regime").cast(kind))
        assert_rows(read(table), frame)


def test_read_only_and_strided_columns(frame):
    values = np.asfortranarray(frame[[*ACTIONS, "y"]].to_numpy())[::-1]
    values.flags.writeable = False
    frozen = pd.DataFrame(values, columns=[*ACTIONS, "y"], copy=False)
    frozen["regime"] = frame["regime"].to_numpy()[::-1]
    assert_rows(read(frozen), frozen)


def test_names_order_and_index_are_free(frame):
    renamed = frame.rename(columns={"y": "sales", "regime": "arm"}).set_index(np.zeros(100))
    data = read(renamed, ["a3", "a1", "a2"], outcome="sales", regime="arm")
    expected = renamed.loc[renamed["arm"] == "a2", ["a3", "a1", "a2", "sales"]]
    np.testing.assert_array_equal(data.rows("a2"), expected)
    assert (data.actions, data.outcome) == (("a3", "a1", "a2"), "sales")
    assert data.labels == ("obs", "a3", "a1", "a2")


def test_the_order_of_names_in_a_label_does_not_matter(frame):
    joint = frame["regime"] == "a3"
    label = np.where(np.arange(100) % 2, "a2+a1", "a1+a2")
    data = read(frame.assign(regime=frame["regime"].mask(joint, label)))
    assert data.labels == ("obs", "a1", "a2", "a1+a2")
    np.testing.assert_array_equal(
        np.sort(data.rows("a2+a1"), axis=0), np.sort(frame.loc[joint, [*ACTIONS, "y"]], axis=0)
    )


# Batches


@pytest.mark.parametrize("form", ["pandas", "parquet", "csv"])
def test_rows_keep_their_order_across_batches(frame, tmp_path, monkeypatch, form):
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    data = read(FORMS[form](frame, tmp_path))
    assert_rows(data, frame)
    sizes = [len(values) for _, values in data.batches()]
    assert max(sizes) <= 7 or form == "csv"
    assert sum(sizes) == 100


def test_a_csv_file_of_many_blocks(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(30_000, 4)), columns=[*ACTIONS, "y"])
    frame["regime"] = rng.choice(["obs", "a1", "a2", "a3"], len(frame))
    path = csv(frame, tmp_path / "rows.csv")
    data = read(path)
    assert sum(1 for _ in data.batches()) > 4
    assert_rows(data, frame)
    with path.open("a") as file:
        file.write("1,2,none,4,obs\n")
    with pytest.raises(DataError, match=r"column 'a3' of .*Row #30002: .* value 'none'"):
        read(path)


@pytest.mark.parametrize("form", FORMS)
def test_summaries_have_counts_and_ranges(frame, tmp_path, form):
    data = read(FORMS[form](frame, tmp_path))
    for regime, rows in frame.groupby("regime"):
        summary = data.summary.regimes[() if regime == "obs" else (regime,)]
        assert summary.n == len(rows)
        np.testing.assert_array_equal(summary.low, rows[[*ACTIONS, "y"]].min())
        np.testing.assert_array_equal(summary.high, rows[[*ACTIONS, "y"]].max())


# Leaving regimes out


@pytest.mark.parametrize("form", ["pandas", "csv", "parquet"])
def test_dropped_regimes_are_gone_and_the_others_stay(frame, tmp_path, form):
    data = read(FORMS[form](frame, tmp_path))
    fewer = data.drop(["a2", "obs"])
    assert fewer.labels == ("a1", "a3")
    assert fewer.n_rows == 40
    assert {regime for regime, _ in fewer.batches()} == {("a1",), ("a3",)}
    np.testing.assert_array_equal(fewer.rows("a3"), data.rows("a3"))
    assert data.labels == ("obs", "a1", "a2", "a3")
    assert data.drop("a2").labels == ("obs", "a1", "a3")
    assert data.drop([]).labels == data.labels
    with pytest.raises(RegimeError, match=r"'obs' is not in the data: \['a1', 'a3'\]"):
        fewer.rows("obs")


@pytest.mark.parametrize(
    ("regimes", "error", "message"),
    [
        ("a1+a2", RegimeError, r"no regime \['a1\+a2'\]; they have \['obs', 'a1', 'a2', 'a3'\]"),
        (["b"], RegimeError, "names .* not among the actions"),
        (["obs", "a1", "a2", "a3"], RegimeError, "at least one regime must be left"),
        (["a3"], DataError, "actions: column 'a3' is 0 in every row of every regime"),
    ],
)
def test_drop_refuses_what_cannot_be_dropped(frame, regimes, error, message):
    data = read(frame.assign(a3=frame["a3"].where(frame["regime"] == "a3", 0.0)))
    with pytest.raises(error, match=message):
        data.drop(regimes)


def test_the_printed_table(frame):
    joint = frame.assign(regime=frame["regime"].replace("a3", "a3+a1"))
    rows = pd.concat([joint, *[joint[joint["regime"] == "obs"]] * 30])
    assert str(read(rows)).splitlines() == [
        "RegimeData: outcome 'y', actions ['a1', 'a2', 'a3']",
        "regime          rows  actions set",
        "obs            1,240  none (observational)",
        "a1                25  a1",
        "a2                20  a2",
        "a1+a3             15  a1, a3",
    ]
