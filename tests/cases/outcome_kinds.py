"""Systems of two confounded actions whose outcomes are 0/1, counts, proportions, positive or real.

    C_k, V_k ~ N(0, 1),      A_1 = .8 C_1 + .6 V_1,      A_2 = .6 A_1 + .7 C_2 + .5 V_2,

set actions ~ N(0, 1). The mean of Y is additive on its own scale, level + slope (tanh A_1 +
tanh 1.5 A_2) + shift (tanh C_1 + tanh C_2), or on that of a link.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

import bayes_intgen as ig

ACTIONS = ["a1", "a2"]


def draw(outcome, n, seed, do=None):
    """Draw n rows of a regime, the set of actions that are set; none by default."""
    rng, chosen = np.random.default_rng(seed), do or ()
    c1, c2 = rng.normal(size=(2, n))
    free1, free2 = rng.normal(size=(2, n))
    a1 = free1 if "a1" in chosen else 0.8 * c1 + 0.6 * free1
    a2 = free2 if "a2" in chosen else 0.6 * a1 + 0.7 * c2 + 0.5 * free2
    return pd.DataFrame({"a1": a1, "a2": a2, "y": outcome(a1, a2, c1, c2, rng)})


def make_data(outcome, n, seed):
    """Draw n rows of each of the regimes obs, a1 and a2."""
    regimes = {"obs": (), "a1": ("a1",), "a2": ("a2",)}
    tables = [
        draw(outcome, n, [seed, k], do).assign(regime=label)
        for k, (label, do) in enumerate(regimes.items())
    ]
    frame = pd.concat(tables, ignore_index=True)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)


def additive(level, slope, shift):
    """Return the mean as a function of actions and confounders."""

    def mean(a1, a2, c1, c2):
        effects = np.tanh(a1) + np.tanh(1.5 * a2)
        return level + slope * effects + shift * (np.tanh(c1) + np.tanh(c2))

    return mean


def of(mean, law):
    """Return an outcome of a law that takes a mean and a generator."""
    return lambda a1, a2, c1, c2, rng: law(mean(a1, a2, c1, c2), rng)


def bernoulli(mean, rng):
    return (rng.random(len(mean)) < mean).astype(float)


def some_at_the_ends(mean, rng):
    """Beta with precision 4; one row in seven is rounded to 0 or 1 at random."""
    inside = rng.beta(4 * mean, 4 * (1 - mean))
    return np.where(rng.random(len(mean)) < 1 / 7, bernoulli(mean, rng), inside)


def often_zero(mean, rng):
    return bernoulli(mean / 20, rng) * rng.gamma(1.5, 20 / 1.5, len(mean))


LINEAR = {  # additive on their own scale
    "binary": of(additive(0.4, 0.12, 0.05), bernoulli),
    "poisson": of(additive(8, 2, 1), lambda m, rng: rng.poisson(m).astype(float)),
    "overdispersed": of(
        additive(8, 2, 1), lambda m, rng: rng.poisson(rng.gamma(1.5, m / 1.5)) * 1.0
    ),
    "underdispersed": of(additive(8, 1, 0.3), lambda m, rng: rng.binomial(16, m / 16) * 1.0),
    "gamma": of(additive(8, 2, 1), lambda m, rng: rng.gamma(2.0, m / 2)),
    "lognormal": of(additive(8, 2, 1), lambda m, rng: m * np.exp(rng.normal(-0.245, 0.7, len(m)))),
    "often zero": of(additive(8, 1.5, 0.5), often_zero),
    "proportion": of(additive(0.35, 0.1, 0.05), lambda m, rng: rng.beta(4 * m, 4 * (1 - m))),
    "ends": of(additive(0.35, 0.1, 0.05), some_at_the_ends),
    "real": of(additive(0, 1, 0.5), lambda m, rng: rng.normal(m, 0.5)),
}


def floored(a1, a2, c1, c2, rng):
    """Counts whose mean is additive but where it would fall below zero, in 7 to 16% of the rows."""
    mean = additive(3, 1.5, 1)(a1, a2, c1, c2)
    return rng.poisson(np.maximum(mean, 0.05)).astype(float)


def logistic(a1, a2, c1, c2, rng):
    """Log odds add up; a third of the rows are 1."""
    return bernoulli(expit(-1.2 + a1 + 1.3 * np.tanh(a2) + 0.7 * (c1 + c2)), rng)


def multiplicative(a1, a2, c1, c2, rng):
    """Logarithms add up, noise included."""
    effects = 0.4 * a1 + 0.5 * np.tanh(a2) + 0.35 * (c1 + c2)
    return np.exp(1 + effects + rng.normal(0, 0.4, len(a1)))
