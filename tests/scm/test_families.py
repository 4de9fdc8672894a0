"""Families beyond the paper's: what each of them promises."""

from dataclasses import replace

import numpy as np
import pytest

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm import (
    SCM,
    sample_common_support_scm,
    sample_linear_scm,
    sample_polynomial_scm,
)

ROWS = 50_000


@pytest.fixture(scope="module", params=range(3))
def filled(request):
    """A system of five actions with common support."""
    return sample_common_support_scm(5, random_seed=request.param)


def corners(rows, at):
    """Share of the rows in each of the 32 corners around a point."""
    code = (rows > at) @ 2 ** np.arange(5)
    return np.bincount(code, minlength=32) / len(rows)


def test_no_corner_of_the_joint_box_is_empty_in_any_regime(filled):
    names = list(filled.actions)
    joint = filled.sample(ROWS, do=names, random_seed=1)[names].to_numpy()
    for regime in filled.single_regimes:
        rows = filled.sample(ROWS, do=regime, random_seed=1)[names].to_numpy()
        assert (np.abs(rows) < 1).all()
        assert 32 * corners(rows, np.median(joint, axis=0)).min() > 0.4
        assert (rows.min(axis=0) < -0.95).all()
        assert (rows.max(axis=0) > 0.95).all()


def test_joint_settings_lie_within_the_observed_cloud(filled):
    names = list(filled.actions)
    observed, joint = (
        filled.sample(ROWS, do=do, random_seed=1)[names].to_numpy() for do in ((), names)
    )
    inverse = np.linalg.inv(np.cov(observed.T))

    def distance(rows):
        centred = rows - observed.mean(axis=0)
        return np.einsum("ij,jk,ik->i", centred, inverse, centred)

    assert (distance(joint) <= np.quantile(distance(observed), 0.95)).mean() > 0.9
    low, high = np.quantile(observed, [0.0005, 0.9995], axis=0)
    assert ((low <= joint) & (joint <= high)).all(axis=1).mean() > 0.96


def test_confounding_is_strong(filled):
    at = filled.sample(500, do=filled.actions, random_seed=2)
    joint = filled.expected_outcome(at).to_numpy()
    bias = filled.expected_outcome(at, do=[]).to_numpy() - joint
    assert np.sqrt(np.mean(bias**2)) > 0.4 * joint.std()


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_interactions_have_the_spread_that_is_asked_for(spread):
    plain, scm = (sample_polynomial_scm(5, 7, interactions=s) for s in (0.0, spread))
    assert replace(scm, extra=()) == plain
    at = scm.sample(ROWS, do=scm.actions, random_seed=1)
    additive = plain.expected_outcome(at).to_numpy()
    added = scm.expected_outcome(at).to_numpy() - additive
    assert added.std() / additive.std() == pytest.approx(spread, rel=0.05)
    # Nothing of it is a sum of functions of single actions
    unit = (at[list(scm.actions)] - list(scm.intervention_means)) / list(scm.intervention_sds)
    features = np.column_stack([np.ones(ROWS), unit, unit**2])
    fitted = features @ np.linalg.lstsq(features, added, rcond=None)[0]
    assert fitted.std() < 0.03 * added.std()


def test_every_pair_interacts_and_nothing_but_pairs():
    scm = sample_polynomial_scm(4, 7, interactions=1.0)
    at = np.array(scm.intervention_means)

    def value(*moved):
        shift = np.isin(range(4), moved) * np.array(scm.intervention_sds)
        full, plain = scm, replace(scm, extra=())
        point = dict(zip(scm.actions, at + shift, strict=True))
        return (full.expected_outcome(point) - plain.expected_outcome(point)).item()

    assert value() == pytest.approx(0, abs=1e-12)
    assert [value(i) for i in range(4)] == pytest.approx([0] * 4, abs=1e-12)
    pairs = {(i, j): value(i, j) for i in range(4) for j in range(i)}
    assert min(map(abs, pairs.values())) > 1e-4
    assert value(0, 1, 2) == pytest.approx(pairs[1, 0] + pairs[2, 0] + pairs[2, 1])


@pytest.mark.parametrize("interactions", [-1.0, float("nan"), float("inf")])
def test_interactions_must_be_a_multiple(interactions):
    with pytest.raises(ModelError, match="interactions must be a finite multiple"):
        sample_polynomial_scm(3, 1, interactions=interactions)
    with pytest.raises(ModelError, match="at least two actions"):
        sample_polynomial_scm(1, 1, interactions=1.0)


@pytest.mark.parametrize("make", [sample_common_support_scm, sample_linear_scm])
def test_families_are_drawn_from_their_seed(make):
    assert make(4, 3) == make(4, 3)
    assert make(4, 3) != make(4, 4)
    assert make(4, 3, edge_probability=1.0).parents["a4"] == ("a1", "a2", "a3")
    with pytest.raises(ModelError, match="edge_probability must be"):
        make(4, 3, edge_probability=2.0)
    with pytest.raises(ModelError, match="n_actions must be"):
        make(0, 3)


def test_families_share_one_protocol():
    systems: list[SCM] = [
        sample_polynomial_scm(2, 1),
        sample_polynomial_scm(2, 1, interactions=1.0),
        sample_common_support_scm(2, 1),
        sample_linear_scm(2, 1),
    ]
    for scm in systems:
        frame = scm.sample_regimes(scm.single_regimes, 10, random_seed=1)
        assert frame.columns.tolist() == [*scm.actions, scm.outcome, "regime"]
        assert scm.expected_outcome(frame).sizes == {"point": 30}
        assert scm.expected_outcome(frame.iloc[10:20], do="a1").attrs["do"] == "a1"
