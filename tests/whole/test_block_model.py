"""Blocks in the model: which weights there are, what is answered, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.cli.main import main
from bayes_intgen.data.regime_summary import RegimeSummary, ThinnedSample
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import CAUSAL, Design
from bayes_intgen.inference.verdicts.probes import find_probes
from bayes_intgen.posterior.support import classify_support
from models import partition

ACTIONS = ["a1", "a2", "a3"]
PARENTS = {"a1": (), "a2": (), "a3": ("a2",)}
BLOCKS = (("a1", "a2"), ("a3",))


def read(frame):
    return ig.RegimeData.from_frame(frame, "y", ACTIONS)


@pytest.fixture(scope="module")
def bases():
    summary = read(partition.make_data(100, random_seed=1)).summary
    specs = {"cubic": ig.Polynomial(3), "smooth": ig.HSGP(m=4, m_pair=2)}
    return {name: freeze_bases(spec, ACTIONS, summary) for name, spec in specs.items()}


def touched(design, component):
    """Return the sets of actions that the features of a component touch, written as labels."""
    return {"+".join(sorted(w.feature.actions)) for w in design.weights if w.component == component}


SINGLES = {"", "a1", "a2", "a3"}


# Which weights there are


@pytest.mark.parametrize("basis", ["cubic", "smooth"])
def test_features_of_every_component_and_interactions(bases, basis):
    designs = {
        interactions: Design.build(bases[basis], PARENTS, interactions, BLOCKS)
        for interactions in ("none", "pairwise", "all")
    }
    triple = {"a1+a2+a3"} if basis == "cubic" else set()
    pairs = {"a1+a2", "a1+a3", "a2+a3"}
    assert touched(designs["none"], CAUSAL) == SINGLES | {"a1+a2"}
    assert touched(designs["pairwise"], CAUSAL) == SINGLES | pairs
    assert touched(designs["all"], CAUSAL) == SINGLES | pairs | triple
    for interactions in ("none", "pairwise"):
        assert touched(designs[interactions], "bias:a1+a2") == {"", "a1", "a2", "a1+a2"}
        assert touched(designs[interactions], "bias:a3") == {"", "a2", "a3", "a2+a3"}
    assert touched(designs["all"], "bias:a1+a2") == SINGLES | pairs | triple
    assert {w.component for w in designs["none"].weights} == {CAUSAL, "bias:a1+a2", "bias:a3"}


def test_a_block_of_three_has_products_of_three_if_the_basis_has(bases):
    for basis, expected in (("cubic", True), ("smooth", False)):
        design = Design.build(bases[basis], PARENTS, "none", (tuple(ACTIONS),))
        assert ("a1+a2+a3" in touched(design, CAUSAL)) == expected
        assert ("a1+a2+a3" in touched(design, "bias:a1+a2+a3")) == expected


def test_the_bias_of_a_block_follows_the_parents_of_all_its_members(bases):
    parents = {"a1": ("a3",), "a2": (), "a3": ()}
    design = Design.build(bases["cubic"], parents, "none", BLOCKS, (("a1",), ("a2",)))
    assert design.scope("a1") == design.scope("a2") == {"a1", "a2", "a3"}
    assert "a1+a2+a3" in touched(design, "bias:a1+a2")
    # the parents of those that are set do not matter
    assert design.scope("a1", ("a1",)) == {"a1", "a2"}
    assert touched(design, "bias:a1+a2|a1") == {"", "a1", "a2", "a1+a2"}
    assert "a1+a2+a3" in touched(design, "bias:a1+a2|a2")


@pytest.fixture
def design(bases):
    return Design.build(bases["cubic"], PARENTS, "none", BLOCKS, (("a1",),))


@pytest.mark.parametrize(
    ("regime", "biases"),
    [
        ((), ["bias:a1+a2", "bias:a3"]),
        (("a1", "a2"), ["bias:a3"]),
        (("a3",), ["bias:a1+a2"]),
        (("a1",), ["bias:a1+a2|a1", "bias:a3"]),
        (("a1", "a3"), ["bias:a1+a2|a1"]),
        (("a1", "a2", "a3"), []),
    ],
)
def test_a_regime_chooses_one_bias_per_block(design, regime, biases):
    wanted = {CAUSAL, *biases}
    expected = [weight.component in wanted for weight in design.weights]
    np.testing.assert_array_equal(design.active(regime), expected)


def test_a_pattern_that_the_data_lack_has_no_mean(design):
    with pytest.raises(ig.ModelError, match=r"it sets \['a2'\] of the blocks \['a1\+a2', 'a3'\]"):
        design.active(("a2", "a3"))


def test_prior_groups_follow_the_components(design):
    groups = [group for group in design.groups if group.startswith("bias:a1+a2|a1|")]
    single = ["a1:linear", "a1:wiggly", "a2:linear", "a2:wiggly", "a1*a2"]
    assert groups == [f"bias:a1+a2|a1|{group}" for group in single]
    assert len(set(design.groups)) == len(design.groups)


def test_a_design_with_blocks_survives_json(design):
    state = json.loads(json.dumps(design.to_dict()))
    again = Design.from_dict(state)
    assert again == design
    assert again.weights == design.weights
    del state["blocks"], state["cuts"]  # as written before there were any
    assert Design.from_dict(state).blocks == (("a1",), ("a2",), ("a3",))


def test_singletons_change_nothing(bases):
    alone = Design.build(bases["smooth"], PARENTS)
    assert Design.build(bases["smooth"], PARENTS, "none", (("a1",), ("a2",), ("a3",))) == alone


# Support


def cloud(correlation=0.0, reach=3.0, n=1000):
    """Return a regime with standard actions a1, a2, a3, of which the first two are correlated."""
    scatter = np.eye(4)
    scatter[0, 1] = scatter[1, 0] = correlation
    high = np.full(4, reach)
    moments = CentredMoments(n, float(n), np.zeros(4), n * scatter)
    rows = ThinnedSample(np.empty((0, 4)))
    return RegimeSummary(moments, -high, high, rows, stored_core=np.array([-high, high]))


def flags(points, do, regimes, parents=PARENTS):
    summary = Summary(tuple(ACTIONS), "y", regimes)
    values = np.array(points, dtype=float)
    return classify_support(values, do, summary, parents, BLOCKS).tolist()


def test_a_block_that_is_set_must_lie_in_the_joint_cloud_of_rows_that_set_it():
    regimes = {(): cloud(), ("a3",): cloud(), ("a1", "a2"): cloud(0.95)}
    points = [(1, 1, 0), (1, -1, 0), (2.5, 2.5, 2), (1, 1, 3.1)]
    expected = [SUPPORTED, EXTRAPOLATED, SUPPORTED, OUTSIDE]
    assert flags(points, ("a1", "a2", "a3"), regimes) == expected
    assert flags(points[:2], ("a1", "a2"), regimes) == expected[:2]
    # single actions that are only ever set together are no better, but for an experiment on one
    point = np.array([(1.0, -1, 0)])
    for more, expected in ({}, EXTRAPOLATED), ({("a1",): cloud()}, SUPPORTED):
        summary = Summary(tuple(ACTIONS), "y", regimes | more)
        alone = classify_support(point, tuple(ACTIONS), summary, PARENTS)
        assert alone.tolist() == [expected]


def test_a_block_that_is_left_alone_or_cut_must_lie_where_the_same_is_done_to_it():
    regimes = {(): cloud(0.95), ("a3",): cloud(0.95), ("a1", "a2"): cloud()}
    points = [(1, 1, 0), (1, -1, 0)]
    assert flags(points, (), regimes) == [SUPPORTED, EXTRAPOLATED]
    assert flags(points, ("a3",), regimes) == [SUPPORTED, EXTRAPOLATED]
    regimes["a1",] = cloud(-0.95)
    assert flags(points, ("a1",), regimes) == [EXTRAPOLATED, SUPPORTED]
    assert flags(points, ("a1", "a3"), regimes) == [EXTRAPOLATED, SUPPORTED]


def test_a_parent_in_a_block_must_lie_where_regimes_set_its_child():
    regimes = {(): cloud(), ("a3",): cloud(reach=1.0), ("a1", "a2"): cloud()}
    assert flags([(0, 2, 0.5), (2, 0, 0.5)], tuple(ACTIONS), regimes) == [EXTRAPOLATED, SUPPORTED]


# Fits


@pytest.fixture(scope="module")
def frame():
    rows = partition.make_data(2000, random_seed=1)
    cut = partition.make_data(2000, random_seed=2)
    return pd.concat([rows, cut[cut["regime"] == "obs"].assign(regime="a1")], ignore_index=True)


@pytest.fixture(scope="module")
def posterior(frame):
    """A fit that has also seen a cut block (of which the rows are as if nothing were set)."""
    model = ig.InterventionModel(ig.Polynomial(3), [("a2", "a3")], blocks=["a1+a2"])
    return model.fit(read(frame), method="laplace", random_seed=1)


GRID = {
    "a1": np.array([-1.0, 0.0, 0.5, 1.5]),
    "a2": np.array([0.5, 0.0, -1.0, 1.0]),
    "a3": np.array([1.0, 0.0, -1.0, 0.3]),
}


def test_the_joint_effect_of_a_block_and_an_action(posterior):
    table = posterior.table(GRID)
    error = np.abs(table["mean"] - partition.truth(**GRID))
    assert (error < 4 * table["sd"]).all()
    assert (table["sd"] < 0.25).all()
    # the observational answer is another, and so is that of single actions
    assert np.abs(posterior.table(GRID, do=[])["mean"] - partition.truth(**GRID)).max() > 1


def test_components_add_up_to_every_mean_draw_by_draw(posterior):
    usual = {name: posterior.summary.scales[name].centre for name in ACTIONS}
    causal = posterior.expected_outcome(usual).to_numpy()
    for name in ("a1+a2", "a3"):
        causal = causal + posterior.component(name, GRID, "int").to_numpy()
    for do, biases in (
        (["a1", "a2", "a3"], []),
        (["a1", "a2"], ["a3"]),
        (["a3"], ["a1+a2"]),
        ([], ["a1+a2", "a3"]),
    ):
        total = causal + sum(posterior.component(name, GRID, "bias").to_numpy() for name in biases)
        assert_allclose(total, posterior.expected_outcome(GRID, do=do), atol=1e-8)
    both = [posterior.component("a2 + a1", GRID, kind) for kind in ("int", "bias", "obs")]
    assert_allclose(both[0] + both[1], both[2], atol=1e-10)


def test_moving_one_action_of_a_block(posterior):
    """The others of the block are held at their usual values, as where actions interact."""
    usual = {name: posterior.summary.scales[name].centre for name in ACTIONS}
    found = posterior.component("a1", GRID["a1"])
    moved = posterior.expected_outcome(usual | {"a1": GRID["a1"]})
    assert_allclose(found, moved - posterior.expected_outcome(usual).to_numpy(), atol=1e-8)


@pytest.mark.parametrize(
    ("action", "at", "kind", "message"),
    [
        ("a1", GRID, "bias", r"action 'a1' has no confounding bias .*'a1\+a2' .*kind='int'"),
        ("a2", GRID, "obs", r"action 'a2' has no confounding bias of its own"),
        ("a1+a3", GRID, "int", r"one of \['a1', 'a2', 'a3', 'a1\+a2'\], got 'a1\+a3'"),
        ("a1+a2", [0.0, 1.0], "int", r"takes values of \['a1', 'a2'\], got list; give a mapping"),
    ],
)
def test_components_that_there_are_not(posterior, action, at, kind, message):
    with pytest.raises(ig.QueryError, match=message):
        posterior.component(action, at, kind)


def test_a_question_that_cuts_a_block(posterior):
    with pytest.raises(ig.QueryError) as caught:
        posterior.expected_outcome(GRID, do=["a2", "a3"])
    message = str(caught.value)
    assert "sets ['a2'] and leaves ['a1'] alone, which cuts the block 'a1+a2'" in message
    assert "set all of ['a1', 'a2'] or none of them, or add an experiment that sets 'a2'" in message
    # the data have the pattern a1, which adds up with the other block
    parts = [posterior.expected_outcome(GRID, do=do).to_numpy() for do in
             (["a1"], ["a3"], [], ["a1", "a3"])]  # fmt: skip
    assert_allclose(parts[0] + parts[1] - parts[2], parts[3], atol=1e-8)
    # its rows are observational ones, and it is not told so
    sd = np.hypot(parts[0].std(axis=(0, 1)), parts[2].std(axis=(0, 1)))
    assert (np.abs(parts[0].mean(axis=(0, 1)) - parts[2].mean(axis=(0, 1))) < 4 * sd).all()


def test_everything_is_printed_and_saved(posterior, tmp_path):
    shown = str(posterior)
    assert "\nblocks: a1+a2, a3\n" in shown
    assert posterior.effects().index.tolist() == ACTIONS
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert str(again) == shown
    assert again.design == posterior.design
    for do in (None, "a1", "a1+a3", "obs"):
        first, second = (fit.expected_outcome(GRID, do) for fit in (posterior, again))
        assert_allclose(first, second)
    assert_allclose(again.component("a1+a2", GRID), posterior.component("a1+a2", GRID))


def test_moments_give_the_same_fit(frame):
    data, basis = read(frame), ig.Polynomial(3)
    model = ig.InterventionModel(basis, ["a1", "a2", "a3"], blocks=["a1+a2"], variance="constant")
    fits = [model.fit(part, method="laplace", random_seed=3) for part in
            (data, ig.Moments.from_data(data, basis=basis))]  # fmt: skip
    assert fits[0].design == fits[1].design
    assert_allclose(*(fit.expected_outcome(GRID) for fit in fits), rtol=1e-6)


def test_fit_says_which_experiment_of_the_block_is_missing(frame):
    data = read(frame)
    model = ig.InterventionModel(ig.Polynomial(1), blocks=["a1+a2"])
    with pytest.raises(ig.NotIdentifiedError, match=r"blocks a1\+a2: missing .* sets 'a1\+a2'"):
        model.fit(data.drop(["a1+a2"]), method="laplace")
    with pytest.raises(ig.NotIdentifiedError, match=r"missing an experiment that sets 'a2'"):
        model.fit(data, method="laplace", target="a2+a3")
    fit = model.fit(data.drop(["a1+a2"]), method="laplace", draws=20, target="a1+a3")
    assert fit.expected_outcome(GRID, do="a1+a3").sizes["draw"] == 20
    with pytest.raises(ig.ModelError, match=r"blocks: \['price'\] are not among the actions"):
        ig.InterventionModel(blocks=["a1+price"]).fit(data)


def test_a_cut_that_no_regime_makes_is_named_before_a_fit(frame):
    data = read(frame).drop(["a1"])
    model = ig.InterventionModel(ig.Polynomial(1), ["a1", "a2", "a3"], blocks=["a1+a2"])
    answer = model.identify(data, "a1")
    assert not answer.identified
    assert answer.missing == (("a1",),)
    assert answer.contrasts == dict.fromkeys(ACTIONS, "unknown")
    assert answer.lacking == dict.fromkeys(ACTIONS, (("a1",),))
    assert "level not identified; missing an experiment that sets 'a1'" in str(answer)
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a1'"):
        model.fit(data, method="laplace", target="a1")
    columns = {"action": "a3", "from": [0.0], "to": 1.0, "effect": 1.0, "standard_error": 0.1}
    lifts = ig.LiftTests.from_frame(pd.DataFrame(columns))
    with pytest.raises(ig.NotIdentifiedError, match="takes an experiment that sets 'a1'"):
        model.fit(data, method="laplace", target="a1", lifts=lifts)


def test_blocks_on_the_command_line(tmp_path, capsys):
    partition.make_data(300, random_seed=1).to_csv(tmp_path / "data.csv", index=False)
    arguments = ["--outcome", "y", "--actions", "a1,a2,a3", "--method", "laplace"]
    arguments += ["--basis", "polynomial", "--out", str(tmp_path / "fit.nc")]
    data = str(tmp_path / "data.csv")
    assert main(["fit", data, *arguments, "--blocks", "a2+a1, a3"]) == 0
    assert "blocks: a1+a2, a3" in capsys.readouterr().out
    assert ig.load(tmp_path / "fit.nc").design.blocks == BLOCKS
    assert main(["fit", data, *arguments, "--blocks", "a2+a3"]) == 2
    assert "sets 'a1' and an experiment that sets 'a2+a3'" in capsys.readouterr().err
    assert main(["fit", data, *arguments, "--blocks", "a1+a2,a2"]) == 2
    assert "blocks must not overlap" in capsys.readouterr().err


# The check of additivity


def test_pairs_within_a_block_are_no_departures(posterior, frame):
    model = ig.InterventionModel(ig.Polynomial(3), [("a2", "a3")], blocks=["a1+a2"])
    prepared = model._prepare(read(frame))
    design = prepared.problem.design
    found = {(p.kind, p.actions) for p in find_probes(design, prepared.moments.features)}
    assert found == {
        ("interaction", ("a1", "a3")),
        ("interaction", ("a2", "a3")),
        ("bias", ("a1+a2", "a3")),
        ("bias", ("a3", "a1")),
        ("bias", ("a3", "a1", "a2")),
    }
    assert posterior.additivity.ok, posterior.additivity
    wide = ig.InterventionModel(ig.Polynomial(3), [("a2", "a3")], "pairwise", ["a1+a2"])
    judged = wide.fit(read(frame), method="laplace").additivity
    assert {(d.kind, d.actions) for d in judged.tests} == found


def test_interactions_between_blocks_are_seen(frame):
    changed = frame.assign(y=frame["y"] + 0.5 * frame["a1"] * frame["a3"])
    model = ig.InterventionModel(ig.Polynomial(3), [("a2", "a3")], blocks=["a1+a2"])
    found = model.fit(read(changed), method="laplace").additivity
    assert found.needed_interactions == "pairwise"
    assert found.found[0].actions == ("a1", "a3")  # and a_2 a_3, which goes with it


def test_a_bias_of_a_block_that_follows_another_action_is_seen(frame):
    """The confounder of the block, guessed from a_1 where nothing of it is set, modifies a_3's."""
    hidden = frame["a1"] * frame["a3"] * frame["regime"].isin(["obs", "a3"])
    model = ig.InterventionModel(ig.Polynomial(3), [("a2", "a3")], blocks=["a1+a2"])
    found = model.fit(read(frame.assign(y=frame["y"] + 0.5 * hidden)), method="laplace").additivity
    assert ("bias", ("a1+a2", "a3")) in {(d.kind, d.actions) for d in found.found}
    assert found.needed_interactions == "all"
