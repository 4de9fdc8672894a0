"""The answer of causal aggregation beside that of the sum rule, where the two contradict.

Each action goes from the first to the ninth decile of its own experiment (a categorical one from
its first to its last level), the others staying at their medians (or first levels).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.aggregation import CausalAggregation
from bayes_intgen.baselines.fitted_aggregation import FittedAggregation
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.problem import Problem

__all__ = ["SaferAnswer", "answer_safely"]

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9


@dataclass(frozen=True)
class SaferAnswer:
    """What causal aggregation says where a confounder is shared and modifies nothing.

    Parameters
    ----------
    fit
        The fit of causal aggregation, for any joint setting.
    table
        A row per action: ``action``, ``start`` and ``end``, and the change of the expected outcome
        from one to the other by the ``sum_rule`` and by ``aggregation``, with
        ``sum_rule_sd`` and ``aggregation_sd``.
    """

    fit: FittedAggregation
    table: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        shown = self.table.to_string(index=False, float_format=lambda value: f"{value:.3g}")
        return (
            "If the confounder is shared and modifies nothing, causal aggregation is right and the "
            f"sum rule is not. Changes of the expected outcome by either:\n{shown}"
        )


def answer_safely(problem: Problem, mode: Array, data: RegimeData, blocks: Blocks) -> SaferAnswer:
    """Fit causal aggregation and put its effects beside those of a fit.

    ``problem`` and ``mode``: the fit that is judged, and its hyperparameters.
    """
    fit = CausalAggregation(blocks=blocks).fit(data)
    given, design = problem.conditional(mode), problem.design
    joint = design.active(design.actions)
    ends = {name: _ends(data, name) for name in data.actions}
    middle = {name: own[1] for name, own in ends.items()}
    rows = []
    for name in data.actions:
        start, end = ({**middle, name: ends[name][i]} for i in (0, 2))
        codes = np.array([[one[action] for action in data.actions] for one in (start, end)])
        phi = design.features.evaluate(codes)[:, design.positions] * joint
        step = (phi[1] - phi[0])[None, :]
        unit = problem.moments.outcome_scale.spread
        ours = unit * float((step @ given.mean)[0])
        ours_sd = unit * float(np.sqrt(given.variance_of(step)[0]))
        texts = [_in_own_units(one, data) for one in (start, end)]
        theirs = fit.contrast(texts[1], texts[0])
        rows.append(
            [
                name,
                texts[0][name],
                texts[1][name],
                *(ours, ours_sd, float(theirs[0]), float(theirs["sd"][0])),
            ]
        )
    columns = ["action", "start", "end", "sum_rule", "sum_rule_sd", "aggregation", "aggregation_sd"]
    return SaferAnswer(fit, pd.DataFrame(rows, columns=columns))


def _ends(data: RegimeData, name: str) -> tuple[float, float, float]:
    """Return the settings of an action that are compared, in codes if it is categorical."""
    if name in data.levels:
        return 0.0, 0.0, float(len(data.levels[name]) - 1)
    column = data.actions.index(name)
    tested = [r for r in data.regimes if name in r]
    rows = np.concatenate([data.summary.regimes[r].sample.rows[:, column] for r in tested])
    low, middle, high = np.quantile(rows, [LOW, MIDDLE, HIGH]).tolist()
    return low, middle, high


def _in_own_units(setting: dict[str, float], data: RegimeData) -> dict[str, object]:
    levels = data.levels
    return {
        name: levels[name][int(value)] if name in levels else value
        for name, value in setting.items()
    }
