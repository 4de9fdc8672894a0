"""From rows to moments: the choice of features and both passes."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import ModelError
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.choice import BasisChoice, check_choice, freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.structure import Structure, resolve_structure
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.moments.combination import read_further
from bayes_intgen.moments.description import check_size

if TYPE_CHECKING:
    from bayes_intgen.moments.moments import Moments

__all__ = ["from_data"]


def from_data(
    cls: "type[Moments]",
    data: Any,
    like: "Moments | None" = None,
    basis: BasisChoice | None = None,
    structure: Structure = "full",
    regime: str | Mapping[str, str] = "regime",
    labels: Mapping[str, str] | None = None,
) -> "Moments":
    """Make both passes over the data.

    Parameters
    ----------
    data
        A :class:`bayes_intgen.RegimeData`. With ``like``, anything that
        :meth:`bayes_intgen.RegimeData.from_frame` takes, with the columns of ``like``: then a
        regime may have any number of rows.
    like
        Moments whose frozen basis is used again, so that the two can be merged. Rows beyond its
        box are held at the edge, and counted in ``clamped``.
    basis
        The basis, when there is nothing to be like; HSGP() by default, as in the model.
    structure
        Which actions may depend on which others, as in the model. A model with the same edges,
        or fewer, can be fitted to the moments: any model with ``"full"``, the default. Products
        are computed of those pairs only, and with many actions all pairs are too many.
    regime, labels
        Column of the regime labels, and what they mean if they are spelt otherwise, for ``data``
        that is no RegimeData.

    Raises
    ------
    ModelError
        If an argument is of another kind, both ``like`` and ``basis`` are given, ``like`` has
        other columns, or there are so many features that their moments would fill more than
        4 GiB.
    DataError
        If other columns are categorical in ``like``, or it lacks a level of the data; if the
        data are nothing that can be read.

    Examples
    --------
    >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    >>> moments.actions, moments.covariates, moments.variables, moments.outcome
    (('a1', 'a2'), (), ('a1', 'a2'), 'y')
    >>> moments.regimes, moments.n_rows
    (((), ('a1',), ('a2',)), 600)
    """
    if like is not None:
        if not isinstance(like, cls):
            raise ModelError(f"like must be Moments or None, got {show(like)}.")
        if basis is not None:
            raise ModelError("basis: give either like or basis, because like fixes the basis.")
        data = read_further(data, like.summary, regime, like.marks, labels)
        frozen = (like.features, like.outcome_scale)
        return cls.compute(data, data.summary, *frozen, like=like)
    if not isinstance(data, RegimeData):
        raise ModelError(
            f"data must be a RegimeData unless like says what its columns are, got "
            f"{show(data)}; make one with RegimeData.from_frame."
        )
    summary = data.summary
    chosen = HSGP() if basis is None else basis
    check_choice(chosen)
    bases = freeze_bases(chosen, data.variables, summary)
    scopes: list[Iterable[str]] = [data.variables]
    if structure != "full":
        learned = learn_structure(summary).parents if structure == "learned" else None
        parents = learned or resolve_structure(structure, data.actions)
        scopes = [(action, *names, *data.covariates) for action, names in parents.items()]
    features = FeatureMap.within(bases, scopes)
    check_size(len(features.features), len(data.regimes))
    return cls.compute(data, summary, features, summary.scales[data.outcome])
