"""What is shown in a notebook: everything escaped, nothing to be fetched, warnings first."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.html import html_table
from models import linear

EVIL = "<script>&price"
OUTCOME = 'y"<b>'
ACTIONS = [EVIL, "a2"]
TAGS = {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br"}


class Reader(HTMLParser):
    """Collects tags and text; says whether every tag was closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)
        assert not {"src", "href", "onclick"} & {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(subject):
    reader = Reader()
    reader.feed(subject._repr_html_())
    assert reader.open == []
    assert reader.tags <= TAGS
    return reader.text


@pytest.fixture(scope="module")
def data():
    frame = linear.make_data(300, 1).rename(columns={"a1": EVIL, "y": OUTCOME})
    frame["regime"] = frame["regime"].replace("a1", EVIL)
    return ig.RegimeData.from_frame(frame, outcome=OUTCOME, actions=ACTIONS)


@pytest.fixture(scope="module")
def posterior(data):
    return ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=50)


@pytest.fixture(scope="module")
def lifts():
    row = {"action": [EVIL], "from": [0.0], "to": [1.0], "effect": [9.0], "se": [0.3]}
    return ig.LiftTests.from_frame(pd.DataFrame(row))


def test_names_are_escaped_everywhere(data, posterior, lifts):
    model = ig.InterventionModel(structure=ACTIONS)
    best = posterior.best_action({EVIL: (0, 1)}, grid=3)
    for subject in (
        data,
        model,
        posterior,
        lifts,
        best,
        ig.check(data),
        ig.Moments.from_data(data, basis=ig.Polynomial(1)),
        ig.identify(["obs", EVIL], EVIL),
        ig.identify(["obs"], EVIL),
        model.identify(data.drop("a2")),
    ):
        text = read(subject)
        assert EVIL in text, type(subject)
        assert "<script>" not in subject._repr_html_()


def test_data_show_their_regimes(data):
    text = read(data)
    assert "none (observational)" in text
    assert text.count("300") == 3


def test_a_model_marks_what_was_chosen():
    shown = ig.InterventionModel(interactions="pairwise")._repr_html_()
    assert re.findall(r"<td>(\w+)</td><td>[^<]*</td><td>chosen", shown) == ["interactions"]


def test_a_posterior_shows_its_effects(posterior):
    text = read(posterior)
    mean = posterior.effects()["mean"].iloc[0]
    assert f"{mean:.4g}" in text
    assert text.index("Posterior of E[") == 0  # nothing to warn of


def test_what_is_wrong_with_a_fit_comes_first(posterior):
    bad = replace(posterior.convergence, problems=("R-hat 1.3 <0>",))
    text = read(replace(posterior, convergence=bad))
    assert "R-hat 1.3 <0>" in text
    assert text.index("R-hat") < text.index("Posterior of")


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConflictWarning")
def test_a_conflict_and_a_rung_too_low_come_first(data, lifts):
    model = ig.InterventionModel(ig.Polynomial(1))
    text = read(model.fit(data, method="laplace", draws=20, lifts=lifts))
    assert text.index("LIFT TESTS CONFLICT") < text.index("Posterior of")
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1, interactions=2.0)
    frame = scm.sample_regimes(scm.single_regimes, 2000, random_seed=1)
    other = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    narrow = ig.InterventionModel(ig.Polynomial(3), interactions="none")
    text = read(narrow.fit(other, method="laplace", draws=20))
    assert text.index("ADDITIVITY FAILS") < text.index("Posterior of")


def test_best_action_warns_of_extrapolation(posterior):
    near = posterior.best_action({"a2": (0, 0.5)}, grid=3)
    far = posterior.best_action({"a2": (50, 60)}, grid=3)
    assert "BEYOND THE SUPPORT" not in read(near)
    assert read(far).index("BEYOND THE SUPPORT") == 0
    assert "BEYOND THE SUPPORT" not in str(near)
    assert str(far).splitlines()[1].startswith("BEYOND THE SUPPORT")
    (ax,) = far.plot()
    assert f"recommended ({far.support})" in ax.get_legend_handles_labels()[1]
    plt.close()


def test_failed_checks_come_first():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(900, 1))
    a = shared + rng.normal(size=(900, 2))
    regime = np.repeat(["obs", "a1", "a2"], 300)
    a[regime == "a1", 0] = rng.normal(size=300)
    a[regime == "a2", 1] = rng.normal(size=300)
    frame = pd.DataFrame({"a1": a[:, 0], "a2": a[:, 1], "regime": regime})
    frame["y"] = a.sum(axis=1) + 2 * shared[:, 0] + 0.1 * rng.normal(size=900)
    found = ig.check(ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"]))
    assert not found.passed
    assert read(found).startswith("CHECKS FAILED")


def test_long_tables_are_cut():
    shown = html_table(["n"], [[i] for i in range(1000)])
    assert shown.count("<tr>") == 41
    assert "960 more rows" in shown
