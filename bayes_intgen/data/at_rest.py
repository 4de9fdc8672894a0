"""Actions at rest: those that never move unless an experiment sets them.

A gene that is switched off in every control, a campaign that does not exist but in its test. In the
regimes that leave such an action A_k alone it has one and the same value c, whatever its confounder
C_k and its parents are. To know that A_k = c then says nothing about C_k, so that there

    d_k(c, a_pa(k)) = E[f_k(c, C_k) | A_k = c, a_pa(k)] - E[f_k(c, C_k)] = 0,

and E[Y | do(a_S), a_rest] is that of an experiment that sets A_k to c as well: controls and single
arms are cells of one experiment. A share p of rows in which A_k would have moved leaves a bias of
at most p times the difference that C_k makes between the two. Of n rows without one, p is of the
order of 1/n, and the bias small against the standard error, which falls as the root of n.

This fails where rows were chosen by their value: units that happened not to take a drug, out of all
units, are confounded however constant the column is.
"""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["describe_at_rest", "describe_values"]


def describe_at_rest(
    at_rest: Mapping[str, float], levels: Mapping[str, Sequence[str]]
) -> Iterable[str]:
    """Say what is at rest, and what follows, in a line; in none if nothing is."""
    if at_rest:
        yield (
            f"constant unless set: {describe_values(at_rest, levels)}; so these have no "
            f"confounding bias (unless rows were chosen by these values)"
        )


def describe_values(values: Mapping[str, float], levels: Mapping[str, Sequence[str]]) -> str:
    """Write values, or codes of levels, by name.

    Examples
    --------
    >>> describe_values({"tv": 0.5, "channel": 1}, {"channel": ["mail", "web"]})
    'tv = 0.5, channel = web'
    """
    return ", ".join(
        f"{name} = {levels[name][int(value)] if name in levels else f'{value:.6g}'}"
        for name, value in values.items()
    )
