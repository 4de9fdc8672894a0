"""What is identified of a target under a model, in words, and the refusal of what is not.

Two rules decide: on the level of a mean the affine rule of
:mod:`bayes_intgen.design.identification.identify`, which needs no basis, and on the effect of
moving some actions the rank condition of :mod:`bayes_intgen.design.identification.rank_condition`,
which rests on the structure and the interactions of the design.

Who refuses what; a contrast may be identified where the level of the mean is not:

========================================= ======================= ================================
what must be identified                   asked by                refused by
========================================= ======================= ================================
the mean of a regime, each action a block the paper's estimators  identify.py:require_identified
the mean of the target                    a fit to rows           identify.py:require_target
that mean, or the effect of an action     a fit with lift tests   require_level_or_effect
the mean of a regime                      estimands of means      query.py:require_identified_mean
given contrasts in a regime               estimands of contrasts  query.py:...identified_contrast
any contrast in some actions              tables of effects       require_identified_effect
a pattern that cuts a block               all estimands           identify.py:require_known_cuts
========================================= ======================= ================================
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bayes_intgen.base.errors import NotIdentifiedError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import Regime, describe_experiments, describe_mean, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.identification.identify import Identification, require_identified
from bayes_intgen.design.identification.missing_experiments import TOLERANCE
from bayes_intgen.design.identification.rank_condition import RankCondition, Status

__all__ = ["DesignIdentification", "require_identified_effect", "require_level_or_effect"]


@dataclass(frozen=True)
class DesignIdentification:
    """What is known of a target before anything is fitted.

    Parameters
    ----------
    affine
        The rule that needs no basis: see :mod:`bayes_intgen.design.identification.identify`. It
        decides on levels.
    regimes
        The regimes at hand.
    contrasts
        For each action, whether the effect of moving it in the mean of the target is
        ``identified``, ``tested`` (known from lift tests at the tested values, from the prior in
        between) or ``unknown``; this rests on the structure and the interactions of the model as
        well. All are unknown if the target cuts a block as no regime at hand does.
    lacking
        For each action not identified, the experiments that would make it so.
    learned
        Whether the structure was learned from the data, not given.
    single
        The regimes of which all rows have one and the same setting of what is set, several actions
        at once, and that setting as text. What such a regime identifies is the mean there.
    """

    affine: Identification
    regimes: tuple[Regime, ...]
    contrasts: Mapping[str, Status]
    lacking: Mapping[str, tuple[Regime, ...]]
    learned: bool = False
    single: Mapping[Regime, str] = field(default_factory=dict)

    @classmethod
    def judge(
        cls,
        condition: RankCondition,
        target: Regime,
        *,
        structure_is_learned: bool = False,
        single: Mapping[Regime, str] | None = None,
    ) -> "DesignIdentification":
        """Apply both rules."""
        actions, affine = condition.design.actions, condition.affine(target)
        if not condition.covers(target):  # what would show the level shows every contrast
            unknown: dict[str, Status] = dict.fromkeys(actions, "unknown")
            lacking = dict.fromkeys(actions, affine.missing)
            rest = (unknown, lacking, structure_is_learned, single or {})
            return cls(affine, condition.regimes, *rest)
        status = {action: condition.status(target, [action]) for action in actions}
        short = {a: condition.lacking(target, [a]) for a in actions if status[a] != "identified"}
        rest = (status, short, structure_is_learned, single or {})
        return cls(affine, condition.regimes, *rest)

    @property
    def target(self) -> Regime:
        """The regime whose mean is wanted."""
        return self.affine.target

    @property
    def identified(self) -> bool:
        """Whether the mean of the target is identified: its level, and so every contrast."""
        return self.affine.identified

    @property
    def weights(self) -> dict[Regime, float]:
        """The coefficient of each regime in it; empty when it is not identified."""
        return self.affine.weights

    @property
    def missing(self) -> tuple[Regime, ...]:
        """Further experiments that would identify the level."""
        return self.affine.missing

    def __str__(self) -> str:
        at_hand = ", ".join(format_regime(regime) for regime in self.regimes)
        head = f"{describe_mean(self.target)} from the regimes {at_hand}"
        if self.identified:
            used = {regime: w for regime, w in self.weights.items() if abs(w) > TOLERANCE}
            terms = [f"{w:+.3g} {format_regime(regime)}" for regime, w in used.items()]
            known = f"{head}: identified, as {' '.join(terms)}"
            return "\n".join([known, *self._only_there()])
        lines = [f"{head}: level not identified; missing {describe_experiments(self.missing)}"]
        for action, status in self.contrasts.items():
            missing = describe_experiments(self.lacking.get(action, ()))
            text = {
                "identified": "identified",
                "tested": "known from lift tests, and from the prior between the tested values",
                "unknown": f"not identified; missing {missing}",
            }[status]
            lines.append(f"  effect of moving {action}: {text}")
        source = "as learned from the data" if self.learned else "as given"
        lines.append(f"  Effects rest on which action may depend on which, here {source}.")
        return "\n".join(lines)

    def _only_there(self) -> list[str]:
        """Say of which regimes in the weights the rows show one setting only."""
        return [
            f"  Only at one setting: all rows of {format_regime(regime)} are at {setting}. The "
            f"mean is known there; away from it the curves of single actions carry the answer, "
            f"which takes experiments that vary them (flags say where it is supported)."
            for regime, setting in self.single.items()
            if abs(self.weights.get(regime, 0.0)) > TOLERANCE
        ]

    def _repr_html_(self) -> str:
        head = str(self).split("\n")[0]
        missing = {name: describe_experiments(more) for name, more in self.lacking.items()}
        rows = [(name, status, missing.get(name, "")) for name, status in self.contrasts.items()]
        table = html_table(["effect of moving", "status", "missing"], rows)
        warnings = self._only_there() if self.identified else [head]
        return html_block(head if self.identified else "Identification", (), [table], warnings)


def require_identified_effect(
    condition: RankCondition,
    target: Regime,
    moved: Iterable[str] | None = None,
    rows: Array | None = None,
) -> Status:
    """Raise a NotIdentifiedError unless a mean, or a contrast, is identified.

    Parameters
    ----------
    condition, target
        The design and the data at hand, and the regime whose mean is in question.
    moved
        For a contrast, the actions that differ between its two sides; None for the mean itself.
    rows
        The functionals of the contrasts, by default any in these actions, shape (n, weights).

    Returns
    -------
    str
        ``"identified"``, or ``"tested"`` if some of it rests on lift tests.
    """
    if moved is None:
        if condition.lifts is None:
            require_identified(condition.regimes, target, condition.design.blocks)
        elif not (answer := condition.affine(target)).identified:
            missing = describe_experiments(answer.missing)
            raise NotIdentifiedError(
                f"{describe_mean(target)} is not identified: lift tests tell differences, and the "
                f"level also takes {missing}, without which the constant of a bias is known from "
                f"its prior only. Ask for contrasts, or add such rows."
            )
        return "identified"
    names = list(moved)
    status = condition.status(target, names, rows) if names else "identified"
    if status == "unknown":
        at_hand = [format_regime(regime) for regime in condition.regimes]
        unknown = [a for a in names if condition.status(target, [a]) == "unknown"] or names
        missing = describe_experiments(condition.lacking(target, names))
        raise NotIdentifiedError(
            f"The effect of moving {', '.join(unknown)} on {describe_mean(target)} is not "
            f"identified from the regimes {at_hand}: missing {missing}, or lift tests. Add such "
            f"rows, or give a structure with fewer dependences if that is known."
        )
    return status


def require_level_or_effect(condition: RankCondition, target: Regime) -> None:
    """Refuse a target of which neither the level nor, thanks to lift tests, an effect is known."""
    actions = condition.design.actions
    if condition.affine(target).identified:
        return
    if not condition.covers(target):
        require_identified_effect(condition, target)
    if all(condition.status(target, [action]) == "unknown" for action in actions):
        require_identified_effect(condition, target, actions)
