"""A model's choices as JSON text, so that a unit of a study can carry them to another process."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import networkx as nx

from bayes_intgen.base.errors import ModelError
from bayes_intgen.design.basis.categorical import Categorical, CategoricalBasis
from bayes_intgen.design.basis.hsgp import HSGP, HSGPBasis
from bayes_intgen.design.basis.polynomial import Polynomial, PolynomialBasis
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.model.distributions import Gamma, LogNormal
from bayes_intgen.model.priors import Priors
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["model_of", "read_model", "write_model"]

KINDS = {kind.__name__: kind for kind in (HSGP, Polynomial, Categorical, LogNormal, Gamma)}


def write_model(model: InterventionModel) -> str:
    """Write the choices of a model as JSON text.

    Raises
    ------
    ModelError
        If one of its priors is a PyMC distribution, which has no text that can be read back.

    Examples
    --------
    >>> model = InterventionModel(HSGP(m=8), structure=[("a1", "a2")], interactions="pairwise")
    >>> read_model(write_model(model)) == model
    True
    """
    structure = model.structure
    if isinstance(structure, nx.DiGraph):
        structure = [list(edge) for edge in structure.edges]
    elif not isinstance(structure, str):
        structure = [item if isinstance(item, str) else list(item) for item in structure]
    basis: Any = model.basis
    state = {
        "basis": {name: _write(spec) for name, spec in basis.items()}
        if isinstance(basis, Mapping)
        else [_write(basis)],
        "structure": structure,
        "interactions": model.interactions,
        "blocks": None if model.blocks is None else list(map(_plain, model.blocks)),
        "priors": None if model.priors is None else _write_priors(model.priors),
        "variance": model.variance,
        "likelihood": model.likelihood,
    }
    return json.dumps(state, sort_keys=True)


def read_model(text: str) -> InterventionModel:
    """Rebuild the model that :func:`write_model` wrote."""
    state = json.loads(text)
    basis, structure, blocks = state["basis"], state["structure"], state["blocks"]
    if isinstance(structure, list):
        structure = [item if isinstance(item, str) else tuple(item) for item in structure]
    if blocks is not None:
        blocks = tuple(block if isinstance(block, str) else tuple(block) for block in blocks)
    priors = state["priors"]
    return InterventionModel(
        basis={name: _read(part) for name, part in basis.items()}
        if isinstance(basis, dict)
        else _read(basis[0]),
        structure=structure,
        interactions=state["interactions"],
        blocks=blocks,
        priors=None if priors is None else Priors(**{k: _read(v) for k, v in priors.items()}),
        variance=state["variance"],
        likelihood=state["likelihood"],
    )


def model_of(posterior: Posterior) -> InterventionModel:
    """Return the model that a posterior was fitted with, as far as the fit tells.

    Raises
    ------
    ModelError
        If its priors are not the default ones, which a fit keeps as text only.
    """
    attributes, design = posterior.idata.attrs, posterior.design
    kept, usual = json.loads(str(attributes.get("priors", "null"))), Priors().describe()
    # earlier versions knew fewer priors
    if kept is None or any(usual.get(name) != text for name, text in kept.items()):
        raise ModelError(
            "model: the posterior was fitted with priors of its own, which it keeps as text only; "
            "give the model it was fitted with."
        )
    others = {name: {*design.actions} - {name} for name in design.actions}
    pairs = [(parent, child) for child, names in design.parents.items() for parent in names]
    full = all({*design.parents[name]} == rest for name, rest in others.items())
    structure: Any = "full" if full and len(others) > 1 else pairs
    blocks = tuple(block for block in design.blocks if len(block) > 1)
    likelihood: Any = attributes.get("likelihood", "normal")
    constant = likelihood == "normal" and attributes.get("variance") == "constant"
    return InterventionModel(
        basis={name: _thaw(basis) for name, basis in design.features.bases.items()},
        structure="learned" if posterior.learned else structure,
        interactions=design.interactions,
        blocks=blocks or None,
        variance="constant" if constant else "learned",
        likelihood=likelihood,
    )


def _thaw(basis: object) -> HSGP | Polynomial | Categorical:
    match basis:
        case HSGPBasis():
            return HSGP(basis.m, basis.m_pair, basis.c, basis.m_warp)
        case PolynomialBasis():
            return Polynomial(basis.degree)
        case CategoricalBasis():
            return Categorical(basis.order)
        case _:
            raise TypeError(f"unknown basis {basis!r}")


def _plain(block: Any) -> Any:
    return block if isinstance(block, str) else list(block)


def _write(value: Any) -> Any:
    if isinstance(value, int | float):
        return float(value)
    return {"kind": type(value).__name__, **asdict(value)}


def _read(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    arguments = dict(state)
    return KINDS[arguments.pop("kind")](**arguments)


def _write_priors(priors: Priors) -> dict[str, Any]:
    values = {field.name: getattr(priors, field.name) for field in fields(priors)}
    strange = [n for n, v in values.items() if not isinstance(v, int | float | LogNormal | Gamma)]
    if strange:
        raise ModelError(
            f"model: its priors {strange} are PyMC distributions, which cannot be handed to "
            f"another process as text; give LogNormal(median, log_sd) or a number."
        )
    return {name: _write(value) for name, value in values.items()}
