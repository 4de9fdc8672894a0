"""Systems with shared additive confounders: effects against rows drawn, what is refused."""

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.scm.shared_noise_scm import SharedNoiseSCM

SYSTEMS = {
    "linear": ig.scm.sample_correlated_noise_scm(3, 1, edge_probability=1.0),
    "products": ig.scm.sample_correlated_noise_scm(3, 2, products=True, edge_probability=1.0),
    "shared": ig.scm.sample_shared_confounder_scm(3, 3, edge_probability=1.0),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("do", ["obs", "a2", "a1+a3", "a1+a2+a3"])
def test_effects_are_the_regressions_of_the_rows_drawn(name, do):
    """The outcome less the true mean has mean zero against every function of the actions."""
    scm = SYSTEMS[name]
    rows = scm.sample(200_000, do, random_seed=4)
    a = rows[list(scm.actions)].to_numpy()
    rest = rows["y"].to_numpy() - scm.expected_outcome(rows, do).to_numpy()
    tests = np.column_stack([np.ones(len(a)), a, a**2, a[:, :1] * a[:, 1:], a[:, 1] * a[:, 2]])
    products = tests * rest[:, None]
    scores = products.mean(axis=0) / (products.std(axis=0) / np.sqrt(len(a)))
    assert np.abs(scores).max() < 4


def test_an_intervention_has_the_observational_spread():
    scm = SYSTEMS["linear"]
    seen, drawn = (scm.sample(100_000, do, random_seed=1)["a3"].std() for do in ("obs", "a3"))
    assert seen == pytest.approx(drawn, rel=0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slopes": ()}, "as many as edges"),
        ({"covariance": ((1.0, 2.0), (2.0, 1.0))}, "positive definite"),
        ({"edges": (("a3", "a1"),), "slopes": (1.0,)}, "earlier to later"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, says):
    scm = SYSTEMS["linear"]
    parts = {name: getattr(scm, name) for name in SharedNoiseSCM.__dataclass_fields__}
    with pytest.raises(ig.ModelError, match=says):
        SharedNoiseSCM(**parts | change)
