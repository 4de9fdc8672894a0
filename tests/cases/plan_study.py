"""Plans of experiments held against what refits to rows of the truth show.

Each unit of the study is one system of the paper's family and one question; it can be run alone,
and what is done is kept (``python -m tests.benchmarks.test_plans FOLDER``).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

import bayes_intgen as ig

KINDS = ("obs", "single", "joint")
PILOT = 300  # rows of each regime before the first plan
LOW, HIGH = 0.3, 0.7  # quantiles between which actions move


MODELS = {  # of the family: sums of cubic curves; and what knows less, in four times the time
    "cubic": ig.InterventionModel(ig.Polynomial(3), interactions="none"),
    "default": ig.InterventionModel(interactions="none"),
}


def fit(frame, actions, seed=1, draws=1000, model=None):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=actions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ig.ConvergenceWarning)
        return (model or ig.InterventionModel()).fit(
            data, method="laplace", draws=draws, random_seed=seed, progressbar=False
        )


def moves(frame, actions):
    """Return points at which one action after the other is high, and the point where none is."""
    low = pd.DataFrame([frame[actions].quantile(LOW)] * len(actions)).reset_index(drop=True)
    high = low.copy()
    for i, action in enumerate(actions):
        high.loc[i, action] = frame[action].quantile(HIGH)
    return high, low


def draw_rows(scm, rows, seed, most):
    """Return rows of some regimes; fewer rows with the same seed are the first of more."""
    found = []
    for label, n in rows.items():
        do = () if label == "obs" else tuple(label.split("+"))
        own = [seed, *(scm.actions.index(action) + 1 for action in do)]
        number = int(np.random.SeedSequence(own).generate_state(1)[0])
        drawn = scm.sample(max(most, n), do=do, random_seed=number)
        found.append(drawn.head(n).assign(regime=label))
    return pd.concat(found, ignore_index=True)


@dataclass(frozen=True)
class PromisedSpread:
    """The sd that a plan promises over that of a refit, for contrasts and for levels.

    Root mean squares over goals; the systems have 2, 3 and 5 actions in turn, and rows of the
    observational regime, of a single experiment or of a joint one that nobody has run are added.
    """

    system: int
    rows: int = 1000

    @property
    def name(self):
        return f"promised-{self.system:03}"

    def run(self):
        n_actions, kind = (2, 3, 5)[self.system % 3], KINDS[self.system // 3 % 3]
        scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=1000 + self.system)
        actions = list(scm.actions)
        frame = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=self.system)
        before = fit(frame, actions)
        label = {"obs": "obs", "single": actions[0], "joint": "+".join(actions[:2])}[kind]
        at, baseline = moves(frame, actions)
        plans = [
            before.plan(at, base, options=[label], rows={label: self.rows}, beyond="clamp")
            for base in (baseline, None)
        ]
        new = draw_rows(scm, {label: self.rows}, self.system + 10**6, self.rows)
        after = fit(pd.concat([frame, new]), actions)
        found = (
            after.contrast(at, baseline, beyond="clamp"),
            after.expected_outcome(at, beyond="clamp"),
        )
        real = [float(np.sqrt((draws.std(("chain", "draw")) ** 2).mean())) for draws in found]
        said = [float(np.sqrt((plan.sd_after**2).mean())) for plan in plans]
        now = [float(np.sqrt((plan.sd_before**2).mean())) for plan in plans]
        return [
            {
                "actions": n_actions,
                "kind": kind,
                "contrasts": said[0] / real[0],
                "levels": said[1] / real[1],
                "gain": said[0] / now[0],
                "gain_of_levels": said[1] / now[1],
            }
        ]


@dataclass(frozen=True)
class WavesOfExperiments:
    """The regret of the setting that is chosen after planned waves, and after equal rows.

    Three actions, each within the 10% and the 90% quantile of what it was seen at; the largest
    outcome is sought. Both start from the same few rows of every regime and spend the same number
    of further ones on the same options, the observational regime and each single action: in waves,
    each planned with all rows so far, or at once in equal parts.
    """

    system: int
    repeat: int = 0
    model: str = "cubic"
    pilot: int = 100  # rows of each regime
    waves: int = 4
    each: int = 400  # rows of a wave

    @property
    def name(self):
        return f"waves-{self.model}-{self.system:03}-{self.repeat}"

    def run(self):
        scm = ig.scm.sample_polynomial_scm(3, random_seed=5000 + self.system)
        actions = list(scm.actions)
        labels = ["obs", *actions]
        seed = 10**6 + 1000 * self.system + self.repeat
        frame = draw_rows(scm, dict.fromkeys(labels, self.pilot), seed, self.pilot)
        bounds = {name: tuple(frame[name].quantile([0.1, 0.9]).tolist()) for name in actions}
        total = self.waves * self.each
        stream = draw_rows(scm, dict.fromkeys(labels, total), seed + 500, total)
        regret = regret_of(scm, bounds)
        model = MODELS[self.model]
        posterior, used = fit(frame, actions, model=model), dict.fromkeys(labels, 0)
        by_wave = [regret(posterior)]
        for _ in range(self.waves):
            plan = posterior.plan(best={"bounds": bounds}, options=labels, rows=self.each)
            used = {label: n + plan.rows.get(label, 0) for label, n in used.items()}
            more = [stream[stream["regime"] == label].head(n) for label, n in used.items()]
            posterior = fit(pd.concat([frame, *more]), actions, model=model)
            by_wave.append(regret(posterior))
        even = [stream[stream["regime"] == label].head(total // len(labels)) for label in labels]
        equal = regret(fit(pd.concat([frame, *even]), actions, model=model))
        shares = {f"rows_{label}": n for label, n in used.items()}
        waves = {f"wave_{i}": value for i, value in enumerate(by_wave)}
        return [{"equal": equal, "planned": by_wave[-1], **waves, **shares}]


def regret_of(scm, bounds, points=41):
    """Return a function of a posterior: by how much its best setting falls short of the best one.

    The truth is a sum of effects, so that each action can be looked at alone.
    """
    middle = pd.DataFrame({name: [sum(ends) / 2] * points for name, ends in bounds.items()})
    grids = {name: np.linspace(*ends, points) for name, ends in bounds.items()}
    effects = {
        name: scm.expected_outcome(middle.assign(**{name: grid})).to_numpy()
        for name, grid in grids.items()
    }

    def regret(posterior):
        best = posterior.best_action(bounds, grid=points).recommended
        lost = [
            effects[name].max() - np.interp(best[name], grid, effects[name])
            for name, grid in grids.items()
        ]
        return float(sum(lost))

    return regret
