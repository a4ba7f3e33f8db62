"""The messages of Google's Gemini API, and how a request's JSON is read into them.

Google reads JSON by its protobuf rules: names in either case, one value where a list is wanted, base64 for
bytes; but a name that a message does not have is refused, and so is a value of another type.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from genai_integrations.testing.providers.gemini.errors import bad_field

_UNDERSCORE = re.compile(r"(?<=[a-zA-Z0-9])_([a-z0-9])")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")

SHAPES: dict[str, dict[str, str]] = {
    "Generate": {
        "model": "string",
        "contents": "[]Content",
        "systemInstruction": "Content",
        "tools": "[]Tool",
        "toolConfig": "ToolConfig",
        "safetySettings": "[]any",
        "generationConfig": "GenerationConfig",
        "cachedContent": "string",
        "serviceTier": "string",
        "store": "bool",
    },
    "Content": {"role": "string", "parts": "[]Part"},
    "Part": {
        "text": "string",
        "inlineData": "Blob",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "executableCode": "object",
        "codeExecutionResult": "object",
        "toolCall": "object",
        "toolResponse": "object",
        "thought": "bool",
        "thoughtSignature": "bytes",
        "videoMetadata": "any",
        "mediaResolution": "any",
        "partMetadata": "object",
    },
    "Blob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
    "FileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "object"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "object",
        "parts": "[]ResponsePart",
        "willContinue": "bool",
        "scheduling": "string",
    },
    "ResponsePart": {"inlineData": "Blob"},
    "Tool": {
        "functionDeclarations": "[]FunctionDeclaration",
        "googleSearch": "object",
        "googleSearchRetrieval": "object",
        "googleMaps": "object",
        "codeExecution": "object",
        "urlContext": "object",
        "computerUse": "object",
        "fileSearch": "object",
        "enterpriseWebSearch": "object",
        "retrieval": "object",
    },
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "behavior": "string",
        "parameters": "Schema",
        "response": "Schema",
        "parametersJsonSchema": "any",
        "responseJsonSchema": "any",
    },
    "ToolConfig": {
        "functionCallingConfig": "FunctionCallingConfig",
        "retrievalConfig": "object",
        "includeServerSideToolInvocations": "bool",
    },
    "FunctionCallingConfig": {
        "mode": "string",
        "allowedFunctionNames": "[]string",
        "streamFunctionCallArguments": "bool",
    },
    "GenerationConfig": {
        "candidateCount": "integer",
        "stopSequences": "[]string",
        "maxOutputTokens": "integer",
        "temperature": "number",
        "topP": "number",
        "topK": "number",
        "seed": "integer",
        "presencePenalty": "number",
        "frequencyPenalty": "number",
        "responseLogprobs": "bool",
        "logprobs": "integer",
        "responseMimeType": "string",
        "responseSchema": "Schema",
        "responseJsonSchema": "any",
        "responseFormat": "any",
        "responseModalities": "[]string",
        "speechConfig": "object",
        "imageConfig": "object",
        "thinkingConfig": "ThinkingConfig",
        "mediaResolution": "string",
    },
    "ThinkingConfig": {
        "includeThoughts": "bool",
        "thinkingBudget": "integer",
        "thinkingLevel": "string",
    },
    "Schema": {
        "type": "string",
        "format": "string",
        "title": "string",
        "description": "string",
        "nullable": "bool",
        "enum": "[]string",
        "items": "Schema",
        "prefixItems": "[]Schema",
        "minItems": "integer",
        "maxItems": "integer",
        "properties": "{}Schema",
        "propertyOrdering": "[]string",
        "required": "[]string",
        "minProperties": "integer",
        "maxProperties": "integer",
        "additionalProperties": "any",
        "minimum": "number",
        "maximum": "number",
        "minLength": "integer",
        "maxLength": "integer",
        "pattern": "string",
        "example": "any",
        "default": "any",
        "anyOf": "[]Schema",
        "$ref": "string",
        "$defs": "{}Schema",
    },
    "Embed": {
        "model": "string",
        "content": "Content",
        "taskType": "string",
        "title": "string",
        "outputDimensionality": "integer",
        "autoTruncate": "bool",
    },
    "BatchEmbed": {"requests": "[]Embed"},
    "Predict": {"instances": "[]object", "parameters": "any", "labels": "object"},
}
SHAPES["VertexGenerate"] = {**SHAPES["Generate"], "labels": "object", "modelArmorConfig": "object"}
"""What each message may hold: `[]` before a type is a list, `{}` a map by name."""


def read(body: Any, shape: str) -> dict[str, Any]:
    """A request in Google's own spelling.

    Raises:
        GoogleError: It is no such message.
    """
    if not isinstance(body, dict):
        raise bad_field("Invalid JSON payload received. Unexpected end of string.")
    return _message(body, shape, "")


def camel(name: str) -> str:
    """`function_call` as `functionCall`."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def _message(value: Any, shape: str, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong_type(path, f"type.googleapis.com/google.ai.{shape}", value)
    known = SHAPES[shape]
    out = {}
    for key, item in value.items():
        name = camel(key)
        if name not in known:
            where = f" at '{path}'" if path else ""
            text = f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'
            raise bad_field(text, path)
        if item is not None:
            out[name] = _value(item, known[name], f"{path}.{_snake(key)}".lstrip("."))
    return out


def _value(item: Any, kind: str, path: str) -> Any:
    if kind.startswith("[]"):
        items = item if isinstance(item, list) else [item]
        return [_value(each, kind[2:], f"{path}[{index}]") for index, each in enumerate(items)]
    if kind.startswith("{}"):
        if not isinstance(item, Mapping):
            raise _wrong_type(path, "object", item)
        named = enumerate(item.items())
        return {
            key: _value(each, kind[2:], f"{path}[{index}].value") for index, (key, each) in named
        }
    if kind in SHAPES:
        return _message(item, kind, path)
    if isinstance(item, list) and kind != "any":
        text = (
            f"Invalid JSON payload received. Unknown name \"{path.rpartition('.')[2]}\" at '{path}': "
            "Proto field is not repeating, cannot start list."
        )
        raise bad_field(text, path)
    if not _FITS[kind](item):
        if kind == "bytes" and isinstance(item, str):
            text = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for \"{item[:40]}\""
            raise bad_field(text, path)
        raise _wrong_type(path, f"TYPE_{kind.upper()}", item)
    return item


def _wrong_type(path: str, kind: str, value: Any) -> Exception:
    shown = json.dumps(value, ensure_ascii=False)[:40]
    return bad_field(f"Invalid value at '{path}' ({kind}), {shown}", path)


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda match: f"_{match[1].lower()}", name)


def _is_base64(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
    "object": lambda value: isinstance(value, Mapping),
    "bytes": _is_base64,
}
