"""The first pass: scales in closed form, quantiles of a thinned sample, round trips."""

import json
from functools import reduce

import numpy as np
import pandas as pd
import pytest

from bayes_intgen import RegimeData
from bayes_intgen.data.regime_summary import SAMPLE_ROWS, ThinnedSample
from bayes_intgen.data.summary import Summary

COLUMNS = ["a1", "a2", "a3", "y"]


def read(frame):
    return RegimeData.from_frame(frame, outcome="y", actions=COLUMNS[:-1])


# Scales


def test_scales_weight_every_regime_equally(frame, data):
    groups = frame.groupby("regime")[COLUMNS]
    centre = groups.mean().mean()
    spread = np.sqrt((groups.var(ddof=0) + (groups.mean() - centre) ** 2).mean())
    scales = data.summary.scales
    for name in COLUMNS:
        assert scales[name].centre == pytest.approx(centre[name], rel=1e-12)
        assert scales[name].spread == pytest.approx(spread[name], rel=1e-12)


def test_more_rows_of_one_regime_leave_the_scales_alone(frame, data):
    observed = frame[frame["regime"] == "obs"]
    more = read(pd.concat([frame, *[observed] * 9])).summary.scales
    for name, scale in data.summary.scales.items():
        assert more[name].centre == pytest.approx(scale.centre, rel=1e-12)
        assert more[name].spread == pytest.approx(scale.spread, rel=1e-12)


def test_scales_keep_their_digits_at_a_large_offset(frame):
    shifted = frame.copy()
    shifted[COLUMNS] += 1e9
    exact = shifted[COLUMNS].to_numpy().astype(np.longdouble)
    groups = [exact[frame["regime"] == regime] for regime in frame["regime"].unique()]
    centre = np.mean([group.mean(axis=0) for group in groups], axis=0)
    spread = np.sqrt(np.mean([((group - centre) ** 2).mean(axis=0) for group in groups], axis=0))
    for k, scale in enumerate(read(shifted).summary.scales.values()):
        assert scale.centre == pytest.approx(float(centre[k]), rel=1e-15)
        assert abs(scale.spread / spread[k] - 1) < 1e-7  # resolution of the centre over 0.01
    assert read(shifted).summary.scales["a1"].standardise(1e9 + 2.0) == pytest.approx(
        read(frame).summary.scales["a1"].standardise(2.0), abs=1e-5
    )


# Quantiles


def test_quantiles_are_exact_while_all_rows_are_kept(frame, data):
    found = data.summary.quantile(0.3)
    for regime, rows in frame.groupby("regime"):
        expected = rows[COLUMNS].quantile(0.3)
        assert found[regime] == pytest.approx(expected.to_dict(), rel=1e-14)


def test_quantiles_of_many_rows_err_by_less_than_one_percent():
    rows = np.random.default_rng(1).exponential(size=(300_000, 2))
    sample = ThinnedSample(np.empty((0, 2))).extend(rows)
    assert SAMPLE_ROWS / 2 < len(sample.rows) <= SAMPLE_ROWS
    for probability in (0.001, 0.05, 0.5, 0.95, 0.999):
        found = np.quantile(sample.rows, probability, axis=0)
        np.testing.assert_allclose((rows <= found).mean(axis=0), probability, atol=0.01)


@pytest.mark.parametrize("portions", [1, 3, 50, 701])
def test_a_thinned_sample_is_every_so_manieth_row(monkeypatch, portions):
    monkeypatch.setattr("bayes_intgen.data.regime_summary.SAMPLE_ROWS", 64)
    rows = np.arange(1000.0)[:, None]
    parts = np.array_split(rows, portions)
    sample = reduce(ThinnedSample.extend, parts, ThinnedSample(np.empty((0, 1))))
    assert (sample.seen, sample.stride) == (1000, 16)
    np.testing.assert_array_equal(sample.rows, rows[::16])


def test_merged_samples_thin_both_parts_alike(monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.regime_summary.SAMPLE_ROWS", 64)
    many, few = np.arange(1000.0)[:, None], -np.arange(1.0, 101.0)[:, None]
    first, second = (ThinnedSample(np.empty((0, 1))).extend(rows) for rows in (many, few))
    for merged in (first.merge(second), second.merge(first)):
        assert (merged.seen, merged.stride) == (1100, 32)
        assert set(merged.rows.ravel()) <= {*many[::16].ravel(), *few[::16].ravel()}
        assert 0.8 < (merged.rows >= 0).mean() < 1


# Merging and keeping


def test_merged_summaries_are_those_of_all_rows(frame):
    first = frame[frame["regime"].isin(["a3", "obs"])]
    second = frame[frame["regime"].isin(["a1", "a2", "obs"])].assign(a1=lambda f: 3 * f["a1"])
    merged = read(first).summary.merge(read(second).summary)
    whole = read(pd.concat([first, second])).summary
    assert list(merged.regimes) == list(whole.regimes) == [(), ("a1",), ("a2",), ("a3",)]
    for regime, part in whole.regimes.items():
        found = merged.regimes[regime]
        assert found.moments.n == part.moments.n
        np.testing.assert_allclose(found.moments.mean, part.moments.mean, rtol=1e-13)
        np.testing.assert_allclose(found.moments.scatter, part.moments.scatter, rtol=1e-11)
        np.testing.assert_array_equal((found.low, found.high), (part.low, part.high))
        np.testing.assert_array_equal(found.sample.rows, part.sample.rows)


def test_batches_do_not_matter(data, frame, monkeypatch):
    whole = data.summary
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    batched = data.summary
    assert batched.quantile(0.5) == whole.quantile(0.5)
    for name, scale in whole.scales.items():
        assert batched.scales[name].spread == pytest.approx(scale.spread, rel=1e-12)


def test_a_summary_survives_json(data):
    summary = data.summary
    state = json.loads(json.dumps(summary.to_dict()))
    again = Summary.from_dict(state)
    assert again.to_dict() == state
    assert again.scales == summary.scales
    assert again.columns == summary.columns
    for regime, part in summary.regimes.items():
        found = again.regimes[regime]
        np.testing.assert_array_equal(found.moments.covariance, part.moments.covariance)
        np.testing.assert_array_equal((found.low, found.high), (part.low, part.high))
