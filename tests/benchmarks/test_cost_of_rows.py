"""What integrating the weights out is worth, and whether row-wise fits converge.

Effective draws per second as a ratio within one run. Seconds are those of sampling, after
compilation; for the compressed model those of all passes over the rows are added.
"""

import time

import arviz as az
import numpy as np
import nutpie
import pytest
import xarray as xr
from threadpoolctl import threadpool_limits

import bayes_intgen as ig
from bayes_intgen.inference.draws_tree import build_tree
from bayes_intgen.inference.rowwise import RowwiseProblem
from bayes_intgen.inference.sampling import HyperDraws
from models import hsgp, polynomial

AT = {"a1": np.array([-1.0, 0.0, 1.0]), "a2": np.array([0.5, 0.0, -1.0])}
ROWS = 10_000
HYPER = ("log_sigma", "log_scale")


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


def constant_variance(data):
    model = ig.InterventionModel(ig.Polynomial(3), "full", variance="constant")
    return model._prepare(data, weighted=False).problem


def sample(model, draws, tune=400, initial_points=None):
    """Draws of a PyMC model, the seconds they took, and leapfrog steps per draw."""
    compiled = nutpie.compile_pymc_model(model, initial_points=initial_points)
    start = time.perf_counter()
    with threadpool_limits(1):
        tree = nutpie.sample(
            compiled, draws=draws, tune=tune, chains=2, cores=2, seed=1, progress_bar=False
        )
    seconds = time.perf_counter() - start
    stats = tree["sample_stats"].dataset
    return tree["posterior"].dataset, seconds, float(stats["n_steps"].mean())


def least(parts):
    """The smallest bulk effective sample size of anything in some arrays."""
    return min(float(az.ess(part.to_dataset(name="x"))["x"].min()) for part in parts)


def effect(design, weights):
    """E[Y | do(all)] at some points, in standard units."""
    phi = design.features.evaluate(np.column_stack([AT[name] for name in design.actions]))
    theta = design.collect(weights.to_numpy(), design.active(design.actions))
    return xr.DataArray(theta @ phi.T, dims=("chain", "draw", "point"))


def compressed(data):
    start = time.perf_counter()
    problem = constant_variance(data)
    passes = time.perf_counter() - start
    found, seconds, steps = sample(problem.build(), 2000)
    start = time.perf_counter()
    x = np.concatenate([found[name].to_numpy() for name in HYPER], axis=-1)
    tree = build_tree(problem, HyperDraws(x, xr.Dataset()), 1)
    seconds += passes + time.perf_counter() - start
    joint = effect(problem.design, tree["weights"]["weight"])
    return least([joint, *(found[name] for name in HYPER)]) / seconds, steps


def whitened(data):
    problem = constant_variance(data)
    rowwise = RowwiseProblem.read(problem, data, "normal")
    model = rowwise.build()
    found, seconds, steps = sample(model, 500, 400, rowwise.start.initial_values(model))
    joint = effect(problem.design, found["weight"])
    return least([joint, *(found[name] for name in HYPER)]) / seconds, steps


def longhand(frame, data):
    found, seconds, steps = sample(polynomial.build(frame), 300)
    scales = data.summary.scales
    phi = polynomial._features(*(scales[name].standardise(AT[name]) for name in AT))
    phi = phi[:, [polynomial.FEATURES.index(name) for name in found["single"].to_numpy()]]
    joint = xr.DataArray(found["effect"].to_numpy() @ phi.T, dims=("chain", "draw", "point"))
    hyper = [found[name] for name in ("sigma", "effect_scale", "bias1_scale", "bias2_scale")]
    return least([joint, *hyper]) / seconds, steps


def test_compressed_against_rows(benchmark):
    """K=2, 10^4 rows per regime, cubic: at least 50 times that of the model written longhand."""
    frame = polynomial.make_data(ROWS, random_seed=1)
    data = read(frame)
    rates = benchmark.pedantic(
        lambda: (compressed(data), whitened(data), longhand(frame, data)), rounds=1
    )
    names = ("compressed", "row-wise, whitened", "row-wise, longhand")
    print()
    for name, (rate, steps) in zip(names, rates, strict=True):
        print(f"{name}: {rate:.1f} effective draws/s, {steps:.0f} steps/draw")
    ratios = [rates[0][0] / rate for rate, _ in rates[1:]]
    print(
        f"the first is worth {ratios[0]:.0f} times the second and {ratios[1]:.0f} times the third"
    )
    assert ratios[1] > 50


@pytest.mark.parametrize("rows", [1000, ROWS])
@pytest.mark.parametrize("likelihood", ["student_t", "heteroscedastic"])
def test_rowwise_fits_converge(benchmark, likelihood, rows):
    """The smooth model of two actions: 83 weights, 4 chains of 1000 draws."""
    data = read(hsgp.make_data(rows, random_seed=1))
    model = ig.InterventionModel(structure=[("a1", "a2")], likelihood=likelihood)
    posterior = benchmark.pedantic(lambda: model.fit(data, progressbar=False), rounds=1)
    steps = float(posterior.idata["sample_stats"]["n_steps"].mean())
    seconds = benchmark.stats.stats.total
    print(
        f"\n{likelihood}, 3 x {rows} rows: {posterior.convergence}; {steps:.0f} steps/draw, "
        f"{seconds:.0f} s"
    )
    assert posterior.convergence.ok
