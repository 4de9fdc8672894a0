"""Settings and units of the paper's figures.

With n rows per regime, K actions and N = (K + 1) n rows in all (section 7 and Appendix E):

* ``fig2a``: N_obs = N_sint = N_jint = n.
* ``fig2b``: N_obs + K N_sint = N is kept while N_sint / N_obs varies; the observational and the
  joint baseline have N rows of their own regime. ``figB`` is the same for more n and K.
* ``fig2c``: N_obs = N_sint = n varies; the joint baseline has N rows. ``figA`` is the same for more
  K.

In all but ``fig2a`` N_jint is N, so that n_obs + K n_sint = N, from the columns of a row, is the
number of rows that its estimator is compared by. The ratios are the defaults of the authors'
code; neither the paper's text nor their code says which K figures A and B have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bayes_intgen.base.errors import ModelError
from bayes_intgen.studies.paper.unit import BASELINES, ESTIMATORS, FEWEST_ROWS, ReproduceUnit

__all__ = ["FIGURES", "RATIOS", "Figure", "best_ratio", "default_sizes", "plan_units"]

RATIOS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0)
SMALLEST_SIZE = 100


@dataclass(frozen=True)
class Figure:
    """What a figure of the paper shows, and at which settings.

    Parameters
    ----------
    n
        Rows per regime, of the largest data set where their number varies.
    n_actions
        The numbers K of actions.
    estimators
        Those that it compares.
    varies
        What changes along its horizontal axis: ``estimator``, ``ratio`` or ``size``.
    steps_per_decade
        Of the numbers of rows, zero if there is one only.
    """

    n: int
    n_actions: tuple[int, ...]
    estimators: tuple[str, ...]
    varies: str
    steps_per_decade: int = 0


SOME = ("observational", "ridge", "joint", "bayes")
FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "fig2a": Figure(1_000_000, (5,), ESTIMATORS, "estimator"),
        "fig2b": Figure(10_000, (5,), SOME, "ratio"),
        "fig2c": Figure(1_000_000, (5,), SOME[1:], "size", steps_per_decade=2),
        "figA": Figure(1_000_000, (2, 5, 8), SOME[1:], "size", steps_per_decade=2),
        "figB": Figure(100_000, (2, 5, 8), SOME, "ratio", steps_per_decade=1),
    }
)


def default_sizes(figure: str, n: int | None = None) -> tuple[int, ...]:
    """Return the numbers of rows per regime, ascending: n and, below it, steps down to 100.

    None for n means the number of the paper.

    Examples
    --------
    >>> default_sizes("fig2c", 10_000)
    (100, 316, 1000, 3162, 10000)
    >>> default_sizes("fig2a", 10_000)
    (10000,)
    """
    settings = FIGURES[figure]
    largest, steps = settings.n if n is None else n, settings.steps_per_decade
    sizes = [largest]
    while steps and (smaller := round(largest * 10 ** (-len(sizes) / steps))) >= SMALLEST_SIZE:
        sizes.append(smaller)
    return tuple(reversed(sizes))


def best_ratio(n_actions: int) -> float:
    """Return the N_sint / N_obs that suits fits of each regime on its own best: 1 / (K - 1).

    Theorem 1 on such fits has variance (K - 1)^2 s^2 / N_obs + K s^2 / N_sint, with s^2 the
    variance of a fit times its rows, alike in all regimes. At K N_sint + N_obs rows in all it is
    least where N_obs / (K - 1) = N_sint (Cauchy and Schwarz).
    """
    return 1 / (n_actions - 1)


def plan_units(
    figure: str,
    prototype: ReproduceUnit,
    scms: int,
    sizes: Sequence[int],
    n_actions: Sequence[int],
    ratios: Sequence[float] = RATIOS,
) -> list[ReproduceUnit]:
    """List the units of a figure.

    Parameters
    ----------
    figure
        Its name.
    prototype
        Holds all that is the same in all units.
    scms
        Number of systems for each number of actions.
    sizes
        Rows per regime, n.
    n_actions
        Numbers K of actions.
    ratios
        Of N_sint to N_obs, for the figures in which it varies.

    Returns
    -------
    list of ReproduceUnit
        System by system. An allocation too uneven to leave ten rows to every regime is an error.

    Raises
    ------
    ModelError
        If an option is not valid.
    """
    if figure not in FIGURES:
        raise ModelError(f"figure must be one of {list(FIGURES)}, got {figure!r}.")
    settings = FIGURES[figure]
    if scms < 1:
        raise ModelError(f"scms must be at least 1, got {scms}.")
    for name, values in (("sizes", sizes), ("n_actions", n_actions), ("ratios", ratios)):
        if not values or len(set(values)) < len(values) or min(values) <= 0:
            raise ModelError(f"{name} must be different positive numbers, got {list(values)}.")
    if len(n_actions) > 1 and len(settings.n_actions) == 1:
        other = {"ratio": "figB", "size": "figA"}.get(settings.varies, "several runs")
        raise ModelError(
            f"n_actions must be one number for {figure}, got {list(n_actions)}; "
            f"use {other} for more."
        )
    if len(sizes) > 1 and not settings.steps_per_decade:
        raise ModelError(f"sizes must be one number for {figure}, got {list(sizes)}.")
    units: list[ReproduceUnit] = []
    for scm in range(scms):
        for k in n_actions:
            for n in sizes:
                unit = replace(prototype, figure=figure, scm=scm, n_actions=k)
                units += _one_size(unit, settings.varies, n, ratios)
    return units


def _one_size(
    unit: ReproduceUnit, varies: str, n: int, ratios: Sequence[float]
) -> list[ReproduceUnit]:
    """List the units of one system with n rows per regime."""
    total = (unit.n_actions + 1) * n
    if varies == "estimator":
        return [replace(unit, n_obs=n, n_sint=n, n_jint=n)]
    if varies == "size":
        return [replace(unit, n_obs=n, n_sint=n, n_jint=total)]
    alone = tuple(name for name in unit.estimators if name in BASELINES)
    others = tuple(name for name in unit.estimators if name not in BASELINES)
    units = []
    if alone:
        units.append(replace(unit, n_obs=total, n_sint=0, n_jint=total, estimators=alone))
    for ratio in ratios if others else ():
        n_sint = round(total * ratio / (unit.n_actions * ratio + 1))
        n_obs = total - unit.n_actions * n_sint
        if min(n_obs, n_sint) < FEWEST_ROWS:
            raise ModelError(
                f"n: {n} rows per regime, split with N_sint / N_obs = {ratio:g}, leave {n_obs} "
                f"observational rows and {n_sint} of each experiment, fewer than {FEWEST_ROWS}; "
                f"ask for more rows or for other ratios."
            )
        units.append(replace(unit, n_obs=n_obs, n_sint=n_sint, n_jint=total, estimators=others))
    return units
