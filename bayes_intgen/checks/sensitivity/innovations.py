"""Innovations: what nothing seen explains of an action, which is where hidden causes show.

For a pair (j, k) of actions, with psi smooth functions of the parents of A_k and of the covariates,

    z_k(a) = (a_k - psi(a)' b_k) / s_k,

where b_k and s_k are fitted by least squares where they are sound even if j and k share a
confounder: in regimes that set A_j and leave A_k alone, if A_j may be a parent of A_k, and else in
all regimes that leave A_k alone. In rows that leave both alone, z_j and z_k are then uncorrelated
unless something hidden drives both.

Rows that leave A_j alone may lie beyond the values to which it was set, where least squares would
let the waves among psi run off to any size. So their coefficients are shrunk as if those of a
smooth curve of size s_k: their squares, over the spectral density, are added to the sum of squared
residuals. Where there are rows by the hundred this changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.design import Design

__all__ = ["Innovation", "InnovationSums", "pairs_of"]

RIDGE = 1e-9
MOST = 1e12


@dataclass(frozen=True)
class Innovation:
    """z_k as a function of features."""

    column: int  # position of the action among the variables
    features: Indices  # positions of psi among the features
    coefficients: Array  # b_k, action's unit
    sd: float  # s_k, action's unit

    def __call__(self, phi: Array, values: Array) -> Array:
        """Evaluate z_k at rows of features and of variables, shape (n,)."""
        fitted = phi[:, self.features] @ self.coefficients
        return np.asarray((values[:, self.column] - fitted) / self.sd)


@dataclass
class InnovationSums:
    """Normal equations of one action on its parents, gathered over batches."""

    # as in :class:`Innovation`
    column: int
    features: Indices
    regimes: tuple[Regime, ...]  # the regimes whose rows take part
    # what each squared coefficient costs, in s_k^2, shape (features,); zero if not of a wave
    penalty: Array
    n: int = 0
    gram: Array = field(default_factory=lambda: np.zeros(0))
    cross: Array = field(default_factory=lambda: np.zeros(0))
    square: float = 0.0

    @classmethod
    def of(
        cls, design: Design, regimes: Iterable[Regime], action: str, other: str
    ) -> "InnovationSums":
        """Choose parents and regimes for an action of a pair.

        Two actions each of which may follow the other tell nothing of which does: neither counts as
        a parent.
        """
        parents = [
            name for name in design.parents[action] if action not in design.parents.get(name, ())
        ]
        alone = [regime for regime in regimes if action not in regime]
        if other in parents:
            setting = [regime for regime in alone if other in regime]
            alone = setting or alone
        columns = design.features.positions({*parents, *design.covariates})
        penalty = np.array([_roughness(design.features, int(column)) for column in columns])
        return cls(design.variables.index(action), columns, tuple(alone), penalty)

    def add(self, regime: Regime, phi: Array, values: Array) -> None:
        """Take in some rows."""
        if regime not in self.regimes:
            return
        psi, target = phi[:, self.features], values[:, self.column]
        if self.n == 0:
            self.gram = np.zeros((psi.shape[1], psi.shape[1]))
            self.cross = np.zeros(psi.shape[1])
        self.n += len(psi)
        self.gram += psi.T @ psi
        self.cross += psi.T @ target
        self.square += float(target @ target)

    def solve(self) -> Innovation:
        """Return the innovation."""
        ridge = np.diag(RIDGE * float(np.diag(self.gram).mean()) + self.penalty)
        coefficients = np.linalg.solve(self.gram + ridge, self.cross)
        left = self.square - float((2 * self.cross - self.gram @ coefficients) @ coefficients)
        sd = float(np.sqrt(max(left, 0.0) / self.n)) or 1.0
        return Innovation(self.column, self.features, coefficients, sd)


def pairs_of(design: Design, coded: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of numeric actions that lie in different blocks."""
    numeric = [name for name in design.actions if name not in {*coded}]
    return [
        (first, second)
        for i, first in enumerate(numeric)
        for second in numeric[i + 1 :]
        if design.block_of(first) != design.block_of(second)
    ]


def _roughness(features: FeatureMap, column: int) -> float:
    """Return the inverse spectral density of a wave, within a bound; zero for any other feature."""
    functions = [features.bases[a].functions[i] for a, i in features.features[column].factors]
    if all(function.frequency is None for function in functions):
        return 0.0
    return min(features.relative_scale(column) ** -2, MOST)
