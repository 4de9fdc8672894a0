"""Base class of the synthetic systems: rows of any regime, and the true effect.

A family says how rows of one regime are drawn and what their mean outcome is; how a regime is
named, a seed is split and an answer is labelled is the same for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import QueryError, RegimeError
from bayes_intgen.base.regimes import OBSERVATIONAL, Regime, format_regime, read_do, read_regime
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.points import Points
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence

__all__ = ["System", "read_intervention", "refuse_impossible"]


class System(ABC):
    """A synthetic system: actions in a causal order, and the outcome ``y``."""

    outcome: ClassVar[str] = "y"

    actions: tuple[str, ...]

    @property
    def single_regimes(self) -> tuple[str, ...]:
        """Labels of the K + 1 regimes of the paper: observational, and each action alone."""
        return (OBSERVATIONAL, *self.actions)

    def sample(self, n: int, do: str | Iterable[str] = (), *, random_seed: Seed) -> pd.DataFrame:
        """Draw rows from one regime.

        Parameters
        ----------
        n
            Number of rows.
        do
            The actions that are intervened on: names, or a label such as ``"a1+a2"``. Each is drawn
            from its intervention's distribution, which the module of the system states,
            independently of everything before it. Nothing by default.
        random_seed
            An integer, generator (which is advanced) or seed sequence. Different regimes are
            independent of each other even under the same seed.

        Returns
        -------
        pandas.DataFrame
            A column per action and ``y``.

        Raises
        ------
        RegimeError
            If `do` names an unknown action.
        ModelError
            If `n` is not a positive integer, or the seed is not one.

        Examples
        --------
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> scm.sample(5, do=["a3"], random_seed=2).shape
        (5, 4)
        >>> scm.single_regimes
        ('obs', 'a1', 'a2', 'a3')
        """
        check_count(n, "n", "rows")
        regime = read_intervention(do, "do", self.actions)
        return self._draw(
            n, regime, named_generator(random_seed, f"regime {format_regime(regime)}")
        )

    def sample_regimes(
        self,
        regimes: Iterable[str | Iterable[str]],
        n: int | Mapping[str, int],
        random_seed: Seed,
    ) -> pd.DataFrame:
        """Draw rows from several regimes, one after the other.

        Parameters
        ----------
        regimes
            Labels, or tuples of action names.
        n
            Number of rows of every regime, or a mapping of their labels to numbers of rows.
        random_seed
            As in `sample`, whose rows for the same integer or seed sequence these are: adding a
            regime does not change the rows of another.

        Returns
        -------
        pandas.DataFrame
            A column per action, ``y``, and ``regime`` with the labels.

        Raises
        ------
        RegimeError
            If there is no regime, one is unknown or repeated, or `n` is for other regimes.
        ModelError
            If a number of rows is not a positive integer, or the seed is not one.

        Examples
        --------
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a3"], n={"obs": 2, "a3": 1}, random_seed=2)
        >>> frame["regime"].tolist()
        ['obs', 'obs', 'a3']
        """
        # one seed for all, so that a generator is advanced once and not once per regime
        seed = seed_sequence(random_seed)
        if isinstance(regimes, str | bytes) or not isinstance(regimes, Iterable):
            raise RegimeError(f"regimes must be several, got {show(regimes)}; write ['obs', 'a1'].")
        labels = [self._label(regime, "regimes") for regime in regimes]
        if not labels or len(set(labels)) < len(labels):
            raise RegimeError(f"regimes must be distinct and at least one, got {labels}.")
        counts = n if isinstance(n, Mapping) else dict.fromkeys(labels, n)
        rows = {self._label(label, "n"): count for label, count in counts.items()}
        if set(rows) != set(labels):
            raise RegimeError(
                f"n must give a number of rows for each of the regimes {labels}, "
                f"got {sorted(rows)}; give one number to use it for all."
            )
        tables = [
            self.sample(rows[label], label, random_seed=seed).assign(regime=label)
            for label in labels
        ]
        return pd.concat(tables, ignore_index=True)

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Return the true E[Y | do(a_S), a_rest].

        Parameters
        ----------
        at
            The values of ALL actions: a frame, or a mapping of names to numbers or arrays.
        do
            The actions S that are set, as names or as a regime's label; the others are conditioned
            on. None sets all of them, ``[]`` none.

        Returns
        -------
        xarray.DataArray
            Dimension ``point``, with the actions as coordinates. The attribute ``do`` is the
            regime's label, ``error`` an estimate of the largest numerical error over the points:
            zero where the answer is in closed form, as joint effects are in every family, and all
            effects of discrete and of linear Gaussian systems.

        Raises
        ------
        QueryError
            If an action is missing, its values are not finite numbers of matching length, `do`
            names an unknown action, or an action can never have the value that it is said to have.
        ModelError
            If the answer cannot be computed: a moment of a confounder above the fourth is needed, a
            mechanism is of a degree above two in confounder and noise, an action that is not set
            all but reveals its confounder, or a discrete system has too many worlds to list.

        Examples
        --------
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> truth = scm.expected_outcome({"a1": [0.0, 0.1], "a2": 0.0, "a3": 0.2})
        >>> truth.dims, truth.attrs["do"]
        (('point',), 'a1+a2+a3')
        """
        points, regime = Points.read(at, self.actions), read_do(do, self.actions)
        mean, error = self._true_mean(points, regime)
        labelled = points.to_xarray(mean, "expected_outcome")
        return labelled.assign_attrs(do=format_regime(regime), error=error)

    @abstractmethod
    def _draw(self, n: int, regime: Regime, rng: np.random.Generator) -> pd.DataFrame:
        """Draw rows in which the actions of a regime are set."""

    @abstractmethod
    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        """Return the mean outcome at each point, shape (points,), and its largest error."""

    def _label(self, regime: str | Iterable[str], argument: str) -> str:
        return format_regime(read_intervention(regime, argument, self.actions))


def refuse_impossible(impossible: Mask, points: Points, name: str) -> None:
    """Raise a QueryError if an action that is left alone cannot have its value at some points."""
    if impossible.any():
        raise QueryError(
            f"at: action {name!r} is not set, and can never have the values given for it at "
            f"{int(impossible.sum())} points, the first at "
            f"{points.index[impossible][:5].tolist()}; leave them out, or set {name!r}."
        )


def read_intervention(do: object, argument: str, actions: tuple[str, ...]) -> Regime:
    """Read a label such as ``"a1+a2"``, or names of actions, none of them twice."""
    if isinstance(do, str):
        return read_regime(do, actions, argument)
    given = list(do) if isinstance(do, Iterable) else [do]
    names = [name for name in given if isinstance(name, str)]
    if len(names) < len(given):
        raise RegimeError(
            f"{argument} must be given by labels or names of actions, got {show(do)}; "
            f"use 'obs' or () for no intervention, or names out of {list(actions)}."
        )
    return read_regime(format_regime(names), actions, argument)
