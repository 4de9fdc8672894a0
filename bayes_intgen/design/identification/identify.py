"""Identification of the mean of a regime: the affine rule behind Theorem 1 of the paper.

The mean of regime S is a sum of components, one per block of actions, that each depend on S only
through its pattern S n B: which actions of the block are set. Nothing relates the patterns of one
block to one another. So, whatever the components are, with 1_S the vector of indicators that has a
coordinate for each block and each pattern that is not empty (zero for the observational regime),

    (1)  m_T = sum_e c_e m_e   exactly when   1_T = sum_e c_e 1_e   and   sum_e c_e = 1.

Theorem 1 (c = 1 for each single intervention, -(K-1) for the observational regime), Proposition 1
and Corollary 1 of the paper are cases of it.

A regime that cuts a block is no exception. Given all actions the confounders of the blocks are
independent, and that of block B depends only on the actions of B that are left alone and their
parents, so that a cut pattern is one more coordinate that adds up with the other blocks: with
blocks {a, b} and {c}, m_ac = m_a + m_c - m_obs. Where the cut pattern occurs in one regime only,
that regime informs no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.blocks import Blocks, check_blocks, find_cuts, format_blocks, read_blocks
from bayes_intgen.base.blocks import split_regime as split
from bayes_intgen.base.errors import ModelError, NotIdentifiedError, QueryError, RegimeError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import (
    Regime,
    describe_experiments,
    describe_mean,
    format_regime,
    read_regime,
)
from bayes_intgen.base.types import Array
from bayes_intgen.design.identification.missing_experiments import TOLERANCE, cheapest_experiments

__all__ = [
    "Identification",
    "identify",
    "identify_from",
    "read_names",
    "require_identified",
    "require_known_cuts",
    "require_target",
]


@dataclass(frozen=True)
class Identification:
    """Whether a target is identified, and from what.

    Parameters
    ----------
    target
        The regime whose mean is wanted.
    identified
        Whether it follows from the experiments.
    weights
        The coefficient c_e of each experiment in (1), of minimum norm; empty when the target is
        not identified.
    missing
        The fewest further experiments that would identify it: observational rows, single blocks
        set as a whole, or a pattern that cuts a block; of equally many, those that cut no block
        and set the fewest actions. None of them can be left out.
    experiments
        The regimes at hand.
    blocks
        The blocks of actions.
    """

    target: Regime
    identified: bool
    weights: dict[Regime, float]
    missing: tuple[Regime, ...]
    experiments: tuple[Regime, ...] = ()
    blocks: Blocks = ()

    def __str__(self) -> str:
        larger = tuple(block for block in self.blocks if len(block) > 1)
        given = f", with the blocks {format_blocks(larger)}" if larger else ""
        mean = describe_mean(self.target)
        if self.identified:
            return (
                f"{mean} is identified{given}: {self._sum()}, where m(r) is the mean outcome in "
                f"experiment r."
            )
        have = ", ".join(map(format_regime, self.experiments))
        wanted = describe_experiments(self.missing)
        return f"{mean} is not identified from {have}{given}: missing {wanted}."

    def _repr_html_(self) -> str:
        if not self.identified:
            return html_block("Identification", (), (), [str(self)])
        rows = [(format_regime(regime), weight) for regime, weight in self.weights.items()]
        return html_block(str(self), (), [html_table(["experiment", "weight"], rows)])

    def _sum(self) -> str:
        """Write (1) as ``m(a) + m(b) - m(obs)``."""
        text = ""
        used = [(r, w) for r, w in self.weights.items() if abs(w) > TOLERANCE]
        for regime, weight in sorted(used, key=lambda pair: pair[1] < 0):
            size = "" if abs(abs(weight) - 1) < TOLERANCE else f"{abs(weight):.4g} "
            sign = "-" if weight < 0 else "+"
            text += f" {sign} {size}m({format_regime(regime)})"
        return text.removeprefix(" + ").strip()


def identify(
    experiments: Iterable[str | Iterable[str]],
    target: str | Iterable[str],
    blocks: Iterable[str | Iterable[str]] | None = None,
) -> Identification:
    """Say whether the mean outcome under ``target`` follows from those under ``experiments``.

    The answer is relative to the assumptions: one confounder per block of actions, independent of
    the others, and no product of confounders of different blocks. It goes by labels, and holds at
    settings of which the experiments have rows: controls in which all actions are held at zero
    identify the joint mean at zero (:meth:`bayes_intgen.InterventionModel.identify` looks at rows).

    Parameters
    ----------
    experiments
        The regimes at hand, each a label (``"obs"``, ``"a1+a2"``) or a collection of names.
    target
        The regime in question, in the same form.
    blocks
        Sets of actions that may share a confounder, as labels or collections of names; the others
        are blocks of their own. Only whole blocks follow from one another's experiments: a pattern
        that sets a part of a block has to be seen itself.

    Returns
    -------
    Identification
        Its weights have a key per experiment, a sorted tuple of action names. Printed, it says in a
        sentence what follows or what is missing.

    Raises
    ------
    RegimeError
        If there is no experiment, or a label cannot be read.
    ModelError
        If blocks overlap or are empty, or name an action that neither an experiment nor the target
        sets while one that is set is in no block, which looks like a slip of the pen.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), Theorem 1, Proposition 1, Corollary 1.

    Examples
    --------
    >>> answer = identify(["obs", "a", "b"], ["a", "b"])
    >>> {regime: round(w, 9) for regime, w in answer.weights.items()}
    {(): -1.0, ('a',): 1.0, ('b',): 1.0}
    >>> identify(["obs", "a"], "a+b").missing
    (('b',),)

    Two actions that may share a confounder have to be set together:

    >>> print(identify(["obs", "a", "b", "c"], "a+b+c", blocks=["a+b"]))
    E[Y | do(a, b, c)] is not identified from obs, a, b, c, with the blocks a+b: missing an \
experiment that sets 'a+b'.
    >>> print(identify(["obs", "a+b", "c"], "a+b+c", blocks=["a+b"]))
    E[Y | do(a, b, c)] is identified, with the blocks a+b: m(a+b) + m(c) - m(obs), where m(r) is \
the mean outcome in experiment r.
    """
    if isinstance(experiments, str | bytes) or not isinstance(experiments, Iterable):
        raise RegimeError(f"experiments must be several, got {experiments!r}; write a list.")
    known = list(dict.fromkeys(read_names(regime, "experiments") for regime in experiments))
    if not known:
        raise RegimeError("experiments must hold at least one regime, got none.")
    wanted = read_names(target, "target")
    actions = sorted({name for regime in [*known, wanted] for name in regime})
    given = check_blocks(() if blocks is None else blocks)
    listed = [name for block in given for name in block]
    unlisted = [name for name in actions if name not in listed]
    unknown = [name for name in listed if name not in actions]
    if unlisted and unknown:
        raise ModelError(
            f"blocks: {unknown} are set by no experiment and not by the target, and {unlisted} are "
            f"in no block; correct the names, or list every action in a block."
        )
    partition = read_blocks(given, sorted({*actions, *listed}))
    return _identify(known, wanted, partition)


def identify_from(regimes: Iterable[Regime], target: Regime, blocks: Blocks) -> Identification:
    """Do the same for regimes of known actions, of which ``blocks`` is a partition."""
    known = [tuple(sorted(regime)) for regime in regimes]
    partition = tuple(tuple(sorted(block)) for block in blocks)
    return _identify(known, tuple(sorted(target)), partition)


def require_identified(
    regimes: Iterable[Regime],
    target: Regime,
    blocks: Blocks | None = None,
    advice: str = "choose a target that the data determine",
) -> None:
    """Raise a NotIdentifiedError that names the missing experiments, if any are missing.

    ``blocks``: a partition of all actions; None means that each is a block of its own.
    ``advice``: what to do if there can be no such experiments.
    """
    at_hand = list(regimes)
    singles = ((name,) for name in dict.fromkeys(name for r in [*at_hand, target] for name in r))
    answer = identify_from(at_hand, target, tuple(singles) if blocks is None else blocks)
    if answer.identified:
        return
    have = [format_regime(regime) for regime in at_hand]
    joined = tuple(block for block in blocks or () if len(block) > 1)
    given = f" with the blocks {format_blocks(joined)}" if joined else ""
    raise NotIdentifiedError(
        f"{describe_mean(target)} is not identified from the regimes {have}{given}: "
        f"missing {describe_experiments(answer.missing)}. Add such rows, or {advice}."
    )


def require_target(regimes: Iterable[Regime], target: Regime, blocks: Blocks) -> None:
    """Refuse to fit for a target whose level is not identified, and name one that is.

    The contrasts that are known all the same can be asked for with that one.
    """
    at_hand = list(regimes)
    largest: Regime = max(at_hand, key=len)
    advice = (
        f"fit with a target that the data determine, such as target={format_regime(largest)!r}: "
        f"contrasts of {format_regime(target)!r} can then be asked for where the structure settles "
        f"them (InterventionModel.identify says which)"
    )
    require_identified(at_hand, target, blocks, advice)


def require_known_cuts(regimes: Iterable[Regime], target: Regime, blocks: Blocks) -> None:
    """Refuse a query that cuts a block as none of the experiments does.

    Raises
    ------
    QueryError
        That names the block and the way out.
    """
    shown = find_cuts(regimes, blocks)
    for cut in find_cuts([target], blocks):
        if cut not in shown:
            block = next(block for block in blocks if set(cut) <= set(block))
            rest = [name for name in block if name not in cut]
            raise QueryError(
                f"do: it sets {list(cut)} and leaves {rest} alone, which cuts the block "
                f"{format_regime(block)!r}, and no experiment at hand does the same; set all of "
                f"{list(block)} or none of them, or add an experiment that sets "
                f"{format_regime(cut)!r} alone."
            )


def read_names(regime: object, argument: str = "") -> Regime:
    """Read a regime, of some argument, whose actions are not known beforehand."""
    if isinstance(regime, str):
        parts: list[object] = [part.strip() for part in regime.split("+")]
    else:
        parts = list(regime) if isinstance(regime, Iterable) else [regime]
    names = [part for part in parts if isinstance(part, str) and part]
    return tuple(sorted(read_regime(regime, list(dict.fromkeys(names)), argument)))


def affine_coefficients(columns: Array, wanted: Array) -> Array | None:
    """Return the coefficients c_e of (1), those of least norm; None if there are none.

    With the indicators of the experiments in ``columns``, shape (coordinates, experiments), and
    that of the target in ``wanted``, c solves ``columns @ c = wanted``; a row of ones makes it sum
    to one. In Theorem 1 c is 1 for each single intervention and -(K-1) for the observational
    regime.

    Examples
    --------
    >>> columns = np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> affine_coefficients(columns, np.array([1.0, 2.0])).round(9).tolist()
    [-1.0, 2.0]
    >>> affine_coefficients(np.array([[1.0], [0.0]]), np.array([1.0, 1.0])) is None
    True
    """
    coefficients = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return coefficients if np.abs(columns @ coefficients - wanted).max() <= TOLERANCE else None


def _identify(known: Sequence[Regime], target: Regime, blocks: Blocks) -> Identification:
    patterns = dict.fromkeys(p for regime in [*known, target] for p in split(regime, blocks))
    # A block that is only cut so far may also be set as a whole.
    whole = [block for block in blocks if any(set(p) <= set(block) for p in patterns)]
    coordinates = list(dict.fromkeys([*patterns, *whole]))
    # the indicators of (1): 1_e of each experiment, and 1_T of the target
    columns = np.array([_indicator(regime, coordinates, blocks) for regime in known]).T
    wanted = np.array(_indicator(target, coordinates, blocks))
    coefficients = affine_coefficients(columns, wanted)  # c_e of (1)
    at_hand = tuple(known)
    if coefficients is not None:
        weights = dict(zip(known, coefficients.tolist(), strict=True))
        return Identification(target, True, weights, (), at_hand, blocks)
    # Candidates: observational rows, whole blocks, then patterns, small ones first.
    asked = split(target, blocks)
    order = [(), *sorted(coordinates, key=lambda p: (p not in blocks, len(p), p not in asked, p))]
    candidates = [regime for regime in order if regime not in known]
    options = np.array([_indicator(regime, coordinates, blocks) for regime in candidates]).T
    cost = [(regime != () and regime not in blocks, len(regime)) for regime in candidates]
    missing = tuple(candidates[i] for i in cheapest_experiments(columns, options, wanted, cost))
    return Identification(target, False, {}, missing, at_hand, blocks)


def _indicator(regime: Regime, coordinates: Sequence[Regime], blocks: Blocks) -> list[float]:
    """Return 1_S, behind a one that makes coefficients sum to one."""
    patterns = split(regime, blocks)
    return [1.0, *(float(pattern in patterns) for pattern in coordinates)]
