"""Which of many effects are discoveries, with control of the false discovery rate.

Each effect has an estimate b_i with standard error s_i, the mean and sd of its own posterior. That
posterior does not know that most outcomes may not respond at all: with probabilities of effects
taken one outcome at a time, 950 outcomes that do nothing would drown 50 that do something. So the
distribution of the effects is learned from all of them (Stephens 2017), a mixture of a mass at zero
and of normal distributions about it,

    (1)  b_i | beta_i ~ N(beta_i, s_i^2),     beta_i ~ sum_k pi_k N(0, tau_k^2),    tau_0 = 0,

on a grid of tau from a tenth of the least s to twice the largest effect. The shares pi maximise the
likelihood of all b, penalised as by nine more effects that are zero, so that the mass at zero is
rather over- than underestimated. Given pi, each effect has a posterior under (1), and a

    (2)  local false sign rate  lfsr_i = min(P(beta_i >= 0), P(beta_i <= 0)),

the probability that its sign, if it has one, is not the one that is claimed. Of the effects with
the smallest rates as many are discoveries as keep their mean, which estimates the share of false
signs among them,

    (3)  q_i = mean of lfsr_j over all j with lfsr_j <= lfsr_i,

at or below the level (Newton et al. 2004). It is a Bayesian rate: the frequentist one follows as
far as b and s mean what they say and effects are unimodal about zero. Neither is quite so.

* A posterior that shrinks has a mean that varies less than its sd says. Errors are multiplied by

      (4)  c = (1 + 10 / n) median abs(b_i / s_i) / Phi^-1(3/4),     at least .7 and at most 1,

  the robust spread of n effects in units of their sds: too large where many respond, which only
  makes discoveries rarer. The first factor keeps few effects from lowering c by chance.
* Where a third or a half respond, the mixture of distributions about zero takes some of the zeros
  for small effects. So q is not below the share that zeros, by chance, have among the effects that
  are at least as large (Benjamini and Hochberg 1995), with the number of zeros estimated from the
  tails p_i = 2 Phi(-abs(b_i) / c s_i) above one half (Storey, Taylor and Siegmund 2004),

      (5)  q_i >= min over p >= p_i of  n_0 p / #{j : p_j <= p},     n_0 = 2 (1 + #{j : p_j > 1/2}).

Effects are told to (1) in units of the outcome's spread. Of 1000 effects some are of two to six
standard errors, the others zero; at a level of 0.1 the share of false discoveries, and the power
over that of the best single threshold, which knows the truth, are on average over 20 draws

    responding   s exact        s too large by 1/4   without (4), (5)   s too large, without
    50           .081, .97      .035, .90            .093, .98          .004, .64
    300          .098, 1.00     -                    .151, 1.02         -
    500          .102, 1.00     -                    .192, 1.03         -

Over 60 draws it is .100 and .099 for 300 and 500 (standard error .002): (5) is met with equality. A
bolder c, from a quantile that the estimated share of zeros corrects, has .36 where 300 respond. Of
real fits (three actions, 50 of 1000 outcomes respond by .08 to .4 sd of their noise,
3000 rows per regime, ``tests/benchmarks/test_many_outcomes.py``) .05 are false, at a power of .97;
with 500 rows, where most effects are below three standard errors, .009, at .55.

References
----------
Benjamini and Hochberg (1995), "Controlling the false discovery rate", Journal of the Royal
Statistical Society B 57, 289-300.
Newton, Noueiry, Sarkar and Ahlquist (2004), "Detecting differential gene expression with a
semiparametric hierarchical mixture method", Biostatistics 5, 155-176.
Stephens (2017), "False discovery rates: a new deal", Biostatistics 18, 275-294.
Storey, Taylor and Siegmund (2004), "Strong control, conservative point estimation and simultaneous
conservative consistency of false discovery rates", Journal of the Royal Statistical Society B 66,
187-205.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from bayes_intgen.base.types import Array

__all__ = [
    "Shrunken",
    "chance_rates",
    "false_discovery_rates",
    "mean_of_smallest",
    "shrink",
    "spread_of",
]

STEP = np.sqrt(2)  # between neighbours of the grid
PENALTY = 10.0  # of the mass at zero: one more than the number of effects added to it
MOST_STEPS = 5000
TOLERANCE = 1e-7  # of the log-likelihood per effect
LEAST_SPREAD = 0.7  # a fit that halves an effect has a mean of that spread
FEW = 10  # the spread of n effects is raised by its FEW / n: a standard error or so of few


@dataclass(frozen=True)
class Shrunken:
    """Effects under the distribution that all of them share."""

    share_zero: float  # pi_0
    mean: Array  # posterior mean of each effect, shape (effects,)
    false_sign: Array  # (2), shape (effects,)


def shrink(estimate: Array, error: Array) -> Shrunken:
    """Learn the distribution of effects from all of them, and what it makes of each.

    Parameters
    ----------
    estimate, error
        b and s, in comparable units, shape (effects,); s > 0.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = np.where(np.arange(1000) < 100, 5.0, 0.0)
    >>> found = shrink(truth + rng.normal(size=1000), np.ones(1000))
    >>> bool(found.false_sign[:100].mean() < 0.05 < 0.5 < found.false_sign[100:].mean())
    True
    """
    tau = _grid(estimate, error)
    total = error[:, None] ** 2 + tau**2  # variances of b, shape (effects, grid)
    log_density = -0.5 * (np.log(total) + estimate[:, None] ** 2 / total)
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    share = _shares(density)
    belongs = density * share
    belongs /= belongs.sum(axis=1, keepdims=True)
    keep = tau**2 / total
    mean = keep * estimate[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(tau > 0, mean / (np.sqrt(keep) * error[:, None]), 0.0)
    moves = belongs * (tau > 0)
    positive = (moves * special.ndtr(z)).sum(axis=1)
    negative = (moves * special.ndtr(-z)).sum(axis=1)
    zero = belongs[:, 0]
    false_sign = np.minimum(positive, negative) + zero  # (2)
    return Shrunken(float(share[0]), (belongs * mean).sum(axis=1), false_sign)


def false_discovery_rates(estimate: Array, error: Array) -> tuple[Shrunken, Array]:
    """Return what all effects together make of each, with errors by (4), and q by (3) and (5).

    Parameters
    ----------
    estimate, error
        b and s, in comparable units, shape (effects,); s > 0.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = np.where(np.arange(1000) < 100, 6.0, 0.0)
    >>> _, q = false_discovery_rates(truth + rng.normal(size=1000), np.ones(1000))
    >>> bool((q[:100] <= 0.1).all()), bool((q[100:] <= 0.1).mean() < 0.05)
    (True, True)
    """
    error = spread_of(estimate, error) * error
    found = shrink(estimate, error)
    return found, np.maximum(mean_of_smallest(found.false_sign), chance_rates(estimate, error))


def spread_of(estimate: Array, error: Array) -> float:
    """Return c of (4), by which standard errors are to be multiplied.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=1000)
    >>> round(spread_of(0.8 * noise, np.ones(1000)), 1), spread_of(2 * noise, np.ones(1000))
    (0.8, 1.0)
    """
    middle = float(np.median(np.abs(estimate / error))) / special.ndtri(0.75)
    return float(np.clip((1 + FEW / len(estimate)) * middle, LEAST_SPREAD, 1.0))


def chance_rates(estimate: Array, error: Array) -> Array:
    """Return the right-hand side of (5), shape (effects,).

    Examples
    --------
    >>> chance_rates(np.array([6.0, 0.1, -0.2, 0.3]), np.ones(4)).round(3).tolist()
    [0.0, 0.92, 0.92, 0.92]
    """
    p = 2 * special.ndtr(-np.abs(estimate / error))
    zeros = min(2.0 * (1 + np.count_nonzero(p > 0.5)), len(p))
    order = np.argsort(p)
    rates = zeros * p[order] / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(rates[::-1])[::-1]
    return np.minimum(q, 1.0)


def mean_of_smallest(rates: Array) -> Array:
    """Return (3), shape (effects,); NaN where there is no rate.

    Examples
    --------
    >>> mean_of_smallest(np.array([0.3, 0.0, 0.1, 0.3])).tolist()
    [0.175, 0.0, 0.05, 0.175]
    """
    q = np.full(len(rates), np.nan)
    known = np.flatnonzero(~np.isnan(rates))
    ordered, which = np.unique(rates[known], return_inverse=True)
    counts = np.bincount(which, minlength=len(ordered))
    q[known] = (np.cumsum(ordered * counts) / np.cumsum(counts))[which]
    return q


def _grid(estimate: Array, error: Array) -> Array:
    least = float(error.min()) / 10
    most = 2 * float(np.sqrt(np.maximum(estimate**2 - error**2, 0).max()))
    steps = int(np.ceil(np.log(max(most / least, 8.0)) / np.log(STEP)))
    return np.concatenate([[0.0], least * STEP ** np.arange(steps + 1)])


def _shares(density: Array) -> Array:
    """Maximise the penalised likelihood of the shares by expectation-maximisation."""
    n, size = density.shape
    share, last = np.full(size, 1 / size), -np.inf
    for _ in range(MOST_STEPS):
        joint = density * share
        total = joint.sum(axis=1, keepdims=True)
        value = float(np.log(total).sum() + (PENALTY - 1) * np.log(share[0]))
        if value - last < TOLERANCE * n:
            break
        last, counts = value, (joint / total).sum(axis=0)
        counts[0] += PENALTY - 1
        share = counts / counts.sum()
    return share
