"""Any mixture of experiments in one fit: overlapping sets, joint arms, no observational arm."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from bayes_intgen.base.support_flags import EXTRAPOLATED, MISFIT, SUPPORTED
from models import linear

ROWS = 4000


def fit(scm, regimes, seed, target=None, degree=3, **choices):
    frame = scm.sample_regimes(regimes, ROWS, random_seed=seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(ig.Polynomial(degree), **choices)
    return model.fit(data, method="laplace", random_seed=seed, target=target)


def judge(posterior, scm, do):
    """Return the error, in the outcome's unit and in posterior sds, both root mean square."""
    at = scm.sample(300, do=scm.actions, random_seed=99)
    table, truth = posterior.table(at, do=do), scm.expected_outcome(at, do=do).to_numpy()
    return rmse(table["mean"], truth), rmse(table["mean"] / table["sd"], truth / table["sd"])


MIXTURES = {
    "pairs and rows": ["obs", "a1+a2", "a2+a3", "a1+a3"],
    "overlapping, one single": ["a1+a2", "a2+a3", "a1+a3", "a1"],
    "joint arm and parts": ["a1+a2+a3", "a1+a2", "a2"],
    "chain of sets": ["obs", "a1", "a1+a2", "a1+a2+a3"],
}


@pytest.mark.parametrize("name", MIXTURES)
def test_every_effect_that_is_identified_is_right_and_the_others_are_refused(name):
    """Linear systems, whose effects are exact: all sets of actions, with or without rows of obs."""
    regimes, refused, in_sds = MIXTURES[name], 0, []
    for seed in range(3):
        scm = ig.scm.sample_linear_scm(3, seed, edge_probability=0.7)
        posterior = fit(scm, regimes, seed, degree=1)
        for size in range(4):
            for do in combinations(scm.actions, size):
                if ig.identify(regimes, do).identified:
                    error, relative = judge(posterior, scm, list(do))
                    assert error < 0.06  # the outcome has a spread above 0.5
                    in_sds.append(relative)
                else:
                    missing = ig.identify(regimes, do).missing
                    with pytest.raises(ig.NotIdentifiedError) as caught:
                        posterior.expected_outcome(dict.fromkeys(scm.actions, 0.0), do=list(do))
                    for regime in missing:
                        label = "+".join(regime) or "observational rows"
                        assert label in str(caught.value)
                    refused += 1
    assert len(in_sds) + refused == 24
    assert refused == (12 if name == "joint arm and parts" else 0)
    assert max(in_sds) < 3.5
    assert np.mean(in_sds) < 1.5


@pytest.mark.parametrize(
    ("regimes", "blocks", "missing"),
    [
        (["a1+a2", "a2+a3", "a1+a3"], None, "missing observational rows"),
        (["a1", "a2", "a3"], None, "missing observational rows"),
        (["obs", "a1+a2", "a2+a3"], None, "missing an experiment that sets 'a1'"),
        (["obs", "a1", "a2", "a3"], ["a1+a2"], r"missing an experiment that sets 'a1\+a2'"),
        (["a1+a2", "a1+a3"], ["a1+a2"], "missing an experiment that sets 'a1'"),
        (["a1+a2", "a3"], ["a1+a2"], "missing observational rows"),
    ],
)
def test_fit_refuses_what_identify_says_is_missing(regimes, blocks, missing):
    scm = ig.scm.sample_linear_scm(3, 1)
    answer = ig.identify(regimes, scm.actions, blocks)
    with pytest.raises(ig.NotIdentifiedError, match=missing):
        fit(scm, regimes, 1, blocks=blocks)
    posterior = fit(scm, [*regimes, *answer.missing], 1, blocks=blocks)
    assert judge(posterior, scm, None)[0] < 0.06


def test_a_target_that_is_identified_is_enough():
    scm = ig.scm.sample_linear_scm(3, 2)
    regimes = ["a1+a2", "a2+a3"]
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a2'"):
        fit(scm, regimes, 1, target="a2")
    posterior = fit(scm, regimes, 1, target="a2+a3")
    assert judge(posterior, scm, "a2+a3")[0] < 0.06
    with pytest.raises(ig.NotIdentifiedError, match=r"do\(a1, a2, a3\)\] is not identified"):
        posterior.expected_outcome({"a1": 0.0, "a2": 0.0, "a3": 0.0})
    assert posterior.design.parents == {"a1": (), "a2": ("a1", "a3"), "a3": ()}
    assert np.isfinite(posterior.effects()["mean"]).all()  # contrasts are known all the same
    assert str(posterior).startswith("Posterior of E[y | do(a2, a3), a1] from ")
    assert posterior.effects("a2+a3").index.tolist() == ["a2", "a3"]


def test_the_way_to_contrasts_without_the_level_is_named():
    scm = ig.scm.sample_linear_scm(3, 2)
    frame = scm.sample_regimes(["a1", "a3", "a1+a2", "a2+a3"], 500, random_seed=1)
    data = ig.RegimeData.from_frame(frame, scm.outcome, scm.actions)
    model = ig.InterventionModel(ig.Polynomial(1))
    answer = model.identify(data)
    assert (answer.identified, {*answer.contrasts.values()}) == (False, {"identified"})
    assert str(answer).endswith("depend on which, here as learned from the data.")
    given = ig.InterventionModel(structure=scm.actions).identify(data)
    assert str(given).endswith("depend on which, here as given.")
    with pytest.raises(ig.NotIdentifiedError, match=r"target='a1\+a2': contrasts of 'a1\+a2\+a3'"):
        model.fit(data, method="laplace")
    posterior = model.fit(data, method="laplace", target="a1+a2")
    for action in scm.actions:
        ends = pd.DataFrame(0.0, index=[0, 1], columns=list(scm.actions))
        ends.loc[1, action] = 1.0
        change = posterior.contrast(ends.loc[[1]], ends.loc[[0]])
        truth = float(scm.expected_outcome(ends).diff("point")[0])
        assert abs(float(change.mean()) - truth) < 4 * float(change.std())


# Without an observational arm


@pytest.fixture(scope="module")
def without_rows():
    """Three single arms and a joint one: obs is m_1 + m_2 - m_12."""
    scm = ig.scm.sample_common_support_scm(3, 1)
    regimes = ["a1", "a2", "a3", "a1+a2"]
    return scm, fit(scm, regimes, 1), fit(scm, ["a1+a2+a3", "a1+a2", "a2"], 1)


def test_the_observational_mean_follows_from_experiments(without_rows):
    scm, posterior, _ = without_rows
    assert judge(posterior, scm, [])[0] < 0.1
    assert judge(posterior, scm, None)[0] < 0.05


def test_structure_is_learned_from_experiments_alone(without_rows):
    scm, posterior, joint = without_rows
    tested = {(e.parent, e.child): e.status for e in posterior.learned.edges}
    assert set(tested.values()) <= {"seen", "absent", "implied"}
    for parent, child in scm.edges:
        assert parent in posterior.design.parents[child]
    never = {("a1", "a2"), ("a3", "a1"), ("a3", "a2")}
    found = {(e.parent, e.child) for e in joint.learned.edges if e.status == "untested"}
    assert found == never


def test_effects_are_summarised_and_printed_without_observational_rows(without_rows):
    _, posterior, joint = without_rows
    assert np.isfinite(posterior.effects().to_numpy(dtype=float)).all()
    table = joint.effects()
    assert table["observational"].isna().all()
    assert np.isfinite(table[["mean", "lower", "upper"]].to_numpy()).all()
    assert "NaN" in str(joint)
    assert "rows in the regimes a2, a1+a2, a1+a2+a3" in str(joint)


def test_support_without_observational_rows(without_rows):
    scm, posterior, joint = without_rows
    centre = {name: posterior.summary.scales[name].centre for name in scm.actions}
    # cubics miss the edges of the actions, by much against the narrower interval of the first
    for one, flag in ((posterior, MISFIT), (joint, SUPPORTED)):
        assert not one.lack_of_fit.ok
        assert one.expected_outcome(centre)["support"].item() == flag
        sound = replace(one, lack_of_fit=None)
        assert sound.expected_outcome(centre)["support"].item() == SUPPORTED
    corner = dict(zip(scm.actions, posterior.summary.regimes["a1",].high, strict=False))
    assert posterior.expected_outcome(corner)["support"].item() == EXTRAPOLATED


def test_parents_are_supported_where_the_child_is_left_alone():
    """Every regime sets a1 or a2, so none leaves both alone; a1 may depend on a2."""
    frame = linear.make_data(500, random_seed=1)
    joint = frame[frame["regime"] == "obs"].sample(frac=1.0, random_state=1).assign(regime="a1+a2")
    data = ig.RegimeData.from_frame(
        pd.concat([frame[frame["regime"] != "obs"], joint]), "y", ["a1", "a2"]
    )
    posterior = ig.InterventionModel(ig.Polynomial(1), "full").fit(data, method="laplace")
    found = posterior.expected_outcome({"a1": [0.0, 1.0], "a2": [0.0, -1.0]})
    assert found["support"].to_numpy().tolist() == [SUPPORTED, SUPPORTED]


# Blocks in a mixture


def test_blocks_overlapping_sets_and_no_observational_arm():
    regimes = ["a1+a2", "a1+a2+a3", "a1+a2+a4", "a3"]
    errors, naive = [], []
    for seed in range(3):
        scm = ig.scm.sample_partition_scm(["a1+a2", "a3", "a4"], seed)
        assert ig.identify(regimes, scm.actions, scm.blocks).identified
        posterior = fit(scm, regimes, seed, blocks=scm.blocks)
        errors += [judge(posterior, scm, do)[0] for do in (None, "a1+a2+a3", "obs", "a4")]
        at = scm.sample(300, do=scm.actions, random_seed=99)
        naive.append(rmse(scm.expected_outcome(at, do=[]), scm.expected_outcome(at)))
        str(posterior)
    assert np.max(errors) < 0.08
    assert np.mean(errors) < 0.25 * np.mean(naive)


def test_a_cut_block_is_answered_where_its_pattern_was_seen():
    """Exact effects: the arm that cuts the block adds up with the experiment on the other one."""
    errors, single = [], []
    for seed in range(3):
        scm = ig.scm.sample_partition_scm(["a1+a2", "a3"], seed)
        posterior = fit(scm, ["obs", "a1", "a1+a2", "a3"], seed, blocks=scm.blocks)
        errors += [judge(posterior, scm, do)[0] for do in ("a1+a3", "a1", None)]
        with pytest.raises(ig.QueryError, match=r"cuts the block 'a1\+a2'"):
            posterior.expected_outcome(dict.fromkeys(scm.actions, 0.0), do="a2")
        regimes = ["obs", "a1", "a1+a2", "a3"]
        alone = fit(scm, regimes, seed, interactions="none")  # as if nothing were shared
        single += [judge(alone, scm, do)[0] for do in ("a1+a3", "a1", None)]
    assert np.max(errors) < 0.05
    assert np.mean(errors[2::3]) < 0.5 * np.mean(single[2::3])  # the joint effect
