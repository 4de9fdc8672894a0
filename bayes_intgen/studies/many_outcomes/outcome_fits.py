"""Fits of many outcomes: effects, contrasts and discoveries, labelled by outcome."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.html import html_block
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.data.many_outcomes import shorten
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.contrast import Contrast
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.studies.many_outcomes.discoveries import discoveries
from bayes_intgen.studies.many_outcomes.outcome_file import read_outcome
from bayes_intgen.studies.many_outcomes.plot_outcomes import plot_forest, plot_heat_map

__all__ = ["OutcomeFits"]

MOST_BYTES = 2**31  # of draws that are returned at once


@dataclass(frozen=True)
class OutcomeFits:
    """Fits of many outcomes, made by :func:`bayes_intgen.fit_outcomes`.

    Every answer has a dimension ``outcome``, and is that of the outcome's own fit, in its own unit.
    For what is not here, ``InterventionModel().fit(data["y1"], ...)`` makes the same fit alone.

    Parameters
    ----------
    folder
        Where the fits are; each question reads them, at some milliseconds per outcome.
    verdicts
        A row per fitted outcome: ``kind`` of the outcome, whether the fit ``converged``, the
        ``interactions`` in it, whether it ``fits_its_data`` and effects are
        ``additive_on_own_scale`` (None: not tested), and ``unit``, the outcome's spread.
    failed, excluded
        Why some outcomes could not be fitted, or not be used.
    files
        The file of each fit, within the folder.

    Examples
    --------
    In these examples ``fits`` are of two outcomes of ``frame``, ``sales`` and ``visits``.

    >>> fits.names, fits.actions
    (('sales', 'visits'), ('a1', 'a2'))
    >>> fits.verdicts["kind"].tolist(), fits.failed, fits.excluded
    (['real', 'real'], {}, {})
    """

    folder: Path
    verdicts: pd.DataFrame = field(repr=False)
    failed: Mapping[str, str]
    excluded: Mapping[str, str]
    files: tuple[str, ...] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outcomes that were fitted."""
        return tuple(self.verdicts.index)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.posterior(self.names[0]).actions

    def posterior(self, name: str) -> Posterior:
        """Return the fit of one outcome, which answers what follows from the weights.

        Parameters
        ----------
        name
            The outcome.

        Raises
        ------
        QueryError
            If it was not fitted.

        Examples
        --------
        >>> fits.posterior("visits").outcome
        'visits'
        """
        if name not in self.verdicts.index:
            why = {**self.excluded, **self.failed}.get(name)
            reason = f": {why}" if why else f"; there are {shorten(self.names)}"
            raise QueryError(f"outcome {name!r} was not fitted{reason}.")
        return read_outcome(self.folder / self.files[self.names.index(name)])

    def expected_outcome(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of E[Y | do(a_S), a_rest] of every outcome.

        Parameters
        ----------
        at, do, beyond
            As in :meth:`bayes_intgen.Posterior.expected_outcome`.

        Returns
        -------
        xarray.DataArray
            Dims (outcome, chain, draw, point), each outcome in its own unit; ``support`` has dims
            (outcome, point).

        Examples
        --------
        >>> fits.expected_outcome({"a1": [0.0, 0.1], "a2": 0.0}).shape
        (2, 1, 1000, 2)
        """
        return self._gather(lambda fit: fit.expected_outcome(at, do, beyond))

    def contrast(
        self,
        at: Any,
        baseline: Any,
        do: str | Iterable[str] | None = None,
        scale: Contrast = "difference",
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of how far the expected outcome is from that at a baseline.

        Parameters
        ----------
        at, baseline, do, scale, beyond
            As in :meth:`bayes_intgen.Posterior.contrast`.

        Returns
        -------
        xarray.DataArray
            Dims (outcome, chain, draw, point), as :meth:`expected_outcome`.

        Examples
        --------
        >>> change = fits.contrast({"a1": 0.2, "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
        >>> change.sel(outcome="visits").dims
        ('chain', 'draw', 'point')
        """
        return self._gather(lambda fit: fit.contrast(at, baseline, do, scale, beyond))

    def probability(
        self,
        at: Any,
        baseline: Any = None,
        do: str | Iterable[str] | None = None,
        threshold: float = 0.0,
        scale: Contrast = "difference",
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior probability that an effect exceeds a threshold, one outcome at a time.

        To choose among many outcomes by it is to select the lucky ones; for that there is
        :meth:`discoveries`.

        Parameters
        ----------
        at, baseline, do, threshold, scale, beyond
            As in :meth:`bayes_intgen.Posterior.probability`.

        Returns
        -------
        xarray.DataArray
            Dims (outcome, point).

        Examples
        --------
        >>> fits.probability({"a1": 0.2, "a2": 0.0}, {"a1": 0.0, "a2": 0.0}).sizes["outcome"]
        2
        """
        return self._gather(lambda fit: fit.probability(at, baseline, do, threshold, scale, beyond))

    def effects(self, do: str | Iterable[str] | None = None) -> xr.Dataset:
        """Summarise the change when one action moves from mean - sd to mean + sd.

        Parameters
        ----------
        do
            As in :meth:`bayes_intgen.Posterior.effects`.

        Returns
        -------
        xarray.Dataset
            ``mean``, ``lower``, ``upper`` and ``observational``, dims (outcome, action), in the
            unit of each outcome, and ``support``; ``unit`` is the outcome's spread. ``from`` and
            ``to`` are coordinates of ``action``.

        Examples
        --------
        >>> fits.effects()["mean"].sel(outcome="sales", action="a1").ndim
        0
        """
        tables = [self.posterior(name).effects(do) for name in self.names]
        columns = ("mean", "lower", "upper", "observational")
        dims = ("outcome", "action")
        arrays = {
            c: (dims, np.array([t[c].to_numpy(dtype=float) for t in tables])) for c in columns
        }
        arrays["support"] = dims, np.array([[*t.attrs["support"].values()] for t in tables])
        first = tables[0]
        coords = {
            "outcome": list(self.names),
            "action": first.index.tolist(),
            "from": ("action", first["from"].tolist()),
            "to": ("action", first["to"].tolist()),
            "unit": ("outcome", self.verdicts["unit"].to_numpy(dtype=float)),
        }
        return xr.Dataset(arrays, coords=coords)

    def table(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        interval: float = INTERVAL,
        beyond: Beyond = "error",
    ) -> pd.DataFrame:
        """Summarise the expected outcome of every outcome at some points.

        Parameters
        ----------
        at, do, interval, beyond
            As in :meth:`bayes_intgen.Posterior.table`.

        Returns
        -------
        pandas.DataFrame
            Its table for each outcome, one under the other, with the index (outcome, point).

        Examples
        --------
        >>> fits.table({"a1": 0.0, "a2": 0.0}).index.tolist()
        [('sales', 0), ('visits', 0)]
        """
        tables = {n: self.posterior(n).table(at, do, interval, beyond) for n in self.names}
        return pd.concat(tables, names=["outcome"])

    # methods: the first argument of each function is self
    discoveries = discoveries
    plot_forest = plot_forest
    plot_heat_map = plot_heat_map

    def __str__(self) -> str:
        sound = self.verdicts["converged"].astype(bool)
        lines = [f"{len(self.names):,} outcomes fitted ({shorten(self.names)}), in {self.folder}"]
        doubts = {
            "approximation differs from the posterior, use method='nuts'": ~sound,
            "misses its own data": self.verdicts["fits_its_data"].eq(False),
            "effects may add up on another scale": self.verdicts["additive_on_own_scale"].eq(False),
        }
        for text, which in doubts.items():
            if which.any():
                lines.append(f"{int(which.sum()):,} {text}: {shorten([*which.index[which]])}")
        for text, reasons in (("not fitted", self.failed), ("left out", self.excluded)):
            lines += [f"{text}: {name} ({reason})" for name, reason in reasons.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        first, *others = str(self).splitlines()
        return html_block(first, others, [])

    def _gather(self, ask: Callable[[Posterior], xr.DataArray]) -> xr.DataArray:
        """Ask every fit the same and stack the answers."""
        first = ask(self.posterior(self.names[0]))
        if first.nbytes * len(self.names) > MOST_BYTES:
            raise QueryError(
                f"at: {first.sizes['point']:,} points of {len(self.names):,} outcomes take "
                f"{first.nbytes * len(self.names) / 2**30:.1f} GiB of draws; ask for fewer points "
                f"at a time."
            )
        others = [ask(self.posterior(name)) for name in self.names[1:]]
        answers = [first, *others]
        values = np.stack([answer.to_numpy() for answer in answers])
        own = {n for answer in answers for n in answer.coords if n not in first.coords}
        coords: dict[str, Any] = {"outcome": list(self.names)}
        for name, coord in first.coords.items():
            coords[str(name)] = coord
        for name in {"support", "share_impossible"}.intersection({*coords, *own}):
            blank = 0.0 if name == "share_impossible" else ""
            each = [a[name].to_numpy() if name in a.coords else np.full(a.sizes["point"], blank)
                    for a in answers]  # fmt: skip
            coords[name] = (("outcome", "point"), np.stack(each))
        coords["unit"] = ("outcome", self.verdicts["unit"].to_numpy(dtype=float))
        return writable(
            xr.DataArray(
                values,
                dims=("outcome", *first.dims),
                coords=coords,
                attrs=first.attrs,
                name="effect",
            )
        )
