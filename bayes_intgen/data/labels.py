"""Labels of regimes as they stand in tables: other spellings, and what is told of unknown ones.

A table may say ``history`` for ``obs`` or ``price test`` for ``price``; a mapping says what they
mean. Of labels that nothing explains all are told at once, each with a guess where there is one:
the actions that it names, or words for rows in which nothing was set.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import BayesIntgenError, DataError, RegimeError
from bayes_intgen.base.regimes import (
    NOTHING_SET,
    OBSERVATIONAL,
    Regime,
    format_regime,
    parse_regime,
)

__all__ = ["Spellings", "guess_label", "read_spellings", "unknown_labels"]

SHOWN = 12
LIKENESS = 0.75  # least, of a name that may be misspelt

type Spellings = tuple[tuple[str, str], ...]


def read_spellings(labels: object, actions: Sequence[str], has_flags: bool) -> Spellings:
    """Read pairs of a label of the table and the label that it stands for.

    Raises
    ------
    DataError
        If it is no mapping, or there is no column of labels.
    RegimeError
        If a label that one stands for cannot be read.
    """
    if labels is None:
        return ()
    if not isinstance(labels, Mapping):
        raise DataError(
            f"labels must be a mapping of labels of the table to regimes, such as "
            f"{{'history': 'obs'}}, got {show(labels)}."
        )
    if has_flags and labels:
        raise DataError("labels: regime names flags, which have no labels; leave one of both out.")
    for label, meaning in labels.items():
        try:
            parse_regime(meaning, actions)
        except RegimeError as error:
            raise RegimeError(f"labels: {label!r} is to stand for a regime, but {error}") from error
    return tuple((str(label).strip(), str(meaning)) for label, meaning in labels.items())


def unknown_labels(
    labels: Iterable[object], actions: Sequence[str], read: Callable[[object], Regime]
) -> RegimeError | None:
    """Return an error that names every label that cannot be read; None if all can.

    ``read`` returns the regime that a label stands for, or raises a RegimeError.
    """
    unknown: dict[object, RegimeError] = {}
    try:
        for label in labels:
            if label not in unknown:
                try:
                    read(label)
                except RegimeError as error:
                    unknown[label] = error
    except BayesIntgenError:  # something else is wrong farther down
        pass
    if not unknown:
        return None
    guesses = {label: guess_label(label, actions) or "?" for label in list(unknown)[:SHOWN]}
    way = f"Or say what they mean, as in labels={guesses}"
    way += ", if that is right." if "?" not in guesses.values() else ", with a regime for each '?'."
    if len(unknown) == 1:
        return RegimeError(f"{next(iter(unknown.values()))} {way.replace('they mean', 'it means')}")
    names = ", ".join(map(repr, list(unknown)[:SHOWN]))
    more = f" and {len(unknown) - SHOWN} others" if len(unknown) > SHOWN else ""
    return RegimeError(
        f"regime: the labels {names}{more} name no regime. Use 'obs' for observational rows, or "
        f"actions joined by '+', out of {list(actions)}. Labels are names of columns: rename the "
        f"one or the other. {way}"
    )


def guess_label(label: object, actions: Sequence[str]) -> str | None:
    """Return the regime that a label seems to stand for; None if it resembles nothing.

    Examples
    --------
    >>> actions = ["price", "price_a", "tv"]
    >>> [guess_label(label, actions) for label in ("price_a test", "TV & price", "prce", "history")]
    ['price_a', 'price+tv', 'price', 'obs']
    """
    rest, found = str(label).lower(), set()
    for action in sorted(actions, key=len, reverse=True):
        rest, count = re.subn(rf"(?<![a-z0-9]){re.escape(action.lower())}(?![a-z0-9])", " ", rest)
        found |= {action} if count else set()
    if found:
        return format_regime(action for action in actions if action in found)
    words = set(re.findall(r"[a-z]+", rest))
    if words & NOTHING_SET or OBSERVATIONAL in words:
        return OBSERVATIONAL
    lower = {action.lower(): action for action in actions}
    alike = [name for name in lower if _digits(name) == _digits(rest)]  # a11 is no misspelt a1
    close = get_close_matches(rest.strip(), alike, 1, LIKENESS)
    return lower[close[0]] if close else None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
