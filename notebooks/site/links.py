"""Check of the finished pages: every link within the site leads somewhere, nothing is fetched.

Sphinx warns of references that it cannot resolve; this looks at what a reader gets, menus and
pictures among it. Links to other sites are not followed, and no page may load a script, style,
font or picture from one.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["broken_links"]

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """Collects the anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names, links to or loads."""
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        for name in ("href", "src"):
            if name not in given:
                continue
            style = tag == "link" and given.get("rel") in {"stylesheet", "preload", "icon"}
            (self.loaded if style or (tag, name) in LOADED else self.links).append(given[name])


def broken_links(folder: Path) -> list[str]:
    """Return a line for each link within a site that leads nowhere, and each remote file.

    Parameters
    ----------
    folder
        The site, with all its HTML pages.
    """
    pages = {path: Page(path.read_text()) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        shown = path.relative_to(folder)
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    found.append(f"{shown} loads {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists():
                found.append(f"{shown} links to {link}, which does not exist")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{shown} links to {link}, which has no such place")
    return found
