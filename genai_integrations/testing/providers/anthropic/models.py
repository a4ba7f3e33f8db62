"""What only some Claudes refuse.

Source: platform.claude.com, "Migration guide", "Extended thinking", "Adaptive thinking", "Structured outputs",
"Mid-conversation system messages".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.anthropic.errors import RefusalError

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d)(?!\d))?(?!\d)")

Version = tuple[int, int]
"""Of a model: `(4, 5)`."""


def check_model(body: Mapping[str, Any], model: str) -> None:
    """Refuse what this model refuses; a model whose name says no version refuses nothing.

    Raises:
        RefusalError: It is something that other versions take.
    """
    found = _VERSION.search(model)
    if found is None:
        return
    version = int(found[1]), int(found[2] or 0)
    message = next(_refusals(body, version), None)
    if message is not None:
        raise RefusalError(message)


def _refusals(body: Mapping[str, Any], version: Version) -> Iterator[str]:
    for rule in _RULES:
        yield from rule(body, version)


def _sampling(body: Mapping[str, Any], version: Version) -> Iterator[str]:
    if version >= (4, 7):
        for name in ("temperature", "top_k", "top_p"):
            if name in body and not (name == "temperature" and body[name] == 1):
                yield f"`{name}` is deprecated for this model."
    elif version >= (4, 1) and "temperature" in body and "top_p" in body:
        yield (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        )


def _thinking(body: Mapping[str, Any], version: Version) -> Iterator[str]:
    kind = (body.get("thinking") or {}).get("type")
    if kind == "adaptive" and version < (4, 6):
        yield (
            "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: "
            "'disabled', 'enabled'"
        )
    if kind == "enabled" and version >= (4, 7):
        yield (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )


def _forms(body: Mapping[str, Any], version: Version) -> Iterator[str]:
    config = body.get("output_config") or {}
    if "format" in config and version < (4, 5):
        yield "output_config.format: structured outputs are not supported for this model."
    if config.get("effort") == "xhigh" and version < (4, 7):
        yield "output_config.effort: 'xhigh' is not supported for this model."


def _system(body: Mapping[str, Any], version: Version) -> Iterator[str]:
    if version < (4, 8) and any(message.get("role") == "system" for message in body["messages"]):
        yield "messages: role 'system' is not supported on this model"


_RULES: tuple[Callable[[Mapping[str, Any], Version], Iterator[str]], ...] = (
    _sampling,
    _thinking,
    _forms,
    _system,
)
