"""What the page says in words: the question, the verdicts on the fit, and what is assumed."""

from dataclasses import dataclass
from typing import Any

from bayes_intgen.base.blocks import format_blocks
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.data.mixed_controls import find_controls
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.prior_sensitivity import judge_prior

__all__ = ["Verdict", "assumptions", "name_outcome", "question", "rows_used", "verdicts"]


CHECK_APART = (
    "the checks of bayes_intgen.check take the rows, and are part of the page if it is made with "
    "checks=bayes_intgen.check(data, posterior), or with --check DATA on the command line"
)


@dataclass(frozen=True)
class Verdict:
    """What one check says of the fit; ``ok`` is None where it was not made."""

    about: str
    ok: bool | None
    text: str


def question(fit: Fitted, regime: Regime, level: bool) -> str:
    """Say in a sentence what is asked."""
    seen = [action for action in fit.actions if action not in regime]
    what = _series(regime) if regime else "nothing"
    given = f", where {_series(seen)} {'is' if len(seen) == 1 else 'are'} seen" if seen else ""
    start = f"What is {fit.outcome} on average" if level else f"How does {fit.outcome} change"
    return f"{start} when {what} {'are' if len(regime) > 1 else 'is'} set{given}?"


def rows_used(fit: Fitted) -> list[tuple[str, str, int]]:
    """Return each kind of rows: its label, what was set in it, and how many there are."""
    return [
        (format_regime(regime), _series(regime) if regime else "nothing (observations)", part.n)
        for regime, part in fit.summary.regimes.items()
    ]


def verdicts(fit: Fitted, regime: Regime, checks: Any = None) -> list[Verdict]:
    """Return what each check says, what is bad first, then what was not checked.

    ``checks``: the result of :func:`bayes_intgen.check`, if there is one.
    """
    found = [Verdict("Computation", fit.convergence.ok, str(fit.convergence))]
    untested = "not checked, which takes the rows"
    for about, check in (
        ("Interactions", fit.additivity),
        ("Fit to the data", fit.lack_of_fit),
    ):
        if check is None:
            found.append(Verdict(about, None, untested))
        else:
            found.append(Verdict(about, check.ok, str(check)))
    if fit.additive_scale is not None:
        found.append(Verdict("Scale", fit.additive_scale.ok, str(fit.additive_scale)))
    if fit.lifts is not None:
        found.append(Verdict("Lift tests", fit.lifts.ok, str(fit.lifts)))
    if fit.learned is not None:
        conflicts = fit.learned.conflicts
        text = "; ".join(f"CONFLICT: {c}" for c in conflicts) if conflicts else str(fit.learned)
        found.append(Verdict("Dependences between actions", not conflicts, text))
    controls = find_controls(fit.summary)
    if controls is not None:
        found.append(Verdict("Labels of rows", False, str(controls)))
    found.append(_judge_priors(fit, regime))
    if checks is None:
        found.append(Verdict("Falsification", None, CHECK_APART))
    else:
        found.append(Verdict("Falsification", bool(checks.passed), str(checks)))
    misfit = str(fit.idata.attrs.get("misfit", ""))
    if misfit:
        text = f"rows of a regime count the same, as the mean does not fit (without {misfit})"
        found.append(Verdict("Weights of rows", False, text))
    return sorted(found, key=lambda verdict: {False: 0, None: 1, True: 2}[verdict.ok])


def _escaped(fit: Fitted) -> str:
    """Say how small an interaction may be that nobody could have found."""
    missable = fit.interactions.missable
    return f"; {missable}, and these numbers take it to be zero" if missable else ""


def _judge_priors(fit: Fitted, regime: Regime) -> Verdict:
    if fit.convergence.method == "prior":
        return Verdict("Priors", False, "THIS IS THE PRIOR: no data were used.")
    sound, text = judge_prior(fit, regime) if regime else (None, "")
    said = {True: "none of the effects rests on them", None: "not checked for this fit"}
    return Verdict("Priors", sound, text or said[sound or None])


def name_outcome(fit: Fitted) -> str:
    """Return a short name of the expected outcome.

    Of 0/1 it is a probability.
    """
    if str(fit.summary.outcome_range.kind) == "binary":
        return f"Probability of {fit.outcome}"
    return f"Average {fit.outcome}"


def assumptions(fit: Fitted, held: str) -> list[tuple[str, str]]:
    """Return what is assumed, in plain words: a short name and a sentence of each."""
    blocks = tuple(block for block in fit.design.blocks if len(block) > 1)
    together = (
        f" Joined in blocks, which may share them: {format_blocks(blocks)}." if blocks else ""
    )
    terms = fit.interactions.used
    learned = str(fit.design.terms) if fit.design.terms else ""
    interact = {
        "none": "No two actions strengthen or weaken each other.",
        "pairwise": "Any two actions may strengthen or weaken each other.",
        "all": "Actions may strengthen or weaken each other in any way.",
    }.get(terms, "")
    if fit.design.interactions == "learned":
        interact = (
            f"The rows show that these act together: {learned}."
            if learned
            else "The rows were searched for actions that strengthen or weaken each other, and "
            f"none were found{_escaped(fit)}."
        )
    given = [f"{p} on {c}" for c, parents in fit.design.parents.items() for p in parents]
    edges = "; ".join(given) or "none"
    found = [
        (
            "Hidden causes",
            "Something unseen may drive an action and the outcome at once, but each such cause "
            "drives one action only, and their influences on the outcome add up. No data can "
            f"prove this.{together}",
        ),
        ("Effects add up", f"{interact} Sums are those of the outcome itself, not of a logarithm."),
        (
            "Experiments",
            "Whoever set an action chose its values independently of everything hidden, by lot or "
            "by a plan made beforehand.",
        ),
        _rows(fit),
        (
            "Same world",
            "Where the answer is used, things work as they did where the rows come from.",
        ),
        (
            "Actions influence actions",
            f"Possible influences that are taken into account: {edges}.",
        ),
        (
            "Averages",
            "An interval is about the average outcome at a setting, not about a single case, "
            "which varies far more.",
        ),
    ]
    if held:
        found.append(
            (
                "Background variables",
                f"All answers are at {held} (unless chosen otherwise the mean, in which each "
                f"regime counts the same however many rows it has, or the most frequent level), "
                f"not averages over a population.",
            )
        )
    return found


def _series(names: Regime | list[str]) -> str:
    """Write names as a series.

    Examples
    --------
    >>> _series(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _rows(fit: Fitted) -> tuple[str, str]:
    """Return what is assumed of how rows depend on one another."""
    declared = {} if fit.dependence is None else fit.dependence.declared
    shared = [name for role in ("cluster", "time") for name in _names(declared.get(role))]
    if shared:
        return (
            "Rows that belong together",
            f"Rows depend on one another by {' and '.join(shared)}, and intervals are wider for "
            "it. Beyond that, groups of rows are independent of one another.",
        )
    if fit.dependence is not None and fit.dependence.block_rows:
        return (
            "Rows that belong together",
            "Rows near one another in the table depend on one another, and intervals are wider "
            f"for it: {fit.dependence.rows_of_a_block} adjacent rows share an intercept. That is a "
            "guess from their order; rows far apart are taken as independent.",
        )
    if fit.dependence is not None and fit.dependence.by_settings:
        return (
            "Rows that belong together",
            "Rows of equal settings depend on one another, and intervals are wider for it. That "
            "is a guess from the table; groups of rows are taken as independent of one another.",
        )
    return (
        "Independent rows",
        "Each row is one more piece of evidence. Rows that belong together (weeks of one "
        "region, visits of one customer) tell less than they count, and intervals are then "
        "too narrow.",
    )


def _names(columns: Any) -> list[str]:
    if columns is None:
        return []
    return [columns] if isinstance(columns, str) else [str(name) for name in columns]
