"""The rank condition of the design against the rank of the whole regression, written out."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import identify
from bayes_intgen.design.identification.model_identification import (
    DesignIdentification,
    require_identified_effect,
)
from bayes_intgen.design.identification.rank_condition import RankCondition

ACTIONS = ("a", "b", "c")
ALL = [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]


def make_design(parents, interactions="none", basis=None, categorical=()):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(90, 4)), columns=[*ACTIONS, "y"])
    for name in categorical:
        frame[name] = rng.permutation(np.repeat(["x", "y", "z"], 30))
    frame["regime"] = "obs"
    data = ig.RegimeData.from_frame(frame, "y", ACTIONS, categorical=categorical)
    bases = freeze_bases(basis or ig.Polynomial(2), ACTIONS, data.summary)
    return Design.build(bases, parents, interactions)


def functional(design, regime, values):
    """Rows that turn weights into the mean of a regime at some settings."""
    phi = design.features.evaluate(np.atleast_2d(values))
    return phi[:, design.positions] * design.active(regime)


def written_out(design, regimes, lifts, rows):
    """The share of each row beyond the row space of many rows of every regime, and of the tests."""
    rng = np.random.default_rng(2)
    size = 3 * len(design.features.features)
    tables = [functional(design, regime, rng.normal(size=(size, 3))) for regime in regimes]
    stacked = np.vstack([*tables, np.empty((0, len(design.weights))) if lifts is None else lifts])
    _, sizes, turned = np.linalg.svd(stacked)
    basis = turned[: int(np.sum(sizes > 1e-9 * sizes[0]))]
    left = rows - rows @ basis.T @ basis
    return np.sum(left**2, axis=1) / np.sum(rows**2, axis=1)


@pytest.mark.parametrize("interactions", ["none", "pairwise", "all"])
@pytest.mark.parametrize("seed", range(8))
def test_random_designs_against_the_rank_written_out(seed, interactions):
    rng = np.random.default_rng(seed)
    others = {name: [other for other in ACTIONS if other != name] for name in ACTIONS}
    parents = {
        name: tuple(other for other in names if rng.random() < 0.4)
        for name, names in others.items()
    }
    design = make_design(parents, interactions)
    regimes = tuple(ALL[i] for i in rng.choice(len(ALL), size=rng.integers(1, 5), replace=False))
    lifts = None
    if seed % 2:
        moves = np.zeros((2, 3, 3))
        moves[:, :, seed % 3] = rng.normal(size=(2, 3))
        lifts = functional(design, ACTIONS, moves[1]) - functional(design, ACTIONS, moves[0])
    condition = RankCondition(design, regimes, lifts)
    for target in ALL:
        before, after = (functional(design, target, rng.normal(size=(4, 3))) for _ in range(2))
        rows = np.vstack([before, after - before, lifts if lifts is not None else before])
        expected = written_out(design, regimes, lifts, rows)
        np.testing.assert_allclose(condition.unseen_share(rows), expected, atol=1e-8)
        level = condition.unseen_share(before)
        assert (level == 0).all() == identify(regimes, target).identified
        assert condition.shown(target).all() == identify(regimes, target).identified


def test_a_bias_that_stays_hides_the_parents_of_its_action():
    """Without the experiment on c, nothing tells the effect of a from the bias of c, if a > c."""
    regimes = ((), ("a",), ("b",))
    chain = RankCondition(make_design({"a": (), "b": (), "c": ("a",)}), regimes)
    found = {action: chain.status(ACTIONS, [action]) for action in ACTIONS}
    assert found == {"a": "unknown", "b": "identified", "c": "unknown"}
    assert chain.lacking(ACTIONS, ["a"]) == (("c",),)
    alone = RankCondition(make_design({"a": (), "b": (), "c": ()}), regimes)
    assert alone.status(ACTIONS, ["a", "b"]) == "identified"
    assert alone.status(("a",), ["c"]) == "identified"  # observed together with its bias


def test_lift_tests_show_a_curve_once_they_are_as_many_as_its_functions():
    design = make_design({"a": (), "b": (), "c": ()})
    regimes = ((), ("a",), ("b",))
    values = np.zeros((3, 3))
    values[:, 2] = [0.0, 1.0, -0.5]
    ends = functional(design, ACTIONS, values)
    one, two = ends[1:2] - ends[0], ends[1:] - ends[0]
    between = functional(design, ACTIONS, [0.0, 0.0, 0.7]) - ends[:1]
    assert RankCondition(design, regimes, one).status(ACTIONS, ["c"]) == "tested"
    assert RankCondition(design, regimes, one).unseen_share(one) == 0
    share = RankCondition(design, regimes, one).unseen_share(between)
    assert 0 < share < 0.5
    assert RankCondition(design, regimes, two).status(ACTIONS, ["c"]) == "identified"
    assert RankCondition(design, regimes, two).unseen_share(between) == 0
    assert RankCondition(design, regimes, two).unseen_share(ends[:1]) > 0  # never the level


def test_levels_are_shown_by_one_test_less_than_there_are():
    design = make_design({"a": (), "b": (), "c": ()}, categorical=["c"])
    regimes = ((), ("a",), ("b",))
    ends = functional(design, ACTIONS, [[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    lifts = ends[1:] - ends[0]
    one = RankCondition(design, regimes, lifts[:1])
    assert one.status(ACTIONS, ["c"]) == "unknown"  # of a level without tests nothing is known
    assert one.status(ACTIONS, ["c"], -lifts[:1]) == "identified"
    assert require_identified_effect(one, ACTIONS, ["c"], lifts[:1]) == "identified"
    with pytest.raises(ig.NotIdentifiedError):
        require_identified_effect(one, ACTIONS, ["c"], lifts[1:])
    assert RankCondition(design, regimes, lifts).status(ACTIONS, ["c"]) == "identified"


def test_the_scale_turns_the_share_into_prior_variance():
    """With unit noise-free tests the share is the variance of a Gaussian given them."""
    design = make_design({"a": (), "b": (), "c": ()}, basis=ig.HSGP(m=6, m_pair=2))
    values = np.zeros((5, 3))
    values[:, 2] = [0.0, 1.0, -1.0, 0.5, 0.2]
    ends = functional(design, ACTIONS, values)
    rows, asked = ends[1:4] - ends[0], ends[4:] - ends[0]
    sd = np.exp(-0.3 * np.arange(len(design.weights)) % 3)
    causal = np.array([w.component == "causal" for w in design.weights])
    condition = RankCondition(design, (("a",), ("b",)), rows)
    free = RankCondition(design, (("a",), ("b",)))
    seen = np.vstack([functional(design, r, np.random.default_rng(3).normal(size=(400, 3)))
                      for r in condition.regimes] + [rows])  # fmt: skip
    _, sizes, turned = np.linalg.svd(seen * sd)
    basis = turned[: int(np.sum(sizes > 1e-9 * sizes[0]))]
    wanted = asked * sd
    expected = np.sum((wanted - wanted @ basis.T @ basis) ** 2) / np.sum(wanted**2)
    np.testing.assert_allclose(condition.unseen_share(asked, sd), expected, rtol=1e-6)
    assert condition.unseen_share(asked, sd) < free.unseen_share(asked, sd)
    assert causal.any()


def test_what_is_known_reads_as_a_sentence():
    design = make_design({"a": (), "b": (), "c": ("a",)})
    answer = DesignIdentification.judge(RankCondition(design, ((), ("a",), ("b",))), ACTIONS)
    assert not answer.identified
    assert answer.missing == (("c",),)
    assert answer.weights == {}
    text = str(answer)
    assert "level not identified; missing an experiment that sets 'c'" in text
    assert "effect of moving b: identified" in text
    whole = DesignIdentification.judge(RankCondition(design, tuple(ALL[:4])), ACTIONS)
    assert "identified, as -2 obs +1 a +1 b +1 c" in str(whole)
    assert set(whole.contrasts.values()) == {"identified"}


def test_what_is_not_determined_is_refused():
    condition = RankCondition(make_design({"a": (), "b": (), "c": ()}), ((), ("a",), ("b",)))
    with pytest.raises(ig.NotIdentifiedError, match="an experiment that sets 'c'"):
        require_identified_effect(condition, ACTIONS)
    with pytest.raises(ig.NotIdentifiedError, match=r"moving c on .* sets 'c', or lift tests"):
        require_identified_effect(condition, ACTIONS, ["b", "c"])
    assert require_identified_effect(condition, ACTIONS, ["a", "b"]) == "identified"
    assert require_identified_effect(condition, ACTIONS, []) == "identified"
    assert require_identified_effect(condition, ("a", "b")) == "identified"
