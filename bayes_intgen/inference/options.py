"""What is given to a model, its fits and their sampler, checked before any work."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bayes_intgen.base.arguments import read_choice, read_switch, read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime, read_regime
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.interactions import CHOICES
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.pymc_rowwise import LIKELIHOODS
from bayes_intgen.moments.moments import Moments

__all__ = [
    "Sampling",
    "actions_of",
    "check_choices",
    "describe_draws",
    "marks_of",
    "origin_of",
    "read_target",
    "refuse_exact",
    "refuse_marks",
]

METHODS = ("nuts", "laplace")
BOUNDS = {
    "draws": (1, 10**6),
    "tune": (0, 10**6),
    "chains": (1, 1000),
    "cores": (1, 10**4),
    "random_seed": (0, 2**32 - 1),
}
OPTIONAL = ("tune", "cores")
LEAST_RESIDUAL = 1e-10


@dataclass(frozen=True)
class Sampling:
    """Options of the sampler, as in :meth:`bayes_intgen.InterventionModel.fit`.

    Raises
    ------
    ModelError
        If an option is not valid.
    """

    method: str
    draws: int = 1000
    tune: int | None = None
    chains: int = 4
    cores: int | None = None
    random_seed: int = 1
    progressbar: bool = False

    def __post_init__(self) -> None:
        read_choice(self.method, "method", METHODS)
        read_switch(self.progressbar, "progressbar")
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None or name not in OPTIONAL:
                object.__setattr__(self, name, read_whole(value, name, least, most))

    def require_nuts_unless_normal(self, likelihood: str) -> None:
        """Raise a ModelError for a Laplace approximation with explicit weights."""
        if likelihood != "normal" and self.method != "nuts":
            raise ModelError(
                f"method: with likelihood={likelihood!r} the weights cannot be integrated "
                f"out, so that there is no Laplace approximation of what is left; use "
                f"method='nuts', or likelihood='normal'."
            )


def check_choices(interactions: str, priors: object, variance: str, likelihood: str) -> None:
    """Raise a ModelError unless the choices of a model beside its basis and blocks are valid."""
    read_choice(interactions, "interactions", CHOICES)
    if priors is not None and not isinstance(priors, Priors):
        raise ModelError(
            f"priors must be a Priors object, such as Priors(linear=LogNormal(1.0, 0.5)), "
            f"got {priors!r}."
        )
    read_choice(variance, "variance", ("learned", "constant"))
    read_choice(likelihood, "likelihood", LIKELIHOODS)


def actions_of(data: RegimeData | Moments) -> tuple[str, ...]:
    """Return the names of the actions; a ModelError if it is no data at all."""
    if not isinstance(data, RegimeData | Moments):
        raise ModelError(
            f"data must be a RegimeData or Moments, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame (ManyOutcomes are fitted by fit_outcomes)."
        )
    return data.actions


def describe_draws(
    method: str, random_seed: int, likelihood: str, variance: str, priors: Priors | None
) -> dict[str, Any]:
    """Say how draws were made, as attributes of their tree; ``variance``: if normal."""
    return {
        "method": method,
        "random_seed": random_seed,
        "likelihood": likelihood,
        "variance": variance if likelihood == "normal" else likelihood,
        "priors": json.dumps((priors or Priors()).describe()),
    }


def read_target(target: str | Iterable[str] | None, data: RegimeData | Moments) -> Regime:
    """Read the ``target`` argument; None means that all actions are set."""
    actions = actions_of(data)
    return actions if target is None else read_regime(target, actions, "target")


def refuse_exact(moments: Moments) -> None:
    """Refuse an outcome without noise, for which the likelihood has no maximum."""
    for regime in moments.regimes:
        if moments.residual_share(regime) < LEAST_RESIDUAL:
            raise ModelError(
                f"data: in regime {format_regime(regime)!r} the outcome {moments.outcome!r} is "
                f"constant or an exact function of the actions; a noise of at least 1e-5 of its "
                f"spread is needed. Is the outcome computed from the actions?"
            )


def refuse_marks(likelihood: str, marks: Mapping[str, Any]) -> None:
    """Refuse clusters, times and weights with a likelihood that is a sum over single rows."""
    if likelihood != "normal" and marks:
        raise ModelError(
            f"likelihood: {likelihood!r} takes rows as independent and alike, but the data have "
            f"{', '.join(f'{name}={value!r}' for name, value in marks.items())}; use "
            f"likelihood='normal', or leave these out of RegimeData.from_frame."
        )


def marks_of(data: RegimeData | Moments) -> dict[str, Any]:
    """Return the columns that say how rows depend on one another, by argument."""
    actions_of(data)
    return (data.marks if isinstance(data, Moments) else data.columns.marks).given


def origin_of(data: RegimeData | Moments) -> dict[str, str]:
    """Return, as an attribute, the columns that say of which regime, cluster and time a row is."""
    return {"origin": json.dumps(data.columns.origin)} if isinstance(data, RegimeData) else {}
