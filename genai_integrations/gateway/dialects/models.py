"""OpenAI's list of models: the names that a caller can use.

Source: OpenAI's API reference, "Models".
"""

from __future__ import annotations

from collections.abc import Iterable

from genai_integrations.calls.openai_http import model_body
from genai_integrations.calls.wire import Wire
from genai_integrations.gateway.refusals import Refused


def one(names: Iterable[str], name: str) -> Wire:
    """The one that is asked for.

    Raises:
        Refused: It is none of them.
    """
    if name not in names:
        raise Refused(404, "model_not_found", "there is no such model", param="model")
    return model_body(name)
