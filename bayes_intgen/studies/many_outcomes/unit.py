"""One of many outcomes, fitted: a unit of a study.

The rows are handed to a worker once, when it starts, and not to each unit; a digest of those of its
outcome is among the fields of a unit, so that results of other rows are never taken for its own.
"""

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayes_intgen.base.errors import BayesIntgenError, ConvergenceWarning
from bayes_intgen.base.parallel import on_one_core
from bayes_intgen.base.shared_work import SharedWork, sharing_work
from bayes_intgen.data.many_outcomes import ManyOutcomes
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.options import Sampling
from bayes_intgen.posterior.fitted_law import MEASURED
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.studies.many_outcomes.outcome_file import write_outcome
from bayes_intgen.studies.refit.model_text import read_model
from bayes_intgen.studies.runner.unit import Row, unit_key

__all__ = ["OutcomeUnit", "digest_outcomes", "outcome_path", "share"]

FOLDER = "fits"
LONGEST = 60

# What all units of a study share, by its token: a worker is given it once.
_SHARED: dict[str, tuple[ManyOutcomes, Path, SharedWork]] = {}


def share(token: str, many: ManyOutcomes, out: Path) -> None:
    """Keep the rows of a study, and the folder of its fits, for the units of this process."""
    _SHARED[token] = (many, out, SharedWork())


@contextmanager
def sharing(token: str, many: ManyOutcomes, out: Path) -> Iterator[None]:
    """Keep them for the time of a ``with`` statement."""
    share(token, many, out)
    try:
        yield
    finally:
        del _SHARED[token]


@dataclass(frozen=True)
class OutcomeUnit:
    """Fit one outcome, and write what answers need.

    Parameters
    ----------
    outcome
        Its name.
    digest
        Of its rows.
    token
        That by which the rows are shared (:func:`share`).
    model
        The model, as :func:`write_model` writes it.
    version
        Of the library.
    method, draws, tune, chains, random_seed, target
        Of the fit.
    """

    outcome: str
    digest: str
    token: str
    model: str
    version: str
    method: str
    draws: int
    tune: int | None
    chains: int
    random_seed: int
    target: str | None

    @property
    def name(self) -> str:
        """The outcome, as far as it can stand in the name of a file."""
        return re.sub(r"[^A-Za-z0-9._-]", "_", self.outcome)[:LONGEST]

    def run(self) -> list[Row]:
        """Return one row: the verdicts, or why it could not be fitted."""
        many, out, work = _SHARED[self.token]
        try:
            with sharing_work(work):
                fit = self._fit(many[self.outcome])
        except BayesIntgenError as error:
            return [{"outcome": self.outcome, "failed": str(error)}]
        write_outcome(fit, outcome_path(out, self))
        return [{"outcome": self.outcome, "failed": "", **_verdicts(fit)}]

    def _fit(self, data: RegimeData) -> Posterior:
        """Fit as alone, on one core; what the file does not keep is not computed."""
        chosen = (self.method, self.draws, self.tune, self.chains, 1, self.random_seed)
        brief = data.summary.outcome_range.kind not in MEASURED
        with warnings.catch_warnings(), on_one_core():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return read_model(self.model)._fit(data, Sampling(*chosen), self.target, brief=brief)


def _verdicts(fit: Posterior) -> Row:
    misfit, scale = fit.lack_of_fit, fit.additive_scale
    return {
        "kind": fit.summary.outcome_range.kind,
        "converged": fit.convergence.ok,
        "interactions": fit.interactions.used,
        "fits_its_data": None if misfit is None else misfit.ok,
        "additive_on_own_scale": None if scale is None else scale.ok,
        "unit": fit.outcome_scale.spread,
    }


def outcome_path(out: Path, unit: OutcomeUnit) -> Path:
    """Return the file of the fit of an outcome."""
    return out / FOLDER / f"{unit_key(unit)}.npz"


def digest_outcomes(many: ManyOutcomes) -> tuple[str, dict[str, str]]:
    """Return a digest of the rows without outcomes, and one of each outcome with them."""
    shared = hashlib.sha256(repr((many.columns.variables, many.columns.categorical)).encode())
    for label, values, texts in many.rows:
        shared.update(repr((str(label), sorted(texts.items()))).encode())
        shared.update(np.ascontiguousarray(values).tobytes())
    digests = {}
    for i, name in enumerate(many.names):
        own = shared.copy()
        for y in many.outcomes:
            own.update(y[i].tobytes())
        digests[name] = own.hexdigest()[:16]
    return shared.hexdigest()[:16], digests
