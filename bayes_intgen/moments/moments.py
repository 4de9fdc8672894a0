"""Second pass over the rows: sufficient statistics of a Gaussian regression on the features.

For each regime and cross-validation fold the count, the mean and the centred second moments of
(phi(a), y) are kept, with y in standard units. Whatever the number of rows, the likelihood
needs nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.folds import FOLDS
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.regime_flags import read_flags
from bayes_intgen.data.row_pass import pass_over
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import BasisChoice, check_choice, freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.structure import Structure, resolve_structure
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.moments.feature_sums import RowWeights
from bayes_intgen.moments.kept_moments import KeptMoments
from bayes_intgen.moments.moments_file import StoredMoments, read_moments, write_moments
from bayes_intgen.moments.moments_text import check_size, describe_moments
from bayes_intgen.moments.second_pass import Recipe

__all__ = ["Moments"]


@dataclass(frozen=True)
class Moments(KeptMoments):
    """What the library keeps of the data: a few megabytes for any number of rows.

    Parameters
    ----------
    summary
        The first pass: counts, ranges and quantiles.
    features
        The feature map whose moments these are.
    outcome_scale
        Centre and spread of the outcome; moments hold the outcome in these units.
    parts
        Moments of (features without the constant, outcome) for each regime and fold.
    log_weights
        Sum of the logarithms of the rows' weights in each regime; zero when not weighted.
    residuals
        Moments of the squared residuals of a first fit in each regime, if there was one.
    clamped
        Number of rows in each regime that lie beyond the box of each action and covariate, at whose
        edge the eigenfunctions are held; shape (variables,).

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> day1 = ig.Moments.from_data(data)
    >>> day2 = ig.Moments.from_data(data, like=day1)
    >>> day1.merge(day2).n_rows
    1200
    """

    @classmethod
    def from_data(
        cls,
        data: Any,
        like: "Moments | None" = None,
        basis: BasisChoice | None = None,
        structure: Structure = "full",
        regime: str | Mapping[str, str] = "regime",
    ) -> "Moments":
        """Make both passes over the data.

        Parameters
        ----------
        data
            A :class:`bayes_intgen.RegimeData`. With ``like``, anything that
            :meth:`bayes_intgen.RegimeData.from_frame` takes, with the columns of ``like``: then a
            regime may have any number of rows.
        like
            Moments whose frozen basis is used again, so that the two can be merged. Rows beyond its
            box are held at the edge, and counted in ``clamped``.
        basis
            The basis, when there is nothing to be like; HSGP() by default, as in the model.
        structure
            Which actions may depend on which others, as in the model. Products are computed of
            those pairs only: with many actions all pairs are too many. A model with fewer edges, or
            the same, can be fitted to the moments.
        regime
            Column of the regime labels, for ``data`` that is no RegimeData.

        Raises
        ------
        ModelError
            If an argument is of another kind, both ``like`` and ``basis`` are given, ``like`` has
            other columns, or there are so many features that their moments would fill more than
            4 GiB.
        DataError
            If other columns are categorical in ``like``, or it lacks a level of the data; if the
            data are nothing that can be read.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> moments.actions, moments.covariates, moments.variables, moments.outcome
        (('a1', 'a2'), (), ('a1', 'a2'), 'y')
        >>> moments.regimes, moments.n_rows
        (((), ('a1',), ('a2',)), 600)
        """
        if like is not None:
            if not isinstance(like, Moments):
                raise ModelError(f"like must be Moments or None, got {show(like)}.")
            return cls._further(data, like, basis, regime)
        if not isinstance(data, RegimeData):
            raise ModelError(
                f"data must be a RegimeData unless like says what its columns are, got "
                f"{show(data)}; make one with RegimeData.from_frame."
            )
        summary = Summary.from_data(data)
        chosen = HSGP() if basis is None else basis
        check_choice(chosen)
        bases = freeze_bases(chosen, data.variables, summary)
        scopes: list[Iterable[str]] = [data.variables]
        if structure != "full":
            learned = learn_structure(summary).parents if structure == "learned" else None
            parents = learned or resolve_structure(structure, data.actions)
            scopes = [(action, *names, *data.covariates) for action, names in parents.items()]
        features = FeatureMap.within(bases, scopes)
        check_size(len(features.features), len(data.extents))
        return cls.compute(data, summary, features, summary.scales[data.outcome])

    @classmethod
    def _further(
        cls,
        data: Any,
        like: "Moments",
        basis: BasisChoice | None,
        regime: str | Mapping[str, str],
    ) -> "Moments":
        if basis is not None:
            raise ModelError("basis: give either like or basis, because like fixes the basis.")
        known = like.summary
        if not isinstance(data, RegimeData):
            flags = read_flags(regime, known.actions)
            label = "" if flags else str(regime)
            names = (known.actions, label, tuple(known.levels), known.covariates, flags)
            data = RegimeData.further(data, Columns(known.outcome, *names))
        columns = data.columns.values
        if known.columns != columns:
            raise ModelError(
                f"like: its columns are {known.columns}, those of the data are "
                f"{columns}; the names and their order must agree."
            )
        if known.covariates != data.covariates:
            raise ModelError(
                f"like: its covariates are {list(known.covariates)}, those of the data are "
                f"{list(data.covariates)}; read both with the same covariates."
            )
        coded = data.recode(known.levels)
        return cls.compute(coded, Summary.from_data(coded), like.features, like.outcome_scale)

    @classmethod
    def compute(
        cls,
        data: RegimeData,
        summary: Summary,
        features: FeatureMap,
        outcome_scale: Scale,
        variances: Mapping[Regime, RowWeights] | None = None,
        theta: Mapping[Regime, Array] | None = None,
        folds: int = FOLDS,
    ) -> "Moments":
        """Make the second pass.

        Parameters
        ----------
        data, summary
            The rows, and the first pass over them.
        features
            The features whose moments are wanted.
        outcome_scale
            Centre and spread of the outcome.
        variances
            What says how much each row counts; all count the same by default.
        theta
            Coefficients of the features in the mean of each regime, from a first fit: then moments
            of its squared residuals are computed as well.
        folds
            Number of cross-validation folds whose moments are kept apart: three, or one if none are
            needed.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> again = ig.Moments.compute(
        ...     data, moments.summary, moments.features, moments.outcome_scale
        ... )
        >>> again.n_rows
        600
        """
        recipe = Recipe(features, outcome_scale, variances, theta, folds)
        sums = pass_over(data, recipe)
        parts = {regime: found.folds for regime, found in sums.items()}
        log_weights = {regime: found.log_weight for regime, found in sums.items()}
        squares = {regime: found.residuals for regime, found in sums.items() if found.residuals}
        clamped = {regime: found.clamped for regime, found in sums.items()}
        residuals = squares or None
        return cls(summary, features, outcome_scale, parts, log_weights, residuals, clamped)

    def save(self, path: str | Path, rows: bool = True) -> None:
        """Write the moments to a ``.npz`` file, without those of residuals.

        Parameters
        ----------
        path
            The file; an earlier one is replaced in one step.
        rows
            Whether to keep some rows of each regime as they are, 8 MB of them at most. They are
            what a structure is learned from; without them it must be given to the model.

        Raises
        ------
        FileError
            If the folder does not exist or cannot be written to.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> from tempfile import TemporaryDirectory
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=100, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> with TemporaryDirectory() as folder:
        ...     moments.save(Path(folder) / "day1.npz")
        ...     ig.Moments.load(Path(folder) / "day1.npz").n_rows
        300
        """
        parts = (self.parts, self.log_weights, self.clamped)
        write_moments(
            StoredMoments(self.summary, self.features, self.outcome_scale, *parts), Path(path), rows
        )

    @classmethod
    def load(cls, path: str | Path) -> "Moments":
        """Read moments that :meth:`save` wrote.

        Raises
        ------
        FileError
            If the file is missing, holds no moments of this format, or is damaged.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> ig.Moments.load("nowhere.npz")
        Traceback (most recent call last):
        ...
        bayes_intgen.base.errors.FileError: ...
        """
        found = read_moments(Path(path))
        scale, logs = found.outcome_scale, found.log_weights
        kept = (found.summary, found.features, scale, found.parts, logs)
        return cls(*kept, clamped=found.clamped)

    def __str__(self) -> str:
        counts = {r: sum(fold.n for fold in folds) for r, folds in self.parts.items()}
        return describe_moments(self.summary, len(self.features.features), counts, self.clamped)

    def _repr_html_(self) -> str:
        weighted = any(self.log_weights.values())
        rows = [
            (format_regime(regime), sum(fold.n for fold in folds), len(folds))
            for regime, folds in self.parts.items()
        ]
        about = [
            f"actions: {', '.join(self.actions)}",
            *([f"covariates: {', '.join(self.covariates)}"] if self.covariates else []),
            *(f"{name}: {basis.description}" for name, basis in self.features.bases.items()),
            f"{len(self.features.features)} features; rows "
            f"{'weighted by their variance' if weighted else 'of equal weight'}",
        ]
        title = f"Moments of {self.n_rows:,} rows, outcome {self.outcome}"
        return html_block(title, about, [html_table(["regime", "rows", "folds"], rows)])
