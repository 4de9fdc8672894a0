"""Configuration of Sphinx for the pages that ``python -m notebooks.site`` makes."""

import ast
import builtins
import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

import bayes_intgen
from notebooks.site.api_pages import answers, public_names

project = "bayes_intgen"
author = "the bayes_intgen developers"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "index"
nitpicky = True
highlight_language = "none"  # of formulas; examples and files say theirs

nb_execution_mode = "off"  # notebooks are kept executed
nb_output_stderr = "show"
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
suppress_warnings: list[str] = []

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
python_display_short_literal_types = True
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # types stand in the signature
toc_object_entries_show_parents = "hide"
add_module_names = False

html_theme = "furo"
html_title = "bayes_intgen"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("search_order.js"))  # pages for users first
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0072b2",
        "color-brand-content": "#0072b2",
    },
    "dark_css_variables": {
        "color-brand-primary": "#56b4e9",
        "color-brand-content": "#56b4e9",
    },
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Pages about what other libraries define. Names are looked up in the installed libraries, so that
# the build needs no network; {name} is the public name, {module} its module.
HOMES = {
    "numpy": "https://numpy.org/doc/stable/reference/generated/{name}.html",
    "numpy.random": "https://numpy.org/doc/stable/reference/random/index.html",
    "numpy.typing": "https://numpy.org/doc/stable/reference/typing.html",
    "pandas": "https://pandas.pydata.org/docs/reference/api/{name}.html",
    "xarray": "https://docs.xarray.dev/en/stable/generated/{name}.html",
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{name}.html",
    "networkx": "https://networkx.org/documentation/stable/reference/index.html",
    "pymc": "https://www.pymc.io/projects/docs/en/stable/api.html",
    "pytensor": "https://pytensor.readthedocs.io/en/latest/library/index.html",
    "scipy": "https://docs.scipy.org/doc/scipy/reference/index.html",
    "pyarrow": "https://arrow.apache.org/docs/python/api.html",
    "arviz": "https://python.arviz.org/en/stable/",
    "dask": "https://docs.dask.org/en/stable/",
    "distributed": "https://distributed.dask.org/en/stable/",
    "narwhals": "https://narwhals-dev.github.io/narwhals/",
    "polars": "https://docs.pola.rs/api/python/stable/reference/index.html",
}
ALIASES = {"np": "numpy", "pd": "pandas", "xr": "xarray", "pm": "pymc", "npt": "numpy.typing"}


def find(target: str) -> tuple[str, Any] | None:
    """Return the module and the object of a dotted name, or None if there is none."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            item = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            item = getattr(item, part, None)
        return None if item is None else (".".join(parts[:cut]), item)
    return ("builtins", getattr(builtins, target)) if hasattr(builtins, target) else None


def address(target: str) -> str | None:
    """Return the page that describes a name of another library, or None if it does not exist."""
    found = find(target)
    if found is None:
        return None
    module, item = found
    package = module.partition(".")[0]
    if package == "builtins":
        page = (
            "exceptions" if isinstance(item, type) and issubclass(item, Exception) else "functions"
        )
        return f"https://docs.python.org/3/library/{page}.html#{target}"
    if package in sys.stdlib_module_names:
        return f"https://docs.python.org/3/library/{module}.html#{target}"
    public = importlib.import_module(package)
    name = target.rpartition(".")[2]
    if getattr(public, name, None) is item:  # the short name by which people import it
        module, target = package, f"{package}.{name}"
    home = HOMES.get(module, HOMES.get(package))
    return None if home is None else home.format(name=target, module=module)


def refer(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Resolve a name of another library, or one of the package that has no entry of its own.

    The latter leads to the module that defines it, in the page of its room. A name that does not
    exist remains an error; parameters of generic functions lead nowhere.
    """
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"]).lstrip(".")
    head, dot, rest = target.partition(".")
    target = ALIASES.get(head, head) + dot + rest
    if target in type_parameters():
        return content
    module, cls = node.get("py:module"), node.get("py:class")
    for prefix in ("", f"{module}.", f"{module}.{cls}."):
        found = find(prefix + target)
        if found is None:
            continue
        item = found[1]
        home = getattr(item, "__module__", None) or found[0]
        if inspect.ismodule(item):
            home = item.__name__
        if not home.startswith("bayes_intgen") and not found[0].startswith("bayes_intgen"):
            uri = address(prefix + target)
            return uri and nodes.reference("", "", content, internal=False, refuri=uri)
        page = node.get("refdoc", env.docname if hasattr(env, "docname") else "index")
        name = next((name for name, other in public().items() if other is item), None)
        if name is not None:
            return make_refnode(app.builder, page, f"api/{name}", name, content)
        if not home.startswith("bayes_intgen"):
            home = found[0]
        return env.domains["py"].resolve_xref(env, page, app.builder, "mod", home, node, content)
    return None


@cache
def public() -> dict[str, object]:
    """Return what has a page of its own by its name."""
    names = {name: item for name, item in public_names().items() if not inspect.ismodule(item)}
    return names | answers(names)


@cache
def type_parameters() -> set[str]:
    """Return the names of the type parameters of the package's generic functions and classes."""
    files = Path(bayes_intgen.__file__).parent.rglob("*.py")
    trees = [ast.parse(path.read_text()) for path in files]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.TypeVar)}


def keep_colons(
    _app: Any, kind: str, _name: str, _item: Any, _options: Any, lines: list[str]
) -> None:
    """Keep the first line of a property from being read as "type: description"."""
    if kind in {"property", "attribute", "data"}:
        lines[:0] = ["..", ""]


def keep_formulas(
    _app: Any, _kind: str, _name: str, _item: Any, _options: Any, lines: list[str]
) -> None:
    """Show indented paragraphs as they are: in docstrings they are formulas, line by line."""
    kept: list[str] = []
    last, depth, verbatim = "", 0, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip():
            verbatim = verbatim and indent > depth
            apart = bool(kept) and not kept[-1].strip()
            plain = not re.match(r"\s*([*-] |\d+\. |\.\. |>>> )", last) and not last.endswith("::")
            if not verbatim and apart and last and indent > depth and plain:
                kept += [" " * depth + "::", ""]
                verbatim = True
            if not verbatim:
                last, depth = line, indent
        kept.append(line)
    lines[:] = kept


def setup(app: Any) -> None:
    """Connect the look-up of names, and what docstrings go through before they are read."""
    app.connect("missing-reference", refer)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("autodoc-process-docstring", keep_formulas, priority=450)
