"""Lists on the command line: names, pairs and numbers, of which some hold a comma.

A list is written as a line of a CSV file is: separated by commas, and what holds a comma (or ``=``,
``>``, ``:``) itself stands in double quotes, as in ``'price,"TV, GRP"'``.
"""

import argparse
import re
from math import isfinite

__all__ = [
    "cut",
    "names",
    "number",
    "numbers",
    "pairs",
    "quote",
    "split",
    "unquote",
    "whole_number",
    "whole_numbers",
]

QUOTED = r'"(?:[^"]|"")*"'


def split(text: str, separator: str) -> list[str]:
    """Cut a text at a separator that does not stand within quotes, which are kept.

    Examples
    --------
    >>> split('price, "TV, GRP"=3', ",")
    ['price', '"TV, GRP"=3']
    """
    if text.count('"') % 2:
        raise argparse.ArgumentTypeError(
            f"a double quote in {text!r} is not closed; one within a name is written twice"
        )
    parts = re.findall(rf"((?:{QUOTED}|[^{re.escape(separator)}])*)(?:{separator}|$)", text)
    return [part.strip() for part in parts if part.strip()]


def cut(text: str, separator: str) -> tuple[str, str, str]:
    """Cut a text in two, at the first separator that does not stand within quotes.

    As ``str.partition``, but for blanks, and for quotes around either part.

    Examples
    --------
    >>> cut('"TV, GRP" = 3', "=")
    ('TV, GRP', '=', '3')
    """
    first, *rest = split(text, separator) if separator in text else [text]
    found = len(first) < len(text.strip())
    return unquote(first), separator if found else "", unquote(separator.join(rest))


def unquote(text: str) -> str:
    """Take the quotes off a text, if it stands in quotes as a whole.

    Examples
    --------
    >>> unquote('"5"" pipe"'), unquote("price")
    ('5" pipe', 'price')
    """
    whole = re.fullmatch(QUOTED, text.strip())
    return text.strip()[1:-1].replace('""', '"') if whole else text.strip()


def quote(text: str) -> str:
    """Put a text in quotes if it holds what separates texts.

    Examples
    --------
    >>> quote("price test"), quote("TV, GRP")
    ('price test', '"TV, GRP"')
    """
    inner = text.replace('"', '""')
    return f'"{inner}"' if set(text) & set(',=>:"') else text


def names(text: str) -> list[str]:
    """Split ``a,b`` into names.

    Examples
    --------
    >>> names("price, tv"), names('price,"TV, GRP"')
    (['price', 'tv'], ['price', 'TV, GRP'])
    """
    return [unquote(part) for part in split(text, ",")]


def pairs(text: str) -> dict[str, str]:
    """Read ``a=1,b=x`` as a mapping.

    Examples
    --------
    >>> pairs("price=2, tv=on")
    {'price': '2', 'tv': 'on'}
    """
    values = {}
    for part in split(text, ","):
        name, sign, value = cut(part, "=")
        if not (sign and name and value):
            raise argparse.ArgumentTypeError(f"write pairs as a=1,b=2; cannot read {part!r}")
        values[name] = value
    return values


def whole_number(text: str) -> int:
    """Read a whole number.

    Examples
    --------
    >>> whole_number("12")
    12
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None


def number(text: str) -> float:
    """Read a number.

    Examples
    --------
    >>> number("1.5")
    1.5
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(
            f"must be a number, with a point before decimals, got {text!r}"
        )
    return value


def whole_numbers(text: str) -> list[int]:
    """Read ``1,2``.

    Examples
    --------
    >>> whole_numbers("2, 5")
    [2, 5]
    """
    return [whole_number(part) for part in names(text)]


def numbers(text: str) -> list[float]:
    """Read ``0.5,1``.

    Examples
    --------
    >>> numbers("0.5, 1")
    [0.5, 1.0]
    """
    return [number(part) for part in names(text)]
