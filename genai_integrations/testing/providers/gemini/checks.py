"""What Gemini refuses before it asks a model, beyond what cannot be read at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genai_integrations.testing.providers.gemini.errors import GoogleError
from genai_integrations.testing.providers.gemini.signatures import check_signatures, is_strict

_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_MEDIA = re.compile(
    r"(image/(png|jpeg|webp|heic|heif|gif)|audio/.+|video/.+|text/.+|application/pdf)"
)
_RANGES = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "maxOutputTokens": (1, 1 << 31),
    "candidateCount": (1, 8),
}
_MODES = ("AUTO", "ANY", "NONE", "VALIDATED")
_STOPS = 5
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_JSON = "application/json"


def check_generate(request: Mapping[str, Any], model: str) -> None:
    """Refuse a request that the real API refuses.

    Args:
        request: It, as `shapes.read` gives it.
        model: The model it asks for.

    Raises:
        GoogleError: The request is wrong.
    """
    contents = request.get("contents", [])
    if not contents:
        raise GoogleError("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        _check_content(content, f"contents[{index}]")
    _check_turns(contents)
    check_signatures(contents, model)
    _check_config(request.get("generationConfig", {}), model)
    _check_tools(request, model)


def _check_content(content: Mapping[str, Any], where: str) -> None:
    if content.get("role", "user") not in {"user", "model", "function"}:
        raise GoogleError("Please use a valid role: user, model.")
    parts = content.get("parts", [])
    if not parts:
        text = f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n"
        raise GoogleError(text)
    for index, part in enumerate(parts):
        _check_part(part, f"{where}.parts[{index}]")


def _check_part(part: Mapping[str, Any], where: str) -> None:
    if sum(name in part for name in _DATA) != 1:
        raise _wrong(where, "required oneof field 'data' must have one initialized field")
    for kind in ("functionCall", "functionResponse"):
        if kind in part and not part[kind].get("name"):
            raise _wrong(f"{where}.{kind}.name", "Name cannot be empty.")
    for kind, needed in (("inlineData", "data"), ("fileData", "fileUri")):
        if kind not in part:
            continue
        if not part[kind].get(needed):
            raise _wrong(f"{where}.{kind}.{needed}", f"{needed} must not be empty.")
        mime = part[kind].get("mimeType", "")
        if (kind == "inlineData" or mime) and not _MEDIA.fullmatch(mime):
            raise GoogleError(f"Unsupported MIME type: {mime}")
    for index, inner in enumerate(part.get("functionResponse", {}).get("parts", [])):
        _check_part(inner, f"{where}.functionResponse.parts[{index}]")


def _check_turns(contents: Sequence[Mapping[str, Any]]) -> None:
    open_calls: list[Mapping[str, Any]] = []
    before = "user"
    for content in contents:
        role = content.get("role", "user")
        calls = _of(content, "functionCall")
        results = _of(content, "functionResponse")
        if results and not open_calls:
            raise _turn("response", "call turn")
        if open_calls and not results:
            raise _turn("response", "call turn")
        if calls and (before == "model" or content is contents[0]):
            raise _turn("call", "user turn or after a function response turn")
        if results:
            _match(open_calls, results)
        open_calls, before = calls, role
    if open_calls:
        raise _turn("response", "call turn")


def _match(calls: Sequence[Mapping[str, object]], results: Sequence[Mapping[str, object]]) -> None:
    if len(calls) != len(results):
        raise GoogleError(
            "Please ensure that the number of function response parts is equal to the number of function "
            "call parts of the function call turn."
        )
    ids = [call.get("id") for call in calls]
    for result in results:
        if all(ids) and result.get("id", ids[0]) not in ids:
            raise GoogleError(f"Function response id `{result['id']}` matches no function call.")


def _of(content: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [part[kind] for part in content["parts"] if kind in part]


def _check_config(config: Mapping[str, Any], model: str) -> None:
    where = "generation_config"
    for name, (lowest, highest) in _RANGES.items():
        if name in config and not lowest <= config[name] <= highest:
            raise _wrong(f"{where}.{name}", f"must be in the range [{lowest}, {highest}].")
    if len(config.get("stopSequences", ())) > _STOPS:
        raise _wrong(f"{where}.stop_sequences", f"must not be more than {_STOPS}.")
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(schemas) > 1:
        raise _wrong(where, "only one of response_schema and response_json_schema may be set.")
    if schemas and config.get("responseMimeType") != _JSON:
        raise _wrong(f"{where}.{schemas[0]}", f"response_mime_type must be {_JSON}.")
    _check_references(config.get("responseJsonSchema"))
    thinking = config.get("thinkingConfig", {})
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise GoogleError("You can only set only one of thinking budget and thinking level.")
    level = thinking.get("thinkingLevel")
    if level is not None and (not is_strict(model) or _lacks(model, level.upper())):
        raise GoogleError(
            f"Thinking level {level.upper()} is not supported for this model. Please retry with other "
            "thinking level."
        )
    if thinking.get("thinkingBudget") == 0 and "-pro" in model:
        raise GoogleError("Budget 0 is invalid. This model only works in thinking mode.")


def _lacks(model: str, level: str) -> bool:
    """Whether it has not this level of thinking, as far as the names tell."""
    return level not in _LEVELS or ("-pro" in model and level == "MINIMAL")


def _check_tools(request: Mapping[str, Any], model: str) -> None:
    functions = functions_of(request)
    for index, function in enumerate(functions):
        if not _NAME.fullmatch(function.get("name", "")):
            raise _wrong(
                f"tools[0].function_declarations[{index}].name",
                "Invalid function name. It starts with a letter or an underscore and has at most 64 of "
                "a-z, A-Z, 0-9, underscores, dots, colons and dashes.",
            )
        if "parameters" in function and "parametersJsonSchema" in function:
            raise _wrong(
                f"tools[0].function_declarations[{index}]",
                "only one of parameters and parameters_json_schema may be set.",
            )
        _check_references(function.get("parametersJsonSchema"))
    names = [function["name"] for function in functions]
    if len(set(names)) < len(names):
        raise GoogleError(f"Duplicate function declaration found: {max(names, key=names.count)}")
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    _check_choice(config, names)
    mime = request.get("generationConfig", {}).get("responseMimeType")
    if functions and mime == _JSON and not is_strict(model):
        raise GoogleError(f"Function calling with a response mime type: '{_JSON}' is unsupported")


def _check_references(schema: Any) -> None:
    """Nothing may stand beside `$ref` but what starts with a `$`."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str) and any(name[:1] != "$" for name in schema):
            raise GoogleError("Other properties cannot be set beside $ref in a schema.")
        for inner in schema.values():
            _check_references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _check_references(inner)


def _check_choice(config: Mapping[str, Any], names: Sequence[str]) -> None:
    mode = config.get("mode", "AUTO").upper()
    allowed = config.get("allowedFunctionNames", ())
    if mode not in _MODES:
        raise _wrong("tool_config.function_calling_config.mode", f"unknown mode {mode}.")
    if mode == "ANY" and not names:
        raise GoogleError("Function calling config is set without function_declarations.")
    if allowed and mode not in {"ANY", "VALIDATED"}:
        raise GoogleError(
            "Allowed function names should only be set when the function calling mode is ANY."
        )
    unknown = set(allowed) - set(names)
    if unknown:
        raise GoogleError(
            f"Allowed function names {sorted(unknown)} are not in the function declarations."
        )


def functions_of(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every function that a request declares."""
    tools = request.get("tools", ())
    return [function for tool in tools for function in tool.get("functionDeclarations", ())]


def _wrong(path: str, what: str) -> GoogleError:
    return GoogleError(f"* GenerateContentRequest.{path}: {what}\n")


def _turn(kind: str, after: str) -> GoogleError:
    article = "a" if "user" in after else "a function"
    return GoogleError(
        f"Please ensure that function {kind} turn comes immediately after {article} {after}."
    )
