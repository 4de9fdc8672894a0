"""How many files of the package a reader has to open to follow one call."""

import sys
from pathlib import Path

import pytest

import bayes_intgen as ig
from bayes_intgen import InterventionModel, RegimeData  # loaded before files are counted

ROOT = str(Path(ig.__file__).parent)
MOST_TO_A_POSTERIOR, MOST_OF_VERDICTS = 50, 13  # the verdicts on a fit are counted apart
MOST_OF_A_QUERY = 16


def files_entered(function):
    """Call a function; return the files of the package that are entered, and their functions."""
    entered = {}

    def note(frame, event, argument):
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(ROOT):
            name = str(Path(path).relative_to(ROOT))
            entered.setdefault(name, set()).add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return entered


def require_at_most(entered, most):
    """Fail with the list of files if there are too many."""
    lines = [f"{name}: {', '.join(sorted(functions))}" for name, functions in entered.items()]
    assert len(entered) <= most, "\n".join([f"{len(entered)} files, at most {most}:", *lines])


@pytest.fixture(scope="module")
def posterior():
    """A fit with all defaults, as the demonstration makes it."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    frame = scm.sample_regimes(["obs", "a1", "a2", "a3"], n=1000, random_seed=2)
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2", "a3"])
    return ig.InterventionModel(ig.HSGP(m=8, m_pair=4)).fit(data, method="laplace", draws=50)


def test_few_files_lie_between_a_table_and_its_posterior():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)

    def fit():
        data = RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        return InterventionModel().fit(data, method="laplace")

    entered = files_entered(fit)
    judging = {name for name in entered if name.startswith("inference/verdicts/")}
    for names, most in (
        (entered.keys() - judging, MOST_TO_A_POSTERIOR),
        (judging, MOST_OF_VERDICTS),
    ):
        require_at_most({name: entered[name] for name in names}, most)


def test_a_query_enters_few_files(posterior):
    at = {"a1": [0.0, 0.1], "a2": 0.1, "a3": 0.0}
    entered = files_entered(lambda: posterior.expected_outcome(at))
    assert len(entered) > 5  # the count sees something
    require_at_most(entered, MOST_OF_A_QUERY)


def test_too_many_files_are_listed():
    entered = files_entered(lambda: ig.identify(["obs", "a", "b"], "a+b"))
    with pytest.raises(AssertionError, match=r"(?s)at most 1:.*identify\.py: .*_identify"):
        require_at_most(entered, 1)
