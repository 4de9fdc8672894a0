"""Seeds: the same rows again, independent streams, and no influence of one regime on another."""

import numpy as np
import pandas as pd
import pytest

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm import sample_polynomial_scm
from bayes_intgen.scm.seeds import named_generator


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(scm):
    assert sample_polynomial_scm(4, random_seed=3, edge_probability=1.0) == scm
    assert sample_polynomial_scm(4, random_seed=4, edge_probability=1.0) != scm
    rows = scm.sample(50, do="a2", random_seed=1)
    pd.testing.assert_frame_equal(rows, scm.sample(50, do=["a2"], random_seed=1))
    assert not np.isin(rows, scm.sample(50, do="a2", random_seed=2)).any()


def test_seed_sequences_and_generators_are_seeds(scm):
    sequence = np.random.SeedSequence(1)
    rows = scm.sample(50, random_seed=1)
    for _ in range(2):  # a seed sequence is not used up
        pd.testing.assert_frame_equal(rows, scm.sample(50, random_seed=sequence))
    assert sample_polynomial_scm(2, sequence) == sample_polynomial_scm(2, 1)
    rng = np.random.default_rng(1)
    first, second = scm.sample(50, random_seed=rng), scm.sample(50, random_seed=rng)
    assert not np.isin(first, second).any()
    again = scm.sample(50, random_seed=np.random.default_rng(1))
    pd.testing.assert_frame_equal(first, again)


def test_regimes_are_independent_under_one_seed(scm):
    observed, intervened = (scm.sample(20_000, do=do, random_seed=1) for do in ("obs", "a4"))
    assert not np.isin(observed, intervened).any()
    correlations = [observed[name].corr(intervened[name]) for name in observed.columns]
    assert np.abs(correlations).max() < 4 / np.sqrt(20_000)


def test_streams_depend_on_seed_and_name():
    keys = [(1, "a"), (1, "b"), (1, "ab"), (2, "a"), (np.random.SeedSequence(1).spawn(1)[0], "a")]
    draws = [named_generator(seed, name).random() for seed, name in keys]
    assert len({*draws, np.random.default_rng(1).random()}) == 6


def test_adding_a_regime_leaves_the_rows_of_the_others_alone(scm):
    few = scm.sample_regimes(["obs", "a2"], 30, random_seed=1)
    more = scm.sample_regimes([(), ("a4", "a1"), "a2", "a3"], 30, random_seed=1)
    for label in ("obs", "a2"):
        first, second = (frame[frame["regime"] == label] for frame in (few, more))
        assert (first.to_numpy() == second.to_numpy()).all()
        alone = scm.sample(30, do=label, random_seed=1)
        assert (first[alone.columns].to_numpy() == alone.to_numpy()).all()


@pytest.mark.parametrize("seed", [None, -1, 1.5, "1", True])
def test_seeds_must_be_reproducible(scm, seed):
    with pytest.raises(ModelError, match="random_seed must be"):
        scm.sample(5, random_seed=seed)
    with pytest.raises(ModelError, match="random_seed must be"):
        sample_polynomial_scm(2, random_seed=seed)
