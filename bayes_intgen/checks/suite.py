"""All checks of one data set, relative to the interactions that a model allows.

Five things follow from pairwise confounding and can be seen to fail: (a) the causal part is
additive and (b) biases reach no farther than parents, both relative to ``interactions``; (c)
mechanisms of actions are the same in all regimes that leave them alone; (d) the variance obeys the
sum rule of the mean; (e) surplus experiments are predicted by the others. What (a) and (b) find
decides which interactions the data need, and (d) and (e) are judged with those or the ones asked
for, whichever are wider.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.blocks import BlockChoice, find_cuts, read_blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.checks.additivity import check_interactions, needed_interactions
from bayes_intgen.checks.ancestry import Ancestry, distrust_few_rows
from bayes_intgen.checks.finding import LEVELS, share_level
from bayes_intgen.checks.mechanisms import check_mechanisms
from bayes_intgen.checks.result import Checks
from bayes_intgen.checks.surplus_experiments import check_surplus
from bayes_intgen.checks.variance_sum_rule import check_variance
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.design import INTERACTIONS, Design, Interactions
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.prepare import Prepared, judge_interactions, refuse_exact, reweight
from bayes_intgen.inference.problem import Problem, explain_singular
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["check"]

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
        A fit whose basis, structure and interactions are judged; its draws are not used. By default
        smooth curves and the learned structure.
    interactions
        Those that are judged: what they have room for is no failure. With a posterior its own
        count, and this must be left at ``"none"`` or agree with them.
    blocks
        Actions that may share a confounder and interact, as in
        :class:`bayes_intgen.InterventionModel`; with a posterior, its own count.

    Returns
    -------
    Checks
        Its ``passed`` is False if a test failed that the interactions have no room for: then either
        wider ones are needed (``needed_interactions``), or an assumption fails that all share. Over
        all tests the probability of a false alarm is held at 5%.

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
    for which ``"all"`` has room; that it is no such thing shows only in regimes that are
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
    judged = _read(data, posterior, interactions, blocks)
    with explain_singular():
        return _check(data, posterior, judged, blocks)


def _read(data: Any, posterior: Any, interactions: Any, blocks: BlockChoice) -> Interactions:
    """Check the arguments and return the interactions that are judged."""
    if not isinstance(data, RegimeData):
        raise ModelError(
            f"data must be a RegimeData, whose rows the checks read, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    read_choice(interactions, "interactions", INTERACTIONS)
    asked: Interactions = interactions
    if posterior is None:
        return asked
    if not isinstance(posterior, Posterior):
        raise ModelError(
            f"posterior must be a Posterior or None, got {type(posterior).__name__}; make one with "
            f"InterventionModel().fit(data)."
        )
    known = (*posterior.summary.columns, posterior.covariates, posterior.summary.levels)
    if known != (*data.variables, data.outcome, data.covariates, data.levels):
        raise ModelError(
            f"posterior: it was fitted to the columns {list(posterior.summary.columns)} (the "
            f"outcome last), the data have {[*data.variables, data.outcome]}; names, order, "
            f"covariates and levels must agree."
        )
    if blocks is not None:
        raise ModelError("blocks: those of the posterior are judged; leave blocks out.")
    fitted = posterior.design.interactions
    if asked not in ("none", fitted):
        raise ModelError(
            f"interactions: the posterior has interactions={fitted!r}, which is what is judged; "
            f"got {asked!r}. Leave it out, or fit with that."
        )
    return fitted


def _check(
    data: RegimeData, posterior: Posterior | None, asked: Interactions, blocks: BlockChoice
) -> Checks:
    summary = data.summary
    learned = distrust_few_rows(learn_structure(summary), summary)
    scale = summary.scales[data.outcome]
    bases: Mapping[str, ActionBasis] = freeze_bases(HSGP(), data.variables, summary)
    parents: Mapping[str, tuple[str, ...]] = learned.parents
    partition = read_blocks(blocks, data.actions)
    if posterior is not None:
        bases, parents = posterior.design.features.bases, posterior.design.parents
        partition, scale = posterior.design.blocks, posterior.outcome_scale
    cuts = find_cuts(summary.regimes, partition)
    design = Design.build(bases, parents, asked, partition, cuts, data.covariates)
    prepared, mode = _fit(data, summary, design, scale)
    additivity = judge_interactions(prepared, mode) or Additivity(asked, ())
    spread = summary.scales[data.outcome].spread
    needed = needed_interactions(additivity, spread)
    # (d) and (e) would fail with too narrow interactions for what (a) and (b) say already
    judged = max(asked, needed, key=INTERACTIONS.index)
    if judged != asked:
        prepared, mode = _fit(data, summary, design.with_interactions(judged), scale)
    problem = prepared.problem
    weights = problem.conditional(mode.mode).mean

    findings = share_level(check_interactions(additivity, asked, spread), LEVELS["additivity"])
    slopes = _slopes(problem, weights)
    mechanisms = check_mechanisms(summary, Ancestry.of(learned), slopes, partition)
    findings += share_level(mechanisms, LEVELS["mechanism"])
    variance = check_variance(problem, weights, data.outcome)
    findings += share_level(variance, LEVELS["variance"])
    findings += share_level(check_surplus(problem, prepared.moments), LEVELS["surplus"])
    return Checks(asked, needed, tuple(findings))


def _fit(
    data: RegimeData, summary: Summary, design: Design, scale: Scale
) -> tuple[Prepared, LaplaceMode]:
    """Prepare the problem of a design and find its mode."""
    moments = Moments.compute(data, summary, design.features, scale)
    refuse_exact(moments)
    prepared = reweight(Prepared(Problem(design, moments, Priors()), moments, None), data, True)
    return prepared, find_mode(prepared.problem)


def _slopes(problem: Problem, weights: Array) -> dict[str, float]:
    """Root mean square change of the fitted observational mean per unit of each action.

    Of a categorical action: per change of its level from one code to the next, in either direction.
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
