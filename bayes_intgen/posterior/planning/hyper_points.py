"""The distribution of the weights given each of some draws of the hyperparameters of a fit.

A fit keeps draws of the hyperparameters, and sums over its rows
(:mod:`bayes_intgen.inference.kept_sums`), from which N(m, C) of :mod:`bayes_intgen.model.marginal`
is made anew. The Laplace approximation repeats 64 of them; of the draws of NUTS, which all differ,
as many are taken at equal distances.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.parallel import one_blas_thread, ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.inference.draws_tree import SUMS
from bayes_intgen.inference.kept_sums import KeptSums
from bayes_intgen.inference.problem import WeightsGiven
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.marginal import threads_for
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["HyperPoints", "read_hyper_points"]


@dataclass(frozen=True)
class HyperPoints:
    """Some draws of the hyperparameters, with the weights given each; all in standard units."""

    regimes: tuple[Regime, ...]  # that have rows
    mean_gram: Array  # Gbar_r per row, of centred weights, shape (regimes, weights, weights)
    centring: Centring
    given: tuple[WeightsGiven, ...]  # N(m, C) of each point
    precision: Array  # w_r = sigma_r^-2 of each point, shape (points, regimes)
    share: Array  # of the draws that each point stands for, shape (points,)
    # the point of each draw of the fit, shape (draws,); -1 where it is none of these
    owner: Indices


def read_hyper_points(fit: Fitted, most: int) -> HyperPoints:
    """Rebuild the weights given up to ``most`` draws of the hyperparameters.

    Raises
    ------
    QueryError
        If the fit keeps no sums over its rows, or these depend on one another.
    """
    tree = fit.idata
    if SUMS not in tree.children:
        raise QueryError(
            "plan: this fit does not keep the sums over its rows that planning starts from: it was "
            "saved by an earlier version, is a prior, or has another likelihood than 'normal'. Fit "
            "the rows again with likelihood='normal'."
        )
    if fit.dependence is not None and fit.dependence.declared:
        raise QueryError(
            f"plan: rows of this fit depend on one another or stand for many units "
            f"({', '.join(fit.dependence.declared)}), so that what a further row tells depends on "
            f"its cluster, which planning knows nothing of. Plan with a fit of the table read "
            f"without {'=, '.join(fit.dependence.declared)}=, whose figures then are too hopeful."
        )
    kept = KeptSums.read(tree[SUMS].to_dataset(), fit.design)
    draws, unit = tree["posterior"].to_dataset(), fit.outcome_scale.spread
    sigma = draws["sigma"].to_numpy() / unit
    columns = [np.log(sigma).reshape(-1, sigma.shape[-1])]
    scales = tree["prior_scales"].to_dataset() if "prior_scales" in tree.children else {}
    for name, held, per in (("prior_scale", scales, unit), ("lengthscale", draws, 1.0)):
        values = held[name].to_numpy() / per if name in held else np.ones((len(columns[0]), 0))
        columns.append(np.log(values).reshape(len(columns[0]), -1))
    distinct, first, owner, count = np.unique(
        np.column_stack(columns), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)  # of the draws
    picked = np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int)
    chosen = order[picked]
    owner_of = np.full(len(distinct), -1)
    owner_of[chosen] = np.arange(len(chosen))
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    points = [tuple(np.split(distinct[i], ends)) for i in chosen]
    with one_blas_thread():
        threads = threads_for(len(fit.design.weights))
        given = tuple(ordered_map(lambda x: kept.given(*x), points, threads))
    likelihood = kept.likelihood
    return HyperPoints(
        kept.regimes,
        likelihood.gram / likelihood.n[:, None, None],
        likelihood.centring,
        given,
        np.exp([-2 * x[0] for x in points]),
        count[chosen] / count[chosen].sum(),
        owner_of[owner.ravel()],
    )
