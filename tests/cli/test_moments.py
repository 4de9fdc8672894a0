"""The commands moments, merge, and fit on moments."""

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main


@pytest.fixture
def days(tmp_path):
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    rows = scm.sample_regimes(scm.single_regimes, n=400, random_seed=3).sample(
        frac=1, random_state=1
    )
    paths = [tmp_path / "day1.parquet", tmp_path / "day2.csv"]
    rows.iloc[:900].to_parquet(paths[0])
    rows.iloc[900:].to_csv(paths[1], index=False)
    return paths


def test_day_by_day(days, tmp_path, capsys):
    first, second, both, out = (tmp_path / name for name in ("1.npz", "2.npz", "3.npz", "fit.nc"))
    columns = ["--outcome", "y", "--actions", "a1,a2"]
    assert main(["moments", str(days[0]), *columns, "--out", str(first)]) == 0
    assert main(["moments", str(days[1]), "--like", str(first), "--out", str(second)]) == 0
    assert main(["merge", str(first), str(second), "--out", str(both)]) == 0
    shown = capsys.readouterr().out
    assert "1,200 rows" in shown
    assert "obs: 400 rows" in shown
    merged = ig.Moments.load(both)
    whole = ig.Moments.from_data(days, like=ig.Moments.load(first))
    for regime in whole.regimes:
        gram = whole.regression(regime).gram
        np.testing.assert_allclose(
            merged.regression(regime).gram, gram, atol=1e-11 * np.abs(gram).max()
        )
    arguments = ["--method", "laplace", "--draws", "50", "--out", str(out)]
    assert main(["fit", str(both), *arguments]) == 0
    assert "from 1,200 rows in the regimes obs, a1, a2" in capsys.readouterr().out
    assert ig.load(out).summary.regimes[()].moments.n == 400


def test_without_single_rows(days, tmp_path, capsys):
    path, out = tmp_path / "m.npz", tmp_path / "fit.nc"
    columns = ["--outcome", "y", "--actions", "a1,a2", "--structure", "a1>a2"]
    assert main(["moments", str(days[0]), *columns, "--no-rows", "--out", str(path)]) == 0
    fit = ["fit", str(path), "--method", "laplace", "--out", str(out)]
    assert main(fit) == 2
    assert "--structure learned needs rows" in capsys.readouterr().err
    assert main([*fit, "--structure", "a1>a2"]) == 0


def test_what_does_not_go_together(days, tmp_path, capsys):
    path, out = tmp_path / "m.npz", tmp_path / "n.npz"
    columns = ["--outcome", "y", "--actions", "a1,a2"]
    assert main(["moments", str(days[0]), "--out", str(path)]) == 2
    assert "--outcome, --actions: name the columns" in capsys.readouterr().err
    assert main(["moments", str(days[0]), *columns, "--out", str(path)]) == 0
    assert main(["moments", str(days[1]), *columns, "--like", str(path), "--out", str(out)]) == 2
    assert "--like settles columns and basis" in capsys.readouterr().err
    assert main(["fit", str(path), *columns, "--out", str(tmp_path / "fit.nc")]) == 2
    assert "--outcome goes with a table" in capsys.readouterr().err
    assert main(["moments", str(path), "--like", str(path), "--out", str(path)]) == 2
    assert "is the input itself" in capsys.readouterr().err
