"""The paper's estimator and its baselines: scikit-learn, closed forms, and what is refused."""

from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import bayes_intgen as ig
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import Design

ALPHAS = np.logspace(-8, -1, 8)
BASELINES = [ig.ObservationalRidge, ig.PooledRidge, ig.JointRidge]


def search(rows, penalty="ridge", cv=3, degree=3):
    """Run the grid search of the authors' pipeline: expand, standardise, regress."""
    regression = {
        "ridge": Ridge(solver="svd"),  # loses fewer digits than the default, to the same end
        "lasso": Lasso(tol=1e-12, max_iter=10**6),  # far from its optimum unless asked to go there
    }[penalty]
    steps = [
        ("expand", PolynomialFeatures(degree, include_bias=False)),
        ("scale", StandardScaler()),
    ]
    grid = {"regress__alpha": ALPHAS}
    pipeline = Pipeline([*steps, ("regress", regression)])
    return GridSearchCV(pipeline, grid, cv=cv).fit(rows[:, :-1], rows[:, -1])


def read(frame, actions=("a1", "a2")):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=actions)


def draw(n_actions, n, seed=1, joint=False):
    scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=seed)
    regimes = [*scm.single_regimes, *(["+".join(scm.actions)] if joint else [])]
    return read(scm.sample_regimes(regimes, n, random_seed=seed), scm.actions)


def shifted():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=2)
    frame = scm.sample_regimes(scm.single_regimes, 200, random_seed=1)
    frame["a1"] += 1e6
    frame["y"] = 50 * frame["y"] - 1e4
    return read(frame)


def levels():
    """Two and three levels, and an experiment with a single setting."""
    rng = np.random.default_rng(1)
    a1, a2 = rng.integers(0, 2, 270) * 1.0, rng.integers(-1, 2, 270) * 1.0
    a1[90:180] = 3.0
    y = 2 * a1 + a2**2 + a1 * a2 + rng.normal(size=270)
    regime = np.repeat(["obs", "a1", "a2"], 90)
    return read(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))


# Rows, and to how many standard deviations of Y scikit-learn predicts: its monomials lose digits
# where an action has a large offset, its solution where monomials are collinear.
DATA = {
    "two": (lambda: draw(2, 200), 1e-9),
    "three": (lambda: draw(3, 301), 1e-9),
    "five": (lambda: draw(5, 500), 1e-9),
    "more features than rows": (lambda: draw(5, 31), 1e-8),
    "offset": (shifted, 1e-6),
    "levels": (levels, 1e-6),
}


def assert_close(found, expected, tolerance):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


# Against scikit-learn


@pytest.mark.parametrize("name", DATA)
def test_every_regression_is_that_of_scikit_learn(name):
    """At the rows of all regimes, far outside the regression's own included."""
    make, tolerance = DATA[name]
    data = make()
    fit = ig.RidgeEstimator().fit(data)
    everywhere = np.concatenate([data.rows(label) for label in data.labels])
    points, sd = everywhere[:, :-1], everywhere[:, -1].std()
    expected = {label: search(data.rows(label)) for label in data.labels}
    for label, reference in expected.items():
        assert fit.table.loc[label, "alpha"] == pytest.approx(
            reference.best_params_["regress__alpha"]
        )
        assert fit.table.loc[label, "r2"] == pytest.approx(reference.best_score_, rel=1e-7)
    at = dict(zip(data.actions, points.T, strict=True))
    each = {label: reference.predict(points) for label, reference in expected.items()}
    theorem_1 = sum(each[action] for action in data.actions) - (len(data.actions) - 1) * each["obs"]
    assert_close(fit.expected_outcome(at), theorem_1, tolerance * sd)
    for label in data.labels:
        do = [] if label == "obs" else [label]
        assert_close(fit.expected_outcome(at, do), each[label], tolerance * sd)


@pytest.mark.parametrize("unit", [0.3, 30.0])
def test_the_lasso_is_that_of_scikit_learn(unit):
    """Its penalty is in the outcome's unit, so that another unit is another problem.

    The actions are independent of one another: coordinate descent takes long enough there.
    """
    rng = np.random.default_rng(3)
    a = rng.normal([0.2, -0.3, 0.1], 1.0, (360, 3))
    y = unit * (a[:, 0] - 0.4 * a[:, 1] ** 3 + a[:, 0] * a[:, 2] + rng.normal(size=360))
    regimes = np.repeat(["obs", "a1", "a2", "a3"], 90)
    frame = pd.DataFrame(a, columns=["a1", "a2", "a3"]).assign(y=y, regime=regimes)
    data = read(frame, ["a1", "a2", "a3"])
    fit = ig.RidgeEstimator(estimator="lasso").fit(data)
    for label in data.labels:
        rows = data.rows(label)
        reference = search(rows, "lasso")
        assert fit.table.loc[label, "alpha"] == pytest.approx(
            reference.best_params_["regress__alpha"]
        )
        assert fit.table.loc[label, "r2"] == pytest.approx(reference.best_score_, abs=1e-6)
        found = fit.expected_outcome(dict(zip(data.actions, a.T, strict=True)), label)
        assert_close(found, reference.predict(a), 1e-6 * y.std())


def test_the_baselines_are_regressions_of_scikit_learn():
    data = draw(3, 100, joint=True)
    rows = {label: data.rows(label) for label in data.labels}
    everywhere = np.concatenate(list(rows.values()))
    thirds = [np.repeat([0, 1, 2], [34, 33, 33]) for _ in rows]  # of every regime
    expected = {
        ig.ObservationalRidge: search(rows["obs"]),
        ig.JointRidge: search(rows["a1+a2+a3"]),
        ig.PooledRidge: search(everywhere, cv=PredefinedSplit(np.concatenate(thirds))),
    }
    at = dict(zip(data.actions, everywhere[:, :-1].T, strict=True))
    for baseline, reference in expected.items():
        fit = baseline().fit(data)
        answer = reference.predict(everywhere[:, :-1])
        for do in (None, [], "a2"):
            found = fit.expected_outcome(at, do)
            assert_close(found, answer, 1e-8 * everywhere[:, -1].std())
        (row,) = fit.table.itertuples()
        assert row.alpha == pytest.approx(reference.best_params_["regress__alpha"])
        assert row.r2 == pytest.approx(reference.best_score_)
        assert fit.table["rows"].tolist() == [500 if baseline is ig.PooledRidge else 100]


def test_a_degree_of_one(data):
    fit = ig.RidgeEstimator(degree=1).fit(data)
    rows = data.rows("a3")
    found = fit.expected_outcome(pd.DataFrame(rows[:, :-1], columns=data.actions), "a3")
    assert_close(found, search(rows, degree=1).predict(rows[:, :-1]), 1e-9 * rows[:, -1].std())


# Closed forms


def additive(regime, a):
    """The mean of a regime: three causal effects, and a bias of each action that is not set."""
    a1, a2, a3 = a
    total = a1 - a1**3 / 4 + a2**2 / 2 - a2 + 0.3 * a3**3 + 2.0
    total += 0.0 if "a1" in regime else 0.5 * a1**2 + 0.2
    total += 0.0 if "a2" in regime else a1 * a2 - a2**3 / 5
    return total + (0.0 if "a3" in regime else a1 * a2 * a3 + a3**2 - 0.7)


@pytest.fixture
def exact():
    """Rows without noise: every regime mean is a cubic, so that every answer is exact."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a1", "a2", "a3", "a1+a3"):
        a = rng.normal([0.5, -1.0, 2.0], [1.0, 0.7, 1.5], (100, 3)).T
        columns = dict(zip(("a1", "a2", "a3"), a, strict=True))
        parts.append(pd.DataFrame(columns | {"y": additive(regime, a), "regime": regime}))
    return read(pd.concat(parts, ignore_index=True), ["a1", "a2", "a3"])


@pytest.mark.parametrize("drop", [["a1+a3"], ["a1"], ["obs"], []])
@pytest.mark.parametrize("do", ["a1+a2+a3", "a1+a2", "a2+a3", "a3", "obs"])
def test_every_identified_effect_is_exact_without_noise(exact, drop, do):
    """Theorem 1 and Proposition 1 without the pair, and regimes that make up for one another."""
    fit = ig.RidgeEstimator().fit(exact.drop(drop) if drop else exact)
    grid = np.random.default_rng(2).normal([0.5, -1.0, 2.0], 1.5, (50, 3)).T
    answer = fit.expected_outcome(dict(zip(exact.actions, grid, strict=True)), do)
    truth = additive(do.split("+"), grid)
    assert_close(answer, truth, 1e-7 * truth.std())


def test_the_order_of_the_actions_names_does_not_matter():
    data = draw(3, 60)
    names = {"a1": "c", "a2": "b", "a3": "a"}
    rows = [pd.DataFrame(data.rows(r), columns=["c", "b", "a", "y"]) for r in data.labels]
    labels = [names.get(label, label) for label in data.labels]
    frame = pd.concat([part.assign(regime=r) for part, r in zip(rows, labels, strict=True)])
    renamed = ig.RidgeEstimator().fit(read(frame, ["c", "b", "a"]))
    assert renamed.weights(["c", "a"]) == pytest.approx({"obs": -1, "c": 1, "b": 0, "a": 1})
    found = renamed.expected_outcome({"a": 0.1, "b": 0.2, "c": 0.3}, ["c", "a"])
    fit = ig.RidgeEstimator().fit(data)
    expected = fit.expected_outcome({"a3": 0.1, "a2": 0.2, "a1": 0.3}, ["a1", "a3"])
    assert_close(found, expected, 1e-10)


# Rows and moments


@pytest.mark.parametrize("estimator", [ig.RidgeEstimator, *BASELINES])
def test_a_file_read_in_batches_gives_what_a_frame_gives(estimator, tmp_path, monkeypatch):
    scm = ig.scm.sample_polynomial_scm(2, random_seed=4)
    frame = scm.sample_regimes([*scm.single_regimes, "a1+a2"], 50, random_seed=4)
    mixed = frame.sample(frac=1.0, random_state=1)
    expected = estimator().fit(read(mixed))
    mixed.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    fit = estimator().fit(read(tmp_path / "rows.csv"))
    at = frame.head(20)
    assert_close(fit.expected_outcome(at), expected.expected_outcome(at), 1e-9)
    pd.testing.assert_frame_equal(fit.table, expected.table)


@pytest.mark.parametrize("estimator", [ig.RidgeEstimator, *BASELINES])
@pytest.mark.parametrize("degree", [3, 4])
def test_moments_give_what_rows_give(estimator, degree):
    data = draw(3, 90, joint=True)
    rows = estimator(3).fit(data)
    moments = estimator(3).fit(ig.Moments.from_data(data, basis=ig.Polynomial(degree)))
    at = pd.DataFrame(data.rows("a1")[:, :-1], columns=data.actions)
    expected = rows.expected_outcome(at)
    assert_close(moments.expected_outcome(at), expected, 1e-10)
    pd.testing.assert_frame_equal(moments.table, rows.table)


def test_moments_that_lack_something_are_refused(data):
    estimator = ig.RidgeEstimator()
    with pytest.raises(ig.ModelError, match=r"^data: .* polynomials, .*'hsgp'.* basis=Polynomial"):
        estimator.fit(ig.Moments.from_data(data))
    square = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    with pytest.raises(ig.ModelError, match=r"hold 9 of the 19 monomials .*Polynomial\(degree=3\)"):
        estimator.fit(square)
    summary = data.summary
    bases = freeze_bases(ig.Polynomial(), data.actions, summary)
    fewer = Design.build(bases, {"a1": (), "a2": ("a1",), "a3": ()}).features
    cubic = ig.Moments.from_data(data, basis=ig.Polynomial())
    with pytest.raises(ig.ModelError, match="hold 12 of the 19 monomials"):
        estimator.fit(cubic.select(fewer))

    class Half:
        def log_weights(self, phi):
            return np.full(len(phi), np.log(0.5))

    weighted = ig.Moments.compute(
        data, summary, cubic.features, cubic.outcome_scale, dict.fromkeys(data.regimes, Half())
    )
    with pytest.raises(ig.ModelError, match=r"^data: these moments are of weighted rows"):
        estimator.fit(weighted)


# What is refused


def test_a_missing_regime_is_named():
    data = draw(3, 30)
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a2'"):
        ig.RidgeEstimator().fit(data.drop("a2"))
    with pytest.raises(ig.NotIdentifiedError, match="missing observational rows"):
        ig.RidgeEstimator().fit(data.drop("obs"))
    partial = ig.RidgeEstimator().fit(data.drop("a2"), target="a1+a3")
    at = {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    assert partial.expected_outcome(at, "a1+a3").attrs["do"] == "a1+a3"
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a2'"):
        partial.expected_outcome(at)


def test_a_baseline_without_its_rows():
    data = draw(2, 30)
    with pytest.raises(ig.NotIdentifiedError, match=r"JointRidge .* regime 'a1\+a2', but .*'obs'"):
        ig.JointRidge().fit(data)
    with pytest.raises(ig.NotIdentifiedError, match=r"ObservationalRidge .* regime 'obs', but"):
        ig.ObservationalRidge().fit(data.drop("obs"))


@pytest.mark.parametrize("estimator", [ig.RidgeEstimator, *BASELINES])
def test_options_and_arguments_are_checked(estimator, frame):
    for degree in (0, 9, 2.5, True):
        with pytest.raises(ig.ModelError, match=r"^degree must be a whole number"):
            estimator(degree=degree)
    with pytest.raises(ig.ModelError, match=r"^estimator must be one of \['ridge', 'lasso'\]"):
        estimator(estimator="elastic net")
    with pytest.raises(ig.ModelError, match=r"^data must be .* Moments, got DataFrame"):
        estimator().fit(frame)


def test_questions_are_checked(data):
    fit = ig.RidgeEstimator().fit(data)
    with pytest.raises(ig.QueryError, match=r"^at must give a value for every action"):
        fit.expected_outcome({"a1": 0.0})
    with pytest.raises(ig.QueryError, match=r"^do: .*'b'.* None sets all actions"):
        fit.expected_outcome({"a1": 0.0, "a2": 0.0, "a3": 0.0}, do="b")


def test_too_many_monomials_are_refused():
    rng = np.random.default_rng(1)
    names = [f"a{k}" for k in range(30)]
    frame = pd.DataFrame(rng.normal(size=(20, 31)), columns=[*names, "y"]).assign(regime="obs")
    with pytest.raises(ig.ModelError, match=r"^degree: 30 actions have 5455 monomials"):
        ig.ObservationalRidge().fit(read(frame, names))


# The result


def test_the_answer_is_labelled():
    fit = ig.RidgeEstimator().fit(draw(2, 30))
    at = pd.DataFrame({"a2": [0.1, 0.2], "a1": 0.3, "other": 1}, index=["x", "y"])
    answer = fit.expected_outcome(at, do=["a2"])
    assert answer.dims == ("point",)
    assert answer.name == "y"
    assert answer["point"].to_numpy().tolist() == ["x", "y"]
    assert answer["a2"].to_numpy().tolist() == [0.1, 0.2]
    assert answer.attrs == {"do": "a2", "estimator": "RidgeEstimator"}


def test_a_fit_is_frozen_and_leaves_its_estimator_alone():
    estimator = ig.RidgeEstimator()
    fit = estimator.fit(draw(2, 30))
    assert estimator == ig.RidgeEstimator()
    with pytest.raises(FrozenInstanceError):
        fit.outcome = "z"


def test_a_fit_prints_what_was_chosen():
    data = draw(2, 40, joint=True)
    text = str(ig.RidgeEstimator().fit(data.drop("a1+a2")))
    head, columns, _, *rows = text.splitlines()
    assert head == "RidgeEstimator of E[y | do(a1, a2)]"
    assert columns.split() == ["rows", "alpha", "r2"]
    assert [row.split()[:2] for row in rows] == [[label, "40"] for label in ("obs", "a1", "a2")]
    assert str(ig.PooledRidge().fit(data)).splitlines()[-1].split()[:2] == ["pooled", "160"]
    assert str(ig.JointRidge().fit(data)).splitlines()[-1].split()[0] == "a1+a2"


def test_the_estimator_does_not_use_the_labels_it_must_not(exact):
    """The pooled regression is the same whatever the regimes are called."""
    rows = [exact.rows(label) for label in exact.labels]
    columns = [*exact.actions, "y"]
    fits = []
    for labels in (exact.labels, exact.labels[::-1]):
        parts = [
            pd.DataFrame(part, columns=columns).assign(regime=label)
            for part, label in zip(rows, labels, strict=True)
        ]
        fits.append(ig.PooledRidge().fit(read(pd.concat(parts), exact.actions)))
    at = {"a1": [0.0, 1.0], "a2": 0.5, "a3": 0.1}
    one, two = (fit.expected_outcome(at) for fit in fits)
    assert_close(one, two, 1e-9)
