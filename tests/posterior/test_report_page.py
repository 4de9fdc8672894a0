"""The page holds the posterior: its draws, decoded from the text, give the numbers of the table."""

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from itertools import product

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.errors import FileError, NotIdentifiedError, QueryError
from bayes_intgen.posterior.report_page import page_draws
from bayes_intgen.posterior.report_page.controls import round_steps
from tests.cases.report_fits import CHANNEL, HOSTILE, fit_blocks, fit_lifts, fit_mixed, fit_target

SETTINGS = 20


@pytest.fixture(scope="module")
def mixed():
    return fit_mixed()


@pytest.fixture(scope="module")
def blocks():
    return fit_blocks()


@pytest.fixture(scope="module")
def lifts():
    return fit_lifts()


@pytest.fixture(scope="module")
def mixed_page(mixed, tmp_path_factory):
    return page_of(mixed, tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def blocks_page(blocks, tmp_path_factory):
    return page_of(blocks, tmp_path_factory.mktemp("blocks"))


def page_of(posterior, folder, **options):
    path = folder / "report.html"
    posterior.report(path, **options)
    return path.read_text(encoding="utf-8")


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def numbers(packed):
    return np.frombuffer(b64decode(packed["f8"]), "<f8").reshape(packed["shape"])


def whole(packed):
    width = packed["bytes"]
    rows = np.frombuffer(b64decode(packed["text"]), np.uint8).reshape(-1, width).astype(np.int64)
    values = rows @ (1 << 8 * np.arange(width))
    return np.where(rows[:, -1] > 127, values - (1 << 8 * width), values)


def decode(draws):
    """Decode all that is packed."""
    terms = (*draws["curves"], *draws["products"])
    for term in terms:
        term["scores"] = np.array([whole(row) for row in term["scores"]], dtype=float)
        for name in {"mean", "shapes", "steps"} & {*term}:
            term[name] = numbers(term[name])
    draws["deviations"] = numbers(draws["deviations"])
    draws["tables"] = {int(k): numbers(table) for k, table in draws["tables"].items()}
    return draws


def draws_of(draws, setting):
    """Evaluate equation (1) of page_draws, decoded, at one setting, shape (draws,)."""
    total = draws["level"] + draws["deviations"]
    for curve in draws["curves"]:
        i = setting[curve["action"]]
        total = total + curve["mean"][i] + draws["step"] * curve["shapes"][i] @ curve["scores"]
    for term in draws["products"]:
        tables = [draws["tables"][k][setting[k]] for k in term["actions"]]
        pairs = zip(tables, np.array(term["factors"]).T, strict=True)
        phi = np.prod([table[own] for table, own in pairs], axis=0)
        total = total + phi @ term["mean"] + (phi * term["steps"]) @ term["scores"]
    return total


def random_settings(data, seed=1, size=SETTINGS):
    rng = np.random.default_rng(seed)
    sizes = [len(action["values"]) for action in data["actions"]]
    return np.array([rng.integers(sizes) for _ in range(size)])


def points_of(data, settings):
    return {
        action["name"]: [
            (action["labels"] if action["levels"] else action["values"])[i] for i in settings[:, k]
        ]
        for k, action in enumerate(data["actions"])
    }


def assert_like_table(posterior, data, covariates, settings):
    points = points_of(data, settings) | covariates
    table = posterior.table(points, do=[a["name"] for a in data["actions"] if a["set"]])
    decoded = decode(data["draws"])
    draws = np.array([draws_of(decoded, setting) for setting in settings])
    width = (table["upper"] - table["lower"]).to_numpy()
    ends = np.quantile(draws, [0.05, 0.95], axis=1)
    for name, own in zip(("mean", "lower", "upper"), (draws.mean(axis=1), *ends), strict=True):
        assert np.abs(own - table[name]).max() < 1e-6 * width.min(), name
    np.testing.assert_allclose(draws.std(axis=1, ddof=1), table["sd"], rtol=1e-6)


def test_numbers_are_those_of_the_table(mixed, mixed_page):
    data = data_of(mixed_page)
    assert data["draws"]["products"]
    assert_like_table(mixed, data, {}, random_settings(data))


def test_numbers_of_a_loaded_fit_with_blocks_and_a_covariate_elsewhere(blocks, tmp_path):
    blocks.save(tmp_path / "fit.nc")
    loaded = ig.load(tmp_path / "fit.nc")
    page = page_of(loaded, tmp_path, at={"z": 0.5})
    assert "z = 0.5" in page
    assert page == page_of(blocks, tmp_path, at={"z": 0.5})
    data = data_of(page)
    assert_like_table(loaded, data, {"z": 0.5}, random_settings(data))


def test_a_regime_that_leaves_actions_alone(blocks, tmp_path):
    page = page_of(blocks, tmp_path, do=["c"])
    assert "a and b are seen" in page
    data = data_of(page)
    assert [action["set"] for action in data["actions"]] == [False, False, True]
    held = blocks.summary.scales["z"].centre
    assert_like_table(blocks, data, {"z": held}, random_settings(data))


def test_without_a_level_contrasts_are_exact(lifts, tmp_path):
    data = data_of(page_of(lifts, tmp_path))
    assert data["level"] is False
    assert data["flags"]["limits"] is None
    settings = random_settings(data)
    start = [[action["start"] for action in data["actions"]]]
    before = points_of(data, np.array(start))
    exact = lifts.contrast(points_of(data, settings), before).to_numpy().reshape(-1, SETTINGS)
    decoded = decode(data["draws"])
    base = draws_of(decoded, start[0])
    own = np.array([draws_of(decoded, setting) - base for setting in settings])
    width = np.ptp(np.quantile(exact, [0.05, 0.95], axis=0), axis=0)
    assert np.abs(own.T - exact).max() < 1e-6 * width.min()


def test_what_is_not_identified_is_refused_and_the_target_shown(tmp_path):
    posterior = fit_target()
    with pytest.raises(NotIdentifiedError, match="'b'"):
        posterior.report(tmp_path / "report.html", do=["a", "b"])
    assert not (tmp_path / "report.html").exists()
    data = data_of(page_of(posterior, tmp_path))
    assert [action["set"] for action in data["actions"]] == [True, False]
    assert_like_table(posterior, data, {}, random_settings(data))


def test_draws_are_thinned_where_they_do_not_fit_and_the_page_says_so(
    blocks, tmp_path, monkeypatch
):
    monkeypatch.setattr(page_draws, "MOST_BYTES", 1000)
    page = page_of(blocks, tmp_path)
    data = data_of(page)
    assert len(numbers(data["draws"]["deviations"])) == page_draws.LEAST_DRAWS
    assert "this page holds 256 of 300 draws" in page


def test_flags_of_single_actions_are_those_of_the_table(mixed, mixed_page):
    """No condition is on several actions in this fit, so that these settle all flags."""
    data = data_of(mixed_page)
    flags = data["flags"]
    assert flags["needed"] == []
    assert flags["limits"] == [0.0, 1.0]
    settings = np.array(list(product(*(range(len(a["values"])) for a in data["actions"]))))
    masks = [np.array(mask)[settings[:, k]] for k, mask in enumerate(flags["supported"])]
    supported = np.all(masks, axis=0)
    table = mixed.table(points_of(data, settings))
    possible = (table["support"] != "impossible").to_numpy()
    expected = (table["support"] == "supported").to_numpy()
    np.testing.assert_array_equal(supported[possible], expected[possible])
    assert 0 < expected.sum() < len(expected)


def test_names_are_shown_and_never_interpreted(mixed_page):
    page = mixed_page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(&#x27;a&#x27;)&lt;/script&gt;" in page
    assert page.count("<script") == page.count("</script>") == 2
    names = [action["name"] for action in data_of(page)["actions"]]
    assert names == ["dose", HOSTILE, CHANNEL]


def test_the_policy_allows_the_own_script_and_style_only(mixed_page):
    page = mixed_page
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    script = re.findall(r"<script>(.*?)</script>", page, re.S)[0]
    style = re.findall(r"<style>(.*?)</style>", page, re.S)[0]
    for kind, text in (("script", script), ("style", style)):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    without = page.replace("http://www.w3.org/2000/svg", "")  # the name of SVG, not an address
    assert "http:" not in without
    assert "https:" not in without


def test_controls_are_buttons_for_levels_and_round_steps_for_numbers(mixed_page):
    dose, x, channel = data_of(mixed_page)["actions"]
    assert (dose["buttons"], dose["values"]) == (True, [0, 1, 2, 3])
    assert (channel["buttons"], channel["labels"]) == (True, ["</script>", "mail", "web"])
    assert not x["buttons"]
    assert set(np.round(np.diff(x["values"]), 9)) == {0.1}


def test_what_is_bad_stands_first(blocks, tmp_path):
    class Failed:
        passed = False

        def __str__(self):
            return "SOMETHING FAILED"

    page = page_of(blocks, tmp_path, checks=Failed())
    assert not blocks.lack_of_fit.ok
    body = page[page.index("<main>") :]
    alerts = body[: body.index("Choose a setting")]
    assert "LACK OF FIT" in alerts
    assert "SOMETHING FAILED" in alerts
    assert "not part of this page" not in page


def test_what_was_not_checked_is_not_called_sound(blocks_page):
    page = blocks_page
    item = next(part for part in page.split("<li>") if "Falsification" in part)
    assert "not checked" in item


def test_assumptions_name_blocks_independent_rows_and_covariates(blocks_page):
    page = blocks_page
    for text in ("Independent rows", "a+b", "z = ", "drives one action only"):
        assert text in page


def test_the_decomposition_is_that_of_the_posterior(blocks, blocks_page):
    data = data_of(blocks_page)
    values = data["actions"][2]["values"]
    held = {name: blocks.summary.scales[name].centre for name in ("a", "b", "z")}
    exact = blocks.decomposition(held | {"c": values}).sel(action="c").mean(("chain", "draw"))
    for part in ("int", "bias", "obs"):
        own = data["decomposition"][2][part]["mean"]
        np.testing.assert_allclose(own, exact[part], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"at": {"q": 1}}, "q"), ({"at": {"a": [1, 2]}}, "one value"), ({"do": ["q"]}, "q")],
)
def test_bad_arguments(blocks, tmp_path, options, words):
    with pytest.raises(QueryError, match=words):
        blocks.report(tmp_path / "report.html", **options)


def test_a_folder_that_is_not_there(blocks, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        blocks.report(tmp_path / "no" / "report.html")


@pytest.mark.parametrize(
    ("low", "high", "whole", "first", "last", "count"),
    [
        (0.0, 1.0, False, 0.0, 1.0, 51),
        (-3.2, 7.9, False, -3.2, 7.8, 56),
        (1e-9, 9e-9, False, 1e-9, 9e-9, 81),
        (1e6, 9e6, True, 1e6, 9e6, 81),
        (0.2, 6.8, True, 1.0, 6.0, 6),
        (2.0, 2.0, False, 2.0, 2.0, 1),
    ],
)
def test_steps_are_round_and_within(low, high, whole, first, last, count):
    values = round_steps(low, high, whole)
    assert (values[0], values[-1], len(values)) == pytest.approx((first, last, count))
    assert np.ptp(np.diff(values)) < 1e-9 * (high - low + 1e-300) if len(values) > 2 else True


def test_zero_has_no_sign_and_declared_clusters_are_named(tmp_path):
    rng = np.random.default_rng(5)
    parts = []
    for regime in ("obs", "a", "b"):
        rows = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"]).round(1)
        rows["a"] = (rows["a"] > 0).astype(float)
        parts.append(rows.assign(regime=regime, shop=rng.integers(0, 12, 120)))
    frame = pd.concat(parts).assign(y=lambda t: t["a"] + t["b"] + rng.normal(size=len(t)))
    data = ig.RegimeData.from_frame(frame, "y", ["a", "b"], cluster="shop")
    posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace", draws=200)
    page = page_of(posterior, tmp_path)
    assert '"-0"' not in page
    assert "Independent rows" not in page
    assert "depend on one another by shop" in page
    steps = round_steps(-1.0, 1.0, most=10)
    assert not np.signbit(steps[steps == 0]).any()
