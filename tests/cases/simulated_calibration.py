"""Simulation-based calibration through the library's own door.

Hyperparameters, weights and outcomes are drawn from the prior; the library fits the outcomes; the
rank of each drawn value among its posterior draws must be uniform (Talts, Betancourt, Simpson,
Vehtari and Gelman 2018, "Validating Bayesian inference algorithms with simulation-based
calibration"). simuk counts the ranks; what it would do with a PyMC model with an observed variable
is replaced, because here the weights are integrated out and the rows enter as moments.
"""

import numpy as np
import pandas as pd
import simuk
import xarray as xr
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.inference.draws_tree import hyperparameters

AT = {"a1": np.array([0.0, -1.0]), "a2": np.array([0.5, 1.2])}
POSTERIOR = ("sigma", "prior_scale", "lengthscale")


class LibrarySBC(simuk.SBC):
    """Draw from the library's prior, fit with the library (another model, if it is to fail)."""

    def __init__(
        self, model, rows, method, num_simulations, seed, draws=250, chains=2, fitted=None
    ):
        data = ig.RegimeData.from_frame(rows, outcome="y", actions=["a1", "a2"])
        self.drawn_from, self.fitted, self.rows = model, fitted or model, rows
        self.how = (method, draws, chains)
        self.reference = ig.Moments.from_data(data, basis=model.basis)
        super().__init__(
            model.build(self.reference),
            num_simulations=num_simulations,
            seed=seed,
            simulator=lambda **_: {},  # simuk insists on one
            keep_fits=False,
            progress_bar=False,
        )

    def _get_prior_predictive_samples(self):
        prior = self.drawn_from.sample_prior(self.reference, self.num_simulations, self.seed)
        drawn = parameters(prior)
        rng = np.random.default_rng([self.seed, 1])
        parts = []
        for regime in ("obs", "a1", "a2"):
            rows = self.rows[self.rows["regime"] == regime]
            do = [] if regime == "obs" else [regime]
            mean = prior.expected_outcome(rows, do=do, beyond="clamp").to_numpy()[0]
            sigma = drawn["sigma"].sel(regime=regime).to_numpy()[:, None]
            parts.append(mean + sigma * rng.normal(size=mean.shape))
        y = np.concatenate(parts, axis=1)
        return drawn, xr.Dataset({"y": (("sample", "row"), y)})

    def _get_posterior_samples(self, replicated_data):
        method, draws, chains = self.how
        data = ig.RegimeData.from_frame(
            self.rows.assign(y=replicated_data["y"]), outcome="y", actions=["a1", "a2"]
        )
        moments = ig.Moments.from_data(data, like=self.reference)
        seed = int(self._seeds[self._simulations_complete])
        options = {"draws": draws, "chains": chains, "random_seed": seed, "progressbar": False}
        return parameters(self.fitted.fit(moments, method, **options))


def parameters(posterior):
    """Gather what is ranked, dims (sample, ...)."""
    draws = hyperparameters(posterior.idata)
    found = {name: draws[name] for name in POSTERIOR if name in draws}
    found["effect"] = posterior.expected_outcome(AT).drop_vars(["a1", "a2", "support"])
    stacked = xr.Dataset(found).stack(sample=("chain", "draw"))
    return stacked.drop_vars(["sample", "chain", "draw"])


def make_rows(n, seed):
    """Regimes obs, a1 and a2 of n rows each, sorted; the outcome only gives the unit."""
    rng = np.random.default_rng(seed)
    parts = []
    for regime in ("obs", "a1", "a2"):
        a1 = rng.normal(size=n)
        a2 = rng.normal(size=n) + (0.5 * a1 if regime != "a2" else 0.0)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "y": rng.normal(size=n), "regime": regime}))
    return pd.concat(parts, ignore_index=True)


def uniformity(sbc, thin=1):
    """P-value of uniform ranks for every scalar, by its name."""
    found = {}
    draws = sbc.how[1] * (sbc.how[2] if sbc.how[0] == "nuts" else 1)
    for name, ranks in sbc.simulations["prior_sbc"].dataset.items():
        values = ranks.to_numpy()[0].reshape(ranks.sizes["draw"], -1)
        rng = np.random.default_rng(1)
        uniform = (values + rng.uniform(size=values.shape)) / (draws + 1)
        for column, part in enumerate(uniform.T[:, ::thin]):
            found[f"{name}[{column}]"] = float(stats.kstest(part, "uniform").pvalue)
    return found
