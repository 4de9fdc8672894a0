"""Structural causal models with polynomial mechanisms, and their true joint effect.

The synthetic models of Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E, equations
(95) to (100): for k = 1..K

    C_k = W_k
    A_k = g_k(A_pa(k), C_k, V_k)
    Y   = sum_k f_k(A_k, C_k) + U

with polynomials f_k and g_k and independent noises U, V_k, W_k. V_k is absent from the paper's
equation (96) but has a row in its Table 4; here it is one more input of g_k. An intervention on
A_k replaces its mechanism by a draw from N(mean_k, sd_k^2). Since C_k is then independent of A,

    E[Y | do(a_1, ..., a_K)] = sum_k sum_ij alpha_kij a_k^i E[C_k^j]

where alpha_kij are the coefficients of f_k: the truth that estimates are compared with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.data.points import Points
from bayes_intgen.errors import ModelError, RegimeError
from bayes_intgen.regimes import (
    OBSERVATIONAL,
    Regime,
    check_action_names,
    format_regime,
    parse_regime,
)
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence

__all__ = ["PolynomialSCM"]

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PolynomialSCM:
    """A structural causal model with polynomial mechanisms and one confounder per action.

    Usually made by `sample_polynomial_scm`. Nothing in it can change.

    Parameters
    ----------
    actions
        Names of the actions A_1..A_K, in a causal order.
    edges
        The pairs (parent, child) of actions.
    effects
        f_k for each action, with inputs (A_k, C_k).
    mechanisms
        g_k for each action, with inputs (parents in the order of `actions`, C_k, V_k).
    confounder_noises, action_noises, outcome_noise
        Distributions of W_k and V_k for each action, and of U.
    intervention_means, intervention_sds
        Mean and standard deviation of A_k when it is intervened on, for each action.

    Raises
    ------
    ModelError
        If the parts do not fit together.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    >>> scm.sample(100, do="a1+a3", random_seed=2).columns.tolist()
    ['a1', 'a2', 'a3', 'y']
    >>> scm.single_regimes
    ('obs', 'a1', 'a2', 'a3')
    >>> frame = scm.sample_regimes(scm.single_regimes, n=50, random_seed=2)
    >>> frame["regime"].value_counts()["a2"].item()
    50
    >>> scm.expected_outcome({"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2}).sizes["point"]
    2
    """

    outcome: ClassVar[str] = "y"

    actions: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    effects: tuple[Polynomial, ...] = field(repr=False)
    mechanisms: tuple[Polynomial, ...] = field(repr=False)
    confounder_noises: tuple[Noise, ...] = field(repr=False)
    action_noises: tuple[Noise, ...] = field(repr=False)
    outcome_noise: Noise = field(repr=False)
    intervention_means: tuple[float, ...] = field(repr=False)
    intervention_sds: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        check_action_names(self.actions)
        if {self.outcome, "regime"} & set(self.actions):
            raise ModelError(f"actions may not be 'y' or 'regime', got {self.actions}; rename.")
        if not set(self.edges) <= set(combinations(self.actions, 2)):
            raise ModelError(
                f"edges must lead from earlier to later actions out of {self.actions}, "
                f"got {self.edges}; list the actions in a causal order."
            )
        noises = (self.confounder_noises, self.action_noises)
        interventions = (self.intervention_means, self.intervention_sds)
        per_action = (self.effects, self.mechanisms, *noises, *interventions)
        if {len(part) for part in per_action} != {len(self.actions)}:
            raise ModelError(
                f"all parts but edges and outcome_noise must have one entry for each of the "
                f"{len(self.actions)} actions, got {[len(part) for part in per_action]}."
            )
        found = [(f.inputs, g.inputs) for f, g in zip(self.effects, self.mechanisms, strict=True)]
        needed = [(2, len(parents) + 2) for parents in self.parents.values()]
        if found != needed:
            raise ModelError(
                f"effects and mechanisms must have {needed} inputs (action and confounder; "
                f"parents, confounder and noise), got {found}."
            )

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The parents of each action, in the order of the actions."""
        return {
            child: tuple(name for name in self.actions if (name, child) in self.edges)
            for child in self.actions
        }

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
            The actions that are intervened on: names, or a label such as ``"a1+a2"``. Each is
            drawn from N(mean_k, sd_k^2), independently of everything else. Nothing by default.
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
        """
        check_count(n, "n", "rows")
        regime = self._regime(do, "do")
        rng = named_generator(random_seed, f"regime {format_regime(regime)}")
        columns: dict[str, Array] = {}
        outcome = self.outcome_noise.sample(n, rng)
        for k, (name, parents) in enumerate(self.parents.items()):
            confounder = self.confounder_noises[k].sample(n, rng)
            if name in regime:
                action = rng.normal(self.intervention_means[k], self.intervention_sds[k], n)
            else:
                inputs = [columns[parent] for parent in parents]
                inputs += [confounder, self.action_noises[k].sample(n, rng)]
                action = self.mechanisms[k](np.column_stack(inputs))
            columns[name] = action
            outcome += self.effects[k](np.column_stack([action, confounder]))
        return pd.DataFrame({**columns, self.outcome: outcome})

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
        """
        if isinstance(regimes, str):
            raise RegimeError(f"regimes must be several, got {regimes!r}; write [{regimes!r}].")
        labels = [format_regime(self._regime(regime, "regimes")) for regime in regimes]
        if not labels or len(set(labels)) < len(labels):
            raise RegimeError(f"regimes must be distinct and at least one, got {labels}.")
        counts = n if isinstance(n, Mapping) else dict.fromkeys(labels, n)
        rows = {format_regime(self._regime(label, "n")): count for label, count in counts.items()}
        if set(rows) != set(labels):
            raise RegimeError(
                f"n must give a number of rows for each of the regimes {labels}, "
                f"got {sorted(rows)}; give one number to use it for all."
            )
        seed = seed_sequence(random_seed)
        parts = [
            self.sample(rows[label], label, random_seed=seed).assign(regime=label)
            for label in labels
        ]
        return pd.concat(parts, ignore_index=True)

    def expected_outcome(self, at: Any) -> xr.DataArray:
        """Return the true joint effect E[Y | do(a_1, ..., a_K)], in closed form.

        Parameters
        ----------
        at
            The values of all actions: a frame, or a mapping of names to numbers or arrays.

        Returns
        -------
        xarray.DataArray
            Dimension ``point``, with the actions as coordinates.

        Raises
        ------
        QueryError
            If an action is missing, or its values are not finite numbers of matching length.
        """
        points = Points.read(at, self.actions)
        total = np.zeros(len(points))
        for k, (effect, noise) in enumerate(zip(self.effects, self.confounder_noises, strict=True)):
            total += effect.average_last(noise)(points.values[:, [k]])
        return points.to_xarray(total, "expected_outcome")

    def _regime(self, do: str | Iterable[str], argument: str) -> Regime:
        if isinstance(do, str):
            return parse_regime(do, self.actions)
        names = list(do) if isinstance(do, Iterable) else [do]
        if not all(isinstance(name, str) for name in names):
            raise RegimeError(
                f"{argument} must be given by labels or names of actions, got {do!r}; "
                f"use 'obs' or () for no intervention, or names out of {list(self.actions)}."
            )
        return parse_regime(format_regime(names), self.actions)
