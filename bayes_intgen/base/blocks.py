"""Blocks: actions that share a confounder and may interact, and what a regime does to each.

The actions are partitioned into blocks B, each with a confounder of its own (Corollary 1). Within a
block anything goes: its actions may share the confounder, depend on one another and interact. An
action that is listed in no block is one by itself. A regime S does to block B its pattern S n B:

``()``
    B is left alone.
B
    All of B is set.
anything between
    S cuts B. Given all actions, C_B still depends on the actions of B that are left alone only, so
    that the regime adds up over blocks like any other; but what the cut block contributes is seen
    in regimes with the very same pattern and in no others.

As blocks share no action, a pattern that is not empty also tells which block it belongs to.
"""

from collections.abc import Iterable, Sequence

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime, order_regime

__all__ = [
    "BlockChoice",
    "Blocks",
    "check_blocks",
    "find_cuts",
    "format_blocks",
    "read_blocks",
    "split_regime",
]

type BlockChoice = Iterable[str | Iterable[str]] | None
type Blocks = tuple[Regime, ...]


def check_blocks(blocks: object) -> Blocks:
    """Read blocks without knowing which actions there are.

    Raises
    ------
    ModelError
        If it is no list of labels and collections of names, or a block is empty, names something
        that is no text or an action twice, or shares an action with another.

    Examples
    --------
    >>> check_blocks(["a1+a2", ["a3", "a4"]])
    (('a1', 'a2'), ('a3', 'a4'))
    """
    if isinstance(blocks, str) or not isinstance(blocks, Iterable):
        raise ModelError(
            f"blocks must be a list of labels or of collections of actions, got {blocks!r}; write "
            f"['a1+a2'] or [['a1', 'a2']]."
        )
    members: list[Regime] = []
    for block in blocks:
        if not isinstance(block, Iterable):
            raise ModelError(
                f"blocks: each must be a label or a collection of actions, got {block!r}; write "
                f"'a1+a2' or ['a1', 'a2']."
            )
        listed = [name.strip() for name in block.split("+")] if isinstance(block, str) else block
        names = tuple(listed)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ModelError(
                f"blocks: each must name one action or more, got {block!r}; leave empty blocks out "
                f"and write action names as text."
            )
        members.append(names)
    every = [name for block in members for name in block]
    repeated = sorted({name for name in every if every.count(name) > 1})
    if repeated:
        raise ModelError(
            f"blocks must not overlap, but {repeated} are named more than once in "
            f"{[format_regime(block) for block in members]}; merge blocks that share an action "
            f"into one."
        )
    return tuple(members)


def read_blocks(blocks: object, actions: Sequence[str]) -> Blocks:
    """Turn the ``blocks`` argument into a partition of the actions; None means singletons.

    Parameters
    ----------
    blocks
        Labels such as ``"a1+a2"`` or collections of names. Actions that are not listed are blocks
        of their own.
    actions
        The known actions, in their declared order.

    Returns
    -------
    tuple of tuple of str
        The blocks in the order of their first actions.

    Raises
    ------
    ModelError
        If the blocks cannot be read (:func:`check_blocks`) or name an unknown action.

    Examples
    --------
    >>> read_blocks(["a3+a1"], ["a1", "a2", "a3"])
    (('a1', 'a3'), ('a2',))
    """
    given = check_blocks(() if blocks is None else blocks)
    unknown = [name for block in given for name in block if name not in actions]
    if unknown:
        raise ModelError(
            f"blocks: {unknown} are not among the actions {list(actions)}, got "
            f"{[format_regime(block) for block in given]}; correct the names or leave them out."
        )
    listed = {name for block in given for name in block}
    every = [*given, *((action,) for action in actions if action not in listed)]
    ordered = [order_regime(block, actions) for block in every]
    return tuple(sorted(ordered, key=lambda block: actions.index(block[0])))


def split_regime(regime: Iterable[str], blocks: Blocks) -> tuple[Regime, ...]:
    """Return the patterns of a regime that are not empty, in the order of the blocks.

    Examples
    --------
    >>> split_regime(["a1", "a3"], (("a1", "a2"), ("a3",), ("a4",)))
    (('a1',), ('a3',))
    """
    chosen = set(regime)
    patterns = (tuple(name for name in block if name in chosen) for block in blocks)
    return tuple(pattern for pattern in patterns if pattern)


def find_cuts(regimes: Iterable[Iterable[str]], blocks: Blocks) -> tuple[Regime, ...]:
    """Return the patterns of the regimes that cut a block, each once.

    Examples
    --------
    >>> find_cuts([(), ("a1",), ("a1", "a2"), ("a1", "a3")], (("a1", "a2"), ("a3",)))
    (('a1',),)
    """
    patterns = [pattern for regime in regimes for pattern in split_regime(regime, blocks)]
    cuts = dict.fromkeys(pattern for pattern in patterns if pattern not in blocks)
    return tuple(sorted(cuts, key=lambda pattern: _rank(pattern, blocks)))


def format_blocks(blocks: Blocks) -> str:
    """Write blocks as their labels.

    Examples
    --------
    >>> format_blocks((("a1", "a2"), ("a3",)))
    'a1+a2, a3'
    """
    return ", ".join(map(format_regime, blocks))


def _rank(pattern: Regime, blocks: Blocks) -> tuple[int, int, list[int]]:
    """Order patterns by block, size and position of their actions."""
    owner = next(b for b, block in enumerate(blocks) if pattern[0] in block)
    return owner, len(pattern), [blocks[owner].index(name) for name in pattern]
