"""What never gets onto a tape: keys, and addresses that are as good as one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.origins import PLACEHOLDERS
from genai_integrations.errors import GenAIError
from genai_integrations.runtime.masked import MASK, scrubbed

_SHORTEST = 8
"""Characters of a secret at least: a shorter one would be found in ordinary words."""

_SIGNED = (
    r"x-amz-[a-z-]+|x-goog-[a-z-]+|sig|signature|policy|key-pair-id|googleaccessid|awsaccesskeyid|"
    r"(?:[a-z]+[_-])?(?:token|key|secret|password|code)"
)
"""Parameters that sign an address, of AWS, Google, Azure and CloudFront, and those that are named for a secret."""

_PATTERNS = (
    (re.compile(r"(://)[^/\s@\"'<>]+@"), rf"\1{MASK}@"),
    (re.compile(rf"([?&;](?:{_SIGNED})=)[^&\s\"'<>#)]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE), rf"\1{MASK}"),
    # Keys by their looks: OpenAI, Anthropic, Langfuse; AWS; Google; GitHub; Hugging Face; Slack; Groq, xAI; a JWT.
    (re.compile(r"\b(?:sk|pk)-[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{35,}"), MASK),
    (re.compile(r"\b(?:gh[a-z]_|github_pat_|hf_|xox[a-z]-|gsk_|xai-)[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), MASK),
)  # fmt: skip


def masker(connection: Connection) -> Callable[[Any], Any]:
    """What puts a mask in place of whatever is a secret in JSON's values, or looks like one. The values stay as they are.

    Args:
        connection: Whose key and headers are masked wherever they stand.
    """
    secrets = tuple(_secrets(connection))
    return lambda value: _masked(scrubbed(value, secrets))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, instead in _PATTERNS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item) for item in value]
    return value


def _secrets(connection: Connection) -> Iterator[str]:
    """The texts of a connection that nobody may see."""
    for secret in filter(None, (connection.secret, connection.extra_headers)):
        try:
            text = secret.reveal()
        except GenAIError:
            # It cannot be opened, so nothing can have been sent with it.
            continue
        yield from (part for part in _parts(text) if len(part) >= _SHORTEST)


def _parts(text: str) -> Iterator[str]:
    if text.lower() in PLACEHOLDERS:
        return
    yield text
    try:
        value = json.loads(text)
    except ValueError:
        return
    if isinstance(value, dict):
        yield from (item for item in value.values() if isinstance(item, str))
