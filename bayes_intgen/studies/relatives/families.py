"""Families of systems on which methods are compared: whose assumptions each of them keeps.

A family draws a system; a drawn case is its rows, as many per regime, those of the joint
experiment, and settings with their true effect. Settings are those of joint experiments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from bayes_intgen.base.regimes import OBSERVATIONAL
from bayes_intgen.base.types import Array
from bayes_intgen.scm import (
    SCM,
    sample_common_support_scm,
    sample_correlated_noise_scm,
    sample_shared_confounder_scm,
)
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import draw_system

__all__ = ["RELATIVES", "Case", "Keeps", "RelativeFamily", "draw_case"]

type Keeps = Literal["the paper", "additive noise", "aggregation"]


@dataclass(frozen=True)
class RelativeFamily:
    """A family: its name, what its systems are, and whose assumptions they keep."""

    name: str
    what: str
    keeps: tuple[Keeps, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """Rows of all single regimes and of the joint one, settings and the truth there."""

    actions: tuple[str, ...]
    rows: pd.DataFrame
    joint: pd.DataFrame
    settings: pd.DataFrame
    truth: Array


_ALL = (
    RelativeFamily("paper", "the paper's polynomials, on a common support", ("the paper",)),
    RelativeFamily("smooth", "smooth rises, own confounders modify them", ("the paper",)),
    RelativeFamily("saturating", "saturation on log-normal spend", ("the paper",)),
    RelativeFamily(
        "noise-linear", "linear, correlated normal errors", ("additive noise", "aggregation")
    ),
    RelativeFamily(
        "noise-products", "squares and products, correlated normal errors", ("additive noise",)
    ),
    RelativeFamily("shared-cubic", "sums of cubics, a shared curved confounder", ("aggregation",)),
    RelativeFamily(
        "shared-linear", "linear, a shared confounder", ("additive noise", "aggregation")
    ),
)

RELATIVES: Mapping[str, RelativeFamily] = MappingProxyType({one.name: one for one in _ALL})


def draw_case(
    family: str, n_actions: int, n: int, points: int, seed: np.random.SeedSequence
) -> Case:
    """Draw a system of a family, its rows and settings.

    Parameters
    ----------
    family
        A name in `RELATIVES`.
    n_actions
        Number of actions.
    n
        Rows of each regime.
    points
        Number of settings.
    seed
        Of all that is drawn, in streams of the family's own.
    """
    if family in CURVE_FAMILIES:
        return _draw_curves(family, n_actions, n, points, seed)
    of_system, of_settings = (
        named_generator(seed, f"{family} {part}") for part in ("system", "settings")
    )
    scm = _draw_scm(family, n_actions, of_system)
    together = "+".join(scm.actions)
    rows_seed = np.random.SeedSequence([*_entropy(seed), 1])
    rows = scm.sample_regimes(scm.single_regimes, n, rows_seed)
    joint = scm.sample_regimes([together], n, rows_seed)
    settings = scm.sample(points, together, random_seed=of_settings)[list(scm.actions)]
    truth = scm.expected_outcome(settings).to_numpy()
    return Case(scm.actions, rows, joint, settings, truth)


def _draw_scm(family: str, n_actions: int, rng: np.random.Generator) -> SCM:
    match family:
        case "paper":
            return sample_common_support_scm(n_actions, rng)
        case "noise-linear" | "noise-products":
            return sample_correlated_noise_scm(n_actions, rng, products=family == "noise-products")
        case _:
            degree = 1 if family == "shared-linear" else 3
            return sample_shared_confounder_scm(n_actions, rng, degree)


def _draw_curves(
    family: str, n_actions: int, n: int, points: int, seed: np.random.SeedSequence
) -> Case:
    of_system, of_rows, of_settings = (
        named_generator(seed, f"{family} {part}") for part in ("system", "rows", "settings")
    )
    curves = CURVE_FAMILIES[family]
    system = draw_system(curves, n_actions, of_system)

    def tested() -> Array:
        return curves.action(curves.tested(of_rows, n))

    tables = [system.sample(n, of_rows).assign(regime=OBSERVATIONAL)]
    tables += [
        system.sample(n, of_rows, {name: tested()}).assign(regime=name) for name in system.actions
    ]
    together = {name: tested() for name in system.actions}
    joint = system.sample(n, of_rows, together).assign(regime="+".join(system.actions))
    at = system.draw_settings(points, of_settings)
    settings = pd.DataFrame(at, columns=list(system.actions))
    rows = pd.concat(tables, ignore_index=True)
    return Case(system.actions, rows, joint, settings, system.expected_outcome(at))


def _entropy(seed: np.random.SeedSequence) -> list[int]:
    entropy = seed.entropy
    return [entropy] if isinstance(entropy, int) else [int(part) for part in entropy or ()]
