"""What is kept of a fit, and what every question to it starts from.

The mean of regime S at a is phi(a)' theta_S (:mod:`bayes_intgen.posterior.fitted`). Here are
theta_S, the points at which phi is taken and how well the data support them, and which questions
the data determine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayes_intgen.base.arguments import read_path
from bayes_intgen.base.regimes import Regime, parse_regime
from bayes_intgen.base.support_flags import BEYOND
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import require_known_cuts
from bayes_intgen.design.identification.model_identification import require_determined
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.design.structure_learning import LearnedStructure
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.lift_result import LiftCheck
from bayes_intgen.posterior.storage import FitState, write_fit
from bayes_intgen.posterior.support import classify_support, find_beyond

__all__ = ["FitRecord"]


@dataclass(frozen=True)
class FitRecord:
    """What a :class:`bayes_intgen.Posterior` consists of, which describes the parameters."""

    idata: xr.DataTree = field(repr=False)
    design: Design = field(repr=False)
    summary: Summary = field(repr=False)
    outcome_scale: Scale
    convergence: Convergence
    learned: LearnedStructure | None = None
    additivity: Additivity | None = None

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.summary.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.summary.covariates

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.summary.outcome

    @property
    def target(self) -> Regime:
        """The regime that the fit was to identify; all actions unless another was given."""
        label = self.idata.attrs.get("target")
        return self.actions if label is None else parse_regime(str(label), self.actions)

    def save(self, path: str | Path) -> None:
        """Write everything to a netCDF file; an existing file is replaced in one step.

        Raises
        ------
        FileError
            If the folder does not exist or cannot be written to.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "fit.nc"
        ...     posterior.save(path)
        ...     path.is_file()
        True
        """
        write_fit(self._state, read_path(path))

    @property
    def lifts(self) -> LiftCheck | None:
        """Lift tests of the fit, and whether they agree with all else; None if there were none.

        ``print(posterior.lifts)`` gives the verdict, ``.table`` a row per test, ``.ok`` whether
        none is in conflict.
        """
        tree = self.idata
        data = tree["constant_data"].dataset if "constant_data" in tree.children else xr.Dataset()
        return LiftCheck.from_dataset(data, self.summary.levels)

    @cached_property
    def condition(self) -> RankCondition:
        """What the regimes and lift tests of the fit determine under its design."""
        found = self.lifts
        rows = None if found is None else found.functionals
        return RankCondition(self.design, tuple(self.summary.regimes), rows)

    def require(self, regime: Regime) -> None:
        """Refuse a regime whose mean the data do not determine.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> posterior.require(("a1", "a2"))  # silent: the data determine the joint effect
        """
        require_known_cuts(self.summary.regimes, regime, self.design.blocks)
        require_determined(self.condition, regime)

    def require_contrast(self, before: Array, after: Array, regime: Regime) -> None:
        """Refuse contrasts that the data do not determine; shape (points, variables) each.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> ends = posterior.complete({"a1": [0.0, 0.1]}).values
        >>> posterior.require_contrast(ends[:1], ends[1:], ("a1", "a2"))  # silent: it is determined
        """
        require_known_cuts(self.summary.regimes, regime, self.design.blocks)
        moved = (before != after).any(axis=0)
        names = [name for name, moves in zip(self.design.variables, moved, strict=True) if moves]
        steps = self.functionals(after, regime) - self.functionals(before, regime)
        require_determined(self.condition, regime, names, steps)

    def functionals(self, values: Array, regime: Regime) -> Array:
        """Return what turns weights into the mean of a regime at some points.

        Shape (points, weights).

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> rows = posterior.functionals(posterior.complete({"a1": [0.0, 0.1]}).values, ("a1",))
        >>> rows.shape == (2, posterior.weights.shape[-1])
        True
        """
        phi = self.design.features.evaluate(values)
        return phi[:, self.design.positions] * self.design.active(regime)

    def points(self, at: Any) -> Points:
        """Read points at which a question is asked; all actions and covariates are needed.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> posterior.points({"a1": [0.0, 0.1], "a2": 0.2}).values.tolist()
        [[0.0, 0.2], [0.1, 0.2]]
        """
        return Points.read(at, self.actions, self.summary.levels, self.covariates)

    def complete(self, some: Mapping[str, Any]) -> Points:
        """Read points that give some variables by name, the others at their usual values.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> posterior.complete({"a1": [0.0, 0.1]}).values.shape  # a2 at its mean
        (2, 2)
        """
        usual = reference_values(self.summary)
        return Points.complete(some, self.actions, self.summary.levels, usual, self.covariates)

    def support(self, points: Points, regime: Regime, beyond: str) -> npt.NDArray[np.str_]:
        """Flag points, and refuse those beyond the box unless they are to be clamped.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> points = posterior.complete({"a1": [0.1, 9.0]})
        >>> posterior.support(points, ("a1", "a2"), "clamp").tolist()
        ['supported', 'outside']
        """
        far = find_beyond(points, self.design.features.bases, beyond)
        parents, blocks = self.design.parents, self.design.blocks
        flags = classify_support(points.values, regime, self.summary, parents, blocks)
        return np.where(far, BEYOND, flags)

    @property
    def weights(self) -> Array:
        """Draws of the weights of all components, shape (chain, draw, weights)."""
        return self.idata["posterior"].dataset["weight"].to_numpy()

    def theta(self, regime: Regime) -> Array:
        """Return the coefficients of the features in the mean of a regime.

        Draws of theta_S, shape (chain, draw, features), in the outcome's unit and relative to the
        centre of ``outcome_scale``.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> posterior.theta(("a1", "a2")).shape[:2]  # chain, draw; then features
        (1, 1000)
        """
        return self.design.collect(self.weights, self.design.active(regime))

    def label(self, values: Array, points: Points, name: str) -> xr.DataArray:
        """Give names to draws at some points, shape (chain, draw, point).

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace")
        >>> points = posterior.points({"a1": [0.0, 0.1], "a2": 0.2})
        >>> draws = posterior.theta(()) @ posterior.design.features.evaluate(points.values).T
        >>> posterior.label(draws, points, "y").dims
        ('chain', 'draw', 'point')
        """
        draws = self.idata["posterior"].dataset
        coords = {dim: draws[dim].to_numpy() for dim in ("chain", "draw")}
        dims = ("chain", "draw", "point")
        return xr.DataArray(values, dims=dims, coords={**coords, **points.coords()}, name=name)

    @property
    def _state(self) -> FitState:
        return FitState(
            self.idata,
            self.design,
            self.summary,
            self.outcome_scale,
            self.convergence,
            self.learned,
            self.additivity,
        )
