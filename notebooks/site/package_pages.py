"""Pages about the code: the rooms with every module in them, and where each equation stands."""

import ast
import inspect
import os
import re
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from os.path import relpath
from pathlib import Path

from notebooks.site.api_pages import heading, listing

__all__ = [
    "command_page",
    "equation_page",
    "example_setup",
    "model_pages",
    "room_pages",
    "room_words",
]

EQUATION = re.compile(r"^(?P<rule>.*?)\s{2,}(?P<path>\S+\.py):(?P<name>\S+)$", re.MULTILINE)


def docstring(path: Path) -> str:
    """Return the docstring of a module without importing it."""
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def opening(path: Path) -> str:
    """Return the first paragraph of a module's docstring as one line."""
    return " ".join(docstring(path).partition("\n\n")[0].split())


def room_words(package: Path, order: Iterable[str]) -> dict[str, str]:
    """Return what each room holds, in the order given; rooms that are not named come last.

    A room is a folder of the package, or a module that stands beside them.
    """
    words = {path.parent.name: opening(path) for path in package.glob("*/__init__.py")}
    loose = [path for path in package.glob("*.py") if path.stem not in {"__init__", "conftest"}]
    words |= {path.stem: opening(path) for path in loose}
    first = [room for room in order if room in words]
    return {room: words[room] for room in [*first, *sorted(set(words) - set(first))]}


def room_pages(package: Path, words: dict[str, str], public: dict[str, str]) -> dict[str, str]:
    """Return a page per room, with what each of its modules says of itself and defines.

    Parameters
    ----------
    package
        The folder of the package.
    words
        What each room holds.
    public
        Where it is defined, of what has a page of its own, and the name of that page; of public
        modules too.
    """
    pages = {}
    for room, text in words.items():
        folder = package / room
        files = sorted(folder.rglob("*.py")) if folder.is_dir() else [package / f"{room}.py"]
        parts = [heading(room), f"{text}\n"]
        for path in files:
            module = module_of(package, path)
            if module in public or path == folder / "__init__.py":
                continue
            title = str(path.relative_to(folder)) if folder.is_dir() else path.name
            parts.append(heading(title.removesuffix("/__init__.py").replace("_", r"\_"), "-"))
            parts.append(f".. automodule:: {module}\n")
            shown = [
                f":doc:`{name} <../api/{public[full]}>`" if full in public else f"``{name}``"
                for name in defined(path)
                for full in [f"{module}.{name}"]
            ]
            if shown:
                parts.append(f"*Defines* {', '.join(shown)}.\n")
        pages[f"inside/{room}.rst"] = "\n".join(parts)
    rows = [(f":doc:`{room}`", text) for room, text in words.items()]
    contents = "".join(f"   {room}\n" for room in words)
    pages["inside/index.rst"] = "\n".join(
        [
            heading("The rooms"),
            "The package is one house of rooms named after the theory. Imports point one way, as a",
            "test holds: a room knows those above it in this list, and none below.\n",
            listing(rows),
            "Each page shows every module of a room: what it is for, the equations that it",
            "implements, and the names that it defines. :doc:`../equations` shows the code of",
            "these equations.\n",
            f".. toctree::\n   :hidden:\n\n{contents}",
        ]
    )
    return pages


def defined(path: Path) -> list[str]:
    """Return what ``__all__`` of a module names."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def module_of(package: Path, path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join([package.name, *(part for part in parts if part != "__init__")])


def equation_page(front: str, package: Path, pages: Path) -> str:
    """Return the page of the table of equations, each with the code that states it.

    Parameters
    ----------
    front
        Docstring of the package, which holds the table.
    package
        Folder of the package.
    pages
        Folder that the page will be in.

    Raises
    ------
    ValueError
        If the table cannot be read.
    """
    introduction = front[front.index("Where the equations stand") : front.index("====")]
    entries = [match.groupdict() for match in EQUATION.finditer(front)]
    if not entries:
        raise ValueError("the docstring of the package has no table of equations")
    parts = [heading("Equation by equation"), " ".join(introduction.split()) + "\n"]
    rows = []
    for number, entry in enumerate(entries):
        rule = entry["rule"].strip()
        rows.append((_escape(rule), f":ref:`{_place(entry)} <equation-{number}>`"))
    parts.append(listing(rows))
    rule = ""
    for number, entry in enumerate(entries):
        dots, _, part = entry["rule"].strip().partition("... ")
        rule, full = (rule, f"{rule}: {part}") if part else (dots, dots)
        module = ".".join([package.name, *Path(entry["path"]).with_suffix("").parts])
        parts += [
            f".. _equation-{number}:\n",
            heading(_place(entry).replace("_", r"\_"), "-"),
            f"{_escape(full[0].upper() + full[1:])} (module :py:mod:`{module}`).\n",
            f".. literalinclude:: {relpath(package / entry['path'], pages)}",
            f"   :pyobject: {entry['name']}\n   :language: python\n   :dedent:\n",
        ]
    return "\n".join(parts)


def _escape(text: str) -> str:
    """Return a text that does not look like a list or emphasis to reStructuredText."""
    return re.sub(r"^\(", r"\(", text).replace("*", r"\*")


def _place(entry: dict[str, str]) -> str:
    return f"{entry['path']}: {entry['name']}"


def model_pages(folder: Path, pages: Path) -> dict[str, str]:
    """Return a page per longhand model, with its file, and one that lists them.

    Parameters
    ----------
    folder
        Folder of the models.
    pages
        Folder that all pages will be in.
    """
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    rows = [f"* [{path.stem}]({path.stem}.md): {opening(path)}" for path in files]
    names = "\n".join(path.stem for path in files)
    index = [
        "# Models, longhand",
        docstring(folder / "__init__.py").replace("``", "`"),
        "\n".join(rows),
        f"```{{toctree}}\n:hidden:\n\n{names}\n```",
    ]
    made = {"models/index.md": "\n\n".join(index) + "\n"}
    for path in files:
        title = path.stem.replace("_", " ").replace("hsgp", "HSGP")
        made[f"models/{path.stem}.md"] = (
            f"# {title[0].upper()}{title[1:]}\n\n`models/{path.name}`\n\n"
            f"```{{literalinclude}} {relpath(path, pages / 'models')}\n:language: python\n```\n"
        )
    return made


def command_page(
    names: Iterable[str], parser: Callable[[str | None], ArgumentParser], width: int = 96
) -> str:
    """Return the page of the command line: the help of every command.

    Parameters
    ----------
    names
        The commands.
    parser
        Makes the parser, with the options of the command that it is given.
    width
        Characters per line.
    """
    os.environ["COLUMNS"] = str(width)  # what argparse goes by
    parts = ["# Command line", _console("bayes-intgen --help", parser(None).format_help())]
    for name in names:
        chosen = parser(name)
        (commands,) = [action for action in chosen._actions if action.dest == "command"]
        text = dict(commands.choices or {})[name].format_help()
        parts += [f"## {name}", _console(f"bayes-intgen {name} --help", text)]
    return "\n\n".join(parts) + "\n"


def _console(command: str, text: str) -> str:
    return f"```text\n$ {command}\n{inspect.cleandoc(text)}\n```"


def example_setup(path: Path) -> str:
    """Return the lines that make the names from which the examples of docstrings go on.

    Parameters
    ----------
    path
        The file whose function ``example_names`` makes them for the tests.
    """
    body = next(
        node.body
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "example_names"
    )
    made = [node for node in body if isinstance(node, ast.Assign)]
    names = [ast.unparse(node.targets[0]) for node in made]
    if not {"scm", "frame", "data", "model", "posterior"} <= set(names):
        raise ValueError(f"{path}: example_names makes {names}")
    return "\n".join(ast.unparse(node) for node in made if not isinstance(node.value, ast.Dict))
