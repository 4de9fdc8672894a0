"""Questions to a posterior that compare: contrasts, their probability, synergy, components.

What is computed stands in :mod:`bayes_intgen.posterior.estimands`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xarray as xr

from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.contrast import Contrast, contrast
from bayes_intgen.posterior.estimands.decomposition import decomposition
from bayes_intgen.posterior.estimands.probability import probability
from bayes_intgen.posterior.estimands.synergy import synergy
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Comparisons"]


class Comparisons(Fitted):
    """The questions of :class:`bayes_intgen.Posterior` that compare points or components."""

    def contrast(
        self,
        at: Any,
        baseline: Any,
        do: str | Iterable[str] | None = None,
        scale: Contrast = "difference",
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of how far the expected outcome at some points is from that at a baseline.

        Parameters
        ----------
        at
            The points, as in :meth:`expected_outcome`.
        baseline
            Where they are compared with, in the same form: one point for all, or one for each.
        do
            The actions that are set, at the points and at the baseline.
        scale
            ``"difference"``; ``"ratio"``, of the expected outcome at the point to that at the
            baseline; or ``"lift"``, the ratio minus one. The latter two need an outcome whose zero
            means something, and a baseline that is at least three posterior standard deviations
            from zero; where it is negative, a rise of the outcome is a negative lift.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            Dims (chain, draw, point), in the outcome's unit or as a plain number; ``support`` is
            the worse flag of both ends.

        Raises
        ------
        QueryError
            If points cannot be read, or the baseline of a ratio may as well be zero.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> rise = posterior.contrast({"a1": [0.1, 0.2], "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
        >>> rise.dims, rise.attrs["scale"]
        (('chain', 'draw', 'point'), 'difference')
        """
        return contrast(self, at, baseline, do, scale, beyond)

    def probability(
        self,
        at: Any,
        baseline: Any = None,
        do: str | Iterable[str] | None = None,
        threshold: float = 0.0,
        scale: Contrast = "difference",
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior probability that an effect exceeds a threshold.

        Parameters
        ----------
        at, baseline, do, scale, beyond
            As in :meth:`contrast`. Without a baseline the expected outcome itself is compared with
            the threshold.
        threshold
            In the outcome's unit, or a plain number for a ratio or a lift; zero, which asks whether
            there is a rise, by default.

        Returns
        -------
        xarray.DataArray
            Dim (point), with the support flags. It is about the mean outcome, not one unit's.

        Raises
        ------
        QueryError
            As :meth:`contrast`, or if the threshold is not a finite number.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> origin = {"a1": 0.0, "a2": 0.0}
        >>> posterior.probability(origin, baseline=origin).item()  # never above itself
        0.0
        """
        return probability(self, at, baseline, do, threshold, scale, beyond)

    def synergy(
        self,
        at: Any,
        pair: Sequence[str],
        baseline: Mapping[str, Any] | None = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of what moving two actions together adds to the effects of moving each.

        With m(a) = E[Y | do(a)], m(a_j, a_k) - m(a_j, b_k) - m(b_j, a_k) + m(b_j, b_k).

        Parameters
        ----------
        at
            The points, with the values to which the pair is moved and at which the others are held.
            A mapping may leave out actions beside the pair, and covariates, which stay at their
            means or most frequent levels.
        pair
            The two actions j and k.
        baseline
            The values of the pair, and of nothing else, from which it is moved, one each or one
            per point; by default their means over the regimes (weighted equally) or most frequent
            levels.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point); ``support`` is the worst flag of the
            four settings.

        Raises
        ------
        QueryError
            If the model assumes that the two do not interact, ``pair`` is not one, ``at`` leaves
            out one of it, ``baseline`` has another name, or points cannot be read.
        NotIdentifiedError
            If the data do not determine the joint effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1, interactions=1.0)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(interactions="pairwise").fit(data, method="laplace")
        >>> extra = posterior.synergy({"a1": 0.2, "a2": 0.2}, ("a1", "a2"), {"a1": 0.0, "a2": 0.0})
        >>> extra.dims
        ('chain', 'draw', 'point')
        """
        return synergy(self, at, pair, baseline, beyond)

    def decomposition(self, at: Any, beyond: Beyond = "error") -> xr.Dataset:
        """Posterior of what each action contributes, by its effect and by its confounding.

        Parameters
        ----------
        at
            The points, as in :meth:`expected_outcome`.
        beyond
            As in :meth:`expected_outcome`; flags are those of the joint effect.

        Returns
        -------
        xarray.Dataset
            In the outcome's unit: ``alpha`` (chain, draw, point), the joint effect where every
            action is at its reference, at the covariates of the point; and with dim ``action``,
            ``int``, the causal component, ``bias``, the confounding, and ``obs``, their sum. A
            block stands as one, as ``a1+a2``. On rungs with interactions also ``interaction``
            (chain, draw, point). For any set S of actions or whole blocks that are set the expected
            outcome is alpha + interaction + the sum of int over S and of obs over the rest, draw by
            draw. The attribute ``gauge`` states the reference.

        Raises
        ------
        QueryError
            If points cannot be read, or lie beyond the box.
        NotIdentifiedError
            If the data do not determine the joint effect, the observational mean, and the bias of
            each action.

        References
        ----------
        Kekić, Garrido Mejia and Schölkopf (2025), Lemma 1 and Theorem 1.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> at = {"a1": [0.1, 0.2], "a2": 0.0}
        >>> parts = posterior.decomposition(at)
        >>> joint = parts["alpha"] + parts["int"].sum("action")
        >>> bool(abs(joint - posterior.expected_outcome(at)).max() < 1e-9)
        True
        """
        return decomposition(self, at, beyond)
