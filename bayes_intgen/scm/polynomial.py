"""Random polynomial structural causal models, with their true joint effect.

The synthetic models of Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E, equations
(95) to (100): for k = 1..K

    C_k = W_k
    A_k = g_k(A_pa(k), C_k, V_k)
    Y   = sum_k f_k(A_k, C_k) + U

f_k and g_k are polynomials of total degree two whose coefficients are Gaussian, divided by the
sum of their absolute values. The noises U, V_k, W_k are independent. V_k is absent from the
paper's equation (96) but has a row in its Table 4; here it is one more input of g_k. An
intervention on A_k replaces its mechanism by a draw from N(mean_k, sd_k^2), with the mean and
standard deviation that A_k has without interventions. Since C_k is then independent of A,

    E[Y | do(a_1, ..., a_K)] = sum_k sum_ij alpha_kij a_k^i E[C_k^j]

where alpha_kij are the coefficients of f_k: the truth that estimates are compared with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, combinations_with_replacement
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.data.points import Points
from bayes_intgen.errors import ModelError, QueryError, RegimeError
from bayes_intgen.regimes import (
    OBSERVATIONAL,
    Regime,
    check_action_names,
    format_regime,
    parse_regime,
)
from bayes_intgen.scm.noise import KINDS, Noise, Seed, named_generator, seed_sequence

__all__ = ["Polynomial", "PolynomialSCM", "sample_polynomial_scm"]

type Array = npt.NDArray[np.float64]

_SD_U, _SD_V, _SD_W = 0.1, 0.1, 0.5  # Table 4
_CALIBRATION_ROWS = 200_000


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in several inputs.

    Parameters
    ----------
    powers
        The power of each input in each term, shape (terms, inputs).
    coefficients
        The factor of each term, shape (terms,).

    Raises
    ------
    ModelError
        If there is not one row of equally many non-negative powers per coefficient.

    Examples
    --------
    >>> product_plus_one = Polynomial(powers=((0, 0), (1, 1)), coefficients=(1.0, 2.0))
    >>> product_plus_one(np.array([[3.0, 5.0]]))
    array([31.])
    """

    powers: tuple[tuple[int, ...], ...]
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        widths = {len(term) for term in self.powers}
        negative = any(power < 0 for term in self.powers for power in term)
        if len(widths) != 1 or negative or len(self.powers) != len(self.coefficients):
            raise ModelError(
                f"powers must hold one row per coefficient, each with one non-negative power per "
                f"input; got {self.powers} for {len(self.coefficients)} coefficients."
            )

    @classmethod
    def random(cls, inputs: int, rng: np.random.Generator, degree: int = 2) -> "Polynomial":
        """Draw a polynomial with all terms up to a total degree (paper: Appendix E, steps 1-3).

        Coefficients are N(0, 0.1^2), then divided by the sum of their absolute values.
        """
        # A term is a choice of `degree` factors among the inputs and the constant 1.
        choices = combinations_with_replacement(range(inputs + 1), degree)
        powers = tuple(tuple(chosen.count(i) for i in range(inputs)) for chosen in choices)
        raw = rng.normal(0.0, 0.1, len(powers))
        return cls(powers, tuple((raw / np.abs(raw).sum()).tolist()))

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return len(self.powers[0])

    def __call__(self, x: Array) -> Array:
        """Evaluate at points of shape (n, inputs); returns shape (n,)."""
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise QueryError(f"x must have shape (n, {self.inputs}), got {x.shape}; stack columns.")
        total = np.zeros(len(x))
        for term, coefficient in zip(self.powers, self.coefficients, strict=True):
            product = np.full(len(x), coefficient)
            for column, power in enumerate(term):
                if power:
                    product *= x[:, column] ** power
            total += product
        return total

    def average_last(self, noise: Noise) -> "Polynomial":
        """Return the expectation over the last input, a polynomial in the other inputs."""
        terms = zip(self.powers, self.coefficients, strict=True)
        averaged = tuple(coefficient * noise.moment(term[-1]) for term, coefficient in terms)
        return Polynomial(tuple(term[:-1] for term in self.powers), averaged)


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
        A frame with a column per action and ``y``.

        Raises
        ------
        RegimeError
            If `do` names an unknown action.
        ModelError
            If `n` is not a positive integer, or the seed is not one.
        """
        _check_count(n, "n", "rows")
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
        A frame with a column per action, ``y``, and ``regime`` with the labels.

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
        if isinstance(n, Mapping):
            rows = {format_regime(self._regime(label, "n")): count for label, count in n.items()}
        else:
            rows = dict.fromkeys(labels, n)
        if set(rows) != set(labels):
            raise RegimeError(
                f"n must give a number of rows for each of the regimes {labels}, "
                f"got {sorted(rows)}; give one number to use it for all."
            )
        seed = seed_sequence(random_seed)
        return pd.concat(
            [
                self.sample(rows[label], label, random_seed=seed).assign(regime=label)
                for label in labels
            ],
            ignore_index=True,
        )

    def expected_outcome(self, at: Any) -> xr.DataArray:
        """Return the true joint effect E[Y | do(a_1, ..., a_K)], in closed form.

        Parameters
        ----------
        at
            The values of all actions: a frame, or a mapping of names to numbers or arrays.

        Returns
        -------
        An array with dimension ``point`` and the actions as coordinates.

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


def sample_polynomial_scm(
    n_actions: int, random_seed: Seed, edge_probability: float = 0.3
) -> PolynomialSCM:
    """Draw a polynomial SCM with actions a1..aK as in the paper's Appendix E.

    Parameters
    ----------
    n_actions
        Number K of actions.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    edge_probability
        Probability of each edge A_j -> A_k with j < k.

    Returns
    -------
    The SCM. Its interventions have the mean and standard deviation of 200,000 simulated
    observational rows.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `edge_probability` is not in [0, 1], or the
        seed is not one.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1, edge_probability=1.0)
    >>> scm.parents
    {'a1': (), 'a2': ('a1',), 'a3': ('a1', 'a2')}
    """
    _check_count(n_actions, "n_actions", "actions")
    if not 0 <= edge_probability <= 1:
        raise ModelError(
            f"edge_probability must be a probability, got {edge_probability!r}; the paper's is 0.3."
        )
    seed = seed_sequence(random_seed)
    rng = named_generator(seed, "mechanisms")
    actions = tuple(f"a{k + 1}" for k in range(n_actions))
    edges = tuple(pair for pair in combinations(actions, 2) if rng.random() < edge_probability)
    n_parents = [sum(child == name for _, child in edges) for name in actions]

    def noise(sd: float) -> Noise:
        return Noise(KINDS[rng.integers(len(KINDS))], sd)

    scm = PolynomialSCM(
        actions=actions,
        edges=edges,
        effects=tuple(Polynomial.random(2, rng) for _ in actions),
        mechanisms=tuple(Polynomial.random(count + 2, rng) for count in n_parents),
        confounder_noises=tuple(noise(_SD_W) for _ in actions),
        action_noises=tuple(noise(_SD_V) for _ in actions),
        outcome_noise=noise(_SD_U),
        intervention_means=(0.0,) * n_actions,  # not used by observational rows
        intervention_sds=(1.0,) * n_actions,
    )
    calibration = named_generator(seed, "calibration")
    observed = scm.sample(_CALIBRATION_ROWS, random_seed=calibration)[[*actions]].to_numpy()
    return replace(
        scm,
        intervention_means=tuple(observed.mean(axis=0).tolist()),
        intervention_sds=tuple(observed.std(axis=0).tolist()),
    )


def _check_count(count: object, argument: str, what: str) -> None:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ModelError(
            f"{argument} must be a positive whole number of {what}, got {count!r}; write 10."
        )
