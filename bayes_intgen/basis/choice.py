"""The ``basis`` argument: one choice for all actions, or one for each."""

from collections.abc import Mapping, Sequence

from bayes_intgen.basis.action import ActionBasis, BasisSpec
from bayes_intgen.basis.hsgp import HSGP
from bayes_intgen.basis.polynomial import Polynomial
from bayes_intgen.errors import ModelError
from bayes_intgen.summary import Summary

__all__ = ["BasisChoice", "check_choice", "freeze_bases", "match_bases"]

type BasisChoice = BasisSpec | Mapping[str, BasisSpec]


def check_choice(basis: object) -> None:
    """Raise a ModelError unless ``basis`` is a basis, or a mapping of names to bases."""
    specs = list(basis.values()) if isinstance(basis, Mapping) else [basis]
    if not specs or not all(isinstance(spec, HSGP | Polynomial) for spec in specs):
        raise ModelError(
            f"basis must be HSGP() or Polynomial(degree=3), or a mapping of every action to one "
            f"of them; got {basis!r}."
        )


def freeze_bases(
    basis: BasisChoice, actions: Sequence[str], summary: Summary
) -> dict[str, ActionBasis]:
    """Fix every constant of the basis of each action from the first pass over the data."""
    specs = _by_action(basis, actions)
    return {action: spec.freeze(action, summary) for action, spec in specs.items()}


def match_bases(basis: BasisChoice, frozen: Mapping[str, ActionBasis]) -> dict[str, ActionBasis]:
    """Return bases frozen earlier, once they are seen to be of the kinds chosen.

    Raises
    ------
    ModelError
        If a basis is of another kind or size.
    """
    for action, spec in _by_action(basis, list(frozen)).items():
        if not spec.made(frozen[action]):
            raise ModelError(
                f"basis: the model asks for {spec!r} for action {action!r}, but the moments were "
                f"computed with another basis ({frozen[action].to_dict()['kind']}). Compute them "
                f"with Moments.from_data(data, basis=...), or choose that basis for the model."
            )
    return dict(frozen)


def _by_action(basis: BasisChoice, actions: Sequence[str]) -> dict[str, BasisSpec]:
    if not isinstance(basis, Mapping):
        return dict.fromkeys(actions, basis)
    if set(basis) != set(actions):
        raise ModelError(f"basis must name every action once, {list(actions)}; got {list(basis)}.")
    return {action: basis[action] for action in actions}
