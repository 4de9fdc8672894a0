"""Spreads that a user states before there are data: of settings, noise, effects and biases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_intgen.base.arguments import read_mapping, read_real, show
from bayes_intgen.base.errors import QueryError, RegimeError
from bayes_intgen.base.regimes import (
    Regime,
    check_action_names,
    format_regime,
    read_regime,
)

__all__ = ["Spreads"]

ROWS = 2**12  # that stand for the law of the actions in one regime
POSITIVE = "a number above zero"

type Law = float | npt.NDArray[Any]  # the sd of a normal law around zero, or values alike often


@dataclass(frozen=True)
class Spreads:
    """What is stated, read and complete."""

    settings: Mapping[str, Law]  # of each action, where an experiment sets it
    natural: Mapping[str, Law]  # where it is left alone
    noise: Mapping[Regime, float]  # sd of the outcome around its mean, of each option
    effects: Mapping[str, float]  # sd of the effect of each action over its law
    biases: Mapping[str, float]  # sd of its confounding bias over the rows that leave it alone
    categorical: tuple[str, ...] = field(default=())

    @classmethod
    def read(
        cls,
        settings: Any,
        natural: Any,
        noise: Any,
        effects: Any,
        biases: Any,
        options: Iterable[Any] | None,
    ) -> "Spreads":
        """Read the arguments of a plan before any data; the names of ``settings`` are the actions.

        Raises
        ------
        QueryError
            If one is not valid, or does not say something of every action or option.
        """
        laws = _read_laws(settings, "settings")
        if not laws:
            raise QueryError(
                "settings: name every action with the sd of its settings around zero, or a list of "
                "its values, as settings={'price': [9, 10, 11], 'tv': 2.0}."
            )
        actions = check_action_names([*laws])
        left_alone = laws | _read_laws(natural, "natural", actions)
        categorical = []
        for name in actions:
            kinds = {_is_text(law) for law in (laws[name], left_alone[name])}
            if len(kinds) > 1:
                raise QueryError(f"natural: {name!r} must hold levels if its settings do.")
            categorical += [name] if kinds == {True} else []
        regimes = _read_options(options, actions)
        return cls(
            laws,
            left_alone,
            _read_noise(noise, regimes, actions),
            _read_sds(effects, "effects", actions),
            _read_sds(biases, "biases", actions),
            tuple(categorical),
        )

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return tuple(self.settings)

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """The options."""
        return tuple(self.noise)

    @property
    def total(self) -> float:
        """The sd that the outcome has with everything that is stated, in its unit."""
        parts = [*self.effects.values(), *self.biases.values()]
        noise = np.mean(np.square(list(self.noise.values())))
        return float(np.sqrt(noise + np.square(parts).sum()))

    def draw_rows(self, random_seed: int) -> pd.DataFrame:
        """Return rows of every option with ``regime`` labels: actions that move independently."""
        tables = []
        for number, regime in enumerate(self.regimes):
            rng = np.random.default_rng([random_seed, 11, number])
            columns = {
                name: _draw((self.settings if name in regime else self.natural)[name], rng)
                for name in self.actions
            }
            tables.append(pd.DataFrame(columns).assign(regime=format_regime(regime)))
        return pd.concat(tables, ignore_index=True)


def _draw(law: Law, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Return values of an action, each equally often, or at equal steps of a normal law."""
    if isinstance(law, float):
        u = (np.arange(ROWS) + rng.random(ROWS)) / ROWS
        # Box and Muller, with a stratified radius: the second moment hardly varies
        radius = np.sqrt(-2 * np.log1p(-u))
        values = law * radius * np.cos(2 * np.pi * rng.random(ROWS))
        return rng.permutation(values)
    repeated = np.resize(law, ROWS)
    return rng.permutation(repeated)


def _is_text(law: Law) -> bool:
    return not isinstance(law, float) and law.dtype.kind in "OUS"


def _read_laws(given: Any, argument: str, known: tuple[str, ...] | None = None) -> dict[str, Law]:
    laws: dict[str, Law] = {}
    for name, law in read_mapping(given, argument, "actions to an sd or a list of values").items():
        if known is not None and name not in known:
            raise QueryError(f"{argument}: the names must be of {list(known)}, got {name!r}.")
        what = f"{argument}: that of {name!r}"
        if isinstance(law, str | bytes) or not isinstance(law, Iterable):
            rule = "a number above zero (an sd) or a list of values"
            laws[name] = read_real(law, what, rule, 0.0, open_ends=True, error=QueryError)
            continue
        values = np.asarray(list(law))
        numbers = values.dtype.kind in "iuf" and bool(np.isfinite(values).all())
        text = values.dtype.kind == "U" and all(isinstance(value, str) for value in law)
        if values.ndim != 1 or not (numbers or text) or len(np.unique(values)) < 2:
            raise QueryError(
                f"{what} must hold at least two different values, all numbers or all levels as "
                f"text, got {show(law)}."
            )
        laws[name] = values.astype(float) if numbers else values.astype(object)
    return laws


def _read_options(options: Iterable[Any] | None, actions: tuple[str, ...]) -> list[Regime]:
    if options is None:
        return [(), *((action,) for action in actions)]
    if isinstance(options, str | bytes) or not isinstance(options, Iterable):
        raise QueryError(f"options must be a list of regimes, got {show(options)}.")
    try:
        return list(dict.fromkeys(read_regime(label, actions, "options") for label in options))
    except RegimeError as error:
        raise QueryError(str(error)) from error


def _read_noise(given: Any, regimes: list[Regime], actions: tuple[str, ...]) -> dict[Regime, float]:
    """Return the sd of the noise of each option, from one number or one for each."""
    if not isinstance(given, Mapping):
        number = read_real(given, "noise", POSITIVE, 0.0, open_ends=True, error=QueryError)
        return dict.fromkeys(regimes, number)
    known: dict[Regime, float] = {}
    for label, value in given.items():
        try:
            regime = read_regime(label, actions, "noise")
        except RegimeError as error:
            raise QueryError(str(error)) from error
        what = f"noise: that of {label!r}"
        known[regime] = read_real(value, what, POSITIVE, 0.0, open_ends=True, error=QueryError)
    missing = [format_regime(regime) for regime in regimes if regime not in known]
    if missing:
        raise QueryError(f"noise: {missing} are among the options and have none; give one each.")
    return {regime: known[regime] for regime in regimes}


def _read_sds(given: Any, argument: str, actions: tuple[str, ...]) -> dict[str, float]:
    """Return one sd for each action, from one number for all or one for each."""
    if not isinstance(given, Mapping):
        number = read_real(given, argument, POSITIVE, 0.0, open_ends=True, error=QueryError)
        return dict.fromkeys(actions, number)
    if {*given} != {*actions}:
        raise QueryError(
            f"{argument} must be one number, or have one for each of {list(actions)}, got "
            f"{show(dict(given))}."
        )
    return {
        name: read_real(
            given[name],
            f"{argument}: that of {name!r}",
            POSITIVE,
            0.0,
            open_ends=True,
            error=QueryError,
        )
        for name in actions
    }
