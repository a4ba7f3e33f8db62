"""Structured output: what to ask for, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from typing_extensions import override

from genai_integrations.calls.json_text import json_in
from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain.tools import is_pydantic, tool_name, wire_tools

Method = Literal["json_schema", "function_calling", "json_mode"]
"""How a model is made to answer in a schema."""


def check_method(method: str, schema: Any) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigurationError: The method is unknown, or there is no schema for it.
    """
    if method not in ("json_schema", "function_calling", "json_mode"):
        raise ConfigurationError(
            f"method={method!r} is unknown: use 'json_schema', 'function_calling' or 'json_mode'"
        )
    if schema is None and method != "json_mode":
        raise ConfigurationError(f"with_structured_output needs a schema for method={method!r}")


def traced(method: Method, schema: Any, strict: bool | None) -> dict[str, Any]:
    """What LangChain's tracers show of it."""
    told = {"method": method} if strict is None else {"method": method, "strict": strict}
    return {"kwargs": told, "schema": schema}


def text_parser(schema: Any) -> BaseOutputParser[Any]:
    """Reads the schema's JSON out of an answer's text."""
    return _PydanticReader(pydantic_object=schema) if is_pydantic(schema) else _JsonReader()


def call_parser(schema: Any) -> BaseOutputParser[Any]:
    """Reads the arguments of the forced call."""
    if is_pydantic(schema):
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    (tool,) = wire_tools([schema], None)
    return JsonOutputKeyToolsParser(key_name=tool_name(tool) or "", first_tool_only=True)


def parsed_from(
    model: Runnable[Any, AIMessage], parser: BaseOutputParser[Any], *, include_raw: bool
) -> Runnable[Any, Any]:
    """The model with its parser behind it; with `include_raw` a failure to parse is told, not raised."""
    if not include_raw:
        return model | parser
    read = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | read.with_fallbacks([failed], exception_key="parsing_error")


class _PydanticReader(PydanticOutputParser[Any]):
    """Knows a refusal and a cut answer from wrong JSON."""

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _check_whole(result, partial=partial)
        return super().parse_result(_bare(result, partial=partial), partial=partial)


class _JsonReader(JsonOutputParser):
    """Knows a refusal and a cut answer from wrong JSON."""

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _check_whole(result, partial=partial)
        return super().parse_result(_bare(result, partial=partial), partial=partial)


def _bare(result: list[Generation], *, partial: bool) -> list[Generation]:
    """A whole answer without what is said around its JSON; LangChain's own parser knows fences only."""
    return result if partial else [Generation(text=json_in(result[0].text)), *result[1:]]


def _check_whole(result: list[Generation], *, partial: bool) -> None:
    message = result[0].message if isinstance(result[0], ChatGeneration) else None
    refusal = message.additional_kwargs.get("refusal") if message else None
    if refusal and not partial:
        raise OutputParserException(f"the model refused: {refusal}", llm_output=str(refusal))
    metadata: Mapping[str, Any] = message.response_metadata if message else {}
    reason = metadata.get("finish_reason")
    if partial or reason is None:
        return
    text = result[0].text
    # LangChain's parser closes open brackets, so half an answer would pass for a whole one.
    if reason == "length":
        raise OutputParserException("the answer was cut off by its token limit", llm_output=text)
    if not text.strip():
        raise OutputParserException(f"the answer has no text (finish_reason: {reason})")
