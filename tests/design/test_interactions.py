"""The interactions: which weights each choice has, and that it answers what it should."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.design import CAUSAL, Design, bias_name
from models import polynomial

PARENTS = {"a1": (), "a2": ("a1",), "a3": ()}


@pytest.fixture(scope="module")
def bases():
    scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 100, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    return {
        basis: freeze_bases(spec, data.actions, data.summary)
        for basis, spec in (
            ("cubic", ig.Polynomial(3)),
            ("smooth", ig.HSGP(m=4, m_pair=2, warp=0)),
            ("warped", ig.HSGP(m=4, m_pair=1, warp=8)),
        )
    }


def names(design, component):
    return {w.feature.actions for w in design.weights if w.component == component}


def subsets(*groups):
    return {frozenset(group) for group in groups}


SINGLE = subsets((), ("a1",), ("a2",), ("a3",))
PAIRS = subsets(("a1", "a2"), ("a1", "a3"), ("a2", "a3"))


@pytest.mark.parametrize("basis", ["cubic", "smooth", "warped"])
def test_causal_part_and_biases_with_each_interactions(bases, basis):
    designs = {r: Design.build(bases[basis], PARENTS, r) for r in ("none", "pairwise", "all")}
    triple = subsets(("a1", "a2", "a3")) if basis == "cubic" else set()
    assert names(designs["none"], CAUSAL) == SINGLE
    assert names(designs["pairwise"], CAUSAL) == SINGLE | PAIRS
    assert names(designs["all"], CAUSAL) == SINGLE | PAIRS | triple
    for interactions in ("none", "pairwise"):
        own = subsets((), ("a1",), ("a2",), ("a1", "a2"))
        assert names(designs[interactions], bias_name("a2")) == own
        assert names(designs[interactions], bias_name("a1")) == subsets((), ("a1",))
    for action in PARENTS:
        assert names(designs["all"], bias_name(action)) == SINGLE | PAIRS | triple


@pytest.mark.parametrize("basis", ["cubic", "smooth", "warped"])
def test_a_surface_is_bilinear_plus_smooth(bases, basis):
    features = FeatureMap.within(bases[basis], [["a1", "a2"]])
    found = {f.name for f in features.features if len(f.factors) == 2}
    expected = {
        "cubic": {"a1 a2", "a1 a2^2", "a1^2 a2"},
        "smooth": {"a1 a2", "a1~1 a2~1", "a1~1 a2~2", "a1~2 a2~1", "a1~2 a2~2"},
        "warped": {"a1 a2", "a1 a2~w1", "a1 a2~w2", "a1~w1 a2", "a1~w2 a2", "a1~w1 a2~w1"},
    }
    assert found == expected[basis]


def test_with_all_interactions_the_answer_is_the_sum_of_free_regressions():
    """Without shrinkage, E[Y|do] is m_1 + m_2 - m_obs, each a regression of its own regime."""
    frame = polynomial.make_data(400, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    wide = ig.Priors(linear=100.0, wiggly=100.0, pair=100.0, higher=100.0, constant=100.0)
    model = ig.InterventionModel(ig.Polynomial(2), [], "all", priors=wide, variance="constant")
    at = {"a1": np.array([-0.5, 0.3, 1.0]), "a2": np.array([0.4, -1.0, 0.0])}
    found = model.fit(data, method="laplace", draws=4000).table(at)

    def regress(regime):
        rows = frame[frame["regime"] == regime]
        return quadratic(rows["a1"], rows["a2"]), rows["y"]

    answers = [quadratic(**at) @ np.linalg.lstsq(*regress(r), rcond=None)[0] for r in
               ("a1", "a2", "obs")]  # fmt: skip
    expected = answers[0] + answers[1] - answers[2]
    error = found["sd"] / np.sqrt(4000)
    assert (np.abs(found["mean"] - expected) < 4.5 * error + 1e-3).all()


def quadratic(a1, a2):
    a1, a2 = np.asarray(a1), np.asarray(a2)
    return np.column_stack([np.ones_like(a1), a1, a2, a1**2, a2**2, a1 * a2])


def test_unknown_interactions_are_refused():
    with pytest.raises(ig.ModelError, match=r"interactions must be one of .*got 'some'"):
        ig.InterventionModel(interactions="some")


def test_a_fit_with_any_interactions_survives_its_file(tmp_path):
    frame = polynomial.make_data(100, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    at = {"a1": [0.3], "a2": [-0.2]}
    model = ig.InterventionModel(ig.Polynomial(2), [("a1", "a2")], "pairwise")
    fit = model.fit(data, method="laplace")
    fit.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert again.design.interactions == "pairwise"
    assert_allclose(again.expected_outcome(at), fit.expected_outcome(at))
