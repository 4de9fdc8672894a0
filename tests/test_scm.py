"""The synthetic SCMs: against closed forms, Monte Carlo, and what an intervention must do."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_intgen.errors import ModelError, QueryError, RegimeError
from bayes_intgen.scm import Noise, Polynomial, PolynomialSCM, sample_polynomial_scm
from bayes_intgen.scm.noise import KINDS, named_generator

ROWS = 100_000

REFERENCE = {
    "gaussian": lambda sd: stats.norm(scale=sd),
    "uniform": lambda sd: stats.uniform(-sd * np.sqrt(3), 2 * sd * np.sqrt(3)),
    "logistic": lambda sd: stats.logistic(scale=sd * np.sqrt(3) / np.pi),
}


@pytest.fixture(scope="module")
def scm():
    return sample_polynomial_scm(4, random_seed=3, edge_probability=1.0)


def standard_errors(values):
    """Return how many standard errors the mean of each column lies away from zero."""
    values = np.asarray(values)
    return np.abs(values.mean(axis=0)) / (values.std(axis=0) / np.sqrt(len(values)))


# Noise


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_scipy(kind):
    expected = [REFERENCE[kind](0.7).moment(order) for order in range(1, 5)]
    assert Noise(kind, 0.7).moment(0) == 1
    found = [Noise(kind, 0.7).moment(order) for order in range(1, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_samples_follow_their_distribution(kind):
    draws = Noise(kind, 0.7).sample(20_000, np.random.default_rng(1))
    assert stats.kstest(draws, REFERENCE[kind](0.7).cdf).pvalue > 1e-3
    others = [name for name in KINDS if name != kind]
    for other in others:
        assert stats.kstest(draws, REFERENCE[other](0.7).cdf).pvalue < 1e-3


def test_noise_refuses_bad_options():
    with pytest.raises(ModelError, match=r"kind must be .* got 'cauchy'"):
        Noise("cauchy", 1.0)
    for sd in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ModelError, match="sd must be"):
            Noise("gaussian", sd)
    for order in (-1, 5, 1.5):
        with pytest.raises(ModelError, match="order must be"):
            Noise("gaussian", 1.0).moment(order)


# Polynomials


@pytest.mark.parametrize(("inputs", "terms"), [(1, 3), (2, 6), (4, 15), (7, 36)])
def test_random_polynomial_has_every_term_once_and_normalised_coefficients(inputs, terms):
    polynomial = Polynomial.random(inputs, np.random.default_rng(inputs))
    assert len(polynomial.powers) == len(set(polynomial.powers)) == terms
    assert max(sum(term) for term in polynomial.powers) == 2
    assert sum(map(abs, polynomial.coefficients)) == pytest.approx(1)
    assert len(set(polynomial.coefficients)) == terms


def test_random_coefficients_have_the_distribution_of_the_paper():
    rng = np.random.default_rng(5)
    found = [Polynomial.random(2, rng).coefficients for _ in range(2000)]
    raw = np.random.default_rng(6).normal(0, 0.1, (2000, 6))
    expected = raw / np.abs(raw).sum(axis=1, keepdims=True)
    assert stats.ks_2samp(np.ravel(found), np.ravel(expected)).pvalue > 1e-3


def test_polynomial_agrees_with_the_sum_written_out():
    rng = np.random.default_rng(2)
    polynomial = Polynomial.random(4, rng, degree=3)
    x = rng.normal(size=(50, 4))
    products = np.prod(x[:, None, :] ** np.array(polynomial.powers), axis=2)
    np.testing.assert_allclose(polynomial(x), products @ polynomial.coefficients)


def test_average_over_the_last_input_by_hand():
    # 3 a + 2 a c + 5 c^2 with E[c] = 0 and E[c^2] = 0.25
    polynomial = Polynomial(((1, 0), (1, 1), (0, 2)), (3.0, 2.0, 5.0))
    averaged = polynomial.average_last(Noise("logistic", 0.5))
    np.testing.assert_allclose(averaged(np.array([[0.0], [2.0]])), [1.25, 7.25])


def test_polynomial_refuses_bad_arguments():
    for powers, coefficients in [
        ((), ()),
        (((0, 1), (1,)), (1.0, 1.0)),
        (((1, -1),), (1.0,)),
        (((1,),), (1.0, 2.0)),
    ]:
        with pytest.raises(ModelError, match="powers must hold"):
            Polynomial(powers, coefficients)
    with pytest.raises(QueryError, match=r"x must have shape \(n, 2\), got \(3, 1\)"):
        Polynomial(((1, 1),), (1.0,))(np.zeros((3, 1)))


# The structure of a drawn SCM


def test_drawn_scm_has_the_form_of_appendix_e(scm):
    assert scm.actions == ("a1", "a2", "a3", "a4")
    assert scm.outcome == "y"
    assert scm.single_regimes == ("obs", "a1", "a2", "a3", "a4")
    assert scm.parents == {
        "a1": (),
        "a2": ("a1",),
        "a3": ("a1", "a2"),
        "a4": ("a1", "a2", "a3"),
    }
    assert [f.inputs for f in scm.effects] == [2, 2, 2, 2]
    assert [g.inputs for g in scm.mechanisms] == [2, 3, 4, 5]
    for polynomial in (*scm.effects, *scm.mechanisms):
        assert sum(map(abs, polynomial.coefficients)) == pytest.approx(1)
        assert max(map(sum, polynomial.powers)) == 2
    assert {noise.sd for noise in scm.confounder_noises} == {0.5}
    assert {noise.sd for noise in scm.action_noises} == {0.1}
    assert scm.outcome_noise.sd == 0.1


def test_noise_kinds_and_edges_have_their_frequencies():
    scms = [sample_polynomial_scm(8, random_seed=seed) for seed in range(10)]
    noises = [noise.kind for scm in scms for noise in scm.confounder_noises + scm.action_noises]
    counts = [noises.count(kind) for kind in KINDS]
    assert stats.chisquare(counts).pvalue > 1e-3
    edges = sum(len(scm.edges) for scm in scms)
    assert stats.binomtest(edges, 10 * 28, 0.3).pvalue > 1e-3
    assert sample_polynomial_scm(8, random_seed=1, edge_probability=0.0).edges == ()


# The truth


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


def test_the_outcome_carries_its_noise(scm):
    silent = replace(scm, effects=(Polynomial(((0, 0),), (2.0,)),) * 4)
    noise = silent.sample(20_000, random_seed=1)["y"] - 4 * 2
    assert stats.kstest(noise, REFERENCE[scm.outcome_noise.kind](0.1).cdf).pvalue > 1e-3


# What an intervention does


def test_intervened_action_is_independent_of_its_parents(scm):
    def dependence(rows):
        centred = rows - rows.mean()
        parents = centred[["a1", "a2", "a3"]].to_numpy()
        products = np.column_stack([parents, parents**2 - (parents**2).mean(axis=0)])
        return standard_errors(products * centred[["a4"]].to_numpy())

    assert (dependence(scm.sample(ROWS, do="a4", random_seed=7)) < 4).all()
    assert dependence(scm.sample(ROWS, random_seed=7)).max() > 20


def test_interventions_are_normal_with_the_observational_mean_and_sd():
    scm = sample_polynomial_scm(6, random_seed=11)
    observed = scm.sample(ROWS, random_seed=1)
    for action, mean, sd in zip(
        scm.actions, scm.intervention_means, scm.intervention_sds, strict=True
    ):
        # The SCM estimates both from 200,000 rows of its own.
        error = sd * np.sqrt(1 / ROWS + 1 / 200_000)
        assert abs(observed[action].mean() - mean) < 4 * error
        assert observed[action].std() == pytest.approx(sd, rel=0.05)  # long tails
        intervened = scm.sample(20_000, do=action, random_seed=1)[action]
        assert stats.kstest(intervened, stats.norm(mean, sd).cdf).pvalue > 1e-3


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


# Seeds


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


def test_sample_regimes_labels_and_counts_rows(scm):
    frame = scm.sample_regimes(["a2+a1", "obs"], {"obs": 5, "a1+a2": 3}, random_seed=1)
    assert frame.columns.tolist() == ["a1", "a2", "a3", "a4", "y", "regime"]
    assert frame["regime"].tolist() == ["a1+a2"] * 3 + ["obs"] * 5
    assert frame.index.tolist() == list(range(8))


# Immutability and bad arguments


def test_an_scm_cannot_change(scm):
    for owner, name in [(scm, "edges"), (scm.effects[0], "powers"), (scm.outcome_noise, "sd")]:
        with pytest.raises(FrozenInstanceError):
            setattr(owner, name, None)
    scm.parents["a4"] = ()
    assert scm.parents["a4"] == ("a1", "a2", "a3")
    assert hash(scm) == hash(pickle.loads(pickle.dumps(scm)))


@pytest.mark.parametrize("do", ["a9", "", ["a1", "a9"], ["a1", "a1"], None, 3, [1]])
def test_unknown_regimes_are_refused(scm, do):
    with pytest.raises(RegimeError):
        scm.sample(5, do=do, random_seed=1)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "5", None])
def test_numbers_of_rows_must_be_positive_integers(scm, n):
    with pytest.raises(ModelError, match="n must be a positive whole number of rows"):
        scm.sample(n, random_seed=1)
    with pytest.raises(ModelError, match="n must be"):
        scm.sample_regimes(["obs"], n, random_seed=1)
    if n != "5":
        with pytest.raises(ModelError, match="n_actions must be"):
            sample_polynomial_scm(n, random_seed=1)


@pytest.mark.parametrize("seed", [None, -1, 1.5, "1", True])
def test_seeds_must_be_reproducible(scm, seed):
    with pytest.raises(ModelError, match="random_seed must be"):
        scm.sample(5, random_seed=seed)
    with pytest.raises(ModelError, match="random_seed must be"):
        sample_polynomial_scm(2, random_seed=seed)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_edge_probability_must_be_a_probability(probability):
    with pytest.raises(ModelError, match="edge_probability must be"):
        sample_polynomial_scm(2, random_seed=1, edge_probability=probability)


@pytest.mark.parametrize(
    ("regimes", "n", "message"),
    [
        ("a1", 5, "regimes must be several"),
        ([], 5, "distinct and at least one"),
        (["a1+a2", ("a2", "a1")], 5, "distinct and at least one"),
        (["obs", "a1"], {"obs": 5}, "n must give a number of rows"),
        (["obs"], {"obs": 5, "a1": 5}, "n must give a number of rows"),
        (["obs"], {"obs": 5, "b": 5}, r"names \['b'\]"),
    ],
)
def test_sample_regimes_refuses_what_does_not_fit(scm, regimes, n, message):
    with pytest.raises(RegimeError, match=message):
        scm.sample_regimes(regimes, n, random_seed=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": ("a1", "a2", "a3", "y")}, "'y' or 'regime'"),
        ({"edges": (("a4", "a1"),)}, "edges must lead from earlier"),
        ({"intervention_sds": (1.0,)}, "one entry for each of the 4 actions"),
        ({"edges": ()}, "effects and mechanisms must have"),
    ],
)
def test_parts_must_fit_together(scm, changes, message):
    with pytest.raises(ModelError, match=message):
        replace(scm, **changes)
