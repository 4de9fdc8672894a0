"""How many files of the package a reader passes through between the rows and the answer."""

import sys
from pathlib import Path

import bayes_intgen as ig

ROOT = Path(ig.__file__).parent
MOST_TO_A_POSTERIOR = 40


def files_entered(function):
    """Return the files of the package of which some function is entered during a call."""
    entered = set()

    def note(frame, event, _):
        if event == "call":
            entered.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    paths = (Path(name) for name in entered)
    return sorted(str(path.relative_to(ROOT)) for path in paths if path.is_relative_to(ROOT))


def make_frame():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    return scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)


def fit(frame):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return ig.InterventionModel().fit(data, method="laplace")


def test_files_from_a_table_to_a_posterior():
    frame = make_frame()
    files = files_entered(lambda: fit(frame))
    print(*files, sep="\n")
    assert len(files) <= MOST_TO_A_POSTERIOR, files
