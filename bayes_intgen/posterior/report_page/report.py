"""A report to send: one HTML file that answers questions offline."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bayes_intgen.base.arguments import read_path
from bayes_intgen.base.files import replacing
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.report_page.content import gather
from bayes_intgen.posterior.report_page.render import render

__all__ = ["report"]


def report(
    fit: Fitted,
    path: str | Path,
    do: str | Iterable[str] | None = None,
    at: Mapping[str, Any] | None = None,
    checks: Any = None,
) -> None:
    """Write one HTML page that opens offline and answers as this posterior does.

    It has a control per action, and computes the expected outcome, its interval and its support
    from the draws within it: where a control can stand, the numbers are those of :meth:`table`, to
    a millionth of the interval. Beside them are a baseline to compare with, curves along each
    action, the decomposition, the best setting under bounds and a budget, the verdicts on the fit
    (what is bad first), the assumptions, and its data as CSV. The page loads nothing and sends
    nothing.

    Parameters
    ----------
    path
        The file; an existing one is replaced in one step.
    do
        The actions that are set; by default all of them, or those of the fit's target if the data
        do not identify the effect of all. The others have controls too, for what is seen.
    at
        Where the controls and the baseline start, and where covariates are held throughout; those
        not given are at their means over the regimes (weighted equally; in a gap between values
        that experiments set, at the nearer of these) or most frequent levels.
    checks
        The result of :func:`bayes_intgen.check`, to be told among the verdicts.

    Raises
    ------
    QueryError
        If ``do`` or ``at`` cannot be read.
    NotIdentifiedError
        If the data do not identify the effects.
    FileError
        If the folder does not exist or cannot be written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "report.html"
    ...     posterior.report(path)
    ...     path.read_text(encoding="utf-8").startswith("<!doctype html>")
    True
    """
    target = read_path(path)
    with one_blas_thread():
        page = render(gather(fit, do, at, checks))
    with replacing(target) as draft:
        draft.write_text(page, encoding="utf-8")
