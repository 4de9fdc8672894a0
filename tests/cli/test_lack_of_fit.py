"""What the command line says of a fit that misses its own data."""

import json

import pandas as pd

from bayes_intgen.cli.main import main
from models import linear


def test_a_fit_that_misses_its_data_is_marked(tmp_path, capsys):
    """A parabola, fitted with straight lines."""
    frame = linear.make_data(300, random_seed=1)
    frame["y"] += 2 * frame["a1"] ** 2
    table, fit, points = (tmp_path / name for name in ("data.csv", "fit.nc", "points.csv"))
    frame.to_csv(table, index=False)
    pd.DataFrame({"a1": [0.0, 1.0], "a2": 0.0}).to_csv(points, index=False)
    command = ["fit", str(table), "--outcome", "y", "--actions", "a1,a2", "--method", "laplace"]
    command += ["--basis", "polynomial", "--degree", "1", "--out", str(fit)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fits_its_data"] is False
    assert found["lack_of_fit"][0]["variables"] == ["a1"]
    assert found["lack_of_fit"][0]["effect"] > 1
    assert main(command) == 0
    assert "LACK OF FIT" in capsys.readouterr().out
    assert main(["query", str(fit), "--points", str(points)]) == 0
    shown = capsys.readouterr()
    assert "misfit" in shown.out
    assert "2 of 2 points lie within the data, but the fit misses these" in shown.err
    assert "bayes-intgen query: LACK OF FIT" in shown.err
