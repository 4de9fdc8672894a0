"""Pictures that a posterior draws of effects: a forest of contrasts, and what a budget buys.

The pictures of curves and surfaces are in :mod:`bayes_intgen.posterior.plot_curves`; what is drawn
stands in :mod:`bayes_intgen.plots`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.plots.best import plot_budget
from bayes_intgen.plots.forest import plot_forest
from bayes_intgen.plots.style import axis_label, grow
from bayes_intgen.posterior.plot_curves import CurvePictures, Units, require_action

__all__ = ["Pictures"]


class Pictures(CurvePictures):
    """The pictures of :class:`bayes_intgen.Posterior`."""

    def plot_contrasts(
        self,
        contrasts: Any = None,
        ax: Axes | None = None,
        do: str | Iterable[str] | None = None,
        units: Units = None,
    ) -> Axes:
        """Draw several contrasts as a forest: mean, 50% and 90% interval.

        Parameters
        ----------
        contrasts
            A table of moves with columns ``action``, ``from`` and ``to`` (the others held at their
            means or most frequent levels, unless columns give them), named by its index if that
            holds text; or draws of contrasts, as of :meth:`contrast`: an array with dims (chain,
            draw, point), or a mapping of names to arrays with dims (chain, draw). By default the
            moves of :meth:`effects`.
        ax
            Where to draw; a new figure by default.
        do
            The actions that are set, for a table of moves; None for all.
        units
            Units of the columns by name, for the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that were drawn on.

        Raises
        ------
        QueryError
            If the table lacks a column, or arrays have other dims.
        NotIdentifiedError
            If the data do not determine a contrast.

        Examples
        --------
        >>> import bayes_intgen as ig, pandas as pd
        >>> from matplotlib import pyplot as plt
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> moves = pd.DataFrame({"action": ["a1", "a2"], "from": [0.0, 0.0], "to": [0.2, 0.1]})
        >>> ax = posterior.plot_contrasts(moves)
        >>> [text.get_text() for text in ax.get_yticklabels()]
        ['a1: 0 to 0.2', 'a2: 0 to 0.1']
        >>> plt.close()
        """
        if contrasts is None:
            moves = reference_contrasts(self.summary)
            contrasts = pd.DataFrame(
                {
                    "action": [move.action for move in moves],
                    "from": [move.start for move in moves],
                    "to": [move.end for move in moves],
                }
            )
        if isinstance(contrasts, pd.DataFrame):
            effects = self._moves(contrasts, do)
        else:
            effects = _named(contrasts)
        axes = ax if ax is not None else grow(1, 5.5, 1.2 + 0.42 * len(effects))[0]
        return plot_forest(axes, effects, f"change in {axis_label(self.outcome, units)}")

    def plot_budget(
        self,
        budgets: Sequence[float],
        ax: Axes | None = None,
        bounds: Mapping[str, Any] | None = None,
        cost: Mapping[str, Any] | None = None,
        grid: Any = None,
        do: str | Iterable[str] | None = None,
        at: Mapping[str, Any] | None = None,
        units: Units = None,
    ) -> Axes:
        """Draw the expected outcome of the best joint action against the budget.

        Parameters
        ----------
        budgets
            The budgets, each a limit of the costs.
        ax
            Where to draw; a new figure by default.
        bounds, cost, grid, do, at
            As in :meth:`best_action`.
        units
            Units of the columns by name, for the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that were drawn on.

        Raises
        ------
        QueryError, NotIdentifiedError
            As :meth:`best_action`.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> from matplotlib import pyplot as plt
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> bounds = {"a1": (0, 0.6), "a2": (-0.6, 0)}
        >>> ax = posterior.plot_budget([0.0, 0.2, 0.4], bounds=bounds, grid=9)
        >>> ax.get_xlabel()
        'budget'
        >>> plt.close()
        """
        limits = sorted(float(budget) for budget in budgets)
        found = [self.best_action(bounds, b, cost, grid, do=do, at=at) for b in limits]
        if not found:
            raise QueryError("budgets must hold at least one budget, got none.")
        outcomes = [best.draws["outcome"] for best in found]
        ends = [credible_interval(outcome) for outcome in outcomes]
        axes = ax if ax is not None else grow(1, 5.0, 3.8)[0]
        return plot_budget(
            axes,
            np.array(limits),
            np.array([float(outcome.mean()) for outcome in outcomes]),
            np.array([float(lower) for lower, _ in ends]),
            np.array([float(upper) for _, upper in ends]),
            np.array([best.support == SUPPORTED for best in found]),
            axis_label(self.outcome, units),
        )

    def _moves(
        self, table: pd.DataFrame, do: str | Iterable[str] | None
    ) -> dict[str, xr.DataArray]:
        """Return the contrast of each move of a table, by its name."""
        missing = [name for name in ("action", "from", "to") if name not in table]
        if missing or not len(table):
            raise QueryError(
                f"contrasts: a table of moves has rows, and columns 'action', 'from' and 'to'; "
                f"got {len(table)} rows and the columns {list(table.columns)}."
            )
        effects: dict[str, xr.DataArray] = {}
        for label, row in table.iterrows():
            action = row["action"]
            require_action(self, action, "contrasts: action")
            known = [name for name in self.design.variables if name in table and name != action]
            held = {name: row[name] for name in known}
            at, baseline = (self.complete({**held, action: row[end]}) for end in ("to", "from"))
            text = f"{action}: {_text(row['from'])} to {_text(row['to'])}"
            name = label if isinstance(label, str) else text
            name = f"{name} (row {label})" if name in effects else name
            effects[name] = self.contrast(at, baseline, do).isel(point=0)
        return effects


def _named(contrasts: Any) -> dict[str, xr.DataArray]:
    """Return draws of single contrasts by name."""
    if isinstance(contrasts, xr.DataArray):
        if set(contrasts.dims) != {"chain", "draw", "point"}:
            raise QueryError(
                f"contrasts: draws have dims (chain, draw, point), got {contrasts.dims}."
            )
        points = contrasts["point"].to_numpy()
        return {str(point): contrasts.isel(point=i) for i, point in enumerate(points)}
    if not isinstance(contrasts, Mapping) or not contrasts:
        raise QueryError(
            f"contrasts must be a table of moves, draws of contrasts, or a mapping of names to "
            f"draws, got {type(contrasts).__name__}."
        )
    found = {}
    for name, draws in contrasts.items():
        single = draws.squeeze("point") if draws.sizes.get("point") == 1 else draws
        if set(single.dims) != {"chain", "draw"}:
            raise QueryError(
                f"contrasts: draws of {name!r} have dims (chain, draw), got {draws.dims}; take one "
                f"point of them."
            )
        found[str(name)] = single
    return found


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{float(value):.3g}"
