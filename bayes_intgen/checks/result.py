"""The result of the suite of checks: a verdict, a table, a text and a picture."""

from dataclasses import dataclass, field
from math import isfinite

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.checks.finding import Finding
from bayes_intgen.checks.safer_answer import SaferAnswer
from bayes_intgen.design.interactions import INTERACTIONS, InteractionClass, Interactions
from bayes_intgen.plots.checks import plot_checks

__all__ = ["Checks"]

CAVEAT = (
    "Passing proves nothing: systems that break the assumptions can agree with sound ones on every "
    "regime at hand (Example 1 of the paper)."
)
TITLES = {
    "additivity": "additivity of the causal part",
    "bias": "bias depends on an action and its parents only",
    "scale": "effects add up on the outcome's own scale",
    "mechanism": "mechanisms of actions are the same in all regimes",
    "variance": "variance obeys the sum rule",
    "surplus": "surplus experiments are predicted by the others",
    "sharing": "single experiments show the effects that the sum rule gives",
}
SHOWN = 3


@dataclass(frozen=True)
class Checks:
    """The result of :func:`bayes_intgen.check`.

    Parameters
    ----------
    interactions
        The interactions that were judged: ``"learned"``, ``"none"``, ``"pairwise"`` or ``"all"``.
    needed_interactions
        The narrowest that allow what is seen.
    findings
        Every test.
    safer
        Where a confounder seems to be shared and to modify nothing: the answer of causal
        aggregation, which is right then, as the sum rule is not; else None.

    Examples
    --------
    >>> checks = ig.check(data)
    >>> checks.passed, checks.rung_suffices, checks.needed_interactions
    (True, True, 'none')
    >>> checks.failed, checks.violations, checks.safer
    ((), (), None)
    >>> list(checks.table.columns[:4])
    ['check', 'subject', 'verdict', 'statistic']
    """

    interactions: Interactions
    needed_interactions: InteractionClass
    findings: tuple[Finding, ...] = field(repr=False)
    safer: SaferAnswer | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        """Whether no test failed and the interactions are wide enough.

        False at ``interactions="none"`` for data that need wider ones: judge those, with which
        interactions are no failure.
        """
        return not self.failed and self.rung_suffices

    @property
    def rung_suffices(self) -> bool:
        """Whether the interactions that were judged allow those that are seen."""
        judged = self.interactions
        if judged == "learned":
            return True
        return INTERACTIONS.index(self.needed_interactions) <= INTERACTIONS.index(judged)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The tests that failed, those least likely by chance first."""
        failed = [finding for finding in self.findings if finding.failed]
        return tuple(sorted(failed, key=lambda finding: finding.p_value / finding.level))

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The failed tests that say more than that wider interactions are needed.

        With ``"all"`` the variance is free as well; mechanisms and surplus experiments bind always.
        """
        return tuple(f for f in self.failed if f.check not in ("additivity", "bias"))

    @property
    def table(self) -> pd.DataFrame:
        """A row per test.

        ``check``, ``subject``, ``verdict`` (failed, allowed, passed or not testable),
        ``statistic``, ``null`` (its distribution if nothing is wrong), ``p_value`` (not adjusted),
        ``level`` (of this test), ``effect`` (outcome's unit), ``relative`` and ``least`` (share of
        a natural spread, and the least that is called a failure), ``meaning`` (what a failure would
        mean and what to do).
        """
        columns = [
            *("check", "subject", "verdict", "statistic", "null", "p_value", "level"),
            *("effect", "relative", "least", "meaning"),
        ]
        rows = [[getattr(finding, name) for name in columns] for finding in self.findings]
        return pd.DataFrame(rows, columns=columns)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the p-value of every test over its level, by check.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.

        Examples
        --------
        >>> ax = ig.check(data).plot()
        >>> ax.get_xlabel()
        'p-value / level (1e-12: or less)'
        >>> plt.close()
        """
        axes = ax if ax is not None else plt.subplots(figsize=(8, 4), layout="constrained")[1]
        tested = [f for f in self.findings if f.tested]
        present = [title for name, title in TITLES.items() if any(f.check == name for f in tested)]
        return plot_checks(
            axes,
            [present.index(TITLES[f.check]) for f in tested],
            [f.p_value / f.level for f in tested],
            [
                "small" if f.verdict == "passed" and f.p_value <= f.level else f.verdict
                for f in tested
            ],
            present,
        )

    def __str__(self) -> str:
        judged = f"interactions={self.interactions!r}"
        if self.passed:
            head = f"CHECKS PASSED at {judged}: nothing is seen that they do not allow."
        elif self.violations and all(f.check == "variance" for f in self.violations):
            head = (
                f"CHECKS FAILED at {judged}: the spread of the outcome breaks the sum rule, which "
                f"only interactions='all' allows."
            )
        elif self.violations:
            head = (
                f"CHECKS FAILED at {judged}: assumptions are violated that no choice of "
                f"interactions repairs."
            )
        else:
            head = (
                f"CHECKS FAILED at {judged}: the data need wider ones "
                f"({self.needed_interactions!r}); fit with interactions='learned', and check that."
            )
            if not self.failed:
                head += " No pair of actions stands out: many interact a little, together clearly."
        needed = f"interactions={self.needed_interactions!r}"
        lines = [head, f"Of interactions and biases, {needed} or 'learned' allows what is seen."]
        for name, title in TITLES.items():
            own = [finding for finding in self.findings if finding.check == name]
            if own:
                lines += ["", f"{title}: {_summarise(own)}"]
                lines += [f"  {_describe(f)}" for f in self.failed if f.check == name][:SHOWN]
        if self.safer is not None:
            lines += ["", str(self.safer)]
        return "\n".join([*lines, "", CAVEAT])

    def _repr_html_(self) -> str:
        head, needed, *_ = str(self).split("\n")
        columns = ["check", "subject", "verdict", "p_value", "level", "effect"]
        worst = [f"{f.check}: {_describe(f)}" for f in self.failed[:SHOWN]]
        beside = [str(self.safer).split("\n")[0]] if self.safer else []
        return html_block(
            head if self.passed else "Checks of the assumptions",
            [needed, *beside, CAVEAT],
            [
                html_frame(self.table[columns], index=False),
                *([html_frame(self.safer.table, index=False)] if self.safer else []),
            ],
            [head, *worst] if not self.passed else (),
        )


def _summarise(findings: list[Finding]) -> str:
    tested = [finding for finding in findings if finding.tested]
    if not tested:
        return findings[0].meaning
    failed = sum(finding.failed for finding in tested)
    allowed = sum(finding.verdict == "allowed" for finding in tested)
    least = min(tested, key=lambda finding: finding.p_value / finding.level)
    count = f"{len(tested)} test{'s' if len(tested) > 1 else ''}"
    verdict = f"{failed} of {count} failed" if failed else f"{count} passed"
    more = f", {allowed} of them because the model allows what is seen" if allowed else ""
    return f"{verdict}{more} (least p {least.p_value:.2g} against {least.level:.2g})"


def _describe(finding: Finding) -> str:
    size = f", {finding.effect:.3g} in units of the outcome" if isfinite(finding.effect) else ""
    return f"{finding.subject} (p {finding.p_value:.1g}{size}): {finding.meaning}"
