"""Fits on disk: netCDF with JSON in the attributes, written in one step, nothing executed.

A file holds the groups of the tree and, as JSON text, the design, the first pass over the data and
the verdict on convergence, which also stands in the attribute ``converged`` for whoever reads the
file by other means. The only single rows in it are those by which support is judged: the actions
and covariates of up to 1024 rows of each regime, without the outcome. Reading a file parses numbers
and JSON only, no more of them than it has room for, and ends with a comparison of digests
(:mod:`bayes_intgen.posterior.digest`).
"""

import json
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from bayes_intgen.base.arguments import read_path, show
from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import is_file, replacing
from bayes_intgen.base.types import Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.design import Design
from bayes_intgen.design.structure_learning import LearnedStructure
from bayes_intgen.inference.variance_functions import variance_design
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.convergence import Convergence
from bayes_intgen.inference.verdicts.lack_of_fit_result import LackOfFit
from bayes_intgen.posterior.digest import digest_tree
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["FORMAT", "read_fit", "save"]

FORMAT = "bayes_intgen fit, format 6"
WITHOUT_SUMS = "bayes_intgen fit, format 5"  # answers every query, but plans no experiments
WITHOUT_GROUPS = "bayes_intgen fit, format 4"  # of 0.1: weights and scales stand in ``posterior``
READABLE = (FORMAT, WITHOUT_SUMS, WITHOUT_GROUPS)
DIGEST = "digest"
SPARE_BYTES = 2**20
# What is raised on a file that is not as it should be, and when its contents are parsed.
READING = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError)
PARSING = (*READING, MemoryError, RecursionError, ArithmeticError)
ATTRIBUTES = ("design", "summary", "outcome_scale", "convergence", "learned", "additivity")
OPTIONAL = ("lack_of_fit",)  # not in files of earlier versions, nor of fits without rows


def save(fit: Fitted, path: str | Path) -> None:
    """Write everything to a netCDF file; an existing file is replaced in one step.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "fit.nc"
    ...     posterior.save(path)
    ...     path.is_file()
    True
    """
    tree = fit.idata.copy()
    stored = {
        "design": fit.design.to_dict(),
        "summary": fit.summary.to_dict(near=len(fit.design.variables) > 1),
        "outcome_scale": [fit.outcome_scale.centre, fit.outcome_scale.spread],
        "convergence": fit.convergence.to_dict(),
        "learned": fit.learned.to_dict() if fit.learned else None,
        "additivity": fit.additivity.to_dict() if fit.additivity else None,
    }
    if fit.lack_of_fit:
        stored["lack_of_fit"] = fit.lack_of_fit.to_dict()
    tree.attrs = {
        **tree.attrs,
        "format": FORMAT,
        "library_version": version("bayes-intgen"),
        "converged": "yes" if fit.convergence.ok else f"NO: {fit.convergence}",
        **{name: json.dumps(state) for name, state in stored.items()},
    }
    tree.attrs[DIGEST] = digest_tree(tree, DIGEST)
    with replacing(read_path(path)) as draft:
        tree.to_netcdf(draft, engine="h5netcdf")


def read_fit(path: Path) -> Fitted:
    """Read a fit into memory; refuse a file that is not a fit of this format, or is damaged."""
    if not is_file(path):
        raise FileError(f"path: there is no file {str(path)!r} that can be looked at.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as lazy:
            if lazy.attrs.get("format") in READABLE:
                _check_size(lazy, path)
                lazy.load()
            tree = lazy
    except FileError:
        raise
    except READING as error:
        raise FileError(
            f"path: {str(path)!r} cannot be read as a netCDF file, or is damaged: {error}"
        ) from error
    if tree.attrs.get("format") not in READABLE:
        raise FileError(
            f"path: {str(path)!r} is not a fit saved by this library (format "
            f"{show(tree.attrs.get('format'))}, expected {FORMAT!r}). If an earlier version saved "
            f"it, fit again."
        )
    try:
        digest = digest_tree(tree, DIGEST)
        if tree.attrs["format"] == WITHOUT_GROUPS:
            tree = _group(tree)
        stored = {name: json.loads(tree.attrs[name]) for name in ATTRIBUTES}
        stored |= {name: json.loads(tree.attrs.get(name, "null")) for name in OPTIONAL}
        design = Design.from_dict(stored["design"])
        terms = tree["weights"].dataset["weight"]["term"].to_numpy().tolist()
        if terms != [weight.name for weight in design.weights]:
            raise ValueError("its weights are not those of its design")
        if "variance" in tree.children:
            terms = tree["variance"].dataset["weight"]["variance_term"].to_numpy().tolist()
            if terms != [weight.name for weight in variance_design(design).weights]:
                raise ValueError("its variance functions are not those of its design")
        fit = Fitted(
            tree,
            design,
            Summary.from_dict(stored["summary"]),
            Scale(*stored["outcome_scale"]),
            Convergence.from_dict(stored["convergence"]),
            LearnedStructure.from_dict(stored["learned"]) if stored["learned"] else None,
            Additivity.from_dict(stored["additivity"]) if stored["additivity"] else None,
            LackOfFit.from_dict(stored["lack_of_fit"]) if stored["lack_of_fit"] else None,
        )
    except PARSING as error:
        raise FileError(
            f"path: the fit in {str(path)!r} is damaged: {error!r}. Save or copy it again."
        ) from error
    if tree.attrs.get(DIGEST) != digest:
        raise FileError(
            f"path: the fit in {str(path)!r} is damaged or was altered: its contents do not have "
            f"the digest that was saved with them. Save or copy it again."
        )
    return fit


def _group(tree: xr.DataTree) -> xr.DataTree:
    """Move what is many out of ``posterior`` and ``log_prior``, into groups of its own."""
    grouped = {str(name): node.to_dataset() for name, node in tree.children.items()}
    posterior, log_prior = grouped["posterior"], grouped["log_prior"]
    for name in ("prior_scale", "weight", "variance_weight"):
        if name in posterior:
            grouped[f"{name}s"] = posterior[[name]]
        if name in log_prior and name != "prior_scale":
            grouped[f"{name}s/log_prior"] = log_prior[[name]]
            log_prior = log_prior.drop_vars(name)
    few = [name for name in posterior.data_vars if f"{name}s" not in grouped]
    grouped["posterior"] = posterior[few]
    grouped["log_prior"] = log_prior.drop_vars(["term", "variance_term"], errors="ignore")
    regrouped = xr.DataTree.from_dict(grouped)
    regrouped.attrs = {**tree.attrs, "format": FORMAT}
    return regrouped


def _check_size(lazy: xr.DataTree, path: Path) -> None:
    """Refuse a small file that would unpack to more than it has room for."""
    declared = sum(node.to_dataset(inherit=False).nbytes for node in lazy.subtree)
    held = path.stat().st_size
    if declared > 2 * held + SPARE_BYTES:
        raise FileError(
            f"path: {str(path)!r} has {held:,} bytes but declares arrays of {declared:,}; this "
            f"library saves no such file, so that it is not read."
        )
