"""Moments on disk: one ``.npz`` file of numbers and JSON, written in one step, nothing executed.

Kept are the first pass, the frozen features, and of the symmetric sums of products the lower half.
The rows that the summary keeps of each regime, for quantiles and for learning the structure, are
thinned if they are more than 2^20 numbers in all (8 MB); they are the only single rows in the file,
and may be left out.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.types import Array, Indices, Scale
from bayes_intgen.data.grouping import BLOCK, Grouping
from bayes_intgen.data.marks import MarkColumns
from bayes_intgen.data.regime_summary import SAMPLE_ROWS, ThinnedSample
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.cluster_sums import ClusterSums

if TYPE_CHECKING:
    from bayes_intgen.moments.moments import Moments

__all__ = ["read_moments", "save"]

FORMAT = "bayes_intgen moments, format 1"
MOST_VALUES = 2**20


def save(self: "Moments", path: str | Path, rows: bool = True) -> None:
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
    >>> from tempfile import TemporaryDirectory
    >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    >>> with TemporaryDirectory() as folder:
    ...     moments.save(Path(folder) / "day1.npz")
    ...     ig.Moments.load(Path(folder) / "day1.npz").n_rows
    600
    """
    size = len(self.features.features)
    lower = np.tril_indices(size)
    most = _most_rows(self.summary)
    state: dict[str, Any] = {
        "format": FORMAT,
        "summary": self.summary.to_dict(),
        "features": self.features.to_dict(),
        "outcome_scale": [self.outcome_scale.centre, self.outcome_scale.spread],
    }
    if self.marks.kept:
        grouping = None if self.grouping is None else self.grouping.to_dict()
        state["marks"] = self.marks.given
        state["grouping"], state["mean_units"] = grouping, self.mean_units
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "state": np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    }
    for position, (regime, folds) in enumerate(self.folds.items()):
        arrays |= {
            f"n_{position}": np.array([fold.n for fold in folds]),
            f"weight_{position}": np.array([fold.weight for fold in folds]),
            f"mean_{position}": np.array([fold.mean for fold in folds]),
            f"scatter_{position}": np.array([fold.scatter[lower] for fold in folds]),
            f"log_weight_{position}": np.array(self.log_weights[regime]),
            f"clamped_{position}": self.clamped[regime],
        }
        if regime in self.clusters:
            groups = self.clusters[regime]
            arrays |= {
                f"group_keys_{position}": groups.keys,
                f"group_rows_{position}": groups.rows,
                f"group_weight_{position}": groups.weight,
                f"group_outcome_{position}": groups.outcome,
                f"group_sums_{position}": groups.sums,
            }
        if rows:
            sample = self.summary.regimes[regime].sample.thin(most)
            arrays[f"sample_{position}"] = sample.rows
            arrays[f"thinned_{position}"] = np.array([sample.seen, sample.stride])
    with replacing(Path(path)) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_moments(path: Path) -> dict[str, Any]:
    """Read the fields of :class:`bayes_intgen.Moments` from a file.

    Raises
    ------
    FileError
        If it is missing, holds no moments of this format, or is damaged.
    """
    if not path.is_file():
        raise FileError(f"path: {str(path)!r} is not a file; give one that Moments.save wrote.")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        state = json.loads(arrays["state"].tobytes())
        if state["format"] != FORMAT:
            raise FileError(
                f"path: {str(path)!r} has the format {state['format']!r}, but this version reads "
                f"{FORMAT!r}; compute the moments again."
            )
        return _rebuild(state, arrays)
    except FileError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(
            f"path: {str(path)!r} holds no moments, or is damaged ({error}); give a file that "
            f"Moments.save wrote."
        ) from error


def _most_rows(summary: Summary) -> int:
    """Return how many rows of each regime may be kept: 2^j for some j."""
    most = SAMPLE_ROWS
    sizes = [len(regime.sample.rows) for regime in summary.regimes.values()]
    while len(summary.columns) * sum(min(n, most) for n in sizes) > MOST_VALUES:
        most //= 2
    return most


def _rebuild(
    state: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[np.generic]]
) -> dict[str, Any]:
    summary = Summary.from_dict(state["summary"])
    features = FeatureMap.from_dict(state["features"])
    lower = np.tril_indices(len(features.features))
    folds, log_weights, clamped, regimes = {}, {}, {}, dict(summary.regimes)
    clusters, grouping, marks = {}, state.get("grouping"), state.get("marks", {})
    for position, (regime, saved) in enumerate(summary.regimes.items()):
        names = ("n", "weight", "mean", "scatter")
        columns = zip(*(arrays[f"{name}_{position}"] for name in names), strict=True)
        folds[regime] = tuple(
            CentredMoments(int(n), float(weight), mean, _unpack(half, lower))
            for n, weight, mean, half in columns
        )
        log_weights[regime] = float(arrays[f"log_weight_{position}"])
        clamped[regime] = arrays[f"clamped_{position}"].astype(np.int64)
        if f"group_keys_{position}" in arrays:
            parts = ("keys", "rows", "weight", "outcome", "sums")
            keys, *sums = (arrays[f"group_{name}_{position}"] for name in parts)
            if grouping is not None and "held" not in grouping:  # of version 0.1: blocks
                keys = keys * np.array([1, BLOCK])
            clusters[regime] = ClusterSums.of(
                keys.astype(np.int64), *(own.astype(float) for own in sums)
            )
        if f"sample_{position}" in arrays:
            seen, stride = arrays[f"thinned_{position}"].tolist()
            sample = ThinnedSample(arrays[f"sample_{position}"].astype(float), seen, stride)
            regimes[regime] = replace(saved, sample=sample)
    return {
        "summary": replace(summary, regimes=regimes),
        "features": features,
        "outcome_scale": Scale(*state["outcome_scale"]),
        "folds": folds,
        "log_weights": log_weights,
        "clamped": clamped,
        "clusters": clusters,
        "grouping": None if grouping is None else Grouping.from_dict(grouping),
        "mean_units": float(state.get("mean_units", 1.0)),
        "marks": MarkColumns(**marks | {"cluster": tuple(marks.get("cluster", ()))}),
    }


def _unpack(half: Array, lower: tuple[Indices, Indices]) -> Array:
    size = int(lower[0][-1]) + 1
    matrix = np.zeros((size, size))
    matrix[lower] = half
    return matrix + np.tril(matrix, -1).T
