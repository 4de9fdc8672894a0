"""Structural causal models with polynomial mechanisms, and their true effects.

The synthetic models of Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E, equations
(95) to (100): for k = 1..K

    C_k = W_k
    A_k = L(g_k(A_pa(k), C_k, V_k))                       L the identity, or tanh
    Y   = sum_k f_k(A_k, C_k) + extra(A_1..A_K, C_1..C_K) + U

with polynomials f_k, g_k and extra, and independent noises U, V_k, W_k. V_k is absent from the
paper's equation (96) but has a row in its Table 4; here it is one more input of g_k. The paper has
no extra terms; with them come actions that interact (a_j a_k), confounders that modify the effect
of another action (a_j c_k) and confounders that act together (c_j c_k), which no estimator from
single interventions can allow for. An intervention on A_k replaces its mechanism by
L(N(mean_k, sd_k^2)). Since C_k is then independent of A, the joint effect is a sum of moments:

    E[Y | do(a_1, ..., a_K)] = sum_k sum_ij alpha_kij a_k^i E[C_k^j] + E[extra(a, C)]

where alpha_kij are the coefficients of f_k: the truth that estimates are compared with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import ModelError, QueryError, RegimeError
from bayes_intgen.base.regimes import OBSERVATIONAL, Regime, check_action_names, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.link import Link, apply_link, check_link
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.regime_rows import read_do, stack_regimes
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence
from bayes_intgen.scm.truth import Source, gather_terms, true_outcome

__all__ = ["PolynomialSCM"]


@dataclass(frozen=True)
class PolynomialSCM:
    """A structural causal model with polynomial mechanisms and one confounder per action.

    Usually made by `sample_polynomial_scm`, `sample_common_support_scm` or `sample_linear_scm`.
    Nothing in it can change.

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
        Mean and standard deviation, for each action, of L^-1(A_k) when A_k is intervened on.
    extra
        Polynomials that are added to Y, with inputs (all actions, all confounders). None in the
        paper.
    link
        L: ``"identity"`` as in the paper, or ``"tanh"``, which keeps all actions in (-1, 1).

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
    >>> at = {"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2}
    >>> scm.expected_outcome(at).sizes["point"]
    2
    >>> scm.expected_outcome(at, do=["a1", "a2"]).attrs["do"]
    'a1+a2'
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
    extra: tuple[Polynomial, ...] = field(default=(), repr=False)
    link: Link = "identity"

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
        inputs = [polynomial.inputs for polynomial in self.extra]
        if set(inputs) - {2 * len(self.actions)}:
            raise ModelError(
                f"extra polynomials must have {2 * len(self.actions)} inputs (all actions, then "
                f"all confounders), got {inputs}."
            )
        check_link(self.link)

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
            drawn from L(N(mean_k, sd_k^2)), independently of everything else. Nothing by default.
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
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> scm.sample(5, do=["a3"], random_seed=2).shape
        (5, 4)
        >>> sorted(scm.parents), scm.single_regimes[0]
        (['a1', 'a2', 'a3'], 'obs')
        """
        check_count(n, "n", "rows")
        regime = read_do(do, "do", self.actions)
        rng = named_generator(random_seed, f"regime {format_regime(regime)}")
        columns: dict[str, Array] = {}
        confounders = []
        outcome = self.outcome_noise.sample(n, rng)
        for k, (name, parents) in enumerate(self.parents.items()):
            confounder = self.confounder_noises[k].sample(n, rng)
            if name in regime:
                z = rng.normal(self.intervention_means[k], self.intervention_sds[k], n)
            else:
                inputs = [columns[parent] for parent in parents]
                inputs += [confounder, self.action_noises[k].sample(n, rng)]
                z = self.mechanisms[k](np.column_stack(inputs))
            columns[name] = apply_link(self.link, z)
            confounders.append(confounder)
            outcome += self.effects[k](np.column_stack([columns[name], confounder]))
        for polynomial in self.extra:
            outcome += polynomial(np.column_stack([*columns.values(), *confounders]))
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

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a3"], n={"obs": 2, "a3": 1}, random_seed=2)
        >>> frame["regime"].tolist()
        ['obs', 'obs', 'a3']
        """
        seed = seed_sequence(random_seed)
        return stack_regimes(
            lambda rows, label: self.sample(rows, label, random_seed=seed),
            self.actions,
            regimes,
            n,
        )

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
            zero for the joint effect and for linear Gaussian systems, which are in closed form.

        Raises
        ------
        QueryError
            If an action is missing, its values are not finite numbers of matching length, `do`
            names an unknown action, or an action that is not set can never have the value that it
            is said to have.
        ModelError
            If an action is not set and its mechanism is not of degree two at most in confounder
            and noise, or a moment of a confounder above the fourth is needed.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
        >>> truth = scm.expected_outcome({"a1": [0.0, 0.1], "a2": 0.0, "a3": 0.2})
        >>> truth.dims, truth.attrs["do"]
        (('point',), 'a1+a2+a3')
        """
        points = Points.read(at, self.actions)
        regime = self._read_query(do)
        sources = [
            Source(
                self.mechanisms[k],
                self.confounder_noises[k],
                self.action_noises[k],
                tuple(self.actions.index(parent) for parent in parents),
            )
            for k, parents in enumerate(self.parents.values())
        ]
        terms = gather_terms(self.effects, self.extra)
        return true_outcome(points, regime, sources, terms, self.link)

    def _read_query(self, do: str | Iterable[str] | None) -> Regime:
        if do is None:
            return self.actions
        try:
            return read_do(do, "do", self.actions)
        except RegimeError as error:
            raise QueryError(f"do: {error} None sets all actions, [] none.") from error
