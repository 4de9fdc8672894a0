"""Fits on disk: netCDF with JSON in the attributes, written in one step, nothing executed.

A file holds the groups of the tree and, as JSON text, the design, the first pass over the data and
the verdict on convergence. Reading one parses numbers and JSON only.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from bayes_intgen.design import Design
from bayes_intgen.errors import FileError
from bayes_intgen.inference import Convergence
from bayes_intgen.summary import Scale, Summary

__all__ = ["FORMAT", "FitState", "read_fit", "write_fit"]

FORMAT = "bayes_intgen fit, format 1"


@dataclass(frozen=True)
class FitState:
    """Everything a posterior consists of."""

    idata: xr.DataTree
    design: Design
    summary: Summary
    outcome_scale: Scale
    convergence: Convergence


def write_fit(state: FitState, path: Path) -> None:
    """Write a fit next to its destination, flush it to disk and move it there."""
    if not path.parent.is_dir():
        raise FileError(f"path: the folder {str(path.parent)!r} does not exist; make it first.")
    tree = state.idata.copy()
    tree.attrs = {
        **tree.attrs,
        "format": FORMAT,
        "library_version": version("bayes-intgen"),
        "design": json.dumps(state.design.to_dict()),
        "summary": json.dumps(state.summary.to_dict()),
        "outcome_scale": json.dumps([state.outcome_scale.centre, state.outcome_scale.spread]),
        "convergence": json.dumps(state.convergence.to_dict()),
    }
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        draft = Path(name)
        try:
            tree.to_netcdf(draft, engine="h5netcdf")
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"path: cannot write {str(path)!r}: {error}") from error


def read_fit(path: Path) -> FitState:
    """Read a fit into memory and close the file.

    Raises
    ------
    FileError
        If the file is missing, is not a fit of this format, or is damaged.
    """
    if not path.is_file():
        raise FileError(f"path: there is no file {str(path)!r}.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as lazy:
            tree = lazy.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise FileError(f"path: {str(path)!r} cannot be read as a netCDF file: {error}") from error
    if tree.attrs.get("format") != FORMAT:
        raise FileError(
            f"path: {str(path)!r} is not a fit saved by this library (format "
            f"{tree.attrs.get('format')!r}, expected {FORMAT!r})."
        )
    try:
        parts = {
            name: json.loads(tree.attrs[name])
            for name in ("design", "summary", "outcome_scale", "convergence")
        }
        return FitState(
            tree,
            Design.from_dict(parts["design"]),
            Summary.from_dict(parts["summary"]),
            Scale(*parts["outcome_scale"]),
            Convergence.from_dict(parts["convergence"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"path: the fit in {str(path)!r} is damaged: {error!r}") from error
