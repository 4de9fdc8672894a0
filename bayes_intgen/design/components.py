"""Components of a regime mean, the weights of each, and what the priors of those depend on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.basis.feature import Feature
from bayes_intgen.design.basis.function import ActionBasis

__all__ = [
    "CAUSAL",
    "OFFSETS",
    "Waves",
    "Weight",
    "bias_name",
    "components_of",
    "frequency_table",
    "kinds_of_groups",
    "kinds_of_lengthscales",
]

CAUSAL = "causal"
OFFSETS = "bias|constant"
SHARED = "shared"  # by the effect of an action and its own bias
# kinds of functions that are not linear in an action
BENDING = ("wiggly", "smooth", "warped", "curved")


def bias_name(block: str | Iterable[str], pattern: Iterable[str] = ()) -> str:
    """Return the name of the component that holds the confounding bias of an action or a block.

    ``pattern``: the part of the block that is set, in regimes that cut it.

    Examples
    --------
    >>> bias_name("a1"), bias_name(["a1", "a2"]), bias_name(["a1", "a2"], ["a1"])
    ('bias:a1', 'bias:a1+a2', 'bias:a1+a2|a1')
    """
    label = block if isinstance(block, str) else format_regime(block)
    part = "+".join(pattern)
    return f"bias:{label}|{part}" if part else f"bias:{label}"


def components_of(regime: Regime, blocks: Blocks, cuts: Iterable[Regime]) -> set[str]:
    """Return the names of the components that take part in the mean of a regime.

    Raises
    ------
    ModelError
        If it cuts a block as no regime of the data does.

    Examples
    --------
    >>> sorted(components_of(("a1",), (("a1",), ("a2", "a3")), ()))
    ['bias:a2+a3', 'causal']
    """
    patterns = {block: tuple(name for name in block if name in regime) for block in blocks}
    unknown = {*patterns.values()} - {(), *blocks, *cuts}
    if unknown:
        raise ModelError(
            f"regime: it sets {sorted(map(format_regime, unknown))} of the blocks "
            f"{[format_regime(block) for block in blocks]}, which no regime of the data "
            f"does; set whole blocks."
        )
    # the sum over k not in S, over blocks: a block that is cut has a bias of its own
    biases = {bias_name(block, part) for block, part in patterns.items() if part != block}
    return {CAUSAL} | biases


@dataclass(frozen=True)
class Weight:
    """One weight: a feature within a component."""

    component: str  # ``causal``, ``bias:<block>`` or ``bias:<block>|<pattern>``
    position: int  # of the feature in the feature map
    feature: Feature

    @property
    def name(self) -> str:
        """How the weight is written, as in ``bias:a1|a1^2 a2``."""
        return f"{self.component}|{self.feature.name}"

    @property
    def group(self) -> str | None:
        """Its prior group; None for the constant of the causal part, whose prior scale is fixed.

        The constants of all biases share one; and so do the smooth functions of an action (not of
        a block) in its effect and in its own bias. Beyond the values that its experiment sets the
        two are seen as their sum only: with two scales the posterior has two modes, all of it
        effect or all of it bias, between which chains cross slowly, and of which the Laplace
        approximation knows one.
        In a system of the paper's kind (three actions, 5000 rows per regime) 4 x 1000 draws were
        worth 270 with two scales and 2100 with one; errors and coverage over 19 families of
        curves did not move.

        Of many covariates the linear functions share a scale in each component, the bends another.
        With a linear scale for each of ten the waves, which had one, took over part of what is
        linear: errors were 1.09 times those of linear functions alone where these are the truth,
        and now are 0.82 times (eight systems each, 10^4 rows in a regime); where eight of the ten
        do nothing, they are 0.96 times what they were, 1.02 times with 10^3 rows. One scale for
        the bends of all components takes another 5% off, but adds 22% where one of three
        covariates bends much.
        """
        kind = self.feature.kind
        if kind == "constant":
            return None if self.component == CAUSAL else OFFSETS
        if kind == "smooth" and self.component in (CAUSAL, bias_name(self.feature.actions)):
            return f"{SHARED}|{self.feature.group}"
        return f"{self.component}|{self.feature.group}"


def kinds_of_groups(
    weights: Iterable[Weight],
    covariates: Iterable[str],
    unset: Iterable[str] = (),
    gapped: Iterable[str] = (),
) -> dict[str | None, str]:
    """Return what the prior of each group depends on: covariate, or the kind of its features.

    That of the constants of the biases is ``offset``, that of smooth functions ``wiggly``.

    Parameters
    ----------
    weights
        All weights.
    covariates
        The variables that are covariates; groups of one or two variables of which one is a
        covariate are of the kind ``covariate``, the others of that of their features.
    unset
        The actions that no regime sets; the bias of such an action as a function of that action
        alone, with what its effect shares with it, is of the kind ``confounding_unset``.
    gapped
        The actions of which experiments set some values with a gap in between; the wiggles of such
        an action, in its effect and in its bias, are of the kind ``gapped``.
    """
    bridged = {frozenset((action,)) for action in gapped}
    own = {bias_name(action): frozenset((action,)) for action in unset}
    kinds: dict[str | None, str] = {}
    for weight in weights:
        feature = weight.feature
        given = not feature.actions.isdisjoint(covariates)
        kind = "wiggly" if feature.kind == "smooth" else feature.kind
        kinds[weight.group] = "covariate" if given and kind != "higher" else kind
        if weight.group == OFFSETS:
            kinds[weight.group] = "offset"
        if own.get(weight.component) == feature.actions and feature.kind in ("linear", *BENDING):
            kinds[weight.group] = "confounding_unset"
        elif feature.actions in bridged and feature.kind in BENDING:
            kinds[weight.group] = "gapped"
    return kinds


@dataclass(frozen=True)
class Waves:
    """The eigenfunctions of one coordinate of a variable, which share a lengthscale."""

    # the variable, and which coordinate of it; empty for the variable itself
    variable: str
    coordinate: str
    smoothness: float  # of the kernel: nu of a Matern kernel, infinite for the squared exponential

    @property
    def name(self) -> str:
        """How the lengthscale is written: the variable, and its coordinate if it is another."""
        return f"{self.variable}:{self.coordinate}" if self.coordinate else self.variable


def kinds_of_lengthscales(waves: Iterable[Waves], unset: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what the prior of each lengthscale depends on.

    ``lengthscale`` or ``lengthscale_warped``; of an action that no regime sets, those in ``unset``,
    ``lengthscale_unset``.
    """
    own = {*unset}
    warped = ("lengthscale", "lengthscale_warped")
    return tuple(
        "lengthscale_unset" if w.variable in own else warped[bool(w.coordinate)] for w in waves
    )


def frequency_table(
    weights: Sequence[Weight], bases: Mapping[str, ActionBasis]
) -> tuple[tuple[Waves, ...], Array]:
    """Return the coordinates that have eigenfunctions, and the frequencies of the weights in each.

    The table has shape (weights, coordinates); zero where the feature has no eigenfunction.
    """
    found: dict[Waves, dict[int, float]] = {}
    for variable, basis in bases.items():
        for f in basis.functions:
            if f.frequency is not None:
                found.setdefault(Waves(variable, f.coordinate, f.smoothness), {})
    for row, weight in enumerate(weights):
        for variable, position in weight.feature.factors:
            f = bases[variable].functions[position]
            if f.frequency is not None:
                found[Waves(variable, f.coordinate, f.smoothness)][row] = f.frequency
    used = {waves: rows for waves, rows in found.items() if rows}
    table = np.zeros((len(weights), len(used)))
    for column, rows in enumerate(used.values()):
        table[list(rows), column] = list(rows.values())
    return tuple(used), table
