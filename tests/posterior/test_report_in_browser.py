"""The page in a real browser: its controls give the numbers and flags of the posterior's table."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from tests.cases.browser import find_browser, open_browser
from tests.cases.report_fits import HOSTILE, fit_blocks, fit_lifts, fit_mixed

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="no browser: install chromium (apt-get install chromium)"
)

SETTINGS = 20
SET = """
((setting) => {
  setting.forEach((position, k) => {
    const slider = document.getElementById(`control-${k}`);
    if (slider) {
      slider.value = position;
      slider.dispatchEvent(new Event("input"));
    } else {
      document.querySelectorAll(`input[name="control-${k}"]`)[position].click();
    }
  });
  const value = (id) => Number(document.getElementById(id).value);
  const read = (...ids) => Object.fromEntries(ids.map((id) => [id, value(id)]));
  return {
    ...read("mean", "lower", "upper", "contrast", "contrast-lower", "contrast-upper"),
    ...read("probability"),
    sd: Number(document.getElementById("mean").dataset.sd),
    support: document.getElementById("flag").dataset.flag,
  };
})
"""


@pytest.fixture(scope="module")
def mixed():
    return fit_mixed()


@pytest.fixture(scope="module")
def blocks():
    return fit_blocks()


@pytest.fixture(scope="module")
def pages(mixed, blocks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, posterior in (("mixed", mixed), ("blocks", blocks)):
        posterior.report(folder / f"{name}.html")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


def actions_of(browser):
    return browser.run('JSON.parse(document.getElementById("data").textContent).actions')


def random_settings(actions, seed=1):
    rng = np.random.default_rng(seed)
    sizes = [len(action["values"]) for action in actions]
    return np.array([rng.integers(sizes) for _ in range(SETTINGS)])


def points_of(actions, settings):
    return {
        action["name"]: [
            (action["labels"] if action["levels"] else action["values"])[i] for i in settings[:, k]
        ]
        for k, action in enumerate(actions)
    }


def answers(browser, settings):
    """Move the controls to each setting, and read what the page says."""
    return pd.DataFrame([browser.run(f"{SET}({json.dumps(row.tolist())})") for row in settings])


def covariates_of(posterior):
    return {name: posterior.summary.scales[name].centre for name in posterior.covariates}


@pytest.mark.parametrize("name", ["mixed", "blocks"])
def test_moved_controls_give_the_table(browser, request, pages, name):
    posterior = request.getfixturevalue(name)
    browser.open(pages / f"{name}.html")
    actions = actions_of(browser)
    settings = random_settings(actions)
    found = answers(browser, settings)
    points = points_of(actions, settings) | covariates_of(posterior)
    table = posterior.table(points)
    width = table["upper"] - table["lower"]
    for column in ("mean", "sd", "lower", "upper"):
        assert ((found[column] - table[column]).abs() < 1e-6 * width).all(), column
    assert found["support"].tolist() == table["support"].tolist()
    start = np.array([[action["start"] for action in actions]])
    before = points_of(actions, start) | covariates_of(posterior)
    effect = posterior.contrast(points, before)
    ends = effect.quantile([0.05, 0.95], ("chain", "draw")).to_numpy()
    exact = (effect.mean(("chain", "draw")).to_numpy(), *ends)
    for column, own in zip(("contrast", "contrast-lower", "contrast-upper"), exact, strict=True):
        assert (np.abs(found[column] - own) < 1e-6 * width).all(), column
    chance = posterior.probability(points, before).to_numpy()
    np.testing.assert_allclose(found["probability"], chance, atol=1e-9)


def test_all_kinds_of_flags_are_seen(browser, blocks, pages):
    """Clouds, a joint arm, a gap, a misfit: over many settings, each flag is that of the table."""
    browser.open(pages / "blocks.html")
    actions = actions_of(browser)
    settings = np.concatenate([random_settings(actions, seed) for seed in range(2, 12)])
    script = "(s) => { const d = model.draws(s); return model.flag(s, d); }"
    found = browser.run(f"{json.dumps(settings.tolist())}.map({script})")
    points = points_of(actions, settings) | covariates_of(blocks)
    assert found == blocks.table(points)["support"].tolist()
    assert {"supported", "misfit", "extrapolated"} == {*found}


def test_without_a_level_the_change_is_shown(browser, tmp_path):
    posterior = fit_lifts()
    posterior.report(tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    actions = actions_of(browser)
    settings = random_settings(actions)
    found = answers(browser, settings)
    start = np.array([[action["start"] for action in actions]])
    effect = posterior.contrast(points_of(actions, settings), points_of(actions, start))
    width = np.ptp(effect.quantile([0.05, 0.95], ("chain", "draw")).to_numpy(), axis=0)
    error = np.abs(found["mean"] - effect.mean(("chain", "draw")).to_numpy())
    assert (error < 1e-6 * width.max()).all()
    assert browser.run('document.getElementById("answer-title").textContent') == (
        "Change of y from the baseline"
    )


def test_it_asks_the_network_for_nothing_and_names_do_no_harm(browser, mixed, pages):
    browser.open(pages / "mixed.html")
    browser.run("window.print = () => {}; new Promise((done) => setTimeout(done, 400))")
    assert browser.requests == [f"file://{pages}/mixed.html"]
    assert browser.complaints == []
    labels = browser.run('[...document.querySelectorAll("label.name")].map((x) => x.textContent)')
    assert labels == [HOSTILE]
    refused = browser.run('fetch("http://127.0.0.1:9/").then(() => "sent", () => "refused")')
    assert refused == "refused"
    assert any("Content Security Policy" in text for text in browser.complaints)


def test_the_best_setting_is_that_of_best_action(browser, mixed, pages):
    browser.open(pages / "mixed.html")
    dose, x, channel = actions_of(browser)
    best = mixed.best_action(
        {dose["name"]: (0, 3), x["name"]: (2, 8), channel["name"]: ["mail", "web"]},
        budget=9.5,
        cost={dose["name"]: 2.0, x["name"]: 1.0, channel["name"]: {"web": 1.0}},
        grid={dose["name"]: dose["values"], x["name"]: [v for v in x["values"] if 2 <= v <= 8]},
    )
    fields = {
        "low-1": 2,
        "high-1": 8,
        "cost-0": 2,
        "cost-1": 1,
        f"cost-2-{channel['labels'].index('web')}": 1,
        "budget": 9.5,
    }
    for name, value in fields.items():
        browser.run(f"document.getElementById({name!r}).value = {value}")
    browser.run(
        f"document.getElementById('allow-2-{channel['labels'].index('</script>')}').click()"
    )
    browser.run("document.querySelector('#best-form button').click()")
    data = "document.getElementById('best-answer').dataset"
    setting = np.array([json.loads(browser.run(f"{data}.setting"))])
    own = {name: values[0] for name, values in points_of([dose, x, channel], setting).items()}
    assert own == best.recommended
    assert float(browser.run(f"{data}.cost")) == pytest.approx(best.cost)


def test_an_address_remembers_setting_and_baseline(browser, mixed, pages):
    browser.open(pages / "mixed.html", "#dose=3|dose=1")
    assert browser.run("[state.now[0], state.base[0]]") == [3, 1]
    browser.run(f"{SET}([2, 4, 1])")
    again = browser.run("location.hash")
    browser.open(pages / "mixed.html", again)
    assert browser.run("state.now") == [2, 4, 1]


def test_csv_can_be_read_and_holds_the_table(browser, mixed, pages):
    browser.open(pages / "mixed.html")
    browser.run(f"{SET}([2, 4, 1])")
    rows = list(csv.reader(io.StringIO(browser.run("settingsCsv()"))))
    assert rows[0][:4] == ["dose", HOSTILE, "'=ch\"an,nel", "mean"]
    actions = actions_of(browser)
    table = mixed.table(points_of(actions, np.array([[2, 4, 1]])))
    assert float(rows[-1][3]) == pytest.approx(table["mean"].item(), rel=1e-6)
    assert rows[-1][7] == table["support"].item()
    curves = list(csv.reader(io.StringIO(browser.run("curvesCsv()"))))
    assert len(curves) == 1 + sum(len(action["values"]) for action in actions)
    parts = list(csv.reader(io.StringIO(browser.run("decompositionCsv()"))))
    assert len(parts) == 1 + 3 * sum(len(action["values"]) for action in actions)


def test_every_control_has_a_name_and_answers_are_spoken(browser, mixed, pages):
    browser.open(pages / "mixed.html")
    browser.run(f"{SET}([2, 4, 1])")
    browser.run("new Promise((done) => setTimeout(done, 900))")
    spoken = browser.run('document.getElementById("spoken").textContent')
    assert spoken.startswith("Probability of y: ")
    browser.call("Accessibility.enable")
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    needing = {"slider", "radio", "button", "spinbutton", "combobox", "checkbox", "image"}
    unnamed = [
        node
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value") in needing
        and not node.get("name", {}).get("value")
    ]
    assert unnamed == []
    sliders = [n for n in tree if n.get("role", {}).get("value") == "slider"]
    assert [n["name"]["value"] for n in sliders] == [HOSTILE]


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser, mixed, tmp_path, width, pages):
    browser.open(pages / "mixed.html")
    browser.picture(tmp_path / "page.png", width)
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")
