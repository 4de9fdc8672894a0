"""Fixed fits through the public interface, so that two versions of the library can be compared.

``python tests/benchmarks/fixed_fits.py NEW.npz`` in each of two checkouts writes their answers
(both methods, both bases, blocks, covariates and levels, lift tests, moments merged from halves);
``python tests/benchmarks/fixed_fits.py OLD.npz NEW.npz`` prints the largest relative difference of
each, and of all. Chains of a sampler repeat only to the bit, so compare on one machine.
"""

import sys
import warnings

import numpy as np
import pandas as pd

import bayes_intgen as ig

ACTIONS = ["a1", "a2", "a3"]
REGIMES = ["obs", *ACTIONS]
AT = {"a1": np.linspace(-0.1, 0.5, 7), "a2": 0.1, "a3": np.linspace(0.2, -0.2, 7)}
START = {"a1": -0.1, "a2": 0.1, "a3": 0.2}
SMOOTH = ig.HSGP(m=10, m_pair=5, warp=0)


def read(frame, actions=ACTIONS, **options):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=actions, **options)


def polynomial_frame(regimes, n, seed):
    scm = ig.scm.sample_polynomial_scm(3, random_seed=11)
    return scm.sample_regimes(regimes, n=n, random_seed=seed)


def covariate_frame():
    """Draw rows of a smooth action, one with three levels, and a covariate."""
    rng, tables, n = np.random.default_rng(7), [], 700
    for regime in ("obs", "a1", "a2"):
        z, c1, c2 = rng.normal(size=(3, n))
        a1 = rng.normal(size=n) if regime == "a1" else 0.6 * c1 + 0.5 * z + rng.normal(0, 0.5, n)
        latent = 0.3 * z + c2 + rng.normal(0, 0.5, n)
        level = rng.integers(0, 3, n) if regime == "a2" else np.digitize(latent, [-0.5, 0.5])
        y = np.tanh(a1) * (1 + 0.3 * z) + np.array([0, 0.7, -0.4])[level]
        y += 0.5 * c1 + 0.4 * c2 + 0.3 * z + rng.normal(0, 0.2, n)
        a2 = np.array(["low", "mid", "top"])[level]
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def fits():
    """Yield (name, posterior, settings) of each fit."""
    frame = polynomial_frame(REGIMES, 1500, 12)
    rows, few = read(frame), read(frame.groupby("regime").head(400))
    laplace = {"method": "laplace", "random_seed": 3}
    nuts = {"draws": 100, "tune": 100, "chains": 2, "cores": 1, "random_seed": 4}
    yield "laplace, smooth", ig.InterventionModel(SMOOTH).fit(rows, **laplace), AT
    yield "laplace, cubic", ig.InterventionModel(ig.Polynomial(3)).fit(rows, **laplace), AT
    cubic = ig.InterventionModel(ig.Polynomial(2), structure="full")
    yield "nuts, quadratic", cubic.fit(few, progressbar=False, **nuts), AT
    smooth = ig.InterventionModel(ig.HSGP(m=6, m_pair=3, warp=0), structure=ACTIONS)
    yield "nuts, smooth", smooth.fit(few, progressbar=False, **nuts), AT
    joint = read(polynomial_frame(["obs", "a1+a2", "a3"], 800, 13))
    yield "blocks", ig.InterventionModel(SMOOTH, blocks=["a1+a2"]).fit(joint, **laplace), AT
    given = read(covariate_frame(), ["a1", "a2"], categorical=["a2"], covariates=["z"])
    bases = {"a1": SMOOTH, "a2": ig.Categorical(), "z": ig.HSGP(m=10, m_pair=3, warp=0)}
    model = ig.InterventionModel(bases, interactions="pairwise")
    at = {"a1": [0.0, 0.5, 1.0], "a2": ["low", "mid", "top"], "z": [0.0, 0.5, -0.5]}
    yield "covariates", model.fit(given, **laplace), at
    tests = {"action": ["a3", "a3", "a1"], "from": 0.0, "to": [0.3, -0.3, 0.2]}
    tests |= {"effect": [0.1, -0.05, 0.1], "se": [0.02, 0.02, 0.05]}
    lifts = ig.LiftTests.from_frame(pd.DataFrame(tests))
    without = read(polynomial_frame(["obs", "a1", "a2"], 1000, 14))
    yield "lift tests", ig.InterventionModel(SMOOTH).fit(without, lifts=lifts, **laplace), None
    half = frame.sample(frac=0.5, random_state=1)
    first = ig.Moments.from_data(read(half), basis=ig.Polynomial(3))
    both = first.merge(ig.Moments.from_data(read(frame.drop(half.index)), like=first))
    model = ig.InterventionModel(ig.Polynomial(3), interactions="all")
    yield "moments", model.fit(both, **laplace), AT


def answer(path):
    """Write what every fit answers."""
    answers = {}
    for name, posterior, at in fits():
        answers[f"{name}: weights"] = posterior.idata["weights"]["weight"].to_numpy()
        if at is None:  # the level of an action without rows is not identified
            answers[f"{name}: contrast"] = posterior.contrast(AT, START).to_numpy()
        else:
            effect = posterior.expected_outcome(at, beyond="clamp")
            answers[f"{name}: effect"] = effect.to_numpy()
            answers[f"{name}: support"] = effect["support"].to_numpy().astype("U12")
    np.savez_compressed(path, **answers)


def compare(old, new):
    """Print the largest relative difference of each answer."""
    before, after = np.load(old), np.load(new)
    worst = 0.0
    for name in before.files:
        one, two = before[name], after[name]
        if one.dtype.kind == "U":
            difference = float((one != two).any())
        else:
            difference = float(np.abs(one - two).max() / np.abs(one).max())
        worst = max(worst, difference)
        print(f"{name:28s} {difference:.1e}")
    print(f"{'largest':28s} {worst:.1e}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    (answer if len(sys.argv) == 2 else compare)(*sys.argv[1:])
