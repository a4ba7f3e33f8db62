"""Addresses of proxies, and the header that lets one in."""

from __future__ import annotations

import base64

import pytest

from genai_integrations.runtime.network import proxy_at


@pytest.mark.parametrize(
    ("address", "origin", "login"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", None),
        ("http://proxy.example", "http://proxy.example:80", None),
        ("HTTPS://proxy.example/", "https://proxy.example:443", None),
        ("http://me:p%40ss@proxy.example:1", "http://proxy.example:1", "me:p@ss"),
        ("http://me@[::1]:1", "http://[::1]:1", "me:"),
        ("http://me:%EC%97%B4%EC%87%A0@proxy.example:1", "http://proxy.example:1", "me:열쇠"),
    ],
)
def test_a_proxy(address, origin, login):
    """The login is UTF-8, and has a colon also without a password (RFC 7617)."""
    proxy = proxy_at(address)

    assert proxy.origin == origin
    told = proxy.headers.get("proxy-authorization")
    assert (told and base64.b64decode(told.removeprefix("Basic ")).decode()) == login
    assert login is None or "Basic" not in repr(proxy)


@pytest.mark.parametrize(
    "address",
    ["socks5://proxy.example:1", "http://", "http://h:99999", "http://h:x", "http://[::1:80"],
)
def test_what_is_no_proxy(address):
    """Nothing is raised, since the parsers quote the whole address."""
    assert proxy_at(address) is None
