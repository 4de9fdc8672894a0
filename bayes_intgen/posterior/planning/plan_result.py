"""A plan of experiments as it is reported: what to run, what it costs, what it leaves unknown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from bayes_intgen.base.arguments import read_path
from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.plots.plan import plot_plan
from bayes_intgen.plots.style import grow
from bayes_intgen.posterior.estimands.best_result import UntestedBest

__all__ = ["IGNORED", "Decision", "Plan"]

IGNORED = (
    "Taken as known: which action depends on which, what interacts, the form of the curves and the "
    "spread of the outcome. What further rows teach of these is not counted."
)
SHOWN = 12


# evaluated by type checkers alone: the class has no parameters when it runs
type Numbers = "pd.Series[float]"
type Texts = "pd.Series[str]"


@dataclass(frozen=True)
class Decision:
    """What the experiments are worth for the choice of the best action.

    Parameters
    ----------
    recommended
        The setting that is best in the posterior mean, before any further rows.
    evsi
        Expected value of the sample information of the plan: by how much the expected outcome of
        the setting that is chosen after it is above that of the one chosen now, in the outcome's
        unit.
    regret
        The same for knowing all effects exactly, as ``best_action`` prints it: no experiment is
        worth more.
    value
        What one unit of the outcome is worth, in the unit of the costs.
    cost
        Of the plan; zero if costs were not given.
    priced
        Whether costs were given, without which there is no net value.
    untested
        The gaps between values that experiments set in which the best value may lie, as in
        :class:`bayes_intgen.posterior.estimands.best_result.BestAction`. An option repeats the
        settings of its rows, unless ``settings`` gives others, and so teaches little of them.
    """

    recommended: Mapping[str, float | str]
    evsi: float
    regret: float
    value: float
    cost: float
    priced: bool
    untested: tuple[UntestedBest, ...] = ()

    @property
    def net(self) -> float:
        """What the plan is worth less what it costs, in the unit of the costs."""
        return self.value * self.evsi - self.cost

    @property
    def pays(self) -> bool:
        """Whether that is positive."""
        return self.net > 0

    def lines(self) -> list[str]:
        """Return it in words."""
        setting = ", ".join(
            f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in self.recommended.items()
        )
        said = [
            f"best setting as of now: {setting}",
            f"it falls short of the best by {self.regret:.4g} in expectation, of which the plan "
            f"recovers {self.evsi:.4g}",
        ]
        if self.untested:
            said += map(str, self.untested)
            names = list(dict.fromkeys(gap.action for gap in self.untested))
            said.append(
                f"The options repeat the values that experiments set, which tells little of those "
                f"in between; plan with settings that try others of {', '.join(names)}."
            )
        if not self.priced:
            return said
        worth = (
            f"worth {self.value:.4g} x {self.evsi:.4g} = {self.value * self.evsi:.4g}, cost "
            f"{self.cost:.4g}: net value {self.net:.4g}"
        )
        return [*said, worth]


@dataclass(frozen=True)
class Plan:
    """Which experiments to run next, how large, and what that leaves unknown.

    Parameters
    ----------
    table
        One row per option: its ``regime``, the ``rows`` to collect and their ``cost``.
    sd_before, sd_after
        Standard deviation of each goal now and after these rows, in the outcome's unit, by goal.
    curve
        Each option alone: ``regime``, ``rows``, ``sd`` (root mean square over the goals), ``cost``,
        and for a decision ``evsi`` and ``net``.
    goal
        What is to be found out.
    support
        The flag of each goal, by goal, as in :meth:`bayes_intgen.Posterior.expected_outcome`.
    decision
        The value of the plan for a choice of the best action; None if that is not the goal.
    simulated
        Options whose rows were made up from those of other regimes, because there are none with
        such settings.
    notes
        What the numbers rest on and do not count.
    """

    table: pd.DataFrame
    sd_before: Numbers
    sd_after: Numbers
    curve: pd.DataFrame = field(repr=False)
    goal: str
    support: Texts = field(repr=False)
    decision: Decision | None
    simulated: tuple[str, ...]
    notes: tuple[str, ...] = field(repr=False)

    @property
    def rows(self) -> dict[str, int]:
        """The rows to collect of each regime that is to be run."""
        chosen = self.table[self.table["rows"] > 0]
        return dict(zip(chosen["regime"], chosen["rows"].astype(int).tolist(), strict=True))

    @property
    def cost(self) -> float:
        """What they cost together."""
        return float(self.table["cost"].sum())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how the sd falls with the rows of each option alone, and where the plan leads.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.

        Examples
        --------
        >>> origin, moved = {"a1": 0.0, "a2": 0.0}, {"a1": 0.1, "a2": 0.0}
        >>> plan = posterior.plan(moved, origin, rows=1000)
        >>> plan.plot().get_xlabel()
        'further rows'
        >>> plt.close()
        """
        (axis,) = grow(1, 5.2, 3.6) if ax is None else (ax,)
        evsi = None if self.decision is None else self.decision.regret
        before = float((self.sd_before**2).mean() ** 0.5)
        after = float((self.sd_after**2).mean() ** 0.5)
        total = float(self.table["rows"].sum())
        reached = self.decision.evsi if self.decision else after
        return plot_plan(axis, self.curve, before, (total, reached), evsi)

    def save(self, path: str | Path) -> None:
        """Write the plan: its table to a ``.csv``, or everything to a ``.json`` file.

        Raises
        ------
        FileError
            If the name ends in something else, or the folder cannot be written to.
        """
        target = read_path(path)
        if target.suffix.lower() not in (".csv", ".json"):
            raise FileError(f"path: {str(target)!r} must end in .csv or .json.")
        with replacing(target) as draft:
            if target.suffix.lower() == ".csv":
                self.table.to_csv(draft, index=False)
            else:
                Path(draft).write_text(json.dumps(self.to_dict(), indent=1) + "\n")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        decision = self.decision
        return {
            "goal": self.goal,
            "table": self.table.to_dict("records"),
            "goals": list(map(str, self.sd_before.index)),
            "sd_before": self.sd_before.tolist(),
            "sd_after": self.sd_after.tolist(),
            "support": self.support.tolist(),
            "curve": [
                {name: None if value != value else value for name, value in row.items()}
                for row in self.curve.to_dict("records")
            ],
            "decision": decision
            and {
                **vars(decision),
                "untested": list(map(str, decision.untested)),
                "net": decision.net,
                "pays": decision.pays,
            },
            "simulated": list(self.simulated),
            "notes": list(self.notes),
        }

    def _title(self) -> str:
        if not self.rows:
            repeats = self.decision is not None and bool(self.decision.untested)
            which = "repeating the values tried so far does not pay" if repeats else ""
            return f"Plan for {self.goal}: {which or 'no further experiment pays'}"
        run = ", ".join(f"{rows:,} rows of {label}" for label, rows in self.rows.items())
        return f"Plan for {self.goal}: {run}"

    def _goals(self) -> pd.DataFrame:
        columns: dict[str, pd.Series[Any]] = {
            "sd before": self.sd_before,
            "sd after": self.sd_after,
        }
        if (self.support != "supported").any():
            columns["support"] = self.support
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        goals = self._goals()
        more = [f"and {len(goals) - SHOWN:,} more goals"] if len(goals) > SHOWN else []
        said = self.decision.lines() if self.decision else []
        return "\n".join(
            [
                self._title(),
                *said,
                self.table.to_string(index=False, float_format=lambda x: f"{x:.6g}"),
                goals.head(SHOWN).to_string(float_format=lambda x: f"{x:.4g}"),
                *more,
                *self.notes,
            ]
        )

    def _repr_html_(self) -> str:
        said = self.decision.lines() if self.decision else []
        tables = [html_frame(self.table, index=False), html_frame(self._goals())]
        return html_block(self._title(), [*said, *self.notes], tables)
