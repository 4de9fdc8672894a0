"""The support flags of fits with lift tests and covariates, on summaries from rows.

Without an experiment on a1 its half-width is 1, that of the observational rows, so that tested
values up to 0.5 apart count as seen in between.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_equal

import bayes_intgen as ig
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior.support import classify_support


def summarise(n_actions, n_covariates=1, tested=None, regimes=None):
    """Rows uniform on (-1, 1), on (-2, 2) for an action that is set."""
    actions = tuple(f"a{k + 1}" for k in range(n_actions))
    rng = np.random.default_rng(1)
    parts = {}
    for regime in [(), *((action,) for action in actions)] if regimes is None else regimes:
        rows = rng.uniform(-1, 1, size=(500, n_actions + n_covariates + 1))
        for action in regime:
            rows[:, actions.index(action)] *= 2
        parts[regime] = RegimeSummary.from_rows(rows)
    covariates = tuple(f"z{k + 1}" for k in range(n_covariates))
    return Summary(actions, "y", parts, covariates=covariates, tested=tested or {})


def flags(points, summary, do=None):
    do = summary.actions if do is None else do
    parents = dict.fromkeys(summary.actions, ())
    return classify_support(np.array(points, dtype=float), do, summary, parents).tolist()


@pytest.mark.parametrize("n_actions", [1, 3])
def test_covariates_stand_beside_actions(n_actions):
    """Each variable is held against its own range, whatever the numbers of both."""
    rest = [0.0] * (n_actions - 1)
    points = [[0.0, *rest, 0.0], [1.5, *rest, 0.5], [2.5, *rest, 0.0], [0.0, *rest, 1.5]]
    for tested in (
        {},
        {"a1": ((-0.5, 0.0), (0.5, 0.0))},
    ):  # what was tested of an action frees no covariate
        found = flags(points, summarise(n_actions, tested=tested))
        assert found == [SUPPORTED, SUPPORTED, OUTSIDE, OUTSIDE]


@pytest.mark.parametrize("lifted", [False, True])
def test_fits_with_covariates_answer(lifted):
    rng = np.random.default_rng(2)
    tables = []
    for regime in ("obs", "a1", "a2"):
        z = rng.uniform(-1, 1, 300)
        a1, a2 = rng.normal(size=(2, 300)) + z
        y = a1 - a2 + z + 0.3 * rng.normal(size=300)
        columns = {"a1": a1, "a2": a2, "z": z, "y": y}
        tables.append(pd.DataFrame(columns).assign(regime=regime))
    data = ig.RegimeData.from_frame(pd.concat(tables), "y", ["a1", "a2"], covariates=["z"])
    move = {"action": ["a1"], "from": [0.0], "to": [1.0], "effect": [1.0], "se": [0.2], "z": [0.0]}
    lifts = ig.LiftTests.from_frame(pd.DataFrame(move)) if lifted else None
    model = ig.InterventionModel(ig.Polynomial(1), structure=["a1", "a2"])
    posterior = model.fit(data, method="laplace", draws=20, lifts=lifts)
    found = posterior.expected_outcome({"a1": 0.5, "a2": 0.0, "z": [0.0, 3.0]})["support"]
    assert found.to_numpy().tolist() == [SUPPORTED, OUTSIDE]


# In place of an experiment on a1

OTHERS = [(), ("a2",)]


def of_a1(values, *ends, n_covariates=0):
    """Flags of values of a1, a2 at 0, when tests of a1 began and ended at some values."""
    summary = summarise(2, n_covariates, {"a1": ends}, OTHERS)
    return flags([[value[0], 0.0, *value[1:]] for value in values], summary)


def test_values_between_distant_ends_are_not_seen():
    found = of_a1([(-2,), (-1.5,), (0,), (0.7,), (2,), (2.1,)], (-2.0,), (2.0,))
    expected = [SUPPORTED, OUTSIDE, EXTRAPOLATED, EXTRAPOLATED, SUPPORTED, OUTSIDE]
    assert found == expected


def test_values_between_neighbours_are_seen():
    ends = [(-0.9,), (-0.45,), (0.0,), (0.52,)]
    found = of_a1([(-0.95,), (-0.8,), (-0.1,), (0.3,), (0.52,), (0.6,)], *ends)
    assert found == [EXTRAPOLATED, SUPPORTED, SUPPORTED, EXTRAPOLATED, SUPPORTED, EXTRAPOLATED]


def test_tests_at_one_z_say_nothing_of_another():
    """As close as a quarter of the half-width of z counts as alike."""
    points = [(0.2, 0.0), (0.2, 0.2), (0.2, 0.3), (0.2, -0.9), (0.6, 0.0)]
    found = of_a1(points, (0.0, 0.0), (0.4, 0.0), n_covariates=1)
    assert found == [SUPPORTED, SUPPORTED, EXTRAPOLATED, EXTRAPOLATED, EXTRAPOLATED]
    apart = of_a1(points, (0.0, 0.0), (0.4, 0.9), n_covariates=1)  # ends at another z are not near
    assert apart == [EXTRAPOLATED] * 5
    averaged = of_a1(points, (0.0, np.nan), (0.4, np.nan), n_covariates=1)
    assert averaged == [EXTRAPOLATED] * 5


def test_beside_an_experiment_its_range_is_a_neighbour():
    """With rows of a1 on (-2, 2) the half-width is 2: seen up to 2.9, in one step of at most 1."""
    summary = summarise(2, 0, {"a1": ((0.0,), (2.9,))})
    assert flags([[2.5, 0.0], [2.9, 0.0], [3.0, 0.0]], summary) == [SUPPORTED, SUPPORTED, OUTSIDE]
    summary = summarise(2, 0, {"a1": ((0.0,), (3.2,))})
    assert flags([[2.5, 0.0], [3.2, 0.0]], summary) == [OUTSIDE, SUPPORTED]


def test_where_tests_were_is_read_with_their_covariates():
    frame = pd.DataFrame(
        {
            "action": ["a1", "a1", "a1"],
            "from": [0.0, 0.0, 0.0],
            "to": [1.0, 2.0, 1.0],
            "effect": 1.0,
            "se": 0.1,
            "z": [0.5, np.nan, 0.5],
            "site": ["west", "north", "west"],
        }
    )
    levels = {"site": ("north", "west")}
    several = {1: pd.DataFrame({"z": [0.1, 0.3], "site": ["north", "north"]})}
    lifts = ig.LiftTests.from_frame(frame, others=several)
    ends = lifts.tested(["a1"], levels, ["z", "site"])["a1"]
    assert_equal(sorted(ends, key=str), [(0, 0.5, 1), (0, np.nan, 0), (1, 0.5, 1), (2, np.nan, 0)])
    assert lifts.tested(["a1"], levels)["a1"] == ((0.0,), (1.0,), (2.0,))


# The box


def box(regimes, tested):
    basis = ig.HSGP().freeze("a1", summarise(2, 0, tested, regimes))
    return np.array(basis.limits)


def test_tests_do_not_move_the_box_where_rows_show_the_action():
    regimes = [(), ("a1",), ("a2",)]
    assert_equal(box(regimes, {"a1": ((-100.0,), (2.9,))}), box(regimes, {}))


def test_tests_in_place_of_rows_widen_the_box_to_twice_at_most():
    alone = box(OTHERS, {})
    assert_equal(box(OTHERS, {"a1": ((-0.5,), (0.9,))}), alone)
    low = summarise(2, 0, {}, OTHERS).row_core("a1")[0]
    reach = box(OTHERS, {"a1": ((0.0,), (1.8,))})
    middle, half = (low + 1.8) / 2, (1.8 - low) / 2
    assert_allclose(reach, [middle - 1.5 * half, middle + 1.5 * half])
    far = box(OTHERS, {"a1": ((-100.0,), (100.0,))})
    assert_allclose(far - far.mean(), 2 * (alone - alone.mean()))
