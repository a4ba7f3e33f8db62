"""What the tests of Anthropic's dialect share."""

from __future__ import annotations

import pytest
from claude_calls import called

from genai_integrations.transports.anthropic.dialect import AnthropicDialect


@pytest.fixture
def dialect():
    """The dialect."""
    return AnthropicDialect()


@pytest.fixture
def sent(dialect):
    """The body that a call becomes."""
    return lambda *args, **params: dialect.body(called(*args, **params))
