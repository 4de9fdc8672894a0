"""Weekly marketing by region: price, television and search, with an experiment on each.

The generator, in full (see :mod:`bayes_intgen.scm.examples.lever`): sales of a region in a week, in
thousand euro, are 240 + 32 z plus

* price (median 10 euro), best at 9.0: -1040 log(price / 9.0)^2. Whoever sets it raises it where
  demand is strong: the hidden demand C moves price by 9% and sales by 24 per standard deviation.
* television (median 8 thousand euro), Hill curve of power 1.4 with a plateau of 120 and its half at
  9, a quarter larger at z = 1. It is bought where a good week is expected: C moves spend by 35%,
  sales by 20.
* search (median 5 thousand euro), plateau 56 and half at 4. Spend follows purchase intent, by 35%
  and with 24 in sales, and television, whose viewers search: elasticity 0.4.

z is the season, cos(2 pi (week - 50) / 52), one at the end of the year; all three follow it. The
noise has a standard deviation of 12; rows are independent of one another given z, unless regions
have habits: then sales of a region have a level of their own, and what moves them in one week
lingers, with a correlation of 0.7 from week to week. Each lift test is told with its standard
error.
"""

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.base.types import Array
from bayes_intgen.scm.examples.example import Example
from bayes_intgen.scm.examples.lever import Hill, Lever, Peak
from bayes_intgen.scm.examples.lever_system import LeverSystem, LiftTest
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence

__all__ = ["marketing"]

PRICE = Lever("price", Peak(9.0, 1040.0), 10.0, 0.09, 0.07, 24.0, 32.0, (7.5, 13.0), season=0.03)
TV = Lever(
    "tv", Hill(120.0, 9.0, 1.4), 8.0, 0.35, 0.25, 20.0, 8.0, (2.0, 20.0), season=0.2, seasonal=0.25
)
SEARCH = Lever(
    "search", Hill(56.0, 4.0), 5.0, 0.35, 0.2, 24.0, 8.0, (1.0, 14.0), {"tv": 0.4}, season=0.1
)
SYSTEM = LeverSystem((PRICE, TV, SEARCH), "sales", 240.0, 12.0, "season", 32.0)

TESTS: tuple[LiftTest, ...] = (
    ("tv", 4.0, 8.0, 0.0, 3.2),
    ("tv", 8.0, 14.0, 0.0, 3.2),
    ("tv", 8.0, 14.0, 0.9, 4.0),
    ("search", 3.0, 6.0, 0.0, 2.4),
    ("search", 6.0, 10.0, 0.0, 2.4),
)

LABELS = ("obs", *SYSTEM.actions)
SHARES = (0.55, 0.15, 0.15, 0.15)
LINGERING = 0.7  # correlation of what lingers in a region from one week to the next


def marketing(
    random_seed: Seed, regions: int = 60, weeks: int = 104, habits: float = 0.0
) -> Example:
    """Draw a weekly marketing table with one experiment per action.

    In each region a lot decides for blocks of four weeks whether they are left alone (55% of them)
    or belong to the experiment on price, on tv or on search, in which a value is drawn for each
    week and the other actions come about as always.

    Parameters
    ----------
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    regions, weeks
        How many; the table has a row for each pair.
    habits
        Standard deviation of the level of a region, and of what lingers there from week to week, in
        thousand euro of sales.

    Returns
    -------
    Example
        ``frame`` with the columns ``region``, ``week`` (from 1), ``season`` (a covariate, from -1
        in early summer to 1 at the end of the year), ``price`` (euro), ``tv`` and ``search``
        (thousand euro), ``sales`` (thousand euro, the outcome) and ``regime``; ``lifts`` with five
        tests of tv and search. Price and spend are positive; tv influences search.

    Raises
    ------
    ModelError
        If `regions` or `weeks` is not a positive integer, `habits` is negative, or the seed is not
        one.

    Examples
    --------
    >>> shop = ig.examples.marketing(random_seed=1)
    >>> data = ig.RegimeData.from_frame(
    ...     shop.frame, outcome="sales", actions=shop.actions, covariates=shop.covariates
    ... )
    >>> data.n_rows, data.labels
    (6240, ('obs', 'price', 'tv', 'search'))
    >>> print(ig.LiftTests.from_frame(shop.lifts))
    LiftTests: 5 direct effects of tv, search
    """
    check_count(regions, "regions", "regions")
    check_count(weeks, "weeks", "weeks")
    if not (isinstance(habits, int | float) and 0 <= habits < np.inf):
        raise ModelError(f"habits must be a standard deviation, zero or more, got {habits!r}.")
    seed = seed_sequence(random_seed)
    lots = named_generator(seed, "lots")
    drawn = lots.choice(len(LABELS), size=(regions, -(-weeks // 4)), p=SHARES)
    codes = np.repeat(drawn, 4, axis=1)[:, :weeks].ravel()
    region = np.repeat(np.arange(1, regions + 1), weeks)
    week = np.tile(np.arange(1, weeks + 1), regions)
    season = np.cos(2 * np.pi * (week - 50) / 52)
    tables = []
    for code, label in enumerate(LABELS):
        rows = np.flatnonzero(codes == code)
        regime = parse_regime(label, SYSTEM.actions)
        table = SYSTEM.rows(regime, season[rows], named_generator(seed, label))
        tables.append(table.set_index(rows).assign(regime=label))
    frame = pd.concat(tables).sort_index()
    if habits:
        lasting = _habits(regions, weeks, named_generator(seed, "habits"))
        frame[SYSTEM.outcome] += habits * lasting.ravel()
    place = {"region": [f"region {number:02d}" for number in region], "week": week}
    frame = pd.concat([pd.DataFrame({**place, "season": season}), frame], axis=1)
    return Example(frame, SYSTEM.lift_results(TESTS, named_generator(seed, "lifts")), SYSTEM)


def _habits(regions: int, weeks: int, rng: np.random.Generator) -> Array:
    """Draw a level of each region and what lingers there, both of sd one; (regions, weeks)."""
    level = rng.standard_normal((regions, 1))
    fresh = rng.standard_normal((regions, weeks))
    lingering = fresh.copy()
    for week in range(1, weeks):
        lingering[:, week] *= np.sqrt(1 - LINGERING**2)
        lingering[:, week] += LINGERING * lingering[:, week - 1]
    return level + lingering
