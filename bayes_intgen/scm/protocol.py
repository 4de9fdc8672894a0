"""The protocol of a synthetic system, whatever family it comes from."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pandas as pd
import xarray as xr

from bayes_intgen.scm.seeds import Seed

__all__ = ["SCM"]


class SCM(Protocol):
    """A synthetic system whose effects are known.

    `PolynomialSCM` is one; anything else with these members will do for the experiments too.

    Examples
    --------
    >>> scm: ig.scm.SCM = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> scm.actions, scm.outcome, scm.single_regimes
    (('a1', 'a2'), 'y', ('obs', 'a1', 'a2'))
    """

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions, in a causal order."""

    @property
    def outcome(self) -> str:
        """Name of the outcome."""

    @property
    def single_regimes(self) -> tuple[str, ...]:
        """Labels of the observational regime and of each action set alone."""

    def sample(self, n: int, do: str | Iterable[str] = (), *, random_seed: Seed) -> pd.DataFrame:
        """Draw rows from one regime: a column per action, and the outcome.

        Examples
        --------
        >>> scm.sample(5, do="a1", random_seed=2).shape
        (5, 3)
        """

    def sample_regimes(
        self,
        regimes: Iterable[str | Iterable[str]],
        n: int | Mapping[str, int],
        random_seed: Seed,
    ) -> pd.DataFrame:
        """Draw rows from several regimes, labelled in the column ``regime``.

        Examples
        --------
        >>> scm.sample_regimes(["obs", "a1"], {"obs": 5, "a1": 3}, random_seed=2)["regime"].tolist()
        ['obs', 'obs', 'obs', 'obs', 'obs', 'a1', 'a1', 'a1']
        """

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Return the true E[Y | do(a_S), a_rest]; None sets all actions, ``[]`` none.

        Examples
        --------
        >>> scm.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).shape
        (2,)
        """
