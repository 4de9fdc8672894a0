"""The row-wise models against complete models written longhand, and what they refuse."""

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from pymc.initial_point import make_initial_point_fn

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.cli.main import main
from bayes_intgen.inference.rowwise import RowwiseProblem
from bayes_intgen.model.log_variance_rows import VarianceRows
from bayes_intgen.moments import feature_rows as rows_module
from bayes_intgen.moments.feature_rows import Rows
from models import heteroscedastic, student_t

pytestmark = pytest.mark.usefixtures("quick_graphs")

COMPONENTS = {"effect": "causal", "bias1": "bias:a1", "bias2": "bias:a2"}


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


def pose(data, basis, likelihood):
    problem = (
        ig.InterventionModel(basis, "full", likelihood=likelihood)
        ._prepare(data, weighted=False)
        .problem
    )
    return RowwiseProblem.read(problem, data, likelihood)


class Pair:
    """A row-wise model, its longhand twin, and one point in the terms of each."""

    def __init__(self, longhand, basis):
        self.likelihood = longhand.__name__.removeprefix("models.")
        frame = longhand.make_data(300, random_seed=1)
        rowwise = pose(read(frame), basis, self.likelihood)
        self.ours, self.theirs = rowwise.build(), longhand.build(frame)
        rng = np.random.default_rng(2)
        self.x = {
            variable.name: rng.uniform(0.5, 1.5, size=variable.eval().shape)
            for variable in self.ours.free_RVs
        }
        terms = dict(zip(self.ours.coords["term"], self.x["centred_weight"], strict=True))
        scales = dict(zip(self.ours.coords["group"], np.exp(self.x["log_scale"]), strict=True))
        self.point = {"sigma": np.exp(self.x["log_sigma"])}
        for name, component in COMPONENTS.items():
            of_component = f"{component}|"
            constant = "alpha" if name == "effect" else f"{name}_constant"
            if constant in self.theirs.named_vars:
                self.point[constant] = terms.pop(f"{of_component}1")
            [dim] = self.theirs.named_vars_to_dims[name]
            features = self.theirs.coords[dim]
            self.point[name] = np.array([terms.pop(of_component + f) for f in features])
            kept = [group for group in scales if group.startswith(of_component)]
            self.point[f"{name}_scale"] = np.array([scales[group] for group in kept])
        self.point["offset_scale"] = scales["bias|constant"]
        assert not terms
        if self.likelihood == "student_t":
            self.point["nu_above_2"] = self.x["nu_above_2"]
        else:
            self.point["variance_scale"] = np.exp(self.x["log_variance_scale"])
            self.point["variance_weight"] = self.x["variance_weight"]

    def densities(self, model, point):
        """Log density of every variable at values in the variables' own terms, by element."""
        start = make_initial_point_fn(model=model, overrides=point, jitter_rvs=set())
        variables = [*model.free_RVs, *model.observed_RVs]
        terms = model.logp(vars=variables, jacobian=False, sum=False)
        values = model.compile_fn(terms, inputs=model.value_vars)(start(1))
        return dict(zip([variable.name for variable in variables], values, strict=True))


@pytest.fixture(
    scope="module",
    params=[(student_t, ig.Polynomial(1)), (heteroscedastic, ig.Polynomial(2))],
    ids=lambda case: case[0].__name__,
)
def pair(request):
    pair = Pair(*request.param)
    pair.found = pair.densities(pair.ours, pair.x)
    pair.expected = pair.densities(pair.theirs, pair.point)
    return pair


@pytest.mark.slow
def test_likelihood_of_each_row_equals_the_longhand_model(pair):
    assert_allclose(pair.found["outcome"], pair.expected["y"], rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_priors_equal_the_longhand_model(pair):
    """Whatever the coordinates, the model is stated in weights and hyperparameters."""

    def log_scale(name):
        """The density of the logarithm, as our model states it."""
        return pair.expected[name] + np.log(pair.point[name])

    assert_allclose(pair.found["log_sigma"], log_scale("sigma"))
    by_group = dict(zip(pair.ours.coords["group"], pair.found["log_scale"], strict=True))
    assert_allclose(by_group.pop("bias|constant"), log_scale("offset_scale"))
    groups = [log_scale(f"{name}_scale") for name in COMPONENTS]
    assert_allclose(list(by_group.values()), np.concatenate(groups))
    weights = dict(zip(pair.ours.coords["term"], pair.found["centred_weight"], strict=True))
    for name, component in COMPONENTS.items():
        [dim] = pair.theirs.named_vars_to_dims[name]
        found = [weights[f"{component}|{feature}"] for feature in pair.theirs.coords[dim]]
        assert_allclose(found, pair.expected[name], rtol=1e-7, err_msg=name)
    if pair.likelihood == "student_t":
        assert_allclose(pair.found["nu_above_2"], pair.expected["nu_above_2"])
    else:
        assert_allclose(pair.found["log_variance_scale"], log_scale("variance_scale"))
        assert_allclose(pair.found["variance_weight"], pair.expected["variance_weight"])


@pytest.mark.slow
def test_the_outcome_is_observed_and_can_be_predicted(pair):
    """PyMC's own functions work on the model that ``build`` returns."""
    [outcome] = pair.ours.observed_RVs
    assert outcome.name == "outcome"
    assert {"regime", "term", "group"} <= set(pair.ours.coords)
    draws = pm.draw(outcome, 50, random_seed=3)
    assert draws.shape == (50, 900)
    assert np.isfinite(pair.ours.compile_logp()(pair.ours.initial_point()))


def test_rows_are_the_features_of_the_data():
    data = read(student_t.make_data(50, random_seed=4))
    problem = (
        ig.InterventionModel(ig.Polynomial(2), "full", variance="constant")
        ._prepare(data, weighted=False)
        .problem
    )
    features, scale = problem.design.features, problem.moments.outcome_scale
    rows = Rows.read(data, features, scale)
    rng = np.random.default_rng(5)
    weights = [rng.uniform(0.5, 2, 50) for _ in range(3)]
    weighted = rows.reweight(problem.moments, weights)
    for r, label in enumerate(data.labels):
        values, weight = data.rows(label), weights[r]
        phi, y = features.evaluate(values[:, :-1]), scale.standardise(values[:, -1])
        assert_allclose(rows.phi[r], phi)
        assert_allclose(rows.outcome[r], y)
        assert_allclose(rows.residuals([phi[0]] * 3)[r], y - phi @ phi[0])
        regime = parse_regime(label, data.actions)
        found = weighted.regression(regime)
        assert_allclose(found.gram, phi.T @ (weight[:, None] * phi), atol=1e-10)
        assert_allclose(found.cross, phi.T @ (weight * y), atol=1e-10)
        assert_allclose(weighted.log_weights[regime], np.log(weight).sum())


def test_the_unit_of_the_outcome_is_not_that_of_its_outliers():
    """Two absurd outcomes leave centre and spread, and the start of sampling, where they were."""
    frame = student_t.make_data(500, random_seed=9)
    found = []
    for absurd in (0.0, 1e6):
        frame.loc[[5, 700], "y"] += [absurd, -absurd / 2]
        rowwise = pose(read(frame), ig.Polynomial(1), "student_t")
        scale = rowwise.problem.moments.outcome_scale
        found.append([scale.centre, scale.spread, *(scale.spread * rowwise.start.weights)])
    sd = 0.05 * found[0][1]
    assert_allclose(found[1], found[0], atol=sd)


def test_variance_features_are_held_in_the_tails():
    """Of 2000 rows, 50 at either end share the features of an edge; of 16, a quarter do."""
    for n, held in ((2000, 50), (100, 10), (16, 4)):
        data = read(heteroscedastic.make_data(n, random_seed=6))
        problem = (
            ig.InterventionModel(ig.Polynomial(2), "full", variance="constant")
            ._prepare(data, weighted=False)
            .problem
        )
        rows = Rows.read(data, problem.design.features, problem.moments.outcome_scale)
        variance = VarianceRows.read(rows, problem.design.features)
        for r, psi in enumerate(variance.psi):
            assert_allclose(psi.mean(axis=0), 0, atol=1e-12)
            column = psi[:, variance.names.index("a1")]
            assert np.sum(column == column.min()) == held
            assert np.sum(column == column.max()) == held
            assert variance.limits[r, 0, 0] > rows.actions[r][:, 0].min()


@pytest.mark.parametrize("likelihood", ["student_t", "heteroscedastic"])
def test_what_has_no_rows_or_no_laplace_is_refused(likelihood, monkeypatch):
    data = read(student_t.make_data(20, random_seed=7))
    model = ig.InterventionModel(ig.Polynomial(1), [], likelihood=likelihood)
    for call in (model.build, model.fit):
        with pytest.raises(ig.ModelError, match=r"depends on every row.*give the RegimeData"):
            call(ig.Moments.from_data(data, basis=ig.Polynomial(1)))
    with pytest.raises(ig.ModelError, match="use method='nuts', or likelihood='normal'"):
        model.fit(data, method="laplace")
    monkeypatch.setattr(rows_module, "MAX_VALUES", 100)
    with pytest.raises(ig.ModelError, match=r"60 rows of 3 features.*use likelihood='normal'"):
        model.build(data)


def test_likelihood_must_be_known():
    with pytest.raises(ig.ModelError, match=r"likelihood must be one of .*'student_t'.*'cauchy'"):
        ig.InterventionModel(likelihood="cauchy")


def test_command_line_passes_the_likelihood_on(tmp_path, capsys):
    table = tmp_path / "data.csv"
    student_t.make_data(20, random_seed=8).to_csv(table, index=False)
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--out", str(tmp_path / "fit.nc")]
    arguments += ["--likelihood", "student_t", "--method", "laplace"]
    assert main(["fit", str(table), *arguments]) == 2
    assert "with --likelihood student_t the weights cannot" in capsys.readouterr().err
