"""A conversation in OpenAI's form as Gemini's: `systemInstruction` and `contents`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_integrations.calls.wire import Wire
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import jsonbytes
from genai_integrations.transports.gemini.media import media_part

SIGNATURE_MARK = "__thought__"
"""Between a call's id and its signature: what OpenAI's shape has room for is enough to bring it back."""

_NO_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
"""For calls that another model made; without, Gemini 3 refuses them.
https://ai.google.dev/gemini-api/docs/thought-signatures, "FAQs"."""

_INLINE = {"inlineData"}
_SYSTEM = ("system", "developer")
_RESULTS = ("tool", "function")


def conversation(
    messages: Sequence[Mapping[str, Any]], *, newest: bool, instructed: bool = True
) -> Wire:
    """`contents`, with `systemInstruction` if there is one.

    Messages of one side that follow each other become one turn, and so do the results of one turn's calls: "the number
    of function response parts" must be that of the calls. Results are put in the order of their calls.

    Args:
        messages: In OpenAI's form.
        newest: Whether it is for a Gemini 3 or newer, which has ids and wants signatures.
        instructed: Whether the model has a system's turn; if not, what the system says is the user's.

    Raises:
        ConfigurationError: Something in it has no form there.
    """
    turns = _Turns(newest=newest)
    system: list[Wire] = []
    for at, message in enumerate(messages):
        try:
            if message["role"] in _SYSTEM:
                system += _texts(message.get("content"))
            else:
                turns.add(message)
        except ConfigurationError as error:
            raise ConfigurationError(f"messages[{at}] cannot be sent to Gemini: {error}") from None
    contents = turns.contents()
    if not contents:
        # A request must have a turn, so one that is all instruction is asked as it stands.
        return {"contents": [{"role": "user", "parts": system or [{"text": " "}]}]}
    if system and not instructed:
        begins = contents[0]["role"] == "user" and not _has_results(contents[0])
        first = contents.pop(0)["parts"] if begins else []
        return {"contents": [{"role": "user", "parts": [*system, *first]}, *contents]}
    instruction: Wire = {"systemInstruction": {"parts": system}} if system else {}
    return {**instruction, "contents": contents}


class _Turns:
    """The turns of a conversation, as they come."""

    def __init__(self, *, newest: bool) -> None:
        self._newest = newest
        self._contents: list[Wire] = []
        self._calls: dict[str, tuple[int, str]] = {}
        self._results: list[tuple[int, list[Wire]]] = []

    def add(self, message: Mapping[str, Any]) -> None:
        role = message["role"]
        if role in _RESULTS:
            self._results.append(self._result(message))
            return
        self._close_results()
        if role == "assistant":
            self._put("model", self._said(message))
        else:
            self._put("user", list(self._parts(message.get("content"))) or [{"text": " "}])

    def contents(self) -> list[Wire]:
        self._close_results()
        return self._contents

    def _put(self, role: str, parts: list[Wire]) -> None:
        last = self._contents[-1] if self._contents else None
        if not parts:
            return
        if last is not None and last["role"] == role and not _has_results(last):
            last["parts"] += parts
        else:
            self._contents.append({"role": role, "parts": parts})

    def _close_results(self) -> None:
        if self._results:
            ordered = sorted(self._results, key=lambda row: row[0])
            parts = [parts[0] for _, parts in ordered]
            # What a result shows stands behind all of them: they are counted as one block.
            parts += [shown for _, parts in ordered for shown in parts[1:]]
            self._contents.append({"role": "user", "parts": parts})
            self._results = []

    def _said(self, message: Mapping[str, Any]) -> list[Wire]:
        """What the model said: what its own tools did, text, pictures, calls."""
        beside = message.get("provider_specific_fields") or {}
        calls = list(self._called(message))
        parts = [dict(part) for part in beside.get("server_tool_parts") or ()]
        parts += self._parts(message.get("content"))
        if message.get("refusal") and not parts:
            parts.append({"text": message["refusal"]})
        parts += [_drawn(image) for image in message.get("images") or ()]
        used = {part.get("thoughtSignature") for part in calls}
        signatures = [each for each in beside.get("thought_signatures") or () if each not in used]
        if signatures:
            _sign(parts, signatures[-1])
        return [*parts, *calls]

    def _called(self, message: Mapping[str, Any]) -> Iterator[Wire]:
        calls = list(message.get("tool_calls") or ())
        if not calls and message.get("function_call"):
            calls = [{"function": message["function_call"]}]
        if calls:
            self._calls = {}
        for number, call in enumerate(calls):
            function = call.get("function") or {}
            identity, _, signature = str(call.get("id") or "").partition(SIGNATURE_MARK)
            name = str(function.get("name") or "")
            self._calls[identity or name] = number, name
            signature = _signature(call) or signature
            if not signature and number == 0 and self._newest:
                signature = _NO_SIGNATURE
            own = {"id": identity} if identity and self._newest else {}
            part = {
                "functionCall": {**own, "name": name, "args": _object(function.get("arguments"))}
            }
            yield {**part, "thoughtSignature": signature} if signature else part

    def _result(self, message: Mapping[str, Any]) -> tuple[int, list[Wire]]:
        """The number of its call, and its parts: the result itself, then what stands beside it."""
        identity = str(message.get("tool_call_id") or "").partition(SIGNATURE_MARK)[0]
        number, name = self._calls.get(identity or str(message.get("name"))) or (
            len(self._results),
            message.get("name"),
        )
        if not name:
            raise ConfigurationError(
                f"it is the result of {identity!r}, and no message before it has a call of that id"
            )
        content = message.get("content")
        text = "".join(part.get("text", "") for part in _texts(content))
        shown = [part for part in self._parts(content) if "text" not in part]
        result: Wire = {"name": name, "response": _answered(text, message)}
        if identity and self._newest:
            result = {"id": identity, **result}
        if self._newest and (inner := [part for part in shown if part.keys() == _INLINE]):
            # https://ai.google.dev/api/caching#FunctionResponsePart: data only, no addresses.
            result["parts"] = inner
            shown = [part for part in shown if part.keys() != _INLINE]
        return number, [{"functionResponse": result}, *shown]

    def _parts(self, content: object) -> Iterator[Wire]:
        """The parts of a message's content; empty texts, which Google refuses, are left out."""
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else ()
        for part in content if isinstance(content, (list, tuple)) else ():
            if isinstance(part, str):
                part = {"type": "text", "text": part}  # noqa: PLW2901  OpenAI's own clients take a text for a part
            made = self._part(part)
            if made is not None:
                yield made

    def _part(self, part: Mapping[str, Any]) -> Wire | None:
        kind = part.get("type")
        if kind in ("text", "refusal", "input_text", "output_text"):
            text = part.get("text") or part.get("refusal")
            return {"text": text} if text else None
        if kind is None:
            # A part in Gemini's own form, such as `{"fileData": {...}, "videoMetadata": {...}}`.
            return dict(part)
        made = media_part(part, per_part=self._newest)
        if made is None:
            raise ConfigurationError(
                f"it has a part of the type {kind!r}, which Gemini does not have"
            )
        return made


def _texts(content: object) -> list[Wire]:
    if isinstance(content, str):
        return [{"text": content}] if content else []
    found = content if isinstance(content, (list, tuple)) else ()
    texts = (part if isinstance(part, str) else part.get("text") for part in found)
    return [{"text": text} for text in texts if text]


def _has_results(content: Wire) -> bool:
    # They come first. To look through all parts, for each message that joins them, would take minutes for many.
    return "functionResponse" in content["parts"][0]


def _drawn(image: Mapping[str, Any]) -> Wire:
    """A picture that the model drew, with the signature that it was drawn with."""
    part = media_part({**image, "type": "image_url"}, per_part=False) or {}
    signature = _signature(image)
    return {**part, "thoughtSignature": signature} if signature else part


def _sign(parts: list[Wire], signature: str) -> None:
    """Put the signature of a text where it stood: in the last text, in a part of its own if there is none."""
    for part in reversed(parts):
        if "text" in part:
            part["thoughtSignature"] = signature
            return
    parts.append({"text": "", "thoughtSignature": signature})


def _signature(call: Mapping[str, Any]) -> str | None:
    """The signature beside a call: under LiteLLM's name for it, or that of Google's OpenAI endpoint."""
    beside = call.get("provider_specific_fields") or {}
    found = beside.get("thought_signature")
    if not found:
        google = (call.get("extra_content") or {}).get("google") or {}
        found = google.get("thought_signature")
    return found if isinstance(found, str) else None


def _object(arguments: object) -> Wire:
    """Arguments as the object that Gemini wants; what is none is kept under a name."""
    value = arguments
    if isinstance(arguments, str):
        value = _loaded(arguments) if arguments.strip() else {}
        value = arguments if value is None else value
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"arguments": value}


def _answered(text: str, message: Mapping[str, Any]) -> Wire:
    """A result as an object: "output" and "error" are the names that Google gives to a plain one.

    https://ai.google.dev/api/caching#FunctionResponse
    """
    if message.get("status") == "error" or message.get("is_error"):
        return {"error": text}
    value = _loaded(text) if text[:1] == "{" else None
    return value if isinstance(value, dict) else {"output": text}


def _loaded(text: str) -> object:
    try:
        return jsonbytes.loads(text.encode(errors="replace"))
    except ValueError:
        return None
