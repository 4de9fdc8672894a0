"""What experiments ask of a synthetic system, whatever family it comes from."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pandas as pd
import xarray as xr

from bayes_intgen.scm.seeds import Seed

__all__ = ["SCM"]


class SCM(Protocol):
    """A synthetic system whose effects are known.

    `PolynomialSCM` is one; anything else with these members will do for the experiments too.
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
        """Draw rows from one regime: a column per action, and the outcome."""

    def sample_regimes(
        self,
        regimes: Iterable[str | Iterable[str]],
        n: int | Mapping[str, int],
        random_seed: Seed,
    ) -> pd.DataFrame:
        """Draw rows from several regimes, labelled in the column ``regime``."""

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Return the true E[Y | do(a_S), a_rest]; None sets all actions, ``[]`` none."""
