"""Bayesian intervention generalization.

The effect of setting several actions at once, from observational data and experiments that each
set one action. A fit is two lines, and everything else is asked of its result::

    data = ig.RegimeData.from_frame(table, outcome="sales", actions=["price", "tv"])
    posterior = ig.InterventionModel().fit(data)

In the examples of docstrings ``data``, ``model`` and ``posterior`` belong to a system of two
actions, ``scm = ig.scm.sample_polynomial_scm(2, random_seed=1)``; ``frame`` holds 200 rows of it in
each regime.

Where the equations stand (paper: Kekić, Garrido Mejia and Schölkopf 2025; S is the set of actions
that are set, and m_S(a) the mean of the outcome in that regime):

================================== =================================================================
Equation or rule                   File:function
================================== =================================================================
rows to regimes; the first pass    data/regime_data.py:RegimeData.from_frame
features phi(a): smooth curves     design/basis/hsgp.py:HSGPBasis.evaluate
features phi(a): polynomials       design/basis/polynomial.py:PolynomialBasis.evaluate
(1) m_S = alpha + sum_k u_k        posterior/estimands/expected_outcome.py:expected_outcome
... + sum over k not in S of d_k   design/design.py:Design.active
(2) m_S = phi' theta_S             design/design.py:Design.collect
... its curves u_k and d_k         posterior/estimands/component.py:component
Theorem 1, Prop. 1, Corollary 1    design/identification/identify.py:identify
... Theorem 1's coefficients       design/identification/identify.py:affine_coefficients
... what is missing                design/identification/missing_experiments.py:cheapest_experiments
... effects without levels         design/identification/rank_condition.py:RankCondition
which action may depend on which   design/structure_learning.py:learn_structure
sufficient statistics              moments/feature_sums.py:sum_features
marginal likelihood                model/marginal.py:MarginalLikelihood.log_density
... its gradient (Fisher)          model/marginal.py:MarginalLikelihood.value_and_gradient
... the same in PyMC               model/pymc_marginal.py:build_model
prior scales of the weights        model/priors.py:PriorScales.log_sd
... of a bias, given the parents   model/centring.py:Centring.of
weights given the hyperparameters  model/marginal.py:MarginalLikelihood.conditional
variance of rows in a regime       model/log_variance.py:fit_log_variances
sum rule of variances              model/variance_sum_rule.py:variance_at
likelihood of lift tests           model/lift_likelihood.py:LiftRows.read
mode of the hyperparameters        inference/laplace.py:find_mode
No-U-Turn sampling                 inference/nuts.py:sample_nuts
additivity test (Assumption 2)     inference/verdicts/additivity.py:check_additivity
... on another scale (log, logit)  inference/verdicts/scale_of_additivity.py:check_scale
support flags (Assumption 1)       posterior/support.py:classify_support
kind of the outcome                data/outcome_kind.py:recognise
draws of the outcome               posterior/predictive.py:predict
... by its kind                    posterior/outcome_laws/outcome_law.py:OutcomeLaw.draw
best joint action                  posterior/estimands/best_action.py:best_action
further rows: what they leave      posterior/planning/reduction.py:reduce_points
... before any data                posterior/planning/stated_prior.py:know_spreads
... the split of a budget          posterior/planning/allocation.py:allocate
... their value for a decision     posterior/planning/decision.py:DecisionDraws.value
false discoveries, many outcomes   studies/many_outcomes/false_discovery.py:shrink
falsification                      checks/suite.py:check
mechanisms alike (Lemma 1)         checks/mechanisms.py:check_mechanisms
the paper's estimator              baselines/ridge.py:RidgeEstimator.fit
causal aggregation                 baselines/aggregation.py:CausalAggregation.fit
correlated additive noise          baselines/noise_covariance.py:fit_equations
factor models                      baselines/factor_model.py:FactorModel.fit
a shared additive confounder       checks/shared_confounders.py:check_shared_confounders
indistinguishable systems (Ex. 1)  scm/indistinguishable.py:indistinguishable_scms
================================== =================================================================

The names of this module and their homes are listed in ``__init__.pyi``. Each is loaded when it is
first used (SPEC 1 of the scientific Python community), since what it builds on takes seconds to
import, and few programs need all of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
