"""Causal aggregation: the equations by hand, its errors over repetitions, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig

SCM = ig.scm.sample_shared_confounder_scm(3, 1, degree=1, edge_probability=1.0)


def read(frame, actions=("a1", "a2", "a3"), **options):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=actions, **options)


def draw(scm, n, regimes=None, seed=1):
    return scm.sample_regimes(regimes or scm.single_regimes, n, random_seed=seed)


def test_one_experiment_per_action_solves_the_equations_of_the_experiments():
    """(2) and (4) by hand, with powers instead of polynomials."""
    frame = draw(SCM, 400)
    matrix, vector = np.zeros((6, 6)), np.zeros(6)
    means = {}
    for label, rows in frame.groupby("regime"):
        a = rows[["a1", "a2", "a3"]].to_numpy()
        phi = np.column_stack([a, a**2])
        means[label] = rows["y"].mean(), phi.mean(axis=0)
        if label != "obs":
            own = [int(label[1]) - 1, int(label[1]) + 2]
            away = phi[:, own] - phi[:, own].mean(axis=0)
            matrix[own], vector[own] = away.T @ phi, away.T @ rows["y"].to_numpy()
    beta = np.linalg.solve(matrix, vector)
    levels = {label: y - phi @ beta for label, (y, phi) in means.items()}
    level = levels["a1"] + levels["a2"] + levels["a3"] - 2 * levels["obs"]
    at = pd.DataFrame(np.random.default_rng(1).normal(size=(20, 3)), columns=["a1", "a2", "a3"])
    a = at.to_numpy()
    expected = level + np.column_stack([a, a**2]) @ beta
    fit = ig.CausalAggregation(degree=2).fit(read(frame))
    np.testing.assert_allclose(fit.expected_outcome(at), expected, rtol=1e-9)
    moments = ig.Moments.from_data(read(frame), basis=ig.Polynomial(3))
    again = ig.CausalAggregation(degree=2).fit(moments)
    np.testing.assert_allclose(again.expected_outcome(at), expected, rtol=1e-7)


def test_standard_errors_are_the_spread_over_repetitions():
    """And 95% intervals hold the truth: 80 repetitions, more experiments than actions."""
    at = pd.DataFrame([[0.5, -1.0, 1.0], [0.0, 0.0, 0.0]], columns=["a1", "a2", "a3"])
    truth = SCM.expected_outcome(at).to_numpy()
    estimates, sds = [], []
    for seed in range(80):
        frame = draw(SCM, 300, [*SCM.single_regimes, "a1+a2"], seed)
        answer = ig.CausalAggregation(degree=1).fit(read(frame)).expected_outcome(at)
        estimates.append(answer.to_numpy())
        sds.append(answer["sd"].to_numpy())
    spread = np.std(estimates, axis=0)
    np.testing.assert_allclose(np.mean(sds, axis=0), spread, rtol=0.25)
    covered = np.abs(np.array(estimates) - truth) < 1.96 * np.array(sds)
    assert (covered.mean(axis=0) > 0.87).all()


def test_without_observational_rows_the_levels_are_averaged():
    frame = draw(SCM, 20_000, ["a1", "a2", "a3"])
    fit = ig.CausalAggregation(degree=1).fit(read(frame))
    assert sum(fit.level_weights.values()) == pytest.approx(1.0)
    assert min(fit.level_weights.values()) > 0
    at = {"a1": 0.3, "a2": -0.2, "a3": 0.5}
    answer = fit.expected_outcome(at)
    error = float((answer - SCM.expected_outcome(at))[0])
    assert abs(error) < 4 * float(answer["sd"][0])


def interacting(n, seed):
    """a1 and a2 interact, are set together, and share a confounder with a3, which has levels."""
    rng = np.random.default_rng(seed)
    parts = []
    for label in ("obs", "a1+a2", "a3"):
        c = rng.normal(size=n)
        a1 = rng.normal(size=n) if "a1" in label else c + rng.normal(size=n)
        a2 = rng.normal(size=n) if "a2" in label else -c + rng.normal(size=n)
        code = rng.integers(0, 3, n) if label == "a3" else (c + rng.normal(size=n) > 0) * 2
        y = a1 * a2 + np.array([0.0, 1.0, -1.0])[code] + c + 0.3 * rng.normal(size=n)
        a3 = np.array(["x", "y", "z"])[code]
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "a3": a3, "y": y, "regime": label}))
    return pd.concat(parts, ignore_index=True)


def test_blocks_and_levels():
    data = read(interacting(20_000, 1), categorical=["a3"])
    fit = ig.CausalAggregation(degree=2, blocks=["a1+a2"]).fit(data)
    at = pd.DataFrame({"a1": [1.0, 1.0, -1.0], "a2": [1.0, -1.0, 1.0], "a3": ["x", "y", "z"]})
    np.testing.assert_allclose(fit.expected_outcome(at), [1.0, 0.0, -2.0], atol=0.12)


def test_what_the_theory_does_not_cover_is_refused():
    data = read(draw(SCM, 50))
    fit = ig.CausalAggregation().fit(data)
    with pytest.raises(ig.QueryError, match="setting all of"):
        fit.expected_outcome({"a1": 0.0, "a2": 0.0, "a3": 0.0}, do="a1")
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a3'"):
        ig.CausalAggregation().fit(data.drop("a3"))
    with pytest.raises(ig.NotIdentifiedError, match=r"sets 'a1\+a2'"):
        ig.CausalAggregation(blocks=["a1+a2"]).fit(data)
    with pytest.raises(ig.ModelError, match="polynomials up to degree 3"):
        ig.CausalAggregation().fit(ig.Moments.from_data(data, basis=ig.Polynomial(2)))
    with pytest.raises(ig.ModelError, match="degree"):
        ig.CausalAggregation(degree=0)


def instrumented(n, seed):
    """An instrument i of x1, and x2 behind it; c is hidden behind x1 and the outcome."""
    rng = np.random.default_rng(seed)
    i, c, e1, e2, e3 = rng.normal(size=(5, n))
    x1 = i + c + e1
    x2 = x1 - e2
    y = 2 * x1 + x2 + 3 * c + e3
    return pd.DataFrame({"i": i, "x1": x1, "x2": x2, "y": y, "regime": "i"})


INSTRUMENTED = ig.CausalAggregation(
    degree=1, instruments=["i"], unconfounded={"i": {"x2": ["x1", "i"]}}
)


def test_instruments_and_unconfounded_actions_give_equations_of_the_same_kind():
    """The equations by hand: I, and what X1 and I leave of X2, are orthogonal to the error."""
    frame = instrumented(300, 1)
    fit = INSTRUMENTED.fit(read(frame, ("i", "x1", "x2")))
    i, x1, x2, y = (frame[name].to_numpy() - frame[name].mean() for name in ("i", "x1", "x2", "y"))
    given = np.column_stack([x1, i])
    left = x2 - given @ np.linalg.lstsq(given, x2)[0]
    z, x = np.column_stack([i, left]), np.column_stack([x1, x2])
    steps = pd.DataFrame(np.eye(2), columns=["x1", "x2"])
    slopes = fit.contrast(steps, {"x1": 0.0, "x2": 0.0})
    np.testing.assert_allclose(slopes, np.linalg.solve(z.T @ x, z.T @ y), rtol=1e-8)
    # the covariance of instrumental variables with errors of one variance
    error = y - x @ slopes.to_numpy()
    inverse = np.linalg.inv(z.T @ x)
    covariance = error.var() * inverse @ (z.T @ z) @ inverse.T
    np.testing.assert_allclose(slopes["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)
    wide = ig.CausalAggregation(degree=1, unconfounded={"i": {"x1": ["i"], "x2": ["x1", "i"]}})
    assert fit.table.index.tolist() == ["x1", "x2"]
    assert wide.fit(read(frame, ("i", "x1", "x2"))).actions == ("i", "x1", "x2")


def test_what_is_known_of_causes_is_checked():
    data = read(instrumented(50, 1), ("i", "x1", "x2"))

    def refused(error, match, **known):
        with pytest.raises(error, match=match):
            ig.CausalAggregation(degree=1, **known).fit(data)

    refused(ig.NotIdentifiedError, "'x1'", instruments=["i"])  # one instrument, two effects
    refused(ig.ModelError, "instruments must be out of", instruments=["z"])
    refused(ig.ModelError, "a list of names", instruments="i")
    refused(ig.ModelError, "must be a mapping of regimes", unconfounded=["i"])
    refused(ig.ModelError, "must be a mapping of", unconfounded={"i": ["x2"]})
    refused(ig.ModelError, "a list of names", unconfounded={"i": {"x2": "x1"}})
    refused(ig.ModelError, "in no block", instruments=["i"], blocks=["i+x1"])
    refused(ig.ModelError, "regimes must be out of", unconfounded={"x1": {"x2": ["x1"]}})
    refused(ig.ModelError, "left alone in 'i'", unconfounded={"i": {"i": ["x1"]}})
    refused(ig.ModelError, "must be out of", unconfounded={"i": {"x1": ["c"]}})
