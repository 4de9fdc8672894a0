"""The pages of the documentation site, which `.ci/run` builds: names, links, verdicts."""

import ast
import dataclasses
import inspect
from pathlib import Path

import pytest

import bayes_intgen as ig
from bayes_intgen.base import support_flags
from notebooks.site import api_pages, package_pages
from notebooks.site.links import broken_links
from notebooks.site.readme_pages import BrokenLink, Links, readme_pages, slug

ROOT = Path(ig.__file__).parents[1]
PACKAGE = ROOT / "bayes_intgen"
SITE = ROOT / "notebooks/site"
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def pages():
    return api_pages.api_pages(package_pages.room_words(PACKAGE, ()))


def stub_names():
    """Return what the stub of the package exports, read without importing it."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    (exported,) = (node.value for node in stub.body if isinstance(node, ast.Assign))
    return ast.literal_eval(exported)


def test_every_public_name_has_a_page_in_the_list_of_its_room(pages):
    texts, shown = pages
    names = [f"bayes_intgen.{name}" for name in stub_names()]
    for module in ("plots", "scm", "examples"):
        names += [f"bayes_intgen.{module}.{name}" for name in getattr(ig, module).__all__]
    lists = "".join(texts[f"api/{room}.rst"] for room in shown)
    for name in names:
        if inspect.ismodule(api_pages.public_names()[name]):
            assert f".. py:module:: {name}\n" in lists
        else:
            text = texts[f"api/{name}.rst"]
            assert f":: {name}\n" in text
            assert f"   {name}\n" in lists


def test_every_method_of_a_posterior_is_on_its_page(pages):
    text = pages[0]["api/bayes_intgen.Posterior.rst"]
    (line,) = [line for line in text.splitlines() if ":members:" in line]
    listed = line.removeprefix("   :members: ").split(", ")
    fields = {field.name for field in dataclasses.fields(ig.Posterior)}
    own = {name for name in dir(ig.Posterior) if not name.startswith("_")} - fields
    assert len(own) > 20
    assert set(listed) == own


def test_answers_that_come_back_from_public_names_have_a_page_too(pages):
    found = [name.split(".")[-2] for name in pages[0] if name.count(".") > 3]
    assert {"BestAction", "Convergence", "Identification", "LackOfFit"} <= set(found)


def test_every_flag_and_verdict_is_explained():
    text = (SITE / "verdicts.md").read_text()
    for flag in support_flags.__all__:
        assert f"| `{getattr(support_flags, flag)}` |" in text
    verdicts = api_pages.answers(api_pages.public_names())
    judging = [cls.__name__ for cls in verdicts.values() if hasattr(cls, "ok")]
    assert len(judging) >= 5
    assert [name for name in judging if f"`{name} <" not in text] == []


def test_links_between_the_files_of_the_repository_hold():
    _, sections = readme_pages(README)
    links = Links(ROOT, list(sections))
    links.rewrite(README, "README.md")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        links.rewrite_notebook(path.read_text(), f"notebooks/{path.name}")
    assert "CITATION.cff" in links.files


@pytest.mark.parametrize(
    "text", ["[x](absent.md)", "[x](#no-such-section)", "![x](notebooks/absent.png)", "[`x`](../y)"]
)
def test_a_broken_link_is_an_error(text):
    with pytest.raises(BrokenLink):
        Links(ROOT, ["choices"]).rewrite(text, "README.md")


def test_links_lead_to_the_pages_of_the_site():
    links = Links(ROOT, ["choices"])
    assert links.rewrite("[x](#choices) `[y](z)`", "README.md") == "[x](choices.md) `[y](z)`"
    assert links.rewrite("[x](models/linear.py)", "README.md") == "[x](models/linear.md)"
    assert links.rewrite("[x](../README.md#choices)", "notebooks/a.ipynb") == "[x](../choices.md)"
    assert links.rewrite("[x](https://a.b/c)", "README.md") == "[x](https://a.b/c)"


def test_sections_of_the_readme_become_pages():
    head, sections = readme_pages(README)
    assert head.startswith("# bayes_intgen")
    assert slug("Can I trust it?") in sections
    assert README.count("\n## ") == len(sections)


def test_every_module_is_on_the_page_of_its_room():
    words = package_pages.room_words(PACKAGE, ())
    rooms = package_pages.room_pages(PACKAGE, words, {"bayes_intgen.scm": "scm"})
    files = [
        path for path in PACKAGE.rglob("*.py") if path.name not in {"__init__.py", "conftest.py"}
    ]
    text = "".join(rooms.values())
    assert all(f":: {package_pages.module_of(PACKAGE, path)}\n" in text for path in files)


def test_every_equation_shows_its_code():
    text = package_pages.equation_page(ig.__doc__, PACKAGE, SITE / "build/pages")
    assert text.count(":pyobject:") == ig.__doc__.count(".py:")


def test_the_check_of_finished_pages_finds_what_is_broken(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="x"></a><a href="b.html#y">1</a><a href="#x">2</a><a href="https://a.b">3</a>'
    )
    (tmp_path / "b.html").write_text('<p id="y"></p><img src="data:image/png;base64,AA">')
    assert broken_links(tmp_path) == []
    (tmp_path / "c.html").write_text(
        '<a href="no.html">1</a><a href="b.html#z">2</a><script src="https://a.b/c.js"></script>'
    )
    assert len(broken_links(tmp_path)) == 3
