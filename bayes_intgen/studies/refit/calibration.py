"""Calibration by refitting simulated data sets, drawn from the posterior or from the prior.

:func:`refit_calibration` draws the truth from a fitted posterior, keeps every row's actions, draws
outcomes, fits them and asks for the same estimand again. What comes out is how far intervals hold
what they promise for effects like the fitted ones, with these experiments and row counts.

:func:`simulation_based_calibration` draws the truth from the prior. Averaged over the prior, ranks
are uniform if and only if inference is exact: it tests the machinery, over all effects that the
prior holds possible.
"""

import hashlib
import io
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.draws_tree import DRAWS
from bayes_intgen.inference.options import Sampling
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.posterior.estimands.estimand import Estimand
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.posterior.same_data import require_same_data
from bayes_intgen.studies.refit.interval_calibration import IntervalCalibration
from bayes_intgen.studies.refit.model_text import model_of, write_model
from bayes_intgen.studies.refit.simulate_rows import rows_of
from bayes_intgen.studies.refit.unit import FIT, ROWS, RefitUnit, Source
from bayes_intgen.studies.runner.pool import Pool, local_processes
from bayes_intgen.studies.runner.sweep import run_sweep

__all__ = ["refit_calibration", "simulation_based_calibration"]


def refit_calibration(
    posterior: Posterior,
    data: RegimeData,
    at: Any = None,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    n: int = 100,
    model: InterventionModel | None = None,
    method: str = "laplace",
    draws: int = 1000,
    random_seed: int = 1,
    out: str | Path | None = None,
    workers: int = 1,
    progressbar: bool = True,
) -> IntervalCalibration:
    """Simulate data sets from a fit, refit them, and see whether intervals hold the truth.

    Each data set has the actions (and covariates) of the given rows; its outcomes have the mean and
    the spread of one posterior draw, with normal noise (Student's t if the fit has it).

    Parameters
    ----------
    posterior
        The fit.
    data
        The rows it was fitted to.
    at, baseline, do
        The estimand: expected outcomes at some points, or contrasts with a baseline, as in
        :meth:`bayes_intgen.Posterior.expected_outcome` and ``contrast``. By default the effects of
        :meth:`bayes_intgen.Posterior.effects`.
    n
        Number of data sets. Of 100 studies of one effect so many find wrong intervals; of several
        effects, fewer data sets do:

        ===  ==================  ================
        n    30% too narrow      30% too wide
        ===  ==================  ================
        40   88                  64
        60   98                  87
        100  100                 98
        ===  ==================  ================
    model
        The model that is fitted; by default that of the posterior, as far as the fit tells (it must
        be given if priors were replaced). Another one shows what a wrong choice would do.
    method, draws
        Of the fits: ``"laplace"`` takes about a second each, ``"nuts"`` a minute.
    random_seed
        Seed of everything random.
    out
        Folder that keeps every finished data set, so that a study that was stopped goes on where it
        was; by default nothing is kept.
    workers
        Data sets at a time. More than one run in processes of their own, for which a script needs
        its ``if __name__ == "__main__":``.
    progressbar
        Whether to report progress on the standard error.

    Returns
    -------
    IntervalCalibration
        Print it for the verdict.

    Raises
    ------
    ModelError
        If an option is not valid, the posterior is not one of these data, holds lift tests (which
        are not simulated) or priors that must be given, or no data set could be fitted.
    QueryError
        If the estimand cannot be read.
    NotIdentifiedError
        If the data do not determine the answer.

    Examples
    --------
    >>> calibration = ig.refit_calibration(posterior, data, n=3, progressbar=False)
    >>> calibration.n, calibration.names
    (3, ('effect of a1', 'effect of a2'))
    """
    require_same_data(posterior, data)
    if posterior.lifts is not None:
        raise ModelError(
            "posterior: it was fitted with lift tests, which are not simulated; fit the rows alone."
        )
    estimand = Estimand.read(posterior, at, baseline, do)
    chosen = model_of(posterior) if model is None else model
    sampling = Sampling(method, draws, random_seed=random_seed)
    return _study(
        *("posterior", posterior, data, estimand, chosen, sampling),
        independent=_count_independent(estimand.draws(posterior)),
        n=n,
        out=out,
        workers=workers,
        progressbar=progressbar,
    )


def simulation_based_calibration(
    model: InterventionModel,
    data: RegimeData,
    at: Any = None,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    n: int = 200,
    method: str = "laplace",
    draws: int = 1000,
    random_seed: int = 1,
    out: str | Path | None = None,
    workers: int = 1,
    progressbar: bool = True,
) -> IntervalCalibration:
    """Draw hyperparameters, weights and outcomes from the prior, fit, and rank the truth.

    Parameters
    ----------
    model
        The model. One residual sigma per regime is drawn and fitted, whatever its ``variance``.
    data
        Rows whose actions are kept; their outcomes only give the unit in which priors are stated.
    at, baseline, do
        As in :func:`refit_calibration`.
    n
        Number of data sets.
    method
        ``"laplace"``, which is good enough for effects and residual sigmas, and only these are
        ranked; or ``"nuts"``, which is exact, with ranks of every hyperparameter: tens of seconds
        for each data set, most of it to compile the model anew.
    draws, random_seed, out, workers, progressbar
        As in :func:`refit_calibration`; NUTS has two chains of ``draws``.

    Returns
    -------
    IntervalCalibration
        Its verdict is about the ranks.

    Raises
    ------
    ModelError
        If an option is not valid, the likelihood is not normal, or no data set could be fitted.
    QueryError, NotIdentifiedError
        As in :func:`refit_calibration`.

    References
    ----------
    Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms
    with simulation-based calibration".

    Examples
    --------
    >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=50, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> model = ig.InterventionModel(ig.Polynomial(1), structure=[])
    >>> calibration = ig.simulation_based_calibration(model, data, n=3, progressbar=False)
    >>> calibration.source, calibration.names[2]
    ('prior', 'sigma of obs')
    """
    if not isinstance(model, InterventionModel):
        raise ModelError(f"model must be an InterventionModel, got {type(model).__name__}.")
    if model.likelihood != "normal":
        raise ModelError(
            f"model: with likelihood={model.likelihood!r} rows cannot be summed up, and a study "
            f"would take days; use likelihood='normal'."
        )
    if not isinstance(data, RegimeData):
        raise ModelError(f"data must be a RegimeData, got {type(data).__name__}.")
    chosen = replace(model, variance="constant")
    sampling = Sampling(method, draws, chains=2, random_seed=random_seed)
    prior = chosen.sample_prior(data, draws=2, random_seed=random_seed)
    estimand = Estimand.read(prior, at, baseline, do)
    return _study(
        *("prior", prior, data, estimand, chosen, sampling),
        independent=1.0,  # the fewest that they can be worth
        n=n,
        out=out,
        workers=workers,
        progressbar=progressbar,
    )


def _count_independent(answers: Array) -> float:
    """Return how many independent quantities p correlated ones are worth, given draws, (n, p).

    They are d = p^2 / sum_jk R_jk^2, with R the correlations of their draws (see (2) of
    :mod:`bayes_intgen.studies.refit.interval_calibration`). Two draws tell nothing of R.
    """
    p = answers.shape[1]
    correlation = np.corrcoef(answers.T) if len(answers) > 2 else np.eye(p)
    return float(p**2 / np.sum(np.square(correlation)))


def _study(
    source: Source,
    fitted: Posterior,
    data: RegimeData,
    estimand: Estimand,
    model: InterventionModel,
    sampling: Sampling,
    *,
    independent: float,
    n: int,
    out: str | Path | None,
    workers: int,
    progressbar: bool,
) -> IntervalCalibration:
    """Write what the units share, run them, and gather their rows."""
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 2:
        raise ModelError(f"n must be a whole number of at least 2, got {n!r}.")
    if model.likelihood != "normal" and sampling.method != "nuts":
        raise ModelError(
            f"method: a model with likelihood={model.likelihood!r} takes method='nuts'."
        )
    pool = Pool(1, lambda: ThreadPoolExecutor(1)) if workers == 1 else local_processes(workers)
    text = write_model(model)
    rows = rows_of(data, fitted)
    target = fitted.target if source == "posterior" else fitted.actions
    with ExitStack() as stack:
        folder = Path(out) if out else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        digest = _digest(fitted, rows)
        shared = folder / f"{source}-{digest}"
        _write_shared(fitted, rows, shared)
        units = [
            RefitUnit(
                source=source,
                index=index,
                seed=int(sampling.random_seed),
                folder=str(shared),
                digest=digest,
                model=text,
                estimand=estimand.to_text(),
                method=sampling.method,
                draws=sampling.draws,
                chains=sampling.chains,
                target=format_regime(target),
            )
            for index in range(int(n))
        ]
        result = run_sweep(units, folder, pool, sys.stderr if progressbar else io.StringIO())
    if not result.rows:
        last = result.failures[0].traceback.strip().splitlines()[-1]
        raise ModelError(f"data: none of the {n} simulated data sets could be fitted ({last}).")
    flags = tuple(estimand.support(fitted))
    return IntervalCalibration.from_rows(
        source, result.rows, independent, flags, len(result.failures)
    )


def _digest(fitted: Posterior, rows: pd.DataFrame) -> str:
    """Return a digest of the draws and the rows."""
    digest = hashlib.sha256()
    for name in DRAWS:
        if name in fitted.idata.children:
            for variable in fitted.idata[name].dataset.data_vars.values():
                digest.update(np.ascontiguousarray(variable.to_numpy()).tobytes())
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


def _write_shared(fitted: Posterior, rows: pd.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ROWS).exists():
        with replacing(folder / ROWS) as draft:
            rows.to_parquet(draft, index=False)
    if not (folder / FIT).exists():
        fitted.save(folder / FIT)
