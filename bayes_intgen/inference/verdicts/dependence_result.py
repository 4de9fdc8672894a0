"""The verdict on rows that depend on one another: declared ones, and signs of undeclared ones."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

__all__ = ["DependenceOfRows", "OrderTest", "RepeatedRows"]

LEVEL = 0.01  # over all tests
FEW_UNITS, FEW_SETTINGS = 10, 30
MOSTLY = 0.5  # of the variance of an action
MUCH_REPEATED = 0.02  # of the rows of a regime


@dataclass(frozen=True)
class OrderTest:
    """Test whether residuals of a regime go with those of rows nearby in the order of the table."""

    regime: str
    lag: int  # rows apart, where they go together most
    correlation: float  # there
    p_value: float  # over all tests of all regimes


@dataclass(frozen=True)
class RepeatedRows:
    """Rows of a regime that repeat an earlier one in every column."""

    regime: str
    share: float  # of the rows of the regime


@dataclass(frozen=True)
class SharedSettings:
    """Settings of a regime that are the same, in all actions, for several rows each."""

    regime: str
    settings: int  # distinct ones
    rows: float  # mean number of rows of each


@dataclass(frozen=True)
class DependenceOfRows:
    """Whether rows depend on one another, and what the fit makes of it.

    Parameters
    ----------
    declared
        The columns that say so, by argument: ``cluster``, ``time``, ``weights``.
    units
        Number of independent units, clusters or blocks of times, in each regime; none if none are
        declared.
    blocks
        Whether units are blocks of times.
    shares
        Share of the residual variance that the rows of a group have in common, by regime.
    settings
        Share of an action's variance that lies between units, by regime, of the action of which it
        is largest: near one where settings are the same for all rows of a cluster.
    freedom
        Degrees of freedom of the intervals; None if no residuals told how far units scatter.
    order
        The clearest sign of dependence in the order of the rows of each regime.
    repeated
        Regimes in which rows are repeated more often than chance would.
    in_common
        Regimes of which rows have settings in common, as those of a cluster do.
    held
        Regimes whose settings are held for several times, rows of which share something within
        blocks only where settings are the same.
    block_rows
        Number of adjacent rows in a block, by regime, where their order stands for what they share,
        as it showed and no column said; otherwise empty.
    by_settings
        Whether rows of equal settings are the clusters, as no column named any.
    """

    declared: Mapping[str, Any]
    units: Mapping[str, int]
    blocks: bool = False
    shares: Mapping[str, float] | None = None
    settings: Mapping[str, float] | None = None
    freedom: float | None = None
    order: tuple[OrderTest, ...] = ()
    repeated: tuple[RepeatedRows, ...] = ()
    in_common: tuple[SharedSettings, ...] = ()
    held: tuple[str, ...] = ()
    block_rows: Mapping[str, int] = field(default_factory=dict)
    by_settings: bool = False

    @property
    def in_order(self) -> tuple[OrderTest, ...]:
        """The tests that find dependence in row order, at level 1% over all."""
        return tuple(test for test in self.order if test.p_value <= LEVEL)

    @property
    def few(self) -> bool:
        """Whether there are too few units in some regime.

        Fewer than ten are; fewer than thirty where settings vary between units, not within.
        """
        settings = self.settings or {}
        return any(
            number < (FEW_SETTINGS if settings.get(label, 0.0) > MOSTLY else FEW_UNITS)
            for label, number in self.units.items()
        )

    @property
    def ok(self) -> bool:
        """Whether nothing speaks for dependence that is not declared, and units are enough."""
        return not (self.in_order or self.repeated or self.in_common or self.few)

    def to_text(self) -> str:
        """Write everything as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Rebuild from :meth:`to_text`."""
        state: dict[str, Any] = json.loads(text)
        order = tuple(OrderTest(**test) for test in state.pop("order"))
        repeated = tuple(RepeatedRows(**rows) for rows in state.pop("repeated"))
        common = tuple(SharedSettings(**rows) for rows in state.pop("in_common", ()))
        held = tuple(state.pop("held", ()))
        return cls(order=order, repeated=repeated, in_common=common, held=held, **state)

    def __str__(self) -> str:
        lines = [self._of_units()] if self.units else []
        lines += self._of_repeats() + self._of_settings() + self._of_order()
        if not lines:
            seen = ", and their order is in keeping with that" if self.order else ""
            return f"dependence: rows are taken as independent{seen}"
        return "\n".join(lines)

    def _of_units(self) -> str:
        fewest = min(self.units, key=lambda label: self.units[label])
        what = "blocks of adjacent times" if self.blocks else "clusters"
        if self.block_rows:
            what = f"blocks of {self.rows_of_a_block} adjacent rows"
        if self.by_settings:
            what = "groups of rows with equal settings"
        numbers = sorted({*self.units.values()})
        number = f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        text = f"{number} {what} in a regime"
        if self.shares:
            low, high = min(self.shares.values()), max(self.shares.values())
            share = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
            text += f", whose rows share {share} of the residual variance"
            if self.held:
                regimes = ", ".join(self.held)
                text += f" (in {regimes}, where settings are held, those of the same settings)"
        if self.freedom is None:
            text += "; only these shared parts widen the intervals, since no rows were at hand"
        else:
            text += f"; intervals are of Student's t with {self.freedom:.0f} degrees of freedom"
        if not self.few:
            return f"dependence: {text}"
        more = "rows" if self.block_rows else "times" if self.blocks else "clusters"
        more = "settings" if self.by_settings else more
        return (
            f"FEW INDEPENDENT UNITS: {text}. Regime {fewest} has only {self.units[fewest]}, too "
            f"few to say well how far units scatter: intervals may be too narrow. Remedy: more "
            f"{more} in regime {fewest}{self._or_settings}"
        )

    @property
    def rows_of_a_block(self) -> str:
        """How many adjacent rows a block has, of the shortest to the longest, as text."""
        low, high = min(self.block_rows.values()), max(self.block_rows.values())
        return f"{low}" if low == high else f"{low} to {high}"

    @property
    def _or_settings(self) -> str:
        if max((self.settings or {}).values(), default=0.0) <= MOSTLY:
            return ""
        return ", or settings that vary within them"

    def _of_repeats(self) -> list[str]:
        if not self.repeated:
            return []
        most = max(self.repeated, key=lambda rows: rows.share)
        return [
            f"REPEATED ROWS: {most.share:.0%} of the rows of regime {most.regime} repeat another "
            f"in every column, as chance would not. If they are copies, intervals are too narrow: "
            f"keep each once, or name with cluster= what copies have in common"
        ]

    def _of_settings(self) -> list[str]:
        if not self.in_common:
            return []
        most = max(self.in_common, key=lambda found: found.rows)
        made = "Remedy: read"
        if self.by_settings:
            made = "So rows of equal settings share an intercept and count together. Better: read"
        return [
            f"SETTINGS IN COMMON: regime {most.regime} has {most.settings} distinct settings, each "
            f"in {most.rows:.0f} rows. Rows that have their settings in common mostly have more in "
            f"common, and then tell no more than so many rows. {made} the table with cluster=, "
            f"naming the column of what they share (a region, a week), or one that differs from "
            f"row to row if they share nothing"
        ]

    def _of_order(self) -> list[str]:
        if not self.in_order:
            return []
        clearest = min(self.in_order, key=lambda test: test.p_value)
        apart = "adjacent rows" if clearest.lag == 1 else f"rows {clearest.lag} apart"
        made = "so that intervals may be far too narrow. Remedy: read"
        if self.block_rows:
            made = (
                "so blocks of adjacent rows stand in for what nearby ones share, and widen the "
                "intervals. Better: read"
            )
        column = "cluster= or time=" if not self.declared else "another cluster= or time="
        return [
            f"ROWS DEPEND ON ONE ANOTHER: residuals of {apart} go together in regime "
            f"{clearest.regime} (correlation {clearest.correlation:.2f}, p "
            f"{clearest.p_value:.1g}), {made} the table with {column}, naming the column of what "
            f"nearby rows share (a region, a user, the week), or one that differs from row to "
            f"row if they share nothing"
        ]
