"""Summary of the rows of all regimes, made by the first pass (:mod:`bayes_intgen.data.first_pass`).

It fixes the standardisation of actions and outcome, and with it the basis, before the second
pass computes the moments of the features (:mod:`bayes_intgen.moments.moments`).
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy import stats

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import (
    Regime,
    format_regime,
    order_regime,
    parse_regime,
    sort_regimes,
)
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.gap import Gap, intersect_gaps
from bayes_intgen.data.level_summary import LevelRows
from bayes_intgen.data.outcome_kind import OutcomeFacts, OutcomeRange, recognise
from bayes_intgen.data.regime_summary import (
    RegimeSummary,
    ThinnedSample,
    find_at_rest,
    find_gaps,
    pool_rows,
)
from bayes_intgen.data.sources import merge_each

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
    """

    actions: tuple[str, ...]
    outcome: str
    regimes: Mapping[Regime, RegimeSummary]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    tested: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    stored_gaps: Mapping[str, tuple[Gap, ...]] | None = None

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
        """The actions that never move unless they are set, and where they are then."""
        return find_at_rest(self.actions, self.regimes)

    @cached_property
    def as_set(self) -> tuple[tuple[Regime, RegimeSummary], ...]:
        """The summaries by what is set, or at rest, which is the same."""
        regimes = self.regimes.items()
        return tuple((order_regime({*r, *self.at_rest}, self.actions), s) for r, s in regimes)

    def showing(self, name: str) -> list[RegimeSummary]:
        """Return the regimes that show what an action does: it is set there, or at rest."""
        return [summary for regime, summary in self.as_set if name in regime]

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

    def to_dict(self, near: bool = False) -> dict[str, Any]:
        """Return everything but the thinned rows, as JSON types; gaps only if there are any.

        With ``near``, also where some rows lie (:attr:`RegimeSummary.near`).
        """
        gaps = {
            name: [[gap.low, gap.high, gap.share] for gap in gaps]
            for name, gaps in self.gaps.items()
            if gaps
        }
        return ({"gaps": gaps} if gaps else {}) | {
            "actions": list(self.actions),
            "covariates": list(self.covariates),
            "outcome": self.outcome,
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "tested": {name: list(map(list, ends)) for name, ends in self.tested.items()},
            "regimes": {
                format_regime(regime): {
                    "n": summary.n,
                    "mean": summary.moments.mean.tolist(),
                    "scatter": summary.moments.scatter.tolist(),
                    "low": summary.low.tolist(),
                    "high": summary.high.tolist(),
                    "core": summary.core.tolist(),
                    "levels": {
                        str(column): [rows.to_dict() for rows in by_level]
                        for column, by_level in summary.levels.items()
                    },
                }
                | ({"near": _pack(summary.near)} if near and len(summary.near) else {})
                | ({"outcome": summary.outcome.to_dict()} if summary.outcome else {})
                for regime, summary in self.regimes.items()
            },
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild a summary (without thinned rows) from :meth:`to_dict`."""
        actions, covariates = tuple(state["actions"]), tuple(state["covariates"])
        levels = {name: tuple(texts) for name, texts in state["levels"].items()}
        width = len(actions) + len(covariates) + 1
        regimes = {}
        for label, saved in state["regimes"].items():
            n, mean, scatter = saved["n"], np.array(saved["mean"]), np.array(saved["scatter"])
            regimes[parse_regime(label, actions)] = RegimeSummary(
                CentredMoments(n, float(n), mean, scatter),
                np.array(saved["low"]),
                np.array(saved["high"]),
                ThinnedSample.empty(width),
                np.array(saved["core"]),
                {
                    int(column): tuple(map(LevelRows.from_dict, by_level))
                    for column, by_level in saved["levels"].items()
                },
                _unpack(saved["near"], width - 1) if "near" in saved else None,
                OutcomeFacts.from_dict(saved["outcome"]) if "outcome" in saved else None,
            )
        tested = {name: tuple(map(tuple, ends)) for name, ends in state.get("tested", {}).items()}
        gaps = None
        if "gaps" in state:
            saved_gaps = state["gaps"].items()
            gaps = {name: tuple(Gap(*gap) for gap in kept) for name, kept in saved_gaps}
        return cls(actions, state["outcome"], regimes, levels, covariates, tested, gaps)


def _pack(rows: Array) -> str:
    """Write rows in single precision as text."""
    return b64encode(rows.astype("<f4").tobytes()).decode()


def _unpack(text: str, width: int) -> Array:
    return np.frombuffer(b64decode(text), dtype="<f4").astype(float).reshape(-1, width)
