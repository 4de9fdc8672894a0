"""Rows as a regime would give them that nobody has run yet, or with other settings than so far.

Actions that are set have values of the plan. Those that may follow them are drawn in causal order,
each from a row that was seen with its action left alone and with nearly the same values of its
possible parents, of n such rows one of the sqrt(n) nearest: by Lemma 1 of the paper p(a_k | its
parents) is the same in every regime that leaves A_k alone. All else stays as in the rows of a
regime that sets no more than the plan does. Actions that may depend on one another both ways are
drawn together.

What is needed of the rows is the mean of products of features only. They are the up to 1024 rows of
each regime that a fit keeps, without outcomes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["RowPlanner"]

ROWS = 2**12
FAR = 10.0  # between levels, in standard deviations


@dataclass(frozen=True)
class RowPlanner:
    """The rows that a fit keeps, and how further ones are made from them."""

    fit: Fitted
    settings: Mapping[str, Array]  # values, or codes of levels, that the plan sets

    def rows(self, regime: Regime, rng: np.random.Generator) -> Array:
        """Return rows of a regime, shape (rows, variables), actions before covariates."""
        start = self._start(regime)
        kept = self._kept(start)
        rows = kept[np.arange(ROWS) % len(kept)].copy()
        for names in self._together(regime):
            rows[:, self._columns(names)] = self._settings(names, rng)
        changed = {*regime, *start}
        for names in self._causal_order():
            free = [name for name in names if name not in regime]
            causes = {p for name in free for p in self.fit.design.parents[name]} - {*free}
            if changed.isdisjoint({*causes, *free}):
                continue
            given = [name for name in self.fit.design.variables if name in causes]
            self._follow(rows, free, [*given, *self.fit.covariates], rng)
            changed.update(free)
        return rows

    def _start(self, regime: Regime) -> Regime:
        """Return the regime with rows that sets most of what is set, and nothing else if there is.

        Of regimes alike, the one that has most rows.
        """
        regimes = self.fit.summary.regimes
        within = [known for known in regimes if {*known} <= {*regime}]
        return max(within or regimes, key=lambda known: (len(known), regimes[known].n))

    def _kept(self, regime: Regime) -> Array:
        summary = self.fit.summary
        part = summary.regimes[regime]
        if not len(part.near):
            raise QueryError(
                f"options: the fit kept no rows of regime {format_regime(regime)!r}, from which "
                f"those of a regime without rows, or with other settings, are made; plan regimes "
                f"that have rows, with the settings that they had, or fit again."
            )
        mean, sd = part.near_scale
        rows = part.near * sd + mean
        coded = [summary.variables.index(name) for name in summary.levels]
        rows[:, coded] = np.round(rows[:, coded])
        return np.asarray(rows)

    def _columns(self, names: Sequence[str]) -> list[int]:
        return [self.fit.design.variables.index(name) for name in names]

    def _together(self, regime: Regime) -> Iterator[list[str]]:
        """Yield the actions whose settings are drawn together: those of a block, else one."""
        known = self.fit.summary.regimes
        for block in self.fit.design.blocks:
            part = [name for name in block if name in regime]
            both = any({*part} <= {*other} for other in known) and not {*part} & {*self.settings}
            yield from [part] if both and part else ([name] for name in part)

    def _settings(self, names: list[str], rng: np.random.Generator) -> Array:
        """Return settings of some actions: the values of the plan, or those of their experiments.

        Without an experiment on an action, the values that it was seen at.
        """
        if names[0] in self.settings:
            return rng.choice(self.settings[names[0]], ROWS)[:, None]
        regimes = self.fit.summary.regimes
        setting = [regime for regime in regimes if {*names} <= {*regime}]
        pools = [self._kept(regime)[:, self._columns(names)] for regime in setting or regimes]
        drawn = np.concatenate([pool[rng.integers(len(pool), size=ROWS)] for pool in pools])
        return drawn[rng.choice(len(drawn), ROWS, replace=False)]

    def _causal_order(self) -> list[list[str]]:
        """Return sets of actions that may depend on one another, possible causes first."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.fit.actions)
        parents = self.fit.design.parents
        graph.add_edges_from((p, name) for name in self.fit.actions for p in parents[name])
        for block in self.fit.design.blocks:  # whose confounder they share
            graph.add_edges_from(zip(block, [*block[1:], block[0]], strict=True))
        graph.remove_edges_from(list(nx.selfloop_edges(graph)))
        condensed = nx.condensation(graph)
        order = nx.topological_sort(condensed)
        return [sorted(condensed.nodes[node]["members"]) for node in order]

    def _follow(
        self, rows: Array, free: Sequence[str], given: Sequence[str], rng: np.random.Generator
    ) -> None:
        """Draw actions that are left alone given others, from rows in which they were so, too."""
        known = [r for r in self.fit.summary.regimes if {*free}.isdisjoint(r)]
        if not known:
            raise QueryError(
                f"options: no regime with rows leaves {list(free)} alone, so that nothing says "
                f"what they would do in a regime that does; plan regimes that set them."
            )
        donors = np.concatenate([self._kept(regime) for regime in known])
        if given:
            near = int(np.sqrt(len(donors)))
            place = self._place(given, donors)
            _, found = cKDTree(place(donors)).query(place(rows), k=[*range(1, near + 1)])
            index = found[np.arange(len(rows)), rng.integers(near, size=len(rows))]
        else:
            index = rng.integers(len(donors), size=len(rows))
        columns = self._columns(free)
        rows[:, columns] = donors[np.ix_(index, columns)]

    def _place(self, names: Sequence[str], donors: Array) -> "_Place":
        columns = self._columns(names)
        levels = [len(self.fit.summary.levels.get(name, ())) for name in names]
        sd = donors[:, columns].std(axis=0)
        return _Place(columns, levels, np.where(sd > 0, sd, 1.0))


@dataclass(frozen=True)
class _Place:
    """Coordinates in which nearness is judged: standard deviations, and levels far apart."""

    columns: list[int]
    levels: list[int]
    sd: npt.NDArray[np.float64]

    def __call__(self, rows: Array) -> Array:
        parts = []
        for column, count, sd in zip(self.columns, self.levels, self.sd, strict=True):
            values = rows[:, column]
            parts.append(FAR * np.eye(count)[values.astype(int)] if count else values[:, None] / sd)
        return np.concatenate(parts, axis=1)
