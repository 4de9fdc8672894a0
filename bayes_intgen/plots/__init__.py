"""Pictures: functions of arrays that draw on the axes they are given and return them.

None of them shows or saves anything, and none makes a figure unless it was given no axes.
"""

from bayes_intgen.plots.best import plot_budget, plot_marginals
from bayes_intgen.plots.curves import plot_components, plot_curve
from bayes_intgen.plots.forest import plot_forest
from bayes_intgen.plots.studies import (
    plot_coverage,
    plot_error_parts,
    plot_errors,
    plot_recovery,
    plot_response,
    plot_structure,
)
from bayes_intgen.plots.style import BLACK, BLUE, GREEN, ORANGE
from bayes_intgen.plots.surface import plot_surface
from bayes_intgen.plots.truth import plot_against_truth

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "plot_against_truth",
    "plot_budget",
    "plot_components",
    "plot_coverage",
    "plot_curve",
    "plot_error_parts",
    "plot_errors",
    "plot_forest",
    "plot_marginals",
    "plot_recovery",
    "plot_response",
    "plot_structure",
    "plot_surface",
]
