"""The posterior: a fit with every estimand, summary and plot bound to it.

Each is a function of :class:`bayes_intgen.posterior.fitted.Fitted` in a file of its own, most in
:mod:`bayes_intgen.posterior.estimands`.
"""

from pathlib import Path

from bayes_intgen.base.arguments import read_path
from bayes_intgen.posterior.estimands.average import average_contrast, average_outcome
from bayes_intgen.posterior.estimands.best_action import best_action
from bayes_intgen.posterior.estimands.component import component
from bayes_intgen.posterior.estimands.contrast import contrast, probability
from bayes_intgen.posterior.estimands.decomposition import decomposition
from bayes_intgen.posterior.estimands.dose_response import dose_response
from bayes_intgen.posterior.estimands.effects import effects
from bayes_intgen.posterior.estimands.expected_outcome import expected_outcome
from bayes_intgen.posterior.estimands.synergy import synergy
from bayes_intgen.posterior.estimands.table import table
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.plan import plan
from bayes_intgen.posterior.planning.rows_needed import rows_needed
from bayes_intgen.posterior.plot_curves import plot_decomposition, plot_dose_response, plot_surface
from bayes_intgen.posterior.plot_effects import plot_budget, plot_contrasts, plot_structure
from bayes_intgen.posterior.plot_support import plot_support
from bayes_intgen.posterior.predictive import predict
from bayes_intgen.posterior.predictive_check import predictive_check
from bayes_intgen.posterior.prior_sensitivity import prior_sensitivity
from bayes_intgen.posterior.report import describe_fit, show_fit
from bayes_intgen.posterior.report_page.report import report
from bayes_intgen.posterior.storage import read_fit, save

__all__ = ["Posterior", "load"]


class Posterior(Fitted):
    """Posterior draws of a fitted model, and the estimands that they answer.

    Made by :meth:`bayes_intgen.InterventionModel.fit` or :func:`bayes_intgen.load`.

    Parameters
    ----------
    idata
        The draws, as a tree that functions of ArviZ take as it is. They look at its group
        ``posterior``: sigma in the outcome's unit (with a learned variance, that of a row whose
        weight is one), lengthscale in half-widths of the action's data, ``nu`` or
        ``variance_scale`` if the likelihood has them. What is many has groups of its own, to be
        named by ``group=``: ``weights`` (the coefficients of all curves, ``weight``),
        ``prior_scales`` (``prior_scale``, of each group of them), both in the outcome's unit, and
        ``variance_weights``. Then there are ``sample_stats``, ``log_likelihood`` (per regime),
        ``log_prior`` and ``constant_data``; with a learned variance also ``variance``, the
        functions that :meth:`predict` draws from; with a normal likelihood ``sums``, those over the
        rows that :meth:`plan` starts from.
    design
        Features, components and possible parents.
    summary
        Counts, ranges and covariances of the data.
    outcome_scale
        Centre and spread by which the outcome was standardised.
    convergence
        The verdict on the sampler.
    learned
        The evidence on which action may depend on which, if the structure was learned.
    additivity
        Which interactions the data need; None if there were no rows to test.
    lack_of_fit
        Where the fit misses its own data, in which regime and by how much, whatever its class; of
        the normal fit, also with another likelihood. None if there were no rows to test.

    Examples
    --------
    >>> posterior.actions, posterior.covariates, posterior.outcome, posterior.target
    (('a1', 'a2'), (), 'y', ('a1', 'a2'))
    >>> posterior.lifts is None, posterior.convergence.ok, posterior.additivity.ok
    (True, True, True)
    >>> posterior.interactions.used
    'none'
    >>> list(posterior.idata["posterior"].data_vars), list(posterior.idata["weights"].data_vars)
    (['sigma'], ['weight'])
    >>> posterior.additive_scale is None, str(posterior.summary.outcome_range.kind)
    (True, 'real')
    >>> print(posterior.lack_of_fit)
    lack of fit: none seen (9 tests, least adjusted p 1)
    """

    # methods: the first argument of each function is self
    expected_outcome = expected_outcome
    table = table
    effects = effects
    contrast = contrast
    probability = probability
    synergy = synergy
    component = component
    decomposition = decomposition
    dose_response = dose_response
    average_outcome = average_outcome
    average_contrast = average_contrast
    best_action = best_action
    predict = predict
    plan = plan
    rows_needed = rows_needed

    predictive_check = predictive_check
    prior_sensitivity = prior_sensitivity

    plot_budget = plot_budget
    plot_contrasts = plot_contrasts
    plot_decomposition = plot_decomposition
    plot_dose_response = plot_dose_response
    plot_structure = plot_structure
    plot_support = plot_support
    plot_surface = plot_surface

    report = report
    save = save
    __str__ = describe_fit
    _repr_html_ = show_fit


def load(path: str | Path) -> Posterior:
    """Read a posterior that :meth:`Posterior.save` wrote; it answers every query.

    Parameters
    ----------
    path
        The netCDF file. Nothing in it is executed.

    Raises
    ------
    FileError
        If the file is missing, not a saved fit, or damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "fit.nc"
    ...     posterior.save(path)
    ...     ig.load(path).actions
    ('a1', 'a2')
    """
    return Posterior(**vars(read_fit(read_path(path))))
