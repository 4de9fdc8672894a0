"""Build the documentation site from README, docstrings and the executed notebooks.

    uv run --group docs python -m notebooks.site

The pages are in ``notebooks/site/build/html``; open ``index.html`` there. No network is needed and
no notebook is executed. A warning, a reference that cannot be resolved or a link within the site
that leads nowhere ends the command with exit code 1.
"""

import shutil
import sys
from pathlib import Path

import bayes_intgen
from bayes_intgen.cli.main import COMMANDS, build_parser
from notebooks.site.api_pages import api_pages, homes, public_names
from notebooks.site.links import broken_links
from notebooks.site.package_pages import (
    command_page,
    equation_page,
    example_setup,
    model_pages,
    room_pages,
    room_words,
)
from notebooks.site.readme_pages import Links, readme_pages

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "bayes_intgen"

RESULTS = ROOT / "notebooks/results"
MADE = HERE / "build"
PAGES = MADE / "pages"

# The rooms as a user meets them, and from the bottom up; those that are not named come after them.
ROOMS = ("data", "intervention_model", "posterior", "checks", "design", "model", "inference")
FLOORS = (
    *("base", "plots", "data", "design", "scm", "moments", "model", "baselines", "inference"),
    *("posterior", "intervention_model", "checks", "studies", "cli"),
)

INDEXES = {"api.md": "api/index.md", "results.md": "notebooks/results/index.md"}


def sources() -> dict[str, str]:
    """Return the text of every page by its path.

    Raises
    ------
    BrokenLink
        If a Markdown file links to a file that does not exist.
    """
    readme = (ROOT / "README.md").read_text()
    head, sections = readme_pages(readme)
    links = Links(ROOT, list(sections))
    pages = {f"{name}.md": links.rewrite(text, "README.md") for name, text in sections.items()}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        relative = f"notebooks/{path.name}"
        pages[relative] = links.rewrite_notebook(path.read_text(), relative)
    for path in [ROOT / "notebooks/README.md", *sorted(RESULTS.rglob("README.md"))]:
        relative = str(path.relative_to(ROOT))
        pages[relative] = links.rewrite(path.read_text(), relative)
    pages["changelog.md"] = (ROOT / "CHANGELOG.md").read_text()
    words = room_words(PACKAGE, ROOMS)
    api, shown = api_pages(words)
    pages |= room_pages(PACKAGE, room_words(PACKAGE, FLOORS), homes(public_names()))
    pages["equations.rst"] = equation_page(bayes_intgen.__doc__ or "", PACKAGE, PAGES)
    pages |= model_pages(ROOT / "models", PAGES)
    pages["commands.md"] = command_page(COMMANDS, build_parser)
    pages |= api
    fill = {
        "head": links.rewrite(head, "README.md"),
        "guide": "\n".join(
            name for name in sections if name not in {"contributing", "licence-and-citation"}
        ),
        "rooms": "\n".join(shown),
        "listing": "\n".join(f"* [{room}]({room}.rst): {words[room]}" for room in shown),
        "setup": example_setup(PACKAGE / "conftest.py"),
    }
    for path in sorted(HERE.glob("*.md")):
        text = path.read_text()
        for name, value in fill.items():
            text = text.replace(f"{{{{{name}}}}}", value)
        pages[INDEXES.get(path.name, path.name)] = text
    links.files |= {str(path.relative_to(ROOT)) for path in RESULTS.rglob("*.png")}
    pages |= dict.fromkeys(links.files, "")
    return pages


def write(pages: dict[str, str], folder: Path) -> None:
    """Write pages, and copies of the files of the repository that have no text here."""
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text)
        else:
            shutil.copyfile(ROOT / name, path)


def main() -> int:
    """Build the site and return the exit code."""
    from sphinx.cmd.build import build_main  # is in the group docs

    pages = sources()
    shutil.rmtree(MADE, ignore_errors=True)
    write(pages, PAGES)
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky"]
    folders = ["-c", HERE, "-d", MADE / "doctrees", PAGES, MADE / "html"]
    code = build_main([*strict, "--quiet", "--jobs", "auto", *map(str, folders)])
    broken = broken_links(MADE / "html")
    print("\n".join([*broken, f"the site: {MADE / 'html' / 'index.html'}"]))
    return int(bool(code or broken))


if __name__ == "__main__":
    sys.exit(main())
