"""The longhand models that the package has no twin for: each recovers its own truth."""

import numpy as np
import pytest
from pymc.blocking import DictToArrayBijection, RaveledVars
from scipy import optimize

from bayes_intgen.base.metrics import rmse
from models import interactions, partition

pytestmark = pytest.mark.usefixtures("quick_graphs")


def standardise(values, regime):
    """As the models do: mean and spread with each regime weighted equally."""
    parts = [values[regime == label] for label in np.unique(regime)]
    centre = np.mean([part.mean() for part in parts])
    return centre, np.sqrt(np.mean([part.var() + (part.mean() - centre) ** 2 for part in parts]))


def mode(model):
    """Maximise the density on the scale of the sampler; the values of all variables."""
    density, gradient = model.compile_logp(), model.compile_dlogp()
    start = DictToArrayBijection.map(model.initial_point())

    def point(x):
        return DictToArrayBijection.rmap(RaveledVars(x, start.point_map_info))

    found = optimize.minimize(
        lambda x: -density(point(x)), start.data, jac=lambda x: -gradient(point(x))
    )
    assert np.isfinite(found.fun)
    return point(found.x)


def surfaces(module, frame, effect, biases, fitted):
    """The joint effect and the observational mean at observational rows, and the truth.

    Rows within 1.5 standard deviations: cubics that run beyond the data say little of a model.
    """
    regime = frame["regime"].to_numpy()
    actions = [name for name in frame.columns if name.startswith("a")]
    values = frame[actions].to_numpy()
    centre, spread = np.transpose([standardise(column, regime) for column in values.T])
    z = (values - centre) / spread
    chosen = (regime == "obs") & (np.abs(z) < 1.5).all(axis=1)
    phi = dict(zip(module.FEATURES, module._features(*z[chosen].T).T, strict=True))
    centre, spread = standardise(frame["y"].to_numpy(), regime)

    def evaluate(name, features):
        return np.column_stack([phi[feature] for feature in features]) @ fitted[name]

    joint = evaluate("effect", effect)
    seen = joint + sum(evaluate(name, features) for name, features in biases.items())
    truth = module.truth(*values[chosen].T)
    return centre + spread * joint, centre + spread * seen, truth


@pytest.mark.filterwarnings("ignore:Cannot cache compiled function")  # numba: large constants
@pytest.mark.parametrize(
    ("module", "effect", "biases"),
    [
        (
            interactions,
            interactions.FEATURES,
            {"bias1": interactions.FEATURES, "bias2": interactions.FEATURES},
        ),
        (partition, partition.EFFECT, {"bias12": partition.BIAS12, "bias3": partition.BIAS3}),
    ],
    ids=["interactions", "partition"],
)
def test_the_mode_is_near_the_truth(module, effect, biases):
    """Within 15% of its spread; the observational mean is eight times as far and more."""
    frame = module.make_data(5000, random_seed=1)
    fitted = mode(module.build(frame))
    joint, seen, truth = surfaces(module, frame, effect, biases, fitted)
    assert rmse(joint, truth) < 0.15 * truth.std()
    assert rmse(seen, truth) > 8 * rmse(joint, truth)
