"""Which experiments to run when there are no data yet, from spreads that are stated.

The mathematics is that of a plan from a fit, with the prior in its place
(:mod:`bayes_intgen.posterior.planning.stated_prior`). Where the prior says next to nothing and
regimes share nothing, the rows go as

    (1)  n_r proportional to |weight_r| sigma_r / sqrt(c_r),

the weights being those of :func:`bayes_intgen.identify`: for the joint effect with equal noise and
costs, K - 1 observational rows for each row of an experiment, the best ratio of figure 2b.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.planning.make_plan import make_plan
from bayes_intgen.posterior.planning.plan_result import Plan
from bayes_intgen.posterior.planning.stated_prior import Choices, know_spreads
from bayes_intgen.posterior.planning.stated_spreads import Spreads

__all__ = ["plan_before_data"]

STATED = (
    "Before any data: every number rests on the spreads that were stated. Where actions are left "
    "alone, they are taken to move independently of one another."
)
FULL = "As the structure is still to be learned, any action may depend on any other."
ADDITIVE = "Effects are taken to add up."


def plan_before_data(
    model: Choices,
    at: Any = None,
    baseline: Any = None,
    options: Iterable[Any] | None = None,
    rows: int | Mapping[str, int] | None = None,
    budget: float | None = None,
    cost: Mapping[str, float] | None = None,
    random_seed: int = 1,
    *,
    settings: Mapping[str, Any],
    noise: float | Mapping[str, float],
    effects: float | Mapping[str, float],
    biases: float | Mapping[str, float],
    natural: Mapping[str, Any] | None = None,
    best: Mapping[str, Any] | None = None,
    value: float = 1.0,
    do: str | Iterable[str] | None = None,
    average: bool = False,
    fixed: Mapping[str, float] | None = None,
    beyond: Beyond = "error",
) -> Plan:
    """Say which experiments to run before there are any data, from spreads that are stated.

    With rows at hand, :meth:`bayes_intgen.Posterior.plan` knows more.

    Parameters
    ----------
    at, baseline, options, rows, budget, cost, random_seed, best, value, do, average, fixed, beyond
        As in :meth:`bayes_intgen.Posterior.plan`.
    settings
        Every action, with what experiments would set it to: the sd of a normal law around zero, in
        the action's unit, or a list of values (levels as text) that are set alike often.
    noise
        The sd of the outcome around its mean in a regime, in its unit: a number, or one for each
        option.
    effects
        The sd of the effect of each action over its values, in the outcome's unit: one for all, or
        one for each. If moving an action by one sd of its settings moves the outcome by about 3,
        it is 3.
    biases
        The same for the confounding bias of each action: how much the outcome of rows that leave
        it alone would mislead about its effect.
    natural
        The law of actions where they are left alone, as in ``settings``; by default that of their
        settings.

    Returns
    -------
    Plan
        As that of a fit; ``sd_before`` is what the stated spreads leave open.

    Raises
    ------
    QueryError
        If an argument is not valid, does not say something of every action or option, or the
        budget buys no row.
    NotIdentifiedError
        If the options together do not identify what is to be found out.

    Notes
    -----
    Structure, blocks, basis and explicit interactions are those of the model. A structure that is
    to be learned counts as full, and interactions that are to be learned as none.

    Examples
    --------
    Without more than a vague idea, the joint effect of three actions takes two observational rows
    for each row of an experiment:

    >>> model = ig.InterventionModel(ig.Polynomial(1))
    >>> settings = {"price": 1.0, "tv": 5.0, "radio": [0.0, 2.0]}
    >>> vague = dict(settings=settings, noise=1.0, effects=100.0, biases=100.0)
    >>> plan = model.plan({"price": 0.0, "tv": 0.0, "radio": 1.0}, rows=5000, **vague)
    >>> {label: round(n, -2) for label, n in plan.rows.items()}
    {'obs': 2000, 'price': 1000, 'tv': 1000, 'radio': 1000}
    """
    spreads = Spreads.read(settings, natural, noise, effects, biases, options)
    with one_blas_thread():
        fit, points = know_spreads(model, spreads, random_seed)
    made = make_plan(
        fit,
        lambda: points,
        at,
        baseline,
        options,
        rows,
        budget,
        cost,
        random_seed,
        best=best,
        value=value,
        do=do,
        average=average,
        fixed=fixed,
        beyond=beyond,
        drawn=False,
    )
    learned = isinstance(model.structure, str) and model.structure == "learned"
    notes = [STATED, *([FULL] if learned else [])]
    notes += [ADDITIVE] if model.interactions in ("learned", "none") else []
    return replace(made, notes=(*notes, *made.notes))
