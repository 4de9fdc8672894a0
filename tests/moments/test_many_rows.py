"""Passes over many rows: fast sums against sums written out, any source, merging, samples."""

from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pytest

import bayes_intgen as ig
from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.parallel import ordered_map
from bayes_intgen.base.types import Scale
from bayes_intgen.data.row_pass import folded_chunks, subsample_rows
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.feature import ProductLayout
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.description import check_size
from bayes_intgen.moments.feature_sums import sum_features

COLUMNS = {"outcome": "y", "actions": ["a1", "a2", "a3"]}


@pytest.fixture(scope="module")
def frame():
    """Three actions, regimes in mixed order."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    rows = scm.sample_regimes(scm.single_regimes, n=700, random_seed=2)
    return rows.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture(scope="module")
def first(frame):
    return ig.Moments.from_data(ig.RegimeData.from_frame(frame, **COLUMNS))


def assert_close(found, expected, rtol=1e-12):
    """Hold moments against others, relative to the sizes of their columns."""
    assert found.regimes == expected.regimes
    for regime in expected.regimes:
        for one, two in zip(found.folds[regime], expected.folds[regime], strict=True):
            size = np.sqrt(np.diag(two.scatter))
            size[size == 0] = 1.0
            assert one.n == two.n
            assert one.weight == pytest.approx(two.weight, rel=rtol)
            assert np.abs((one.mean - two.mean) / size).max() < rtol
            assert np.abs((one.scatter - two.scatter) / np.outer(size, size)).max() < rtol


# Features and sums


def product_by_product(features, values):
    """The definition: every feature by itself, sines one by one."""
    columns = []
    for feature in features.features:
        column = np.ones(len(values))
        for name, position in feature.factors:
            basis, at = features.bases[name], values[:, features.variables.index(name)]
            if basis.kind == "hsgp" and basis.warp is None:
                x = np.clip((at - basis.box.centre) / basis.box.spread, -basis.c, basis.c)
                wave = np.sin(position * np.pi / (2 * basis.c) * (x + basis.c)) / np.sqrt(basis.c)
                linear = (at - basis.scale.centre) / basis.scale.spread
                column *= wave if position else linear
            else:
                column *= basis.evaluate(at)[:, position]
        columns.append(column)
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "basis", [ig.HSGP(), ig.HSGP(warp=24), ig.HSGP(m=40, m_pair=0, warp=0), ig.Polynomial(4)]
)
@pytest.mark.parametrize("scopes", [[("a1", "a2", "a3")], [("a1",), ("a3", "a1"), ("a2",)]])
def test_features_are_products(frame, basis, scopes):
    data = ig.RegimeData.from_frame(frame, **COLUMNS)
    bases = freeze_bases(basis, data.variables, data.summary)
    features = FeatureMap.within(bases, scopes)
    features = features.union(FeatureMap.pairs(bases, 2))
    values = np.concatenate([2.5 * data.rows("a1")[:, :-1], data.rows("obs")[:, :-1]])
    found = features.evaluate(values)
    np.testing.assert_allclose(found, product_by_product(features, values), atol=1e-12)


def test_rectangles_cover_features_in_any_order():
    rng = np.random.default_rng(1)
    tables = {name: rng.normal(size=(5, 4)) for name in "abc"}
    names = [(), *((("a", i),) for i in range(5))]
    names += [(("a", i), ("b", j)) for i in range(5) for j in range(5) if (i + j) % 4]
    names += [(("a", i), ("b", j), ("c", i)) for i in range(2) for j in range(3)]
    for order in (range(len(names)), rng.permutation(len(names))):
        features = [names[i] for i in order]
        found = np.full((len(features), 4), np.nan)
        ProductLayout.of(features).fill(tables, found)
        expected = [np.prod([tables[n][i] for n, i in f] or [np.ones(4)], axis=0) for f in features]
        np.testing.assert_allclose(found, expected, rtol=1e-15)


class ByFirstAction:
    def log_weights(self, phi):
        return 0.4 * phi[:, 1] - 0.3


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("weighted", [False, True])
def test_block_sums_are_those_of_whole_tables(frame, first, offset, weighted, monkeypatch):
    """Also where the first rows are far from all others, which the reference then is."""
    monkeypatch.setattr("bayes_intgen.moments.block_moments.LEAST_BLOCK", 1)
    monkeypatch.setattr("bayes_intgen.moments.block_moments.BLOCK_VALUES", 1)
    values = np.array(frame[["a1", "a2", "a3", "y"]])
    values[:150, -1] += offset
    theta = np.random.default_rng(2).normal(size=len(first.features.features))
    variance = ByFirstAction() if weighted else None
    found = sum_features(values, first.features, Scale(0.0, 1.0), variance, theta)
    phi, y = first.features.evaluate(values[:, :-1]), values[:, -1]
    weights = np.exp(ByFirstAction().log_weights(phi)) if weighted else np.ones(len(y))
    table = np.column_stack([phi[:, 1:], y])
    mean = weights @ table / weights.sum()
    scatter = (table - mean).T @ ((table - mean) * weights[:, None])
    size = np.sqrt(np.diag(scatter))
    np.testing.assert_allclose((found.moments.mean - mean) / size, 0, atol=1e-13)
    error = (found.moments.scatter - scatter) / np.outer(size, size)
    np.testing.assert_allclose(error, 0, atol=1e-12)
    e = weights * (y - phi @ theta)
    meat = (phi * e[:, None]).T @ (phi * e[:, None])
    assert np.abs(found.residuals.meat - meat).max() < 1e-12 * np.abs(meat).max()


def test_constant_columns_have_no_scatter_at_all(frame, first):
    values = np.array(frame[["a1", "a2", "a3", "y"]])
    values[:, 1] = values[0, 1] * 1.1
    found = sum_features(values, first.features, first.outcome_scale).moments
    own = [i - 1 for i, f in enumerate(first.features.features) if f.actions == {"a2"}]
    assert len(own) == len(first.features.bases["a2"].functions) > 11
    assert (found.scatter[own] == 0).all()


# Order, threads and chunks


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order_and_errors_too(threads):
    assert list(ordered_map(lambda i: i * i, range(50), threads)) == [i * i for i in range(50)]

    def fail(i):
        if i == 7:
            raise ig.DataError("seven")
        return i

    results = ordered_map(fail, iter(range(100)), threads)
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ig.DataError, match="seven"):
        next(results)


def test_the_number_of_threads_changes_no_digit(frame, monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.row_pass.CHUNK_ROWS", 50)
    data = ig.RegimeData.from_frame(frame, **COLUMNS)
    found = []
    for cores in (1, 4):
        monkeypatch.setattr("bayes_intgen.base.parallel.available_cores", lambda cores=cores: cores)
        found.append(ig.Moments.from_data(data))
    for regime in found[0].regimes:
        for one, two in zip(found[0].folds[regime], found[1].folds[regime], strict=True):
            assert (one.scatter == two.scatter).all()
            assert (one.mean == two.mean).all()


@pytest.mark.parametrize("size", [1, 7, 100])
def test_chunks_keep_rows_in_their_folds(size, monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.row_pass.CHUNK_ROWS", 40)
    rows = np.arange(100.0)[:, None]
    batches = [((), rows[i : i + size]) for i in range(0, 100, size)]
    found = {fold: [] for fold in range(3)}
    for _, fold, chunk in folded_chunks(batches, {(): 100}, {}):
        assert 0 < len(chunk) <= 40
        found[fold] += chunk[:, 0].tolist()
    expected = np.array_split(np.arange(100), 3)
    assert [found[fold] for fold in range(3)] == [part.tolist() for part in expected]
    if size == 100:
        return
    later = list(folded_chunks(batches[50 // size :], {(): 100}, {(): (50 // size) * size}))
    assert {fold for _, fold, _ in later} == {1, 2}


# Sources


def tables_of(frame):
    return [frame.iloc[i : i + 333] for i in range(0, len(frame), 333)]


SOURCES = {
    "lazy": lambda frame, folder: pl.from_pandas(frame).lazy(),
    "function": lambda frame, folder: lambda: iter(tables_of(frame)),
    "batches": lambda frame, folder: lambda: pa.Table.from_pandas(frame).to_batches(500),
    "tables": lambda frame, folder: tables_of(frame),
    "dataset": lambda frame, folder: pyarrow.dataset.dataset(pa.Table.from_pandas(frame)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_moments(frame, first, tmp_path, kind):
    source = SOURCES[kind](frame, tmp_path)
    assert_close(ig.Moments.from_data(source, like=first), first)
    again = ig.Moments.from_data(ig.RegimeData.from_frame(source, **COLUMNS))
    assert_close(again, first)


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_files_one_after_the_other(frame, first, tmp_path, form):
    paths = [tmp_path / f"{i}.{form}" for i in range(len(tables_of(frame)))]
    for path, table in zip(paths, tables_of(frame), strict=True):
        match form:
            case "csv":
                table.to_csv(path, index=False)
            case "parquet":
                table.to_parquet(path, row_group_size=100)
            case "arrow":
                pyarrow.feather.write_feather(table, path)
    assert_close(ig.Moments.from_data(paths, like=first), first)


def test_what_can_be_read_only_once_is_refused(frame, first):
    message = "can be read once only, .* give the function that makes it"
    for source in (iter(tables_of(frame)), pa.Table.from_pandas(frame).to_reader()):
        with pytest.raises(ig.DataError, match=message):
            ig.Moments.from_data(source, like=first)
    with pytest.raises(ig.DataError, match="must return tables one after the other"):
        ig.Moments.from_data(lambda: 3, like=first)
    with pytest.raises(ig.ModelError, match="must be a RegimeData unless like says"):
        ig.Moments.from_data(frame)


def test_a_bad_value_in_a_later_table_has_its_row(frame):
    tables = [table.copy() for table in tables_of(frame)]
    tables[2].iloc[4, tables[2].columns.get_loc("a2")] = np.inf
    message = "'a2' must hold finite numbers, .* 1 infinite, the first in row 670"
    for source in (tables, lambda: [pa.RecordBatch.from_pandas(table) for table in tables]):
        with pytest.raises(ig.DataError, match=message):
            ig.RegimeData.from_frame(source, **COLUMNS)


# Further rows


def test_ten_thousand_merges(frame):
    """One row at a time, against one pass over all rows, relative to 1e-10."""
    rows = ig.scm.sample_polynomial_scm(3, random_seed=1).sample(10_000, random_seed=5)
    data = ig.RegimeData.from_frame(rows.assign(regime="obs"), **COLUMNS)
    whole = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    values, scale = data.rows("obs"), whole.outcome_scale
    total = CentredMoments.empty(len(whole.features.features))
    for row in values:
        total = total.merge(sum_features(row[None], whole.features, scale).moments)
    found = replace(whole, folds={(): (total,)})
    one, two = found.regression(()), whole.regression(())
    size = np.sqrt(np.diag(two.gram))
    assert one.n == 10_000
    assert np.abs((one.gram - two.gram) / np.outer(size, size)).max() < 1e-10
    assert np.abs((one.cross - two.cross) / (size * two.square**0.5)).max() < 1e-10


def test_daily_moments_are_those_of_all_days(frame):
    days = np.array_split(np.arange(len(frame)), 60)
    start = ig.RegimeData.from_frame(frame.iloc[: len(days[0]) * 3], **COLUMNS)
    like = ig.Moments.from_data(start, basis=ig.Polynomial(2))
    total = like
    for day in days[3:]:
        total = total.merge(ig.Moments.from_data(frame.iloc[day], like=like))
    whole = ig.Moments.from_data(frame, like=like)
    assert total.n_rows == whole.n_rows == len(frame)
    for regime in whole.regimes:
        one, two = total.regression(regime), whole.regression(regime)
        np.testing.assert_allclose(one.gram, two.gram, atol=1e-10 * np.abs(two.gram).max())
    for regime, part in whole.summary.regimes.items():
        assert (total.summary.regimes[regime].low == part.low).all()


def test_rows_beyond_the_box_are_held_at_its_edge_and_counted(frame, first):
    far = frame.iloc[:6].assign(a1=[1e3, -1e3, 0.0, 0.0, 0.0, 0.0], a3=1e4, regime="a1")
    found = ig.Moments.from_data(far, like=first)
    assert found.clamped[("a1",)].tolist() == [2, 0, 6]
    assert "a1: 6 rows, beyond the box and held at its edge: 2 of a1, 6 of a3" in str(found)
    merged = first.merge(found)
    assert merged.clamped[("a1",)].tolist() == (first.clamped[("a1",)] + [2, 0, 6]).tolist()
    own = [i - 1 for i, f in enumerate(first.features.features) if f.actions == {"a3"}]
    scatter = found.regression(("a1",)).gram
    edge = first.features.bases["a3"].evaluate(np.array([first.features.bases["a3"].limits[1]]))
    np.testing.assert_allclose(scatter[0, 1:][own[1:]] / 6, edge[0, 1:], atol=1e-12)


def test_products_only_of_what_depends(frame, first):
    data = ig.RegimeData.from_frame(frame, **COLUMNS)
    few = ig.Moments.from_data(data, structure=[("a1", "a2")])
    pairs = {feature.actions for feature in few.features.features if len(feature.factors) == 2}
    assert pairs == {frozenset({"a1", "a2"})}
    assert_close(few, first.select(few.features))
    learned = ig.Moments.from_data(data, structure="learned")
    fits = [ig.InterventionModel().fit(m, method="laplace") for m in (learned, first)]
    means = [fit.expected_outcome({"a1": 0.1, "a2": 0.2, "a3": 0.0}).mean().item() for fit in fits]
    assert means[0] == pytest.approx(means[1], rel=1e-6)


def test_moments_of_too_many_products_are_refused():
    """Twenty actions with all their pairs, in 21 regimes."""
    check_size(1000, 21)
    with pytest.raises(ig.ModelError, match=r"^structure: .* 5161 features .* structure='learned'"):
        check_size(5161, 21)


# Files


def test_saved_moments_are_the_same(first, tmp_path):
    path = tmp_path / "moments.npz"
    first.save(path)
    found = ig.Moments.load(path)
    assert_close(found, first, 1e-15)
    assert found.features == first.features
    assert str(found) == str(first)
    at = {"a1": [0.0, 0.2], "a2": 0.1, "a3": 0.0}
    one, two = (
        ig.InterventionModel().fit(m, method="laplace", random_seed=1).expected_outcome(at)
        for m in (first, found)
    )
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_a_file_without_rows(first, tmp_path):
    path = tmp_path / "moments.npz"
    first.save(path, rows=False)
    found = ig.Moments.load(path)
    assert not any(len(part.sample.rows) for part in found.summary.regimes.values())
    with pytest.raises(ig.ModelError, match="'learned' needs rows"):
        ig.InterventionModel().fit(found, method="laplace")
    both = found.merge(first)
    assert both.summary.pooled_core("a1") == pytest.approx(first.summary.pooled_core("a1"))
    ig.InterventionModel(structure=[]).fit(both, method="laplace")


def test_files_thin_their_rows(first, tmp_path, monkeypatch):
    monkeypatch.setattr("bayes_intgen.moments.moments_file.MOST_VALUES", 4 * 4 * 200)
    first.save(tmp_path / "m.npz")
    found = ig.Moments.load(tmp_path / "m.npz").summary.regimes
    assert {len(part.sample.rows) for part in found.values()} == {88}  # 700 over 8, rounded up
    assert all(part.sample.stride == 8 and part.sample.seen == 700 for part in found.values())


def test_damaged_files(first, tmp_path):
    path = tmp_path / "moments.npz"
    first.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ig.FileError, match="holds no moments, or is damaged"):
        ig.Moments.load(path)
    np.savez(path, x=np.arange(3))
    with pytest.raises(ig.FileError, match="holds no moments"):
        ig.Moments.load(path)
    with pytest.raises(ig.FileError, match="is not a file"):
        ig.Moments.load(tmp_path / "none.npz")


# Samples


def test_a_first_fit_to_a_sample(frame, monkeypatch):
    """With a sixteenth of the rows in the first fit, answers stay within a small part of an sd."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=2)
    rows = scm.sample_regimes(scm.single_regimes, n=20_000, random_seed=2)
    data = ig.RegimeData.from_frame(rows, **COLUMNS)
    tested = {action: rows.loc[rows["regime"] == action, action] for action in scm.actions}
    at = {action: values.quantile([0.2, 0.5, 0.8]).to_numpy() for action, values in tested.items()}
    model = ig.InterventionModel()
    whole = model.fit(data, method="laplace", random_seed=1).expected_outcome(at)
    monkeypatch.setattr("bayes_intgen.data.regime_summary.SAMPLE_ROWS", 2000)
    thin = ig.RegimeData.from_frame(rows, **COLUMNS)
    few = subsample_rows(thin)
    assert {part.n for part in few.summary.regimes.values()} == {1250}
    found = model.fit(thin, method="laplace", random_seed=1).expected_outcome(at)
    shift = (found.mean(("chain", "draw")) - whole.mean(("chain", "draw"))) / whole.std(
        ("chain", "draw")
    )
    assert np.abs(shift).max() < 0.4


def test_few_rows_are_their_own_sample(frame):
    data = ig.RegimeData.from_frame(frame, **COLUMNS)
    assert subsample_rows(data) is data
