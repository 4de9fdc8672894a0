"""Support where a cloud has a hole: joint rows near the setting, not the range of each column."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.support_flags import EXTRAPOLATED, SUPPORTED
from bayes_intgen.data.regime_summary import NEAR_ROWS, RegimeSummary, ThinnedSample
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior.clouds import LEAST_RADIUS, NEIGHBOURS, SLACK, has_rows_near
from bayes_intgen.posterior.support import classify_support

ALONE = {"a": (), "b": ()}
A_TO_B = {"a": (), "b": ("a",)}
TOGETHER = (("a", "b"),)
RNG = np.random.default_rng(1)


def two_clouds(n):
    return RNG.normal(size=(n, 2)) * 0.3 + 3 * np.sign(RNG.normal(size=(n, 1)))


def ring(n):
    angle = RNG.uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * RNG.normal(size=(n, 2))


def empty_corner(n):
    corners = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    return corners[np.arange(n) % 3]


def bent_band(n):
    a = RNG.uniform(-2, 2, n)
    return np.column_stack([a, a**2 + 0.1 * RNG.normal(size=n)])


# rows, a point among them, and one in the hole
HOLES = {
    "two clouds": (two_clouds, (3, 3), (0, 0)),
    "ring": (ring, (1, 0), (0, 0)),
    "empty corner": (empty_corner, (1, 0), (1, 1)),
    "between levels": (empty_corner, (0, 1), (0.5, 0.5)),
    "bent band": (bent_band, (1, 1), (0, 2.5)),
}


def summarise(regimes):
    """Summarise rows of (a, b) by regime, with an outcome."""
    tables = {r: np.column_stack([rows, np.arange(len(rows))]) for r, rows in regimes.items()}
    return Summary(("a", "b"), "y", {r: RegimeSummary.from_rows(t) for r, t in tables.items()})


def flags(points, do, summary, parents=ALONE, blocks=None):
    return classify_support(np.array(points, dtype=float), do, summary, parents, blocks).tolist()


def forget_rows(summary):
    return Summary.from_dict(summary.to_dict())


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("n", [60, 5000])
def test_no_flag_says_supported_in_a_hole(name, n):
    draw, among, hole = HOLES[name]
    joint, wide = draw(n), RNG.normal(size=(n, 2))
    cases = [
        (("a", "b"), {(): wide, ("a", "b"): joint}, ALONE, TOGETHER),  # a block that is set
        (("a", "b"), {(): wide, ("a", "b"): joint}, ALONE, None),  # two that are only set together
        ((), {(): joint, ("a", "b"): wide}, ALONE, TOGETHER),  # a block left alone
        ((), {(): joint}, A_TO_B, None),  # an action left alone, with its parent
    ]
    for do, regimes, parents, blocks in cases:
        summary = summarise(regimes)
        assert flags([among, hole], do, summary, parents, blocks) == [SUPPORTED, EXTRAPOLATED]
        # ranges and covariances alone do not see it
        before = flags([among, hole], do, forget_rows(summary), parents, blocks)
        assert before == [SUPPORTED, SUPPORTED]


@pytest.mark.parametrize("name", ["two clouds", "ring"])
def test_a_joint_arm_adds_no_hole_to_what_single_experiments_support(name):
    draw, among, hole = HOLES[name]
    still = RNG.normal(size=(500, 2)) * 0.1
    narrow = {(): still, ("a",): still, ("b",): still, ("a", "b"): draw(500)}
    narrow[()] = narrow["a",] = narrow["b",] = still + 5
    assert flags([among, hole], ("a", "b"), summarise(narrow), A_TO_B) == [SUPPORTED, EXTRAPOLATED]


def test_single_experiments_still_ask_for_the_range_of_each_action():
    """Their additive effects meet in the joint setting, where no row is."""
    wide, diagonal = RNG.normal(size=(500, 2)), RNG.normal(size=(500, 1)) * [[1.0, 1.0]]
    single = {(): wide, ("a",): diagonal, ("b",): diagonal}
    points = [(1.0, 1.0), (1.0, -1.0)]
    assert flags(points, ("a", "b"), summarise(single)) == [SUPPORTED, SUPPORTED]
    joint = {(): wide, ("a", "b"): diagonal}
    assert flags(points, ("a", "b"), summarise(joint)) == [SUPPORTED, EXTRAPOLATED]
    # one of the two is known from an experiment of its own, and so is the other
    more = joint | {("b",): diagonal}
    assert flags(points, ("a", "b"), summarise(more)) == [SUPPORTED, SUPPORTED]


def test_the_radius_is_that_of_the_formula():
    """The same distances, written out without a search tree."""
    rows = np.exp(RNG.normal(size=(300, 3)))
    part = RegimeSummary.from_rows(np.column_stack([rows, np.zeros(300)]))
    points = np.exp(2 * RNG.normal(size=(200, 3)))

    def reach(some, k):
        steps = (some[:, None] - rows) / rows.std(axis=0)
        return np.sort(np.linalg.norm(steps, axis=2), axis=1)[:, k - 1]

    widest = np.quantile(reach(rows, NEIGHBOURS + 1), 0.999)  # the first is the row itself
    radius = max(SLACK * widest, LEAST_RADIUS * np.sqrt(3))
    expected = reach(points, NEIGHBOURS) <= radius
    assert 0.2 < expected.mean() < 0.98
    assert has_rows_near(points, [0, 1, 2], part).tolist() == expected.tolist()


@pytest.mark.parametrize("n", [20, 50, 300, 20_000])
def test_rows_of_the_same_regime_are_hardly_ever_called_extrapolated(n):
    rng = np.random.default_rng(2)
    kinds = {
        "normal": lambda z: z,
        "long tails": np.exp,
        "uniform": stats.norm.cdf,
        "counts": lambda z: np.floor(np.exp(z)),
    }
    more = []
    for make in kinds.values():
        for _ in range(20 if n < 1000 else 4):
            rows, fresh = (
                make(rng.normal(size=(size, 2)) @ [[1, 0.8], [0, 1]]) for size in (n, 500)
            )
            summary = summarise({("a", "b"): rows, (): fresh})
            with_rows = flags(fresh, ("a", "b"), summary, ALONE, TOGETHER)
            without = flags(fresh, ("a", "b"), forget_rows(summary), ALONE, TOGETHER)
            more.append(np.mean(np.array(with_rows) != without))
    assert np.mean(more) < (0.015 if n < 50 else 0.005)


def test_a_grid_of_five_levels_is_no_row_of_holes_and_one_of_three_is():
    for levels, expected in [(5, SUPPORTED), (3, EXTRAPOLATED)]:
        grid = np.linspace(0, 1, levels)
        rows = np.array([(a, b) for a in grid for b in grid for _ in range(4)])
        middle = grid[:2].mean()
        summary = summarise({(): rows, ("a", "b"): rows})
        found = flags([(middle, middle), (0, grid[1])], ("a", "b"), summary, ALONE, TOGETHER)
        assert found == [expected, SUPPORTED]


def test_few_rows_say_nothing_about_holes():
    rows = ring(19)
    summary = summarise({(): rows})
    assert flags([(0, 0)], (), summary, A_TO_B) == [SUPPORTED]


def test_units_and_offsets_do_not_matter():
    rows, points = ring(400), RNG.uniform(-1.2, 1.2, size=(300, 2))
    expected = flags(points, (), summarise({(): rows}), A_TO_B)
    assert set(expected) > {SUPPORTED, EXTRAPOLATED}
    for scale, offset in [([1e-6, 1e9], [0, 0]), ([1, 1], [1e8, -1e8])]:
        moved = summarise({(): rows * scale + offset})
        assert flags(points * scale + offset, (), moved, A_TO_B) == expected


def test_a_hole_at_one_level_of_a_categorical_action_is_seen():
    n = 300
    a = np.concatenate([3 * np.sign(RNG.normal(size=n)), RNG.normal(size=n) * 2])
    a[:n] += 0.1 * RNG.normal(size=n)
    frame = pd.DataFrame({"a": a, "c": np.repeat(["x", "y"], n), "y": np.arange(2.0 * n)})
    both = pd.concat([frame.assign(regime=label) for label in ("obs", "a+c")])
    summary = ig.RegimeData.from_frame(both, "y", ["a", "c"], categorical=["c"]).summary
    points = np.array([(3.0, 0), (0, 0), (0, 1), (3, 1)])
    found = classify_support(points, ("a", "c"), summary, {"a": (), "c": ()}, (("a", "c"),))
    assert found.tolist() == [SUPPORTED, EXTRAPOLATED, SUPPORTED, SUPPORTED]


def test_a_loaded_fit_sees_the_same_holes(tmp_path):
    joint, wide = ring(3000), RNG.normal(size=(500, 2)) * 0.5
    frame = pd.DataFrame(np.concatenate([wide, joint]), columns=["a", "b"])
    frame["regime"] = np.repeat(["obs", "a+b"], [500, 3000])
    frame["y"] = frame["a"] + frame["b"] + RNG.normal(size=len(frame))
    data = ig.RegimeData.from_frame(frame, "y", ["a", "b"])
    model = ig.InterventionModel(ig.Polynomial(2), "full", blocks=["a+b"])
    fit = model.fit(data, method="laplace", draws=20)
    fit.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    at = {"a": RNG.uniform(-1.2, 1.2, 300), "b": RNG.uniform(-1.2, 1.2, 300)}
    for do, found in ("a+b", {SUPPORTED, EXTRAPOLATED}), ([], {SUPPORTED}):
        expected = fit.expected_outcome(at, do)["support"].to_numpy()
        assert found <= set(expected)
        assert again.expected_outcome(at, do)["support"].to_numpy().tolist() == expected.tolist()
    kept = again.summary.regimes["a", "b"]
    assert len(kept.near) <= NEAR_ROWS
    assert len(kept.sample.rows) == 0
    assert "near" in again.summary.to_dict(near=True)["regimes"]["obs"]
    # without rows of the table, moments keep none for this purpose either
    ig.Moments.from_data(data, basis=ig.Polynomial(2)).save(tmp_path / "sums.npz", rows=False)
    sums = ig.Moments.load(tmp_path / "sums.npz")
    assert [len(part.near) for part in sums.summary.regimes.values()] == [0, 0]


def test_merged_summaries_of_which_one_has_no_rows_have_none_nearby():
    part = RegimeSummary.from_rows(RNG.normal(size=(50, 3)))
    empty = RegimeSummary(part.moments, part.low, part.high, ThinnedSample.empty(3), part.core)
    assert len(part.merge(empty).near) == 0
    assert len(part.merge(part).near) == 100
