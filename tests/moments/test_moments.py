"""The second pass: moments of features against sums written out, merging, folds, sub-designs."""

import numpy as np
import pandas as pd
import pytest

from bayes_intgen import ModelError, Moments, Polynomial, RegimeData
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import Design

COLUMNS = ["a1", "a2", "a3", "y"]
REGIMES = [(), ("a1",), ("a2",), ("a3",)]


def draw(seed, offset=0.0, n=90, regimes=("obs", "a1", "a2", "a3")):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(offset + rng.normal(size=(n, 4)) * [1.0, 3.0, 0.5, 10.0], columns=COLUMNS)
    frame["y"] += frame["a1"] - offset
    return frame.assign(regime=np.resize(regimes, n))


def read(frame):
    return RegimeData.from_frame(frame, outcome="y", actions=COLUMNS[:-1])


def standard_rows(moments, frame, regime):
    """Return the features, with the constant, and the outcome in standard units."""
    rows = frame.loc[frame["regime"] == ("+".join(regime) or "obs"), COLUMNS].to_numpy()
    scale = moments.outcome_scale
    return moments.features.evaluate(rows[:, :-1]), (rows[:, -1] - scale.centre) / scale.spread


def assert_moments(found, expected, rtol=1e-12):
    assert found.regimes == expected.regimes
    assert found.n_rows == expected.n_rows
    for regime in expected.regimes:
        one, two = found.regression(regime), expected.regression(regime)
        assert_products(one, two.n, two.gram, two.cross, two.square, rtol)


def assert_products(found, n, gram, cross, square, rtol=1e-12):
    """Hold sums of products against others, relative to the sizes of their columns."""
    size = np.sqrt(np.diag(gram))
    assert found.n == n
    np.testing.assert_allclose((found.gram - gram) / np.outer(size, size), 0, atol=rtol)
    np.testing.assert_allclose((found.cross - cross) / (size * square**0.5), 0, atol=rtol)
    assert found.square == pytest.approx(square, rel=rtol)


# Sums of products


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_regression_gives_the_sums_of_products(offset):
    frame = draw(1, offset)
    moments = Moments.from_data(read(frame))
    assert moments.regimes == tuple(REGIMES)
    for regime in REGIMES:
        phi, y = standard_rows(moments, frame, regime)
        assert_products(moments.regression(regime), len(y), phi.T @ phi, phi.T @ y, y @ y)


def test_the_outcome_is_in_standard_units(data):
    moments = Moments.from_data(data)
    parts = [moments.regression(regime) for regime in moments.regimes]
    assert sum(part.cross[0] / part.n for part in parts) == pytest.approx(0, abs=1e-12)
    assert sum(part.square / part.n for part in parts) == pytest.approx(len(parts))


# Merging


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_merged_moments_are_those_of_all_rows(offset):
    first, second = draw(1, offset), draw(2, offset + 5.0, n=47)
    day1 = Moments.from_data(read(first))
    day2 = Moments.from_data(read(second), like=day1)
    whole = Moments.from_data(read(pd.concat([first, second])), like=day1)
    assert_moments(day1.merge(day2), whole)
    assert_moments(day2.merge(day1), whole)
    assert day1.n_rows == 90


def test_regimes_that_only_one_part_has():
    first, second = draw(1, regimes=("a3", "obs")), draw(2, regimes=("a1", "a2+a1", "obs"))
    day1 = Moments.from_data(read(first))
    day2 = Moments.from_data(read(second), like=day1)
    whole = Moments.from_data(read(pd.concat([first, second])), like=day1)
    assert whole.regimes == ((), ("a1",), ("a3",), ("a1", "a2"))
    assert_moments(day1.merge(day2), whole)
    assert list(day1.merge(day2).summary.regimes) == list(whole.regimes)


def test_like_freezes_basis_and_units():
    day1 = Moments.from_data(read(draw(1)), basis=Polynomial(degree=2))
    day2 = Moments.from_data(read(draw(2, offset=7.0)), like=day1)
    assert day2.features is day1.features
    assert day2.outcome_scale == day1.outcome_scale
    assert day2.summary.scales != day1.summary.scales


def test_other_bases_and_other_columns_are_refused(data, frame):
    cubic = Moments.from_data(data)
    square = Moments.from_data(data, basis=Polynomial(degree=2))
    shifted = Moments.from_data(read(frame.assign(y=frame["y"] + 1)))
    for other in (square, shifted, Moments.from_data(data.drop("a1"))):
        with pytest.raises(ModelError, match=r"^other: .* share one frozen basis; .* like=first"):
            cubic.merge(other)
    with pytest.raises(ModelError, match=r"^basis: give either like or basis"):
        Moments.from_data(data, like=cubic, basis=Polynomial())
    fewer = RegimeData.from_frame(frame, outcome="y", actions=["a2", "a1", "a3"])
    with pytest.raises(ModelError, match=r"^like: its columns are \('a1', 'a2', 'a3', 'y'\)"):
        Moments.from_data(fewer, like=cubic)


# Folds and chunks


def fold_means(moments, regime):
    """Return row counts and means, in standard units, of the outcome in each fold."""
    return [(fold.n, fold.mean[-1]) for fold in moments.folds[regime]]


@pytest.mark.parametrize("batch", [2**16, 7, 1])
def test_folds_are_contiguous_thirds_of_each_regime(frame, data, monkeypatch, batch):
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", batch)
    moments = Moments.from_data(data)
    for regime in moments.regimes:
        _, y = standard_rows(moments, frame, regime)
        blocks = np.array_split(y, 3)  # scikit-learn's KFold(3) without shuffling
        for (n, mean), block in zip(fold_means(moments, regime), blocks, strict=True):
            assert n == len(block)
            assert mean == pytest.approx(block.mean(), rel=1e-11)


@pytest.mark.parametrize("n", [8, 9, 10, 100])
def test_folds_differ_by_at_most_one_row(n):
    moments = Moments.from_data(read(draw(1, n=n, regimes=("obs",))))
    assert [fold.n for fold in moments.folds[()]] == [len(b) for b in np.array_split(range(n), 3)]


def test_chunks_and_batches_do_not_matter(monkeypatch):
    data = read(draw(1, offset=1e9, n=9000, regimes=("obs", "a1")))
    whole = Moments.from_data(data)
    monkeypatch.setattr("bayes_intgen.data.row_pass.CHUNK_ROWS", 1000)
    assert_moments(Moments.from_data(data, like=whole), whole)
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 101)
    chunked = Moments.from_data(data, like=whole)
    assert_moments(chunked, whole)
    for regime in whole.regimes:
        np.testing.assert_allclose(
            fold_means(chunked, regime), fold_means(whole, regime), rtol=1e-11
        )


# Sub-designs


def test_selected_moments_are_those_of_the_smaller_design(data):
    full = Moments.from_data(data, basis=Polynomial())
    parents = {"a1": (), "a2": ("a1",), "a3": ()}
    summary = data.summary
    features = Design.build(freeze_bases(Polynomial(), data.actions, summary), parents).features
    direct = Moments.compute(data, summary, features, full.outcome_scale)
    chosen = full.select(features)
    assert len(features.features) < len(full.features.features)
    assert chosen.features == features
    assert_moments(chosen, direct, rtol=1e-13)
    assert full.select(full.features) is full


def test_features_without_moments_are_refused(data):
    square = Moments.from_data(data, basis=Polynomial(degree=2))
    cubic = Moments.from_data(data, basis=Polynomial())
    message = "^basis: the moments lack {} of the {} features of the model"
    with pytest.raises(ModelError, match=message.format(10, 20)):
        square.select(cubic.features)
    with pytest.raises(ModelError, match=message.format(0, 10)):
        cubic.select(square.features)
