"""All checks of one data set, relative to the interactions that a model allows.

Six things follow from pairwise confounding and can be seen to fail: (a) the causal part is
additive and (b) biases reach no farther than parents, both relative to ``interactions``; (c)
mechanisms of actions are the same in all regimes that leave them alone; (d) the variance obeys the
sum rule of the mean; (e) surplus experiments are predicted by the others; (f) an experiment by
itself shows the effect that the sum rule gives its action, or one that confounders modify.

Three values of ``interactions`` play a part: those *requested*, which (a) and (b) are held against;
those *needed*, the terms that the data need by the test of every fit
(:mod:`bayes_intgen.inference.verdicts.additivity`); and those *tested with*, both together, with
which the model is fitted whose predictions (d) and (e) test.

The checks make fits of their own, with the normal likelihood, default priors and a learned
variance: by default that of :class:`bayes_intgen.InterventionModel`, so that both say the same. Of
a posterior they take basis, structure, interactions, blocks and the unit of the outcome, and its
test of additivity; its draws, priors, variance and likelihood are not used.
"""

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_choice, read_switch
from bayes_intgen.base.blocks import BlockChoice, find_cuts
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.steps import Steps
from bayes_intgen.base.types import Array
from bayes_intgen.checks.ancestry import Ancestry, distrust_few_rows
from bayes_intgen.checks.finding import LEVELS, share_level
from bayes_intgen.checks.interactions import check_interactions, judge_scale
from bayes_intgen.checks.mechanisms import check_mechanisms
from bayes_intgen.checks.result import Checks
from bayes_intgen.checks.safer_answer import answer_safely
from bayes_intgen.checks.shared_confounders import check_shared_confounders
from bayes_intgen.checks.surplus_experiments import check_surplus
from bayes_intgen.checks.variances import check_variance
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.design import Design
from bayes_intgen.design.interactions import CHOICES, Interactions, InteractionTerms
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.inference.interaction_learning import LearnedFit, fit_rows, learn_interactions
from bayes_intgen.inference.prepare import SettledDesign, prepare, settle_design
from bayes_intgen.inference.problem import Problem, explain_singular
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.scale_of_additivity import check_scale
from bayes_intgen.model.priors import Priors
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["check"]

STEPS = (
    "fitting the rows, and testing what interacts",
    "fitting them again with what interacts",
    "testing mechanisms and variances",
    "testing surplus experiments and shared confounders",
)
SLOPE_ROWS = 4000
STEP = 0.1


def check(
    data: RegimeData,
    posterior: Posterior | None = None,
    interactions: Interactions = "learned",
    blocks: BlockChoice = None,
    progressbar: bool = True,
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
        Those that are judged: what they allow is no failure; ``"learned"`` allows what is found.
        With a posterior its own count, and this must be left at ``"learned"`` or agree with them.
    blocks
        Actions that may share a confounder and interact, as in
        :class:`bayes_intgen.InterventionModel`; with a posterior, its own count.
    progressbar
        Whether to say on standard error which step is under way, if the checks take longer than
        three seconds: they fit the rows, once or a few times, which takes as long as a fit with
        ``method="laplace"``, and about half as long again for the tests.

    Returns
    -------
    Checks
        Its ``passed`` is False if a deviation is seen that the interactions do not allow: then
        either wider ones are needed (``needed_interactions``), or an assumption fails that all
        share. Over all tests the probability of a false alarm is held at 6%; for 0/1, counts,
        proportions and positive skewed outcomes, whose scale is tested too, at 7%. Where a shared
        confounder is seen that modifies nothing, ``safer`` has the answer of causal aggregation,
        which is right then.

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
    read_switch(progressbar, "progressbar")
    with explain_singular(), Steps("check", STEPS, progressbar) as steps:
        return _check(data, posterior, requested, blocks, steps)


def _read(data: Any, posterior: Any, interactions: Any, blocks: BlockChoice) -> Interactions:
    """Check the arguments and return the interactions that are judged."""
    if not isinstance(data, RegimeData):
        raise ModelError(
            f"data must be a RegimeData, whose rows the checks read, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    read_choice(interactions, "interactions", CHOICES)
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
    if requested not in ("learned", fitted):
        raise ModelError(
            f"interactions: the posterior has interactions={fitted!r}, which is what is judged; "
            f"got {requested!r}. Leave it out, or fit with that."
        )
    return fitted


def _check(
    data: RegimeData,
    posterior: Posterior | None,
    requested: Interactions,
    blocks: BlockChoice,
    steps: Steps,
) -> Checks:
    """Fit with the requested interactions, then with those that the data need, and test both."""
    steps.begin(STEPS[0])

    def learn(rows: RegimeData) -> LearnedFit:
        settled = _settle(rows, posterior, requested, blocks)
        return learn_interactions(settled, partial(prepare, data=rows, priors=Priors()))

    fit, data = fit_rows(learn, data)
    summary = data.summary
    ancestry = Ancestry.of(distrust_few_rows(learn_structure(summary), summary))
    additivity = fit.additivity or Additivity(requested, ())
    if posterior is not None and posterior.additivity is not None:
        additivity = posterior.additivity
    # (d) and (e) would fail with too narrow interactions for what (a) and (b) say already
    wanted = additivity.terms.union(additivity.missing)
    if requested == "pairwise":
        pairs = InteractionTerms(effect=tuple(combinations(data.actions, 2)))
        wanted = pairs.union(wanted)
    if requested not in ("learned", "all") and fit.settled.design.lacks(wanted):
        steps.begin(STEPS[1])
        prepare_one = partial(prepare, data=data, priors=Priors())
        fit = learn_interactions(fit.settled.with_terms(wanted), prepare_one)
    problem, partition = fit.prepared.problem, fit.settled.design.blocks
    weights = problem.conditional(fit.mode.mode).mean

    spread = summary.scales[data.outcome].spread
    of_interactions = check_interactions(additivity, spread)
    findings = share_level(of_interactions, LEVELS["additivity"])
    scale = check_scale(fit.prepared.problem, fit.mode, fit.prepared.moments)
    if posterior is not None and posterior.additivity is not None:
        scale = posterior.additive_scale
    findings += judge_scale(scale)
    steps.begin(STEPS[2])
    slopes = _slopes(problem, weights)
    mechanisms = check_mechanisms(summary, ancestry, slopes, partition)
    findings += share_level(mechanisms, LEVELS["mechanism"])
    variance = check_variance(problem, weights, data.outcome)
    findings += share_level(variance, LEVELS["variance"])
    steps.begin(STEPS[3])
    findings += share_level(check_surplus(problem, fit.prepared.moments), LEVELS["surplus"])
    sharing = list(check_shared_confounders(fit.prepared, fit.mode.mode, data))
    sharing = share_level(sharing, LEVELS["sharing"])
    findings += sharing
    safer = None
    if any(finding.failed for finding in sharing):
        safer = answer_safely(fit.prepared.problem, fit.mode.mode, data, partition)
    return Checks(requested, additivity.needed_interactions, tuple(findings), safer)


def _settle(
    data: RegimeData, posterior: Posterior | None, requested: Interactions, blocks: BlockChoice
) -> SettledDesign:
    """Return the design that is judged."""
    if posterior is None:
        return settle_design(data, HSGP(), "learned", requested, blocks)
    summary, of_fit = data.summary, posterior.design
    cuts = (*dict.fromkeys([*of_fit.cuts, *find_cuts(summary.regimes, of_fit.blocks)]),)
    design = Design.build(
        of_fit.features.bases,
        of_fit.parents,
        requested,
        of_fit.blocks,
        cuts,
        data.covariates,
        at_rest=of_fit.at_rest,
    )
    return SettledDesign(design, summary, posterior.learned)


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
