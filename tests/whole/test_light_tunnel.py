"""Real measurements: a light tunnel in which two lamps were set one at a time, then together.

Data of Gamella, Peters and Bühlmann (Nature Machine Intelligence, 2025); they stand beside the
repository where it is developed and are not part of it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_intgen.base.metrics import rmse
from bayes_intgen.cli.main import main

DATA = Path(__file__).parents[3] / "shared" / "data" / "light_tunnel_pairwise.csv"


@pytest.mark.skipif(not DATA.exists(), reason="the measurements are not part of the repository")
def test_joint_effect_is_recovered_by_the_command_line_with_nuts(tmp_path):
    """At most 3735; observational 4102, pooled 3875, ridge 3743, cubic on these rows 3684."""
    rows = pd.read_csv(DATA)
    joint = rows["regime"] == "blue+green"
    table, points = tmp_path / "table.csv", tmp_path / "points.csv"
    rows[~joint].to_csv(table, index=False)
    rows[joint].drop(columns="ir_1").to_csv(points, index=False)
    fit, effects = tmp_path / "fit.nc", tmp_path / "effects.csv"
    columns = ["--outcome", "ir_1", "--actions", "blue,green", "--regime", "regime"]
    assert main(["fit", str(table), *columns, "--out", str(fit)]) == 0
    assert main(["query", str(fit), "--points", str(points), "--out", str(effects)]) == 0
    answer = pd.read_csv(effects)
    measured = rows.loc[joint, "ir_1"].to_numpy()
    assert rmse(answer["mean"], measured) <= 3735
    observational = tmp_path / "observational.csv"
    query = ["query", str(fit), "--points", str(points), "--do", "none"]
    assert main([*query, "--out", str(observational)]) == 0
    assert rmse(pd.read_csv(observational)["mean"], measured) > 4000
    assert np.isfinite(answer[["mean", "sd", "lower", "upper"]]).all().all()
