"""Check that rows are those that a posterior was fitted to, as far as its summary tells."""

from typing import Any

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["require_same_data"]


def require_same_data(posterior: Any, data: Any) -> None:
    """Refuse other objects, draws from the prior, and rows of other columns, levels or counts."""
    if not isinstance(posterior, Posterior):
        raise ModelError(
            f"posterior must be a Posterior, got {type(posterior).__name__}; make one with "
            f"InterventionModel().fit(data)."
        )
    if not isinstance(data, RegimeData):
        raise ModelError(
            f"data must be the RegimeData of the fit, whose rows are needed, got "
            f"{type(data).__name__}; make one with RegimeData.from_frame."
        )
    if posterior.convergence.method == "prior":
        raise ModelError("posterior: these are draws from the prior; fit the data first.")
    summary = posterior.summary
    counts = {r: part.moments.n for r, part in summary.regimes.items()}
    given = {r: part.n for r, part in data.summary.regimes.items()}
    if counts != given or not summary.has_columns_of(data.summary):
        rows = {format_regime(regime): n for regime, n in counts.items()}
        found = {format_regime(regime): n for regime, n in given.items()}
        raise ModelError(
            f"data: the posterior was fitted to other rows: {list(summary.columns)} with {rows} "
            f"rows, the data have {[*data.variables, data.outcome]} with {found}."
        )
