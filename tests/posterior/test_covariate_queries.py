"""Covariates in the design, the support flags, files and the command line."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.cli.main import main
from bayes_intgen.design.basis.choice import freeze_bases, match_bases
from bayes_intgen.design.design import Design
from bayes_intgen.moments.feature_rows import Rows
from bayes_intgen.posterior.support import classify_support
from models import covariate

# few rows, at which the Laplace approximation may differ from the posterior
pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

DIMS = ("chain", "draw")
PARENTS = {"a1": (), "a2": ("a1",)}


@pytest.fixture(scope="module")
def frame():
    frame = covariate.make_data(300, random_seed=1)
    frame["site"] = np.resize(["north", "south", "west"], len(frame))
    return frame


@pytest.fixture(scope="module")
def data(frame):
    return ig.RegimeData.from_frame(
        frame, "y", ["a1", "a2"], categorical=["site"], covariates=["z", "site"]
    )


@pytest.fixture(scope="module")
def posterior(data):
    model = ig.InterventionModel(ig.Polynomial(2), [("a1", "a2")])
    return model.fit(data, method="laplace", draws=200, random_seed=2)


# The design


def terms(design, component):
    """Return which variables appear together in a component."""
    chosen = [weight for weight in design.weights if weight.component == component]
    return {" ".join(sorted(weight.feature.actions)) for weight in chosen}


SINGLE = {"", "a1", "a2", "site", "z"}
MODIFIED = {"a1 z", "a2 z", "a1 site", "a2 site", "site z"}


@pytest.mark.parametrize("basis", [ig.HSGP(4, 2), ig.Polynomial(2)])
@pytest.mark.parametrize(
    ("interactions", "causal", "bias1"),
    [
        ("none", SINGLE | MODIFIED, {"", "a1", "z", "site", "a1 z", "a1 site", "site z"}),
        (
            "pairwise",
            SINGLE | MODIFIED | {"a1 a2"},
            {"", "a1", "z", "site", "a1 z", "a1 site", "site z"},
        ),
        ("all", SINGLE | MODIFIED | {"a1 a2"}, SINGLE | MODIFIED | {"a1 a2"}),
    ],
)
def test_components_of_each_order_of_interactions(data, basis, interactions, causal, bias1):
    bases = freeze_bases(basis, data.variables, data.summary)
    design = Design.build(bases, PARENTS, interactions, covariates=data.covariates)
    assert (design.actions, design.variables) == (data.actions, data.variables)
    assert {name for name in terms(design, "causal") if len(name.split()) < 3} == causal
    assert {name for name in terms(design, "bias:a1") if len(name.split()) < 3} == bias1
    assert terms(design, "bias:a2") >= SINGLE | MODIFIED | {"a1 a2"}
    assert {weight.component for weight in design.weights} == {"causal", "bias:a1", "bias:a2"}
    again = Design.from_dict(design.to_dict())
    assert again.covariates == ("z", "site")
    assert again.weights == design.weights


def test_pieces_of_covariates_have_a_prior_of_their_own(data):
    bases = freeze_bases(ig.HSGP(warp=None), data.variables, data.summary)
    design = Design.build(bases, PARENTS, "none", covariates=data.covariates)
    kinds = dict(zip(design.groups, design.group_kinds(), strict=True))
    assert kinds["shared|a1:smooth"] == "wiggly"
    assert kinds["bias:a2|a1*a2"] == "pair"
    for group in (
        "causal|z:linear",
        "bias:a1|z:smooth",
        "bias:a1|z:warped",
        "causal|a1*z",
        "bias:a2|site:level",
    ):
        assert kinds[group] == "covariate"
    assert design.smooth_actions == ("a1:warped", "a1", "a2:warped", "a2", "z:warped", "z")
    found = ig.Priors(covariate=ig.LogNormal(0.2, 0.1)).of_each(0, ["covariate"], [])
    assert found == [ig.LogNormal(0.2, 0.1)]


def test_covariates_have_fewer_functions_in_products_unless_named(data):
    summary, names = data.summary, ("a1", "a2", "z")
    raw = ig.HSGP(12, warp=0)
    bases = freeze_bases(raw, data.variables, summary)
    assert [bases[name].m_pair for name in names] == [5, 5, 3]
    assert match_bases(raw, bases, data.covariates) == bases
    assert freeze_bases(replace(raw, m_pair=2), data.variables, summary)["z"].m_pair == 2
    assert freeze_bases(dict.fromkeys(names, raw), data.variables, summary)["z"].m_pair == 5
    bases = freeze_bases(ig.HSGP(m_pair=4, warp=0), data.variables, summary)
    assert [bases[name].m_pair for name in names] == [4, 4, 3]
    auto = ig.HSGP(warp=None)
    bases = freeze_bases(auto, data.variables, summary)
    assert [bases[name].m_pair for name in names] == [2, 2, 2]  # of four variables
    assert [bases[name].m_warp for name in names] == [16, 16, 12]
    assert match_bases(auto, bases, data.covariates) == bases
    with pytest.raises(ig.ModelError, match="covariates are to be named as actions are"):
        freeze_bases({"a1": ig.HSGP(), "a2": ig.HSGP()}, data.variables, summary)


@pytest.mark.parametrize(
    "basis", [ig.HSGP(m_pair=None, warp=1), ig.HSGP(m=2, m_pair=None, warp=0)], ids=repr
)
def test_a_covariate_takes_no_more_functions_into_products_than_it_has(data, basis):
    bases = freeze_bases(basis, data.variables, data.summary)
    assert bases["z"].m_pair == (basis.warp or basis.m)
    assert match_bases(basis, bases, data.covariates) == bases


def test_fit_from_moments_is_the_fit_from_rows(data):
    model = ig.InterventionModel(structure=[("a1", "a2")], variance="constant")
    moments = ig.Moments.from_data(data)
    at = {"a1": [0.0, 1.0], "a2": 0.5, "z": [0.5, -0.5], "site": "west"}
    answers = [
        model.fit(source, method="laplace", random_seed=3).expected_outcome(at)
        for source in (data, moments)
    ]
    assert_allclose(*(answer.mean(DIMS) for answer in answers), atol=1e-6)


SLOW = pytest.param("heteroscedastic", marks=pytest.mark.slow)


@pytest.mark.parametrize("likelihood", ["student_t", SLOW])
def test_row_wise_models_take_covariates(data, posterior, likelihood):
    rows = Rows.read(data, posterior.design.features, posterior.outcome_scale)
    assert [part.shape for part in rows.actions] == [(300, 4)] * 3
    model = ig.InterventionModel(ig.Polynomial(2), likelihood=likelihood).build(data)
    terms = model.point_logps()
    assert len(terms) > 4
    assert np.isfinite(list(terms.values())).all()


# Queries


def test_answers_carry_the_covariates(posterior):
    at = pd.DataFrame({"site": ["west", "north"], "z": [0.5, -0.5], "a2": 0.0, "a1": [1.0, 2.0]})
    answer = posterior.expected_outcome(at, do="a2")
    assert answer["z"].values.tolist() == [0.5, -0.5]
    assert answer["site"].values.tolist() == ["west", "north"]
    columns = ["a1", "a2", "z", "site", "mean", "sd", "lower", "upper", "support"]
    assert list(posterior.table(at).columns) == columns
    with pytest.raises(ig.QueryError, match=r"every action and covariate, but \['z', 'site'\]"):
        posterior.expected_outcome({"a1": 0.0, "a2": 0.0})
    with pytest.raises(ig.QueryError, match=r"names \['z'\]; the actions are \['a1', 'a2'\]"):
        posterior.expected_outcome(at, do=["z"])
    with pytest.raises(ig.QueryError, match=r"^action must be one of \['a1', 'a2'\], got 'z'"):
        posterior.component("z", [0.0])


def test_average_over_a_population_is_the_mean_over_its_rows(posterior, frame):
    people = frame.loc[frame["regime"] == "obs", ["z", "site"]].assign(a1=1.0, a2=0.0)
    average = posterior.expected_outcome(people).mean("point")
    truth = covariate.truth(1.0, 0.0, people["z"]).mean()
    assert abs(average.mean() - truth) < 4 * average.std()


def test_printed(posterior):
    shown = str(posterior)
    assert shown.startswith("Posterior of E[y | do(a1, a2), z, site] from 900 rows")
    assert "\nz (covariate): polynomial of total degree 2\n" in shown
    assert "\nsite (covariate): 3 levels (north, south, west)\n" in shown
    assert "covariates at their means or most frequent levels" in shown
    assert list(posterior.effects().index) == ["a1", "a2"]
    assert {d.actions for d in posterior.additivity.tests} == {("a1", "a2")}


def test_saved_fit_answers_the_same(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert again.covariates == ("z", "site")
    at = {"a1": 1.0, "a2": [0.0, 9.0], "z": 0.5, "site": "west"}
    for do in (None, "a1"):
        pd.testing.assert_frame_equal(again.table(at, do), posterior.table(at, do))
    assert str(again) == str(posterior)


# Support


def summarise(regimes):
    frames = [pd.DataFrame(table).assign(regime=label) for label, table in regimes.items()]
    frame = pd.concat(frames, ignore_index=True)
    frame["y"] = np.arange(len(frame))
    return ig.RegimeData.from_frame(
        frame, "y", ["a1", "a2"], categorical=["site"], covariates=["z", "site"]
    ).summary


def rows(z=0.0, sites=("n", "s"), seed=1):
    a1, a2, noise = np.random.default_rng(seed).normal(size=(3, 400))
    return {"a1": a1, "a2": a2, "z": z + 0.5 * noise, "site": np.resize(sites, 400)}


def flag(summary, z, site, do=("a1", "a2"), a1=0.0, parents=None):
    values = np.array([[a1, 0.0, z, ["n", "s"].index(site)]])
    [found] = classify_support(values, do, summary, parents or {"a1": (), "a2": ()})
    return found


def test_z_must_have_been_seen_in_the_experiment_on_each_action():
    summary = summarise({"obs": rows(), "a1": rows(z=2.0, seed=2), "a2": rows(seed=3)})
    assert flag(summary, z=1.0, site="n") == SUPPORTED
    assert flag(summary, z=-1.0, site="n") == EXTRAPOLATED  # the experiment on a1 was on others
    assert flag(summary, z=-1.0, site="n", do=("a2",)) == SUPPORTED
    assert flag(summary, z=3.0, site="n", do=("a2",)) == EXTRAPOLATED
    assert flag(summary, z=9.0, site="n") == OUTSIDE


def test_an_experiment_within_one_level_says_nothing_of_another():
    summary = summarise({"obs": rows(), "a1": rows(sites="n", seed=2), "a2": rows(seed=3)})
    assert flag(summary, z=0.0, site="n") == SUPPORTED
    assert flag(summary, z=0.0, site="s") == EXTRAPOLATED
    assert flag(summary, z=0.0, site="s", do=("a2",)) == SUPPORTED


def test_settings_chosen_by_z_support_only_what_was_seen_with_it():
    """Stratified settings: a1 near z in the experiment on a1."""
    chosen = rows(seed=2)
    chosen["a1"] = chosen["z"] + 0.1 * chosen["a1"]
    summary = summarise({"obs": rows(), "a1": chosen, "a2": rows(seed=3)})
    assert flag(summary, z=1.0, site="n", a1=1.0) == SUPPORTED
    assert flag(summary, z=1.0, site="n", a1=-0.8) == EXTRAPOLATED


def test_a_parent_must_have_been_seen_with_z_where_its_child_is_set():
    regimes = {"obs": rows(), "a1": rows(seed=2), "a2": rows(z=2.0, seed=3), "a1+a2": rows(seed=4)}
    summary = summarise(regimes)
    joint = {"a1": (), "a2": ("a1",)}
    without = summarise({k: v for k, v in regimes.items() if k != "a1+a2"})
    assert flag(summary, z=-1.0, site="n", parents=joint) == SUPPORTED
    assert flag(without, z=-1.0, site="n", do=("a1",)) == SUPPORTED
    assert flag(without, z=-1.0, site="n", parents=joint) == EXTRAPOLATED


def test_spurious_edge_through_z_is_kept(frame):
    """Settings that follow z make a2 follow a1 in the experiment on a1: a superset of parents."""
    table, noise = frame.copy(), np.random.default_rng(4).normal(size=(2, len(frame)))
    table["a2"] = noise[0] - table["z"].where(table["regime"] != "a2", 0.0)
    table["a1"] = table["a1"].where(table["regime"] != "a1", table["z"] + noise[1])
    data = ig.RegimeData.from_frame(table, "y", ["a1", "a2"], covariates=["z"])
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=1)
    assert posterior.design.parents["a2"] == ("a1",)
    assert posterior.design.parents["a1"] == ()


# The command line


def test_fit_then_query(frame, tmp_path):
    source, fit, points, out = (tmp_path / n for n in ("d.csv", "fit.nc", "p.csv", "effects.csv"))
    frame.to_csv(source, index=False)
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--covariates", "z,site"]
    arguments += ["--categorical", "site", "--basis", "polynomial", "--degree", "2"]
    arguments += ["--method", "laplace", "--out", str(fit)]
    assert main(["fit", str(source), *arguments]) == 0
    table = pd.DataFrame({"z": [0.0, 1.0], "a2": 0.5, "site": "west", "a1": 1.0})
    table.to_csv(points, index=False)
    assert main(["query", str(fit), "--points", str(points), "--out", str(out)]) == 0
    found = pd.read_csv(out)
    assert list(found.columns)[:5] == ["z", "a2", "site", "a1", "mean"]  # as in the plan
    truth = covariate.truth(found["a1"], found["a2"], found["z"])
    assert (np.abs(found["mean"] - truth) < 4 * found["sd"]).all()
    table.drop(columns="z").to_csv(points, index=False)
    assert main(["query", str(fit), "--points", str(points)]) == 2
