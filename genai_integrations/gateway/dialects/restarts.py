"""Streams that begin anew, for APIs that have no word for it."""

from __future__ import annotations

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import StreamInterruptedError


def check_unbroken(chunk: Wire) -> None:
    """Look at a chunk before it is written.

    Raises:
        StreamInterruptedError: The stream begins anew with it: what was sent cannot be taken back.
    """
    if "restarted" in chunk:
        raise StreamInterruptedError(
            "the stream broke, and this API has no way to say that it begins anew: ask again"
        )
