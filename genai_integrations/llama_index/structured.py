"""Answers that are objects: the schema is forced on the model, and the answer is read with it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator
from typing import Any, Generic

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from llama_index.core.types import Model
from pydantic import ValidationError
from pydantic_core import from_json

from genai_integrations.calls.json_text import json_in
from genai_integrations.calls.schemas import strict_schema
from genai_integrations.errors import InvalidReplyError
from genai_integrations.llama_index.tools import named_choice

_DECIDED_HERE = ("tools", "tool_choice", "tool_required", "allow_parallel_tool_calls")
"""Arguments of a call that forcing a schema decides."""


class Forced(Generic[Model]):
    """A schema that an answer has to fit.

    Args:
        output_cls: The class of the answer.
        native: Ask for it as the format of the answer; if not, or if the schema does not allow that, as the
            arguments of a tool that has to be called.
        kwargs: What the caller wants sent along.

    Attributes:
        params: What the call sends.
    """

    def __init__(
        self, output_cls: type[Model], *, native: bool, kwargs: dict[str, Any] | None
    ) -> None:
        self._output_cls = output_cls
        schema = output_cls.model_json_schema()
        name = re.sub(r"[^\w-]", "_", schema.get("title") or output_cls.__name__, flags=re.ASCII)
        closed = strict_schema(schema) if native else None
        kept = {key: value for key, value in (kwargs or {}).items() if key not in _DECIDED_HERE}
        if closed is not None:
            form = {"name": name[:64], "schema": closed, "strict": True}
            self.params = {**kept, "response_format": {"type": "json_schema", "json_schema": form}}
        else:
            self.params = {**kept, **_as_tool(name[:64], schema)}

    def read(self, response: ChatResponse) -> Model:
        """The object in a whole answer.

        Raises:
            InvalidReplyError: There is none.
            ValidationError: It does not fit the class.
        """
        text = _json_in(response)
        if not text.strip():
            raise InvalidReplyError(
                f"the model answered without {self._output_cls.__name__}: "
                f"{response.message.additional_kwargs.get('refusal') or 'the answer is empty'}"
            )
        return self._output_cls.model_validate_json(json_in(text))

    def partials(
        self, responses: Generator[ChatResponse, None, None]
    ) -> Generator[Model | FlexibleModel, None, None]:
        """The object as it grows; the last one is whole, and of the class. Raises as `read` does."""
        growing = _Growing(self._output_cls)
        for response in responses:
            if (partial := growing.add(response)) is not None:
                yield partial
        yield self.read(growing.last)

    async def apartials(
        self, responses: AsyncGenerator[ChatResponse, None]
    ) -> AsyncGenerator[Model | FlexibleModel, None]:
        """As `partials`."""
        growing = _Growing(self._output_cls)
        async for response in responses:
            if (partial := growing.add(response)) is not None:
                yield partial
        yield self.read(growing.last)


class _Growing(Generic[Model]):
    """An object of which only the beginning is known."""

    def __init__(self, output_cls: type[Model]) -> None:
        self._output_cls = output_cls
        self._flexible = create_flexible_model(output_cls)
        self._text = ""
        self.last = ChatResponse.model_validate({"message": {"role": "assistant"}})

    def add(self, response: ChatResponse) -> Model | FlexibleModel | None:
        """What is known now, None if it is no more than before."""
        self.last = response
        text = _json_in(response)
        if text == self._text:
            return None
        self._text = text
        try:
            known = from_json(text, allow_partial="trailing-strings")
        except ValueError:
            return None
        try:
            return self._output_cls.model_validate(known)
        except ValidationError:
            return self._flexible.model_validate(known) if isinstance(known, dict) else None


def _as_tool(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    description = schema.get("description") or f"Answer with {name}."
    function = {"name": name, "description": description, "parameters": schema}
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": named_choice(name),
    }


def _json_in(response: ChatResponse) -> str:
    """The arguments of the first tool call; else the text, which some models answer with all the same."""
    for block in response.message.blocks:
        if isinstance(block, ToolCallBlock) and isinstance(block.tool_kwargs, str):
            return block.tool_kwargs
    return response.message.content or ""
