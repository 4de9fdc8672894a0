"""The best joint action as it is reported: the recommendation, and how sure it is.

With m_d(a) the expected outcome of draw d, the recommendation a* maximises the posterior mean of
m(a), and its expected regret is the mean over draws of max_a m_d(a) - m_d(a*): what knowing the
effects exactly would be worth (expected value of perfect information).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.base.metrics import INTERVAL, credible_interval
from bayes_intgen.base.support_flags import EXTRAPOLATED, IMPOSSIBLE, MISFIT, SUPPORTED
from bayes_intgen.plots.best import plot_marginals
from bayes_intgen.plots.style import grow

__all__ = ["BestAction", "UntestedBest"]

LEAST_SHARE = 0.05  # of the draws, to be told


@dataclass(frozen=True)
class UntestedBest:
    """An interval between tested values of an action, in which its best value may lie."""

    action: str
    # the tested values on either side
    low: float
    high: float
    recommended: float | None  # the recommended value, if it lies in between
    probability: float  # the share of draws whose best value lies in between

    def __str__(self) -> str:
        between = f"{self.low:.4g} and {self.high:.4g}"
        if self.recommended is None:
            said = (
                f"in {self.probability:.0%} of draws the best {self.action} lies between {between}"
            )
        else:
            said = f"{self.action} = {self.recommended:.4g} lies between {between}"
        return (
            f"BETWEEN TESTED VALUES: {said}, and no experiment set it to anything in between; the "
            f"outcome there rests on the form of the curve. Test {self.action} there first."
        )


@dataclass(frozen=True)
class BestAction:
    """The best setting of some actions, on a grid and under a budget.

    Parameters
    ----------
    recommended
        The setting whose posterior mean of the expected outcome is best: a value or level per
        action.
    probability
        The share of draws in which this very grid point is the best one.
    regret
        Posterior mean of what it falls short of the best setting, in the outcome's unit.
    cost
        What it costs.
    support
        Its flag, as in :meth:`bayes_intgen.Posterior.expected_outcome`.
    untested
        The gaps between values that experiments set in which a recommended value lies, or the best
        value in one draw in twenty: what is best there nobody has tried.
    candidates
        The settings that are best in most draws, with their ``probability``, the posterior ``mean``
        of their expected outcome, ``cost`` and ``support``, and in ``untested`` the actions whose
        value lies in a gap.
    draws
        Dims (chain, draw): for each action, ``best:<action>``, its value in the setting that is
        best in this draw; ``best_outcome``, the expected outcome there; ``outcome``, that at the
        recommendation; ``regret``, how far it falls short.
    marginals
        For each action, the probability of each grid point to be part of the best setting; dim is
        the action.
    method
        How the best was found, and on which grid.
    minimize
        Whether the smallest outcome is the best.
    budget
        The limit of the costs; None if there is none.
    do
        The label of the regime whose mean is the objective.
    held
        Where the actions that were not chosen and the covariates stay.
    priced
        Whether costs or a budget were given; the cost tells nothing otherwise, and is not printed.
    """

    recommended: Mapping[str, float | str]
    probability: float
    regret: float
    cost: float
    support: str
    untested: tuple[UntestedBest, ...]
    candidates: pd.DataFrame = field(repr=False)
    draws: xr.Dataset = field(repr=False)
    marginals: Mapping[str, xr.DataArray] = field(repr=False)
    method: str
    minimize: bool
    budget: float | None
    do: str
    held: Mapping[str, float | str] = field(default_factory=dict)
    priced: bool = True

    def to_xarray(self) -> xr.Dataset:
        """Return draws and marginals in one dataset, the recommendation in its attributes.

        Marginals are the variables ``probability:<action>``.
        """
        marginals = {f"probability:{name}": value for name, value in self.marginals.items()}
        attrs: dict[str, Any] = {f"recommended:{k}": v for k, v in self.recommended.items()}
        names = ("probability", "regret", "cost", "support", "method", "do", "budget")
        attrs |= {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        attrs["minimize"] = int(self.minimize)
        attrs["warnings"] = "\n".join(map(str, self.untested))
        return self.draws.assign(marginals).assign_attrs(attrs)

    def plot(
        self,
        axes: Sequence[Axes] | Axes | None = None,
        units: Mapping[str, str] | None = None,
    ) -> npt.NDArray[Any]:
        """Draw, for each action, the probability of its grid points to be part of the best setting.

        How the outcome grows with the budget is drawn by
        :meth:`bayes_intgen.Posterior.plot_budget`.

        Parameters
        ----------
        axes
            One per action, where to draw; a new figure by default.
        units
            Units of the actions by name, for the labels.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            One per action.

        Raises
        ------
        QueryError
            If there are not as many axes as actions.

        Examples
        --------
        >>> best = posterior.best_action({"a1": (0, 0.6), "a2": (-0.6, 0)}, budget=0.3, grid=9)
        >>> [ax.get_xlabel() for ax in best.plot()]
        ['a1', 'a2']
        >>> plt.close()
        """
        count = len(self.marginals)
        panels = grow(count, 3.6, 3.2) if axes is None else list(np.ravel(np.array(axes)))
        if len(panels) != count:
            raise QueryError(f"axes: {count} are needed, one per action; got {len(panels)}.")
        between = [gap.action for gap in self.untested if gap.recommended is not None]
        plot_marginals(panels, self.marginals, self.recommended, units, between, self.support)
        return np.array(panels, dtype=object)

    def __str__(self) -> str:
        title, *lines = self._lines()
        table = self._shown().to_string(index=False, float_format=lambda x: f"{x:.4g}")
        told = any(gap.recommended is not None for gap in self.untested)  # why it is extrapolated
        plain = self.support == SUPPORTED or (self.support == EXTRAPOLATED and told)
        wrong = [] if plain else [self._flagged()]
        return "\n".join([title, *wrong, *map(str, self.untested), *lines, table])

    def _repr_html_(self) -> str:
        title, *lines = self._lines()
        flagged = [] if self.support == SUPPORTED else [self._flagged()]
        warnings = [*flagged, *map(str, self.untested)]
        return html_block(title, lines, [html_frame(self._shown(), index=False)], warnings)

    def _shown(self) -> pd.DataFrame:
        """Return the candidates without columns that tell nothing."""
        empty = {"untested": not self.candidates["untested"].any(), "cost": not self.priced}
        return self.candidates[[c for c in self.candidates if not empty.get(str(c), False)]]

    def _flagged(self) -> str:
        """Say what the flag of the recommended setting means."""
        if self.support == MISFIT:
            return (
                "LACK OF FIT: the fit misses its own data, by much against the interval of the "
                "recommended setting."
            )
        if self.support == IMPOSSIBLE:
            return (
                "IMPOSSIBLE: the outcome cannot have the expected value at the recommended "
                "setting, such as one below zero; effects do not add up in the outcome itself "
                "there, or a curve runs on too far. Narrow the bounds."
            )
        return (
            f"BEYOND THE SUPPORT of the data: the recommended setting is {self.support}; the "
            f"answer there rests on the form of the curves."
        )

    def _lines(self) -> list[str]:
        setting = ", ".join(f"{name} = {_text(value)}" for name, value in self.recommended.items())
        lower, upper = credible_interval(self.draws["outcome"])
        goal = "smallest" if self.minimize else "largest"
        limit = "" if self.budget is None else f" of a budget of {self.budget:.4g}"
        cost = f"cost {self.cost:.4g}{limit}; " if self.priced else ""
        held = ", ".join(f"{name} = {_text(value)}" for name, value in self.held.items())
        return [
            f"The {goal} expected outcome under do({self.do.replace('+', ', ')}): {setting}",
            f"outcome there {float(self.draws['outcome'].mean()):.4g}, {INTERVAL:.0%} interval "
            f"[{float(lower):.4g}, {float(upper):.4g}]; {cost}support: {self.support}",
            *(
                [
                    f"held: {held} (what is not given: the mean of the regimes' means, or the most "
                    f"frequent level)"
                ]
                if held
                else []
            ),
            f"probability that no other grid point is better {self.probability:.2f}, expected "
            f"regret {self.regret:.4g}",
            self.method,
        ]


def _text(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
