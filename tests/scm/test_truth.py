"""The joint effect of an SCM and what an intervention does: closed forms and Monte Carlo."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_intgen.base.errors import QueryError
from bayes_intgen.scm import Noise, Polynomial, PolynomialSCM

ROWS = 100_000


def standard_errors(values):
    """Return how many standard errors the mean of each column lies away from zero."""
    values = np.asarray(values)
    return np.abs(values.mean(axis=0)) / (values.std(axis=0) / np.sqrt(len(values)))


def test_expected_outcome_agrees_with_averages_over_the_confounders(scm):
    rng = np.random.default_rng(4)
    at = pd.DataFrame(rng.normal(0, 0.7, (6, 4)), columns=list(scm.actions))
    truth = scm.expected_outcome(at)
    for point, row in enumerate(at.to_numpy()):
        outcome = np.zeros(ROWS)
        for value, effect, noise in zip(row, scm.effects, scm.confounder_noises, strict=True):
            confounder = noise.sample(ROWS, rng)
            outcome += effect(np.column_stack([np.full(ROWS, value), confounder]))
        assert standard_errors(outcome - truth.values[point]) < 4


def test_expected_outcome_is_the_regression_of_joint_rows(scm):
    rows = scm.sample(ROWS, do=scm.actions, random_seed=5)
    residual = rows["y"].to_numpy() - scm.expected_outcome(rows).values
    features = rows[list(scm.actions)].to_numpy()
    features = np.column_stack([np.ones(ROWS), features, features**2])
    assert (standard_errors(residual[:, None] * features) < 4).all()


def test_expected_outcome_is_labelled_by_its_points(scm):
    truth = scm.expected_outcome({"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2, "a4": 0.0})
    assert truth.dims == ("point",)
    assert truth["a1"].values.tolist() == [0.0, 0.5]
    with pytest.raises(QueryError, match=r"\['a4'\] are missing"):
        scm.expected_outcome({"a1": 0.0, "a2": 0.0, "a3": 0.0})


def test_hand_made_scm_is_confounded_until_it_is_intervened_on():
    # A1 = C1 + V1, A2 = A1 + C2, Y = A1 C1 + A2 + U
    scm = PolynomialSCM(
        actions=("a1", "a2"),
        edges=(("a1", "a2"),),
        effects=(Polynomial(((1, 1),), (1.0,)), Polynomial(((1, 0),), (1.0,))),
        mechanisms=(
            Polynomial(((1, 0), (0, 1)), (1.0, 1.0)),
            Polynomial(((1, 0, 0), (0, 1, 0)), (1.0, 1.0)),
        ),
        confounder_noises=(Noise("gaussian", 0.5), Noise("uniform", 0.5)),
        action_noises=(Noise("logistic", 0.1), Noise("gaussian", 0.1)),
        outcome_noise=Noise("gaussian", 0.1),
        intervention_means=(3.0, 4.0),
        intervention_sds=(0.1, 0.2),
    )
    observed = scm.sample(ROWS, random_seed=1)
    assert standard_errors(observed["y"] - 0.25) < 4  # E[A1 C1] = E[C1^2]
    assert standard_errors(observed["a1"] ** 2 - 0.26) < 4
    assert standard_errors(observed["a1"] * observed["a2"] - 0.26) < 4
    assert standard_errors(scm.sample(ROWS, do="a1", random_seed=1)["y"] - 3) < 4
    assert standard_errors(scm.sample(ROWS, do="a2", random_seed=1)["y"] - 4.25) < 4
    joint = scm.sample(ROWS, do="a1+a2", random_seed=1)
    assert standard_errors(joint["y"] - 4) < 4
    assert standard_errors((joint["a1"] - 3) ** 2 - 0.01) < 4
    assert scm.expected_outcome({"a1": 2.0, "a2": 7.0}).item() == pytest.approx(7)


def test_intervened_action_is_independent_of_its_parents(scm):
    def dependence(rows):
        centred = rows - rows.mean()
        parents = centred[["a1", "a2", "a3"]].to_numpy()
        products = np.column_stack([parents, parents**2 - (parents**2).mean(axis=0)])
        return standard_errors(products * centred[["a4"]].to_numpy())

    assert (dependence(scm.sample(ROWS, do="a4", random_seed=7)) < 4).all()
    assert dependence(scm.sample(ROWS, random_seed=7)).max() > 20


@pytest.mark.parametrize("regime", ["obs", "a1", "a2", "a4", "a1+a3"])
def test_unintervened_actions_keep_their_mechanism(scm, regime):
    rows = scm.sample(ROWS, do=regime, random_seed=8)
    for k, (action, parents) in enumerate(scm.parents.items()):
        if action in regime.split("+"):
            continue
        # E[A_k | parents]: the mechanism averaged over V_k, then over C_k.
        mean = scm.mechanisms[k].average_last(scm.action_noises[k])
        mean = mean.average_last(scm.confounder_noises[k])
        values = rows[list(parents)].to_numpy()
        residual = (rows[action].to_numpy() - mean(values))[:, None]
        features = np.column_stack([np.ones(ROWS), values, values**2])
        assert (standard_errors(residual * features) < 4.5).all()


def test_actions_upstream_of_an_intervention_are_not_touched(scm):
    first, second = (scm.sample(20_000, do=do, random_seed=9) for do in ("obs", "a3"))
    for action in ("a1", "a2"):
        assert stats.ks_2samp(first[action], second[action]).pvalue > 1e-3
