"""The site that is built of `docs/` and the docstrings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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


def test_notebooks_can_be_downloaded(site):
    """What the pages link to in `notebooks/` is there."""
    links = re.findall(r'href="(notebooks/[^"]+)"', (site / "jupyter.html").read_text("utf-8"))

    assert links
    assert [link for link in links if not (site / link).is_file()] == []


def test_the_picture_is_one(site):
    """The picture of the way of a call has a title and colours for light and dark, and nothing from elsewhere."""
    picture = (site / "way_of_a_call.svg").read_text("utf-8")

    assert "<title" in picture
    assert "prefers-color-scheme: dark" in picture
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", picture) == []
