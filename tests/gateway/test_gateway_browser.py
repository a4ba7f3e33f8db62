"""The status page and its playground as people see them, in a browser."""

from __future__ import annotations

import httpx
import pytest
from absences import require_group
from gateway_support import served

from genai_integrations.gateway import GatewayOptions
from genai_integrations.testing.faults import Fault

pytestmark = pytest.mark.slow

READABLE = 4.5
"""Contrast that WCAG 2 asks for, level AA."""

_NASTY = "Is <img src=x onerror=document.title='run'> <script>document.title='run'</script> a tag?"
_ASK = """
document.querySelector('textarea').value = arguments[0];
document.querySelector('#ask').click();
"""
_ANSWERS = """
const done = [...document.querySelectorAll('.answer')].filter(row => row.innerText.includes(' s'));
return done.length === 2 && !document.querySelector('#ask').disabled && done.map(row => row.innerText)
"""
# What lies behind an element is the first colour of its ancestors that is not transparent.
_COLOURS = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const found = numbers(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found.slice(0, 3);
  }
};
return [...document.querySelectorAll('h1, h2, p, td, th, span, b, label, input, textarea, button')].filter(
  row => (row.innerText || row.value || '').trim() && !row.disabled).map(
  row => [row.outerHTML.slice(0, 80), numbers(getComputedStyle(row).color).slice(0, 3), behind(row)])
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser."""
    require_group("selenium", "browser")
    from gateway_browser import browser

    with browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def tenant(page, client, provider):
    """The address of a gateway with keys, as somebody opens it who brings one; half of what it asked failed."""
    from test_gateway_page import TwoProjects, ask

    provider.faults["gpt-4o-mini"] = Fault.status(503)
    with served(GatewayOptions(TwoProjects(client, client), drain_delay=0)) as url:
        for model in ("gpt-4o", "seoul/gpt-4o-mini", "seoul/<b>bold</b>"):
            ask(url, model, auth=("pk-1", "sk-1"))
        yield url.replace("//", "//pk-1:sk-1@")
        page.leave()


def _luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(ink, paper):
    dark, light = sorted((_luminance(ink), _luminance(paper)))
    return (light + 0.05) / (dark + 0.05)


def test_the_playground(page, tenant):
    """One prompt to two models side by side: both stream, and say who answered, how fast and for how much."""
    page.look(tenant)
    page.js("document.querySelector('[name=right]').value = 'usa/gpt-4o'")
    page.js(_ASK, _NASTY)
    answers = page.wait(_ANSWERS)
    for name, text in zip(("seoul", "usa"), answers, strict=True):
        assert f"{name} says: {_NASTY}" in text
        for part in (f"{name}/gpt-4o ·", "first word after", "tokens", "$0.00"):
            assert part in text
    page.wait("return document.querySelector('#live').innerText.includes('usa/gpt-4o')")
    assert page.driver.title == "genai gateway"
    assert page.complaints() == []


def test_a_model_that_fails(page, tenant):
    """Its answer is what the gateway says of it, and the other one goes on."""
    page.look(tenant)
    page.js("document.querySelector('[name=right]').value = 'seoul/gpt-4o-mini'")
    page.js(_ASK, "Hello!")
    first, second = page.wait(_ANSWERS)
    assert "seoul says: Hello!" in first
    assert "seoul/gpt-4o-mini" in second
    assert "503" in second
    assert page.js("return document.querySelectorAll('.answer .genai-bad').length") == 1


def test_it_is_live(page, tenant):
    """What is asked while the page is open shows on it."""
    page.look(tenant)
    page.wait("return document.querySelector('#state').innerText === 'live'")
    body = {"model": "usa/gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
    httpx.post(f"{tenant}/v1/chat/completions", json=body)
    page.wait("return document.querySelector('#live').innerText.includes('usa/gpt-4o')")
    assert page.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 380])
def test_it_can_be_read(page, tenant, scheme, width):
    """Nothing is wider than the screen, and every text stands out from what lies behind it."""
    page.look(tenant, width=width, scheme=scheme)
    page.wait("return document.querySelector('#state').innerText === 'live'")
    assert page.js("return document.documentElement.scrollWidth") <= width
    found = page.js(_COLOURS)
    assert len(found) > 30
    assert [row for row in found if _contrast(*row[1:]) < READABLE] == []
    dark = _luminance(page.js(_COLOURS)[0][2]) < 0.2
    assert dark == (scheme == "dark")


def test_html_is_text(page, tenant):
    """A name that is HTML is shown as it is."""
    page.look(tenant)
    assert "seoul/<b>bold</b>" in page.js("return document.querySelector('#live').innerText")
