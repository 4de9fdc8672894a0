"""Shared results are those that would have been computed, and make room for one another."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import bayes_intgen as ig
from bayes_intgen.base.parallel import on_one_core
from bayes_intgen.base.shared_work import SharedWork, digest, shared, sharing_work
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.inference.prepare import settle_design
from bayes_intgen.moments.moments import Moments

N = 1000


def make_tables(seed):
    """Data of two outcomes of the same actions, of which the second jumps."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(3 * N, 2)), columns=["a1", "a2"])
    frame["regime"] = np.repeat(["obs", "a1", "a2"], N)
    noise = 0.1 * rng.normal(size=(2, 3 * N))
    tables = (
        frame.assign(y=frame["a1"] + noise[0]),
        frame.assign(y=(frame["a1"] > 0.2) + noise[1]),
    )
    return [ig.RegimeData.from_frame(table, "y", ["a1", "a2"]) for table in tables]


def settle(data):
    return settle_design(data, ig.HSGP(), "learned", "none")


def test_nothing_is_kept_outside():
    assert shared("key", lambda: 1) == 1
    assert shared("key", lambda: 2) == 2


def test_the_oldest_make_room():
    work, ones = SharedWork(most_bytes=3 * 8000), np.ones(1000)
    with sharing_work(work):
        for name in "abc":
            shared(name, lambda: ones)
        shared("a", lambda: None)  # is kept, and now the latest
        shared("d", lambda: ones)
    assert list(work.kept) == ["c", "a", "d"]
    assert work.total == 3 * 8000


def test_digests_tell_arrays_apart():
    whole = np.arange(6.0)
    assert digest(whole.reshape(2, 3)) != digest(whole.reshape(3, 2))
    assert digest(whole) != digest(whole.astype(np.float32))
    assert digest(whole[::2]) == digest(whole[::2].copy())


def test_designs_of_outcomes_equal_those_alone():
    """Structure and curves are shared, jumps are of the outcome; other rows share nothing."""
    tables = [*make_tables(1), *make_tables(2)]
    alone = [settle(data).design for data in tables]
    work = SharedWork()
    with sharing_work(work):
        together = [settle(data).design for data in tables]
    assert [d.to_dict() for d in together] == [d.to_dict() for d in alone]
    jumps = [design.features.bases["a1"].jumps for design in together]
    assert (len(jumps[0]), len(jumps[1])) == (0, 1)
    kinds = [key[0] for key in work.kept]
    assert kinds.count("structure") == kinds.count("smooth functions") == 2
    assert kinds.count("design") == 4


def test_features_are_shared_by_their_rows(monkeypatch):
    data = make_tables(1)[0]
    bases = freeze_bases(ig.HSGP(m=2, warp=0), data.variables, data.summary)
    maps = [FeatureMap.within(bases, [data.variables]) for _ in range(2)]
    rows = np.random.default_rng(3).normal(size=(50, 2))
    expected = maps[0].evaluate(rows)
    with sharing_work(SharedWork()):
        assert_array_equal(maps[0].evaluate_rows(rows), expected)
        monkeypatch.setattr(FeatureMap, "_fill", None)  # not called any more
        found = maps[1].evaluate_rows(rows.copy())
    assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="read-only"):
        found[:] = 0.0  # what is kept cannot be changed
    assert learn_structure(data.summary).parents == {"a1": (), "a2": ()}


@pytest.mark.parametrize("unequal", [False, True])
def test_sums_of_outcomes_equal_those_alone_to_the_bit(unequal):
    """Products of features are shared where rows count the same; the outcome's own are not."""
    tables = make_tables(1)
    designs = [settle(data).design for data in tables]

    def sums():
        for data, design in zip(tables, designs, strict=True):
            scale, features = data.summary.scales[data.outcome], design.features
            rising = dict.fromkeys(data.summary.regimes, Rising()) if unequal else None
            theta = dict.fromkeys(data.summary.regimes, np.zeros(len(features.features)))
            yield Moments.compute(data, data.summary, features, scale, rising, theta, n_folds=1)

    alone, work = list(sums()), SharedWork()
    with sharing_work(work), on_one_core():
        together = list(sums())
    assert ("products" in {key[0] for key in work.kept}) is not unequal
    for one, other in zip(alone, together, strict=True):
        for regime in one.regimes:
            assert_array_equal(one.folds[regime][0].scatter, other.folds[regime][0].scatter)
            assert_array_equal(one.folds[regime][0].mean, other.folds[regime][0].mean)
            assert_array_equal(one.residuals[regime].meat, other.residuals[regime].meat)


class Rising:
    def log_weights(self, phi):
        return 0.3 * phi[:, 1]
