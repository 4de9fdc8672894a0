"""The ``basis`` argument: one choice for all actions and covariates, or one for each.

A categorical action has no numbers to draw a curve over, so it takes ``Categorical()``, by itself
when one choice is made for all. Of a covariate such a choice takes at most three eigenfunctions
(one of many, four) into products: any covariate may modify the effect and the bias of every action,
and these products are most of the weights (three resolve lengthscales down to 0.9 half-widths). A
mapping is followed as it stands.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.shared_work import shared
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.categorical import Categorical, CategoricalBasis
from bayes_intgen.design.basis.function import ActionBasis, BasisSpec
from bayes_intgen.design.basis.hsgp import FEW_COVARIATES, HSGP, HSGPBasis
from bayes_intgen.design.basis.jumps import find_jumps
from bayes_intgen.design.basis.polynomial import Polynomial

__all__ = ["BasisChoice", "check_choice", "freeze_bases", "match_bases"]

# Functions of a covariate in products: beside a warped coordinate, without one, and of many, which
# enter only such products as are seen. Where a bias is modified as by sin(2 z), 90% intervals hold
# the truth at 81% with two functions, and at 84% with three (34 data sets), but the Laplace
# approximation fails more often (8 of 28 fits, before 6), as it then does on the marketing example.
FEW_PRODUCTS, COVARIATE_PRODUCTS, SEEN_PRODUCTS = 2, 3, 4

FEW_WAVES, FEWER_WAVES = 12, 6  # of the warped coordinate of a covariate; of one of many
FEWER_SMOOTH = 4

type BasisChoice = BasisSpec | Mapping[str, BasisSpec]


def check_choice(basis: object) -> None:
    """Raise a ModelError unless ``basis`` is a basis, or a mapping of names to bases."""
    specs = list(basis.values()) if isinstance(basis, Mapping) else [basis]
    if not specs or not all(isinstance(spec, HSGP | Polynomial | Categorical) for spec in specs):
        raise ModelError(
            f"basis must be HSGP(), Polynomial(degree=3) or Categorical(), or a mapping of every "
            f"action to one of them; got {basis!r}."
        )


def freeze_bases(
    basis: BasisChoice, actions: Sequence[str], summary: Summary
) -> dict[str, ActionBasis]:
    """Fix every constant of the basis of each action from the first pass over the data.

    Raises
    ------
    ModelError
        If the choice does not fit the actions: a numeric one is not named, or a categorical one is
        to have curves, or a numeric one levels.
    """
    specs = _by_action(basis, actions, summary.levels, summary.covariates)
    frozen = {name: _freeze(spec, name, summary) for name, spec in specs.items()}
    fine = {name: own for name, own in frozen.items() if isinstance(own, HSGPBasis) and own.m_warp}
    jumps = find_jumps(summary, list(fine)) if fine else {}
    many = summary.covariates if len(summary.covariates) > FEW_COVARIATES else ()
    return frozen | {
        name: _with_jumps(own, jumps[name], name in many) for name, own in fine.items()
    }


def _freeze(spec: BasisSpec, name: str, summary: Summary) -> ActionBasis:
    key = ("basis", repr(spec), name, summary.settings_key)
    return shared(key, lambda: spec.freeze(name, summary))


def _with_jumps(own: HSGPBasis, jumps: tuple[float, ...], pooled: bool) -> HSGPBasis:
    key = ("basis with jumps", id(own), jumps, pooled)
    # beside it the one whose identity is in the key
    return shared(key, lambda: (replace(own, jumps=jumps, pooled=pooled), own))[0]


def match_bases(
    basis: BasisChoice, frozen: Mapping[str, ActionBasis], covariates: Collection[str] = ()
) -> dict[str, ActionBasis]:
    """Return bases frozen earlier, once they are seen to be of the kinds chosen.

    Raises
    ------
    ModelError
        If a basis is of another kind or size, or the choice does not fit the actions.
    """
    categorical = [name for name, kind in frozen.items() if isinstance(kind, CategoricalBasis)]
    for action, spec in _by_action(basis, list(frozen), categorical, covariates).items():
        if not spec.made(frozen[action]):
            raise ModelError(
                f"basis: the model asks for {spec!r} for action {action!r}, but the moments were "
                f"computed with another basis ({frozen[action].to_dict()['kind']}). Compute them "
                f"with Moments.from_data(data, basis=...), or choose that basis for the model."
            )
    return dict(frozen)


def _by_action(
    basis: BasisChoice,
    actions: Sequence[str],
    categorical: Collection[str],
    covariates: Collection[str],
) -> dict[str, BasisSpec]:
    """Return the choice for each action; a categorical one need not be named."""
    levels: dict[str, BasisSpec] = {name: Categorical() for name in categorical}
    if not isinstance(basis, Mapping):
        chosen = dict.fromkeys(actions, basis)
        if isinstance(basis, HSGP):
            chosen |= dict.fromkeys(covariates, _smaller(basis, len(covariates)))
        if not isinstance(basis, Categorical):
            chosen |= levels
    else:
        chosen = levels | dict(basis)
        if set(chosen) != set(actions):
            raise ModelError(
                f"basis must name every action once, {list(actions)} (only the categorical ones "
                f"{list(categorical)} can be left out; covariates are to be named as actions "
                f"are); got {list(basis)}."
            )
    for action in actions:
        _check_fit(action, chosen[action], action in categorical)
    return {action: chosen[action] for action in actions}


def _smaller(basis: HSGP, n_covariates: int) -> HSGP:
    """Return the choice for a covariate: few functions, of which fewer enter products."""
    usual = FEW_PRODUCTS if basis.warp != 0 else COVARIATE_PRODUCTS
    if basis.warp != 0 and n_covariates > FEW_COVARIATES:
        usual = SEEN_PRODUCTS
    most = basis.m if basis.warp == 0 else basis.warp
    if most is not None:  # no more are multiplied than there are
        usual = min(usual, most)
    m_pair = usual if basis.m_pair is None else min(basis.m_pair, max(usual, COVARIATE_PRODUCTS))
    waves = FEW_WAVES if n_covariates <= FEW_COVARIATES else FEWER_WAVES
    warp = waves if basis.warp is None else basis.warp
    m = FEWER_SMOOTH if basis.m is None and n_covariates > FEW_COVARIATES else basis.m
    return replace(basis, m=m, m_pair=m_pair, warp=warp)


def _check_fit(action: str, spec: BasisSpec, categorical: bool) -> None:
    if categorical and not isinstance(spec, Categorical):
        raise ModelError(
            f"basis: column {action!r} is categorical and can only have Categorical(), got "
            f"{spec!r}. Choose that, or read the data without it in categorical."
        )
    if isinstance(spec, Categorical) and not categorical:
        raise ModelError(
            f"basis: {spec!r} needs levels, but column {action!r} is numeric. List it in "
            f"categorical of RegimeData.from_frame, or choose HSGP() or Polynomial()."
        )
