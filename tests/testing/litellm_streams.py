"""Streams that LiteLLM reads, put together."""

from __future__ import annotations

import gc


def put_together(litellm, streams, **more):
    """The reply of a stream.

    LiteLLM leaves the answer open behind the last event. It is collected here, because a collection that happens to run
    while httpcore holds its lock would close it there, and wait for that lock for ever.

    Args:
        litellm: The module.
        streams: A list of one stream, which is taken out of it.
        more: For `stream_chunk_builder`.
    """
    reply = litellm.stream_chunk_builder(list(streams.pop()), **more)
    gc.collect()
    return reply
