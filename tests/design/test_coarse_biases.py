"""What a bias holds of the actions that it may depend on beside its own."""

import pytest

import bayes_intgen as ig


@pytest.fixture(scope="module")
def design():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 300, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(ig.HSGP(warp=24), [("a1", "a2")])
    return model.fit(data, method="laplace", draws=10).design


def waves(design, component, action):
    """Return the numbers of the warped eigenfunctions of one action in a component."""
    weights = [w for w in design.weights if w.component == component]
    mine = [w.feature for w in weights if w.feature.actions == {action}]
    return [int(f.name.split("~w")[1]) for f in mine if f.kind == "warped"]


def test_a_bias_is_coarse_in_the_parents_of_its_action_only(design):
    basis = design.features.bases["a1"]
    assert 2 * basis.m_pair < basis.m_warp
    assert waves(design, "causal", "a1") == list(range(1, basis.m_warp + 1))
    assert waves(design, "bias:a1", "a1") == list(range(1, basis.m_warp + 1))
    assert waves(design, "bias:a2", "a1") == list(range(1, 2 * basis.m_pair + 1))
    assert waves(design, "bias:a2", "a2") == list(range(1, basis.m_warp + 1))
