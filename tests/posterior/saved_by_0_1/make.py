"""How the files of this folder were made with version 0.1.0, and what is asked of them.

``python tests/posterior/saved_by_0_1/make.py`` writes them anew next to itself; they are those of
0.1.0 only if the package that is imported is.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import bayes_intgen as ig

HERE = Path(__file__).parent
AT = {
    "learned": {"a1": [0.0, 0.1, 0.2], "a2": 0.1, "a3": [0.1, 0.0, -0.1]},
    "mixed": {
        "a1": [0.0, 0.4, -0.3],
        "a2": [0.2, 0.1, 0.0],
        "a3": ["low", "mid", "top"],
        "a4": [0.1, 0.5, 0.2],
        "z": [0.0, 0.5, -0.5],
    },
}
BASELINE = {
    "learned": {"a1": 0.0, "a2": 0.0, "a3": 0.0},
    "mixed": {"a1": 0.0, "a2": 0.0, "a3": "low", "a4": 0.1, "z": 0.0},
}


def make_learned():
    """A fit whose structure was learned."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    frame = scm.sample_regimes(["obs", "a1", "a2", "a3"], n=150, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2", "a3"])
    model = ig.InterventionModel(ig.Polynomial(2))
    return model.fit(data, method="laplace", draws=100, random_seed=3)


def make_mixed():
    """A fit with a block, a categorical action, a covariate, and lift tests."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a1+a2", "a3"):
        n = 150
        z, c = rng.normal(size=(2, n))
        a1, a2, a4 = 0.5 * c + 0.2 * z + 0.5 * rng.normal(size=(3, n))
        if regime == "a1+a2":
            a1, a2 = rng.uniform(-1, 1, (2, n))
        code = rng.integers(0, 3, n)
        if regime != "a3":
            code = np.digitize(c + 0.5 * rng.normal(size=n), [-0.5, 0.5])
        y = a1 + 0.5 * a2**2 + np.array([0.0, 0.7, -0.4])[code] + 0.5 * a4 + c + 0.3 * z
        level = np.array(["low", "mid", "top"])[code]
        columns = {"a1": a1, "a2": a2, "a3": level, "a4": a4, "z": z}
        columns |= {"y": y + 0.2 * rng.normal(size=n), "regime": regime}
        parts.append(pd.DataFrame(columns))
    frame = pd.concat(parts, ignore_index=True)
    actions = ["a1", "a2", "a3", "a4"]
    data = ig.RegimeData.from_frame(frame, "y", actions, categorical=["a3"], covariates=["z"])
    tests = {
        "action": ["a4", "a4", "a4"],
        "from": 0.1,
        "to": [0.5, 0.2, 0.35],
        "z": [0.0, 0.5, -0.5],
        "effect": [0.2, 0.05, 0.12],
        "se": 0.02,
    }
    model = ig.InterventionModel(
        {
            "a1": ig.Polynomial(2),
            "a2": ig.Polynomial(2),
            "a4": ig.Polynomial(2),
            "z": ig.Polynomial(2),
        },
        blocks=["a1+a2"],
        structure=["a1", "a2", "a3", "a4"],
    )
    lifts = ig.LiftTests.from_frame(pd.DataFrame(tests))
    return model.fit(
        data, method="laplace", draws=30, random_seed=3, lifts=lifts, target="a1+a2+a3"
    )


def make_moments():
    """Moments of rows of three regimes."""
    scm = ig.scm.sample_polynomial_scm(2, random_seed=4)
    frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=5)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return ig.Moments.from_data(data, basis=ig.Polynomial(2))


def answers(posterior, name):
    """Return what a fit says about everything that is identified in it, as lists."""
    at, baseline = AT[name], BASELINE[name]
    do = None if name == "learned" else posterior.target
    outcome = posterior.expected_outcome(at, do)
    best = posterior.best_action({"a1": (-0.2, 0.2), "a2": (0.0, 0.2)}, 0.3, grid=4, do=do)
    found = {
        "outcome": outcome.to_numpy(),
        "observed": posterior.expected_outcome(at, do=[]).to_numpy(),
        "contrast": posterior.contrast(at, baseline, do).to_numpy(),
        "probability": posterior.probability(at, baseline, do).to_numpy(),
        "table": posterior.table(at, do)[["mean", "sd", "lower", "upper"]].to_numpy(),
        "effects": posterior.effects(do)[["mean", "lower", "upper", "observational"]].to_numpy(),
        "curve": posterior.dose_response("a1", at={"a2": 0.1}, do=do).to_numpy()[..., ::7],
        "causal": posterior.component("a1", [0.0, 0.1], kind="int").to_numpy(),
        "average": posterior.average_contrast(at, do, shift={"a1": 0.1}).to_numpy(),
        "predicted": posterior.predict(at, do, random_seed=5).to_numpy(),
        "best": np.array([best.probability, best.regret, best.cost]),
    }
    if name == "learned":
        found["bias"] = posterior.decomposition(at)["bias"].to_numpy()
        found["sensitivity"] = posterior.prior_sensitivity(at)["prior"].to_numpy()
    else:
        moved = {**baseline, "a4": 0.5}
        found["lift"] = posterior.contrast(moved, baseline).to_numpy()
    numbers = {key: np.asarray(value, dtype=float).tolist() for key, value in found.items()}
    texts = {
        "support": outcome["support"].to_numpy().tolist(),
        "recommended": {key: str(value) for key, value in best.recommended.items()},
        "convergence": str(posterior.convergence),
        "target": list(posterior.target),
        "edges": [[e.parent, e.child, e.status] for e in posterior.learned.edges]
        if posterior.learned
        else [],
        "additive": None if posterior.additivity is None else bool(posterior.additivity.ok),
        "agreeing": None if posterior.lifts is None else bool(posterior.lifts.ok),
    }
    return {"numbers": numbers, "texts": texts}


def ask_moments(moments):
    """Return what a fit to moments says, as lists."""
    model = ig.InterventionModel(ig.Polynomial(2))
    posterior = model.fit(moments, method="laplace", draws=100, random_seed=3)
    return posterior.table({"a1": [0.0, 0.1], "a2": 0.1})[["mean", "sd"]].to_numpy().tolist()


def main():
    """Write the fits, the moments, and what 0.1.0 says of them."""
    print(ig.__file__)
    for name, make in (("learned", make_learned), ("mixed", make_mixed)):
        make().save(HERE / f"{name}.nc")
        text = json.dumps(answers(ig.load(HERE / f"{name}.nc"), name), allow_nan=True)
        (HERE / f"{name}.json").write_text(text)
    make_moments().save(HERE / "moments.npz")
    answer = ask_moments(ig.Moments.load(HERE / "moments.npz"))
    (HERE / "moments.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    sys.exit(main())
