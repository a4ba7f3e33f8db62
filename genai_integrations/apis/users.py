"""On whose behalf a caller says that it asks."""

from __future__ import annotations

import hashlib

from genai_integrations.calls.wire import Wire

_LONGEST = 64
"""Characters that OpenAI takes for a `user`; Claude Code's are longer."""


def user_of(identity: str | None) -> Wire:
    """OpenAI's parameter `user` for an id, nothing without one; a long one is replaced by its SHA-256."""
    if not identity:
        return {}
    if len(identity) > _LONGEST:
        identity = hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
    return {"user": identity}
