"""Structural causal models with finitely many values, and their exact distributions.

The noises are independent, every other variable is a function of noises and earlier variables, and
an intervention on A_k replaces its function by a draw that is uniform over the values of A_k and
independent of all noises. A regime then has finitely many worlds w, one per combination of
the noises' values and of the values that are set; in it every variable has a level, which is a
position among its values. Everything follows by adding up:

    p(a, y) = sum_w p(w) 1[A(w) = a, Y(w) = y]                                                  (1)
    E[Y | do(a_S), a_rest] = sum_w p(w) 1[A(w) = a] Y(w) / sum_w p(w) 1[A(w) = a]               (2)

with the worlds of regime S in (2), where the probability of what is set cancels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.base.regimes import Regime, check_action_names, format_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.points import Points
from bayes_intgen.scm.discrete_variables import DiscreteMechanism, DiscreteNoise
from bayes_intgen.scm.system import System, read_intervention

__all__ = ["DiscreteSCM"]

MOST_WORLDS = 10_000_000

type Levels = Indices


@dataclass(frozen=True)
class DiscreteSCM(System):
    """A structural causal model with finitely many values; nothing about it is approximate.

    Usually made by `indistinguishable_scms` or `sample_discrete_scm`. Nothing in it can change.

    Parameters
    ----------
    noises
        The exogenous variables, independent of one another.
    mechanisms
        The endogenous variables in a causal order: the actions, the outcome ``y``, and others that
        stay hidden. Their parents are noises and earlier mechanisms.
    actions
        Names of the actions, in a causal order.

    Raises
    ------
    ModelError
        If names repeat, a parent is not known, a table has the wrong size, or an action or ``y``
        has no mechanism.

    Examples
    --------
    >>> scm, _ = ig.scm.indistinguishable_scms(probability=0.5)
    >>> scm.distribution()
        a1   a2    y  probability
    0  0.0  0.0  0.0        0.500
    1  1.0  0.0  0.0        0.250
    2  1.0  1.0  0.0        0.125
    3  1.0  1.0  1.0        0.125
    >>> scm.distribution({"a1": 1, "a2": 1})["probability"].tolist()  # of y = 0 and y = 1
    [0.75, 0.25]
    >>> scm.expected_outcome({"a1": 1, "a2": [0, 1]}, do=["a1"]).values.tolist()
    [0.0, 0.5]
    >>> scm.values["a1"], scm.single_regimes
    ((0.0, 1.0), ('obs', 'a1', 'a2'))
    """

    noises: tuple[DiscreteNoise, ...] = field(repr=False)
    mechanisms: tuple[DiscreteMechanism, ...] = field(repr=False)
    actions: tuple[str, ...]

    def __post_init__(self) -> None:
        check_action_names(self.actions)
        sizes = {noise.name: len(noise.values) for noise in self.noises}
        for mechanism in self.mechanisms:
            name, parents = mechanism.name, mechanism.parents
            if not set(parents) <= set(sizes):
                raise ModelError(
                    f"mechanisms: {name!r} depends on {parents}, but before it there are only "
                    f"{sorted(sizes)}; list the mechanisms in a causal order."
                )
            needed = prod(sizes[parent] for parent in parents)
            if len(mechanism.table) != needed:
                raise ModelError(
                    f"mechanisms: the table of {name!r} must have {needed} entries, one per "
                    f"combination of its parents' values, got {len(mechanism.table)}; use "
                    f"DiscreteMechanism.tabulate."
                )
            sizes[name] = len(mechanism.values)
        if len(sizes) < len(self.noises) + len(self.mechanisms):
            raise ModelError("noises and mechanisms must have distinct names; rename them.")
        order = [mechanism.name for mechanism in self.mechanisms]
        listed = tuple(name for name in order if name in self.actions)
        if listed != self.actions or self.outcome not in order or self.outcome in self.actions:
            raise ModelError(
                f"actions must be names of mechanisms, in their order, and {self.outcome!r} the "
                f"name of another; got actions {self.actions} and mechanisms {order}."
            )

    @property
    def values(self) -> dict[str, tuple[float, ...]]:
        """What each action can be, in increasing order."""
        return {m.name: m.values for m in self.mechanisms if m.name in self.actions}

    def _draw(self, n: int, regime: Regime, rng: np.random.Generator) -> pd.DataFrame:
        levels: dict[str, Levels] = {}
        for noise in self.noises:
            share = np.array(noise.probabilities)
            levels[noise.name] = rng.choice(len(share), n, p=share / share.sum())
        for name in regime:
            levels[name] = rng.integers(len(self.values[name]), size=n)
        return pd.DataFrame(self._read(self._follow_mechanisms(levels)))

    def distribution(self, do: str | Iterable[str] | Mapping[str, float] = ()) -> pd.DataFrame:
        """Return p(actions, outcome) in one regime, exactly.

        Parameters
        ----------
        do
            Names of the actions that are set, or a regime's label: each is uniform over its values.
            A mapping of names to values sets them to these instead.

        Returns
        -------
        pandas.DataFrame
            A column per action, ``y`` and ``probability``, with a row for each combination that
            is possible, sorted by its values. The probabilities add up to one.

        Raises
        ------
        RegimeError
            If `do` names an unknown action.
        QueryError
            If an action cannot have the value that it is set to.
        ModelError
            If there are too many worlds to list.

        Examples
        --------
        >>> scm, _ = ig.scm.indistinguishable_scms(probability=0.5)
        >>> float(scm.distribution("a1")["probability"].sum())
        1.0
        """
        fixed = dict(do) if isinstance(do, Mapping) else {}
        names = list(do) if isinstance(do, Mapping) else do
        regime = read_intervention(names, "do", self.actions)
        set_to = {name: self._find(name, np.array([float(value)])) for name, value in fixed.items()}
        levels, weight = self._list_worlds(regime, set_to)
        rows = np.column_stack(list(self._read(levels).values()))
        outcomes, which = np.unique(rows, axis=0, return_inverse=True)
        table = pd.DataFrame(outcomes, columns=[*self.actions, self.outcome])
        table["probability"] = np.bincount(which.ravel(), weight, len(outcomes))  # (1)
        return table[table["probability"] > 0].reset_index(drop=True)

    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        shape = tuple(len(values) for values in self.values.values())
        asked = [
            self._find(name, column)
            for name, column in zip(self.actions, points.values.T, strict=True)
        ]
        cell = np.ravel_multi_index(tuple(asked), shape)
        mean = self._means(regime, shape)[cell]
        impossible = ~np.isfinite(mean)
        if impossible.any():
            raise QueryError(
                f"at: in regime {format_regime(regime)!r} the actions can never have the values "
                f"given at {int(impossible.sum())} points, the first at "
                f"{points.index[impossible][:5].tolist()}; leave them out, or set more actions."
            )
        return mean, 0.0

    def _means(self, regime: Regime, shape: tuple[int, ...]) -> Array:
        """Return the mean outcome at every combination of actions; NaN where there is none."""
        levels, weight = self._list_worlds(regime, {})
        cell = np.ravel_multi_index(tuple(levels[name] for name in self.actions), shape)
        outcome = self._read(levels)[self.outcome]
        # numerator and denominator of (2)
        total = np.bincount(cell, weight * outcome, prod(shape))
        with np.errstate(invalid="ignore"):
            return np.asarray(total / np.bincount(cell, weight, prod(shape)))

    def _read(self, levels: Mapping[str, Levels]) -> dict[str, Array]:
        """Turn the levels of actions and outcome into their values."""
        values = {m.name: np.array(m.values) for m in self.mechanisms}
        return {name: values[name][levels[name]] for name in (*self.actions, self.outcome)}

    def _find(self, name: str, asked: Array) -> Levels:
        """Turn values of an action into levels."""
        known = np.array(self.values[name])
        level = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        wrong = known[level] != asked
        if wrong.any():
            raise QueryError(
                f"{name!r} can only be one of {self.values[name]}, got "
                f"{sorted(set(asked[wrong].tolist()))[:5]}."
            )
        return level

    def _list_worlds(
        self, regime: Regime, set_to: Mapping[str, Levels]
    ) -> tuple[dict[str, Levels], Array]:
        """List all worlds of a regime: the level of each variable in each of them, and p(w).

        An action that is set has one of its levels in `set_to`, or any, all equally probable.

        Raises
        ------
        ModelError
            If there are more than ten million.
        """
        choices: dict[str, Levels] = {n.name: np.arange(len(n.values)) for n in self.noises}
        settings = {name: np.arange(len(self.values[name])) for name in regime} | dict(set_to)
        choices |= settings
        count = prod(map(len, choices.values()))
        if count > MOST_WORLDS:
            raise ModelError(
                f"noises: with {list(settings)} set there are {count} worlds, more than the "
                f"{MOST_WORLDS} that are listed at most; use fewer noises or values."
            )
        grid = np.meshgrid(*choices.values(), indexing="ij")
        levels = {name: axis.ravel() for name, axis in zip(choices, grid, strict=True)}
        probability = np.full(count, 1 / prod(map(len, settings.values())))
        for noise in self.noises:
            probability *= np.array(noise.probabilities)[levels[noise.name]]
        return self._follow_mechanisms(levels), probability

    def _follow_mechanisms(self, given: Mapping[str, Levels]) -> dict[str, Levels]:
        """Add the levels of all variables that are not given."""
        sizes = {noise.name: len(noise.values) for noise in self.noises}
        levels = dict(given)
        size = len(next(iter(levels.values())))
        for mechanism in self.mechanisms:
            values, table = np.unique(mechanism.table, return_inverse=True)
            sizes[mechanism.name] = len(values)
            if mechanism.name in given:
                continue
            entry = np.zeros(size, dtype=np.intp)
            for parent in mechanism.parents:
                entry = entry * sizes[parent] + levels[parent]
            levels[mechanism.name] = table[entry]
        return levels
