"""Expected outcomes that cannot be are flagged in every answer, and never called supported."""

from dataclasses import replace

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.base.support_flags import IMPOSSIBLE
from bayes_intgen.cli.main import main
from tests.cases.outcome_kinds import ACTIONS, LINEAR, draw, make_data

GRID = {"a1": np.repeat(np.linspace(-2, 2, 9), 9), "a2": np.tile(np.linspace(-2, 2, 9), 9)}


def rare(a1, a2, c1, c2, rng):
    """0/1 with a mean of 0.15 (1 + tanh a_1) (1 + tanh a_2): next to nothing at negative values."""
    mean = 0.15 * (1 + np.tanh(2 * a1)) * (1 + np.tanh(2 * a2))
    return (rng.random(len(a1)) < mean).astype(float)


@pytest.fixture(scope="module")
def posterior():
    model = ig.InterventionModel(ig.Polynomial(3), structure=["a1", "a2"], interactions="none")
    return model.fit(make_data(rare, 800, 1), method="laplace", draws=200)


def test_means_below_zero_are_impossible(posterior):
    answer = posterior.expected_outcome(GRID, beyond="clamp")
    mean = answer.mean(("chain", "draw")).to_numpy()
    flags = answer["support"].to_numpy()
    assert (flags[mean < 0] == IMPOSSIBLE).all()
    assert (flags[(mean >= 0) & (mean <= 1)] != IMPOSSIBLE).all()
    assert 5 < (mean < 0).sum() < 60
    draws = answer.to_numpy().reshape(-1, 81)
    share = ((draws < 0) | (draws > 1)).mean(axis=0)
    np.testing.assert_allclose(answer["share_impossible"], share)
    assert ((share > 0.05) & (mean > 0)).any()  # told, though not flagged


def test_every_answer_says_so(posterior):
    answer = posterior.expected_outcome(GRID, beyond="clamp")
    flags = answer["support"].to_numpy()
    bad = int(np.flatnonzero(flags == IMPOSSIBLE)[0])
    good = int(np.flatnonzero(flags == "supported")[0])
    points = [{name: GRID[name][i] for name in ACTIONS} for i in (good, bad)]
    for at, baseline in (points, points[::-1]):
        found = posterior.contrast(at, baseline, beyond="clamp")
        assert found["support"].item() == IMPOSSIBLE
    assert posterior.table(GRID, beyond="clamp")["support"].tolist() == flags.tolist()
    assert posterior.predict(GRID, beyond="clamp")["support"].to_numpy().tolist() == flags.tolist()
    curve = posterior.dose_response("a1", [points[1]["a1"]], at={"a2": points[1]["a2"]})
    assert curve["support"].item() == IMPOSSIBLE
    split = posterior.decomposition(points[1])
    assert split["support"].item() == IMPOSSIBLE


def test_the_other_regimes_are_judged_by_their_own_means(posterior):
    for do in ([], ["a1"], ["a2"]):
        answer = posterior.expected_outcome(GRID, do, beyond="clamp")
        mean = answer.mean(("chain", "draw")).to_numpy()
        assert ((answer["support"].to_numpy() == IMPOSSIBLE) == ((mean < 0) | (mean > 1))).all()


def test_real_outcomes_and_old_files_have_no_range(posterior):
    regimes = {r: replace(part, outcome=None) for r, part in posterior.summary.regimes.items()}
    old = replace(posterior, summary=replace(posterior.summary, regimes=regimes))
    answer = old.expected_outcome(GRID, beyond="clamp")
    assert IMPOSSIBLE not in answer["support"].to_numpy()
    assert "share_impossible" not in answer.coords


def test_counts_have_no_upper_end():
    model = ig.InterventionModel(ig.Polynomial(1), structure=["a1", "a2"])
    fit = model.fit(make_data(LINEAR["poisson"], 100, 2), method="laplace", draws=50)
    far = fit.expected_outcome({"a1": 50.0, "a2": 50.0}, beyond="clamp")
    assert far.mean("draw").item() > 16
    assert far["support"].item() == "outside"
    low = fit.expected_outcome({"a1": -50.0, "a2": -50.0}, beyond="clamp")
    assert low["support"].item() == IMPOSSIBLE


def test_a_level_that_is_not_identified_is_not_judged(posterior):
    """A contrast may be known where the level is not: then the level is that of the prior."""
    known = {r: part for r, part in posterior.summary.regimes.items() if r != ("a2",)}
    other = replace(posterior, summary=replace(posterior.summary, regimes=known))
    points = ig.posterior.query.read_points(other, GRID)
    assert not ig.posterior.possible_means.has_impossible_mean(other, points, ("a1", "a2")).any()


def test_the_command_line_counts_them(posterior, tmp_path, capsys):
    posterior.save(tmp_path / "fit.nc")
    draw(rare, 50, 3, ("a1", "a2"))[ACTIONS].to_csv(tmp_path / "points.csv", index=False)
    main(["query", str(tmp_path / "fit.nc"), "--points", str(tmp_path / "points.csv")])
    shown = capsys.readouterr()
    assert "impossible: below 0 or above 1" in shown.err
    assert IMPOSSIBLE in shown.out


def test_pictures_show_them(posterior):
    figure = posterior.plot_support(GRID)
    assert IMPOSSIBLE in [text.get_text() for text in figure.legends[0].get_texts()]
