"""The site that is built of `docs/` and the docstrings."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
from absences import require_group

# The site is a group of its own in pyproject.toml, which plain `pytest` does without.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly: any warning is an error."""
    require_group("material", "docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder


class _Page(HTMLParser):
    """What a page loads, its identifiers, and its text."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.ids, self.text = [], set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        if tag in LOADING and values.get("rel") != "canonical":
            self.loaded.append(values.get(LOADING[tag]))

    def handle_data(self, data):
        self.text += data


def test_nothing_is_loaded_from_another_host(site):
    """Scripts, styles, fonts and pictures are the site's own, and no page has a diagram that fetches a library."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = [address for address in _Page(text).loaded if address]
        assert loaded
        assert [address for address in loaded if "//" in address] == []
        assert 'class="mermaid"' not in text
    for style in site.rglob("*.css"):
        found = re.findall(
            r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^)\"']+)", style.read_text("utf-8")
        )
        assert found == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("reference_client", ["GenAIClient.completion", "Connection", "Route"]),
        ("reference_errors", ["CallError", "AllTargetsFailedError"]),
        ("reference_adapters", ["ChatGenAI", "GenAI", "GenAIEmbedding"]),
        ("reference_comparing", ["compare", "Comparison.wins"]),
        ("reference_testing", ["ScriptedProvider", "Fault.status", "LangfuseStandIn"]),
    ],
)
def test_the_reference_comes_from_the_docstrings(site, page, names):
    """Each page of the reference has the classes and methods that it is for."""
    ids = _Page((site / f"{page}.html").read_text("utf-8")).ids

    for name in names:
        assert any(found and found.endswith(f".{name}") for found in ids), name


def test_notebooks_are_pages_with_their_outputs(site):
    """The list of notebooks leads to pages, each with its picture, what its cells showed, and its file."""
    page = (site / "jupyter.html").read_text("utf-8")
    listed = re.findall(r'<td><a href="(notebooks/[^"]+)"', page)

    assert len(listed) == 8
    for link in listed:
        shown = (site / link).read_text("utf-8")
        assert '<img alt="' in shown
        assert 'class="site-output"' in shown or 'class="no-copy' in shown
        assert (site / link).with_suffix(".ipynb").is_file()
    assert "seoul/gpt-4o" in _Page((site / listed[1]).read_text("utf-8")).text


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        """Nobody reads it."""


@pytest.fixture(scope="module")
def browser(site, tmp_path_factory):
    """A browser on the site's first page."""
    require_group("selenium", "browser")
    from browsing import chromium

    handler = functools.partial(_Quiet, directory=str(site))
    with contextlib.ExitStack() as parts:
        server = parts.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=server.serve_forever).start()
        parts.callback(server.shutdown)
        driver = parts.enter_context(chromium(tmp_path_factory.mktemp("profile"), size=(1280, 900)))
        driver.base = f"http://127.0.0.1:{server.server_port}"
        yield driver


_FOUND = """
return [...document.querySelectorAll('.md-search-result__item > a')].map(row => row.getAttribute('href'))
"""


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("retries", "routing"),
        ("retry", "routing"),
        ("fallback", "routing"),
        ("docker", "services"),
        ("tools", "asking"),
    ],
)
def test_the_search_finds_what_people_look_for(browser, words, page):
    """Among the first three, also where the pages say it inside a name, as in `num_retries`."""
    from browsing import wait

    browser.get(f"{browser.base}/index.html?q={words}")
    found = wait(browser, _FOUND)

    assert page in [re.sub(r".*/|\.html.*", "", address) for address in found[:3]]


def test_the_button_copies_what_is_to_be_typed(browser):
    """No prompt and no output; and an output has no button."""
    browser.get(f"{browser.base}/cli.html")
    copied = browser.execute_script("""
      const copied = [];
      document.execCommand = () => copied.push(document.activeElement.value);
      for (const button of document.querySelectorAll('.md-content [data-clipboard-target]'))
        button.click();
      return copied
    """)

    assert copied[:3] == ["genai --help", "genai demo --help", "genai doctor"]
    browser.get(f"{browser.base}/tutorial.html")
    with_button = browser.execute_script("""
      return [...document.querySelectorAll('.md-content pre')].filter(
        block => block.querySelector('button')).map(block => block.innerText)
    """)
    assert [text for text in with_button if text.startswith("seoul says")] == []
    assert [text for text in with_button if text.startswith("pip install")]


def test_the_picture_is_one(site):
    """The picture of the way of a call has a title and colours for light and dark, and nothing from elsewhere."""
    picture = (site / "way_of_a_call.svg").read_text("utf-8")

    assert "<title" in picture
    assert "prefers-color-scheme: dark" in picture
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", picture) == []
