"""Whose address counts for those who guess keys, where a proxy stands before the gateway."""

from __future__ import annotations

import httpx
import pytest
from gateway_support import served

from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway import GatewayOptions, OpenKeys
from genai_integrations.settings import trusted_proxies


class Addresses(OpenKeys):
    """Everybody, and from where each came."""

    def __init__(self, client):
        super().__init__(client)
        self.seen = []

    async def admit(self, headers, address=""):
        """Note it."""
        self.seen.append(address)
        return await super().admit(headers, address)


@pytest.mark.parametrize(
    ("proxies", "said", "seen"),
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("10.0.0.7", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.7, 127.0.0.0/8", "203.0.113.7", "203.0.113.7"),
        # The caller wrote the first, the proxy the last.
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_only_a_proxy_that_is_named_is_believed(client, monkeypatch, proxies, said, seen):
    """Anybody can write the header, so nobody else's counts."""
    monkeypatch.setenv("GENAI_GATEWAY_PROXIES", proxies)
    keys = Addresses(client)
    with served(GatewayOptions(keys, drain_delay=0)) as url:
        answer = httpx.get(f"{url}/v1/models", headers={"x-forwarded-for": said} if said else {})

    assert answer.status_code == 200
    assert keys.seen == [seen]


def test_a_name_is_no_address():
    """It would never fit, and nobody would know why."""
    with pytest.raises(ConfigurationError, match="GENAI_GATEWAY_PROXIES must have addresses"):
        trusted_proxies({"GENAI_GATEWAY_PROXIES": "nginx"})
