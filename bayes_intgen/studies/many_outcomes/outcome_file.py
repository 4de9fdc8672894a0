"""The fit of one of many outcomes on disk: what answers need, and no more.

Those are the draws of the weights, the design, the summary of the rows and the verdicts, as numbers
and JSON text in one ``.npz`` file; reading one executes nothing. The single rows in it are those by
which support is judged, as in the file of a fit of its own
(:mod:`bayes_intgen.posterior.storage`). Equal fits have equal bytes.
"""

import json
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.design import Design
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.lack_of_fit_result import LackOfFit
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["read_outcome", "write_outcome"]

FORMAT = "bayes_intgen outcome, format 1"
VERDICTS: dict[str, Any] = {
    "convergence": Convergence,
    "additivity": Additivity,
    "lack_of_fit": LackOfFit,
}
READING = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError)


def write_outcome(fit: Posterior, path: Path) -> None:
    """Write a fit in one step."""
    verdicts = {name: getattr(fit, name) for name in VERDICTS}
    state = {
        "format": FORMAT,
        "design": json.dumps(fit.design.to_dict()),
        "summary": fit.summary.to_dict(near=len(fit.design.variables) > 1),
        "outcome_scale": [fit.outcome_scale.centre, fit.outcome_scale.spread],
        "verdicts": {name: v.to_dict() for name, v in verdicts.items() if v is not None},
        "attributes": {name: _plain(value) for name, value in fit.idata.attrs.items()},
    }
    draws = fit.idata["weights"].dataset["weight"].to_numpy()
    text = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, state=text, weight=draws)


def read_outcome(path: Path) -> Posterior:
    """Read a fit, which answers what follows from the weights.

    Raises
    ------
    FileError
        If the file is missing, of another format, or damaged.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            state, weight = json.loads(file["state"].tobytes()), file["weight"]
        if state["format"] != FORMAT:
            raise ValueError(f"its format is {state['format']!r}, not {FORMAT!r}")
        design = _read_design(state["design"])
        return Posterior(
            _tree(weight, design, state["attributes"]),
            design,
            Summary.from_dict(state["summary"]),
            Scale(*state["outcome_scale"]),
            **{name: VERDICTS[name].from_dict(v) for name, v in state["verdicts"].items()},
        )
    except (*READING, zipfile.BadZipFile) as error:
        raise FileError(
            f"out: the fit in {str(path)!r} is missing or damaged ({error}); remove it and run "
            f"fit_outcomes again, which fits that outcome anew."
        ) from error


def _tree(weight: Array, design: Design, attributes: dict[str, Any]) -> xr.DataTree:
    chains, draws, _ = weight.shape
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    terms = {"term": [one.name for one in design.weights]}
    weights = xr.Dataset({"weight": ((*coords, "term"), weight)}, coords={**coords, **terms})
    groups = {"posterior": xr.Dataset(coords=coords), "weights": weights}
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = attributes
    return tree


@lru_cache(maxsize=64)
def _read_design(text: str) -> Design:
    """Rebuild a design; most outcomes have the same."""
    return Design.from_dict(json.loads(text))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
