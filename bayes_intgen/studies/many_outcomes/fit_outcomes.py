"""Fits of many outcomes, in parallel and resumable.

Each outcome is fitted as it would be alone, with the same result to rounding. What all share is
read once: the actions, covariates and regimes of the rows. What follows from these alone, the
structure, the bases and the features at the rows, each process computes once and keeps
(:mod:`bayes_intgen.base.shared_work`), and so the products of features, where rows count the same.
Not everywhere they do: rows are weighted by the outcome's own variance, an outcome that jumps has
steps of its own, and what interacts is learned from it.

The folder has, beside the files of finished units, ``fits/`` with a file per outcome, and at the
end ``outcomes.json``, which lists them.
"""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bayes_intgen.base.arguments import read_path, read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.parallel import available_cores
from bayes_intgen.base.regimes import format_regime, read_regime
from bayes_intgen.data.many_outcomes import ManyOutcomes
from bayes_intgen.inference.options import Sampling
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.studies.many_outcomes.load_outcomes import LISTED, load_outcomes
from bayes_intgen.studies.many_outcomes.outcome_fits import OutcomeFits
from bayes_intgen.studies.many_outcomes.unit import (
    FOLDER,
    OutcomeUnit,
    digest_outcomes,
    outcome_path,
    share,
    sharing,
)
from bayes_intgen.studies.refit.model_text import write_model
from bayes_intgen.studies.runner.pool import Pool, local_processes
from bayes_intgen.studies.runner.sweep import FOLDER as UNITS
from bayes_intgen.studies.runner.sweep import run_sweep
from bayes_intgen.studies.runner.unit import unit_key

__all__ = ["fit_outcomes"]


def fit_outcomes(
    data: ManyOutcomes,
    model: InterventionModel | None = None,
    *,
    out: str | Path,
    method: str = "laplace",
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    random_seed: int = 1,
    target: str | list[str] | None = None,
    workers: int | None = None,
    progressbar: bool = True,
) -> OutcomeFits:
    """Fit every outcome, each as if it were alone.

    Parameters
    ----------
    data
        The rows, from ``RegimeData.from_frame(..., outcome=[...])``.
    model
        The model; ``InterventionModel()`` by default.
    out
        Folder that keeps every finished fit, about 2 MB with 1000 draws. Called again with the same
        rows, model and options after it was stopped or killed, it goes on where it was.
    method, draws, tune, chains, random_seed, target
        As in :meth:`bayes_intgen.InterventionModel.fit`, and the same for all; ``"laplace"`` by
        default.
    workers
        Outcomes at a time (None: one per core). More than one run in processes of their own, for
        which a script needs its ``if __name__ == "__main__":``.
    progressbar
        Whether to report progress on the standard error.

    Returns
    -------
    OutcomeFits
        Effects, contrasts and discoveries of all outcomes. An outcome that cannot be fitted stops
        none of the others; it is in ``failed``, with its reason.

    Raises
    ------
    ModelError
        If an option is not valid, or none of the outcomes can be fitted.
    FileError
        If the folder cannot be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> many = ig.RegimeData.from_frame(frame.assign(z=-frame["y"]), ["y", "z"], ["a1", "a2"])
    >>> with TemporaryDirectory() as folder:
    ...     fits = ig.fit_outcomes(many, model, out=folder, workers=1, progressbar=False)
    ...     change = fits.contrast({"a1": 0.4, "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
    >>> change.dims, change.sizes["outcome"]
    (('outcome', 'chain', 'draw', 'point'), 2)
    """
    if not isinstance(data, ManyOutcomes):
        raise ModelError(
            f"data must be ManyOutcomes, got {type(data).__name__}; make them with "
            f"RegimeData.from_frame(..., outcome=[...]), or fit one outcome with "
            f"InterventionModel().fit."
        )
    chosen = InterventionModel() if model is None else model
    Sampling(method, draws, tune, chains, 1, random_seed).require_nuts_unless_normal(
        chosen.likelihood
    )
    count = available_cores() if workers is None else read_whole(workers, "workers", 1, 10**4)
    wanted = None if target is None else format_regime(read_regime(target, data.actions, "target"))
    folder = read_path(out, "out")
    token, digests = digest_outcomes(data)
    first = OutcomeUnit(
        outcome="",
        digest="",
        token=token,
        model=write_model(chosen),
        version=version("bayes-intgen"),
        method=method,
        draws=int(draws),
        tune=tune,
        chains=int(chains),
        random_seed=int(random_seed),
        target=wanted,
    )
    units = [replace(first, outcome=name, digest=digests[name]) for name in data.names]
    _forget_lost(units, folder)
    stream = sys.stderr if progressbar else io.StringIO()
    with sharing(token, data, folder):
        result = run_sweep(
            units, folder, _pool(min(count, len(units)), token, data, folder), stream
        )
    rows = {row["outcome"]: row for row in result.rows}
    died = {failure.key: failure.traceback for failure in result.failures}
    listed = []
    for unit in units:
        key = unit_key(unit)
        row = rows.get(unit.outcome)
        if row is None:
            lines = died[key].strip().splitlines()
            row = {"outcome": unit.outcome, "failed": lines[-1]}
        listed.append({**row, "file": f"{FOLDER}/{key}.npz"})
    fitted = [row for row in listed if not row["failed"]]
    if not fitted:
        raise ModelError(
            f"data: none of the {len(units)} outcomes could be fitted; the first: "
            f"{listed[0]['failed']}"
        )
    state = {"format": LISTED, "outcomes": listed, "excluded": dict(data.excluded)}
    with replacing(folder / "outcomes.json") as draft:
        draft.write_text(json.dumps(state, indent=1), encoding="utf-8")
    return load_outcomes(folder)


def _forget_lost(units: list[OutcomeUnit], folder: Path) -> None:
    """Forget units that are done but whose fits are gone, and make the folder of fits."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for unit in units:
        done = folder / UNITS / f"{unit_key(unit)}.json"
        if done.exists() and not outcome_path(folder, unit).exists():
            done.unlink()


def _pool(workers: int, token: str, data: ManyOutcomes, folder: Path) -> Pool:
    if workers == 1:
        return Pool(1, lambda: ThreadPoolExecutor(1))
    return local_processes(workers, prepare=partial(share, token, data, folder))
