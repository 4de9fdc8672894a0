"""Weights of the model, and the names of the components that they belong to."""

from collections.abc import Iterable
from dataclasses import dataclass

from bayes_intgen.basis import Feature
from bayes_intgen.regimes import format_regime

__all__ = ["CAUSAL", "Weight", "bias_name"]

CAUSAL = "causal"


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


@dataclass(frozen=True)
class Weight:
    """One weight: a feature within a component.

    Parameters
    ----------
    component
        ``causal``, ``bias:<block>`` or ``bias:<block>|<pattern>``.
    position
        Position of the feature in the feature map.
    feature
        The feature.
    """

    component: str
    position: int
    feature: Feature

    @property
    def name(self) -> str:
        """How the weight is written, as in ``bias:a1|a1^2 a2``."""
        return f"{self.component}|{self.feature.name}"

    @property
    def group(self) -> str | None:
        """Its prior group; None for constants, whose prior scale is fixed."""
        feature = self.feature
        return None if feature.kind == "constant" else f"{self.component}|{feature.group}"
