"""The result of the test of lack of fit: where a fit misses its own data, and by how much."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from typing import Any

import pandas as pd

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.design.interactions import Interactions

__all__ = ["LackOfFit", "MisfitTest"]

LEVEL = 0.01
SHOWN = 3


@dataclass(frozen=True)
class MisfitTest:
    """The evidence that residuals of one regime hold a function of some variables.

    Parameters
    ----------
    regime
        The regime whose rows were looked at.
    variables
        One, two or three actions and covariates.
    p_value
        Of no such function; in a result it is adjusted for all tests of the fit.
    effect
        Estimated standard deviation, over the rows of the regime, of the mean that is missed, in
        the outcome's unit.
    largest
        What is missed where most is: the data lie higher by as much, in the outcome's unit.
    at
        Where that is: the value or level of each of the variables.
    has_room
        Whether the mean of the regime has functions of just these variables.
    """

    regime: Regime
    variables: tuple[str, ...]
    p_value: float
    effect: float
    largest: float
    at: Mapping[str, float | str]
    has_room: bool

    def adjust(self, factor: int) -> "MisfitTest":
        """Return it with the p-value times a factor."""
        return replace(self, p_value=min(self.p_value * factor, 1.0))

    def to_dict(self) -> dict[str, Any]:
        """Return the test as JSON types."""
        return {**asdict(self), "regime": list(self.regime), "variables": list(self.variables)}

    def __str__(self) -> str:
        where = ", ".join(
            f"{name} = {value if isinstance(value, str) else f'{value:.3g}'}"
            for name, value in self.at.items()
        )
        return (
            f"in regime {format_regime(self.regime)} a function of {' x '.join(self.variables)} "
            f"(sd {self.effect:.3g}; {self.largest:+.3g} at {where}; p {self.p_value:.1g})"
        )


@dataclass(frozen=True)
class LackOfFit:
    """Whether a fit misses its own data, whatever class of outcomes it is of.

    Parameters
    ----------
    fitted
        The interactions of the fit.
    numbers
        How many functions of one, of two and of three variables were looked for, over all regimes.
    tests
        The clearest of them in each regime.

    Examples
    --------
    >>> print(posterior.lack_of_fit.ok, len(posterior.lack_of_fit.table))
    True 9
    """

    fitted: Interactions
    numbers: tuple[int, ...]
    tests: tuple[MisfitTest, ...] = field(repr=False)

    @property
    def found(self) -> tuple[MisfitTest, ...]:
        """What the fit misses at level 1% over all tests, the clearest first."""
        rejected = [test for test in self.tests if test.p_value <= LEVEL]
        return tuple(sorted(rejected, key=lambda test: (test.p_value, -test.effect)))

    @property
    def ok(self) -> bool:
        """Whether nothing was found that the fit misses."""
        return not self.found

    @property
    def sizes(self) -> dict[Regime, float]:
        """By how much each regime in which something was found is missed, in the outcome's unit.

        A standard deviation over its rows: the root of the sum of squares of what was found.
        """
        squares: dict[Regime, float] = {}
        for test in self.found:
            squares[test.regime] = squares.get(test.regime, 0.0) + test.effect**2
        return {regime: sqrt(square) for regime, square in squares.items()}

    @property
    def remedy(self) -> str:
        """What to do about the clearest misfit; empty without one."""
        if self.ok:
            return ""
        clearest = self.found[0]
        names = " x ".join(clearest.variables)
        if len(clearest.variables) == 1:
            return (
                f"Functions of {names} alone differ between regimes that should share them, which "
                f"bayes_intgen.check looks into, or bend more than their basis: give it a larger "
                f"one."
            )
        if clearest.has_room:
            wider = "interactions='all' or structure='full'"
            elsewhere = f"the bias of an action may depend on more than it does here ({wider})"
            surface = "the surface may bend more than its basis: give it a larger one"
            return (
                f"The fit has products {names}, but these do not follow the data: "
                f"{surface if self.fitted == 'all' else elsewhere}, or confounders are shared or "
                f"multiply, which no fit of this kind allows (bayes_intgen.check)."
            )
        cure = {
            "none": "use interactions='learned'",
            "pairwise": "use interactions='learned'",
            "learned": "if the test of additivity names them, do what it says; otherwise try "
            "interactions='all', or a basis that has such products, as Polynomial(degree=3) has",
            "all": "use interactions='learned', which makes products of three where it finds them, "
            "or a basis that has them, as Polynomial(degree=3) has",
        }
        return f"The fit has no products {names} in that regime: {cure[self.fitted]}."

    @property
    def table(self) -> pd.DataFrame:
        """A row per test that is kept: what was looked for where, and ``found``.

        Columns ``regime``, ``variables``, ``p_value``, ``effect``, ``largest``, ``at``, ``found``.
        """
        rows = [
            {
                **asdict(test),
                "regime": format_regime(test.regime),
                "variables": " ".join(test.variables),
                "found": test in self.found,
            }
            for test in self.tests
        ]
        columns = ["regime", "variables", "p_value", "effect", "largest", "at", "found"]
        return pd.DataFrame(rows, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        return {
            "fitted": self.fitted,
            "numbers": list(self.numbers),
            "tests": [test.to_dict() for test in self.tests],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "LackOfFit":
        """Rebuild the result from :meth:`to_dict`."""
        tests = [
            MisfitTest(
                **{**test, "regime": tuple(test["regime"]), "variables": tuple(test["variables"])}
            )
            for test in state["tests"]
        ]
        return cls(state["fitted"], tuple(state["numbers"]), tuple(tests))

    def __str__(self) -> str:
        if not self.tests:
            return "lack of fit: too few rows to look for it"
        if self.ok:
            least = min(test.p_value for test in self.tests)
            return (
                f"lack of fit: none seen ({sum(self.numbers)} tests, least adjusted p {least:.2g})"
            )
        more = len(self.found) - SHOWN
        clearest = "; ".join(map(str, self.found[:SHOWN])) + (f"; {more} more" if more > 0 else "")
        return (
            f"LACK OF FIT: the fit misses its own data: {clearest}. Answers may be wrong by as "
            f"much. {self.remedy}"
        )
