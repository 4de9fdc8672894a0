"""Queries on a posterior: labels, regimes, and arithmetic on draws."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.metrics import INTERVAL
from models import polynomial


@pytest.fixture(scope="module")
def data():
    frame = polynomial.make_data(1000, random_seed=4)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.fixture(scope="module")
def posterior(data):
    return ig.InterventionModel().fit(data, method="laplace", draws=400, random_seed=2)


@pytest.fixture(scope="module")
def nuts(data):
    model = ig.InterventionModel(variance="constant")
    return model.fit(data, progressbar=False)


@pytest.fixture
def points():
    return pd.DataFrame({"a2": [0.0, 1.0], "a1": [0.5, -0.5], "note": ["x", "y"]}, index=["p", "q"])


def test_result_is_labelled(posterior, points):
    effect = posterior.expected_outcome(points)
    assert effect.dims == ("chain", "draw", "point")
    assert effect.name == "y"
    assert effect.attrs["do"] == "a1+a2"
    assert effect["point"].to_numpy().tolist() == ["p", "q"]
    assert effect["a1"].to_numpy().tolist() == [0.5, -0.5]
    assert effect["support"].to_numpy().tolist() == ["supported", "supported"]


def test_recovers_a_nonlinear_effect(posterior):
    a1, a2 = (grid.ravel() for grid in np.meshgrid(np.linspace(-1.5, 1.5, 7), [-1.0, 0.0, 1.0]))
    effect = posterior.expected_outcome({"a1": a1, "a2": a2})
    error = effect.mean(("chain", "draw")) - polynomial.truth(a1, a2)
    assert (np.abs(error) < 4 * effect.std(("chain", "draw"))).all()
    assert np.sqrt((error**2).mean()) < 0.25 * polynomial.truth(a1, a2).std()


def test_regimes_differ_by_their_biases(posterior, points):
    """m_obs - m_a1 - m_a2 + m_both = 0 draw by draw: biases add up (Theorem 1)."""
    m = {label: posterior.expected_outcome(points, do=do) for label, do in
         {"obs": [], "a1": ["a1"], "a2": "a2", "both": None}.items()}  # fmt: skip
    assert_allclose(m["obs"] + m["both"], m["a1"] + m["a2"], rtol=1e-10, atol=1e-10)
    assert np.abs(m["obs"] - m["both"]).max() > 0.1
    assert m["obs"].attrs["do"] == "obs"


def test_table_summarises_the_draws(posterior, points, monkeypatch):
    draws = posterior.expected_outcome(points, do=["a2"]).stack(sample=("chain", "draw"))
    table = posterior.table(points, do=["a2"])
    assert list(table.columns) == ["a1", "a2", "mean", "sd", "lower", "upper", "support"]
    assert table.index.tolist() == ["p", "q"]
    assert_allclose(table["mean"], draws.mean("sample"))
    assert_allclose(table["sd"], draws.std("sample", ddof=1))
    inside = (
        (table["lower"].to_numpy() <= draws.T) & (table["upper"].to_numpy() >= draws.T)
    ).mean()
    assert abs(inside - INTERVAL) < 0.01
    monkeypatch.setattr("bayes_intgen.posterior.estimands.table.VALUES_AT_ONCE", 1)
    pd.testing.assert_frame_equal(table, posterior.table(points, do=["a2"]))


def test_support_is_flagged(posterior):
    far = posterior.expected_outcome({"a1": [0.0, 5.0, 30.0], "a2": 0.0}, beyond="clamp")
    assert far["support"].to_numpy().tolist() == ["supported", "outside", "beyond"]


def test_points_beyond_the_box_are_refused_or_clamped(posterior):
    at = pd.DataFrame({"a1": [0.0, 30.0, 40.0], "a2": 0.0}, index=["near", "far", "farther"])
    with pytest.raises(ig.QueryError, match=r"2 points .*'far', 'farther'.*a1 must lie in"):
        posterior.expected_outcome(at)
    with pytest.raises(ig.QueryError, match="beyond the box"):
        posterior.table(at, do=["a2"])
    with pytest.raises(ig.QueryError, match="beyond must be one of"):
        posterior.expected_outcome(at, beyond="ignore")
    clamped = posterior.expected_outcome(at, beyond="clamp")
    edges = posterior.design.features.bases["a1"].limits
    inner = posterior.expected_outcome({"a1": np.array(edges[1] - 1e-9), "a2": 0.0})
    step = (clamped[..., 2] - clamped[..., 1]) / 10  # only the linear part runs on
    expected = inner[..., 0] + step * (30 - edges[1])
    assert_allclose(clamped[..., 1], expected, atol=1e-6 * float(expected.std()))
    given = ig.InterventionModel(ig.Polynomial(3))
    assert given.basis.freeze("a1", posterior.summary).limits is None


def test_same_seed_same_draws(data, points, posterior):
    again = ig.InterventionModel().fit(data, method="laplace", draws=400, random_seed=2)
    other = ig.InterventionModel().fit(data, method="laplace", draws=400, random_seed=3)
    expected = posterior.expected_outcome(points)
    assert (again.expected_outcome(points) == expected).all()
    assert (other.expected_outcome(points) != expected).any()


def test_moments_and_rows_give_the_same_fit(data, points, posterior):
    model = ig.InterventionModel(variance="constant")
    fits = [
        model.fit(given, method="laplace", draws=400, random_seed=2)
        for given in (data, ig.Moments.from_data(data))
    ]
    rows, moments = (fit.expected_outcome(points) for fit in fits)
    assert_allclose(moments, rows, rtol=1e-6)
    assert (rows != posterior.expected_outcome(points)).any()  # that one weighs its rows


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e9)])
def test_answer_does_not_depend_on_units(data, points, posterior, factor, shift):
    frame = polynomial.make_data(1000, random_seed=4)
    frame["y"] = factor * frame["y"] + shift
    frame["a1"] = 100 * frame["a1"] - 7
    moved = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    fit = ig.InterventionModel().fit(moved, method="laplace", draws=400, random_seed=2)
    found = fit.expected_outcome(points.assign(a1=100 * points["a1"] - 7))
    expected = posterior.expected_outcome(points)
    sd = float(expected.std())
    assert_allclose((found - shift) / factor, expected, atol=1e-3 * sd)


def test_arviz_takes_the_tree(nuts):
    assert len(az.summary(nuts.idata)) == 3 + len(nuts.design.smooth_actions)
    assert len(az.summary(nuts.idata, group="prior_scales")) == len(nuts.design.groups)
    assert az.ess(nuts.idata, var_names="sigma")["sigma"].sizes == {"regime": 3}
    assert set(nuts.idata.children) >= {
        "posterior", "sample_stats", "log_likelihood", "log_prior", "constant_data"
    }  # fmt: skip
    loo = nuts.idata["log_likelihood"].dataset["outcome"]
    assert loo.dims == ("chain", "draw", "regime")


def test_sigma_is_in_units_of_the_outcome(nuts, data):
    """The residual sd of each regime is near that of a flexible regression on its rows."""
    sigma = nuts.idata["posterior"].dataset["sigma"].mean(("chain", "draw"))
    for label in data.labels:
        rows = data.rows(label)
        phi = nuts.design.features.evaluate(rows[:, :-1])
        solution, _, rank, _ = np.linalg.lstsq(phi, rows[:, -1], rcond=1e-8)
        left = np.sum((rows[:, -1] - phi @ solution) ** 2) / (len(rows) - rank)
        assert_allclose(sigma.sel(regime=label), np.sqrt(left), rtol=0.1)


def test_effects_are_contrasts_of_expected_outcomes(posterior):
    effects = posterior.effects()
    ends = effects.loc["a1", ["from", "to"]].to_numpy(dtype=float)
    others = posterior.summary.scales["a2"].centre
    joint = posterior.expected_outcome({"a1": ends, "a2": others})
    change = (joint[..., 1] - joint[..., 0]).to_numpy().ravel()
    assert_allclose(effects.loc["a1", "mean"], change.mean())
    assert_allclose(
        effects.loc["a1", ["lower", "upper"]].to_numpy(dtype=float),
        np.quantile(change, [0.05, 0.95]),
    )
    seen = posterior.expected_outcome({"a1": ends, "a2": others}, do=[]).mean(("chain", "draw"))
    assert_allclose(effects.loc["a1", "observational"], seen[1] - seen[0])


def test_a_move_that_leaves_the_data_is_named_in_text_and_page():
    """Experiments show a up to 1; another is held where it was never seen with it."""
    rng, n = np.random.default_rng(2), 100
    a = np.concatenate([rng.normal(size=n), rng.normal(size=n), np.linspace(-1, 1, n)])
    b = np.concatenate([rng.normal(size=n), np.full(n, 4.0), rng.normal(size=n)])
    regime = np.repeat(["obs", "b", "a"], n)
    frame = pd.DataFrame({"a": a, "b": b, "y": a + rng.normal(size=3 * n), "regime": regime})
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a", "b"])
    fit = ig.InterventionModel(ig.Polynomial(1), structure=[]).fit(data, method="laplace")
    table, flags = fit.effects(), fit.effects().attrs["support"]
    for name in ("a", "b"):
        ends = fit.dose_response(name, table.loc[name, ["from", "to"]].to_list())
        assert (flags[name] == "supported") == (ends.support == "supported").all()
    far = [name for name, flag in flags.items() if flag != "supported"]
    assert far
    words = f"BEYOND THE SUPPORT of the data: the moves of {', '.join(far)}."
    assert words in str(fit)
    assert words in fit._repr_html_()


def test_print_says_what_was_asked_and_whether_to_trust_it(posterior):
    text = str(posterior)
    for words in ("E[y | do(a1, a2)]", "3,000 rows", "mode was found", "90% credible interval"):
        assert words in text


@pytest.mark.parametrize(
    ("at", "do", "words"),
    [
        ({"a1": 0.0}, None, ["a2", "missing", "do=None"]),
        ({"a1": 0.0, "a2": np.nan}, None, ["a2", "missing or infinite"]),
        ({"a1": [0.0, 1.0], "a2": [0.0, 1.0, 2.0]}, None, ["equally many"]),
        ({"a1": 0.0, "a2": 0.0}, ["price"], ["do", "price", "a1"]),
        (3, None, ["at must be"]),
    ],
)
def test_bad_questions_are_refused(posterior, at, do, words):
    with pytest.raises(ig.QueryError) as caught:
        posterior.expected_outcome(at, do=do)
    for word in words:
        assert word in str(caught.value)


def test_mixed_effect_that_the_data_do_not_identify_is_refused():
    frame = polynomial.make_data(50, random_seed=1)
    both = frame.assign(regime=frame["regime"].replace("a1", "a1+a2"))
    data = ig.RegimeData.from_frame(both, outcome="y", actions=["a1", "a2"]).drop("a2")
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
    with pytest.raises(ig.NotIdentifiedError, match=r"do\(a1\)\] is not identified"):
        posterior.expected_outcome({"a1": 0.0, "a2": 0.0}, do="a1")


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_merged_moments_fit_like_all_rows_with_the_same_basis(data, points):
    """Moments of two days in one frozen basis, merged, give the fit of all rows in that basis."""
    frame = polynomial.make_data(1000, random_seed=4)
    days = [
        ig.RegimeData.from_frame(part, outcome="y", actions=["a1", "a2"])
        for part in (frame.iloc[::2], frame.iloc[1::2])
    ]
    first = ig.Moments.from_data(days[0])
    merged = first.merge(ig.Moments.from_data(days[1], like=first))
    whole = ig.Moments.from_data(data, like=first)
    fits = [
        ig.InterventionModel().fit(m, method="laplace", draws=400, random_seed=2)
        for m in (merged, whole)
    ]
    found, expected = (fit.expected_outcome(points) for fit in fits)
    assert_allclose(found, expected, rtol=1e-6)


def test_any_names_that_cannot_be_confused_will_do():
    """Spaces and signs in names are fine; names that make two features look alike are refused."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(240, 3)), columns=["a", "b", "a b"])
    frame["regime"] = np.repeat(["obs", "a", "b", "a b"], 60)
    frame["y"] = 5 * frame["a b"] + 0.1 * rng.normal(size=240)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a", "b", "a b"])
    with pytest.raises(ig.ModelError, match="look the same"):
        ig.InterventionModel(ig.Polynomial(2), structure="full").fit(data, method="laplace")
    fit = ig.InterventionModel(ig.Polynomial(2), structure=[]).fit(data, method="laplace")
    effect = fit.expected_outcome({"a": 0.0, "b": 0.0, "a b": 1.0})
    assert abs(float(effect.mean()) - 5) < 4 * float(effect.std())


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")  # few rows, Laplace
def test_effects_are_shown_only_if_identified(data):
    fit = ig.InterventionModel().fit(data.drop("a2"), method="laplace", target=["a1"])
    with pytest.raises(ig.NotIdentifiedError, match="'a2'"):
        fit.effects()


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")  # few rows, Laplace
def test_a_fit_shows_its_target_where_the_joint_effect_is_not_identified(data, tmp_path):
    fit = ig.InterventionModel().fit(data.drop("a2"), method="laplace", target=["a1"])
    fit.save(tmp_path / "fit.nc")
    for posterior in (fit, ig.load(tmp_path / "fit.nc")):
        assert posterior.target == ("a1",)
        shown = str(posterior)
        assert shown.startswith("Posterior of E[y | do(a1), a2] from ")
        assert "not identified" not in shown
        table = posterior.effects("a1")
        assert shown.endswith(table.to_string(float_format=lambda x: f"{x:.4g}"))
    assert table.index.tolist() == ["a1"]
    ends = {"a1": table.loc["a1", ["from", "to"]].to_numpy(float)}
    at = pd.DataFrame(ends).assign(a2=fit.summary.scales["a2"].centre)
    change = fit.expected_outcome(at, "a1").diff("point")
    assert_allclose(table.loc["a1", "mean"], change.mean())
    with pytest.raises(ig.QueryError, match="do sets none"):
        fit.effects([])
    whole = ig.InterventionModel().fit(data, method="laplace", target=["a1"])
    assert str(whole).startswith("Posterior of E[y | do(a1, a2)] from ")
    alone = ig.InterventionModel().fit(data.drop(["a1", "a2"]), method="laplace", target="obs")
    assert str(alone).startswith("Posterior of E[y | a1, a2] from ")
    assert str(alone).endswith("Nothing is set in it, so that it has no effects.")


@pytest.mark.parametrize("probability", [0.0, 1.0, 2.0, -0.5, np.nan])
def test_intervals_need_a_probability(posterior, points, probability):
    with pytest.raises(ig.QueryError, match="between 0 and 1"):
        posterior.table(points, probability=probability)


@pytest.mark.parametrize("outcome", ["weight", "chain", "draw", "sales/day", "outcome"])
def test_outcomes_may_have_any_name(tmp_path, outcome):
    frame = polynomial.make_data(30, random_seed=1).rename(columns={"y": outcome})
    data = ig.RegimeData.from_frame(frame, outcome=outcome, actions=["a1", "a2"])
    fit = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=20)
    fit.save(tmp_path / "fit.nc")
    assert ig.load(tmp_path / "fit.nc").expected_outcome({"a1": 0.0, "a2": 0.0}).name == outcome
