"""Categorical actions from a table to an answer: recovery, invariance, queries, merging, files."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.cli.main import main
from models import categorical

ACTIONS = ["a1", "channel", "a3"]
LEVELS = ["mail", "shop", "web"]


class Enumerated:
    """A numeric cause, a categorical action that follows it, and a numeric one that follows that.

    Every confounder has three values, and so have the actions: C_k and the parent of A_k decide how
    likely each value of A_k is, Y = sum_k f_k(A_k, C_k) + noise. So E[Y | do(a_S), a_rest] is a sum
    over the values of the C_k, with weights p(c_k) if k is in S and p(c_k | a_k, a_parent) if not.
    """

    def __init__(self, random_seed):
        rng = np.random.default_rng(random_seed)
        self.values = {"a1": [-1.0, 0.0, 1.0], "channel": LEVELS, "a3": [-1.0, 0.0, 1.0]}
        self.confounder = rng.dirichlet(np.full(3, 3.0), size=3)  # p(c_k)
        self.outcome = rng.normal(size=(3, 3, 3))  # f_k(a_k, c_k)
        self.choice = rng.dirichlet(np.full(3, 2.0), size=(3, 3, 3))  # p(a_k | parent, c_k)
        self.choice[0, 1:] = self.choice[0, 0]  # the first has no parent

    def sample(self, n, regime, rng):
        codes = []
        y = 0.2 * rng.normal(size=n)
        parent = np.zeros(n, dtype=int)
        for k, name in enumerate(ACTIONS):
            c = rng.choice(3, n, p=self.confounder[k])
            edges = self.choice[k, parent, c].cumsum(axis=1)[:, :2]
            follows = (rng.random(n)[:, None] > edges).sum(axis=1)
            parent = rng.integers(3, size=n) if name == regime else follows
            y += self.outcome[k, parent, c]
            codes.append(parent)
        columns = {
            name: np.array(self.values[name])[code]
            for name, code in zip(ACTIONS, codes, strict=True)
        }
        return pd.DataFrame(columns).assign(y=y, regime=regime)

    def data(self, n, random_seed, levels=("channel",)):
        rng = np.random.default_rng(random_seed)
        frame = pd.concat([self.sample(n, label, rng) for label in ("obs", *ACTIONS)])
        return ig.RegimeData.from_frame(frame, "y", ACTIONS, categorical=levels)

    def points(self):
        return pd.DataFrame(product(*self.values.values()), columns=ACTIONS)

    def truth(self, do):
        found = []
        for codes in product(range(3), repeat=3):
            total = 0.0
            for k, name in enumerate(ACTIONS):
                weights = self.confounder[k].copy()
                if name not in do:
                    weights *= self.choice[k, codes[k - 1] if k else 0, :, codes[k]]
                total += weights @ self.outcome[k, codes[k]] / weights.sum()
            found.append(total)
        return np.array(found)


# Recovery


@pytest.fixture(scope="module")
def enumerated():
    system = Enumerated(2)
    model = ig.InterventionModel(ig.Polynomial(3))
    return system, model.fit(system.data(20_000, 4), method="laplace", random_seed=5)


@pytest.mark.parametrize(
    "do", [[], ["a1"], ["channel"], ["a3"], ["a1", "channel"], ["channel", "a3"], ACTIONS]
)
def test_every_regime_is_recovered(enumerated, do):
    """At all 27 settings: the error is within its own standard deviations, and small."""
    system, posterior = enumerated
    table, truth = posterior.table(system.points(), do=do), system.truth(do)
    assert (np.abs(table["mean"] - truth) < 4 * table["sd"]).all()
    assert rmse(table["mean"], truth) < 0.05 * truth.std()
    assert (table["support"] == "supported").all()


def test_its_dependences_are_learned(enumerated):
    _, posterior = enumerated
    status = {(e.parent, e.child): e.status for e in posterior.learned.edges}
    assert status["a1", "channel"] == status["channel", "a3"] == "seen"
    assert status["channel", "a1"] == status["a3", "channel"] == status["a3", "a1"] == "absent"


@pytest.mark.parametrize("basis", [ig.HSGP(), ig.Categorical(3)], ids=["default", "order 3"])
def test_all_actions_may_be_categorical(basis):
    system = Enumerated(2)
    data = system.data(20_000, 4, levels=ACTIONS)
    assert data.levels["a3"] == ("-1", "0", "1")
    fit = ig.InterventionModel(basis, structure="full").fit(data, method="laplace")
    table, truth = fit.table(system.points()), system.truth(ACTIONS)
    assert (np.abs(table["mean"] - truth) < 4 * table["sd"]).all()
    assert rmse(table["mean"], truth) < 0.05 * truth.std()
    assert ("bias:a3|higher" in fit.design.groups) == (basis == ig.Categorical(3))


def test_setting_the_channel_is_not_seeing_it(enumerated):
    """Confounding is strong, so that ignoring it would not pass the tests above."""
    system, _ = enumerated
    difference = system.truth([]) - system.truth(ACTIONS)
    assert difference.std() > 0.15 * system.truth(ACTIONS).std()


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")  # Laplace, in a few
def test_intervals_cover_over_systems():
    """Twelve systems, all 27 settings of each: 90% intervals hold 80 to 96% of the truths."""
    covered = []
    for seed in range(12):
        system = Enumerated(seed)
        fit = ig.InterventionModel(ig.Polynomial(3)).fit(system.data(1000, seed), method="laplace")
        table = fit.table(system.points())
        covered.append(coverage(table["lower"], table["upper"], system.truth(ACTIONS)))
    assert 0.80 <= np.mean(covered) <= 0.96


@pytest.mark.parametrize("basis", [ig.HSGP(), {"a1": ig.Polynomial(3)}], ids=["HSGP", "named"])
def test_a_continuous_cause_of_levels(basis):
    data = read(categorical.make_data(3000, random_seed=1))
    fit = ig.InterventionModel(basis).fit(data, method="laplace", random_seed=2)
    a1, a2 = (g.ravel() for g in np.meshgrid(np.linspace(-1.5, 1.5, 7), LEVELS))
    table, truth = fit.table({"a1": a1, "a2": a2}), categorical.truth(a1, a2)
    assert (np.abs(table["mean"] - truth) < 4 * table["sd"]).all()
    assert rmse(table["mean"], truth) < 0.15 * truth.std()
    assert fit.learned.parents == {"a1": (), "a2": ("a1",)}
    assert {"a2"} == {name for name, basis in fit.design.features.bases.items()
                      if basis.to_dict()["kind"] == "categorical"}  # fmt: skip


@pytest.mark.slow
def test_nuts_converges():
    data = read(categorical.make_data(300, random_seed=3))
    fit = ig.InterventionModel(ig.Polynomial(2)).fit(data, progressbar=False)
    assert fit.convergence.ok, fit.convergence
    a1, a2 = np.array([-1.0, 0.0, 1.0]), np.array(LEVELS)
    table = fit.table({"a1": a1, "a2": a2})
    assert (np.abs(table["mean"] - categorical.truth(a1, a2)) < 4 * table["sd"]).all()


# What does not matter


def read(frame, **changes):
    arguments = {"outcome": "y", "actions": ["a1", "a2"], "categorical": ["a2"]}
    return ig.RegimeData.from_frame(frame, **arguments | changes)


def test_two_levels_are_a_linear_function():
    """The same as 0 and 1 with Polynomial(1), to within a small part of the posterior's spread."""
    frame = categorical.make_data(1000, random_seed=6)
    frame["a2"] = (frame["a2"] == "mail").astype(int)
    model = ig.InterventionModel(ig.Polynomial(1), structure=["a1", "a2"])
    at = {"a1": np.repeat([-1.0, 1.0], 2), "a2": [0, 1, 0, 1]}
    for do in (None, [], ["a1"], ["a2"]):
        found, expected = (
            model.fit(read(frame, categorical=names), method="laplace", draws=4000).table(at, do)
            for names in (["a2"], [])
        )
        assert_allclose(found["mean"], expected["mean"], atol=0.15 * expected["sd"].min())
        assert_allclose(found["sd"], expected["sd"], rtol=0.06)
        assert found["support"].tolist() == expected["support"].tolist()


@pytest.mark.parametrize("structure", ["full", "learned"])
def test_names_and_order_of_levels_change_nothing(structure):
    """The same density at the same hyperparameters, and the same mean outcome at every level."""
    names = {"mail": "z", "shop": "10", "web": "b c"}
    frame = categorical.make_data(400, random_seed=7)
    renamed = frame.assign(a2=frame["a2"].map(names))
    model = ig.InterventionModel(ig.HSGP(), structure)
    found = []
    for table, levels in ((frame, LEVELS), (renamed, list(names.values()))):
        data = read(table)
        prepared = model._prepare(data)
        problem, learned = prepared.problem, prepared.learned
        x = problem.hyperpriors.mean + 0.3
        order = [data.levels["a2"].index(level) for level in levels]
        codes = np.array([[a1, code] for a1 in (-1.0, 0.5) for code in order])
        means = [
            problem.design.features.evaluate(codes)
            @ problem.design.collect(problem.conditional(x).mean, problem.design.active(regime))
            for regime in [(), ("a1",), ("a2",), ("a1", "a2")]
        ]
        p_values = [edge.p_value for edge in learned.edges] if learned else []
        found.append([problem.log_posterior(x)[0], *np.ravel(means), *p_values])
    assert_allclose(found[0], found[1], rtol=1e-7, atol=1e-9)


# Queries


@pytest.fixture(scope="module")
def posterior():
    data = read(categorical.make_data(500, random_seed=8))
    return ig.InterventionModel().fit(data, method="laplace", draws=300)


def test_levels_stand_in_results(posterior):
    at = pd.DataFrame({"a1": 0.5, "a2": ["web", "mail"]}, index=["p", "q"])
    effect = posterior.expected_outcome(at)
    assert effect["a2"].to_numpy().tolist() == ["web", "mail"]
    assert effect["point"].to_numpy().tolist() == ["p", "q"]
    table = posterior.table(at)
    assert table["a2"].tolist() == ["web", "mail"]
    assert list(table.columns) == ["a1", "a2", "mean", "sd", "lower", "upper", "support"]
    assert_allclose(table["mean"], effect.mean(("chain", "draw")))
    one = posterior.table({"a1": 0.5, "a2": "web"})
    assert_allclose(one["mean"], table["mean"].iloc[:1])


def test_large_tables_are_worked_through_in_portions(posterior, monkeypatch):
    at = {"a1": np.linspace(-1, 1, 7), "a2": ["web", "mail", "shop", "web", "web", "mail", "shop"]}
    whole = posterior.table(at)
    monkeypatch.setattr("bayes_intgen.posterior.estimands.table.VALUES_AT_ONCE", 700)
    pd.testing.assert_frame_equal(whole, posterior.table(at))


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("fax", r"'a2' has no level 'fax'; the data have \['mail', 'shop', 'web'\]"),
        (1, "'a2' has no level '1'"),
        (None, "'a2' has missing values"),
    ],
)
def test_unknown_levels_are_refused(posterior, level, message):
    for ask in (posterior.expected_outcome, posterior.table):
        with pytest.raises(ig.QueryError, match=message):
            ask({"a1": 0.0, "a2": ["mail", level]})


def test_effects_go_from_the_most_frequent_level_to_each_other(posterior):
    effects = posterior.effects()
    assert posterior.summary.level_shares("a2").argmax() == LEVELS.index("web")
    assert effects.index.tolist() == ["a1", "a2[mail]", "a2[shop]"]
    assert effects["from"].tolist()[1:] == ["web", "web"]
    assert effects["to"].tolist()[1:] == ["mail", "shop"]
    mean = posterior.summary.scales["a1"].centre
    for do, column in ((None, "mean"), ([], "observational")):
        found = posterior.expected_outcome({"a1": mean, "a2": ["shop", "mail", "web"]}, do)
        shop, mail, web = found.mean(("chain", "draw")).to_numpy()
        assert_allclose(effects[column].iloc[1:], [mail - web, shop - web])
    low, high = posterior.expected_outcome(
        {"a1": effects.loc["a1", ["from", "to"]].tolist(), "a2": "web"}, []
    ).mean(("chain", "draw"))
    assert_allclose(effects.loc["a1", "observational"], high - low)
    text = str(posterior)
    assert "a2[mail]" in text
    assert "from its most frequent level to another" in text


def test_frequency_is_that_of_regimes_weighted_equally():
    """Nine tenths of the rows are observational and favour mail; two experiments favour web."""
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"a1": rng.normal(size=1100), "y": rng.normal(size=1100)})
    frame["regime"] = np.repeat(["obs", "a1", "a2"], [900, 100, 100])
    frame["a2"] = np.where((frame["regime"] == "obs") ^ (frame.index % 5 == 0), "mail", "web")
    fit = ig.InterventionModel(ig.Polynomial(1), []).fit(read(frame), method="laplace", draws=50)
    assert fit.effects().index.tolist() == ["a1", "a2[mail]"]
    assert_allclose(fit.summary.level_shares("a2"), [(0.8 + 0.2 + 0.2) / 3, (0.2 + 0.8 + 0.8) / 3])


# Files and the command line


def test_a_saved_fit_answers_the_same(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    at = {"a1": np.array([-9.0, 0.0, 0.5]), "a2": LEVELS}
    for do in (None, [], ["a1"], ["a2"]):
        found = again.expected_outcome(at, do, beyond="clamp")
        xr.testing.assert_identical(found, posterior.expected_outcome(at, do, beyond="clamp"))
    assert str(again) == str(posterior)
    with pytest.raises(ig.QueryError, match="no level 'fax'"):
        again.expected_outcome({"a1": 0.0, "a2": "fax"})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_command_line(tmp_path, capsys, suffix):
    """Levels that look like numbers stay the texts they are."""
    frame = categorical.make_data(200, random_seed=10)
    frame["a2"] = frame["a2"].map({"mail": "01", "shop": "1", "web": "2"})
    frame.to_csv(tmp_path / "data.csv", index=False)
    fit, out = str(tmp_path / "fit.nc"), tmp_path / "out.csv"
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--categorical", "a2", "--out", fit]
    assert main(["fit", str(tmp_path / "data.csv"), *arguments, "--method", "laplace"]) == 0
    shown = capsys.readouterr().out
    assert "levels of a2: 01, 1, 2" in shown
    assert "a2[1]" in shown

    points = pd.DataFrame({"a1": 0.0, "a2": ["2", "01", "1"]})
    path = tmp_path / f"points.{suffix}"
    points.to_csv(path, index=False) if suffix == "csv" else points.to_parquet(path)
    assert main(["query", fit, "--points", str(path), "--out", str(out)]) == 0
    table = pd.read_csv(out, dtype={"a2": str})
    assert table["a2"].tolist() == ["2", "01", "1"]
    assert_allclose(table["mean"], ig.load(fit).table(points)["mean"])

    path = tmp_path / "unknown.csv"
    path.write_text("a1,a2\n0,02\n")
    assert main(["query", fit, "--points", str(path)]) == 2
    assert "has no level '02'" in capsys.readouterr().err


# Moments


def days():
    """Two days of rows; the second lacks the level web."""
    first, second = (categorical.make_data(n, seed) for n, seed in ((300, 11), (200, 12)))
    return first, second[second["a2"] != "web"]


def test_merged_moments_are_those_of_all_rows():
    first, second = days()
    day1 = ig.Moments.from_data(read(first), basis=ig.Polynomial(3))
    day2 = ig.Moments.from_data(read(second), like=day1)
    whole = ig.Moments.from_data(read(pd.concat([first, second])), like=day1)
    merged = day1.merge(day2)
    for regime in whole.regimes:
        one, two = merged.regression(regime), whole.regression(regime)
        assert_allclose(one.gram, two.gram, rtol=1e-9, atol=1e-8)
        assert_allclose(one.cross, two.cross, rtol=1e-9, atol=1e-8)
    assert merged.summary.levels == whole.summary.levels == {"a2": ("mail", "shop", "web")}
    assert_allclose(merged.summary.level_shares("a2"), whole.summary.level_shares("a2"))
    model = ig.InterventionModel(ig.Polynomial(3), variance="constant")
    at = {"a1": 0.3, "a2": LEVELS}
    found, expected = (
        model.fit(moments, method="laplace", draws=100).expected_outcome(at)
        for moments in (merged, whole)
    )
    assert_allclose(found, expected, rtol=1e-6)


def test_moments_of_a_new_level_are_refused():
    first, second = days()
    day2 = ig.Moments.from_data(read(second))
    with pytest.raises(ig.DataError, match=r"'a2' has the levels \['web'\], which the earlier"):
        ig.Moments.from_data(read(first), like=day2)
    with pytest.raises(ig.ModelError, match=r"^other: .* share one frozen basis"):
        day2.merge(ig.Moments.from_data(read(first)))
    coded = first.assign(a2=first["a2"].map(LEVELS.index))
    with pytest.raises(ig.DataError, match=r"\[\] are categorical here, but \['a2'\] in the earl"):
        ig.Moments.from_data(read(coded, categorical=[]), like=day2)
