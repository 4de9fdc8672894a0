"""The compressed model against complete models written longhand, one likelihood term per row."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.inference.verdicts.convergence import check_nuts
from models import categorical, covariate, hsgp, linear, partition, polynomial

pytestmark = pytest.mark.usefixtures("quick_graphs")


def pose(frame, basis, structure, levels, blocks, covariates):
    actions = sorted(name for name in frame if name.startswith("a"))
    data = ig.RegimeData.from_frame(frame, "y", actions, categorical=levels, covariates=covariates)
    model = ig.InterventionModel(basis, structure, blocks=blocks, variance="constant")
    return model._prepare(data).problem


COMPONENTS = {
    "effect": "causal",
    "bias1": "bias:a1",
    "bias2": "bias:a2",
    "bias12": "bias:a1+a2",
    "bias3": "bias:a3",
}


class Longhand:
    """A model written longhand, the same one of the package, and a point that both understand."""

    def __init__(self, model, basis, structure, levels=(), blocks=None, covariates=()):
        self.frame = model.make_data(2500, random_seed=4)
        self.frame.loc[0, "a1"] = 30.0  # beyond the box of an HSGP
        self.problem = pose(self.frame, basis, structure, levels, blocks, covariates)
        self.model = model.build(self.frame)
        parts = COMPONENTS.items()
        self.components = {name: part for name, part in parts if name in self.model.named_vars}
        self.regimes = [format_regime(regime) for regime in self.problem.moments.regimes]
        rng = np.random.default_rng(5)
        mean, sd = self.problem.hyperpriors.mean, self.problem.hyperpriors.sd
        self.x = mean + 0.7 * sd * rng.normal(size=len(mean))
        self.log_sigma, self.log_scale, self.log_length = self.problem.split(self.x)
        self.log_length[:] = np.log([0.4, 1.5][: len(self.log_length)])  # some sd reach exp(-40)
        self.centred = rng.normal(size=len(self.problem.design.weights))
        self.weights = self.problem.likelihood.centring.to_weights(self.centred)

    def spread_weights(self, values):
        """Cut one value per weight into the arrays of the longhand model, by name."""
        terms = [(w.component, w.feature.name) for w in self.problem.design.weights]
        left = dict(zip(terms, values, strict=True))
        found = {}
        for name, component in self.components.items():
            constant = "alpha" if component == "causal" else f"{name}_constant"
            if constant in self.model.named_vars:
                found[constant] = left.pop((component, "1"))
            [dim] = self.model.named_vars_to_dims[name]
            features = self.model.coords[dim]
            found[name] = np.array([left.pop((component, feature)) for feature in features])
        assert not left  # none is missing in the longhand model
        return found

    def spread_hyper(self, values):
        """Cut one value per hyperparameter likewise."""
        sigma, scale, length = self.problem.split(values)
        order = [self.regimes.index(label) for label in self.model.coords["regime"]]
        found = {"sigma": sigma[order]}
        for name, component in self.components.items():
            groups = [group.startswith(f"{component}|") for group in self.problem.design.groups]
            found[f"{name}_scale"] = scale[groups]
        found["offset_scale"] = scale[self.problem.design.groups.index("bias|constant")]
        return found | ({"lengthscale": length} if len(length) else {})

    def log_density(self, names):
        """Evaluate the terms of some variables, an array each, on the scale of the sampler."""
        terms = self.model.logp(vars=[self.model[name] for name in names], sum=False)
        inputs = self.model.value_vars
        function = self.model.compile_fn(terms, inputs=inputs, on_unused_input="ignore")
        hyper = {f"{name}_log__": value for name, value in self.spread_hyper(self.x).items()}
        values = function(self.spread_weights(self.centred) | hyper)
        return dict(zip(names, values, strict=True))


@pytest.fixture(
    scope="module",
    params=[
        (linear, ig.Polynomial(1), "full"),
        (polynomial, ig.Polynomial(3), "full"),
        (hsgp, HSGP(warp=0), [("a1", "a2")]),
        (categorical, ig.Polynomial(3), "full", ["a2"]),
        (partition, ig.Polynomial(3), [("a2", "a3")], (), ["a1+a2"]),
        (covariate, ig.Polynomial(2), [("a1", "a2")], (), None, ["z"]),
    ],
    ids=lambda case: case[0].__name__,
)
def longhand(request):
    return Longhand(*request.param)


def test_likelihood_given_weights_equals_the_longhand_model(longhand):
    """Same weights, same sigma: moments and rows give the same log-likelihood, regime by regime."""
    likelihood = longhand.problem.likelihood
    sigma = np.exp(longhand.log_sigma)
    found = likelihood.log_likelihood(longhand.weights[None], sigma[None])[0]
    by_row = longhand.log_density(["y"])["y"]
    regime = longhand.frame["regime"].to_numpy()
    expected = [by_row[regime == label].sum() for label in longhand.regimes]
    assert_allclose(found, expected, rtol=1e-8)


def test_prior_equals_the_longhand_model(longhand):
    """That of each weight given the hyperparameters, and that of each hyperparameter."""
    log_sd = longhand.problem.scales.log_sd(longhand.log_scale, longhand.log_length)
    weights = longhand.spread_weights(stats.norm.logpdf(longhand.centred, 0, np.exp(log_sd)))
    hyper = longhand.spread_hyper(longhand.problem.hyperpriors.log_density(longhand.x))
    expected = weights | hyper
    assert set(expected) == {variable.name for variable in longhand.model.free_RVs}
    found = longhand.log_density(list(expected))
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-7, err_msg=name)  # PyTensor: float32 log(3)


def test_nuts_posterior_equals_that_of_the_longhand_model():
    """Weights integrated out or sampled, rows or moments: E[Y | do(a)] has the same posterior."""
    frame = linear.make_data(60, random_seed=6)
    at = {"a1": np.array([-1.0, 0.0, 1.5]), "a2": np.array([0.5, 0.0, 1.0])}
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1), "full", variance="constant")
    posterior = model.fit(data, draws=1000, chains=4, random_seed=7, progressbar=False)
    assert posterior.convergence.ok, posterior.convergence
    ours = posterior.expected_outcome(at)

    with linear.build(frame):
        tree = pm.sample(
            draws=1500,
            tune=1000,
            chains=4,
            cores=2,
            target_accept=0.99,  # 0.95 now and then diverges in the funnels of the weights
            nuts_sampler="nutpie",
            random_seed=8,
            progressbar=False,
            compute_convergence_checks=False,
        )
    longhand = tree["posterior"].dataset
    assert check_nuts(longhand, tree["sample_stats"].dataset).ok
    scales = data.summary.scales
    z1, z2 = (xr.DataArray(scales[name].standardise(at[name]), dims="point") for name in at)
    effect = longhand["effect"]
    theirs = longhand["alpha"] + effect.sel(action="a1") * z1 + effect.sel(action="a2") * z2
    theirs = scales["y"].centre + scales["y"].spread * theirs

    dims = ("chain", "draw")
    for found, expected, kind in [
        (ours.mean(dims), theirs.mean(dims), "mean"),
        (ours.std(dims), theirs.std(dims), "sd"),
    ]:
        errors = [az.mcse(part.to_dataset(name="y"), method=kind)["y"] for part in (ours, theirs)]
        error = np.hypot(*(part.to_numpy() for part in errors))
        assert (error < 0.05 * theirs.std(dims)).all()  # so that agreement says something
        assert (np.abs(found.to_numpy() - expected.to_numpy()) < 3 * error).all(), kind
