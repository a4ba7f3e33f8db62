"""What is remembered of keys and names is bounded, because users and rotations make new ones without end."""

from __future__ import annotations

import pytest

from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import UntrustedHostError
from genai_integrations.models import catalog


def test_pins_of_the_keys_used_last(make_connection):
    """A key that is in use stays bound to its host, however many others come and go."""
    pins, connection = OriginPins(), make_connection("openai")
    for number in range(5000):
        pins.check(connection, "https://api.example/v1", f"sk-rotated-{number}")
        pins.check(connection, "https://api.example/v1", "sk-used")

    assert len(pins._pins) == 4096
    with pytest.raises(UntrustedHostError):
        pins.check(connection, "https://other.example/v1", "sk-used")


def test_model_names():
    """Made-up ones push each other out."""
    for number in range(5000):
        catalog.model_info("openai", f"made-up-{number}")
        catalog.forms(f"made-up-{number}")

    assert catalog.model_info.cache_info().currsize == 2048
    assert catalog.forms.cache_info().currsize == 2048
    assert catalog.hosted_ids.cache_info().maxsize == 2048
