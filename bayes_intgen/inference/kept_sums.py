"""Sums over the rows that a fit keeps, so that what further rows would add can be computed later.

The distribution of the weights given the hyperparameters (:mod:`bayes_intgen.model.marginal`) needs
of the rows of each regime only sums of products of features and outcome, weighted as the fit
weighted them. They stand in the group ``sums`` of the tree of draws
(:func:`bayes_intgen.inference.draws_tree.keep_sums`), in standard units of the
outcome: lower triangles of sum phi phi' (``gram``), sum phi y (``cross``), sum y^2 (``square``),
the number of rows and the sum of their log weights; lift tests; and the prior standard deviation of
the constants. Together with draws of the hyperparameters, they give N(m, C) of each draw anew.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from bayes_intgen.base.centred_moments import RegressionMoments
from bayes_intgen.base.regimes import Regime, parse_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.design import Design
from bayes_intgen.inference.problem import WeightsGiven
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import PriorScales

__all__ = ["KeptSums"]


@dataclass(frozen=True)
class KeptSums:
    """The likelihood and the prior scales of a fit, rebuilt from what it keeps."""

    regimes: tuple[Regime, ...]
    likelihood: MarginalLikelihood
    scales: PriorScales

    @classmethod
    def read(cls, kept: xr.Dataset, design: Design) -> Self:
        """Rebuild them for the design of the fit."""
        size = kept.sizes["function"]
        rows, columns = np.tril_indices(size)
        sums: dict[Regime, RegressionMoments] = {}
        for label in kept["regime"].to_numpy():
            one = kept.sel(regime=label)
            gram = np.empty((size, size))
            gram[rows, columns] = gram[columns, rows] = one["gram"].to_numpy()
            regime = parse_regime(str(label), design.actions)
            sums[regime] = RegressionMoments(
                int(one["n_rows"]), gram, one["cross"].to_numpy(), float(one["square"])
            )
        lifts = None
        if "lift_effect" in kept:
            names = ("lift_functional", "lift_effect", "lift_error")
            lifts = LiftRows(*(kept[name].to_numpy() for name in names))
        likelihood = MarginalLikelihood.from_sums(
            design, sums, kept["log_weight"].to_numpy(), lifts
        )
        scales = PriorScales.from_design(design, float(kept["constant_scale"]))
        return cls(tuple(sums), likelihood, scales)

    def given(self, log_sigma: Array, log_scale: Array, log_length: Array) -> WeightsGiven:
        """Return the distribution of the weights given hyperparameters, all in standard units."""
        log_sd = self.scales.log_sd(log_scale, log_length)
        centred = self.likelihood.conditional(log_sigma, log_sd)
        return WeightsGiven(centred, np.exp(-2 * log_sd), self.likelihood.centring)
