"""One simulated data set of a calibration, fitted and compared with what it was drawn from.

What all units of a study share (the fit, its rows) lies in files; a digest of their content is
among the fields of a unit, so that results of another fit are never taken for those of this one.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bayes_intgen.base.types import Array
from bayes_intgen.inference.draws_tree import hyperparameters
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.estimands.estimand import Estimand
from bayes_intgen.posterior.posterior import Posterior, load
from bayes_intgen.studies.refit.model_text import read_model
from bayes_intgen.studies.refit.simulate_rows import one_draw, read_like, simulate_outcome
from bayes_intgen.studies.runner.unit import Row, fit_in_unit

__all__ = ["FIT", "LEVELS", "ROWS", "RefitUnit", "rank_among_quantiles"]

FIT, ROWS = "fit.nc", "rows.parquet"
LEVELS = np.arange(1, 80) / 80
HYPERPARAMETERS = ("prior_scale", "lengthscale")

type Source = Literal["posterior", "prior"]


@dataclass(frozen=True)
class RefitUnit:
    """Draw the truth, simulate the outcomes, fit, and compare.

    Parameters
    ----------
    source
        What the truth is drawn from: the ``posterior`` in the folder, or the model's ``prior``.
    index
        Number of the data set.
    seed
        Seed of the study; everything random follows from it and the index.
    folder
        Where :data:`FIT` and :data:`ROWS` are.
    digest
        Of their content.
    model
        The model that is fitted, as :func:`write_model` writes it.
    estimand
        What is compared, as :meth:`Estimand.to_text` writes it.
    method, draws, chains
        Of the fit.
    target
        Label of the regime that the data must identify.
    """

    source: Source
    index: int
    seed: int
    folder: str
    digest: str
    model: str
    estimand: str
    method: str
    draws: int
    chains: int
    target: str

    @property
    def name(self) -> str:
        """Source and number."""
        return f"{self.source}-{self.index:05d}"

    def run(self) -> list[Row]:
        """Return a row per quantity: truth, posterior mean, sd and quantiles."""
        fitted = load(Path(self.folder, FIT))
        rows = pd.read_parquet(Path(self.folder, ROWS))
        estimand = Estimand.from_text(self.estimand)
        start = time.perf_counter()
        truth, fit = self._simulate(fitted, rows)
        seconds = time.perf_counter() - start
        whole = self.source == "prior"
        wanted = _quantities(truth, estimand, whole, self.method)
        return [
            {
                "refit": self.index,
                "quantity": name,
                "truth": float(wanted[name][0]),
                "mean": float(values.mean()),
                "sd": float(values.std(ddof=1)),
                "quantiles": np.quantile(values, LEVELS).tolist(),
                "converged": fit.convergence.ok,
                "seconds": seconds,
            }
            for name, values in _quantities(fit, estimand, whole, self.method).items()
        ]

    def _simulate(self, fitted: Posterior, rows: pd.DataFrame) -> tuple[Posterior, Posterior]:
        """Return the truth, a posterior of one draw, and the fit of outcomes simulated from it."""
        rng, model = np.random.default_rng([self.seed, self.index, 8]), read_model(self.model)
        reference = None
        if self.source == "posterior":
            sizes = fitted.idata["posterior"].sizes
            truth = one_draw(fitted, int(rng.integers(sizes["chain"] * sizes["draw"])))
        else:  # keeps unit and basis of the rows at hand, in which the prior is stated
            reference = Moments.from_data(read_like(fitted, rows), basis=model.basis)
            truth = one_draw(model.sample_prior(reference, 1, int(rng.integers(2**31))), 0)
        simulated = rows.assign(**{fitted.outcome: simulate_outcome(truth, rows, rng)})
        data = read_like(fitted, simulated)
        fit = fit_in_unit(
            model,
            data if reference is None else Moments.from_data(data, like=reference),
            method=self.method,
            draws=self.draws,
            chains=self.chains,
            random_seed=int(rng.integers(2**31)),
            target=() if self.target == "obs" else self.target,
        )
        return truth, fit


def rank_among_quantiles(truth: Array, quantiles: Array) -> Array:
    """Return the share of draws below each truth, of which only the 79 quantiles are known.

    The quantiles run along one more axis than the truths have, the last.
    """
    shares = np.concatenate([[0.0], LEVELS, [1.0]])
    ranks = np.empty_like(truth)
    for place in np.ndindex(*truth.shape):
        q = quantiles[place]
        # the least and the largest draw are not kept: one more step of the quantiles
        edges = np.concatenate([[2 * q[0] - q[1]], q, [2 * q[-1] - q[-2]]])
        ranks[place] = np.interp(truth[place], edges, shares)
    return ranks


def _quantities(
    posterior: Posterior, estimand: Estimand, whole: bool, method: str
) -> dict[str, Array]:
    """Return draws by name; with ``whole`` also of hyperparameters that the method is exact for."""
    answers = estimand.draws(posterior)
    by_name = dict(zip(estimand.names, answers.T, strict=True))
    if not whole:
        return by_name
    draws = hyperparameters(posterior.idata)
    names = ("sigma", *(HYPERPARAMETERS if method == "nuts" else ()))
    for name in (name for name in names if name in draws):
        values = draws[name].to_numpy()
        along = draws[name].dims[-1]
        for label, column in zip(
            draws[along].to_numpy().tolist(), values.reshape(-1, values.shape[-1]).T, strict=True
        ):
            by_name[f"{name} of {label}"] = column
    return by_name
