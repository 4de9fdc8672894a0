"""An example data set: rows, results of lift tests, and the system that drew them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xarray as xr

from bayes_intgen.scm.examples.lever_system import LeverSystem

__all__ = ["Example"]


@dataclass(frozen=True)
class Example:
    """A table with a known truth; made by a function of :mod:`bayes_intgen.scm.examples`.

    Parameters
    ----------
    frame
        A row per unit: the actions, the covariates, the outcome, and ``regime``, the label of the
        experiment that the row comes from.
    lifts
        Results of lift tests, as :meth:`bayes_intgen.LiftTests.from_frame` reads them.
    system
        What drew them.

    Examples
    --------
    >>> trial = ig.examples.dose_combination(random_seed=1)
    >>> trial.actions, trial.covariates, trial.outcome
    (('drug_a', 'drug_b'), (), 'response')
    """

    frame: pd.DataFrame = field(repr=False)
    lifts: pd.DataFrame = field(repr=False)
    system: LeverSystem

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.system.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.system.covariates

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.system.outcome

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Return the true E[Y | do(a_S), a_rest, z], which no analyst would have.

        Parameters
        ----------
        at
            The values of ALL actions and covariates: a frame, or a mapping of names to numbers or
            arrays.
        do
            The actions S that are set, as names or as a regime's label. None sets all of them,
            ``[]`` none.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dimension ``point``, with the values as coordinates. The
            attribute ``do`` is the regime's label.

        Raises
        ------
        QueryError
            If a value is missing, not a finite number, or not positive for an action, or `do` names
            an unknown action.

        Examples
        --------
        >>> trial = ig.examples.dose_combination(random_seed=1)
        >>> doses = {"drug_a": 20.0, "drug_b": [5.0, 10.0]}
        >>> set_by_lot = trial.expected_outcome(doses)
        >>> chosen_by_doctors = trial.expected_outcome(doses, do=[])
        >>> set_by_lot.dims
        ('point',)
        >>> (set_by_lot - chosen_by_doctors).round(1).to_numpy().tolist()
        [-2.2, 1.4]
        """
        return self.system.expected_outcome(at, do)
