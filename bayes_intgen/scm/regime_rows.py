"""Rows of several regimes, one after the other, for anything that can draw rows of one."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import RegimeError
from bayes_intgen.base.regimes import Regime, format_regime, read_regime

__all__ = ["read_do", "stack_regimes"]


def read_do(do: str | Iterable[str], argument: str, actions: Sequence[str]) -> Regime:
    """Read a label such as ``"a1+a2"``, or names of actions.

    Raises
    ------
    RegimeError
        If it is neither, or names an unknown or repeated action.
    """
    if isinstance(do, str):
        return read_regime(do, actions, argument)
    names = list(do) if isinstance(do, Iterable) else [do]
    if not all(isinstance(name, str) for name in names):
        raise RegimeError(
            f"{argument} must be given by labels or names of actions, got {show(do)}; "
            f"use 'obs' or () for no intervention, or names out of {list(actions)}."
        )
    return read_regime(format_regime(names), actions, argument)


def stack_regimes(
    sample: Callable[[int, str], pd.DataFrame],
    actions: Sequence[str],
    regimes: Iterable[str | Iterable[str]],
    n: int | Mapping[str, int],
) -> pd.DataFrame:
    """Draw rows from several regimes and label them.

    Parameters
    ----------
    sample
        Draws a number of rows from the regime of a label.
    actions
        Names of the actions.
    regimes
        Labels, or tuples of action names.
    n
        Number of rows of every regime, or a mapping of their labels to numbers of rows.

    Raises
    ------
    RegimeError
        If there is no regime, one is unknown or repeated, or `n` is for other regimes.
    """
    if isinstance(regimes, str | bytes) or not isinstance(regimes, Iterable):
        raise RegimeError(f"regimes must be several, got {show(regimes)}; write ['obs', 'a1'].")
    labels = [format_regime(read_do(regime, "regimes", actions)) for regime in regimes]
    if not labels or len(set(labels)) < len(labels):
        raise RegimeError(f"regimes must be distinct and at least one, got {labels}.")
    counts = n if isinstance(n, Mapping) else dict.fromkeys(labels, n)
    rows = {format_regime(read_do(label, "n", actions)): count for label, count in counts.items()}
    if set(rows) != set(labels):
        raise RegimeError(
            f"n must give a number of rows for each of the regimes {labels}, "
            f"got {sorted(rows)}; give one number to use it for all."
        )
    parts = [sample(rows[label], label).assign(regime=label) for label in labels]
    return pd.concat(parts, ignore_index=True)
