"""Values of actions and levels on the command line: single ones, bounds and costs."""

import argparse
from collections.abc import Collection
from typing import Any

from bayes_intgen.base.errors import QueryError
from bayes_intgen.cli.lists import cut, split, unquote

__all__ = ["bounds", "read_bounds", "read_costs", "read_values"]


def bounds(text: str) -> dict[str, list[str]]:
    """Read ``a=8:12,b`` as ends, or levels, by action; none for an action without them.

    Examples
    --------
    >>> bounds("price=8:12, channel=web:mail, tv")
    {'price': ['8', '12'], 'channel': ['web', 'mail'], 'tv': []}
    """
    found: dict[str, list[str]] = {}
    for part in split(text, ","):
        name, sign, _ = cut(part, "=")
        ends = "=".join(split(part, "=")[1:])
        if not name or (sign and not ends):
            raise argparse.ArgumentTypeError(f"write bounds as a=8:12,b; cannot read {part!r}")
        if name in found:
            raise argparse.ArgumentTypeError(f"{name!r} is given twice")
        found[name] = [unquote(end) for end in split(ends, ":")]
    return found


def read_bounds(found: dict[str, list[str]], categorical: Collection[str]) -> dict[str, Any]:
    """Return bounds as ``best_action`` takes them: two numbers, levels, or None.

    Raises
    ------
    QueryError
        If the bounds of a numeric action are not two numbers.
    """
    read: dict[str, Any] = {}
    for name, ends in found.items():
        if not ends or name in categorical:
            read[name] = ends or None
        elif len(ends) == 2:
            read[name] = tuple(_number(end, f"--bounds: {name}") for end in ends)
        else:
            raise QueryError(
                f"--bounds: {name}={':'.join(ends)}: write the lowest and the highest value, as in "
                f"{name}=8:12."
            )
    return read


def read_costs(texts: dict[str, str], categorical: Collection[str]) -> dict[str, Any]:
    """Return costs as ``best_action`` takes them: per unit, or by level as in ``channel[web]=2``.

    Raises
    ------
    QueryError
        If a cost is no number, or the level of a categorical action is missing.

    Examples
    --------
    >>> read_costs({"tv": "1", "channel[web]": "2"}, ["channel"])
    {'tv': 1.0, 'channel': {'web': 2.0}}
    """
    costs: dict[str, Any] = {}
    for key, text in texts.items():
        name, bracket, level = key.partition("[")
        price = _number(text, f"--cost: {key}")
        if bracket and level.endswith("]") and name in categorical:
            costs.setdefault(name, {})[level.removesuffix("]")] = price
        elif key in categorical:
            raise QueryError(
                f"--cost: {key!r} is categorical; write the cost of each of its levels, as in "
                f"{key}[LEVEL]={text}."
            )
        else:
            costs[key] = price
    return costs


def read_values(
    texts: dict[str, str], categorical: Collection[str], option: str = "--at"
) -> dict[str, Any]:
    """Turn texts into numbers, but for levels.

    Raises
    ------
    QueryError
        If the value of a numeric action is no number.
    """
    return {
        name: text if name in categorical else _number(text, f"{option}: {name}")
        for name, text in texts.items()
    }


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise QueryError(f"{what}={text}: the value must be a number.") from error
