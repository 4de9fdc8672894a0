"""The No-U-Turn sampler (nutpie) over the hyperparameters, the weights integrated out.

It moves in the coordinates z of x = mode + L z, where L L' is the covariance of the Laplace
approximation, in which most hyperparameters are close to independent and normal.

A transition takes some seven gradients, each a factorisation of the precision of all weights. So
the chains run in the approximation by blocks of :mod:`bayes_intgen.model.block_density`, p~(x), in
a fraction of the time, three transitions for two draws, and are corrected afterwards: draw s has
the importance weight

    (1)  w_s = p(x_s | y) / p~(x_s),

by the factorisation from which its weights are drawn anyway. These w_s are smoothed in their tail
(Vehtari and others 2024), and each chain is resampled in its order, draw s about as often as its
share of the chain's sum of w says (systematically, by one uniform number a chain: Kitagawa 1996).
What is drawn twice stands twice in a row, so that effective sample sizes take it into account.
Where the w_s are too uneven, in all chains or in one, or have far smaller sums in one chain than in
another, nothing of this is used, and NUTS runs in the exact density, as it does for a few draws and
where all weights are in one block.

Eight systems of five actions with one to eight edges (10^4 rows per regime; 300 to 670 weights; 4
chains of 1000 draws; two or three seeds each): whole fits take 12 to 42 s, 27 s in the median; the
worst hyperparameter has 730 to 3100 effective draws, R-hat is at most 1.009, and the weighted draws
of each chain are worth .45 to 1.00 times as many. With one transition a draw a quarter of the time
is saved, but R-hat reaches 1.013. In one run (``tests/benchmarks/test_nuts_cost.py``)
hyperparameters and weights take .33 times as long as by exact NUTS with 344 weights, .27 times with
394 and 436.

References
----------
Kitagawa (1996), "Monte Carlo filter and smoother for non-Gaussian nonlinear state space models",
Journal of Computational and Graphical Statistics 5.
Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", Journal of
Machine Learning Research 25.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_intgen.base.parallel import available_cores, one_blas_thread
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.inference.draws_tree import HyperDraws
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.block_density import block_density
from bayes_intgen.model.compiled_density import CompiledDensity
from bayes_intgen.model.each_draw import draw_weights_of_each

__all__ = ["ChainStart", "run_nuts", "sample_nuts"]

START_SPREAD = 1.5  # wider than the posterior, as R-hat asks of the starts of chains
TARGET_ACCEPT = 0.7
TUNE = 100
TRANSITIONS = 1.5  # for each draw, where they take little time
FEWEST = 100  # draws of a chain whose weights tell how uneven they are
# how many equally weighted draws those of a chain must be worth, as a part of their number; the
# largest Pareto k of many; and the largest ratio of the sums of two chains
LEAST_EFFICIENCY, HEAVIEST_TAIL, MOST_APART = 0.25, 0.7, 2.0


@dataclass(frozen=True)
class ChainStart:
    """Where chains start and how carefully they step."""

    initvals: Mapping[str, Any]  # initial values by variable
    # whether the sampler spreads the chains around them by up to one in each coordinate
    jitter: bool = True
    # acceptance that the step size aims at; None leaves it to the sampler
    target_accept: float | None = None


def sample_nuts(problem: Problem, mode: LaplaceMode, sampling: Sampling) -> HyperDraws:
    """Sample the hyperparameters, through the approximation by blocks where that is good enough.

    Each chain starts from its own draw of the Gaussian at the mode, widened by half.

    Returns
    -------
    HyperDraws
        ``sample_stats`` is about the chains. If their draws were weighted, these are the chains
        before any draw is repeated or left out, so that no divergence is lost: draw d of a chain is
        its draw ``resampled_from[d]``. There also are ``importance_efficiency`` of each chain, how
        many equally weighted draws its own are worth as a part of their number (the squared sum
        over the sum of squares: Kish 1965), and ``pareto_k``, how heavy the tail of the weights is;
        and ``logp``, that of the draws in the posterior, stands beside ``logp_approximate``, that
        of the chains where they ran.
    """
    root = np.linalg.cholesky(mode.covariance)
    parts = problem.likelihood, problem.scales, problem.hyperpriors, mode.mode, root
    with one_blas_thread():
        enough = sampling.draws >= FEWEST
        approximate = block_density(*parts) if enough else None
        # compiled code that was kept, not the PyMC model, which each data set compiles anew
        exact = CompiledDensity.of(*parts)
        if approximate is None:
            return _sample(exact, sampling, TRANSITIONS)
        drawn = _sample(approximate, sampling, TRANSITIONS)
        return _correct(problem, drawn, sampling.random_seed) or _sample(exact, sampling, 1)


def _sample(density: CompiledDensity, sampling: Sampling, transitions: float) -> HyperDraws:
    """Run the chains in coordinates z, so many transitions for each draw."""
    import nutpie  # slow to import: laplace and all that does not fit do without

    size = len(density.centre)

    def start(seed: int) -> Array:
        return START_SPREAD * np.random.default_rng(seed).standard_normal(size)

    compiled = nutpie.compiled_pyfunc.from_pyfunc(
        size,
        lambda: density,
        lambda *seeds: lambda z: {"z": z},
        [np.dtype(float)],
        [(size,)],
        ["z"],
        make_initial_point_fn=start,
    )
    tune = TUNE if sampling.tune is None else sampling.tune
    result = nutpie.sample(
        compiled,
        draws=int(sampling.draws * transitions),
        tune=max(tune, 1),  # it does not start with none
        chains=sampling.chains,
        cores=_cores(sampling),
        seed=sampling.random_seed,
        save_warmup=False,
        progress_bar=sampling.progressbar,
        target_accept=TARGET_ACCEPT,
    )
    z = result["posterior"].dataset["z"].to_numpy()
    if z.shape[:2] != (sampling.chains, int(sampling.draws * transitions)):
        raise KeyboardInterrupt  # which the sampler keeps to itself
    last = ((np.arange(sampling.draws) + 1) * transitions).astype(int) - 1
    x = density.centre + z[:, last] @ density.root.T
    return HyperDraws(x, _by_draw(_statistics(result), last))


def _by_draw(stats: xr.Dataset, last: Indices) -> xr.Dataset:
    """Return the statistics of the last transition of each draw, with the troubles of all.

    A draw diverged, or reached the tree depth, if a transition on the way to it did; its steps are
    those of all, its depth the largest.
    """
    found = stats.isel(draw=last).assign_coords(draw=np.arange(len(last)))
    first = np.append(0, last[:-1] + 1)
    summaries = {
        "n_steps": np.add,
        "diverging": np.maximum,
        "maxdepth_reached": np.maximum,
        "depth": np.maximum,
    }
    for name, summary in summaries.items():
        if name in stats:
            found[name] = ("chain", "draw"), summary.reduceat(stats[name].to_numpy(), first, axis=1)
    return found


def _correct(problem: Problem, drawn: HyperDraws, random_seed: int) -> HyperDraws | None:
    """Resample each chain by (1), with weights; None where their worth does not allow it."""
    likelihood, (chains, draws, size) = problem.likelihood, drawn.x.shape
    x = drawn.x.reshape(-1, size)
    rng = np.random.default_rng([random_seed, 2])
    noise = rng.standard_normal((len(x), likelihood.cross.shape[1]))
    weights, log_density = draw_weights_of_each(likelihood, *problem.log_sds(x), noise)
    log_density += problem.hyperpriors.log_density(x).sum(axis=1)
    log_density = log_density.reshape(chains, draws)
    smoothed = _smooth(log_density - drawn.sample_stats["logp"].to_numpy())
    if smoothed is None:
        return None
    importance, pareto_k = smoothed
    rng = np.random.default_rng([random_seed, 7])
    chosen = np.array([_systematic(own, rng) for own in importance])
    chain, dims = np.arange(chains)[:, None], ("chain", "draw")
    stats = drawn.sample_stats.rename(logp="logp_approximate").assign(
        logp=(dims, log_density[chain, chosen]),
        resampled_from=(dims, chosen),
        importance_efficiency=("chain", _efficiency(importance)),
        pareto_k=pareto_k,
    )
    weights = likelihood.centring.to_weights(weights).reshape(chains, draws, -1)
    return HyperDraws(drawn.x[chain, chosen], stats, weights[chain, chosen])


def _smooth(log_ratio: Array) -> tuple[Array, float] | None:
    """Return importance weights and Pareto k; None where they are of no use.

    ``log_ratio``: logarithms of (1), up to a constant; shape (chains, draws), as the weights have.
    """
    from arviz_stats.base import array_stats  # slow to import, as above

    if not np.isfinite(log_ratio).all():
        return None
    try:  # made for leaving one out, it takes minus the logarithm
        log_importance, pareto_k = array_stats.psislw(-log_ratio.ravel())
    except ValueError:  # the largest are all the same: a chain stood still there
        return None
    importance = np.exp(log_importance).reshape(log_ratio.shape)
    sums = importance.sum(axis=1)
    # with few draws k is less certain, and less is borne (Vehtari and others 2024)
    heaviest = min(1 - 1 / np.log10(log_ratio.size), HEAVIEST_TAIL)
    if sums.max() > MOST_APART * sums.min() or not pareto_k <= heaviest:
        return None
    enough = _efficiency(importance).min() >= LEAST_EFFICIENCY
    return (importance, float(pareto_k)) if enough else None


def _efficiency(importance: Array) -> Array:
    """Return how many draws those of each chain are worth, as a part of their number."""
    squares = importance.shape[1] * np.sum(importance**2, axis=1)
    return np.asarray(importance.sum(axis=1) ** 2 / squares)


def _systematic(weight: Array, rng: np.random.Generator) -> Array:
    """Return positions in ascending order, each about as often as its weight says."""
    size = len(weight)
    level = np.cumsum(weight / weight.sum())
    steps = (rng.random() + np.arange(size)) / size
    return np.minimum(np.searchsorted(level, steps), size - 1)


def _cores(sampling: Sampling) -> int:
    return min(sampling.chains, sampling.cores or available_cores())


def _statistics(result: xr.DataTree) -> xr.Dataset:
    """Return what the sampler says about itself, but for Python objects, which no file takes."""
    stats = result["sample_stats"].dataset
    texts = [name for name, variable in stats.variables.items() if variable.dtype == object]
    return stats.drop_vars(texts)


def run_nuts(
    model: pm.Model, sampling: Sampling, start: ChainStart
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sample a model with the No-U-Turn sampler (nutpie, through ``pymc.sample``).

    Linear algebra runs on one thread per chain: the chains already use the cores.

    Returns
    -------
    posterior, sample_stats
        The draws, and what the sampler says about itself.
    """
    accept = start.target_accept
    with one_blas_thread(), model:
        result = pm.sample(
            draws=sampling.draws,
            tune=sampling.tune,
            chains=sampling.chains,
            cores=_cores(sampling),
            random_seed=sampling.random_seed,
            progressbar=sampling.progressbar,
            compute_convergence_checks=False,
            initvals=dict(start.initvals),
            compile_kwargs={} if start.jitter else {"jitter_rvs": set()},
            nuts={} if accept is None else {"target_accept": accept},
        )
    return result["posterior"].dataset, _statistics(result)
