"""`NO_PROXY` in every form in which Docker, Kubernetes and companies write it."""

from __future__ import annotations

import pytest

from genai_integrations.runtime.network import proxy_for


@pytest.fixture(autouse=True)
def proxied(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")


@pytest.mark.parametrize(
    ("value", "origin", "direct"),
    [
        ("localhost,127.0.0.1,::1", "http://127.0.0.1:8000", True),
        ("localhost,127.0.0.1,[::1]", "http://[::1]:8000", True),
        ("::1/128", "http://[::1]:8000", True),
        ("127.0.0.0/8,::1/128", "http://127.0.0.1:8000", True),
        ("10.0.0.0/8", "http://10.20.30.40:8000", True),
        ("10.0.0.0/8", "http://11.0.0.1:8000", False),
        ("10.0.0.0/8", "https://ten.example", False),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8001", False),
        ("llm.example:443", "https://llm.example", True),
        ("llm.example:80", "https://llm.example", False),
        ("[::1]:8000", "http://[::1]:8000", True),
        ("[::1]:8000", "http://[::1]:8001", False),
        (" 127.0.0.1 , ::1/128", "http://127.0.0.1:1", True),
        ("a.example b.example", "https://b.example", True),
        (".corp.example", "https://llm.corp.example", True),
        ("*.corp.example", "https://llm.corp.example", True),
        ("corp.example", "https://llm.corp.example", True),
        ("corp.example", "https://notcorp.example", False),
        ("Corp.Example", "https://corp.example", True),
        ("*", "https://api.openai.com", True),
        ("", "https://api.openai.com", False),
        ("300.0.0.0/8,/,:,[", "https://api.openai.com", False),
    ],
)
def test_who_is_asked_without_the_proxy(value, origin, direct, monkeypatch):
    """Hosts, ends of hosts, ports, addresses and networks; what is none of these harms nobody."""
    monkeypatch.setenv("no_proxy", value)
    monkeypatch.setenv("NO_PROXY", value)

    assert (proxy_for(origin) is None) is direct
