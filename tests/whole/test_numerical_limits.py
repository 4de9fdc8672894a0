"""Data at the edge of what can be computed with: right, or refused; the README states the limits.

Where something must not matter the answer is compared with that of the plain data, elsewhere with
the truth.
"""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

GRID = np.linspace(-1, 1, 5)
AT = {"a1": GRID, "a2": GRID}
SHAPE = 0.5, 0.3  # of E[Y | do(a)] = sum_k 0.5 a_k + 0.3 sin(a_k)


def make_rows(sizes=(1000, 1000, 1000), act=None, noise=None):
    """Rows of two actions, each confounded; ``act`` changes the actions before the outcome."""
    rng = np.random.default_rng(1)
    parts = []
    for label, n in zip(("obs", "a1", "a2"), sizes, strict=True):
        c = rng.normal(size=(n, 2))
        a = 0.7 * c + 0.7 * rng.normal(size=(n, 2))
        for k in range(2):
            if label == f"a{k + 1}":
                a[:, k] = rng.normal(size=n)
        a = a if act is None else act(a, rng)
        y = mean(a) + 0.6 * c.sum(axis=1)
        y += 0.3 * rng.normal(size=n) if noise is None else noise(rng, n)
        parts.append(pd.DataFrame({"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": label}))
    return pd.concat(parts, ignore_index=True)


def mean(a):
    """Return E[Y | do(a)] at actions of shape (points, 2)."""
    return (SHAPE[0] * a + SHAPE[1] * np.sin(a)).sum(axis=1)


def fit(frame, basis=None, structure="learned", **options):
    model = ig.InterventionModel(basis or ig.HSGP(), structure=structure)
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], **options)
    return model.fit(data, method="laplace", draws=300)


def judge(posterior, at=AT):
    """Return the error of the mean, and the same in posterior standard deviations."""
    draws = posterior.expected_outcome(at)
    values = np.column_stack([np.asarray(at["a1"], float), np.asarray(at["a2"], float)])
    error = draws.mean(("chain", "draw")).to_numpy() - mean(values)
    return error, error / draws.std(("chain", "draw")).to_numpy()


@pytest.fixture(scope="module")
def frame():
    return make_rows()


@pytest.fixture(scope="module")
def plain(frame):
    return fit(frame)


def test_plain_data(plain):
    assert np.abs(judge(plain)[1]).max() < 3


@pytest.mark.parametrize("offset", [1e6, 1e9])
def test_huge_offsets(frame, plain, offset):
    moved = frame.assign(**{name: frame[name] + offset for name in ("a1", "a2", "y")})
    at = {name: values + offset for name, values in AT.items()}
    found = fit(moved).expected_outcome(at) - offset
    expected = plain.expected_outcome(AT)
    np.testing.assert_allclose(found, expected, atol=0.05 * float(expected.std("draw").max()))


@pytest.mark.parametrize("unit", [1e-50, 1e-12, 1e12])
def test_tiny_and_huge_units(frame, plain, unit):
    scaled = frame.assign(a1=unit * frame["a1"], a2=frame["a2"] / unit, y=unit * frame["y"])
    at = {"a1": unit * GRID, "a2": GRID / unit}
    found = fit(scaled).expected_outcome(at) / unit
    np.testing.assert_allclose(found, plain.expected_outcome(AT), atol=1e-3)


@pytest.mark.parametrize("value", [30.0, 1e3, 1e6])
@pytest.mark.parametrize("regime", ["obs", "a1"])
def test_one_outlier_in_an_action_does_no_harm(frame, plain, value, regime):
    row = frame.index[frame["regime"] == regime][7]
    wrong = frame.copy()
    wrong.loc[row, "a1"] = value
    posterior = fit(wrong)
    assert np.abs(judge(posterior)[1]).max() < 3
    low, high = posterior.design.features.bases["a1"].limits
    usual = plain.design.features.bases["a1"].limits
    assert high - low < 1.2 * (usual[1] - usual[0])


def test_an_outcome_with_cauchy_noise_gives_no_false_certainty():
    error, z = judge(fit(make_rows(noise=lambda rng, n: rng.standard_cauchy(n))))
    assert np.abs(z).max() < 3
    assert np.abs(error).max() > 1  # the normal likelihood knows little, and says so


def test_an_outcome_with_heavy_tails_of_finite_mean():
    _, z = judge(fit(make_rows(noise=lambda rng, n: 0.3 * rng.standard_t(2, n))))
    assert np.abs(z).max() < 3


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-6])
@pytest.mark.parametrize("structure", ["learned", "full"])
def test_actions_that_are_copies_of_one_another(spread, structure):
    def copy(a, rng):
        return np.column_stack([a[:, 0], a[:, 0] + spread * rng.normal(size=len(a))])

    posterior = fit(make_rows(act=copy), structure=structure)
    assert np.abs(judge(posterior)[1]).max() < 3.5  # along the diagonal, where the rows are
    draws = posterior.expected_outcome({"a1": [1.0, 1.0], "a2": [1.0, -1.0]})
    together, apart = draws.std(("chain", "draw")).to_numpy()
    assert apart > 5 * together  # the data cannot part the two, and the answer says so


def test_binary_actions_as_numbers_and_as_levels():
    frame = make_rows(act=lambda a, rng: (a > 0).astype(float))
    at = {"a1": [0, 1, 0, 1], "a2": [0, 0, 1, 1]}
    numbers = fit(frame)
    levels = fit(frame.astype({"a1": int, "a2": int}), categorical=["a1", "a2"])
    truths = fit(frame.astype({"a1": bool, "a2": bool}))
    means = [p.expected_outcome(at).mean(("chain", "draw")).to_numpy() for p in (numbers, levels)]
    sd = float(numbers.expected_outcome(at).std("draw").max())
    np.testing.assert_allclose(means[0], means[1], atol=0.5 * sd)
    np.testing.assert_allclose(truths.expected_outcome(at), numbers.expected_outcome(at))
    assert np.abs(judge(levels, at)[1]).max() < 3


def test_constant_columns(frame):
    with pytest.raises(ig.DataError, match="'a1' is 3 in every row of every regime"):
        fit(frame.assign(a1=3.0))
    with pytest.raises(ig.DataError, match="'y' is 3 in every row of every regime"):
        fit(frame.assign(y=3.0))
    still = frame["y"].where(frame["regime"] != "obs", 1.0)
    with pytest.raises(ig.ModelError, match="'obs' the outcome 'y' is constant"):
        fit(frame.assign(y=still))
    held = frame["a1"].where(frame["regime"] != "a1", 0.3)
    assert fit(frame.assign(a1=held)).expected_outcome(AT)["support"].values[0] != "supported"


def test_a_rare_regime_beside_a_huge_one():
    posterior = fit(make_rows(sizes=(100_000, 10_000, 30)))
    assert np.abs(judge(posterior)[1]).max() < 3


@pytest.mark.slow
def test_twelve_actions_with_a_learned_structure():
    scm = ig.scm.sample_polynomial_scm(12, random_seed=4, edge_probability=0.2)
    rows = scm.sample_regimes(scm.single_regimes, 400, random_seed=5)
    data = ig.RegimeData.from_frame(rows, "y", scm.actions)
    model = ig.InterventionModel(ig.HSGP(m=5, m_pair=2))
    posterior = model.fit(data, method="laplace", draws=300)
    at = scm.sample(100, do=scm.actions, random_seed=6)
    draws = posterior.expected_outcome(at, beyond="clamp")
    error = draws.mean(("chain", "draw")).to_numpy() - scm.expected_outcome(at).to_numpy()
    ridge = ig.RidgeEstimator(degree=1).fit(data).expected_outcome(at)
    worse = ridge.to_numpy() - scm.expected_outcome(at).to_numpy()
    assert np.sqrt(np.mean(error**2)) < 0.8 * np.sqrt(np.mean(worse**2))
    sd = draws.std(("chain", "draw")).to_numpy()
    assert np.mean(np.abs(error) < 1.645 * sd) > 0.7
