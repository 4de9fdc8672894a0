"""The equations of causal aggregation: which functions of a regime are orthogonal to the error.

Each row of Z makes of the functions phi one z = Z phi with Cov_r(z, eps) = 0 in regime r, where eps
is the error of (1) in :mod:`bayes_intgen.baselines.aggregation`:

    (1)  of an action that is set, an instrument among them, all its functions:  z = phi_k;
    (2)  of an action left alone that is unconfounded given its parents, what these do not explain:
         z = phi_k - B'phi_pa,     B = Cov_r(phi_pa)^-1 Cov_r(phi_pa, phi_k).

(2) is right if the mean of phi_k given the parents is a combination of their functions, as it is
where everything is linear.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from bayes_intgen.base.arguments import read_mapping, show
from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.errors import ModelError, NotIdentifiedError
from bayes_intgen.base.regimes import Regime, describe_experiments, format_regime, parse_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.baselines.regime_moments import RegimeMoments
from bayes_intgen.design.basis.features import FeatureMap

__all__ = ["KnownCauses", "inverse"]

LEAST = 1e-10  # eigenvalues below this share of the largest are zero


@dataclass(frozen=True)
class KnownCauses:
    """What is known of the causes of actions besides that experiments set them.

    Parameters
    ----------
    instruments
        Actions that affect the outcome through other actions only.
    parents
        By regime, the parents of actions left alone that are unconfounded given them.
    """

    instruments: frozenset[str]
    parents: Mapping[Regime, Mapping[str, tuple[str, ...]]]

    @classmethod
    def read(
        cls,
        instruments: object,
        unconfounded: object,
        actions: tuple[str, ...],
        regimes: Sequence[Regime],
        blocks: Blocks,
    ) -> Self:
        """Check names against the data.

        Raises
        ------
        ModelError
            If a name is of no action or regime, an instrument shares a block, an action is set
            where it is said to be left alone, or the arguments are no lists and mappings of names.
        """
        named = frozenset(_read_names(instruments, "instruments"))
        _require(named <= {*actions}, "instruments", f"out of the actions {list(actions)}", named)
        joint = [block for block in blocks if len(block) > 1 and named & {*block}]
        _require(not joint, "instruments", "in no block with others", joint)
        by_set = {frozenset(regime): regime for regime in regimes}
        have = [format_regime(regime) for regime in regimes]
        parents = {}
        holds = "regimes to mappings of actions to their parents"
        for label, given in read_mapping(unconfounded, "unconfounded", holds, ModelError).items():
            regime = by_set.get(frozenset(parse_regime(label, actions)))
            if regime is None:
                raise ModelError(f"unconfounded: regimes must be out of {have}, got {label!r}.")
            alone = {*actions} - {*regime} - named
            parents[regime] = _read_parents(label, given, actions, alone)
        return cls(named, parents)

    def require(self, regimes: Sequence[Regime], blocks: Blocks) -> None:
        """Raise a NotIdentifiedError if there are too few equations."""
        learned = [
            block
            for block in blocks
            if any({*block} <= {*regime} for regime in regimes)
            or any({*block} <= {*causes} for causes in self.parents.values())
        ]
        missing = [b for b in blocks if b not in learned and self.instruments.isdisjoint(b)]
        working = [name for name in self.instruments if (name,) in learned]
        if len(missing) > len(working):
            have = [format_regime(regime) for regime in regimes]
            names = [format_regime(block) for block in blocks if self.instruments.isdisjoint(block)]
            raise NotIdentifiedError(
                f"data: causal aggregation learns the effect of each of {names} where all of it is "
                f"set, but the regimes are {have}: missing {describe_experiments(missing)}. Add "
                f"such rows, name instruments or actions that are unconfounded, or leave the "
                f"actions out."
            )

    def rows(self, moments: RegimeMoments, regime: Regime) -> Array:
        """Return Z, shape (equations, functions without the constant)."""
        size = len(moments.features.features) - 1
        own = _functions(moments, regime)
        rows = [np.eye(size)[own]]  # (1)
        covariance = moments.by_regime[regime].covariance
        for action, parents in self.parents.get(regime, {}).items():
            mine, given = _functions(moments, (action,)), _functions(moments, parents)
            slopes = inverse(covariance[np.ix_(given, given)]) @ covariance[np.ix_(given, mine)]
            left = np.eye(size)[mine]
            left[:, given] -= slopes.T  # (2)
            rows.append(left)
        return np.concatenate(rows)

    def without_instruments(self, moments: RegimeMoments) -> tuple[RegimeMoments, Indices]:
        """Drop the functions of instruments, whose coefficients are zero.

        Returns
        -------
        moments
            Of the other functions.
        kept
            Their positions, the constant not counted.
        """
        features = moments.features
        chosen = [i for i, f in enumerate(features.features) if not f.actions & self.instruments]
        kept = np.array(chosen[1:]) - 1
        bases = {name: b for name, b in features.bases.items() if name not in self.instruments}
        columns = np.append(kept, len(features.features) - 1)
        rows = {regime: one.select(columns) for regime, one in moments.by_regime.items()}
        narrow = FeatureMap(bases, tuple(features.features[i] for i in chosen))
        return RegimeMoments(narrow, moments.outcome_scale, rows), kept


def inverse(matrix: Array) -> Array:
    """Return the pseudo-inverse of a symmetric matrix, scaled by its diagonal first."""
    spread = np.sqrt(np.diag(matrix))
    spread[spread == 0] = 1.0
    units = np.outer(spread, spread)
    return np.asarray(np.linalg.pinv(matrix / units, LEAST, hermitian=True) / units)


def _functions(moments: RegimeMoments, actions: Iterable[str]) -> Indices:
    """Return the positions, the constant not counted, of functions of some actions alone."""
    positions = moments.features.positions(actions)
    return positions[positions > 0] - 1


def _read_parents(
    label: str, given: object, actions: Sequence[str], alone: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return the parents of actions in one regime, of those that it leaves alone."""
    where = f"unconfounded[{label!r}]"
    parents = {}
    for action, named in read_mapping(given, where, "actions to their parents", ModelError).items():
        _require(action in alone, "unconfounded", f"of actions left alone in {label!r}", [action])
        others = {*actions} - {action}
        parents[action] = _read_names(named, f"{where}[{action!r}]")
        _require({*parents[action]} <= others, where, f"out of {sorted(others)}", parents[action])
    return parents


def _read_names(value: object, argument: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ModelError(f"{argument} must be a list of names of actions, got {show(value)}.")
    return tuple(value)


def _require(holds: bool, argument: str, rule: str, value: Iterable[object]) -> None:
    if not holds:
        raise ModelError(f"{argument} must be {rule}, got {sorted(map(str, value))}.")
