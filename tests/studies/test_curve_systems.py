"""Systems of the families of curves: truth, moments and settings against what each family says."""

import numpy as np
import pytest
from scipy import stats

from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import CORRELATION, MODIFICATION, draw_system

EVERY = pytest.mark.parametrize("name", CURVE_FAMILIES)


def system_of(name, seed=1, n_actions=3):
    return draw_system(CURVE_FAMILIES[name], n_actions, np.random.default_rng([2, seed]))


@EVERY
def test_the_truth_is_the_mean_outcome_when_all_actions_are_set(name):
    system, rng = system_of(name), np.random.default_rng(3)
    at = system.draw_settings(3, rng)
    truth = system.expected_outcome(at)
    for row, true in zip(at, truth, strict=True):
        do = {
            action: np.full(2500, value) for action, value in zip(system.actions, row, strict=True)
        }
        # means of batches, since rows of a cluster are not independent
        means = np.array([system.sample(2500, rng, do)["y"].mean() for _ in range(60)])
        assert abs(means.mean() - true) < 4.5 * means.std(ddof=1) / np.sqrt(len(means))


@EVERY
def test_sizes_and_settings_are_finite_and_as_said(name):
    system, family = system_of(name), CURVE_FAMILIES[name]
    frame = system.sample_regimes(np.random.default_rng(4))
    sizes = frame["regime"].value_counts().to_dict()
    assert sizes == {"obs": family.n_obs, **dict.fromkeys(system.actions, family.n_exp)}
    assert np.isfinite(frame.drop(columns="regime").to_numpy()).all()
    fewer = system.sample_regimes(np.random.default_rng(4), most=50)
    assert fewer["regime"].value_counts().max() == 50
    truth = system.expected_outcome(system.draw_settings(500, np.random.default_rng(5)))
    assert 0.2 < truth.std() < 5


MOMENTS = {  # of the first action, which no other influences: a statistic and its expectation
    "smooth": (np.square, 1.0),
    "saturating": (np.asarray, np.exp(0.9**2 / 2)),
    "many-zeros": (lambda a: a == 0, stats.norm.cdf(-0.3)),
    "elasticity": (np.asarray, np.exp(0.5**2 / 2)),
    "two-clouds": (lambda a: a > 0, 0.5),
    "integers": (np.asarray, 20.0),
    "long-tails": (lambda a: a < stats.t.ppf(0.05, 3), 0.05),
    "narrow-experiments": (np.square, 1.0),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_habits_have_the_moments_of_their_distribution(name):
    statistic, expected = MOMENTS[name]
    values = statistic(system_of(name).sample(100_000, np.random.default_rng(6))["a1"].to_numpy())
    assert abs(values.mean() - expected) < 4.5 * values.std() / np.sqrt(len(values))


def test_habits_follow_confounders_that_modify_effects_too():
    """E[Y | A = a] = s f(a) (1 + c r a) + b r a for one action that is its own latent value."""
    system = system_of("smooth", n_actions=1)
    frame = system.sample(200_000, np.random.default_rng(7))
    a, r = frame["a1"].to_numpy(), CORRELATION
    expected = system.expected_outcome(a[:, None]) * (1 + MODIFICATION * r * a)
    residual = frame["y"].to_numpy() - expected - system.confounding[0] * r * a
    for weight in (np.ones(len(a)), a, a**2):
        values = residual * weight
        assert abs(values.mean()) < 4.5 * values.std() / np.sqrt(len(a))


def test_actions_depend_on_earlier_ones_only_where_there_is_an_edge():
    found = set()
    for seed in range(4):
        system = system_of("smooth", seed, n_actions=2)
        edge = system.edges[1, 0]
        assert system.edges[0, 1] == 0
        frame = system.sample(20_000, np.random.default_rng(8), {"a1": np.linspace(-2, 2, 20_000)})
        slope = np.polyfit(frame["a1"], frame["a2"], 1)[0]
        assert slope == pytest.approx(edge / np.sqrt(1 + edge**2), abs=0.03)
        found.add(edge > 0)
    assert found == {True, False}


def settings(name):
    """Return what the experiments of a system set, what habits are, and what is asked for."""
    system = system_of(name)
    frame = system.sample_regimes(np.random.default_rng(9))
    tested = frame.loc[frame["regime"] == "a2", "a2"].to_numpy()
    seen = frame.loc[frame["regime"] == "obs", "a2"].to_numpy()
    return tested, seen, system.draw_settings(400, np.random.default_rng(10))


@pytest.mark.parametrize(
    ("name", "levels"),
    [("few-levels", [-1, 0, 1]), ("two-arms", [-0.7, 0.7]), ("gap", [-1.5, 1.5])],
)
def test_experiments_set_the_levels_they_say(name, levels):
    tested, seen, asked = settings(name)
    values, counts = np.unique(tested, return_counts=True)
    assert values.tolist() == levels
    assert counts.min() > 0.8 * len(tested) / len(levels)
    assert len(np.unique(seen)) == len(seen)
    if name == "gap":
        assert np.abs(asked).max() <= 1.5
        assert np.mean(np.abs(asked) < 0.75) == pytest.approx(0.5, abs=0.06)
    else:
        assert set(np.unique(asked)) == set(levels)


def test_kinds_of_actions_and_outcomes_are_what_they_say():
    tested, seen, _ = settings("narrow-experiments")
    assert tested.std() == pytest.approx(0.4, abs=0.04)
    assert seen.std() > 0.9
    tested, seen, _ = settings("integers")
    assert len(np.unique(seen)) > 25
    assert np.array_equal(np.rint(np.r_[tested, seen]), np.r_[tested, seen])
    tested, _, asked = settings("two-clouds")
    assert np.mean(np.abs(tested) < 1) < 0.15
    assert np.mean(np.abs(asked) < 1) < 0.15
    outcome = system_of("counts").sample(500, np.random.default_rng(1))["y"]
    assert ((outcome >= 0) & (outcome == np.rint(outcome))).all()
    noisy = system_of("noisy")
    points = noisy.draw_settings(500, np.random.default_rng(1))
    do = dict(zip(noisy.actions, np.zeros((3, 5000)), strict=True))
    outcome = noisy.sample(5000, np.random.default_rng(1), do)["y"]
    assert outcome.std() > 1.5 * noisy.expected_outcome(points).std()


def test_rows_of_a_cluster_share_an_intercept():
    mean = np.zeros(40_000)
    outcome = CURVE_FAMILIES["clusters"].outcome(mean, np.random.default_rng(2)).reshape(20, -1)
    assert outcome.mean(axis=1).std() > 0.15
    assert outcome.std(axis=1) == pytest.approx(0.3, abs=0.02)
    assert [name for name, family in CURVE_FAMILIES.items() if family.breaks] == ["clusters"]
