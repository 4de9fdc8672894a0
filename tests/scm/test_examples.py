"""The example tables agree with the truth that comes with them."""

import numpy as np
import pytest
from scipy.integrate import quad

import bayes_intgen as ig
from bayes_intgen.scm.examples.marketing import SYSTEM

MAKERS = {
    "marketing": lambda seed: ig.examples.marketing(seed, regions=400),
    "dose_combination": lambda seed: ig.examples.dose_combination(seed, rows=20_000, synergy=0.1),
}


@pytest.mark.parametrize("name", MAKERS)
def test_rows_scatter_around_the_truth(name):
    """Given the actions, rows differ from the true mean of their regime by noise alone."""
    example = MAKERS[name](1)
    logs = np.log(example.frame[[*example.actions]])
    logs = (logs - logs.mean()) / logs.std()
    z = example.frame[[*example.covariates]]
    for regime, rows in example.frame.groupby("regime"):
        truth = example.expected_outcome(rows, do=regime).to_numpy()
        residual = rows[example.outcome].to_numpy() - truth
        x = np.column_stack([logs.loc[rows.index], z.loc[rows.index]])
        features = np.column_stack([np.ones(len(x)), x, x**2, x[:, :1] * x[:, 1:]])
        scores = features * residual[:, None]
        standard = scores.mean(axis=0) / (scores.std(axis=0) / np.sqrt(len(x)))
        assert np.abs(standard).max() < 4


def test_regimes_of_each_other_are_told_apart():
    """The test above would fail if a regime were confused with another."""
    example = MAKERS["marketing"](1)
    rows = example.frame[example.frame["regime"] == "tv"]
    wrong = rows["sales"] - example.expected_outcome(rows, do=[]).to_numpy()
    assert abs(wrong.mean()) > 4 * wrong.std() / np.sqrt(len(wrong))


def test_the_bias_is_that_of_bayes_rule():
    """E[(hidden + swing x) C | a, z] by integration over the confounder."""
    search = SYSTEM.levers[2]
    x, before, z = 0.3, {"tv": np.array(-0.2)}, np.array(0.5)

    def density(c):
        rest = x - 0.4 * -0.2 - 0.1 * 0.5 - search.planned * c
        return np.exp(-0.5 * c**2 - 0.5 * (rest / search.other) ** 2)

    mean = quad(lambda c: c * density(c), -8, 8)[0] / quad(density, -8, 8)[0]
    found = search.bias(np.array(x), before, z)
    assert found == pytest.approx((search.hidden + search.swing * x) * mean, rel=1e-8)


def test_the_same_seed_gives_the_same_tables():
    one, two = (ig.examples.marketing(random_seed=5, regions=3) for _ in range(2))
    assert one.frame.equals(two.frame)
    assert one.lifts.equals(two.lifts)
    other = ig.examples.marketing(random_seed=6, regions=3)
    assert not one.frame["sales"].equals(other.frame["sales"])


def test_lift_tests_are_told_with_their_error():
    scores = []
    for seed in range(200):
        lifts = ig.examples.dose_combination(seed, rows=1).lifts
        ends = (
            SYSTEM_OF_DOSES.expected_outcome(
                {"drug_a": 20.0, "drug_b": 8.0} | {row["action"]: [row["from"], row["to"]]}
            ).to_numpy()
            for _, row in lifts.iterrows()
        )
        truth = np.array([after - before for before, after in ends])
        scores.append((lifts["effect"] - truth) / lifts["standard_error"])
    z = np.concatenate(scores)
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / len(z))


SYSTEM_OF_DOSES = ig.examples.dose_combination(0, rows=1).system


@pytest.mark.parametrize(
    ("at", "do", "message"),
    [
        ({"drug_a": 0.0, "drug_b": 8.0}, None, "'drug_a' must be positive, got 0"),
        ({"drug_a": 20.0}, None, "drug_b"),
        ({"drug_a": 20.0, "drug_b": 8.0}, "drug_c", "do: "),
    ],
)
def test_questions_that_make_no_sense_are_refused(at, do, message):
    with pytest.raises(ig.QueryError, match=message):
        SYSTEM_OF_DOSES.expected_outcome(at, do)


def test_a_synergy_must_be_a_number():
    with pytest.raises(ig.ModelError, match="synergy must be a finite number"):
        ig.examples.dose_combination(1, synergy=float("nan"))
