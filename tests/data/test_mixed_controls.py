"""Controls among observational rows are seen, and rows that come to rest on their own are not."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.data.mixed_controls import find_controls

DRUGS = ["a", "b", "c"]


def observed(rng, n, at_zero=0.15):
    """Doses that each stay at zero in some rows, one by one."""
    doses = rng.lognormal(size=(n, 3)).round(2)
    return pd.DataFrame(np.where(rng.random((n, 3)) < at_zero, 0.0, doses), columns=DRUGS)


def read(*parts, regime="obs"):
    frame = pd.concat(parts, ignore_index=True)
    rng = np.random.default_rng(9)
    arms = [observed(rng, 40).assign(regime=name) for name in DRUGS]
    frame = pd.concat([frame.assign(regime=regime), *arms], ignore_index=True)
    frame = frame.assign(y=rng.normal(size=len(frame)))
    return ig.RegimeData.from_frame(frame, "y", DRUGS)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def controls(n, value=0.0):
    return pd.DataFrame(value, index=range(n), columns=DRUGS)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_controls_among_observations_are_named_with_their_values_and_the_label(rng, value):
    shifted = observed(rng, 300).where(lambda x: x > 0, value)
    data = read(shifted, controls(60, value))
    found = find_controls(data.summary)
    assert found.setting == ", ".join(f"{name} = {value:g}" for name in DRUGS)
    together = (shifted == value).all(axis=1).mean()
    assert found.share == pytest.approx((60 + 300 * together) / 360)
    for text in (str(data), data._repr_html_()):
        assert "CONTROLS AMONG OBS" in text
        assert "a+b+c" in text


@pytest.mark.parametrize("at_zero", [0.0, 0.15, 0.5, 0.8])
def test_rows_that_come_to_rest_one_by_one_are_left_alone(rng, at_zero):
    assert find_controls(read(observed(rng, 400, at_zero)).summary) is None


def test_controls_on_their_own_and_a_few_rows_are_left_alone(rng):
    assert find_controls(read(controls(100)).summary) is None  # at rest: another matter
    assert find_controls(read(observed(rng, 300), controls(9)).summary) is None


def test_actions_that_are_on_or_off_are_left_alone(rng):
    on = (observed(rng, 300) > 0).astype(float)
    assert find_controls(read(on, controls(100)).summary) is None


def test_settings_that_rows_of_a_cluster_share_are_left_alone(rng):
    assert find_controls(read(observed(rng, 12).loc[np.repeat(np.arange(12), 30)]).summary) is None


def test_labelled_by_all_that_is_held_they_are_no_matter(rng):
    data = read(observed(rng, 300))
    both = read(controls(60), regime="a+b+c")
    assert find_controls(data.summary.merge(both.summary)) is None


def test_a_summary_that_was_read_from_a_file_says_the_same(rng):
    summary = read(observed(rng, 300), controls(60)).summary
    stored = type(summary).from_dict(summary.to_dict(near=True))
    assert str(find_controls(stored)) == str(find_controls(summary))


def test_joint_rows_at_one_setting_identify_the_mean_there_only(rng):
    held, varied = controls(60), observed(rng, 60)
    model = ig.InterventionModel(ig.Polynomial(2))
    text = str(model.identify(read(held, regime="a+b+c")))
    assert "all rows of a+b+c are at a = 0, b = 0, c = 0" in text
    assert "one setting" not in str(model.identify(read(varied, regime="a+b+c")))
