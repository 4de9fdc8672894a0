"""The joint prior of all hyperparameters x = (log sigma, log scale, log lengthscale).

The entries of x are independent. Those with log-normal priors are normal; a PyMC distribution with
density p gives x the density p(e^x) e^x, whose derivatives PyTensor finds. The same prior as NumPy
functions (for the Laplace approximation) and as variables of a PyMC model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.shape_utils import change_dist_size
from scipy import stats

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.model.distributions import Prior, log_location

__all__ = ["HyperPriors"]


@dataclass(frozen=True)
class Block:
    """The entries of x that share one PyMC distribution of their exponential."""

    distribution: pt.TensorVariable
    entries: Indices

    def log_density(self, x: Any) -> Any:
        """Write the log density of some x in PyTensor."""
        return pm.logp(self.distribution, pt.exp(x)) + x

    @cached_property
    def compiled(self) -> Any:
        """The log density and its first two derivatives, elementwise."""
        x = pt.dvector("x")
        value = self.log_density(x)
        slope = pt.grad(value.sum(), x)
        bend = pt.grad(slope.sum(), x)
        return pytensor.function([x], [value, slope, bend], mode="FAST_COMPILE")


@dataclass(frozen=True)
class HyperPriors:
    """Independent priors of the entries of x.

    Parameters
    ----------
    mean, sd
        Mean and standard deviation of each entry; the prior is normal with these, but for the
        entries of ``blocks``, for which they only tell the scale.
    blocks
        The entries with other distributions.
    """

    mean: Array
    sd: Array
    blocks: tuple[Block, ...] = field(default=())

    @classmethod
    def of(cls, priors: Sequence[Prior]) -> Self:
        """Join one prior per entry of exp(x)."""
        kinds = {id(prior): prior for prior in priors}
        found = {key: log_location(prior) for key, prior in kinds.items()}
        mean, sd = np.array([found[id(prior)] for prior in priors]).T
        blocks = []
        for key, prior in kinds.items():
            if isinstance(prior, pt.TensorVariable):
                entries = np.flatnonzero([id(other) == key for other in priors])
                blocks.append(Block(prior, entries))
        return cls(mean, sd, tuple(blocks))

    def log_density(self, x: Array) -> Array:
        """Return the log density of each entry; x may have leading dimensions."""
        density = np.asarray(stats.norm.logpdf(x, self.mean, self.sd))
        for block in self.blocks:
            chosen = x[..., block.entries]
            density[..., block.entries] = block.compiled(chosen.ravel())[0].reshape(chosen.shape)
        return density

    def derivatives(self, x: Array) -> tuple[Array, Array]:
        """Return the first two derivatives of the log density of each entry of a vector x."""
        slope, bend = (self.mean - x) / self.sd**2, -(self.sd**-2)
        for block in self.blocks:
            _, slope[block.entries], bend[block.entries] = block.compiled(x[block.entries])
        return slope, bend

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw from the prior, shape (size, entries)."""
        x = self.mean + self.sd * rng.standard_normal((size, len(self.mean)))
        for block in self.blocks:
            seed = int(rng.integers(2**31))
            shape = (size, len(block.entries))
            values = pm.draw(block.distribution, size * len(block.entries), random_seed=seed)
            x[:, block.entries] = np.log(np.reshape(values, shape))
        return x

    def select(self, start: int, stop: int) -> "HyperPriors":
        """Keep a range of entries."""
        inside = []
        for block in self.blocks:
            entries = block.entries[(start <= block.entries) & (block.entries < stop)]
            if len(entries):
                inside.append(Block(block.distribution, entries - start))
        return HyperPriors(self.mean[start:stop], self.sd[start:stop], tuple(inside))

    def variable(self, name: str, dims: str, transform: Any = None) -> pt.TensorVariable:
        """Add all entries to the PyMC model of the context, as one vector.

        Parameters
        ----------
        name, dims
            Of the variable.
        transform
            To the coordinates in which it is sampled; x itself by default.
        """
        given = {} if transform is None else {"transform": transform}
        if not self.blocks:
            return pm.Normal(name, self.mean, self.sd, dims=dims, **given)
        return pm.CustomDist(name, dist=self._join, dims=dims, **given)

    def _join(self, size: Any) -> pt.TensorVariable:
        """Write x as the logarithms of independent variables, whose density PyMC derives."""
        blocks = {int(entry): block for block in self.blocks for entry in block.entries}
        parts = []
        for entry, (mean, sd) in enumerate(zip(self.mean, self.sd, strict=True)):
            if entry in blocks:
                parts.append(pt.log(change_dist_size(blocks[entry].distribution, (1,))))
            else:
                parts.append(pm.Normal.dist(mean, sd, shape=1))
        return pt.concatenate(parts)
