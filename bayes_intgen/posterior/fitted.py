"""The expected outcomes, and the curves they are made of, that the draws of a fit give.

For any set S of actions that are set, E[Y | do(a_S), a_rest] = phi(a)' theta_S with
theta_S = beta + sum over k not in S of delta_k (equation 2 of the model). S = all actions gives the
joint effect of Theorem 1, any other S a mixed effect of Proposition 1. With covariates phi is a
function of z too, and the answer is E[Y | do(a_S), a_rest, z].
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import INTERVAL, credible_interval
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.data.points import Beyond
from bayes_intgen.data.reference import reference_values
from bayes_intgen.posterior.component_curves import Kind, component_curve, read_component
from bayes_intgen.posterior.fit_record import FitRecord
from bayes_intgen.posterior.support import find_beyond

__all__ = ["Fitted"]

VALUES_AT_ONCE = 2**24


class Fitted(FitRecord):
    """The expected outcomes and curves of a :class:`bayes_intgen.Posterior`."""

    def expected_outcome(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of E[Y | do(a_S), a_rest] at some points, at their covariates if any.

        Parameters
        ----------
        at
            The values of ALL actions and covariates in their own units: a frame or a mapping of
            names to numbers or arrays, levels for a categorical one. Scalars are repeated, other
            columns ignored, a frame's index becomes ``point``.
        do
            The actions S that are set, as names or as a regime's label; the others are conditioned
            on. None sets all of them, ``[]`` none (the observational mean).
        beyond
            What to do about points beyond the box on which smooth curves are defined (1.5 times
            the half-width of the data): raise an error, or ``"clamp"`` the wiggly part of a curve
            at the edge while its linear part runs on.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point). Coordinates along ``point`` hold the
            values of actions and covariates and ``support``: ``supported``, ``extrapolated``
            (beyond the joint support of the data), ``outside`` (beyond the observed range of one
            of them) or ``beyond`` (the box). The attribute ``do`` is the regime's label.

        Raises
        ------
        QueryError
            If a value is missing, not a finite number or not a level of the data, ``do`` names an
            unknown action or a part of a block that no experiment sets, or points lie beyond the
            box.
        NotIdentifiedError
            If the data do not determine this effect.

        References
        ----------
        Kekić, Garrido Mejia and Schölkopf (2025), Theorem 1 and Proposition 1.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> joint = posterior.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2})
        >>> joint.dims, joint.shape, joint.attrs["do"]
        (('chain', 'draw', 'point'), (1, 1000, 2), 'a1+a2')
        >>> posterior.expected_outcome({"a1": 0.1, "a2": 0.2}, do=["a1"]).attrs["do"]  # a2 is seen
        'a1'
        """
        regime = read_do(do, self.actions)
        self.require(regime)
        points = self.points(at)
        support = self.support(points, regime, beyond)
        values = self.theta(regime) @ self.design.features.evaluate(points.values).T
        values += self.outcome_scale.centre
        answer = self.label(values, points, self.outcome)
        answer.attrs["do"] = format_regime(regime)
        return answer.assign_coords(support=("point", support))

    def component(
        self, action: str, at: Any, kind: Kind = "int", beyond: Beyond = "error"
    ) -> xr.DataArray:
        """Draws of one curve of the decomposition.

        Parameters
        ----------
        action
            The action k, or a block by its label, such as ``"a1+a2"``.
        at
            Values of the action, or a mapping with values of more actions (as a block needs) and
            covariates; those not given are held at their means over the regimes (weighted equally)
            or most frequent levels.
        kind
            ``"int"``: the causal effect u_k(a_k), relative to that held value, at the point's
            covariates; for an action within a block, that of moving it alone. ``"bias"``: the
            confounding bias d_k(a_k, a_parents), which a block has as a whole. ``"obs"``: their
            sum, the effect that observational rows show.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point).

        Raises
        ------
        QueryError
            If the action, the kind or a name in the mapping is unknown, values are not finite
            numbers, or the bias of an action within a block is asked for.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> curve = posterior.component("a1", [0.0, 0.1, 0.2], kind="bias")
        >>> curve.dims, curve.shape
        (('chain', 'draw', 'point'), (1, 1000, 3))
        """
        usual = reference_values(self.summary)
        block = read_component(self.design, action, kind)
        if len(block) > 1 and not isinstance(at, Mapping):
            raise QueryError(
                f"at: the block {action!r} takes values of {list(block)}, got "
                f"{type(at).__name__}; give a mapping of names to values."
            )
        points = self.complete(at if isinstance(at, Mapping) else {action: at})
        find_beyond(points, self.design.features.bases, beyond)
        values = component_curve(self.design, self.weights, points.values, usual, action, kind)
        return self.label(values, points, f"{kind}:{action}")

    def table(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        probability: float = INTERVAL,
        beyond: Beyond = "error",
    ) -> pd.DataFrame:
        """Summarise :meth:`expected_outcome`, one row per point.

        The points are worked through in portions, so that their number is not bound by memory.

        Parameters
        ----------
        at, do, beyond
            As in :meth:`expected_outcome`.
        probability
            Probability inside the equal-tailed credible interval.

        Returns
        -------
        pandas.DataFrame
            The actions and covariates, then ``mean``, ``sd``, ``lower``, ``upper`` and ``support``.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> table = posterior.table({"a1": [0.0, 0.1], "a2": 0.2}, probability=0.5)
        >>> list(table.columns), len(table)
        (['a1', 'a2', 'mean', 'sd', 'lower', 'upper', 'support'], 2)
        """
        points = self.points(at)
        find_beyond(points, self.design.features.bases, beyond)
        sizes = self.idata["posterior"].sizes
        rows = max(1, VALUES_AT_ONCE // (sizes["chain"] * sizes["draw"]))
        parts = []
        for start in range(0, len(points), rows):
            draws = self.expected_outcome(points.take(start, start + rows), do, beyond)
            lower, upper = credible_interval(draws, probability)
            columns = {name: draws[name] for name in points.variables}
            columns["mean"] = draws.mean(("chain", "draw"))
            columns["sd"] = draws.std(("chain", "draw"), ddof=1)
            columns |= {"lower": lower, "upper": upper, "support": draws["support"]}
            parts.append(
                pd.DataFrame({name: column.to_numpy() for name, column in columns.items()})
            )
        return pd.concat(parts).set_index(pd.Index(points.index, name="point"))
