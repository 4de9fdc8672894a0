"""Systems that are additive over blocks: effects against linear algebra, quadrature and draws."""

import pickle
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats

import bayes_intgen as ig
from bayes_intgen.base.errors import DataError, ModelError, QueryError, RegimeError
from bayes_intgen.scm import Noise, PartitionSCM, Polynomial, sample_partition_scm

ROWS = 10_000
BLOCKS = ["a1+a2", "a3", "a4+a5"]


def regimes_of(actions):
    return [r for size in range(len(actions) + 1) for r in combinations(actions, size)]


def affine(*coefficients):
    """Return a polynomial with slopes and, last, a constant."""
    n = len(coefficients) - 1
    powers = [tuple(int(i == j) for j in range(n)) for i in range(n)] + [(0,) * n]
    return Polynomial(tuple(powers), coefficients)


@pytest.fixture(scope="module")
def linear():
    """Four actions in two blocks that alternate in the causal order; everything is Gaussian."""
    return PartitionSCM(
        actions=("a", "b", "c", "d"),
        blocks=(("a", "c"), ("b", "d")),
        edges=(("a", "b"), ("a", "d"), ("b", "c"), ("c", "d")),
        effects=(affine(1.0, -0.5, 0.9, 0.2), affine(0.3, 0.8, -1.2, 0.0)),
        mechanisms=(
            affine(0.9, 0.1),
            affine(0.5, -0.8, 0.0),
            affine(-0.6, 0.7, 0.3),
            affine(0.4, 0.2, 1.1, -0.2),
        ),
        confounder_noises=(Noise("gaussian", 0.5), Noise("gaussian", 0.8)),
        action_noises=tuple(Noise("gaussian", sd) for sd in (0.3, 0.5, 0.4, 0.6)),
        outcome_noise=Noise("gaussian", 0.1),
        intervention_means=(0.1, 0.0, 0.2, -0.1),
        intervention_sds=(0.5, 0.6, 0.7, 0.8),
        link="identity",
    )


def test_every_effect_of_a_linear_system_by_conditioning_all_variables_at_once(linear):
    scm = linear
    at = scm.sample(50, do="b+c", random_seed=1)
    values = at[list(scm.actions)].to_numpy()
    sd_c = {name: 0.5 if name in "ac" else 0.8 for name in "abcd"}
    for regime in regimes_of(scm.actions):
        # Everything as an affine function of (C_1, C_2, V or the setting of each action)
        loading, centre = np.zeros((5, 6)), np.zeros(5)
        for i, name in enumerate(scm.actions):
            if name in regime:
                loading[i, 2 + i] = scm.intervention_sds[i]
                centre[i] = scm.intervention_means[i]
                continue
            parents = [scm.actions.index(parent) for parent in scm.parents[name]]
            *slopes, by_c, constant = scm.mechanisms[i].coefficients
            loading[i] = np.array(slopes) @ loading[parents]
            loading[i, int(name in "bd")] += by_c * sd_c[name]
            loading[i, 2 + i] = scm.action_noises[i].sd
            centre[i] = constant + np.array(slopes) @ centre[parents]
        for b, block in enumerate(scm.blocks):
            *slopes, by_c, constant = scm.effects[b].coefficients
            rows = [scm.actions.index(name) for name in block]
            loading[4] += np.array(slopes) @ loading[rows]
            loading[4, b] += by_c * sd_c[block[0]]
            centre[4] += constant + np.array(slopes) @ centre[rows]
        covariance = loading @ loading.T
        slope = np.linalg.solve(covariance[:4, :4], covariance[:4, 4])
        expected = centre[4] + (values - centre[:4]) @ slope
        found = scm.expected_outcome(at, do=regime)
        np.testing.assert_allclose(found, expected, atol=1e-9)
        assert found.attrs["error"] < 1e-9


@pytest.mark.parametrize("regime", ["obs", "a1+a2", "a3+a4+a5", "a2", "a1+a2+a3+a4+a5"])
@pytest.mark.parametrize("seed", [0, 3])
def test_truth_is_the_regression_function_of_the_regime(seed, regime):
    """Y - E[Y | ...] has mean zero against functions, products and bins of the actions."""
    scm = sample_partition_scm(BLOCKS, seed, edge_probability=0.6)
    rows = scm.sample(ROWS, do=regime, random_seed=5)
    truth = scm.expected_outcome(rows, do=regime)
    assert truth.attrs["error"] < 1e-8
    actions = rows[list(scm.actions)].to_numpy()
    columns = [np.ones(ROWS), *actions.T, *(actions.T**2)]
    columns += [a * b for a, b in combinations(actions.T, 2)]
    columns += [a > np.quantile(a, q) for a in actions.T for q in (0.05, 0.3, 0.7, 0.95)]
    products = (rows["y"] - truth.to_numpy()).to_numpy()[:, None] * np.column_stack(columns)
    errors = np.abs(products.mean(axis=0)) / (products.std(axis=0) / np.sqrt(ROWS))
    assert errors.max() < 4.5
    if regime != "+".join(scm.actions):
        assert np.abs(truth - scm.expected_outcome(rows)).max() > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_effects_of_a_block_by_draws_of_its_confounder(seed):
    """Weigh draws of C by the densities of the actions that are left alone."""
    scm = sample_partition_scm(["a1+a2+a3"], seed, edge_probability=0.7)
    at = scm.sample(3, do="a2", random_seed=1)
    rng = np.random.default_rng(2)
    c = scm.confounder_noises[0].sample(100_000, rng)
    for regime in regimes_of(scm.actions):
        truth = scm.expected_outcome(at, do=regime)
        for point, a in enumerate(at[list(scm.actions)].to_numpy()):
            weight = np.ones_like(c)
            for k, name in enumerate(scm.actions):
                if name not in regime:
                    parents = [a[scm.actions.index(parent)] for parent in scm.parents[name]]
                    g = scm.mechanisms[k](
                        np.column_stack([np.full_like(c, p) for p in parents] + [c])
                    )
                    noise = scm.action_noises[k]
                    weight *= noise.density(np.arctanh(a[k]) - g)
            y = scm.effects[0](np.column_stack([np.tile(a, (len(c), 1)), c]))
            mean = np.average(y, weights=weight)
            spread = np.sqrt(np.sum((weight * (y - mean)) ** 2)) / weight.sum()
            assert abs(truth[point].item() - mean) < 4.5 * spread


@pytest.mark.parametrize("seed", range(3))
def test_mixed_effects_by_adaptive_quadrature(seed):
    scm = sample_partition_scm(["a1+a2", "a3"], seed, edge_probability=1.0)
    scm = replace(
        scm,
        confounder_noises=(Noise("logistic", 0.5), Noise("uniform", 0.5)),
        action_noises=(Noise("gaussian", 0.2), Noise("logistic", 0.3), Noise("gaussian", 0.4)),
    )
    at = {"a1": 0.6, "a2": -0.5, "a3": 0.9}
    a, z = np.array([0.6, -0.5, 0.9]), np.arctanh([0.6, -0.5, 0.9])
    scale = np.sqrt(3) / np.pi
    v1, v2, v3 = stats.norm(0, 0.2), stats.logistic(0, 0.3 * scale), stats.norm(0, 0.4)
    bound = 0.5 * np.sqrt(3)

    def first(c):
        g1 = scm.mechanisms[0](np.array([[c]]))[0]
        g2 = scm.mechanisms[1](np.array([[a[0], c]]))[0]
        return stats.logistic(0, 0.5 * scale).pdf(c) * v1.pdf(z[0] - g1) * v2.pdf(z[1] - g2)

    def second(c):
        return v3.pdf(z[2] - scm.mechanisms[2](np.array([[a[0], a[1], c]]))[0])

    expected = 0.0
    for b, (density, reach, own) in enumerate([(first, 12.0, a[:2]), (second, bound, a[2:])]):

        def outcome(c, density=density, b=b, own=own):
            return density(c) * scm.effects[b](np.array([[*own, c]]))[0]

        settings = {
            "epsabs": 1e-14,
            "epsrel": 1e-10,
            "limit": 200,
            "points": (-0.8, -0.4, 0, 0.4, 0.8),
        }
        top = integrate.quad(outcome, -reach, reach, **settings)[0]
        expected += top / integrate.quad(density, -reach, reach, **settings)[0]
    found = scm.expected_outcome(at, do=[])
    assert found.item() == pytest.approx(expected, abs=1e-8)
    assert abs(found.item() - expected) <= found.attrs["error"] + 1e-9


def test_joint_effect_by_hand():
    scm = sample_partition_scm(["a1+a2"], random_seed=1)
    # 2 a1 a2 + 3 a1 c^2 + a2 c, of which the last averages to zero
    effect = Polynomial(((1, 1, 0), (1, 0, 2), (0, 1, 1)), (2.0, 3.0, 1.0))
    scm = replace(scm, effects=(effect,))
    at = {"a1": [0.5, -0.2], "a2": [0.4, 0.9]}
    found = scm.expected_outcome(at)
    np.testing.assert_allclose(found, [0.4 + 0.375, -0.36 - 0.15], atol=1e-15)
    assert found.attrs == {"do": "a1+a2", "error": 0.0}


def test_corollary_1_blocks_suffice_and_single_actions_do_not():
    scm = sample_partition_scm(BLOCKS, random_seed=2)
    at = scm.sample(100, do=scm.actions, random_seed=1)
    joint = scm.expected_outcome(at)

    def combine(experiments):
        weights = ig.identify(experiments, scm.actions).weights
        return sum(weight * scm.expected_outcome(at, do=do) for do, weight in weights.items())

    np.testing.assert_allclose(combine(scm.regimes), joint, atol=1e-8)
    assert np.abs(combine(scm.single_regimes) - joint).max() > 0.05


def test_regimes_and_rows():
    scm = sample_partition_scm([("a1", "a2"), "a3"], random_seed=1)
    assert scm == sample_partition_scm(["a1+a2", "a3"], random_seed=1)
    assert scm != sample_partition_scm(["a1+a2", "a3"], random_seed=2)
    assert hash(scm) == hash(pickle.loads(pickle.dumps(scm)))
    assert scm.regimes == ("obs", "a1+a2", "a3")
    assert scm.single_regimes == ("obs", "a1", "a2", "a3")
    frame = scm.sample_regimes(["a3", "a2+a1"], {"a3": 5, "a1+a2": 3}, random_seed=1)
    assert frame.columns.tolist() == ["a1", "a2", "a3", "y", "regime"]
    assert frame["regime"].tolist() == ["a3"] * 5 + ["a1+a2"] * 3
    alone = scm.sample(5, "a3", random_seed=1)
    assert frame.drop(columns="regime").head(5).equals(alone)


def test_interventions_have_the_observational_mean_and_sd_and_no_confounder():
    scm = sample_partition_scm(["a1+a2"], random_seed=5, edge_probability=0.0)
    free, bound = (
        np.arctanh(scm.sample(100_000, do, random_seed=1)[["a1", "a2"]].to_numpy())
        for do in ("a1+a2", "obs")
    )
    # Both sides are estimates: the observational moments come from 200,000 rows
    np.testing.assert_allclose(free.mean(axis=0), bound.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(free.std(axis=0), bound.std(axis=0), rtol=0.03)
    assert abs(np.corrcoef(free.T)[0, 1]) < 4.5 / np.sqrt(100_000)
    assert abs(np.corrcoef(bound.T)[0, 1]) > 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": (("a", "c"), ("b",))}, "blocks must hold each of the actions"),
        ({"blocks": (("c", "a"), ("b", "d"))}, "in their order"),
        ({"blocks": (("a", "c"), ("b", "d"), ())}, "none may be empty"),
        ({"edges": (("b", "a"),)}, "from earlier to later"),
        ({"effects": (affine(1.0, 1.0, 0.0),)}, "one entry for each of the 2 blocks"),
        ({"intervention_sds": (1.0,)}, "one for each of the 4 actions"),
        ({"edges": ()}, "must have .* inputs"),
        ({"action_noises": (Noise("uniform", 1.0),) * 4}, "Gaussian or logistic"),
        ({"link": "logit"}, "link must be"),
        ({"actions": ("a", "b", "c", "y")}, "rename"),
    ],
)
def test_parts_that_do_not_fit_are_refused(linear, change, message):
    with pytest.raises(ModelError, match=message):
        replace(linear, **change)


@pytest.mark.parametrize("blocks", ["a1+a2", 3, [3], [], [()], ["a1+a2", "a2"], ["a1+a1"]])
def test_blocks_that_are_none_are_refused(blocks):
    with pytest.raises(ModelError, match=r"blocks must be .* write \['a1\+a2', 'a3'\]"):
        sample_partition_scm(blocks, random_seed=1)


def test_questions_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="non-empty"):
        sample_partition_scm(["a1+"], random_seed=1)
    scm = sample_partition_scm(["a1+a2"], random_seed=1)
    with pytest.raises(QueryError, match=r"action 'a2' is not set, .* first at \[1\]"):
        scm.expected_outcome({"a1": 0.0, "a2": [0.0, 1.0]}, do="a1")
    assert np.isfinite(scm.expected_outcome({"a1": 0.0, "a2": [0.0, 1.0]})).all()
    with pytest.raises(QueryError, match="None sets all actions"):
        scm.expected_outcome({"a1": 0.0, "a2": 0.0}, do="a9")
    with pytest.raises(RegimeError, match="a9"):
        scm.sample(5, "a9", random_seed=1)
    with pytest.raises(ModelError, match="n must be"):
        scm.sample(0, random_seed=1)
    sharp = replace(scm, action_noises=(Noise("gaussian", 1e-4),) * 2)
    with pytest.raises(ModelError, match="all but reveals its confounder"):
        sharp.expected_outcome({"a1": 0.3, "a2": 0.2}, do=[])
    assert np.isfinite(sharp.expected_outcome({"a1": 0.3, "a2": 0.2}))


def test_points_are_independent_of_one_another_and_of_their_number():
    scm = sample_partition_scm(BLOCKS, random_seed=4, edge_probability=1.0)
    at = scm.sample(3000, do="a1", random_seed=1)
    all_points = scm.expected_outcome(at, do=[])
    some = scm.expected_outcome(at.iloc[1500:1600], do=[])
    np.testing.assert_allclose(all_points[1500:1600], some, rtol=1e-12, atol=1e-13)
