"""The API pages: one per public name, grouped by the room of the package that it comes from.

Nothing here names a name. What is public is what ``__all__`` of the package and of its public
modules says; beside it stand the answers: classes with a text of their own that public functions,
methods and properties return, or a posterior holds.
"""

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType

import bayes_intgen

__all__ = ["answers", "api_pages", "members", "public_names", "room_of", "rooms"]

PACKAGE = bayes_intgen.__name__
ROLE = re.compile(r":\w+:`~?([^`]+)`")  # a reference that another page could not resolve


def public_names(module: ModuleType = bayes_intgen, prefix: str = PACKAGE) -> dict[str, object]:
    """Return every public object by the name that users import it by, modules with theirs."""
    found: dict[str, object] = {}
    for name in module.__all__:
        item = getattr(module, name)
        found[f"{prefix}.{name}"] = item
        if inspect.ismodule(item):
            found |= public_names(item, f"{prefix}.{name}")
    return found


def room_of(name: str, item: object) -> str:
    """Return the folder, or the module at the top of the package, where an object is defined."""
    home = item.__name__ if inspect.ismodule(item) else getattr(item, "__module__", None)
    home = home or name.rpartition(".")[0]  # a constant, which does not know its module
    return home.split(".")[1]


def homes(names: dict[str, object]) -> dict[str, str]:
    """Return where everything with a page of its own is defined, and the name of its page.

    Constants do not know where they are defined and are left out.
    """
    found = {}
    for name, item in names.items():
        if inspect.ismodule(item):
            found[item.__name__] = room_of(name, item)
        elif hasattr(item, "__module__"):
            found[f"{item.__module__}.{item.__name__}"] = name
    return found | {name: name for name in answers(names)}


def rooms(names: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return the names of each room, without the modules that hold some of them."""
    found: dict[str, dict[str, object]] = {}
    for name, item in names.items():
        if not inspect.ismodule(item):
            found.setdefault(room_of(name, item), {})[name] = item
    return found


def members(cls: type) -> dict[str, object]:
    """Return public methods and properties of a class that the package defines, inherited ones too.

    They are in the order of the source, those of parents last.
    """
    found: dict[str, object] = {}
    for owner in cls.__mro__:
        if not owner.__module__.startswith(PACKAGE):
            continue
        for name, member in vars(owner).items():
            kinds = property | cached_property | classmethod | staticmethod
            if not name.startswith("_") and (
                isinstance(member, kinds) or inspect.isfunction(member)
            ):
                found.setdefault(name, member)
    return found


def answers(names: dict[str, object]) -> dict[str, type]:
    """Return classes that print themselves and come back from what is public, by their full name.

    What they hold and return in turn is among them.
    """
    public = {item for item in names.values() if isinstance(item, type)}
    known = {item.__name__: item for item in public}
    found: dict[str, type] = {}
    waiting = list(names.values())
    while waiting:
        for cls in _returned(waiting.pop(), known):
            name = f"{cls.__module__}.{cls.__qualname__}"
            prints = "__str__" in vars(cls) or "_repr_html_" in vars(cls)
            if prints and cls not in public and name not in found:
                found[name] = cls
                waiting.append(cls)
    return dict(sorted(found.items(), key=lambda item: item[1].__name__))


def _returned(item: object, known: dict[str, type]) -> Iterator[type]:
    """Yield classes of the package that a function, or the members of a class, give back."""
    hints: list[object] = []
    if inspect.isclass(item):
        if dataclasses.is_dataclass(item):
            fields = typing.get_type_hints(item, localns=known)
            hints += [hint for name, hint in fields.items() if not name.startswith("_")]
        for member in members(item).values():
            function = getattr(member, "fget", None) or getattr(member, "func", None) or member
            function = getattr(function, "__func__", function)
            hints.append(typing.get_type_hints(function, localns=known).get("return"))
    elif inspect.isfunction(item):
        hints.append(typing.get_type_hints(item, localns=known).get("return"))
    for hint in hints:
        yield from _classes(hint)


def _classes(hint: object) -> Iterator[type]:
    """Yield the classes of the package that an annotation names."""
    if isinstance(hint, typing.TypeAliasType):
        yield from _classes(hint.__value__)
    elif isinstance(hint, type) and hint.__module__.startswith(PACKAGE):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


def first_line(item: object) -> str:
    """Return the first paragraph of a docstring as one line."""
    if isinstance(item, typing.TypeAliasType):
        return f"A type: ``{item.__value__}``.".replace("numpy.random._generator.", "numpy.random.")
    if isinstance(item, str):
        return f"A colour of the pictures, ``{item}``."
    if isinstance(item, classmethod | staticmethod):
        item = item.__func__
    text = inspect.getdoc(item) or ""
    return ROLE.sub(r"``\1``", " ".join(text.partition("\n\n")[0].split()))


def heading(text: str, mark: str = "=") -> str:
    """Return a heading of reStructuredText."""
    return f"{text}\n{mark * len(text)}\n"


def listing(rows: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    """Return a table with a reference and a sentence per line."""
    lines = [".. list-table::", "   :widths: 32 68", "   :class: overview", ""]
    for reference, text in rows:
        lines += [f"   * - {reference}", f"     - {text}"]
    return "\n".join(lines) + "\n"


def page_of(name: str, item: object) -> str:
    """Return the page of one name."""
    short = name.removeprefix(f"{PACKAGE}.")
    shown = short if name.count(".") <= 2 else short.rpartition(".")[2]
    lines = [heading(shown.replace("_", r"\_"))]
    home = f"{getattr(item, '__module__', '')}.{name.rpartition('.')[2]}"
    if home != name and callable(item):  # pages of the source link to where it is defined
        lines.append(f'.. raw:: html\n\n   <span id="{home}"></span>\n')
    if inspect.isclass(item):
        found = members(item)
        lines.append(f".. autoclass:: {name}")
        if found:
            lines.append(f"   :members: {', '.join(found)}")
        if len(found) > 3:
            rows = [(f":py:obj:`~{name}.{member}`", first_line(found[member])) for member in found]
            lines[-2:-2] = [f"{first_line(item)}\n", listing(rows)]
    elif isinstance(item, typing.TypeAliasType):
        lines += [f".. py:type:: {name}", f"   :canonical: {_alias(item)}", "", _explain(name)]
    elif isinstance(item, str):
        lines += [f".. py:data:: {name}", f'   :value: "{item}"', "", f"   {first_line(item)}"]
    else:
        lines.append(f".. autofunction:: {name}")
    return "\n".join(lines) + "\n"


def _alias(item: typing.TypeAliasType) -> str:
    return str(item.__value__).replace("numpy.random._generator.", "numpy.random.")


def _explain(name: str) -> str:
    return f"   What an argument annotated with ``{name.rpartition('.')[2]}`` may be.\n"


def api_pages(words: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the reStructuredText of all API pages by their path, and the rooms that have some.

    Parameters
    ----------
    words
        What each room holds, in the order in which the rooms are to be shown.
    """
    names = public_names()
    returned = answers(names)
    modules = {name: item for name, item in names.items() if inspect.ismodule(item)}
    by_room = rooms(names)
    answers_by_room: dict[str, dict[str, type]] = {}
    for name, cls in returned.items():
        answers_by_room.setdefault(room_of(name, cls), {})[name] = cls
    pages: dict[str, str] = {}
    shown = [room for room in words if room in by_room or room in answers_by_room]
    missing = sorted((set(by_room) | set(answers_by_room)) - set(words))
    if missing:
        raise ValueError(f"rooms without a word on what they hold: {missing}")
    for room in shown:
        public, back = by_room.get(room, {}), answers_by_room.get(room, {})
        text = heading(room) + f"\n{words[room]}\n\n"
        for name, item in modules.items():
            if room_of(name, item) == room:
                text += "".join(f".. py:module:: {n}\n\n" for n in sorted({name, item.__name__}))
        if public:
            text += listing([(_reference(name), first_line(public[name])) for name in public])
        if back:
            text += "\nWhat comes back:\n\n"
            text += listing([(_reference(name), first_line(back[name])) for name in back])
        entries = [*public, *back]
        text += "\n.. toctree::\n   :hidden:\n\n" + "".join(f"   {name}\n" for name in entries)
        pages[f"api/{room}.rst"] = text
        for name, item in {**public, **back}.items():
            pages[f"api/{name}.rst"] = page_of(name, item)
    return pages, shown


def _reference(name: str) -> str:
    short = name.removeprefix(f"{PACKAGE}.")
    shown = short if name.count(".") <= 2 else short.rpartition(".")[2]
    return f":doc:`{shown} <{name}>`"
