"""Controls with every action at rest, and arms that set one: labelled as people do."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig

EFFECTS = {"g1": 2.0, "g2": -1.0, "g3": 0.5}
GENES = list(EFFECTS)
ROWS = 60
CELLS = pd.DataFrame(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]], columns=GENES, dtype=float
)
SD = {"obs": 0.5, "g1": 1.0, "g2": 0.7, "g3": 0.3}


def screen(seed=3, rest=0.0):
    rng = np.random.default_rng(seed)
    parts = []
    for label in SD:
        part = pd.DataFrame(rest, index=range(ROWS), columns=GENES)
        if label != "obs":
            part[label] = rest + 1.0
        mean = 5 + sum(EFFECTS[name] * (part[name] - rest) for name in GENES)
        parts.append(part.assign(y=mean + SD[label] * rng.normal(size=ROWS), regime=label))
    return pd.concat(parts, ignore_index=True)


def fit(frame, **choices):
    data = ig.RegimeData.from_frame(frame, "y", [n for n in frame if n[0] in "ag"])
    return ig.InterventionModel(**choices).fit(data, method="laplace", progressbar=False)


@pytest.fixture(scope="module")
def frame():
    return screen()


@pytest.fixture(scope="module")
def posterior(frame):
    return fit(frame)


@pytest.fixture(scope="module")
def table(posterior):
    return posterior.table(CELLS)


def attainable(frame):
    """Means of the cells that were made, and sums of them for the others, with standard errors."""
    by_label = frame.groupby("regime")["y"].agg(["mean", "var"])
    mean, error = by_label["mean"], by_label["var"] / ROWS
    means, errors = [], []
    for cell in CELLS.to_numpy():
        on = [name for name, x in zip(GENES, cell, strict=True) if x]
        used = dict.fromkeys(on, 1.0) | ({"obs": 1.0 - len(on)} if len(on) != 1 else {})
        means.append(sum(c * mean[label] for label, c in used.items()))
        errors.append(np.sqrt(sum(c**2 * error[label] for label, c in used.items())))
    return np.array(means), np.array(errors)


def test_combinations_are_known_as_well_as_sums_of_cell_means(frame, table):
    truth = 5 + CELLS.to_numpy() @ [*EFFECTS.values()]
    means, errors = attainable(frame)
    assert (np.abs(table["mean"] - truth) < 3 * table["sd"]).all()
    assert (np.abs(table["mean"] - means) < 0.5 * errors).all()
    assert (table["sd"] < 1.5 * errors).all()
    assert (table["sd"] > errors / 1.5).all()


def test_the_answer_is_that_of_rows_labelled_by_all_that_is_held(frame, table):
    sound = fit(frame.assign(regime="+".join(GENES))).table(CELLS)
    assert np.abs(table["mean"] - sound["mean"]).max() < 0.35 * sound["sd"].min()
    assert table["sd"].to_numpy() == pytest.approx(sound["sd"].to_numpy(), rel=0.3)
    assert table["support"].tolist() == sound["support"].tolist()
    assert table["support"].tolist() == ["supported"] * 4 + ["extrapolated"] * 2


def test_an_action_that_never_moves_has_no_bias(posterior):
    assert posterior.design.at_rest == tuple(GENES)
    assert {weight.component for weight in posterior.design.weights} == {"causal"}
    assert float(np.abs(posterior.component("g1", [0.0, 1.0], kind="bias")).max()) == 0
    assert "constant unless set: g1 = 0, g2 = 0, g3 = 0" in str(posterior)


def test_effects_go_from_one_value_to_the_other(posterior):
    effects = posterior.effects()
    assert effects["from"].tolist() == [0.0] * 3
    assert effects["to"].tolist() == [1.0] * 3
    assert effects["mean"].to_numpy() == pytest.approx([*EFFECTS.values()], abs=0.5)


def test_halfway_between_off_and_on_is_a_gap(posterior):
    half = posterior.table({"g1": 0.5, "g2": 0.0, "g3": 0.0})
    assert half["support"].tolist() == ["extrapolated"]


def test_predictions_have_the_spread_of_the_cell(posterior):
    draws = posterior.predict(CELLS[:4], random_seed=1)
    assert draws.std(("chain", "draw")).to_numpy() == pytest.approx([*SD.values()], rel=0.35)


def test_a_saved_fit_answers_the_same(posterior, table, tmp_path):
    posterior.save(tmp_path / "screen.nc")
    loaded = ig.load(tmp_path / "screen.nc")
    pd.testing.assert_frame_equal(loaded.table(CELLS), table)
    assert loaded.design.at_rest == posterior.design.at_rest


def test_the_checks_say_what_cannot_be_told(frame):
    checks = ig.check(ig.RegimeData.from_frame(frame, "y", GENES))
    assert checks.passed
    assert "constant where it is left alone" in str(checks)


def new_channel(rows=400, seed=5):
    """A campaign that exists in its own test only, and a price that follows hidden demand."""
    rng = np.random.default_rng(seed)
    parts = []
    for label in ("obs", "ad", "aprice"):
        demand = rng.normal(size=rows)
        price = rng.normal(size=rows) + (0 if label == "aprice" else demand)
        ad = np.full(rows, float(label == "ad"))
        y = 1.5 * ad - price + demand + 0.3 * rng.normal(size=rows)
        parts.append(pd.DataFrame({"ad": ad, "aprice": price, "y": y, "regime": label}))
    return pd.concat(parts, ignore_index=True)


def test_a_new_channel_beside_a_confounded_price():
    posterior = fit(new_channel(), structure=[])
    assert posterior.design.at_rest == ("ad",)
    assert {w.component for w in posterior.design.weights} == {"causal", "bias:aprice"}
    off, on = {"ad": 0.0, "aprice": [-0.5, 0.5]}, {"ad": 1.0, "aprice": [-0.5, 0.5]}
    table = posterior.table(off)
    assert (np.abs(table["mean"] - [0.5, -0.5]) < 3 * table["sd"]).all()
    assert table["sd"].max() < 0.15
    lift = posterior.contrast(on, off)
    assert np.abs(lift.mean() - 1.5) < 3 * lift.isel(point=0).std()
    assert float(lift.std(("chain", "draw")).max()) < 0.15


@pytest.mark.parametrize("moved", [{"obs": 1}, {"g2": 1}])
def test_one_row_in_which_it_moved_by_itself_is_enough_for_a_bias(frame, moved):
    (label, count), table = next(iter(moved.items())), frame.copy()
    table.loc[table.index[table["regime"] == label][:count], "g1"] = 0.5
    data = ig.RegimeData.from_frame(table, "y", GENES)
    assert "g1" not in data.summary.at_rest
    assert "constant unless set: g2 = 0, g3 = 0;" in str(data)
    assert "g1 = " not in str(data)


def test_controls_at_different_values_are_not_at_rest(frame):
    table = frame.copy()
    table.loc[table["regime"] == "g2", "g1"] = 0.5
    assert set(ig.RegimeData.from_frame(table, "y", GENES).summary.at_rest) == {"g2", "g3"}


def test_levels_are_at_rest_too(frame):
    table = frame.assign(g1=np.where(frame["g1"] == 1, "on", "off"))
    data = ig.RegimeData.from_frame(table, "y", GENES, categorical=["g1"])
    assert "constant unless set: g1 = off, g2 = 0" in str(data)
