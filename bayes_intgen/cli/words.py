"""The words of the command line in place of those of Python, in what the library says."""

import re
from ast import literal_eval
from collections.abc import Collection

from bayes_intgen.cli.lists import quote

__all__ = ["option_words", "verdict_words"]

# arguments of Python whose option has another name
OTHER_NAMES = {"at": "points", "probability": "interval", "random_seed": "seed"}
OF_FITS = (
    *("method", "chains", "draws", "tune", "interactions", "structure", "likelihood", "variance"),
    *("target", "cluster", "time", "weights", "categorical", "covariates", "blocks", "basis"),
)
OF_QUERIES = ("beyond", "grid", "rows", "budget", "average", "baseline", "interval")
POSITIONAL = ("command", "data", "experiments", "figure", "fit", "moments", "run")
SENTENCES = {
    "None sets all actions, [] none.": "Leave it out to set all actions, or write none.",
    "Even under do=None all actions and covariates are needed.": "Whatever --do says, all actions "
    "and covariates are needed; with --average ROWS those left out are as in its rows.",
    "Even under do=None all": "Whatever --do says, all",
    "; rows_needed says": "; in Python, posterior.rows_needed says",
    "plan with settings that try": "plan with --settings that try",
    "raise tune and draws": "raise --tune and --draws",
    "raise draws": "raise --draws",
    "raise tune": "raise --tune",
    "Polynomial(degree=3)": "--basis polynomial",
}


def verdict_words(text: str) -> str:
    """Write arguments as options: those of a fit, and of queries.

    Examples
    --------
    >>> verdict_words("The search for the mode stopped early; use method='nuts'.")
    'The search for the mode stopped early; fit with --method nuts.'
    """
    for python, words in SENTENCES.items():
        text = text.replace(python, words)
    names = "|".join((*OF_FITS, *OF_QUERIES))
    fits = "|".join(OF_FITS)
    text = re.sub(r"labels=(\{[^}]*\})", _pairs, text)
    text = re.sub(rf"\buse (?=({fits})=)", "fit with ", text)
    text = re.sub(rf"(?<![-\w])({names})=True\b", r"--\1", text)
    text = re.sub(rf"(?<![-\w])({names})=(['\"])([^'\"]+)\2", r"--\1 \3", text)
    text = re.sub(rf"(?<![-\w])({names})=(\d[\d.]*\d|\d)", r"--\1 \2", text)
    return re.sub(rf"(?<![-\w])({names})=(?=[ ,.;])", r"--\1", text)


def _pairs(found: re.Match[str]) -> str:
    """Write a mapping of labels as an option."""
    pairs = [f"{quote(name)}={quote(value)}" for name, value in literal_eval(found[1]).items()]
    return "--labels '{}'".format(",".join(pairs))


def option_words(text: str, command: str, options: Collection[str]) -> str:
    """Write an error so that it names an option of the command, where it names an argument.

    ``options``: the names of all options of the command.

    Examples
    --------
    >>> option_words("at must hold at least one point, got none.", "query", ["points", "do"])
    '--points must hold at least one point, got none.'
    >>> option_words("plan: the fit keeps no sums.", "plan", [])
    'the fit keeps no sums.'
    """
    text = text.removeprefix(f"{command}: ")
    first = re.match(r"([a-z_]+)(?=:| must | has | names | given as )", text)
    if first:
        name = first.group(1)
        other = OTHER_NAMES.get(name, name)
        known = name if name in options else other
        if known in options and known not in POSITIONAL:
            text = f"--{known.replace('_', '-')}{text[first.end() :]}"
    return verdict_words(text)
