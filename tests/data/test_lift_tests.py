"""Lift tests: tables of them, what they say of the weights, and densities against longhand ones."""

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from pymc.initial_point import make_initial_point_fn
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.inference.rowwise import RowwiseProblem
from bayes_intgen.model.lift_likelihood import LiftRows
from models import polynomial

pytestmark = pytest.mark.usefixtures("quick_graphs")

TABLE = pd.DataFrame(
    {
        "action": ["a1", "a1", "a2"],
        "from": [0.0, -0.5, 0.2],
        "to": [1.0, 0.5, -0.8],
        "effect": [0.7, 1.1, -0.2],
        "se": [0.1, 0.3, 0.05],
    }
)


@pytest.fixture(scope="module")
def frame():
    return polynomial.make_data(40, random_seed=1)


def read(frame, categorical=()):
    return ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], categorical=categorical)


def pose(frame, lifts, basis=None, structure="full", interactions="none", categorical=()):
    model = ig.InterventionModel(
        basis or ig.Polynomial(3), structure, interactions, variance="constant"
    )
    return model._prepare(read(frame, categorical), lifts=lifts).problem


# Densities


@pytest.fixture(scope="module", params=[ig.Polynomial(3), ig.HSGP(m=6, m_pair=3)], ids=repr)
def problem(request, frame):
    return pose(frame, ig.LiftTests.from_frame(TABLE), request.param)


@pytest.fixture(scope="module")
def x(problem):
    mean, sd = problem.hyperpriors.mean, problem.hyperpriors.sd
    return mean + 0.7 * sd * np.random.default_rng(2).normal(size=len(mean))


def test_marginal_density_is_that_of_rows_and_tests_jointly(problem, frame, x):
    """Tests are further rows of the regression, whose standard deviations are known."""
    log_sigma, scale, length = problem.split(x)
    log_sd = problem.scales.log_sd(scale, length)
    phi = problem.design.features.evaluate(frame[["a1", "a2"]].to_numpy())
    regimes = [parse_regime(label, ("a1", "a2")) for label in frame["regime"]]
    rows = phi[:, problem.design.positions]
    rows = rows * np.array([problem.design.active(regime) for regime in regimes])
    sigma = np.exp(log_sigma)[[problem.moments.regimes.index(regime) for regime in regimes]]
    ends = []
    for side in ("from", "to"):
        values = np.full((3, 2), 0.123)  # where the other action is does not matter
        values[[0, 1, 2], [0, 0, 1]] = TABLE[side]
        ends.append(problem.design.features.evaluate(values)[:, problem.design.positions])
    causal = np.array([weight.component == "causal" for weight in problem.design.weights])
    unit = problem.moments.outcome_scale.spread
    rows = np.vstack([rows, (ends[1] - ends[0]) * causal])
    rows = problem.likelihood.centring.to_centred_rows(rows)
    noise = np.concatenate([sigma, TABLE["se"] / unit])
    y = problem.moments.outcome_scale.standardise(frame["y"].to_numpy())
    seen = np.concatenate([y, TABLE["effect"] / unit])
    covariance = (rows * np.exp(2 * log_sd)) @ rows.T + np.diag(noise**2)
    expected = stats.multivariate_normal.logpdf(seen, np.zeros(len(seen)), covariance)
    assert_allclose(problem.likelihood.log_density(log_sigma, log_sd), expected, rtol=1e-8)
    given = problem.likelihood.conditional(log_sigma, log_sd)
    precision = rows.T @ (rows / noise[:, None] ** 2) + np.diag(np.exp(-2 * log_sd))
    mean = np.linalg.solve(precision, rows.T @ (seen / noise**2))
    assert_allclose(given.mean, mean, rtol=1e-6, atol=1e-9)


def test_derivatives_equal_central_differences(problem, x):
    _, gradient = problem.log_posterior(x)
    steps = 1e-5 * np.eye(len(x))
    sides = [[problem.log_posterior(x + sign * e) for sign in (1, -1)] for e in steps]
    slopes = [(up[0] - down[0]) / 2e-5 for up, down in sides]
    bends = [(up[1] - down[1]) / 2e-5 for up, down in sides]
    assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-5)
    assert_allclose(problem.derivatives(x)[2], bends, rtol=1e-6, atol=1e-5)


def test_pymc_graph_equals_numpy(problem, x):
    function = problem.build().logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    value, gradient = function(x)
    expected, slopes = problem.log_posterior(x)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(gradient, slopes, rtol=1e-8, atol=1e-7)


def test_the_longhand_model_with_a_test_has_the_same_density(frame):
    """p(y, e | hyper) = p(y, e, w | hyper) / p(w | y, e, hyper), whatever the centred weights w."""
    table = TABLE.iloc[:1]
    problem = pose(frame, ig.LiftTests.from_frame(table))
    summary, design = problem.moments.summary, problem.design
    z0, z1 = summary.scales["a1"].standardise(np.array([0.0, 1.0]))
    unit = summary.scales["y"].spread
    hermite = [lambda z: z, lambda z: (z**2 - 1) / 2**0.5, lambda z: (z**3 - 3 * z) / 6**0.5]
    with polynomial.build(frame) as model:
        names = [list(model.coords["single"]).index(name) for name in ("a1", "a1^2", "a1^3")]
        step = np.array([f(z1) - f(z0) for f in hermite])
        moved = model["effect"][names] @ step
        pm.Normal("lift", moved, 0.1 / unit, observed=0.7 / unit)
    rng = np.random.default_rng(4)
    weights = rng.normal(size=len(design.weights))
    by_name = {(w.component, w.feature.name): v
               for w, v in zip(design.weights, weights, strict=True)}  # fmt: skip
    point = {
        "sigma_log__": np.zeros(3),
        "effect": [by_name["causal", name] for name in model.coords["single"]],
    }
    for k in ("1", "2"):
        biases = [by_name[f"bias:a{k}", name] for name in model.coords["feature"]]
        point |= {f"bias{k}": biases, f"bias{k}_scale_log__": np.zeros(5)}
    point["offset_scale_log__"] = 0.0
    point["effect_scale_log__"] = np.zeros(4)
    terms = [model[name] for name in ("y", "lift", "effect", "bias1", "bias2")]
    longhand = model.compile_fn(model.logp(vars=terms), on_unused_input="ignore")(point)
    hyper = np.zeros(3), problem.scales.log_sd(np.zeros(len(design.groups)), np.empty(0))
    given = problem.likelihood.conditional(*hyper)
    conditional = stats.multivariate_normal.logpdf(weights, given.mean, given.covariance)
    assert_allclose(problem.likelihood.log_density(*hyper), longhand - conditional, rtol=1e-7)


@pytest.mark.parametrize("likelihood", ["student_t", "heteroscedastic", "normal"])
def test_rowwise_models_hold_the_tests(frame, likelihood):
    """One normal term per test, in standard units, beside the terms of the rows."""
    lifts, data = ig.LiftTests.from_frame(TABLE), read(frame)
    model = ig.InterventionModel(ig.Polynomial(1), "full", likelihood=likelihood)
    problem = model._prepare(data, weighted=False, lifts=lifts).problem
    rowwise = RowwiseProblem.read(problem, data, likelihood)
    built = rowwise.build()
    rng = np.random.default_rng(2)
    point = {v.name: rng.uniform(0.5, 1.5, size=v.eval().shape) for v in built.free_RVs}
    start = make_initial_point_fn(model=built, overrides=point, jitter_rvs=set())(1)
    [term] = built.logp(vars=[built["effect"]], jacobian=False, sum=False)
    found = built.compile_fn(term, inputs=built.value_vars, on_unused_input="ignore")(start)
    weights = problem.likelihood.centring.to_weights(point["centred_weight"])
    by_name = dict(zip((w.name for w in problem.design.weights), weights, strict=True))
    scales, unit = problem.moments.summary.scales, problem.moments.outcome_scale.spread
    steps = [
        by_name[f"causal|{row['action']}"]
        * (row["to"] - row["from"])
        / scales[row["action"]].spread
        for _, row in TABLE.iterrows()
    ]
    expected = stats.norm.logpdf(TABLE["effect"] / unit, steps, TABLE["se"] / unit)
    assert_allclose(found, expected, rtol=1e-10)
    assert_allclose(problem.lifts.log_likelihood(weights), expected, rtol=1e-10)
    if likelihood == "normal":  # the quadratic that the sampler's coordinates rest on is exact
        w = np.exp(-2 * problem.split(rowwise.start.x)[0])
        lifts = problem.likelihood.lifts
        gram = np.tensordot(w, problem.likelihood.gram, 1) + lifts.gram
        cross = w @ problem.likelihood.cross + lifts.cross
        assert_allclose(rowwise.start.gram, gram, rtol=1e-10)
        assert_allclose(rowwise.start.cross, cross, rtol=1e-10, atol=1e-9)


# Functionals


def test_interactions_need_the_values_of_the_others(frame):
    lifts = ig.LiftTests.from_frame(TABLE)
    with pytest.raises(ig.ModelError, match=r"row 0 depends on where \['a2'\] were"):
        pose(frame, lifts, interactions="pairwise")
    held = ig.LiftTests.from_frame(TABLE.assign(a2=0.4, a1=-0.3))
    problem = pose(frame, held, interactions="pairwise")
    design = problem.design
    sides = np.array([[[0.0, 0.4], [-0.5, 0.4], [-0.3, 0.2]], [[1, 0.4], [0.5, 0.4], [-0.3, -0.8]]])
    phi = [design.features.evaluate(side)[:, design.positions] for side in sides]
    expected = (phi[1] - phi[0]) * design.active(("a1", "a2"))
    assert_allclose(problem.lifts.rows, expected, atol=1e-12)
    rows = pd.DataFrame({"a2": [0.0, 0.5, 1.0], "a1": [1.0, 0.0, 0.3], "note": ["x", "y", "z"]})
    averaged = pose(frame, ig.LiftTests.from_frame(TABLE, others=rows), interactions="pairwise")
    each = [
        pose(frame, ig.LiftTests.from_frame(TABLE.assign(a1=a1, a2=a2)), interactions="pairwise")
        for a1, a2 in zip(rows["a1"], rows["a2"], strict=True)
    ]
    mean = np.mean([part.lifts.rows for part in each], axis=0)
    assert_allclose(averaged.lifts.rows, mean, atol=1e-12)


def test_a_total_effect_is_direct_where_nothing_follows(frame):
    chain = nx.DiGraph([("a1", "a2")])
    table = TABLE[2:].assign(kind="total")
    total = pose(frame, ig.LiftTests.from_frame(table), structure=chain)
    direct = pose(frame, ig.LiftTests.from_frame(TABLE[2:]), structure=chain)
    assert_allclose(total.lifts.rows, direct.lifts.rows, atol=1e-12)
    for structure, words in [
        (nx.DiGraph([("a2", "a1")]), r"\['a1'\] may depend on it"),
        ("full", r"\['a1'\] may depend on it"),
        ("learned", "may depend on it|was learned"),
    ]:
        with pytest.raises(ig.ModelError, match=words):
            pose(frame, ig.LiftTests.from_frame(table), structure=structure)


def test_a_total_effect_with_rows_of_what_followed(frame):
    """E[Y | do(a1 = 1)] - E[Y | do(a1 = 0)] holds the effects and biases of a2 in both arms."""
    rng = np.random.default_rng(3)
    arms = tuple(pd.DataFrame({"a2": rng.normal(m, 1, 50)}) for m in (0.0, 0.5))
    table = TABLE[:1].assign(kind="total")
    problem = pose(frame, ig.LiftTests.from_frame(table, others={0: arms}))
    design = problem.design
    means = []
    for value, arm in zip((0.0, 1.0), arms, strict=True):
        values = np.column_stack([np.full(50, value), arm["a2"]])
        means.append(design.features.evaluate(values)[:, design.positions].mean(axis=0))
    expected = (means[1] - means[0]) * design.active(("a1",))
    assert_allclose(problem.lifts.rows[0], expected, atol=1e-12)
    biased = np.array([w.component == "bias:a2" for w in design.weights])
    assert np.abs(problem.lifts.rows[0, biased]).max() > 0.1


def test_levels_are_read_as_text(frame):
    coded = frame.assign(a2=np.where(frame["a2"] > 0, "high", "low"))
    table = pd.DataFrame(
        {"action": ["a2"], "from": ["low"], "to": ["high"], "effect": [1.0], "se": [0.1]}
    )
    problem = pose(coded, ig.LiftTests.from_frame(table), categorical=["a2"])
    moved = {
        w.feature.name: v
        for w, v in zip(problem.design.weights, problem.lifts.rows[0], strict=True)
        if v
    }
    assert moved == {"a2[high]": 1.0, "a2[low]": -1.0}
    with pytest.raises(ig.DataError, match="no level 'middle'"):
        pose(coded, ig.LiftTests.from_frame(table.assign(to="middle")), categorical=["a2"])


@pytest.mark.parametrize(("column", "value"), [("from", -100.0), ("to", 60.0)])
def test_values_in_a_wrong_unit_are_refused(frame, column, value):
    """They would leave the rows without functions of their own, were the box to reach so far."""
    table = TABLE.assign(**{column: [0.1, value, 0.1]})
    lifts = ig.LiftTests.from_frame(table)
    words = rf"lifts: row 1: 'a1' at {value:g} lies beyond \[.*Is it in the unit of the data\?"
    for drop in ([], ["a1"]):
        data = read(frame).drop(drop)
        moments = ig.Moments.from_data(data)
        for form in (data, moments):
            with pytest.raises(ig.ModelError, match=words):
                ig.InterventionModel().fit(form, lifts=lifts, target=[])
            with pytest.raises(ig.ModelError, match=words):
                ig.InterventionModel().identify(form, lifts=lifts)
    assert pose(frame, lifts).lifts.rows.shape[0] == 3  # polynomials have no box


def test_tests_within_the_box_leave_it_as_it_is(frame):
    basis = ig.HSGP(m=4, m_pair=2)
    bare = pose(frame, None, basis).design.features.bases["a1"]
    high = bare.limits[1]
    table = TABLE.assign(to=[0.98 * high, 0.5, -0.8])
    found = pose(frame, ig.LiftTests.from_frame(table), basis).design.features.bases["a1"]
    assert found == bare


def test_where_others_were_must_lie_within_the_box(frame):
    table = TABLE.assign(a1=0.0, a2=[0.0, 40.0, 0.0])
    with pytest.raises(ig.ModelError, match=r"lifts: row 1: 'a2' at 40 lies beyond \["):
        pose(frame, ig.LiftTests.from_frame(table), ig.HSGP(4, 2), interactions="pairwise")
    table = TABLE.assign(a1=0.0, a2=["x", "y", "z"])
    with pytest.raises(ig.ModelError, match=r"lifts: row 0, the others while it ran: "):
        pose(frame, ig.LiftTests.from_frame(table), ig.HSGP(4, 2), interactions="pairwise")


def test_a_total_effect_within_a_block_is_refused(frame):
    rows = frame.assign(regime=frame["regime"].replace({"a1": "a1+a2", "a2": "a1+a2"}))
    table = TABLE[:1].assign(kind="total", a2=0.0)
    model = ig.InterventionModel(ig.Polynomial(2), "full", blocks=["a1+a2"])
    words = r"lifts: row 0 is a total effect of 'a1', which is in one block with \['a2'\].*direct"
    with pytest.raises(ig.ModelError, match=words):
        model._prepare(read(rows), lifts=ig.LiftTests.from_frame(table))
    direct = ig.LiftTests.from_frame(table.assign(kind="direct"))
    assert model._prepare(read(rows), lifts=direct).problem.lifts.rows.any()
    arms = tuple(pd.DataFrame({"a2": [0.1, 0.2 + shift]}) for shift in (0, 1))
    cut = ig.LiftTests.from_frame(table, others={0: arms})  # rows that set a1 alone show that mean
    assert model._prepare(read(frame), lifts=cut).problem.lifts.rows.any()
    with pytest.raises(ig.ModelError, match=words):
        model._prepare(read(rows), lifts=cut)


def test_standard_errors_beyond_arithmetic_are_refused(frame):
    spread = frame.groupby("regime")["y"].std().mean()
    lifts = ig.LiftTests.from_frame(TABLE.assign(se=[0.1, 1e-9 * spread, 0.1]))
    for basis in (ig.Polynomial(3), ig.HSGP(4, 2)):
        model = ig.InterventionModel(basis, "full")
        with pytest.raises(ig.ModelError, match=r"lifts: row 1: the standard error \S+ is below"):
            model.fit(read(frame), lifts=lifts)
        with pytest.raises(ig.ModelError, match="row 1: the standard error"):
            model.identify(read(frame), lifts=lifts)
    unit = 1e-9  # of the outcome; errors are held against its spread, not against one
    tiny = frame.assign(y=frame["y"] * unit)
    table = TABLE.assign(effect=TABLE["effect"] * unit, se=TABLE["se"] * unit)
    rows = pose(tiny, ig.LiftTests.from_frame(table)).lifts
    assert_allclose(
        rows.standard_error, pose(frame, ig.LiftTests.from_frame(TABLE)).lifts.standard_error
    )


# Tables


def test_tables_of_every_kind_are_read(tmp_path):
    expected = ig.LiftTests.from_frame(TABLE)
    TABLE.rename(columns={"se": "standard_error"}).to_csv(tmp_path / "t.csv", index=False)
    TABLE.to_parquet(tmp_path / "t.parquet")
    for frame in (pl.from_pandas(TABLE), tmp_path / "t.csv", str(tmp_path / "t.parquet")):
        assert ig.LiftTests.from_frame(frame).tests == expected.tests
    assert str(expected) == "LiftTests: 3 direct effects of a1, a2"
    assert len(expected) == 3


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda t: t.drop(columns=["to"]), ig.DataError, r"columns \['to'\] are missing"),
        (lambda t: t.drop(columns=["se"]), ig.DataError, "one column 'standard_error'"),
        (lambda t: t.assign(standard_error=0.1), ig.DataError, "one column 'standard_error'"),
        (lambda t: t.assign(se=0.0), ig.DataError, "standard error must be positive"),
        (lambda t: t.assign(effect=np.nan), ig.DataError, "effect must be a finite number"),
        (lambda t: t.assign(kind="half"), ig.DataError, "kind must be 'direct' or 'total'"),
        (lambda t: t[:0], ig.DataError, "at least one row"),
        (lambda t: 3, ig.DataError, "must be a pandas, polars or pyarrow table"),
        (lambda t: "none.csv", ig.FileError, "there is no file"),
    ],
)
def test_bad_tables_are_refused(change, error, words):
    with pytest.raises(error, match=words):
        ig.LiftTests.from_frame(change(TABLE))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": "a9"}, r"\['a9'\] are not actions"),
        ({"to": 0.0, "from": 0.0}, "which is no move"),
        ({"to": "high"}, "must be a finite number, got 'high'"),
    ],
)
def test_tests_that_do_not_fit_the_data_are_refused(frame, change, words):
    table = TABLE[:1].assign(**change)
    with pytest.raises(ig.DataError, match=words):
        pose(frame, ig.LiftTests.from_frame(table))


def test_a_pair_of_tables_goes_with_a_total_effect():
    with pytest.raises(ig.DataError, match="row 1 is a direct effect"):
        ig.LiftTests.from_frame(TABLE, others={1: (TABLE, TABLE)})
    with pytest.raises(ig.DataError, match="one table or a pair"):
        ig.LiftTests.from_frame(TABLE, others={1: (TABLE,)})


def test_some_tests_can_be_taken():
    rows = LiftRows(np.eye(3), np.arange(3.0), np.ones(3))
    assert rows.take(np.zeros(3, dtype=bool)) is None
    assert rows.take(np.array([True, False, True])).effect.tolist() == [0.0, 2.0]
