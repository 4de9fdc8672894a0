"""Confounding biases, centred given the parents of their action.

With Y = ... + h_k(A_k, C_k) and C_k independent of the parents of A_k, the bias of action k is

    (1)  d_k(a_k, pa) = E[h_k(a_k, C_k) | a_k, pa] - E[h_k(a_k, C_k)].

Where the confounder only shifts the outcome, h_k(a, c) = f(a) + g(c), its mean over A_k is zero
whatever the parents are, E[d_k | pa] = E[g(C_k) | pa] - E[g(C_k)] = 0; where the confounder changes
what the action does, it is the covariance of the two that is left. So a bias has a part that sums
to zero over A_k given the parents, and a function of the parents alone, which is small if not zero.
The weights of the design do not know: a wave of a_k has a mean, which the constant has to undo.

Therefore priors are independent normals not for the weights delta of a component but for centred
ones gamma. With the features that touch an action of the block, Q, and those of its parents and of
covariates only, the constant among them, P,

    (2)  d = phi_P' gamma_P + (phi_Q - B' phi_P)' gamma_Q,      B = (G_PP + R)^-1 G_PQ,

so that delta_Q = gamma_Q and delta_P = gamma_P - B gamma_Q. G sums products of features over the
regimes that leave the block alone, in all of which A_k has the same law given its parents (Lemma 1
of the paper): B' phi_P is the regression of phi_Q on functions of the parents, with a slight
penalty R. A regime that cuts a block sets some of its actions; these count as parents there.

It matters where a function of the parents is not told from their own effects by the data: values of
a parent that only its own experiment reaches, in which its children follow it. In the paper's
family (12 systems, K = 5, 10,000 rows per regime) the error falls from .0129 to .0115 with the
basis of 0.1, and from .0140 to .0121 with a warped one; of the one system (number 44) in which a
parent is observed below 0.12 and tested up to 0.84, from .078 to .018. The scale of the constants
is one for all biases: with 40 rows per experiment and 100,000 observations (16 systems of three
smooth curves) the error falls from .46 to .42, that of the level from .26 to .21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.components import bias_name
from bayes_intgen.design.design import Design

__all__ = ["CentredBias", "Centring"]

PENALTY = 1e-3  # of the number of rows


@dataclass(frozen=True)
class CentredBias:
    """One component: which weights are centred, and on which others."""

    # positions among the weights: features of parents and covariates only, and all others
    given: Indices
    own: Indices
    slopes: Array = field(repr=False)  # B of (2), shape (given, own)


@dataclass(frozen=True)
class Centring:
    """The map between weights and centred weights; all arrays have weights along the last axis."""

    biases: tuple[CentredBias, ...]

    @classmethod
    def of(cls, design: Design, grams: Mapping[Regime, Array]) -> Self:
        """Regress the features of every bias on those of its parents.

        Parameters
        ----------
        design
            Components and weights.
        grams
            Sums of products of the features of the design over the rows of each regime, shape
            (features, features) each.
        """
        patterns = [
            (block, pattern)
            for block in design.blocks
            for pattern in ((), *(cut for cut in design.cuts if cut[0] in block))
        ]
        found = (_centre(design, grams, block, pattern) for block, pattern in patterns)
        return cls(tuple(bias for bias in found if bias is not None))

    def to_weights(self, centred: Array) -> Array:
        """Return delta of gamma, by (2)."""
        weights = np.array(centred, dtype=float)
        for bias in self.biases:
            weights[..., bias.given] -= centred[..., bias.own] @ bias.slopes.T
        return weights

    def to_centred(self, weights: Array) -> Array:
        """Return gamma of delta."""
        centred = np.array(weights, dtype=float)
        for bias in self.biases:
            centred[..., bias.given] += weights[..., bias.own] @ bias.slopes.T
        return centred

    def to_centred_rows(self, rows: Array) -> Array:
        """Return the regressors x of gamma from those of delta: x'delta is the same number."""
        centred = np.array(rows, dtype=float)
        for bias in self.biases:
            centred[..., bias.own] -= rows[..., bias.given] @ bias.slopes
        return centred

    def to_centred_gram(self, gram: Array) -> Array:
        """Return sums of products of the regressors of gamma, shape (weights, weights)."""
        return self.to_centred_rows(self.to_centred_rows(gram).T)


def _centre(
    design: Design, grams: Mapping[Regime, Array], block: Regime, pattern: Regime
) -> CentredBias | None:
    """Return the regression of one component; None if it is in no regime, or has nothing to do."""
    alone = [gram for regime, gram in grams.items() if {*block} & {*regime} == {*pattern}]
    chosen = np.flatnonzero(design.component(bias_name(block, pattern)))
    if not alone or not len(chosen):
        return None
    parents = {p for action in block if action not in pattern for p in design.parents[action]}
    # one that may as well follow the block is no parent to be relied on
    parents = {p for p in parents if {*block}.isdisjoint(design.parents.get(p, ()))}
    allowed = (parents | {*pattern, *design.covariates}) - ({*block} - {*pattern})
    touched = [design.weights[i].feature.actions for i in chosen]
    given = chosen[[actions <= allowed for actions in touched]]
    own = chosen[[not actions.isdisjoint({*block} - {*pattern}) for actions in touched]]
    gram = np.sum(alone, axis=0)
    rows, columns = design.positions[given], design.positions[own]
    penalty = np.where(rows == 0, 0.0, PENALTY * gram[0, 0])  # none of the constant
    left = gram[np.ix_(rows, rows)] + np.diag(penalty)
    return CentredBias(given, own, np.linalg.solve(left, gram[np.ix_(rows, columns)]))
