"""Regimes: which actions an experiment sets, and how their labels are written.

A regime is the set S of actions that are intervened on; S = {} is observational. In tables it
is a label: ``obs``, ``a1``, ``a1+a2``. Inside the library it is a tuple of action names in the
order in which the actions were declared.
"""

from collections.abc import Iterable, Sequence

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import DataError, QueryError, RegimeError

__all__ = [
    "NOTHING_SET",
    "OBSERVATIONAL",
    "Regime",
    "check_action_names",
    "check_covariate_names",
    "describe_experiments",
    "describe_mean",
    "format_regime",
    "order_regime",
    "parse_regime",
    "read_do",
    "read_dropped",
    "read_regime",
    "sort_regimes",
]

type Regime = tuple[str, ...]

CONTROLS = frozenset(
    {"control", "controls", "ctrl", "ctl", "baseline", "placebo", "vehicle", "dmso", "none", "wt"}
)

# words for rows in which nothing was set, other than the label of these
NOTHING_SET = CONTROLS | {"history", "historical", "observational", "observation", "observed"}
NOTHING_SET |= {"natural", "organic", "nothing", "untreated", "usual", "bau", "past"}

OBSERVATIONAL = "obs"
RESERVED = frozenset(
    {"chain", "draw", "point", "mean", "sd", "lower", "upper", "support", OBSERVATIONAL}
)


def check_action_names(actions: Sequence[str]) -> tuple[str, ...]:
    """Return the action names as a tuple, or say which of them cannot be one.

    Raises
    ------
    DataError
        If there is no action, a name repeats, is not a non-empty string, contains ``"+"`` (which
        joins the names in regime labels), or is the name of a column or dimension of the results.
    """
    names = _check_names(actions, "actions", "['a1', 'a2']")
    if not names:
        raise DataError("actions must name at least one column, got none.")
    return names


def check_covariate_names(covariates: Iterable[str], actions: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the covariates as a tuple, or say which of them cannot be one.

    Raises
    ------
    DataError
        If it is one text, a name is none that an action could have, or is that of an action.
    """
    names = _check_names(covariates, "covariates", "['z1', 'z2']")
    both = [name for name in names if name in actions]
    if both:
        raise DataError(
            f"covariates name the columns {both}, which are also actions; every column can play "
            f"one part only."
        )
    return names


def _check_names(given: Iterable[str], role: str, example: str) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise DataError(f"{role} must be a list of column names, got {given!r}; write {example}.")
    names = tuple(given)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"{role} must be non-empty strings, got {name!r}; rename the column.")
        if name in RESERVED or "+" in name:
            raise DataError(
                f"{role} may not contain '+' or be called {sorted(RESERVED)}, which labels and "
                f"results use; got {name!r}; rename the column."
            )
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{role} must be distinct, got {repeated} more than once.")
    return names


def parse_regime(label: object, actions: Sequence[str]) -> Regime:
    """Turn a label into a regime.

    Parameters
    ----------
    label
        ``"obs"``, an action's name, or names joined by ``"+"`` in any order; blanks around names do
        not matter.
    actions
        The known actions, in their declared order.

    Raises
    ------
    RegimeError
        If the label is empty, is not text, or names an unknown or repeated action.

    Examples
    --------
    >>> parse_regime("a2 + a1", ["a1", "a2"])
    ('a1', 'a2')
    >>> parse_regime("obs", ["a1", "a2"])
    ()
    """
    known = f"Use 'obs' for observational rows, or actions joined by '+', out of {list(actions)}."
    if not isinstance(label, str):
        raise RegimeError(f"regime labels must be text, got {label!r}. {known}")
    if not label.strip():
        raise RegimeError(f"regime labels must not be empty, got {label!r}. {known}")
    if label.strip() == OBSERVATIONAL:
        return ()
    names = [name if name in actions else name.strip() for name in label.split("+")]
    unknown = [name for name in names if name not in actions]
    if unknown:
        raise RegimeError(
            f"regime label {label!r} names {unknown}, which is not among the actions. {known} "
            f"Labels are names of columns: rename the one or the other.{_of_controls(unknown)}"
        )
    if len(set(names)) < len(names):
        raise RegimeError(f"regime label {label!r} names an action twice. {known}")
    return order_regime(names, actions)


def _of_controls(unknown: Iterable[str]) -> str:
    """Say how controls are labelled, if a label seems to be theirs."""
    if not any(name.lower() in CONTROLS for name in unknown):
        return ""
    return (
        " Controls in which nothing was set, or every action was held at rest, are 'obs'; those of "
        "an experiment that drew the values of one action carry the label of that action."
    )


def read_regime(regime: object, actions: Sequence[str], argument: str = "") -> Regime:
    """Turn a label, or a collection of action names, into a regime.

    The message of an error begins with the name of the argument, if that is given.

    Raises
    ------
    RegimeError
        If it is neither, or names an unknown action.

    Examples
    --------
    >>> read_regime(["a2"], ["a1", "a2"]), read_regime("a1+a2", ["a1", "a2"])
    (('a2',), ('a1', 'a2'))
    """
    begin = f"{argument}: " if argument else ""
    if isinstance(regime, str):
        try:
            return parse_regime(regime, actions)
        except RegimeError as error:
            raise RegimeError(f"{begin}{error}") from error
    if isinstance(regime, bytes) or not isinstance(regime, Iterable):
        raise RegimeError(
            f"{begin}a regime is a label such as 'obs' or 'a1+a2', or a collection of action "
            f"names; got {show(regime)}."
        )
    names = list(regime)
    unknown = [name for name in names if not isinstance(name, str) or name not in actions]
    if unknown:
        raise RegimeError(
            f"{begin}a regime names {show(unknown)}; the actions are {list(actions)}."
        )
    return order_regime(names, actions)


def read_dropped(
    regimes: object, actions: Sequence[str], present: Iterable[Regime]
) -> frozenset[Regime]:
    """Read the regimes that are to be dropped from data that have some.

    Raises
    ------
    RegimeError
        If a label names none of those.
    """
    if not isinstance(regimes, Iterable):
        raise RegimeError(f"regimes must be a label or several, got {show(regimes)}.")
    labels = [regimes] if isinstance(regimes, str) else list(regimes)
    dropped = frozenset(read_regime(label, actions, "regimes") for label in labels)
    known = list(present)
    absent = [format_regime(regime) for regime in dropped if regime not in known]
    if absent:
        raise RegimeError(
            f"regimes: the data have no regime {absent}; they have "
            f"{[format_regime(regime) for regime in known]}."
        )
    return dropped


def read_do(do: object, actions: Sequence[str]) -> Regime:
    """Turn the ``do`` of a query into a regime; None sets all actions.

    Raises
    ------
    QueryError
        If it is neither a label nor a collection of names, or names an unknown action.

    Examples
    --------
    >>> read_do(None, ["a1", "a2"]), read_do([], ["a1", "a2"])
    (('a1', 'a2'), ())
    """
    if do is None:
        return tuple(actions)
    try:
        return read_regime(do, actions)
    except RegimeError as error:
        raise QueryError(f"do: {error} None sets all actions, [] none.") from error


def order_regime(names: Iterable[str], actions: Sequence[str]) -> Regime:
    """Sort the names of a regime into the declared order of the actions."""
    chosen = set(names)
    return tuple(action for action in actions if action in chosen)


def sort_regimes(regimes: Iterable[Regime], actions: Sequence[str]) -> list[Regime]:
    """Sort regimes into canonical order: by number of actions, then by order of the actions.

    Examples
    --------
    >>> sort_regimes([("a1", "a2"), ("a2",), (), ("a1",)], ["a1", "a2"])
    [(), ('a1',), ('a2',), ('a1', 'a2')]
    """
    position = {action: rank for rank, action in enumerate(actions)}
    return sorted(regimes, key=lambda regime: (len(regime), [position[name] for name in regime]))


def format_regime(regime: Iterable[str]) -> str:
    """Write a regime as its label.

    Examples
    --------
    >>> format_regime(()), format_regime(("a1", "a2"))
    ('obs', 'a1+a2')
    """
    return "+".join(regime) or OBSERVATIONAL


def describe_mean(regime: Regime) -> str:
    """Write the mean of a regime, as it stands in messages.

    Examples
    --------
    >>> describe_mean(()), describe_mean(("a1", "a2"))
    ('E[Y | nothing set]', 'E[Y | do(a1, a2)]')
    """
    return f"E[Y | do({', '.join(regime)})]" if regime else "E[Y | nothing set]"


def describe_experiments(regimes: Iterable[Regime]) -> str:
    """List experiments that are missing, as they stand in messages.

    Examples
    --------
    >>> describe_experiments([(), ("a1", "a2")])
    "observational rows (regime 'obs') and an experiment that sets 'a1+a2'"
    """
    experiments = [
        f"an experiment that sets {format_regime(regime)!r}"
        if regime
        else "observational rows (regime 'obs')"
        for regime in regimes
    ]
    return " and ".join(experiments) or "nothing that single experiments could add"
