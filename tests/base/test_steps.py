"""Steps of long work are told as they begin; short work says nothing."""

import io
from time import sleep

from bayes_intgen.base.steps import Steps

STEPS = ("fit", "fit again", "test")


def told(patience, pauses, show=True):
    stream = io.StringIO()
    with Steps("check", STEPS, show, stream, patience) as steps:
        for step, pause in pauses:
            steps.begin(step)
            sleep(pause)
    return stream.getvalue().splitlines()


def test_short_work_says_nothing():
    assert told(30.0, [("fit", 0.0), ("test", 0.0)]) == []


def test_long_work_tells_the_step_under_way_and_those_that_follow():
    lines = told(0.2, [("fit", 0.0), ("fit again", 0.6), ("test", 0.0)])
    assert lines == ["check: fit again (step 2 of 3)", "check: test (step 3 of 3)"]


def test_nothing_is_said_if_nobody_wants_it():
    assert told(0.0, [("fit", 0.1), ("test", 0.0)], show=False) == []
