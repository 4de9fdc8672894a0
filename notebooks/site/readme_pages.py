"""Pages of the site from Markdown files of the repository: README, notebooks, changelog, results.

The site keeps the folders of the repository, so that most links between files hold as they are.
The README becomes a page per section, and links to its sections follow; a link to a folder goes to
that folder's page, one to a longhand model to the page that shows it, and any other linked file is
put beside the pages, to be read or downloaded. A link to a file that does not exist is an error.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

__all__ = ["BrokenLink", "Links", "readme_pages", "slug"]

LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?(?=\))")
CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


class BrokenLink(Exception):
    """A Markdown file links to what does not exist."""


def slug(title: str) -> str:
    """Return the anchor that a heading has in the README, and the name of its page here.

    >>> slug("Can I trust it?")
    'can-i-trust-it'
    """
    return re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is not code in a Markdown text."""
    pieces = CODE.split(text)
    return "".join(piece if i % 2 else change(piece) for i, piece in enumerate(pieces))


class Links:
    """Links between files of the repository, as links between pages of the site.

    Parameters
    ----------
    root
        The repository.
    sections
        Anchors of the README that are pages of their own.

    Attributes
    ----------
    files
        What is linked and is no page, relative to the repository.
    """

    def __init__(self, root: Path, sections: list[str]) -> None:
        self.root = root
        self.sections = sections
        self.files: set[str] = set()

    def rewrite(self, text: str, path: str) -> str:
        """Return a Markdown text of the file ``path`` with its links to files as the site has them.

        Raises
        ------
        BrokenLink
            If a file or a section of the README does not exist.
        """
        folder = str(PurePosixPath(path).parent)

        def change(match: re.Match[str]) -> str:
            target, anchor = match[1], match[2] or ""
            if not target and path != "README.md":
                return anchor
            linked = normpath(f"{folder}/{target}") if target else "README.md"
            page, anchor = self._page(linked, anchor, path)
            return relpath(page, folder) + anchor

        return outside_code(text, lambda piece: LINK.sub(change, piece))

    def _page(self, linked: str, anchor: str, path: str) -> tuple[str, str]:
        """Return the page of a file, with the anchor in it."""
        if linked.startswith("..") or not (self.root / linked).exists():
            raise BrokenLink(f"{path} links to {linked!r}, which does not exist")
        if linked == "README.md":
            if not anchor:
                return "index.md", ""
            if anchor[1:] not in self.sections:
                raise BrokenLink(f"{path} links to {anchor!r}, which is no section of the README")
            return f"{anchor[1:]}.md", ""
        if linked == "CHANGELOG.md":
            return "changelog.md", anchor
        if (self.root / linked).is_dir():
            return f"{linked}/{'README' if linked == 'notebooks' else 'index'}.md", anchor
        if linked.startswith("models/") and linked.endswith(".py"):
            return f"{linked.removesuffix('.py')}.md", anchor
        if not linked.endswith((".md", ".ipynb")):
            self.files.add(linked)
        return linked, anchor

    def rewrite_notebook(self, text: str, path: str) -> str:
        """Return a notebook with the links of its prose as the site has them."""
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = self.rewrite("".join(cell["source"]), path)
        return json.dumps(notebook)


def readme_pages(text: str) -> tuple[str, dict[str, str]]:
    r"""Split the README: what comes before its first section, and a page for each of these.

    >>> readme_pages("# Name\n\nWhat.\n\n## Why not?\n\nSo.\n\n### How\n\nThus.\n")
    ('# Name\n\nWhat.\n', {'why-not': '# Why not?\n\nSo.\n\n## How\n\nThus.\n'})
    """
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    pages = {}
    for section in sections:
        title, _, body = section.partition("\n")
        body = outside_code(body, lambda piece: re.sub(r"^###", "##", piece, flags=re.MULTILINE))
        pages[slug(title)] = f"# {title}\n{body.rstrip()}\n"
    return f"{head.rstrip()}\n", pages
