"""All checks of one data set, relative to the interactions that a model allows.

Five things follow from pairwise confounding and can be seen to fail: (a) the causal part is
additive and (b) biases reach no farther than parents, both relative to ``interactions``; (c)
mechanisms of actions are the same in all regimes that leave them alone; (d) the variance obeys the
sum rule of the mean; (e) surplus experiments are predicted by the others.

Three values of ``interactions`` play a part: those *requested*, which (a) and (b) are held against;
those *needed*, the narrowest that allow all that (a) and (b) find; and those *tested with*, the
wider of the two, with which the model is fitted whose predictions (d) and (e) test.

The checks make fits of their own, with the normal likelihood, default priors and a learned
variance. Of a posterior they take basis, structure, interactions, blocks and the unit of the
outcome; its draws, priors, variance and likelihood are not used.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.blocks import BlockChoice, find_cuts, read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.checks.ancestry import Ancestry, distrust_few_rows
from bayes_intgen.checks.finding import LEVELS, share_level
from bayes_intgen.checks.interactions import check_interactions, needed_interactions
from bayes_intgen.checks.mechanisms import check_mechanisms
from bayes_intgen.checks.result import Checks
from bayes_intgen.checks.surplus_experiments import check_surplus
from bayes_intgen.checks.variances import check_variance
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.design import INTERACTIONS, Design, Interactions
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.prepare import Prepared, judge_interactions, refuse_exact, weight_rows
from bayes_intgen.inference.problem import Problem, explain_singular
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["check"]

BASIS = HSGP(warp=16)  # fewer than a fit of three actions has: a check makes several fits
SLOPE_ROWS = 4000
STEP = 0.1


def check(
    data: RegimeData,
    posterior: Posterior | None = None,
    interactions: Interactions = "none",
    blocks: BlockChoice = None,
) -> Checks:
    """Look for evidence against the assumptions behind the joint effect.

    Parameters
    ----------
    data
        The rows.
    posterior
        A fit whose basis, structure, interactions and blocks are judged. Its draws, priors,
        variance and likelihood are not used: the checks make normal fits of their own, with default
        priors. By default smooth curves and the learned structure are judged.
    interactions
        Those that are judged: what they allow is no failure. With a posterior its own count, and
        this must be left at ``"none"`` or agree with them.
    blocks
        Actions that may share a confounder and interact, as in
        :class:`bayes_intgen.InterventionModel`; with a posterior, its own count.

    Returns
    -------
    Checks
        Its ``passed`` is False if a deviation is seen that the interactions do not allow: then
        either wider ones are needed (``needed_interactions``), or an assumption fails that all
        share. Over all tests the probability of a false alarm is held at 5%.

    Raises
    ------
    ModelError
        If an argument is not valid, or the posterior has other actions, levels or outcome than the
        data.

    Notes
    -----
    Passing proves nothing. Example 1 of the paper has two systems that no observational or single
    interventional data tell apart, with different joint effects.

    A product of two confounders in the outcome is seen as a bias that depends on another action,
    which ``"all"`` allows; that it is no such thing shows only in regimes that are
    surplus, such as rows of a joint intervention.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), Lemma 1, Theorem 1 and Example 1.

    Examples
    --------
    >>> scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=2000, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> checks = ig.check(data)
    >>> checks.passed, checks.needed_interactions
    (True, 'none')
    """
    requested = _read(data, posterior, interactions, blocks)
    with explain_singular():
        return _check(data, posterior, requested, blocks)


def _read(data: Any, posterior: Any, interactions: Any, blocks: BlockChoice) -> Interactions:
    """Check the arguments and return the interactions that are judged."""
    if not isinstance(data, RegimeData):
        raise ModelError(
            f"data must be a RegimeData, whose rows the checks read, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    read_choice(interactions, "interactions", INTERACTIONS)
    requested: Interactions = interactions
    if posterior is None:
        return requested
    if not isinstance(posterior, Posterior):
        raise ModelError(
            f"posterior must be a Posterior or None, got {type(posterior).__name__}; make one with "
            f"InterventionModel().fit(data)."
        )
    if not posterior.summary.has_columns_of(data.summary):
        raise ModelError(
            f"posterior: it was fitted to the columns {list(posterior.summary.columns)} (the "
            f"outcome last), the data have {[*data.variables, data.outcome]}; names, order, "
            f"covariates and levels must agree."
        )
    if blocks is not None:
        raise ModelError("blocks: those of the posterior are judged; leave blocks out.")
    fitted = posterior.design.interactions
    if requested not in ("none", fitted):
        raise ModelError(
            f"interactions: the posterior has interactions={fitted!r}, which is what is judged; "
            f"got {requested!r}. Leave it out, or fit with that."
        )
    return fitted


def _check(
    data: RegimeData, posterior: Posterior | None, requested: Interactions, blocks: BlockChoice
) -> Checks:
    """Fit with the requested interactions, then with those that the data need, and test both."""
    summary = data.summary
    learned = distrust_few_rows(learn_structure(summary), summary)
    scale = summary.scales[data.outcome]
    bases: Mapping[str, ActionBasis] = freeze_bases(BASIS, data.variables, summary)
    parents: Mapping[str, tuple[str, ...]] = learned.parents
    partition = read_blocks(blocks, data.actions)
    if posterior is not None:
        bases, parents = posterior.design.features.bases, posterior.design.parents
        partition, scale = posterior.design.blocks, posterior.outcome_scale
    cuts = find_cuts(summary.regimes, partition)
    design = Design.build(bases, parents, requested, partition, cuts, data.covariates)
    prepared, mode = _fit(data, summary, design, scale)
    additivity = judge_interactions(prepared, mode) or Additivity(requested, ())
    spread = summary.scales[data.outcome].spread
    needed = needed_interactions(additivity, spread)
    # (d) and (e) would fail with too narrow interactions for what (a) and (b) say already
    tested_with = max(requested, needed, key=INTERACTIONS.index)
    if tested_with != requested:
        prepared, mode = _fit(data, summary, design.with_interactions(tested_with), scale)
    problem = prepared.problem
    weights = problem.conditional(mode.mode).mean

    of_interactions = check_interactions(additivity, requested, spread)
    findings = share_level(of_interactions, LEVELS["additivity"])
    slopes = _slopes(problem, weights)
    mechanisms = check_mechanisms(summary, Ancestry.of(learned), slopes, partition)
    findings += share_level(mechanisms, LEVELS["mechanism"])
    variance = check_variance(problem, weights, data.outcome)
    findings += share_level(variance, LEVELS["variance"])
    findings += share_level(check_surplus(problem, prepared.moments), LEVELS["surplus"])
    return Checks(requested, needed, tuple(findings))


def _fit(
    data: RegimeData, summary: Summary, design: Design, scale: Scale
) -> tuple[Prepared, LaplaceMode]:
    """Prepare the problem of a design and find its mode."""
    moments = Moments.compute(data, summary, design.features, scale)
    refuse_exact(moments)
    prepared = weight_rows(Prepared(Problem(design, moments, Priors()), moments, None), data)
    return prepared, find_mode(prepared.problem)


def _slopes(problem: Problem, weights: Array) -> dict[str, float]:
    """Return the root mean square change of the fitted observational mean per unit of each action.

    In the outcome's unit, over rows of all regimes: by it a deviation in the mechanism of an action
    is told in units of the outcome. Of a categorical action: per change of its level from one code
    to the next, in either direction.
    """
    design, summary = problem.design, problem.moments.summary
    rows = np.concatenate([part.sample.rows for part in summary.regimes.values()])[:, :-1]
    rows = rows[:: -(-len(rows) // SLOPE_ROWS)]
    theta = design.collect(weights, design.active(()))
    # Central differences, of a tenth of the action's spread to either side.
    slopes = {}
    for column, action in enumerate(design.actions):
        after, before = rows.copy(), rows.copy()
        if action in summary.levels:
            after[:, column] = (rows[:, column] + 1) % len(summary.levels[action])
            step = 1.0
        else:
            step = 2 * STEP * summary.scales[action].spread
            after[:, column] += step / 2
            before[:, column] -= step / 2
        change = (design.features.evaluate(after) - design.features.evaluate(before)) @ theta
        slopes[action] = float(np.sqrt(np.mean((change / step) ** 2)))
        slopes[action] *= problem.moments.outcome_scale.spread
    return slopes
