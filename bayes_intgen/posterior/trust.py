"""Questions to a posterior about itself: whether priors matter, and outcomes are predicted."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.plot_support import draw_support
from bayes_intgen.posterior.predictive_check import predictive_check
from bayes_intgen.posterior.prior_sensitivity import power_scale

__all__ = ["Trust"]


class Trust(Fitted):
    """The questions of :class:`bayes_intgen.Posterior` about how far it can be trusted."""

    def prior_sensitivity(
        self, at: Any = None, baseline: Any = None, do: str | Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Ask how much answers depend on the priors, by ArviZ's power-scaling (``psense``).

        Scaled are the priors of the hyperparameters, and the likelihood of all rows; not the
        distribution of the weights given their scales, which is part of the model. (Called on
        ``posterior.idata`` without ``prior_var_names``, ArviZ scales that as well and flags every
        fit.)

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
            If the data do not determine an answer.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
        >>> posterior.prior_sensitivity()["diagnosis"].tolist()
        ['✓', '✓']
        """
        return power_scale(self, at, baseline, do)

    def predictive_check(
        self,
        data: RegimeData,
        rows: int = 200,
        regimes: Sequence[str] | None = None,
        random_seed: int = 1,
    ) -> xr.DataTree:
        """Gather rows and predictive draws for ArviZ: ``az.plot_ppc_pit(tree)`` and its relatives.

        The share of predictive draws below each outcome (PIT) is uniform if the predictive
        distribution is right. That is more than the answers need: they rest on means, and are sound
        with outcomes of any shape, while the predictive distribution has normal noise.

        Parameters
        ----------
        data
            The rows, or others of the same columns that the fit has not seen.
        rows
            How many of each regime, spread evenly over their order.
        regimes
            Labels of the regimes; all by default.
        random_seed
            Seed of the predictive noise.

        Returns
        -------
        xarray.DataTree
            Groups ``posterior_predictive``, ``observed_data`` and ``log_likelihood`` (of each row),
            each with one variable named as the outcome along ``row``, with the regime as
            ``regime_label``; and ``posterior``. ``az.plot_ppc_pit``, ``az.plot_ppc_dist`` and
            ``az.loo_pit`` take it as it is.

        Raises
        ------
        ModelError
            If the data have other columns or levels, or no such regime.
        QueryError
            If the fit holds no spread of the outcome.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
        >>> tree = posterior.predictive_check(data, rows=50)
        >>> tree["observed_data"].sizes["row"]
        150
        """
        return predictive_check(self, data, rows, regimes, random_seed)

    def plot_support(
        self,
        at: Any = None,
        do: str | Iterable[str] | None = None,
        data: RegimeData | None = None,
    ) -> Figure:
        """Draw where the experiments overlap, and how far a question reaches beyond them.

        Below the diagonal are pairs of actions, the rows of every regime over shades of the support
        flags (white: supported), with everything else at its mean or most frequent level; on the
        diagonal is the distribution of each action by regime.

        Parameters
        ----------
        at
            Query points, drawn as crosses.
        do
            The actions that are set in the question; None sets all.
        data
            The rows to draw, at most 400 of each regime. Needed by fits that were read from a file;
            others have kept some.

        Raises
        ------
        QueryError
            If there are no rows to draw, more than eight actions, or points cannot be read.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
        >>> figure = posterior.plot_support({"a1": [0.0, 1.0], "a2": 0.5})
        >>> len(figure.axes)
        4
        """
        return draw_support(self, data, at, do)
