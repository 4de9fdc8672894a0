"""Sensitivity of answers to the priors, by ArviZ's power-scaling.

The posterior of hyperparameters x = (sigma, scales, lengthscales) and weights is proportional to
p(x) p(weights | x) p(y | weights, x). Power-scaling asks how fast an answer moves when one factor
is raised to a power alpha near one, which takes weights of the draws at hand and no further fit:

prior
    p(x)^alpha. The distribution of the weights given their scales is not scaled: it is the model's
    own statement that curves are smooth and pieces alike, its scales are learned, and powers of it
    would mostly rescale these (the values found would be fifty times as large, of any fit).
likelihood
    p(y | weights, x)^alpha: all rows, and lift tests if there are any. Together with p(weights | x)
    this moves the weights, too, as fewer or more rows would; the marginal likelihood of x would
    move x only.

Densities are powers on the scale on which the model states them: log sigma, log scale and log
lengthscale. Draws of the Laplace approximation have 64 distinct x, so that their values are noisy,
and a flag there takes twice the threshold: of 24 sound fits (the paper's and common-support
systems, 3 actions, 2000 rows per regime) 11 are above 0.05 and none above 0.1, and of 24 with
priors that fight the data (scales of a hundredth, 100 rows per regime) 18 are above 0.1.

References
----------
Kallioinen, Paananen, Bürkner and Vehtari (2024), "Detecting and diagnosing prior and likelihood
sensitivity with power-scaling", Statistics and Computing 34.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import NotIdentifiedError, QueryError
from bayes_intgen.posterior.estimands.estimand import Estimand
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["flag_prior", "judge_prior", "prior_sensitivity"]

THRESHOLD = 0.05
LEAST_DRAWS = 100
LOGGER = "arviz_stats.psense"


def prior_sensitivity(
    fit: Fitted, at: Any = None, baseline: Any = None, do: str | Iterable[str] | None = None
) -> pd.DataFrame:
    """Ask how much answers depend on the priors, by ArviZ's power-scaling (``psense``).

    Scaled are the priors of the hyperparameters, and the likelihood of all rows; not the
    distribution of the weights given their scales, which is part of the model. (The same are
    scaled by ``arviz.psense_summary(posterior.idata)``, which asks of the hyperparameters.)

    Parameters
    ----------
    at, baseline, do
        Expected outcomes at some points, or contrasts with a baseline, as in
        :meth:`expected_outcome` and :meth:`contrast`; by default the effects of
        :meth:`effects`.

    Returns
    -------
    pandas.DataFrame
        A row per answer: ``prior`` and ``likelihood``, how fast it moves with the power of
        each; and ``diagnosis``, which is a tick where ``prior`` is below 0.05 (0.1 for Laplace
        fits, of whose hyperparameters there are 64 draws only).

    Raises
    ------
    QueryError
        If there are fewer than 100 draws, or they are draws from the prior.
    NotIdentifiedError
        If the data do not identify an answer.

    Examples
    --------
    >>> posterior.prior_sensitivity()["diagnosis"].tolist()
    ['✓', '✓']
    """
    import arviz as az  # slow to import: other queries do without

    tree = fit.idata
    if fit.convergence.method == "prior":
        raise QueryError("prior_sensitivity: these are draws from the prior; fit the data first.")
    sizes = tree["posterior"].sizes
    if sizes["chain"] * sizes["draw"] < LEAST_DRAWS:
        raise QueryError(
            f"prior_sensitivity: at least {LEAST_DRAWS} draws are needed, the fit has "
            f"{sizes['chain'] * sizes['draw']}; fit with more."
        )
    estimand = Estimand.read(fit, at, baseline, do)
    answers = estimand.draws(fit).reshape(sizes["chain"], sizes["draw"], -1)
    draws = xr.Dataset(
        {"answer": (("chain", "draw", "estimand"), answers)},
        coords={**draw_coords(fit), "estimand": list(estimand.names)},
    )
    densities = {name: tree[name].dataset for name in ("log_prior", "log_likelihood")}
    with _quiet():
        scaled = xr.DataTree.from_dict({"posterior": draws, **densities})
        table = az.psense_summary(scaled, threshold=_threshold(fit), round_to=4)
    return pd.DataFrame(table).set_index(pd.Index(estimand.names, name="question"))


def flag_prior(fit: Fitted, do: Iterable[str]) -> str | None:
    """Say in one line which effects the priors matter for; None if there is nothing to say."""
    return judge_prior(fit, do)[1] or None


def judge_prior(fit: Fitted, do: Iterable[str]) -> tuple[bool | None, str]:
    """Say whether effects do not rest on the priors, and if they do, in one line which ones.

    None if that cannot be told.
    """
    sizes = fit.idata["posterior"].sizes
    few = sizes["chain"] * sizes["draw"] < LEAST_DRAWS
    if few or "log_prior" not in fit.idata.children or fit.convergence.method == "prior":
        return None, ""
    try:
        table = prior_sensitivity(fit, do=list(do))
    except NotIdentifiedError:  # some of the effects
        return None, ""
    flagged = table[table["diagnosis"] != "✓"]
    if flagged.empty:
        return True, ""
    names = ", ".join(f"{name} ({value:.2f})" for name, value in flagged["prior"].items())
    return False, (
        f"PRIORS MATTER for {names} (power-scaling sensitivity, alarm above {_threshold(fit)}): "
        f"see prior_sensitivity(), and say why these priors."
    )


def _threshold(fit: Fitted) -> float:
    """Return the sensitivity above which there is an alarm."""
    return THRESHOLD * (2.0 if fit.convergence.method == "laplace" else 1.0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ArviZ from logging what the table says."""
    logger = logging.getLogger(LOGGER)
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
