"""What a server answered, checked, and said in OpenAI's words where the server has its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType

from genai_integrations.calls.tool_calls import StreamedCalls, whole_calls
from genai_integrations.calls.wire import Operation, Wire
from genai_integrations.errors import CallError, InvalidReplyError
from genai_integrations.models.usage import MOST, counted
from genai_integrations.runtime.masked import scrubbed
from genai_integrations.runtime.plain import one_line

_LIST_OF: Mapping[Operation, str] = {"chat/completions": "choices", "embeddings": "data"}

_IN_OTHER_WORDS = frozenset(("reasoning", "tool_calls"))
"""Keys of a message or delta that not every server fills as OpenAI does."""

_SUMS = frozenset(("prompt_tokens", "completion_tokens", "total_tokens"))
_SPLIT_SUMS = ("prompt_tokens_details", "completion_tokens_details")
_DETAILS = frozenset(
    (
        "accepted_prediction_tokens",
        "audio_tokens",
        "cached_tokens",
        "reasoning_tokens",
        "rejected_prediction_tokens",
    )
)
"""What OpenAI tells of tokens, and the parts of those sums."""

_REQUEST_IDS = (
    *("x-request-id", "apim-request-id", "request-id", "x-ms-request-id", "x-amzn-requestid"),
)
"""Headers in which providers tell their id of a request."""

_LONGEST_ID = 200

_NO_CHOICE = "none"
"""In place of the delta of what is no choice: no object, as a delta must be."""

FINISH_REASONS: Mapping[str, str] = {
    # Anthropic, and bridges to it.
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    # Google.
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    # OpenAI's Responses API.
    "max_output_tokens": "length",
    "LANGUAGE": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "CONTINUATION": "length",
    # Hugging Face's TGI, Together, Databricks.
    "eos": "stop",
    "eos_token": "stop",
    "stop_token": "stop",
    # Cohere.
    "COMPLETE": "stop",
    "complete": "stop",
    "TOOL_CALL": "tool_calls",
    "tool_call": "tool_calls",
    # Bedrock.
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""OpenAI's word for a server's. Words for a failure are not among them: `transports` make errors of those."""

_CUT_OFF = (
    "length",
    "max_output_tokens",
    *(word for word in FINISH_REASONS if FINISH_REASONS[word] == "length"),
)
"""What models say when their limit ends an answer."""

_FINISHES = (None, "stop", "length", "tool_calls", "function_call", "content_filter")
"""OpenAI's own words for why an answer ended, and none while it goes on. No set: what servers send need have no hash."""


Failure = Callable[[Wire], CallError | None]
"""Takes a reply or chunk with an odd end; gives the error if it says that the answer failed."""


def check_reply(data: object, operation: Operation, failure: Failure | None = None) -> Wire:
    """A decoded answer, if it is one of the operation; what is odd in it is changed in place.

    Args:
        data: The answer.
        operation: What was asked.
        failure: Looks for a failure.

    Raises:
        InvalidReplyError: It is empty or something else.
        CallError: It failed, by `failure`.
    """
    wanted = _LIST_OF[operation]
    if isinstance(data, dict):
        items = data.get(wanted)
        is_chat = operation == "chat/completions"
        if items and _all_are_dicts(items, "message" if is_chat else None):
            if is_chat:
                for choice in items:
                    _restate_whole(choice)
                    if failure is not None and _is_odd_end(choice):
                        _raise_if(failure(data))
            if "usage" in data and not _is_as_openai_has_it(data["usage"]):
                data["usage"] = counted(data["usage"])
            return data
    raise InvalidReplyError(f"the server's answer has no {wanted}")


def request_id(headers: Mapping[str, str], secrets: Sequence[str] = ()) -> str | None:
    """The provider's id of the request, from any of the headers in use."""
    usual = headers.get("x-request-id")
    if usual is not None and len(usual) <= _LONGEST_ID and usual.isprintable():
        # Every answer has one, and nearly none has anything to be taken out.
        return usual if not any(map(usual.__contains__, secrets)) else scrubbed(usual, secrets)
    found = next((headers[name] for name in _REQUEST_IDS if name in headers), None)
    return None if found is None else one_line(str(scrubbed(found, secrets)), _LONGEST_ID)


class IncomingChunks:
    """Checks the chunks of one stream, each changed in place where it is odd.

    Args:
        failure: Looks for a failure.
    """

    __slots__ = ("_calls", "_failure")

    def __init__(self, failure: Failure | None = None) -> None:
        self._failure = failure
        self._calls: dict[object, StreamedCalls] = {}

    def check(self, data: Wire) -> Wire:
        """A decoded event, if it is a chunk.

        Raises:
            InvalidReplyError: It is none.
            CallError: It says that the answer failed, by `failure`.
        """
        choices = data.get("choices") or ()
        if choices and not isinstance(choices, list):
            raise InvalidReplyError("an event of the stream has choices that are not a list")
        for choice in choices:
            # One loop and no helper: this runs for every chunk, and most bring a text and nothing else.
            delta = choice.get("delta") if isinstance(choice, dict) else _NO_CHOICE
            if delta:
                if not isinstance(delta, dict):
                    raise InvalidReplyError("an event of the stream has an invalid choice")
                if len(delta) != 1 or type(delta.get("content")) is not str:
                    self._restate(choice.get("index"), delta)
            if isinstance(choice.get("index"), (list, dict)):
                # What tells answers apart must be fit to.
                raise InvalidReplyError("an event of the stream has an invalid choice")
            if choice.get("finish_reason") is not None or "error" in choice:
                self._end(data, choice, delta or {})
        usage = data.get("usage")
        if usage and not _is_as_openai_has_it(usage):
            data["usage"] = counted(usage)
        return data

    def whole(self, reply: Wire) -> Wire:
        """A checked reply as a chunk: some servers send one though a stream was asked for."""
        choices = []
        for at, choice in enumerate(reply["choices"]):
            rest = {name: value for name, value in choice.items() if name != "message"}
            message = choice["message"]
            calls = message.get("tool_calls")
            if calls:
                numbered = [{"index": number, **call} for number, call in enumerate(calls)]
                message = {**message, "tool_calls": numbered}
            choices.append({"index": at, **rest, "delta": message})
        return {**reply, "object": "chat.completion.chunk", "choices": choices}

    def _restate(self, index: object, delta: Wire) -> None:
        _restate_texts(delta)
        pieces = delta.get("tool_calls")
        if isinstance(pieces, list) and pieces:
            answer = index if isinstance(index, int) else 0
            calls = self._calls.get(answer)
            if calls is None:
                calls = self._calls[answer] = StreamedCalls()
            delta["tool_calls"] = calls.restated(pieces)

    def _end(self, chunk: Wire, choice: Wire, delta: Wire) -> None:
        if _is_odd_end(choice):
            _restate_finish(choice, delta)
            if self._failure is not None:
                _raise_if(self._failure(chunk))
        elif "native_finish_reason" in choice and _is_cut_off(choice):
            choice["finish_reason"] = "length"
        if not chunk.get("usage") and isinstance(choice.get("usage"), dict):
            # Moonshot's place.
            chunk["usage"] = choice["usage"]


def _restate_whole(choice: Wire) -> None:
    message = choice["message"]
    content = message.get("content")
    if not _IN_OTHER_WORDS.isdisjoint(message) or not isinstance(content, (str, NoneType)):
        _restate_texts(message)
        if message.get("tool_calls"):
            message["tool_calls"] = whole_calls(message["tool_calls"])
    if _is_odd_end(choice):
        _restate_finish(choice, message)
    elif "native_finish_reason" in choice and _is_cut_off(choice):
        choice["finish_reason"] = "length"


def _is_cut_off(choice: Wire) -> bool:
    """Whether a call was cut off: OpenRouter ends it with `tool_calls` all the same."""
    return (
        choice.get("finish_reason") == "tool_calls" and choice["native_finish_reason"] in _CUT_OFF
    )


def _restate_finish(choice: Wire, said: Wire) -> None:
    """OpenAI's word for why it ended; the server's stays beside it, under OpenRouter's name for it."""
    told = choice.get("finish_reason")
    if told == "" and said.get("tool_calls"):
        # xAI ends a call without a word.
        choice["finish_reason"] = "tool_calls"
    elif isinstance(told, str) and (reason := FINISH_REASONS.get(told)):
        choice["finish_reason"] = reason
        choice.setdefault("native_finish_reason", told)


def _is_odd_end(choice: Wire) -> bool:
    """Whether it ends in other words than OpenAI's, or with an error beside them."""
    return "error" in choice or choice.get("finish_reason") not in _FINISHES


def _raise_if(error: CallError | None) -> None:
    if error is not None:
        raise error


def _restate_texts(said: Wire) -> None:
    """Text as text, and thoughts under the one name that is read: `reasoning_content`.

    Raises:
        InvalidReplyError: What stands in the place of the text is none.
    """
    content = said.get("content")
    if isinstance(content, (list, dict)):
        _restate_parts(said, content if isinstance(content, list) else [content])
    elif not isinstance(content, (str, NoneType)):
        raise InvalidReplyError("the answer has a number in place of its text")
    thought = said.get("reasoning")
    if isinstance(thought, str) and thought and not said.get("reasoning_content"):
        said["reasoning_content"] = thought


def _restate_parts(said: Wire, content: list[object]) -> None:
    """Mistral and Databricks answer with a list of thoughts and texts in place of the text."""
    parts = [part for part in content if isinstance(part, dict)]
    thoughts = [_thought(part) for part in parts if part.get("type") in ("thinking", "reasoning")]
    images = [part for part in parts if part.get("type") == "image_url"]
    said["content"] = (
        _joined([part for part in parts if part.get("type") not in ("thinking", "reasoning")])
        or None
    )
    if any(thoughts) and not said.get("reasoning_content"):
        said["reasoning_content"] = "".join(thoughts)
    if images:
        said.setdefault("images", images)


def _thought(part: Wire) -> str:
    for name in ("thinking", "summary", "reasoning", "text"):
        if part.get(name):
            return _joined(part[name])
    return ""


def _joined(parts: object) -> str:
    """The texts among the parts, as one."""
    if not isinstance(parts, list):
        return parts if isinstance(parts, str) else ""
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _is_as_openai_has_it(usage: object) -> bool:
    """Whether a usage has nothing to look for, as in most answers."""
    if not isinstance(usage, dict):
        return False
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    if type(prompt) is not int or type(completion) is not int:
        return False
    if not (0 <= prompt <= MOST and 0 <= completion <= MOST):
        return False
    if usage.get("total_tokens") != prompt + completion:
        return False
    for name, details in usage.items():
        if name not in _SUMS and (
            name not in _SPLIT_SUMS or not isinstance(details, dict) or details.keys() - _DETAILS
        ):
            return False
    return True


def _all_are_dicts(items: object, inner: str | None = None) -> bool:
    """Whether it is a list of objects, and each has an object under `inner`."""
    if not isinstance(items, list):
        return False
    for item in items:
        if not isinstance(item, dict) or (inner and not isinstance(item.get(inner), dict)):
            return False
    return True
