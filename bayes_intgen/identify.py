"""Which experiments determine which effect.

The mean of regime S is a sum of components, one per action, that each depend on S only through
whether their own action is in S. So m_T is a combination of the m_S at hand, whatever the
components are, exactly when the indicator vector of T is an affine combination of the indicator
vectors of the experiments (weights that sum to one; the observational regime is the zero
vector). Theorem 1 (-(K-1) times observational plus each single intervention), Proposition 1 and
Corollary 1 of the paper are cases of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.errors import NotIdentifiedError, RegimeError
from bayes_intgen.regimes import Regime, format_regime, parse_regime, read_regime

__all__ = ["Identification", "identify", "read_names", "require_identified"]


@dataclass(frozen=True)
class Identification:
    """Whether a target is identified, and from what.

    Parameters
    ----------
    target
        The regime whose mean is wanted.
    identified
        Whether the experiments determine it.
    weights
        The weight of each experiment, of minimum norm; empty when the target is not identified.
    missing
        Further experiments, observational or on one action, that would identify it; none of them
        can be left out.
    """

    target: Regime
    identified: bool
    weights: dict[Regime, float]
    missing: tuple[Regime, ...]


def identify(
    experiments: Iterable[str | Iterable[str]], target: str | Iterable[str]
) -> Identification:
    """Say whether the mean outcome under ``target`` follows from those under ``experiments``.

    Parameters
    ----------
    experiments
        The regimes at hand, each a label (``"obs"``, ``"a1+a2"``) or a collection of names.
    target
        The regime in question, in the same form.

    Returns
    -------
    Identification
        Its weights have a key per experiment, a sorted tuple of action names.

    Raises
    ------
    RegimeError
        If there is no experiment, or a label cannot be read.

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
    """
    if isinstance(experiments, str) or not isinstance(experiments, Iterable):
        raise RegimeError(f"experiments must be several, got {experiments!r}; write a list.")
    known = list(dict.fromkeys(read_names(regime) for regime in experiments))
    if not known:
        raise RegimeError("experiments must hold at least one regime, got none.")
    wanted = read_names(target)
    actions = sorted({name for regime in [*known, wanted] for name in regime})
    weights = _affine_weights(known, wanted, actions)
    if weights is not None:
        return Identification(wanted, True, dict(zip(known, weights, strict=True)), ())
    return Identification(wanted, False, {}, _missing(known, wanted, actions))


def require_identified(regimes: Iterable[Regime], target: Regime) -> None:
    """Raise a NotIdentifiedError that names the missing experiments, if any are missing."""
    at_hand = list(regimes)
    answer = identify(at_hand, target)
    if answer.identified:
        return
    wanted = " and ".join(_describe(regime) for regime in answer.missing)
    have = [format_regime(regime) for regime in at_hand]
    raise NotIdentifiedError(
        f"E[Y | do({', '.join(target)})] is not identified from the regimes {have}: "
        f"missing {wanted}. Add such rows, or choose a target that the data determine."
    )


def _describe(regime: Regime) -> str:
    if not regime:
        return "observational rows (regime 'obs')"
    return f"an experiment that sets {format_regime(regime)!r}"


def read_names(regime: object) -> Regime:
    """Read a regime whose actions are not known beforehand."""
    if isinstance(regime, str):
        return tuple(sorted(parse_regime(regime, [name for name in regime.split("+") if name])))
    names = list(regime) if isinstance(regime, Iterable) else [regime]
    return tuple(sorted(read_regime(regime, [name for name in names if isinstance(name, str)])))


def _indicator(regime: Regime, actions: Sequence[str]) -> list[float]:
    return [1.0, *(float(action in regime) for action in actions)]


def _affine_weights(
    known: Sequence[Regime], target: Regime, actions: Sequence[str]
) -> list[float] | None:
    columns = np.array([_indicator(regime, actions) for regime in known]).T
    wanted = np.array(_indicator(target, actions))
    weights = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    if np.abs(columns @ weights - wanted).max() > 1e-9:
        return None
    return [float(weight) for weight in weights]


def _missing(known: list[Regime], target: Regime, actions: Sequence[str]) -> tuple[Regime, ...]:
    """Ask for observational rows and every single intervention, then leave out what can be."""
    candidates: list[Regime] = [(), *((action,) for action in actions)]
    chosen = [regime for regime in candidates if regime not in known]
    for regime in reversed(list(chosen)):
        fewer = [other for other in chosen if other != regime]
        if _affine_weights([*known, *fewer], target, actions) is not None:
            chosen = fewer
    return tuple(chosen)
