"""Doses of two drugs: a registry, and a trial of each drug with the other left to the doctor.

The generator, in full (see :mod:`bayes_intgen.scm.examples.lever`): the response, a fall in blood
pressure in mmHg, is 4 plus

* drug_a (median 20 mg), Hill curve with a plateau of 16, its half at 18 and power 1.5. Doctors give
  more of it to patients with stiff arteries, who respond less: C moves the dose by 40% and the
  response by -4 per standard deviation.
* drug_b (median 8 mg), plateau 12, half at 6. More of it goes to patients with failing kidneys, who
  respond less (35%, -3), and less of it beside a high dose of drug_a: elasticity -0.3.

The noise has a standard deviation of 3. With a synergy s, s h_a(a) h_b(b) is added, where h are the
two curves: with s = 0.1 the effect of drug_b doubles where that of drug_a is 10.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.scm.examples.example import Example
from bayes_intgen.scm.examples.lever import Hill, Lever
from bayes_intgen.scm.examples.lever_system import LeverSystem, LiftTest
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence

__all__ = ["dose_combination"]

DRUG_A = Lever("drug_a", Hill(16.0, 18.0, 1.5), 20.0, 0.4, 0.25, -4.0, -1.5, (4.0, 60.0))
DRUG_B = Lever(
    "drug_b", Hill(12.0, 6.0), 8.0, 0.35, 0.25, -3.0, -1.0, (1.0, 24.0), {"drug_a": -0.3}
)
SYSTEM = LeverSystem((DRUG_A, DRUG_B), "response", 4.0, 3.0)

TESTS: tuple[LiftTest, ...] = (
    ("drug_a", 10.0, 20.0, 0.0, 0.6),
    ("drug_a", 20.0, 40.0, 0.0, 0.6),
    ("drug_b", 4.0, 8.0, 0.0, 0.5),
    ("drug_b", 8.0, 16.0, 0.0, 0.5),
)


def dose_combination(random_seed: Seed, rows: int = 2000, synergy: float = 0.0) -> Example:
    """Draw a registry of two drugs and a trial of each.

    Parameters
    ----------
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    rows
        Patients in the registry, and in each trial.
    synergy
        Weight of the product of the effects of both drugs, per mmHg; none by default.

    Returns
    -------
    Example
        ``frame`` with the columns ``drug_a`` and ``drug_b`` (mg a day), ``response`` (fall in
        blood pressure, mmHg, the outcome) and ``regime``: ``obs`` for the registry, the name of the
        drug whose dose a trial drew by lot; ``lifts`` with four published results.

    Raises
    ------
    ModelError
        If `rows` is not a positive integer, `synergy` not a finite number, or the seed not one.

    Examples
    --------
    >>> trial = ig.examples.dose_combination(random_seed=1)
    >>> trial.frame.groupby("regime").size().to_dict()
    {'drug_a': 2000, 'drug_b': 2000, 'obs': 2000}
    """
    check_count(rows, "rows", "rows")
    if not np.isfinite(synergy):
        raise ModelError(f"synergy must be a finite number, got {synergy!r}; 0 means none.")
    seed = seed_sequence(random_seed)
    system = replace(SYSTEM, synergy=float(synergy))
    tables = []
    for label in ("obs", *system.actions):
        regime = parse_regime(label, system.actions)
        drawn = system.rows(regime, np.zeros(rows), named_generator(seed, label))
        tables.append(drawn.assign(regime=label))
    frame = pd.concat(tables, ignore_index=True)
    return Example(frame, system.lift_results(TESTS, named_generator(seed, "lifts")), system)
