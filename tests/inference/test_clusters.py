"""Rows that depend on one another: random intercepts from sums, and the sandwich."""

from copy import deepcopy
from dataclasses import replace
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import linalg, stats

import bayes_intgen as ig
from bayes_intgen.data.marks import MarkColumns, read_marks
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.prepare import prepare, settle_design
from bayes_intgen.inference.sandwich import estimate_sandwich
from bayes_intgen.inference.verdicts.row_order import is_sorted
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.cluster_sums import ClusterSums
from bayes_intgen.moments.row_groups import GroupTotals, RowGroups

CLUSTERS, ROWS = 25, 12
BASIS = ig.Polynomial(2)


def table(seed: int = 1, shared: float = 0.8) -> pd.DataFrame:
    """Draw an additive system, each regime with clusters of its own."""
    rng = np.random.default_rng(seed)
    parts = []
    for regime in ("obs", "a1", "a2"):
        codes = np.repeat(np.arange(CLUSTERS), ROWS)
        a = rng.normal(size=(len(codes), 2))
        noise = 0.5 * rng.normal(size=len(codes)) + shared * rng.normal(size=CLUSTERS)[codes]
        names = [f"{regime}-{code}" for code in codes]
        y = a[:, 0] - 0.5 * a[:, 1] ** 2 + noise
        columns = {"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": regime, "region": names}
        parts.append(pd.DataFrame(columns).sample(frac=1, random_state=seed))
    return pd.concat(parts, ignore_index=True)


def read(frame: pd.DataFrame, **marks: object) -> ig.RegimeData:
    return ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], **marks)


@pytest.fixture(scope="module")
def data() -> ig.RegimeData:
    return read(table(), cluster="region")


@pytest.fixture(scope="module")
def prepared(data):
    settled = settle_design(data, BASIS, "full", "none")
    return prepare(settled, data, Priors(), variance="constant")


def test_marginal_likelihood_is_that_of_rows_with_a_random_intercept(data, prepared) -> None:
    """Sums per group against the dense normal density of all rows, at other hyperparameters too."""
    problem = prepared.problem
    moments, design = problem.moments, problem.design
    rng = np.random.default_rng(3)
    mode = find_mode(problem).mode
    for x in (mode, mode + 0.1 * rng.normal(size=len(mode))):
        log_sigma, log_sd = problem.log_sds(x)
        total = 0.0
        blocks, outcomes, regressors = [], [], []
        for r, regime in enumerate(moments.regimes):
            rows, codes = data.rows(regime), data.marks(regime).cluster
            same = np.equal.outer(codes, codes)
            covariance = np.eye(len(rows)) + moments.ratios[regime] * same
            blocks.append(np.exp(2 * log_sigma[r]) * covariance)
            outcomes.append(moments.outcome_scale.standardise(rows[:, -1]))
            phi = design.features.evaluate(rows[:, :-1])[:, design.positions]
            regressors.append(phi * design.active(regime))
        x_centred = problem.likelihood.centring.to_centred_rows(np.vstack(regressors))
        covariance = linalg.block_diag(*blocks) + (x_centred * np.exp(2 * log_sd)) @ x_centred.T
        y = np.concatenate(outcomes)
        total = stats.multivariate_normal.logpdf(y, np.zeros(len(y)), covariance)
        found = problem.likelihood.log_density(log_sigma, log_sd)
        assert found == pytest.approx(total, rel=1e-9)


def test_ratio_of_variances_maximises_the_likelihood(prepared) -> None:
    """A step to either side, sigma and scales at their mode again, lowers the log density."""
    problem = prepared.problem

    def best(factor: float) -> float:
        ratios = {r: ratio * factor for r, ratio in problem.moments.ratios.items()}
        moved = problem.with_rows(problem.moments.with_intercepts(ratios))
        return moved.log_posterior(find_mode(moved).mode)[0]

    values = [best(factor) for factor in (0.6, 1.0, 1.6)]
    assert values[1] > max(values[0], values[2])


def test_truth_of_the_intercepts_is_found() -> None:
    data = read(table(seed=4), cluster="region")
    settled = settle_design(data, BASIS, "full", "none")
    found = prepare(settled, data, Priors(), variance="constant").problem.moments.ratios
    truth = 0.8**2 / 0.5**2
    for ratio in found.values():  # 25 clusters tell a variance to about 28%
        assert np.log(ratio / truth) == pytest.approx(0, abs=0.9)


def test_independent_rows_have_no_intercepts() -> None:
    data = read(table(seed=5, shared=0.0), cluster="region")
    settled = settle_design(data, BASIS, "full", "none")
    problem = prepare(settled, data, Priors(), variance="constant").problem
    assert max(problem.moments.ratios.values()) < 0.1


def test_sandwich_is_that_of_rows(data, prepared) -> None:
    """Its covariance against the longhand sum over clusters, with the corrections of leverage."""
    problem, moments = prepared.problem, prepared.moments
    design, mode = problem.design, find_mode(problem).mode
    sandwich = estimate_sandwich(problem, mode, moments)
    given, log_sigma = problem.conditional(mode), problem.split(mode)[0]
    taken = problem.effective_parameters(mode)
    scores = []
    for r, regime in enumerate(moments.regimes):
        rows, codes = data.rows(regime), data.marks(regime).cluster
        w, ratio = np.exp(-2 * log_sigma[r]), moments.ratios[regime]
        x = design.features.evaluate(rows[:, :-1])[:, design.positions] * design.active(regime)
        residual = moments.outcome_scale.standardise(rows[:, -1]) - x @ given.mean
        own, parts = [], []
        for code in np.unique(codes):
            mine = codes == code
            mean, n = x[mine].mean(axis=0), mine.sum()
            common = 1 / (1 + ratio * n)
            leverage = w * n * common * mean @ given.covariance @ mean
            within = (x[mine] - mean).T @ residual[mine]
            own.append(leverage)
            parts.append((within, mean * residual[mine].sum() * common / (1 - leverage)))
        rest = len(rows) / (len(rows) - (taken[r] - sum(own)))  # settings differ from row to row
        scores += [w * (rest * within + between) for within, between in parts]
    scores = np.array(scores)
    number = len(scores)
    meat = scores.T @ scores * number / (number - 1)
    directions = np.random.default_rng(1).normal(size=(4, len(design.weights)))
    lever = directions @ given.covariance
    wanted = lever @ meat @ lever.T + given.prior_part(directions)
    draws = sandwich.draw(given, 10, np.random.default_rng(1))
    assert draws.shape == (10, len(design.weights))
    root = given.centring.to_centred_rows(directions) * given.centred.scaling
    root = linalg.solve_triangular(given.centred.factor, root.T, lower=True).T @ sandwich.root
    # residuals within clusters are those of the first fit, close to the last one's
    np.testing.assert_allclose(root @ root.T, wanted, rtol=0.02, atol=1e-4 * np.abs(wanted).max())


def test_draws_have_the_spread_of_the_sandwich(prepared) -> None:
    problem = prepared.problem
    mode = find_mode(problem).mode
    sandwich = estimate_sandwich(problem, mode, prepared.moments)
    given = problem.conditional(mode)
    draws = sandwich.draw(given, 20_000, np.random.default_rng(2))
    row = problem.design.features.evaluate(np.array([[0.5, -0.5]]))[0]
    row = row[problem.design.positions] * problem.design.active(("a1", "a2"))
    root = given.centring.to_centred_rows(row[None]) * given.centred.scaling
    root = linalg.solve_triangular(given.centred.factor, root.T, lower=True).T @ sandwich.root
    spread = float(np.sqrt((root @ root.T)[0, 0] * sandwich.freedom / (sandwich.freedom - 2)))
    assert (draws @ row).std() == pytest.approx(spread, rel=0.03)


def test_moments_of_merged_files_are_those_of_one_pass() -> None:
    frame = table(seed=6)
    first, second = frame[::2], frame[1::2]
    whole = ig.Moments.from_data(read(frame, cluster="region"), basis=BASIS)
    one = ig.Moments.from_data(read(first, cluster="region"), like=whole)
    both = one.merge(ig.Moments.from_data(second, like=whole))
    for regime in whole.regimes:
        left, right = whole.clusters[regime], both.clusters[regime]
        np.testing.assert_array_equal(left.keys, right.keys)
        np.testing.assert_allclose(left.sums, right.sums, rtol=1e-10, atol=1e-10)
        ratios = dict.fromkeys(whole.regimes, 1.5)
        left, right = (m.with_intercepts(ratios).regression(regime) for m in (whole, both))
        np.testing.assert_allclose(left.gram, right.gram, rtol=1e-9, atol=1e-9)
        assert whole.with_intercepts(ratios).log_weight(regime) < 0


def test_moments_on_disk_keep_their_groups(tmp_path) -> None:
    whole = ig.Moments.from_data(read(table(), cluster="region"), basis=BASIS)
    whole.save(tmp_path / "moments.npz")
    known = ig.Moments.load(tmp_path / "moments.npz")
    assert known.marks.given == {"cluster": ["region"]}
    assert known.grouping == whole.grouping
    for regime in whole.regimes:
        np.testing.assert_array_equal(known.clusters[regime].sums, whole.clusters[regime].sums)


def test_many_rows_are_summed_by_group_in_blocks() -> None:
    """Sums over blocks of a chunk, and over chunks, against a plain loop."""
    rng = np.random.default_rng(1)
    n = 70_000
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a1", "a2", "y"])
    frame["regime"] = rng.choice(["obs", "a1", "a2"], size=n, p=[0.8, 0.1, 0.1])
    frame["user"] = rng.integers(0, 5000, size=n)
    moments = ig.Moments.from_data(read(frame, cluster="user"), basis=BASIS)
    groups = moments.clusters[()]
    obs = frame[frame["regime"] == "obs"]
    assert groups.rows.sum() == len(obs)
    assert len(groups.rows) == obs["user"].nunique()
    y = moments.outcome_scale.standardise(obs["y"].to_numpy())
    wanted = np.sort(pd.Series(y).groupby(obs["user"].to_numpy()).sum().to_numpy())
    np.testing.assert_allclose(np.sort(groups.outcome), wanted, atol=1e-10)


def test_weights_make_means_of_units_count_as_these() -> None:
    """Means over units that share their settings, against the rows of all units."""
    rng = np.random.default_rng(2)
    parts = []
    for regime in ("obs", "a1", "a2"):
        settings = rng.normal(size=(400, 2))
        sizes = rng.integers(2, 12, size=400)
        units = np.repeat(np.arange(400), sizes)
        a = settings[units]
        y = a[:, 0] + 0.5 * a[:, 1] + rng.normal(size=len(units))
        parts.append(
            pd.DataFrame({"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": regime, "g": units})
        )
    single = pd.concat(parts, ignore_index=True)
    means = single.groupby(["regime", "g"], as_index=False).agg(
        a1=("a1", "first"), a2=("a2", "first"), y=("y", "mean"), n=("y", "size")
    )
    model = ig.InterventionModel(BASIS, structure="full", interactions="none", variance="constant")
    at = {"a1": [0.0, 1.0, -1.0], "a2": [0.5, 1.0, -1.0]}
    one, two = (
        model.fit(own, method="laplace", draws=10_000).expected_outcome(at).values[0]
        for own in (read(single), read(means, weights="n"))
    )
    np.testing.assert_allclose(
        one.mean(axis=0), two.mean(axis=0), atol=0.15 * one.std(axis=0).max()
    )
    np.testing.assert_allclose(one.std(axis=0), two.std(axis=0), rtol=0.05)


def test_fit_says_what_it_made_of_clusters(data) -> None:
    posterior = ig.InterventionModel(BASIS).fit(data, method="laplace")
    rows = posterior.dependence
    assert rows.declared == {"cluster": ["region"]}
    assert set(rows.units.values()) == {CLUSTERS}
    assert 15 < rows.freedom <= CLUSTERS - 1
    assert 0.4 < min(rows.shares.values()) < max(rows.shares.values()) < 0.9
    assert rows.ok
    assert "25 clusters in a regime" in str(posterior)


def test_few_clusters_are_told() -> None:
    frame = table()
    frame = frame[frame["region"].str.split("-").str[1].astype(int) < 6]
    posterior = ig.InterventionModel(BASIS).fit(read(frame, cluster="region"), method="laplace")
    assert not posterior.dependence.ok
    assert "FEW INDEPENDENT UNITS" in posterior._repr_html_()


def test_undeclared_dependence_is_told() -> None:
    frame = table().sort_values(["regime", "region"])
    model = ig.InterventionModel(BASIS)
    posterior = model.fit(read(frame), method="laplace")
    assert posterior.dependence.in_order
    assert "ROWS DEPEND ON ONE ANOTHER" in str(posterior)
    mixed = model.fit(read(frame.sample(frac=1, random_state=1)), method="laplace")
    assert mixed.dependence.ok


def test_undeclared_dependence_widens_intervals() -> None:
    """By blocks of the rows as they stand: as with their clusters declared, about."""
    frame = table().sort_values(["regime", "region"])
    model, at = ig.InterventionModel(BASIS), {"a1": 0.0, "a2": 0.0}

    def spread(own: pd.DataFrame, **marks: str) -> float:
        posterior = model.fit(read(own, **marks), method="laplace")
        return float(posterior.expected_outcome(at).std())

    mixed = frame.sample(frac=1, random_state=1)
    blocks, declared, alone = spread(frame), spread(frame, cluster="region"), spread(mixed)
    assert 0.75 * declared < blocks < 1.3 * declared
    assert blocks > 1.4 * alone


def test_rows_in_blocks_are_those_with_their_number_as_time() -> None:
    """One fit with the order of the rows, the other with a column that says it."""
    frame = table().sort_values(["regime", "region"])
    frame["n"] = 2.0  # marks that stand beside the time
    posterior = ig.InterventionModel(BASIS).fit(read(frame, weights="n"), method="laplace")
    (length,) = {*posterior.dependence.block_rows.values()}
    numbered = frame.assign(row=frame.groupby("regime").cumcount() / length)
    data = read(numbered, time="row", weights="n")
    summary = replace(data.summary, block_rows=dict.fromkeys(data.regimes, length))
    wanted = ig.InterventionModel(BASIS).fit(replace(data, summary=summary), method="laplace")
    at = {"a1": [0.0, 1.0], "a2": [0.5, -0.5]}
    found = (one.expected_outcome(at).to_numpy() for one in (posterior, wanted))
    np.testing.assert_allclose(*found, rtol=1e-9)
    assert posterior.dependence.declared == {"weights": "n"}
    assert f"blocks of {length} adjacent rows" in str(posterior)


def test_length_of_blocks_is_that_of_the_clusters() -> None:
    """Of 100 rows each; a shorter one serves where blocks of that length would be few."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a1", "a2"):
        a = rng.normal(size=(4000, 2))
        y = a.sum(axis=1) + rng.normal(size=4000) + np.repeat(rng.normal(size=40), 100)
        parts.append(pd.DataFrame({"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": regime}))
    frame = pd.concat(parts, ignore_index=True)
    model = ig.InterventionModel(BASIS, interactions="none")

    def lengths(some: pd.DataFrame) -> dict[str, int]:
        rows = model.fit(read(some), method="laplace").dependence
        counts = some["regime"].value_counts()
        assert rows.units == {r: -(-counts[r] // own) for r, own in rows.block_rows.items()}
        return dict(rows.block_rows)

    assert all(80 <= length <= 160 for length in lengths(frame).values())
    short = frame.groupby("regime").head(400)
    assert all(length <= 20 for length in lengths(short).values())
    uneven = pd.concat([frame[frame["regime"] == "obs"], short[short["regime"] != "obs"]])
    assert lengths(uneven) == {"obs": lengths(uneven)["obs"], "a1": 20, "a2": 20}
    assert lengths(uneven)["obs"] > 50


def test_a_table_sorted_by_its_outcome_is_left_alone() -> None:
    frame = table(shared=0.0)
    model = ig.InterventionModel(BASIS)
    ranked = model.fit(read(frame.sort_values(["regime", "y"])), method="laplace")
    assert not ranked.dependence.order
    assert not ranked.dependence.block_rows


def test_one_regime_sorted_by_the_outcome_hides_no_other() -> None:
    """What is seen in the others is told, but blocks would take the sorted one for shared."""
    frame = table().sort_values(["regime", "region"])
    ranked = frame[frame["regime"] == "a2"].sort_values("y")
    mixed = pd.concat([frame[frame["regime"] != "a2"], ranked])
    rows = ig.InterventionModel(BASIS).fit(read(mixed), method="laplace").dependence
    assert {test.regime for test in rows.order} == {"obs", "a1"}
    assert rows.in_order
    assert not rows.block_rows
    assert "intervals may be far too narrow" in str(rows)


def test_rare_outcomes_are_not_taken_for_sorted() -> None:
    values = np.zeros(2000)
    values[np.random.default_rng(1).choice(2000, 30, replace=False)] = 1.0
    assert not is_sorted(values)
    assert is_sorted(np.sort(np.random.default_rng(1).integers(0, 20, 2000)))


def test_settings_in_common_hide_no_order() -> None:
    """Of one regime, where rows of the two others depend on those near them."""
    frame = table().sort_values(["regime", "region"])
    rng = np.random.default_rng(5)
    chosen = frame["regime"] == "a2"
    frame.loc[chosen, ["a1", "a2"]] = np.repeat(rng.normal(size=(CLUSTERS, 2)), ROWS, axis=0)
    rows = ig.InterventionModel(BASIS).fit(read(frame), method="laplace").dependence
    assert {found.regime for found in rows.in_common} == {"a2"}
    assert {test.regime for test in rows.in_order} <= {"obs", "a1"}
    assert rows.block_rows


def test_checks_take_rows_in_blocks() -> None:
    """Rows of a region share their settings in part: taken as independent they raise an alarm."""
    frame = table(seed=3, shared=0.8)
    rng = np.random.default_rng(3)
    by_region = rng.normal(size=(frame["region"].nunique(), 2))
    codes = pd.factorize(frame["region"])[0]
    frame[["a1", "a2"]] += 2 * by_region[codes]
    frame["y"] = frame["a1"] - 0.5 * frame["a2"] + rng.normal(size=len(by_region))[codes]
    frame["y"] += 0.3 * rng.normal(size=len(frame))
    assert ig.check(read(frame.sort_values(["regime", "region"])), progressbar=False).passed


def test_copies_are_told() -> None:
    frame = table(shared=0.0)
    model = ig.InterventionModel(BASIS)
    copies = pd.concat([frame] * 5)
    assert "REPEATED ROWS" in str(model.fit(read(copies), method="laplace").dependence)
    assert model.fit(read(frame), method="laplace").dependence.ok


def test_settings_that_rows_have_in_common_are_told() -> None:
    frame = table(seed=8)
    rng = np.random.default_rng(8)
    by_region = pd.DataFrame(
        rng.normal(size=(frame["region"].nunique(), 2)), frame["region"].unique(), ["a1", "a2"]
    )
    frame[["a1", "a2"]] = np.minimum(by_region.loc[frame["region"]].to_numpy(), 1.5)
    model = ig.InterventionModel(BASIS, interactions="none")
    without = model.fit(read(frame), method="laplace").dependence
    assert [found.settings for found in without.in_common] == [CLUSTERS] * 3
    assert "SETTINGS IN COMMON" in str(without)
    assert without.by_settings
    assert set(without.units.values()) == {CLUSTERS}
    at = {"a1": [0.0, 1.0], "a2": [0.5, -0.5]}
    one, two = (
        model.fit(read(frame, **marks), method="laplace", draws=4000).expected_outcome(at)[0]
        for marks in ({}, {"cluster": "region"})
    )
    np.testing.assert_allclose(one.mean("draw"), two.mean("draw"), atol=0.1 * float(two.std()))
    np.testing.assert_allclose(one.std("draw"), two.std("draw"), rtol=0.1)
    declared = model.fit(read(frame, cluster="region"), method="laplace").dependence
    assert "or settings that vary within them" in str(declared)  # too few clusters for these


@pytest.mark.parametrize(
    ("column", "values", "argument", "message"),
    [
        ("region", None, "cluster", "missing values"),
        ("week", "first", "time", "must hold numbers or dates"),
        ("n", -1.0, "weights", "positive numbers"),
    ],
)
def test_marks_that_cannot_be_used(column, values, argument, message) -> None:
    frame = table()
    frame[column] = frame.get(column, 1.0)
    frame[column] = frame[column].astype(object)
    frame.loc[3, column] = values
    if column == "n":
        frame[column] = frame[column].astype(float)
    with pytest.raises(ig.DataError, match=f"{argument}: .*{message}"):
        read(frame, **{argument: column})


def test_rows_without_groups_have_no_intercepts() -> None:
    data = read(table())
    settled = settle_design(data, BASIS, "full", "none")
    moments = prepare(settled, data, Priors(), variance="constant").problem.moments
    assert (moments.clusters, moments.ratios) == ({}, {})


def test_scores_of_many_groups_are_added_up_by_whole_clusters() -> None:
    """In one chunk, in two, and with all clusters apart: in bins, of which each is a union."""
    rng = np.random.default_rng(7)
    n, features = 6000, 3
    keys = np.column_stack([rng.integers(0, 2**53, size=n), np.zeros(n, int)]).astype(np.int64)
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    table = np.column_stack([np.ones(n), rng.normal(size=(n, features))])
    scores = rng.normal(size=(n, features))

    def gather(rows: slice) -> ClusterSums:
        totals = GroupTotals(RowGroups.of(keys[rows]), features)
        for start in range(0, len(keys[rows]), 400):
            part = table[rows][start : start + 400].T
            totals.add(part[:-1], part[-1], start, np.ones(part.shape[1]))
            totals.add_scores(scores[rows][start : start + 400].T, start)
        return totals.result(len(keys[rows]))

    whole = gather(slice(None))
    both = gather(slice(0, n // 2)).merge(gather(slice(n // 2, n))).settle()
    wanted = np.zeros((2**12, features))
    np.add.at(wanted, keys[:, 0] // 2**41, scores)
    for found in (whole, both):
        (own, values), *_ = found.settle().scores
        np.testing.assert_allclose(values, wanted[own[:, 0] // 2**41], atol=1e-10)
        np.testing.assert_allclose(values.sum(axis=0), scores.sum(axis=0), atol=1e-10)
        np.testing.assert_array_equal(found.keys, keys)
        np.testing.assert_allclose(found.residual, scores[:, 0], atol=1e-12)


def test_sums_that_are_added_in_place_are_those_that_are_merged() -> None:
    """More groups than are settled at once, some new in every chunk; with times and without."""
    rng = np.random.default_rng(8)
    names = rng.integers(0, 2**53, size=9000)

    def chunk(reach: int, blocks: int) -> ClusterSums:
        rows = rng.choice(names[:reach], size=6000)
        keys = np.column_stack([rows, rng.integers(0, blocks, size=6000)])
        groups = RowGroups.of(keys)
        totals = GroupTotals(groups, 2)
        table = rng.normal(size=(3, 6000))
        totals.add(table[:-1], table[-1], 0, np.ones(6000))
        totals.add_scores(table[:2], 0)
        return totals.result(6000)

    for blocks in (1, 3):
        chunks = [chunk(reach, blocks) for reach in (8000, 9000, 5000, 9000)]
        merged = reduce(ClusterSums.merge, chunks).settle()
        absorbed = reduce(ClusterSums.absorb, deepcopy(chunks)).settle()
        for name in ("keys", "rows", "weight", "outcome", "sums", "residual"):
            np.testing.assert_allclose(
                getattr(absorbed, name), getattr(merged, name), rtol=1e-12, atol=1e-12
            )
        for one, two in zip(absorbed.scores[0], merged.scores[0], strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


def test_clusters_have_the_same_key_however_they_are_stored() -> None:
    """Whole numbers, floats, text and categories alike; distinct names apart."""
    numbers = pa.array([7, 70, 7, 12345678901])
    stored = (
        numbers,
        numbers.cast(pa.float64()),
        numbers.cast(pa.string()),
        numbers.cast(pa.large_string()),
        numbers.cast(pa.string()).dictionary_encode(),
    )
    columns = MarkColumns(("c",))
    keys = [read_marks(lambda _, own=own: own, columns, 0) for own in stored]
    for own in keys[1:]:
        np.testing.assert_array_equal(own, keys[0])
    texts = pa.array([f"user {i}" for i in range(200_000)] + ["", "é", "user 1 "])
    own = read_marks(lambda _: texts, columns, 0)
    assert len(np.unique(own)) == len(texts)
    counts = np.bincount((own[:, 0] // 2**47).astype(int), minlength=64)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_an_experiment_of_one_block_of_times_is_told_and_does_not_stop_the_fit() -> None:
    rng = np.random.default_rng(9)
    parts = []
    for regime, days in (("obs", 60), ("a1", 60), ("a2", 3)):
        day = np.repeat(np.arange(days), 20)
        rows = pd.DataFrame(rng.normal(size=(len(day), 2)), columns=["a1", "a2"])
        y = rows["a1"] - rows["a2"] + rng.normal(size=len(day)) + 0.3 * rng.normal(size=days)[day]
        parts.append(rows.assign(y=y, day=day, regime=regime))
    data = read(pd.concat(parts, ignore_index=True), time="day")
    posterior = ig.InterventionModel(BASIS).fit(data, method="laplace", draws=200)
    assert posterior.dependence.units["a2"] == 1
    assert not posterior.dependence.ok
    assert np.isfinite(posterior.expected_outcome({"a1": 0.0, "a2": 1.0}).values).all()
