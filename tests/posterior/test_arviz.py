"""Every public function of ArviZ that takes a tree, called on ``posterior.idata`` as it is."""

import inspect
import time
import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import bayes_intgen as ig

TREES = {"data", "data1", "dt", "dts", "idata", "elpd_data", "cmp_df", "compare_dict"}
ROOMS = ("arviz_stats", "arviz_plots.plots", "arviz_base.reorg", "arviz_base.transform")

# what they need beside the tree
NEEDED = {
    "combine_plots": {"plots": [(az.plot_trace, {}), (az.plot_dist, {})]},
    "ci_in_rope": {"rope": (-1.0, 1.0)},
    "kl_divergence": {"data2": "the tree"},
    "wasserstein": {"data2": "the tree"},
    "plot_pair": {"var_names": "sigma"},  # ten parameters would be a hundred panels
    "plot_pair_focus": {"focus_var": "sigma", "focus_var_coords": {"regime": "obs"}},
    "rhat_nested": {"superchain_ids": [0, 0, 1, 1]},
    "get_log_likelihood": {"var_name": "outcome"},
    "xarray_to_ndarray": {"var_names": "sigma"},
}

ROWS = "needs outcomes and predictions row by row, which a fit from sums does not hold"
REFIT = "fits again, for which ArviZ would have to know the model"
SINGLE = "leaves out single rows, and log_likelihood is that of whole regimes"
RESULT = "takes a result of loo or compare, not a tree"
PRIOR = "compares with draws from the prior, a fit of its own (InterventionModel.sample_prior)"
SURVIVAL = "is about times to an event"
ARVIZ = "is not written in ArviZ for trees"
CANNOT = {
    **dict.fromkeys(("bayes_factor", "plot_bf", "plot_prior_posterior"), PRIOR),
    **dict.fromkeys(("bayesian_r2", "loo_expectations", "loo_influence", "loo_metrics"), ROWS),
    **dict.fromkeys(("loo_pit", "loo_r2", "loo_score", "metrics", "residual_r2"), ROWS),
    **dict.fromkeys(("plot_ecdf_pit", "plot_lm", "plot_loo_interval", "plot_loo_pava"), ROWS),
    **dict.fromkeys(("plot_loo_pit", "plot_ppc_dist", "plot_ppc_dist_pit"), ROWS),
    **dict.fromkeys(("plot_ppc_interval", "plot_ppc_pava", "plot_ppc_pava_residuals"), ROWS),
    **dict.fromkeys(("plot_ppc_pit", "plot_ppc_rootogram", "plot_ppc_tstat"), ROWS),
    **dict.fromkeys(("weight_predictions",), ROWS),
    **dict.fromkeys(("lfo_cv", "loo_kfold", "loo_moment_match"), REFIT),
    **dict.fromkeys(("loo_approximate_posterior", "loo_subsample"), SINGLE),
    **dict.fromkeys(("compare", "plot_compare", "plot_khat"), RESULT),
    **dict.fromkeys(("generate_survival_curves", "kaplan_meier", "plot_ppc_censored"), SURVIVAL),
    "ecdf": ARVIZ,
}


def takes_a_tree(function):
    first = next(iter(inspect.signature(function).parameters), None)
    return function.__module__.startswith(ROOMS) and first in TREES


FUNCTIONS = {
    name: function
    for name, function in inspect.getmembers(az, inspect.isfunction)
    if not name.startswith("_") and takes_a_tree(function)
}


@pytest.fixture(scope="module")
def posterior():
    """With as many parameters as the demonstration has."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=15)
    frame = scm.sample_regimes(scm.single_regimes, 300, random_seed=15)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(ig.HSGP(m=6, m_pair=3), structure=["a1", "a2", "a3"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ig.ConvergenceWarning)  # the draws are few
        return model.fit(data, draws=150, random_seed=1, progressbar=False)


@pytest.fixture
def closing():
    yield
    plt.close("all")


def call(name, tree):
    arguments = NEEDED.get(name, {})
    given = {k: tree if value == "the tree" else value for k, value in arguments.items()}
    return FUNCTIONS[name](tree, **given)


def test_the_functions_are_found():
    assert len(FUNCTIONS) > 80
    assert {"summary", "ess", "plot_trace", "plot_forest", "psense_summary"} <= set(FUNCTIONS)
    assert set(CANNOT) <= set(FUNCTIONS)
    assert set(NEEDED) - {"xarray_to_ndarray"} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(CANNOT)))
@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto:UserWarning")
def test_it_works(name, posterior, closing):
    assert call(name, posterior.idata) is not None


@pytest.mark.parametrize("name", CANNOT)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_cannot_apply(name, posterior, closing):
    """If a later version of ArviZ, or of the tree, makes one of them work, this says so."""
    with pytest.raises(
        (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, OSError)
    ):
        FUNCTIONS[name](posterior.idata)


def test_a_summary_is_short_quick_and_of_what_a_person_looks_at(posterior):
    start = time.perf_counter()
    table = az.summary(posterior.idata)
    assert time.perf_counter() - start < 2
    assert [name.partition("[")[0] for name in table.index] == ["sigma"] * 4 + ["lengthscale"] * 6
    assert set(az.psense_summary(posterior.idata).index) == set(table.index)


@pytest.mark.parametrize("group", ["prior_scales", "weights"])
def test_what_is_many_has_summaries_of_its_own(group, posterior):
    table = az.summary(posterior.idata, group=group)
    assert len(table) == len(
        getattr(posterior.design, {"prior_scales": "groups"}.get(group, group))
    )
    assert np.isfinite(table["mean"].astype(float)).all()


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["student_t", "heteroscedastic"])
def test_likelihoods_over_rows_fit_into_a_summary(likelihood):
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 40, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1), "full", likelihood=likelihood)
    with pytest.warns(ig.ConvergenceWarning):
        tree = model.fit(data, draws=20, tune=20, chains=2, progressbar=False).idata
    own = (
        ["nu"]
        if likelihood == "student_t"
        else [f"variance_scale[{r}]" for r in ("obs", "a1", "a2")]
    )
    assert list(az.summary(tree).index) == [*(f"sigma[{r}]" for r in ("obs", "a1", "a2")), *own]
    assert ("variance_weights" in tree.children) == (likelihood == "heteroscedastic")


def test_a_file_opened_by_others_is_such_a_tree(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as tree:
        xr.testing.assert_equal(tree["weights"].dataset, posterior.idata["weights"].dataset)
        assert len(az.summary(tree)) == 10
