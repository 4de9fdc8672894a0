"""Fits of many outcomes: each that of its own, resumable to the byte, failures named."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from bayes_intgen.studies.many_outcomes import unit as unit_file

ACTIONS = ["a1", "a2"]
AT, BASE = {"a1": [0.2, 0.4], "a2": 0.1}, {"a1": 0.0, "a2": 0.0}
MODEL = ig.InterventionModel(ig.Polynomial(2))


@pytest.fixture(scope="module")
def table():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(["obs", *ACTIONS], n=150, random_seed=2)
    rng = np.random.default_rng(3)
    return frame.assign(
        scaled=1000 * frame["y"] + 5,
        counts=rng.poisson(2 + frame["a1"].abs()),
        same=1.0,
        computed=frame["a1"] - frame["a2"],
    )


@pytest.fixture(scope="module")
def many(table):
    outcomes = ["y", "scaled", "counts", "same", "computed"]
    return ig.RegimeData.from_frame(table, outcomes, ACTIONS)


def run(many, out, **options):
    return ig.fit_outcomes(many, MODEL, out=out, workers=1, progressbar=False, **options)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="module")
def fits(many, out):
    return run(many, out)


@pytest.fixture(scope="module")
def single(table):
    data = ig.RegimeData.from_frame(table, "scaled", ACTIONS)
    return MODEL.fit(data, method="laplace", progressbar=False)


def test_each_answer_is_that_of_the_fit_of_its_own(fits, single):
    for answer, own in (
        (fits.contrast(AT, BASE), single.contrast(AT, BASE)),
        (fits.expected_outcome(AT, do=["a1"]), single.expected_outcome(AT, do=["a1"])),
        (fits.probability(AT, BASE), single.probability(AT, BASE)),
    ):
        mine = answer.sel(outcome="scaled")
        assert mine.dims == own.dims
        assert_allclose(mine.to_numpy(), own.to_numpy(), rtol=1e-8)
        assert mine["support"].to_numpy().tolist() == own["support"].to_numpy().tolist()
    effects, own = fits.effects().sel(outcome="scaled"), single.effects()
    for name in ("mean", "lower", "upper", "observational", "from", "to"):
        assert_allclose(effects[name].to_numpy(), own[name].to_numpy(dtype=float), rtol=1e-8)
    table = fits.table(AT).loc["scaled"]
    pd.testing.assert_frame_equal(table, single.table(AT), rtol=1e-8)
    assert str(fits.posterior("scaled").convergence) == str(single.convergence)
    assert fits.verdicts.loc["counts", "kind"] == "count"


def test_what_cannot_be_fitted_is_named_and_stops_no_other(fits):
    assert fits.names == ("y", "scaled", "counts")
    assert "exact function of the actions" in fits.failed["computed"]
    assert "is 1 in every row" in fits.excluded["same"]
    for text in ("not fitted: computed", "left out: same"):
        assert text in str(fits)
    with pytest.raises(ig.QueryError, match="'computed' was not fitted: data: in regime"):
        fits.posterior("computed")
    with pytest.raises(ig.QueryError, match="'sales' was not fitted; there are 'y'"):
        fits.posterior("sales")


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_study_that_was_stopped_goes_on_to_the_same_bytes(many, out, fits, tmp_path, monkeypatch):
    """Stopped after the first fit, with a file lost, and gone on with."""
    finished, real = [], unit_file.write_outcome

    def stop(fit, path):
        if finished:
            raise KeyboardInterrupt
        finished.append(fit.outcome)
        real(fit, path)

    with monkeypatch.context() as patched:
        patched.setattr(unit_file, "write_outcome", stop)
        with pytest.raises(KeyboardInterrupt):
            run(many, tmp_path)
    with pytest.raises(ig.FileError, match="goes on where it was stopped"):
        ig.load_outcomes(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(
            unit_file, "write_outcome", lambda f, p: (finished.append(f.outcome), real(f, p))
        )
        run(many, tmp_path)
    assert finished == ["y", "scaled", "counts"]  # each once
    assert files(tmp_path) == files(out)
    lost = next((tmp_path / "fits").glob("counts-*.npz"))
    lost.unlink()
    run(many, tmp_path)
    assert files(tmp_path) == files(out)


def test_other_options_are_never_taken_for_done(many, out, fits):
    before = files(out)
    other = run(many, out, draws=100)
    assert other.contrast(AT, BASE).sizes["draw"] == 100
    run(many, out)
    assert files(out).items() >= before.items()


def test_a_damaged_fit_is_an_error_that_names_it(many, fits, tmp_path):
    own = run(many, tmp_path, draws=10)
    path = tmp_path / own.files[0]
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ig.FileError, match="is missing or damaged"):
        own.posterior("y")
    listed = tmp_path / "outcomes.json"
    listed.write_text(json.dumps({"format": "other"}))
    with pytest.raises(ig.FileError, match="is damaged"):
        ig.load_outcomes(tmp_path)


def test_discoveries_are_sorted_and_hold_for_the_units_of_each_outcome(fits):
    found = fits.discoveries(0.2, AT, BASE)
    assert found.index.names == ["outcome", "point"]
    assert found["false_sign"].is_monotonic_increasing
    assert (found["q"] <= found["false_sign"] + 1e-12).all()
    assert (found["discovery"] == (found["q"] <= 0.2)).all()
    y, scaled = (found.xs(name) for name in ("y", "scaled"))
    assert_allclose(scaled["mean"], 1000 * y["mean"], rtol=1e-6)
    assert_allclose(scaled["false_sign"], y["false_sign"], rtol=1e-4)
    assert fits.discoveries().index.names == ["outcome"]
    with pytest.raises(ig.QueryError, match="give both"):
        fits.discoveries(at=AT)
    with pytest.raises(ig.QueryError, match="level"):
        fits.discoveries(1.5)
    with pytest.raises(ig.QueryError, match="nothing moves"):
        fits.discoveries(at=BASE, baseline=BASE)


def test_pictures_name_outcomes(fits):
    forest, heat = fits.plot_forest(), fits.plot_heat_map()
    assert {text.get_text() for text in heat.get_yticklabels()} <= {*fits.names}
    assert "spread" in forest.get_xlabel()
    assert heat.images[0].get_array().shape == (3, 2)


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("one", {}, "data must be ManyOutcomes"),
        ("many", {"workers": 0}, "workers"),
        ("many", {"method": "mcmc"}, "method"),
        ("many", {"target": "a9"}, "target"),
    ],
)
def test_bad_arguments_are_refused_by_name(many, tmp_path, data, options, words):
    given = many if data == "many" else many["y"]
    with pytest.raises(ig.BayesIntgenError, match=words):
        ig.fit_outcomes(given, MODEL, out=tmp_path, progressbar=False, **options)


def test_the_command_line_fits_and_asks_many(table, tmp_path, capsys):
    rows, out = tmp_path / "rows.csv", tmp_path / "out"
    table.to_csv(rows, index=False)
    fit = ["fit", str(rows), "--outcome", "y,s*", "--actions", "a1,a2", "--out", str(out)]
    quick = ["--method", "laplace", "--draws", "50", "--basis", "polynomial", "--cores", "1"]
    assert main([*fit, *quick]) in (0, 1)
    said = capsys.readouterr().out
    assert "left out: same" in said
    assert "outcomes respond" in said
    assert {"outcomes.json", "effects.csv", "discoveries.csv"} <= {p.name for p in out.iterdir()}
    points = tmp_path / "points.csv"
    points.write_text("a1,a2\n0.1,0.0\n")
    assert main(["query", str(out), "--points", str(points), "--json"]) in (0, 1)
    assert [row["outcome"] for row in json.loads(capsys.readouterr().out)] == ["y", "scaled"]
