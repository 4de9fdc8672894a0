"""Summary of the rows of all regimes, made by the first pass (:mod:`bayes_intgen.data.first_pass`).

It fixes the standardisation of actions and outcome, and with it the basis, before the second
pass computes the moments of the features (:mod:`bayes_intgen.moments.moments`).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy import stats

from bayes_intgen.base.regimes import (
    Regime,
    format_regime,
    order_regime,
    sort_regimes,
)
from bayes_intgen.base.shared_work import digest, is_sharing
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.at_rest import describe_values
from bayes_intgen.data.gap import Gap, find_gaps, intersect_gaps, pool_rows
from bayes_intgen.data.grouping import Grouping, mean_units
from bayes_intgen.data.marks import Marks
from bayes_intgen.data.outcome_kind import OutcomeRange, recognise
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.sources import merge_each
from bayes_intgen.data.summary_state import from_dict, to_dict

__all__ = ["Summary"]

POOLED_ROWS = 2**13  # of each regime, for the distribution of a variable
MOST_WIDENING = 2.0  # of the half-width of the rows, by lift tests


@dataclass(frozen=True)
class Summary:
    """Summary of each regime, and the names and levels of the columns.

    Parameters
    ----------
    actions
        Names of the actions.
    outcome
        Name of the outcome.
    regimes
        The summary of each regime, in canonical order.
    levels
        The levels of each categorical action and covariate.
    covariates
        Names of the covariates.
    tested
        The ends of the lift tests of each action: a value, or the code of a level, and the values
        of the covariates there (NaN where several were averaged over, or none was given).
    stored_gaps
        The gaps (:meth:`gaps`) of a summary that was read from a file, without its rows.
    block_rows
        Number of adjacent rows of each regime that are a block, if the order of the rows stands for
        times (:mod:`bayes_intgen.data.implied_groups`); otherwise empty.
    """

    actions: tuple[str, ...]
    outcome: str
    regimes: Mapping[Regime, RegimeSummary]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    tested: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    stored_gaps: Mapping[str, tuple[Gap, ...]] | None = None
    block_rows: Mapping[Regime, int] = field(default_factory=dict)

    def merge(self, other: Self) -> Self:
        """Return the summary of the rows of both, whose levels must be equal."""
        merged = merge_each(self.regimes, other.regimes)
        ranked = {regime: merged[regime] for regime in sort_regimes(merged, self.actions)}
        gaps = None
        if self.stored_gaps is not None or other.stored_gaps is not None:
            gaps = {
                name: intersect_gaps(self.gaps[name], other.gaps[name]) for name in self.actions
            }
        return replace(self, regimes=ranked, stored_gaps=gaps)

    @property
    def settings_key(self) -> Hashable:
        """What is equal for summaries of the same rows that differ in their outcome only.

        For :func:`bayes_intgen.base.shared_work.shared`; of rows that were thinned nothing is.
        """
        return self._settings_key if is_sharing() else object()

    @cached_property
    def _settings_key(self) -> Hashable:
        parts = list(self.regimes.values())
        if any(len(part.sample.rows) < part.n for part in parts):
            return object()
        told = repr((self.levels, self.tested, self.block_rows))
        names = (self.actions, self.covariates, *self.regimes, told)
        marks = [part.sample.marks.table for part in parts if part.sample.marks is not None]
        return (*names, digest(*(part.sample.rows[:, :-1] for part in parts), *marks))

    @property
    def variables(self) -> tuple[str, ...]:
        """The actions followed by the covariates."""
        return (*self.actions, *self.covariates)

    @property
    def columns(self) -> tuple[str, ...]:
        """The variables followed by the outcome."""
        return (*self.variables, self.outcome)

    def has_columns_of(self, other: "Summary") -> bool:
        """Say whether columns, their order, the covariates and all levels are those of another."""
        mine = (self.columns, self.covariates, dict(self.levels))
        return mine == (other.columns, other.covariates, dict(other.levels))

    @cached_property
    def at_rest(self) -> Mapping[str, float]:
        """The actions that never move unless they are set, and where they are then.

        They are set by some regimes and left alone by others; of a categorical one it is the code
        of its level. What follows: :mod:`bayes_intgen.data.at_rest`.
        """
        found = {}
        for column, action in enumerate(self.actions):
            alone = [part for regime, part in self.regimes.items() if action not in regime]
            if 0 < len(alone) < len(self.regimes):
                low = min(float(part.low[column]) for part in alone)
                high = max(float(part.high[column]) for part in alone)
                if low == high:
                    found[action] = low
        return found

    @property
    def single_settings(self) -> Mapping[Regime, str]:
        """The regimes that set several actions, all rows to the same values, and these as text."""
        found = {}
        for regime, part in self.regimes.items():
            columns = [self.actions.index(name) for name in regime]
            if len(columns) > 1 and (part.low[columns] == part.high[columns]).all():
                values = {name: part.low[k] for name, k in zip(regime, columns, strict=True)}
                found[regime] = describe_values(values, self.levels)
        return found

    @cached_property
    def as_set(self) -> tuple[tuple[Regime, RegimeSummary], ...]:
        """The summaries by what is set, or at rest, which is the same."""
        regimes = self.regimes.items()
        return tuple((order_regime({*r, *self.at_rest}, self.actions), s) for r, s in regimes)

    def showing(self, name: str) -> list[RegimeSummary]:
        """Return the regimes that show what an action does: it is set there, or at rest."""
        return [summary for regime, summary in self.as_set if name in regime]

    @cached_property
    def marks(self) -> list[Marks]:
        """The marks of the thinned rows of each regime; none if rows have none."""
        known = (regime.sample.marks for regime in self.regimes.values())
        return [own for own in known if own is not None]

    @cached_property
    def grouping(self) -> Grouping | None:
        """What says which rows depend on one another; None if they are independent."""
        samples = {regime: own.sample for regime, own in self.regimes.items()}
        return Grouping.of(samples, self.actions, bool(self.block_rows)) if self.marks else None

    @property
    def mean_units(self) -> float:
        """The mean number of units that a row stands for."""
        return mean_units(self.marks) if self.marks else 1.0

    @cached_property
    def scales(self) -> Mapping[str, Scale]:
        """Mean and standard deviation of each column, all regimes weighted equally.

        Equal weights keep a huge observational table from deciding alone what one unit is.
        """
        moments = [regime.moments for regime in self.regimes.values()]
        means = np.array([m.mean for m in moments])
        variances = np.array([np.diag(m.covariance) for m in moments])
        centre = means[0] + (means - means[0]).mean(axis=0)
        spread = np.sqrt((variances + (means - centre) ** 2).mean(axis=0))
        pairs = zip(self.columns, centre, spread, strict=True)
        return {name: Scale(float(c), float(s)) for name, c, s in pairs}

    def level_counts(self, name: str) -> Array:
        """Return the number of rows at each level of a categorical column, (regimes, levels)."""
        column = self.columns.index(name)
        by_level = [regime.levels[column] for regime in self.regimes.values()]
        return np.array([[rows.moments.n for rows in levels] for levels in by_level], dtype=float)

    def level_shares(self, name: str) -> Array:
        """Return the share of each level of a categorical column, all regimes weighted equally."""
        counts = self.level_counts(name)
        return np.asarray((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0))

    @property
    def robust_outcome_scale(self) -> Scale:
        """Centre and spread of the outcome that gross errors in it hardly move.

        As :attr:`scales`, with median and median absolute deviation (in units of a normal standard
        deviation) of each regime in place of mean and standard deviation.
        """
        outcomes = [regime.sample.rows[:, -1] for regime in self.regimes.values()]
        medians = np.array([np.median(values) for values in outcomes])
        spreads = np.array([stats.median_abs_deviation(v, scale="normal") for v in outcomes])
        centre = medians[0] + np.mean(medians - medians[0])
        spread = np.sqrt(np.mean(spreads**2 + (medians - centre) ** 2))
        if spread == 0:  # most rows of every regime have one and the same outcome
            return self.scales[self.outcome]
        return Scale(float(centre), float(spread))

    def row_core(self, name: str) -> tuple[float, float]:
        """Return the envelope of a variable's core ranges over the regimes.

        Each regime counts on its own, so that a small experiment with wide settings is not cut off
        by a large table without them. Where all but the outermost rows of every regime have one
        value, it is the plain range.
        """
        column = self.columns.index(name)
        regimes = self.regimes.values()
        low = min(float(regime.core[0, column]) for regime in regimes)
        high = max(float(regime.core[1, column]) for regime in regimes)
        if low == high:
            low = min(float(regime.low[column]) for regime in regimes)
            high = max(float(regime.high[column]) for regime in regimes)
        return low, high

    def pooled_core(self, name: str) -> tuple[float, float]:
        """Return the range on which a curve of a variable is to be drawn.

        That of the rows (:meth:`row_core`), if any regime sets the variable. Of an action that none
        sets, lift tests may reach farther than the rows, and their ends count too, up to twice the
        half-width of the rows from the middle: a smooth basis of ten functions then still resolves
        half a half-width of the rows. Were there no limit, one value in a wrong unit would leave
        the rows without any function of their own.
        """
        low, high = self.row_core(name)
        if name not in self.tested or any(name in regime for regime in self.regimes):
            return low, high
        reach = MOST_WIDENING * (high - low) / 2
        middle = (low + high) / 2
        ends = np.clip([end[0] for end in self.tested[name]], middle - reach, middle + reach)
        return min(low, float(ends.min())), max(high, float(ends.max()))

    @cached_property
    def outcome_range(self) -> OutcomeRange:
        """The kind of the outcome: 0/1, counts, proportions, positive and skewed, or real."""
        return recognise(regime.outcome for regime in self.regimes.values())

    @cached_property
    def gaps(self) -> Mapping[str, tuple[Gap, ...]]:
        """The intervals of each action, within its tested range, that no experiment set.

        Of two neighbouring values that experiments set, those between which more than a quarter of
        the tested range lies, with at least one row in twenty on either side: gaps between tested
        levels or clouds, not the loose ends of a long tail. Found once, since every query asks.
        """
        if self.stored_gaps is not None:
            return dict.fromkeys(self.actions, ()) | dict(self.stored_gaps)
        return {name: () if name in self.levels else self._find_gaps(name) for name in self.actions}

    def _find_gaps(self, name: str) -> tuple[Gap, ...]:
        tested: list[RegimeSummary] = []
        natural: list[RegimeSummary] = []
        for regime, summary in self.as_set:
            if len(summary.sample.rows):
                (tested if name in regime else natural).append(summary)
        return find_gaps(self.columns.index(name), tested, natural) if tested else ()

    def pooled_rows(self, name: str) -> tuple[tuple[Array, Array], ...]:
        """Return rows of a variable and how much each counts, as often as there are kinds of them.

        The regimes that leave it alone are one kind and those that set it the other. Within a kind
        regimes count alike, so that a huge table does not decide alone where the rows are.
        """
        column = self.columns.index(name)
        kinds = []
        for is_set in (False, True):
            rows = [
                summary.sample.rows[:, column]
                for regime, summary in self.regimes.items()
                if (name in regime) == is_set and len(summary.sample.rows)
            ]
            if rows:
                kinds.append(pool_rows([own[:: -(-len(own) // POOLED_ROWS)] for own in rows]))
        return tuple(kinds)

    def quantile(self, probability: float) -> dict[str, dict[str, float]]:
        """Return the quantile of each column, by regime label and column name."""
        quantiles = {}
        for regime, summary in self.regimes.items():
            values = np.quantile(summary.sample.rows, probability, axis=0).tolist()
            quantiles[format_regime(regime)] = dict(zip(self.columns, values, strict=True))
        return quantiles

    # methods: the first argument of each function is self, or the class
    to_dict = to_dict
    from_dict = classmethod(from_dict)
