"""A model's Markdown as HTML for a notebook: what models write, by a renderer that can make nothing else.

Every tag in the result is written here, and every text goes through `escape`: HTML in an answer is shown, not obeyed.
Links go to `http`, `https` and `mailto` addresses only, and open a page of their own. Images are links, because loading
one tells its server who reads, and what a model was made to put in the address. Work is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from genai_integrations.display import Html, escape, prose, table

_LONGEST = 200_000
"""Characters; a longer text is shown as it is."""

_DEEPEST = 8
"""Quotes and lists in one another; what is deeper is shown as text."""

_MOST_OPEN = 16
"""Marks that wait for their end at once."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,40})[^`]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_RULE = re.compile(r" {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,12})([-*+]|\d{1,9}[.)])(\s+)(?=\S)")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")

_INLINE = re.compile(
    r"(?P<escaped>\\[\\`*_{}\[\]()#+.!|~>-])"
    r"|(?P<code>(?<!`)(?P<ticks>`{1,3})(?!`)(?P<inside>[^\n]{1,2000}?)(?<!`)(?P=ticks)(?!`))"
    r"|(?P<link>!?\[(?P<label>[^\[\]\n]{1,500})\]\((?P<url>[^()\s<>]{1,2000})(?:\s+\"[^\"\n]{0,200}\")?\))"
    r"|(?P<mark>\*{1,3}|~~|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w))"
)
_SAFE = re.compile(r"(?:https?://|mailto:)[^\s]+$", re.IGNORECASE)
_TAGS = {"*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "s"}


def markdown(text: object) -> Html:
    """The text as HTML; its own line breaks stay. As text it is what it was."""
    said = str(text)
    if len(said) > _LONGEST:
        return Html(prose(said), said)
    html = f'<div class="genai-markdown" dir="auto">{_blocks(said.splitlines(), 0)}</div>'
    return Html(html, said)


def _blocks(lines: list[str], depth: int) -> str:
    made: list[str] = []
    rest = _Lines(lines)
    while rest:
        line = rest.lines[rest.at]
        if not line.strip():
            rest.at += 1
        elif fence := _FENCE.match(line):
            made.append(_code(rest, fence[1]))
        elif heading := _HEADING.match(line):
            rest.at += 1
            made.append(f'<div class="genai-heading">{_inline(heading[2])}</div>')
        elif _RULE.match(line):
            rest.at += 1
            made.append("<hr>")
        elif depth < _DEEPEST and _QUOTE.match(line):
            inner = [_QUOTE.sub("", row, count=1) for row in rest.taken(_QUOTE.match)]
            made.append(f"<blockquote>{_blocks(inner, depth + 1)}</blockquote>")
        elif depth < _DEEPEST and _ITEM.match(line):
            made.append(_list(rest, depth))
        elif _is_table(rest):
            made.append(_table(rest))
        else:
            made.append(f"<p>{_inline(_paragraph(rest))}</p>")
    return "".join(made)


class _Lines:
    """Lines, and how many of them are rendered."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.lines)

    def taken(self, fits: Callable[[str], object]) -> Iterator[str]:
        """The next lines, as long as they fit."""
        while self and fits(self.lines[self.at]):
            self.at += 1
            yield self.lines[self.at - 1]


def _code(rest: _Lines, fence: str) -> str:
    """A fenced block; one that is still being written goes to the end."""
    rest.at += 1
    inside: list[str] = []
    while rest:
        line = rest.lines[rest.at]
        rest.at += 1
        if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            break
        inside.append(line)
    return f"<pre><code>{escape(chr(10).join(inside))}</code></pre>"


def _list(rest: _Lines, depth: int) -> str:
    first = _ITEM.match(rest.lines[rest.at])
    assert first is not None  # noqa: S101  the caller has looked
    is_numbered = first[2][0].isdigit()
    items = _items(rest, len(first[1]), is_numbered=is_numbered)
    start = f' start="{int(first[2][:-1])}"' if is_numbered and first[2][:-1] != "1" else ""
    tag = "ol" if is_numbered else "ul"
    rows = "".join(f"<li>{_tight(_blocks(item, depth + 1))}</li>" for item in items)
    return f"<{tag}{start}>{rows}</{tag}>"


def _items(rest: _Lines, indent: int, *, is_numbered: bool) -> list[list[str]]:
    """The lines of each item, without what marks them."""
    items: list[list[str]] = []
    width = 0
    while rest:
        line = rest.lines[rest.at]
        mark = _ITEM.match(line)
        if mark and len(mark[1]) <= indent + 1:
            if mark[2][0].isdigit() != is_numbered or _RULE.match(line):
                break
            width = mark.end()
            items.append([line[width:]])
        elif not line.strip():
            if not _goes_on(rest, indent):
                break
            items[-1].append("")
        elif (spaces := len(line) - len(line.lstrip())) > indent:
            items[-1].append(line[min(spaces, width) :])
        elif items[-1][-1].strip() and not _begins_block(line):
            items[-1].append(line)
        else:
            break
        rest.at += 1
    return items


def _goes_on(rest: _Lines, indent: int) -> bool:
    """Whether a list goes on behind an empty line."""
    following = next((row for row in rest.lines[rest.at : rest.at + 3] if row.strip()), "")
    mark = _ITEM.match(following)
    spaces = len(following) - len(following.lstrip())
    return bool(following) and (spaces > indent or bool(mark))


def _begins_block(line: str) -> bool:
    return any(kind.match(line) for kind in (_FENCE, _HEADING, _RULE, _QUOTE, _ITEM))


def _tight(html: str) -> str:
    """An item that is one paragraph is no paragraph."""
    if html.startswith("<p>") and html.count("<p>") == 1:
        return html.replace("<p>", "", 1).replace("</p>", "", 1)
    return html


def _is_table(rest: _Lines) -> bool:
    following = rest.lines[rest.at + 1 : rest.at + 2]
    return (
        "|" in rest.lines[rest.at]
        and bool(following)
        and "|" in following[0]
        and bool(_TABLE_RULE.match(following[0]))
    )


def _table(rest: _Lines) -> str:
    headers = _cells(rest.lines[rest.at])
    rest.at += 2
    rows = [_cells(line) for line in rest.taken(lambda line: "|" in line)]
    filled = [[*row, *[Html("")] * len(headers)][: len(headers)] for row in rows]
    return table(headers, filled)


def _cells(line: str) -> list[Html]:
    inside = line.strip().removeprefix("|")
    if inside.endswith("|") and not inside.endswith("\\|"):
        inside = inside[:-1]
    return [Html(_inline(cell.strip())) for cell in _CELL_BORDER.split(inside)]


def _paragraph(rest: _Lines) -> str:
    kept = [rest.lines[rest.at]]
    rest.at += 1
    while rest:
        line = rest.lines[rest.at]
        if not line.strip() or _begins_block(line) or _is_table(rest):
            break
        kept.append(line)
        rest.at += 1
    return "\n".join(kept)


def _inline(text: str) -> str:
    """Marks, links and code within a paragraph. A mark without its end is a character as any other."""
    pieces: list[str] = []
    open_marks: list[tuple[str, int]] = []
    at = 0
    for found in _INLINE.finditer(text):
        pieces.append(escape(text[at : found.start()]))
        at = found.end()
        if found["mark"]:
            _mark(found["mark"], text, found, pieces, open_marks)
        elif found["code"]:
            pieces.append(f"<code>{escape(found['inside'].strip())}</code>")
        elif found["link"]:
            pieces.append(_link(found["link"], found["label"], found["url"]))
        else:
            pieces.append(escape(found["escaped"][1:]))
    pieces.append(escape(text[at:]))
    return "".join(pieces)


def _mark(
    mark: str, text: str, found: re.Match[str], pieces: list[str], open_marks: list[tuple[str, int]]
) -> None:
    """Open a span, or close the one that the same mark opened."""
    start, end = found.span()
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    known = [name for name, _ in open_marks]
    if mark in known and before.strip():
        # What was opened within and not closed stays as it is written.
        while open_marks:
            name, place = open_marks.pop()
            if name == mark:
                break
        pieces[place], closing = _span(mark)
        pieces.append(closing)
        return
    if after.strip() and len(open_marks) < _MOST_OPEN:
        open_marks.append((mark, len(pieces)))
    pieces.append(escape(mark))


def _span(mark: str) -> tuple[str, str]:
    if mark == "***":
        return "<strong><em>", "</em></strong>"
    tag = _TAGS[mark]
    return f"<{tag}>", f"</{tag}>"


def _link(whole: str, label: str, url: str) -> str:
    if not _SAFE.match(url):
        return escape(whole)
    is_image = whole.startswith("!")
    shown = escape(f"{label} ({url})" if is_image else label)
    rel = 'target="_blank" rel="noopener noreferrer nofollow"'
    return f'<a href="{escape(url)}" title="{escape(url)}" {rel}>{shown}</a>'
