"""Properties: what must not matter does not, over shapes, scales, offsets, types and orders."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bayes_intgen as ig

# Examples are derived from the test, not from chance: a red test stays red.
FEW = settings(max_examples=5, deadline=None, derandomize=True, database=None)
MANY = settings(max_examples=40, deadline=None, derandomize=True, database=None)
ACTIONS = ("a1", "a2", "a3")

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def make_frame(seed, n_actions, sizes, whole=False):
    """Rows of the observational regime and of each single experiment, in random order."""
    rng = np.random.default_rng(seed)
    actions = ACTIONS[:n_actions]
    regime = np.repeat(["obs", *actions], sizes[: n_actions + 1])
    frame = pd.DataFrame({"regime": rng.permutation(regime)})
    y = rng.normal(size=len(frame))
    for action in actions:
        confounder = rng.normal(size=len(frame))
        natural = confounder + 0.5 * rng.normal(size=len(frame))
        a = np.where(frame["regime"] == action, rng.normal(size=len(frame)), natural)
        frame[action] = np.round(8 * a) / (1 if whole else 8)
        y = y + 0.3 * frame[action] + 0.5 * confounder * frame[action] + confounder
    frame["y"] = np.round(16 * y) / 16
    return frame, list(actions)


frames = st.builds(
    make_frame,
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.lists(st.integers(8, 60), min_size=4, max_size=4),
    st.booleans(),
)
larger = st.builds(
    make_frame,
    st.integers(0, 2**32 - 1),
    st.integers(2, 3),
    st.lists(st.integers(60, 200), min_size=4, max_size=4),
)


def read(frame, actions, **options):
    return ig.RegimeData.from_frame(frame, "y", actions, **options)


def fit(frame, actions, basis, **options):
    model = ig.InterventionModel(basis, structure=actions, variance="constant", **options)
    return model.fit(read(frame, actions), method="laplace", draws=200, random_seed=1)


def assert_same_rows(found, expected):
    assert found.regimes == expected.regimes
    for regime in expected.regimes:
        np.testing.assert_array_equal(found.rows(regime), expected.rows(regime))


def assert_same_sums(found, expected):
    assert found.regimes == expected.regimes
    for regime in expected.regimes:
        one, two = found.regression(regime), expected.regression(regime)
        assert one.n == two.n
        np.testing.assert_allclose(one.gram, two.gram, rtol=1e-7, atol=1e-7 * one.n)
        np.testing.assert_allclose(one.cross, two.cross, rtol=1e-7, atol=1e-7 * one.n)


def as_decimal(values):
    return pa.array([Decimal(str(value)) for value in values], pa.decimal128(20, 6))


TABLES = {
    "float32": lambda f: f.astype({c: "float32" for c in f if c != "regime"}),
    "nullable": lambda f: f.convert_dtypes(),
    "nullable floats": lambda f: f.astype({c: "Float64" for c in f if c != "regime"}),
    "arrow-backed": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda f: f.astype({"regime": object}),
    "categories": lambda f: f.astype({"regime": "category"}),
    "integers where whole": lambda f: f.astype(
        {c: "int32" for c in f if c not in ("y", "regime") and (f[c] % 1 == 0).all()}
    ),
    "polars": pl.from_pandas,
    "polars categories": lambda f: pl.from_pandas(f).with_columns(
        pl.col("regime").cast(pl.Categorical)
    ),
    "arrow": pa.Table.from_pandas,
    "arrow dictionary": lambda f: pa.table(
        {c: pa.array(f[c]).dictionary_encode() if c == "regime" else pa.array(f[c]) for c in f}
    ),
    "arrow decimals": lambda f: pa.table(
        {c: pa.array(f[c]) if c == "regime" else as_decimal(f[c]) for c in f}
    ),
    "arrow chunks": lambda f: pa.concat_tables(
        [pa.Table.from_pandas(part, preserve_index=False) for part in (f[:7], f[7:8], f[8:])]
    ),
}
INDICES = {
    "shifted": lambda n: pd.RangeIndex(5, 5 + 3 * n, 3),
    "duplicated": lambda n: pd.Index([7] * n),
    "text": lambda n: pd.Index([f"row {i}" for i in range(n)]),
    "dates": lambda n: pd.date_range("2020-01-01", periods=n, freq="h"),
    "missing": lambda n: pd.Index([np.nan] * n),
    "two levels": lambda n: pd.MultiIndex.from_arrays([[1] * n, range(n)]),
}


@MANY
@given(frames, st.sampled_from(sorted(TABLES)))
def test_the_type_of_the_table_and_its_columns_does_not_matter(made, kind):
    frame, actions = made
    assert_same_rows(read(TABLES[kind](frame), actions), read(frame, actions))


@MANY
@given(frames, st.sampled_from(sorted(INDICES)))
def test_the_index_does_not_matter(made, kind):
    frame, actions = made
    other = frame.set_axis(INDICES[kind](len(frame)))
    assert_same_rows(read(other, actions), read(frame, actions))


@MANY
@given(frames, st.randoms(use_true_random=False))
def test_the_order_of_columns_and_other_columns_do_not_matter(made, random):
    frame, actions = made
    columns = [*frame.columns, "other"]
    random.shuffle(columns)
    other = frame.assign(other="x")[columns]
    assert_same_rows(read(other, actions), read(frame, actions))


@MANY
@given(frames, st.sampled_from(["a2+a1", "a2 + a1", " a1 +a2", "a1+a2"]))
def test_the_order_within_labels_does_not_matter(made, label):
    frame, _ = made
    frame = frame.assign(a1=frame["a1"], a2=frame.get("a2", frame["y"] ** 2))
    frame = frame[frame["regime"].isin(["obs", "a1"])]
    joint = frame.head(8).assign(regime="a1+a2")
    expected = read(pd.concat([frame, joint, joint]), ["a1", "a2"])
    found = read(pd.concat([frame, joint, joint.assign(regime=label)]), ["a1", "a2"])
    assert_same_rows(found, expected)
    assert found.labels[-1] == "a1+a2"
    assert found.regimes[-1] == ("a1", "a2")


@MANY
@given(frames, st.randoms(use_true_random=False), st.floats(-1e6, 1e6))
def test_the_order_of_rows_matters_to_no_sum(made, random, offset):
    frame, actions = made
    frame["y"] += offset
    order = list(range(len(frame)))
    random.shuffle(order)
    one = ig.Moments.from_data(read(frame, actions))
    two = ig.Moments.from_data(read(frame.iloc[order], actions), like=one)
    assert_same_sums(one, two)
    for name, scale in one.summary.scales.items():
        assert two.summary.scales[name].spread == pytest.approx(scale.spread, rel=1e-9)


@MANY
@given(larger, st.data())
def test_moments_of_parts_add_up(made, data):
    frame, actions = made
    whole = ig.Moments.from_data(read(frame, actions), basis=ig.Polynomial(2))
    share = data.draw(st.floats(0.3, 0.7))
    parts = np.random.default_rng(data.draw(st.integers(0, 99))).random(len(frame)) < share
    counts = pd.crosstab(frame["regime"], parts)
    assume(counts.shape[1] == 2 and (counts >= 8).all(axis=None))  # fewer rows are refused
    first, second = (
        ig.Moments.from_data(read(frame[chosen], actions), like=whole) for chosen in (parts, ~parts)
    )
    merged = first.merge(second)
    assert merged.n_rows == whole.n_rows
    assert_same_sums(merged, whole)


scales = st.floats(-9, 9).map(lambda power: 10.0**power)
offsets = st.floats(-1e4, 1e4)


@FEW
@given(larger, st.lists(st.tuples(scales, offsets), min_size=4, max_size=4), st.booleans())
def test_answers_follow_the_units_of_every_column(made, units, smooth):
    frame, actions = made
    basis = ig.HSGP(m=4, m_pair=2) if smooth else ig.Polynomial(2)
    at = {action: np.linspace(-1, 1, 5) for action in actions}
    plain = fit(frame, actions, basis).expected_outcome(at, beyond="clamp").to_numpy()
    (scale, offset), *rest = units
    changed, moved = frame.assign(y=scale * (frame["y"] + offset)), {}
    for action, (unit, shift) in zip(actions, rest, strict=False):
        changed[action] = unit * (frame[action] + shift)
        moved[action] = unit * (at[action] + shift)
    found = fit(changed, actions, basis).expected_outcome(moved, beyond="clamp").to_numpy()
    back = found / scale - offset
    np.testing.assert_allclose(back, plain, atol=1e-3 * plain.std())


@FEW
@given(larger, st.randoms(use_true_random=False))
def test_answers_do_not_depend_on_the_order_of_rows_and_actions(made, random):
    frame, actions = made
    order, names = list(range(len(frame))), list(actions)
    random.shuffle(order)
    random.shuffle(names)
    at = {action: np.linspace(-1, 1, 5) for action in actions}
    one, two = (
        ig.InterventionModel(ig.Polynomial(2), structure=actions, variance="constant")
        .fit(read(f, a), method="laplace", draws=1000)
        .expected_outcome(at)
        for f, a in ((frame, actions), (frame.iloc[order], names))
    )
    draws = ("chain", "draw")
    error = (one.mean(draws) - two.mean(draws)) / one.std(draws)
    assert float(np.abs(error).max()) < 0.35  # 64 hyperparameter draws each
