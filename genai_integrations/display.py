"""What results look like in a notebook: escaped HTML beside plain text, right in light and in dark.

A class shows itself by returning `bundle(text, html)` from `_repr_mimebundle_`. Text from outside,
a model's above all, enters HTML through `escape` only; `table` and `side_by_side` escape what they are given.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

NONE = "-"
"""What stands where there is no value."""

Bundle = dict[str, str]
"""One thing in several media types, as Jupyter wants it."""


class Html(str):  # noqa: SLOT000 - it has an attribute
    """HTML that is safe as it stands; every other text is escaped.

    Attributes:
        plain: The same as text, for `text_table`.
    """

    plain: str

    def __new__(cls, html: str, plain: str | None = None) -> Self:
        """Mark a text as HTML."""
        made = super().__new__(cls, html)
        made.plain = html if plain is None else plain
        return made


Cell = object
"""A value of a table: `Html` as it is, None as `-`, numbers to the right, all else as escaped text."""


def escape(text: object) -> Html:
    """A text from outside as HTML that shows it as it is, `<script>` included."""
    if isinstance(text, Html):
        return text
    # Half a surrogate pair, which JSON may carry, cannot be sent to a browser.
    sound = str(text).encode("utf-8", "replace").decode()
    return Html(_html.escape(sound))


def bundle(text: str, html: str) -> Bundle:
    """What `_repr_mimebundle_` returns.

    Args:
        text: For terminals and logs.
        html: Made of `Html` pieces; it gets the style that all of them share.
    """
    return {"text/plain": text, "text/html": page_part(html)}


def page_part(html: str) -> Html:
    """HTML with the shared style, closed off from a page that would read `$` as mathematics."""
    ignored = "tex2jax_ignore mathjax_ignore"
    return Html(f'<style>{_STYLE}</style><div class="genai-view {ignored}">{html}</div>')


def table(headers: Sequence[object], rows: Iterable[Sequence[Cell]]) -> Html:
    """An HTML table.

    Args:
        headers: One for each column.
        rows: Values; each row as long as `headers`.
    """
    body = [list(row) for row in rows]
    right = [_numeric(column) for column in zip(*body, strict=True)] or [False] * len(headers)
    head = "".join(_cell("th", value, side) for value, side in zip(headers, right, strict=True))
    lines = "".join(
        "<tr>" + "".join(map(_cell, ["td"] * len(row), row, right)) + "</tr>" for row in body
    )
    return Html(
        f'<table class="genai-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    )


def text_table(headers: Sequence[object], rows: Iterable[Sequence[Cell]]) -> str:
    """The same table as text. Korean letters are two places wide, as terminals show them."""
    body = [[_plain(value) for value in row] for row in ([*headers], *map(list, rows))]
    widths = [max(map(_width, column)) for column in zip(*body, strict=True)]
    padded = (
        (value + " " * (width - _width(value)) for value, width in zip(row, widths, strict=True))
        for row in body
    )
    return "\n".join("  ".join(row).rstrip() for row in padded)


def filled(
    headers: Sequence[object], rows: Iterable[Sequence[Cell]]
) -> tuple[list[object], list[list[Cell]]]:
    """Headers and rows without the columns in which no row has a value."""
    body = [list(row) for row in rows]
    kept = [at for at in range(len(headers)) if any(row[at] is not None for row in body)]
    return [headers[at] for at in kept], [[row[at] for at in kept] for row in body]


@dataclass(frozen=True, slots=True)
class Panel:
    """One answer among others.

    Attributes:
        title: Whose it is, e.g. the model's name.
        text: The answer.
        note: Below it, e.g. tokens and cost; `Html` or text.
        error: What went wrong, in one line.
        running: More is to come.
    """

    title: object
    text: str = ""
    note: object = ""
    error: str = ""
    running: bool = False


def side_by_side(panels: Iterable[Panel]) -> Html:
    """Answers beside one another, as many in a row as there is room for."""
    return Html(f'<div class="genai-panels">{"".join(map(_panel, panels))}</div>')


def muted(text: object) -> Html:
    """A text that steps back."""
    return Html(f'<span class="genai-muted">{escape(text)}</span>', str(text))


def good(text: object) -> Html:
    """A text that says that something went well."""
    return Html(f'<span class="genai-good">{escape(text)}</span>', str(text))


def bad(text: object) -> Html:
    """A text that says that something failed."""
    return Html(f'<span class="genai-bad">{escape(text)}</span>', str(text))


def prose(text: object) -> Html:
    """A text with its own line breaks."""
    return Html(f'<div class="genai-prose" dir="auto">{escape(text)}</div>')


def milliseconds(ms: float | None) -> str:
    """Below a second in milliseconds, above it in seconds."""
    if ms is None:
        return NONE
    return f"{ms / 1000:.1f} s" if ms >= _SECOND else f"{ms:.0f} ms"


def money(usd: float | None) -> str:
    """US dollars; small amounts keep the digits that matter."""
    if usd is None:
        return NONE
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.6f}"


_SECOND = 1000


def _panel(panel: Panel) -> str:
    state = ' <span class="genai-dots">…</span>' if panel.running else ""
    parts = [f'<div class="genai-title">{escape(panel.title)}{state}</div>']
    parts += [prose(panel.text)] if panel.text else []
    parts += [f'<div class="genai-bad">{escape(panel.error)}</div>'] if panel.error else []
    parts += [f'<div class="genai-note">{escape(panel.note)}</div>'] if panel.note else []
    return f'<div class="genai-panel">{"".join(parts)}</div>'


def _cell(tag: str, value: Cell, right: bool) -> str:
    side = ' class="genai-right"' if right else ""
    return f"<{tag}{side}>{escape(NONE if value is None else value)}</{tag}>"


def _numeric(column: Sequence[Cell]) -> bool:
    """Numbers, amounts such as `$0.01` and times such as `12 ms` stand to the right."""
    values = [value for value in column if value is not None and value != NONE]
    return bool(values) and all(_is_number(value) for value in values)


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) or bool(_NUMBER.fullmatch(str(value)))


_NUMBER = re.compile(r"[-+]?\$?[\d.,]+( ?(ms|s|%))?( \+ \d+)?")
"""A number as the tables here write it: `12 ms`, `$0.01`, `30 %`, `12 + 4` tokens."""


def _plain(value: Cell) -> str:
    if value is None:
        return NONE
    return " ".join((value.plain if isinstance(value, Html) else str(value)).split())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


_LIGHT = "#1f2328 #59636e #d1d9e0 #f6f8fa #1a7f37 #c62828"
_DARK = "#e6edf3 #9198a1 #3d444d #151b23 #3fb950 #ff7b72"

_THEMES = (
    ("text", "--jp-content-font-color1", "--vscode-editor-foreground"),
    ("soft", "--jp-content-font-color2", "--vscode-descriptionForeground"),
    ("line", "--jp-border-color2", "--vscode-panel-border"),
    ("back", "--jp-layout-color2", "--vscode-editorWidget-background"),
)
"""Our colours as JupyterLab and VS Code call them. Their green and red are hard to read in some themes."""


def _colours(ours: str) -> str:
    """The page's own colours, and ours where it has none."""
    *plain, good_colour, bad_colour = ours.split()
    themed = "".join(
        f"--genai-{name}:var({jupyter},var({code},{colour}));"
        for (name, jupyter, code), colour in zip(_THEMES, plain, strict=True)
    )
    return f"{themed}--genai-good:{good_colour};--genai-bad:{bad_colour}"


def _on(*pages: str) -> str:
    """The selector of what is shown on pages of such kinds."""
    return ",".join(f"{page} .genai-view" for page in pages)


_STYLE = (
    f".genai-view{{{_colours(_LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{.genai-view{{{_colours(_DARK)}}}}}"
    # A page that says what it is knows better than the system.
    f"{_on('[data-jp-theme-light=true]', '.vscode-light', '[data-md-color-scheme=default]')}{{{_colours(_LIGHT)}}}"
    f"{_on('[data-jp-theme-light=false]', '.vscode-dark', '[data-md-color-scheme=slate]')}{{{_colours(_DARK)}}}"
    ".genai-view{color:var(--genai-text);font-size:13px;line-height:1.5;max-width:100%;overflow-x:auto}"
    ".genai-view .genai-muted,.genai-view .genai-note{color:var(--genai-soft)}"
    ".genai-view .genai-good{color:var(--genai-good)}"
    ".genai-view .genai-bad{color:var(--genai-bad);overflow-wrap:anywhere}"
    ".genai-view .genai-variable{color:inherit;background:var(--genai-back);"
    "border:1px solid var(--genai-line);border-radius:4px;padding:0 4px}"
    ".genai-view summary{cursor:pointer;font-size:12px}"
    ".genai-view .genai-prose{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".genai-view .genai-markdown{white-space:normal;overflow-wrap:anywhere}"
    ".genai-view .genai-markdown p,.genai-view .genai-markdown li{white-space:pre-wrap}"
    ".genai-view .genai-markdown>*{margin:0 0 8px}"
    ".genai-view .genai-markdown>:last-child{margin-bottom:0}"
    ".genai-view .genai-markdown ul,.genai-view .genai-markdown ol{padding-left:22px;margin:0 0 8px}"
    ".genai-view .genai-markdown li>*{margin:0}"
    ".genai-view .genai-heading{font-weight:600;font-size:14px}"
    ".genai-view .genai-markdown code{font-family:monospace;font-size:12px;color:inherit;"
    "background:var(--genai-back);border-radius:4px;padding:1px 4px}"
    ".genai-view .genai-markdown pre{background:var(--genai-back);border:1px solid var(--genai-line);"
    "border-radius:6px;padding:8px 10px;overflow-x:auto;color:inherit}"
    ".genai-view .genai-markdown pre code{padding:0;white-space:pre;overflow-wrap:normal}"
    ".genai-view .genai-markdown blockquote{border-left:3px solid var(--genai-line);"
    "padding-left:10px;color:var(--genai-soft)}"
    ".genai-view .genai-markdown hr{border:0;border-top:1px solid var(--genai-line)}"
    ".genai-view .genai-markdown a{color:inherit;text-decoration:underline}"
    ".genai-view .genai-panels{display:grid;gap:10px;"
    "grid-template-columns:repeat(auto-fit,minmax(min(240px,100%),1fr))}"
    ".genai-view .genai-panel{border:1px solid var(--genai-line);border-radius:6px;"
    "padding:8px 12px;min-width:0}"
    ".genai-view .genai-title{font-weight:600;margin-bottom:4px;overflow-wrap:anywhere}"
    ".genai-view .genai-note{margin-top:6px;font-size:12px;overflow-wrap:anywhere}"
    ".genai-view table.genai-table{border-collapse:collapse;margin:6px 0;font-size:13px;"
    "color:inherit;border:0}"
    ".genai-view table.genai-table th,.genai-view table.genai-table td{text-align:left;"
    "vertical-align:top;padding:4px 14px 4px 0;border:0;max-width:34em;"
    "white-space:pre-wrap;overflow-wrap:break-word;background:none}"
    ".genai-view table.genai-table th{color:var(--genai-soft);font-weight:500;white-space:nowrap}"
    ".genai-view table.genai-table tr{background:none!important}"
    ".genai-view table.genai-table tbody tr{border-top:1px solid var(--genai-line)}"
    ".genai-view table.genai-table .genai-right{text-align:right;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
)

PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e26; --soft: #5c6070; --line: #d9dbe3; --paper: #fff; --card: #f4f5f9;
  --s0: #3f51b5; --s1: #d9534f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8f0; --soft: #9aa0b4; --line: #363a4a; --paper: #171923;
  --card: #222532; --s0: #8c9eff; --s1: #ff8a80; } }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } p { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: .6rem; }
@media (max-width: 40rem) { .cards { grid-template-columns: repeat(2, 1fr); } }
.card { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
.card b { display: block; font-size: 1.25rem; } .card span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th.genai-right, td.genai-right { text-align: right; }
th { color: var(--soft); font-weight: 600; }
svg { width: 100%; min-width: 34rem; height: auto; } .grid { stroke: var(--line); } .scale { fill: var(--soft); font-size: 11px; }
rect.series-0 { fill: var(--s0); } rect.series-1 { fill: var(--s1); }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; }
.legend i.series-0 { background: var(--s0); } .legend i.series-1 { background: var(--s1); }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
"""
"""The style of a whole page: figures, tables and charts, in light, dark and narrow."""
