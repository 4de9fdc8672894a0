"""Moments of squared residuals against sums over the rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.moments import Moments
from models import polynomial


class ByFirstAction:
    def log_weights(self, phi):
        return 0.7 * phi[:, 1] - 0.2


@pytest.fixture(scope="module")
def case():
    frame = polynomial.make_data(300, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    summary = data.summary
    bases = freeze_bases(ig.Polynomial(2), data.actions, summary)
    features = FeatureMap.within(bases, [data.actions])
    rng = np.random.default_rng(2)
    theta = {r: rng.normal(size=len(features.features)) for r in data.regimes}
    variances = dict.fromkeys(data.regimes, ByFirstAction())
    scale = summary.scales["y"]
    moments = Moments.compute(data, summary, features, scale, variances, theta)
    return data, moments, theta


def test_they_are_sums_over_the_rows(case):
    data, moments, theta = case
    for label in data.labels:
        regime = parse_regime(label, data.actions)
        rows = data.rows(label)
        phi = moments.features.evaluate(rows[:, :-1])
        e = moments.outcome_scale.standardise(rows[:, -1]) - phi @ theta[regime]
        omega = np.exp(ByFirstAction().log_weights(phi))
        found = moments.residuals[regime]
        assert found.n == len(rows)
        expected = sum(np.outer(f, f) * s for f, s in zip(phi, (omega * e) ** 2, strict=True))
        assert_allclose(found.meat, expected, rtol=1e-9, atol=1e-9)
        assert_allclose(found.cross, phi.T @ (omega * e**2), rtol=1e-9, atol=1e-9)
        assert_allclose(found.fourth, np.sum(omega * e**4), rtol=1e-9)
        assert_allclose(found.square, np.sum(e**2), rtol=1e-9)


def test_features_are_selected_from_all_sums_alike(case):
    _, moments, _ = case
    kept = FeatureMap(moments.features.bases, moments.features.features[:1:-1])
    kept = FeatureMap(kept.bases, (moments.features.features[0], *kept.features))
    narrow = moments.select(kept)
    order = [moments.features.features.index(feature) for feature in kept.features]
    for regime, full in moments.residuals.items():
        assert_allclose(narrow.residuals[regime].meat, full.meat[np.ix_(order, order)])
        assert_allclose(narrow.residuals[regime].cross, full.cross[order])
        gram = moments.regression(regime).gram[np.ix_(order, order)]
        assert_allclose(narrow.regression(regime).gram, gram, rtol=1e-10, atol=1e-8)


def test_a_merge_drops_them(case):
    _, moments, _ = case
    assert moments.merge(moments).residuals is None
