"""The map between orthogonal polynomials and monomials, against the monomials themselves."""

import numpy as np
import pytest

from bayes_intgen import HSGP, ModelError, Polynomial
from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.baselines.monomials import Monomials
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap


def make(data, degree=3):
    bases = freeze_bases(Polynomial(degree), data.actions, data.summary)
    features = FeatureMap.within(bases, [data.actions])
    return features, Monomials.of(features)


def monomials_of(rows, features, powers):
    """Return the monomials of the actions in units of their spreads, without the constant."""
    spreads = [basis.scale.spread for basis in features.bases.values()]
    return np.prod((rows / spreads)[:, None, :] ** powers, axis=2)


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_the_expansion_gives_the_monomials_up_to_constants(data, degree):
    features, monomials = make(data, degree)
    assert sorted(map(tuple, monomials.powers)) == sorted(
        powers for powers in np.ndindex(*[degree + 1] * 3) if 1 <= sum(powers) <= degree
    )
    rows = data.rows("obs")[:, :-1]
    direct = monomials_of(rows, features, monomials.powers)
    found = features.evaluate(rows)[:, 1:] @ monomials.expansion.T
    assert np.ptp(direct - found, axis=0) == pytest.approx(0, abs=1e-9 * np.abs(direct).max())


def test_the_inverse_is_one(data):
    _, monomials = make(data, 4)
    product = monomials.inverse @ monomials.expansion
    sizes = np.abs(monomials.inverse) @ np.abs(monomials.expansion)
    assert (np.abs(product - np.eye(len(product))) <= 1e-15 * sizes).all()


def test_spreads_are_standard_deviations_of_the_monomials(data):
    features, monomials = make(data)
    rows = data.rows("a2")
    direct = monomials_of(rows[:, :-1], features, monomials.powers).std(axis=0)
    phi = np.column_stack([features.evaluate(rows[:, :-1])[:, 1:], rows[:, -1]])
    np.testing.assert_allclose(monomials.spreads(CentredMoments.from_rows(phi)), direct, rtol=1e-11)


def test_constant_monomials_have_no_spread(data):
    features, monomials = make(data)
    rows = data.rows("obs")
    rows[:, 0] = 2.5  # constant
    rows[:, 1] = np.where(rows[:, 1] > 150, 3.0, -3.0)  # its square is constant
    phi = np.column_stack([features.evaluate(rows[:, :-1])[:, 1:], rows[:, -1]])
    spreads = monomials.spreads(CentredMoments.from_rows(phi))
    constant = {(1, 0, 0), (2, 0, 0), (3, 0, 0), (0, 2, 0), (1, 2, 0)}
    assert {tuple(p) for p in monomials.powers[spreads == 0].tolist()} == constant


def test_other_bases_are_refused(data):
    choice = {"a1": Polynomial(), "a2": HSGP(), "a3": Polynomial()}
    bases = freeze_bases(choice, data.actions, data.summary)
    with pytest.raises(ModelError, match=r"basis of these is {'a2': 'hsgp'}.*basis=Polynomial"):
        Monomials.of(FeatureMap.within(bases, [data.actions]))
