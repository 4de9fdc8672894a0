"""The demonstration: a synthetic system, sampled, fitted and compared with its truth."""

import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_intgen.base.errors import FileError
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array
from bayes_intgen.cli import arguments
from bayes_intgen.cli.files import save_figure, save_table
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.plots.studies import plot_errors, plot_recovery, plot_response
from bayes_intgen.posterior.posterior import Posterior
from bayes_intgen.scm import PolynomialSCM, sample_polynomial_scm

__all__ = ["demonstrate"]

TEST_POINTS = 500
SHOWN_POINTS = 80


def demonstrate(options: argparse.Namespace) -> int:
    """Sample, fit, compare, save, and say in three lines what was found."""
    out = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"--out: cannot make the folder {str(out)!r}: {error}") from error
    scm = sample_polynomial_scm(options.n_actions, random_seed=options.seed)
    frame = scm.sample_regimes(scm.single_regimes, options.rows, random_seed=options.seed)
    save_table(frame, out / "data.csv")
    data = RegimeData.from_frame(frame, outcome=scm.outcome, actions=scm.actions)
    print(data, end="\n\n")

    posterior = InterventionModel().fit(data, **arguments.sampling(options))
    posterior.save(out / "fit.nc")

    points = scm.sample(TEST_POINTS, do=scm.actions, random_seed=options.seed + 1)
    points = points[list(scm.actions)]
    table = posterior.table(points, beyond="clamp")
    table.insert(len(scm.actions), "truth", scm.expected_outcome(points).to_numpy())
    naive = _observational_regression(posterior, data, points.to_numpy())
    table.insert(len(scm.actions) + 1, "observational", naive)
    save_table(table, out / "effects.csv")
    save_figure(_draw(scm, posterior, data, table), out / "demo.png")

    for line in _findings(scm, data, table):
        print(line)
    print(
        f"\n{posterior.convergence}\n{posterior.dependence}\n{posterior.additivity}\n{posterior.lack_of_fit}"
    )
    print(f"data.csv, fit.nc, effects.csv and demo.png are in {out}")
    return 0 if posterior.convergence.ok else 1


def _observational_regression(posterior: Posterior, data: RegimeData, values: Array) -> Array:
    """Predict by least squares on the observational rows alone, as a cubic of the actions."""
    rows = data.rows("obs")
    bases = freeze_bases(Polynomial(3), data.actions, posterior.summary)
    features = FeatureMap.within(bases, [data.actions])
    phi = features.evaluate(rows[:, :-1])
    coefficients = np.linalg.lstsq(phi, rows[:, -1], rcond=None)[0]
    return np.asarray(features.evaluate(values) @ coefficients)


def _findings(scm: PolynomialSCM, data: RegimeData, table: pd.DataFrame) -> list[str]:
    ours, naive = (rmse(table[name], table["truth"]) for name in ("mean", "observational"))
    covered = coverage(table["lower"], table["upper"], table["truth"])
    beyond = float((table["support"] != SUPPORTED).mean())
    joint = ", ".join(scm.actions)
    return [
        f"Seen: {data.n_rows:,} rows, observational or with ONE action set; never two at once.",
        f"Asked: E[{scm.outcome} | do({joint})] at {len(table)} joint settings. Error: "
        f"posterior {ours:.3g}, observational regression {naive:.3g} ({naive / ours:.0f} times).",
        f"Trust: 90% intervals hold the truth at {covered:.0%} of the settings; {beyond:.0%} of "
        f"them lie beyond the support of the data.",
    ]


def _draw(
    scm: PolynomialSCM, posterior: Posterior, data: RegimeData, table: pd.DataFrame
) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    some = table.iloc[:SHOWN_POINTS]
    posterior_curves = ("mean", "lower", "upper")
    plot_recovery(
        axes[0],
        some["truth"].to_numpy(),
        {name: some[name].to_numpy() for name in posterior_curves},
        some["observational"].to_numpy(),
        scm.outcome,
    )
    axes[0].set_title(f"All {len(scm.actions)} actions set at once")

    # the action whose observational slope is furthest from its causal one
    effects = posterior.effects()
    action = str((effects["observational"] - effects["mean"]).abs().idxmax())
    centre = {name: posterior.summary.scales[name].centre for name in scm.actions}
    low, high = np.quantile(data.rows(action)[:, scm.actions.index(action)], [0.01, 0.99])
    grid = np.linspace(float(low), float(high), 60)
    line = pd.DataFrame({**centre, action: grid}, columns=list(scm.actions))
    curves = posterior.table(line)
    plot_response(
        axes[1],
        grid,
        {name: curves[name].to_numpy() for name in posterior_curves},
        scm.expected_outcome(line).to_numpy(),
        _observational_regression(posterior, data, line.to_numpy()),
        action,
        scm.outcome,
    )
    axes[1].set_title(f"Moving {action}, the others held at their means")

    names = {
        "observational": "observational\nregression",
        "mean": "posterior\n(one action\nat a time)",
    }
    errors = {label: rmse(table[name], table["truth"]) for name, label in names.items()}
    plot_errors(axes[2], errors, scm.outcome)
    axes[2].set_title("Error of the joint effect")
    figure.suptitle("What happens when several levers are set at once, learned from one at a time")
    return figure
