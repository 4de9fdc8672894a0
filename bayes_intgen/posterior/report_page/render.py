r"""From the content of a page to its HTML: one file, which names no address and loads nothing.

Every text is escaped, and the data stand in a block that is not executed, in which ``<`` is written
as ``\u003c``: names of columns and levels are never interpreted. A policy in the page allows its
own script and style only, by their digests, and no connection to anywhere.
"""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

import pandas as pd

from bayes_intgen.base.html import html_frame, html_table
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.posterior.report_page.content import ReportContent
from bayes_intgen.posterior.report_page.words import Verdict

__all__ = ["render"]

SCRIPTS = ("model.js", "best.js", "charts.js", "page.js", "lists.js")
STANDING = {True: ("good", "✓ sound"), False: ("bad", "✕ problem"), None: ("poor", "– not checked")}


def render(content: ReportContent) -> str:
    """Return the page."""
    script = '"use strict";\n' + "\n".join(map(_read, SCRIPTS))
    style = _read("page.css")
    data = {**content.data, "file": _file_name(str(content.data["outcome"]))}
    effects = content.effects
    return Template(_read("page.html")).substitute(
        script=script,
        style=style,
        script_hash=_digest(script),
        style_hash=_digest(style),
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        title=_text(content.question),
        kicker=_text(f"Effects on {content.data['outcome']}"),
        question=_text(content.question),
        lead=_text(content.lead),
        interval=f"{INTERVAL:.0%}",
        alerts="".join(_alert(v) for v in content.verdicts if v.ok is False),
        best=_read("best.html") if content.level and _any_set(content) else "",
        decomposition=_decomposition(content),
        save_decomposition=""
        if content.no_components
        else '<button type="button" id="save-decomposition">Decomposition as CSV</button>',
        effects="" if effects is None else _effects(effects, content),
        verdicts=f'<ul class="checks">{"".join(map(_verdict, content.verdicts))}</ul>',
        assumptions="".join(
            f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in content.assumptions
        ),
        rows=html_table(["rows", "what was set", "label"], [(n, s, r) for r, s, n in content.rows]),
        details="".join(f"<p>{_text(line)}</p>" for line in content.details),
        footer=_text(
            "Made by bayes_intgen. This file is complete: it opens without a network and sends "
            "nothing."
        ),
    )


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    return escape(text)


def _any_set(content: ReportContent) -> bool:
    return any(action["set"] for action in content.data["actions"])


def _alert(verdict: Verdict) -> str:
    about, text = _text(verdict.about), _text(verdict.text)
    return f'<p class="alert" role="note"><strong>{about}.</strong> {text}</p>'


def _verdict(verdict: Verdict) -> str:
    kind, word = STANDING[verdict.ok]
    about, text = _text(verdict.about), _text(verdict.text)
    return (
        f'<li><span class="flag {kind}">{word}</span><p><strong>{about}.</strong> {text}</p></li>'
    )


def _decomposition(content: ReportContent) -> str:
    if content.no_components:
        return (
            '<section aria-labelledby="parts-title">'
            '<h2 id="parts-title">Effect and confounding</h2>'
            f'<p class="note">{_text(content.no_components)}</p></section>'
        )
    note = (
        "What observations show along one action is its effect plus the bias of what is hidden. "
        "The effect is relative to the action's reference (mean or most frequent level), where "
        "the other actions are held; bias keeps its own constant."
    )
    return Template(_read("decomposition.html")).substitute(note=_text(note))


def _effects(effects: pd.DataFrame, content: ReportContent) -> str:
    caption = (
        f"Change in {content.data['outcome']} when one action moves from mean - sd to mean + sd "
        f"(no farther than its experiments), between its two values, or from its most frequent "
        f"level to another, with {INTERVAL:.0%} intervals; "
        f"“observational” is what observations alone suggest, confounding included."
    )
    shown = effects.assign(support=effects.attrs["support"].values())
    return (
        '<section aria-labelledby="moves-title"><h2 id="moves-title">Each action in one number</h2>'
        f'<p class="note">{_text(caption)}</p><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Effects">{html_frame(shown)}</div></section>'
    )


def _file_name(outcome: str) -> str:
    """Return a name for files that are saved from the page.

    Examples
    --------
    >>> _file_name("Sales (EUR)/week")
    'sales-eur-week'
    """
    return re.sub(r"[^a-z0-9]+", "-", outcome.lower()).strip("-")[:40] or "report"
