"""The posterior: every question is arithmetic on its draws.

The expected outcomes are those of :mod:`bayes_intgen.posterior.fitted`; what follows from them is
in :mod:`bayes_intgen.posterior.comparisons` and :mod:`bayes_intgen.posterior.policies`, pictures of
them are in :mod:`bayes_intgen.posterior.plot_effects`, and the summaries are here.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bayes_intgen.base.arguments import read_path
from bayes_intgen.base.errors import NotIdentifiedError, QueryError
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.base.regimes import Regime, read_do
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.data.points import Beyond
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.design.identification.identify import require_known_cuts
from bayes_intgen.design.identification.model_identification import require_determined
from bayes_intgen.plots.studies import plot_structure
from bayes_intgen.posterior.plot_effects import Pictures
from bayes_intgen.posterior.predictive import predict_outcome
from bayes_intgen.posterior.prior_sensitivity import flag_prior
from bayes_intgen.posterior.report import describe_fit, show_fit
from bayes_intgen.posterior.storage import read_fit
from bayes_intgen.posterior.trust import Trust

__all__ = ["Posterior", "load"]


class Posterior(Pictures, Trust):
    """Posterior draws of a fitted model, and the questions they answer.

    Made by :meth:`bayes_intgen.InterventionModel.fit` or :func:`bayes_intgen.load`.

    Parameters
    ----------
    idata
        The draws, as a tree that every ArviZ function takes: groups ``posterior`` (sigma,
        prior_scale and weight in the outcome's unit, lengthscale in half-widths of the action's
        data; with a learned variance, sigma is that of a row whose weight is one; ``nu``, or
        ``variance_scale`` and ``variance_weight``, if the likelihood has them),
        ``sample_stats``, ``log_likelihood`` (per regime), ``log_prior`` and ``constant_data``; with
        a learned variance also ``variance``, the functions that :meth:`predict` draws from.
    design
        Features, components and possible parents.
    summary
        Counts, ranges and covariances of the data.
    outcome_scale
        Centre and spread by which the outcome was standardised.
    convergence
        The verdict on the sampler.
    learned
        The evidence on who depends on whom, if the structure was learned.
    additivity
        Which rung of the ladder of interactions the data need; None if there were no rows to test.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
    >>> posterior.actions, posterior.covariates, posterior.outcome, posterior.target
    (('a1', 'a2'), (), 'y', ('a1', 'a2'))
    >>> posterior.weights.shape[:2]  # chain, draw
    (1, 1000)
    >>> posterior.condition.status(("a1", "a2"), ["a1"])  # of the effect of moving a1
    'identified'
    >>> posterior.lifts is None, posterior.convergence.ok, posterior.additivity.ok
    (True, True, True)
    >>> sorted(posterior.idata.children)[:2]
    ['constant_data', 'log_likelihood']
    """

    def predict(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        random_seed: int = 1,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Draw the outcome under any regime: what a single unit may show.

        The spread obeys the sum rule of the mean (:mod:`bayes_intgen.model.variance_sum_rule`), so
        that it is known for every regime that is identified, with rows or without; it is never
        borrowed from another regime. Noise is normal.

        Parameters
        ----------
        at, do, beyond
            As in :meth:`expected_outcome`.
        random_seed
            Seed of the noise. That of a point depends on the seed and its place in the list, not on
            how many points there are; points share the draws of mean and spread.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point), coordinates as those of
            :meth:`expected_outcome` and, along ``point``, ``at_floor``: the share of draws in which
            the variance function fell below a hundredth of the smallest residual variance of a
            regime and was held there. Distrust intervals where it is not near zero.

        Raises
        ------
        QueryError
            As in :meth:`expected_outcome`; also if the fit has one sigma per regime
            (``variance="constant"``, moments, or ``likelihood="student_t"``) and no rows of this
            one.
        NotIdentifiedError
            If the data do not determine the mean outcome.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=2000, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace", random_seed=3)
        >>> draws = posterior.predict({"a1": 0.1, "a2": 0.2}, random_seed=4)
        >>> draws.sizes
        Frozen({'chain': 1, 'draw': 1000, 'point': 1})
        """
        return predict_outcome(self, at, do, random_seed, beyond)

    def effects(self, do: str | Iterable[str] | None = None) -> pd.DataFrame:
        """Summarise the change when one action moves from mean - sd to mean + sd.

        A categorical action moves from its most frequent level to each other one. The other actions
        and the covariates stay at their means and most frequent levels; means, sd and frequencies
        are over all regimes, weighted equally.

        Parameters
        ----------
        do
            The actions that are set, of which at least one; None sets all.

        Returns
        -------
        pandas.DataFrame
            A row per action that is set, or per level of it as ``channel[tv]``: ``from`` and ``to``
            (the action's unit, or levels), ``mean``, ``lower`` and ``upper`` of the change in
            E[Y | do(a_S), a_rest], and ``observational``, the mean change in E[Y | a], which holds
            the confounding too (the outcome's unit). No number where the data do not determine the
            change.

        Raises
        ------
        QueryError
            If ``do`` sets nothing, names an unknown action, or cuts a block as no experiment does.
        NotIdentifiedError
            If the data determine none of the changes in E[Y | do(a_S), a_rest].

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> list(posterior.effects().columns)
        ['from', 'to', 'mean', 'lower', 'upper', 'observational']
        """
        regime = read_do(do, self.actions)
        if not regime:
            raise QueryError("do: an effect is that of an action that is set, and do sets none.")
        require_known_cuts(self.summary.regimes, regime, self.design.blocks)
        moves = [move for move in reference_contrasts(self.summary) if move.action in regime]
        before = np.array([move.before for move in moves])
        after = np.array([move.after for move in moves])
        known, observed = (self._known(before, after, which) for which in (regime, ()))
        if not any(known):
            require_determined(self.condition, regime, regime)
        joint = self._change(before, after, regime)
        seen = self._change(before, after, ())
        lower, upper = credible_interval(joint)
        columns = {
            "from": [move.start for move in moves],
            "to": [move.end for move in moves],
            "mean": np.where(known, joint.mean(("chain", "draw")), np.nan),
            "lower": np.where(known, lower, np.nan),
            "upper": np.where(known, upper, np.nan),
            "observational": np.where(observed, seen.mean(("chain", "draw")), np.nan),
        }
        return pd.DataFrame(columns, index=pd.Index([move.name for move in moves], name="action"))

    def plot_structure(self, ax: Axes | None = None) -> Axes:
        """Draw which action may depend on which: learned, with its evidence, or as given.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> from matplotlib import pyplot as plt
        >>> posterior.plot_structure().get_title()
        'Dependences between actions'
        >>> plt.close()
        """
        given = [(p, child, "given") for child, ps in self.design.parents.items() for p in ps]
        learned = self.learned.edges if self.learned else ()
        found = [(e.parent, e.child, e.status) for e in learned if e.status != "absent"]
        axes = ax if ax is not None else plt.subplots(figsize=(4, 4), layout="constrained")[1]
        return plot_structure(axes, self.actions, found if self.learned else given)

    def __str__(self) -> str:
        regime, effects = self._shown()
        text = describe_fit(self._state, effects, regime)
        flagged = None if isinstance(effects, str) else flag_prior(self, regime)
        return f"{text}\n{flagged}" if flagged else text

    def _repr_html_(self) -> str:
        regime, effects = self._shown()
        far = []
        for move in reference_contrasts(self.summary):
            values = np.array([move.before, move.after])
            ends = replace(self.complete({}), values=values, index=np.arange(2))
            flags = self.support(ends, regime, "clamp")
            far += [] if (flags == SUPPORTED).all() else [move.name]
        flagged = None if isinstance(effects, str) else flag_prior(self, regime)
        return show_fit(self._state, effects, regime, far, flagged)

    def _shown(self) -> tuple[Regime, pd.DataFrame | str]:
        """Return the regime by whose effects the fit is shown, and these, or why there are none."""
        joint = self.condition.affine(self.actions).identified
        regime = self.actions if joint else self.target
        if not regime:
            return (), "Nothing is set in it, so that it has no effects."
        try:
            return regime, self.effects(regime)
        except NotIdentifiedError as error:
            return regime, str(error)

    def _known(self, before: np.ndarray, after: np.ndarray, regime: Regime) -> list[bool]:
        """Say of each change of one action whether the data tell its effect."""
        moved = [self.actions[int(np.flatnonzero(step)[0])] for step in before != after]
        steps = self.functionals(after, regime) - self.functionals(before, regime)
        return [
            self.condition.status(regime, [action], step[None]) != "unknown"
            for action, step in zip(moved, steps, strict=True)
        ]

    def _change(self, before: np.ndarray, after: np.ndarray, regime: Regime) -> xr.DataArray:
        features = self.design.features
        step = features.evaluate(after) - features.evaluate(before)
        return xr.DataArray(self.theta(regime) @ step.T, dims=("chain", "draw", "action"))


def load(path: str | Path) -> Posterior:
    """Read a posterior that :meth:`Posterior.save` wrote; it answers every query.

    Parameters
    ----------
    path
        The netCDF file. Nothing in it is executed.

    Raises
    ------
    FileError
        If the file is missing, not a saved fit, or damaged.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "fit.nc"
    ...     posterior.save(path)
    ...     ig.load(path).actions
    ('a1', 'a2')
    """
    state = read_fit(read_path(path))
    return Posterior(
        state.idata,
        state.design,
        state.summary,
        state.outcome_scale,
        state.convergence,
        state.learned,
        state.additivity,
    )
