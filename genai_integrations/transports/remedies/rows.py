"""What can be done about a refusal: rows of ways to say the same request otherwise.

Model lists are stale the day a model ships, so what a target does not take is learnt from what it says. The order of
the rows is the order in which they are tried: what keeps the meaning comes before what weakens it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from genai_integrations.calls.args import DropParams
from genai_integrations.calls.wire import Wire
from genai_integrations.transports.remedies import restatements as say
from genai_integrations.transports.remedies.remedy import Remedy

if TYPE_CHECKING:
    from genai_integrations.transports.remedies.refusals import Refusal


def remedy_for(
    refusal: Refusal, body: Wire, used: Sequence[Remedy], drop_params: DropParams
) -> Remedy | None:
    """The remedy for a refusal, None if there is none.

    Args:
        refusal: What the target said.
        body: What it refused: `used` has been done to it.
        used: What has been tried.
        drop_params: What the caller allows.
    """
    names = {remedy.name for remedy in used}
    for row in _rows(refusal, body):
        is_new = row.batch or row.name not in names or row.value is not None
        can_help = row.fits(body) or not names.isdisjoint(row.replaces)
        if is_new and can_help and row.is_allowed(drop_params) and row.applies(refusal, body):
            return row
    return None


def _unsupported(name: str, *, is_word: bool = False) -> Callable[[Refusal, Wire], bool]:
    def applies(refusal: Refusal, body: Wire) -> bool:
        return refusal.is_unsupported and refusal.blames(name, body, is_word=is_word)

    return applies


def _has(name: str) -> Callable[[Wire], bool]:
    return lambda body: name in body


def _drop(name: str, value: object = None) -> Remedy:
    return Remedy(
        f"without {name}",
        "drop",
        name,
        applies=_unsupported(name, is_word=name in _PLAIN_WORDS),
        fits=_has(name) if value is None else lambda body: body.get(name) == value,
        restated=partial(say.without, name),
        value=value,
    )


def _drop_key(name: str) -> Remedy:
    """A key of messages, of their parts, or of tools."""
    return Remedy(
        f"without {name}",
        "drop",
        name,
        applies=lambda refusal, _: (
            refusal.is_unsupported and refusal.mentions(name, is_word=name in _PLAIN_WORDS)
        ),
        fits=partial(say.has_key, name),
        restated=partial(say.without_key, name),
    )


def _rename(old: str, new: str) -> Remedy:
    return Remedy(
        f"{old} as {new}",
        "rename",
        old,
        applies=_unsupported(old),
        fits=_has(old),
        restated=partial(say.renamed, old, new),
    )


def _role(old: str, new: str) -> Remedy:
    def applies(refusal: Refusal, _: Wire) -> bool:
        # Bedrock says that the model doesn't support system messages.
        is_said = refusal.mentions(old) and _ROLE.search(f"{refusal.param} {refusal.words}")
        wrong = refusal.is_unsupported or "invalid" in refusal.words
        return wrong and bool(is_said)

    return Remedy(
        f"{old} as {new}",
        "restate",
        "messages",
        applies=applies,
        fits=partial(say.has_role, old),
        restated=partial(say.with_role, old, new),
    )


def _effort(refused: tuple[str, ...], words: str, instead: str) -> Remedy:
    """Another effort for one that a model has no level for."""
    return Remedy(
        f"reasoning_effort {refused[0]} as {instead}",
        "restate",
        "reasoning_effort",
        applies=_says(words),
        fits=lambda body: body.get("reasoning_effort") in refused,
        restated=lambda body: {**body, "reasoning_effort": instead},
    )


def _says(pattern: str) -> Callable[[Refusal, Wire], bool]:
    words = re.compile(pattern)
    return lambda refusal, _: bool(words.search(refusal.words))


def _refuses_schema(refusal: Refusal, _: Wire) -> bool:
    if _refuses_strict(refusal, _):
        return False
    about = refusal.param.startswith("response_format") or _FORMAT.search(refusal.words)
    return bool(about) and refusal.is_unsupported


def _refuses_schema_or_tool(refusal: Refusal, body: Wire) -> bool:
    by_tool = body.get("tools") and _TOOLS.search(f"{refusal.param} {refusal.words}")
    return _refuses_schema(refusal, body) or (bool(by_tool) and refusal.is_unsupported)


def _refuses_strict(refusal: Refusal, _: Wire) -> bool:
    if _INVALID_SCHEMA in refusal.words:
        return True
    return refusal.is_unsupported and (
        refusal.param.endswith("strict") or refusal.mentions("strict")
    )


_INVALID_SCHEMA = "invalid schema"


def in_batches(most: int) -> Remedy:
    """Texts in several requests; done by whoever sends."""
    return Remedy(
        f"in batches of {most}",
        "restate",
        "input",
        applies=lambda _refusal, _body: True,
        fits=lambda body: texts_in(body) > most,
        restated=lambda body: body,
        batch=most,
    )


def texts_in(body: Wire) -> int:
    """How many texts there are to embed; 1 for what is no list of them."""
    given = body.get("input")
    if isinstance(given, str) or not isinstance(given, Sequence) or isinstance(given[0], int):
        return 1
    return len(given)


def _smaller_batch(refusal: Refusal, body: Wire) -> Iterator[Remedy]:
    """A batch as small as the refusal says, or half of what was sent."""
    sent = texts_in(body)
    if sent < 2 or not _TOO_MANY.search(refusal.words):
        return
    told = [most for text in _NUMBER.findall(refusal.words) if 0 < (most := int(text)) < sent]
    yield in_batches(told[-1] if told else sent // 2)


_FORMAT = re.compile(
    r"response[ _](?:format|mime)|json_schema|structured output|output_?config(?!\.effort)|textformat"
    r"|json[ _](?:mode|object)"
)
_ROLE = re.compile(r"role|system messages")
_STREAM = re.compile(r"\bstream(?:ing)?\b")
_TOOLS = re.compile(r"\btools?\b|tool_choice|function")
_TOO_MANY = re.compile(
    r"batch|too many inputs|array too long|number of (?:texts|inputs)|too many (?:texts|items)"
    r"|at most \d+ (?:requests|texts|inputs|items)"
)
_NUMBER = re.compile(r"(?<![\d.])\d{1,6}(?![\d.]*\d)")

_PLAIN_WORDS = frozenset(
    (
        "annotations",
        "audio",
        "metadata",
        "name",
        "prediction",
        "refusal",
        "reasoning",
        "seed",
        "store",
        "thinking",
        "user",
        "verbosity",
    )
)
"""Parameters whose names are words of plain English, which a message may use otherwise."""

AS_TOOL = Remedy(
    "json_schema as a tool",
    "restate",
    "response_format",
    applies=_refuses_schema,
    fits=say.fits_a_tool,
    restated=say.schema_as_tool,
)
"""The answer comes as the arguments of a call, and is made content again."""

AS_JSON_MODE = Remedy(
    "json_schema as JSON mode",
    "weaken",
    "response_format",
    applies=_refuses_schema_or_tool,
    fits=lambda body: say.schema_wanted(body) is not None,
    restated=say.schema_in_words,
    replaces=frozenset((AS_TOOL.name,)),
)

ONLY_IN_WORDS = Remedy(
    "json_schema in words",
    "weaken",
    "response_format",
    applies=_refuses_schema,
    fits=lambda body: say.schema_wanted(body) is not None,
    restated=say.schema_in_words_only,
    replaces=frozenset((AS_TOOL.name, AS_JSON_MODE.name)),
)
"""Where JSON mode is refused as well; the answer may say more than the JSON, which is found in it."""

NOT_STRICT = Remedy(
    "not strict",
    "weaken",
    "strict",
    applies=_refuses_strict,
    fits=say.is_strict,
    restated=say.not_strict,
)

IN_WORDS_BESIDE_TOOLS = replace(
    ONLY_IN_WORDS,
    fits=lambda body: bool(body.get("tools")) and say.schema_wanted(body) is not None,
)
"""Where a schema is taken, but not beside tools."""

WEAKENS_SCHEMA = frozenset((AS_TOOL.name, AS_JSON_MODE.name, ONLY_IN_WORDS.name, NOT_STRICT.name))
"""After these nobody but us checks that the answer fits its schema."""

BRIDGE = Remedy(
    "by /v1/responses",
    "bridge",
    "model",
    # The last are Azure's words: langchain-ai/langchain-azure#228.
    applies=_says(r"v1/responses|responses api|chatcompletion operation does not work"),
    fits=lambda body: "messages" in body,
    restated=lambda body: body,
)

_SEALED = ("provider_specific_fields", "thinking_blocks")


def _without_sealed(body: Wire) -> Wire:
    return reduce(lambda said, name: say.without_key(name, said), _SEALED, body)


WITHOUT_THOUGHTS = Remedy(
    "without another account's thoughts",
    "restate",
    "messages",
    # openai/codex#8145, openai/openai-agents-python#569, vercel/ai#7543, openai/openai-node#1567; of Claude,
    # vybestack/llxprt-code#2335, ding113/claude-code-hub#518.
    applies=_says(
        r"encrypted content .{0,80}could not be verified|reasoning input items can only"
        r"|item with id \S+ not found|item \S+ of type '\w+' was provided without its required"
        r"|invalid .?(signature|data).? in .?(redacted_)?thinking"
    ),
    fits=lambda body: any(say.has_key(name, body) for name in _SEALED),
    restated=_without_sealed,
    lasts=False,
)
"""Only who thought them can read them; what was said goes on without."""

_THINKING = ("reasoning_effort", "thinking")

WITHOUT_THINKING = Remedy(
    "without thinking here",
    "weaken",
    "reasoning_effort",
    # OpenRouterTeam/ai-sdk-provider#162, anomalyco/opencode#3077. Without thinking it takes no thoughts in the last
    # message either: tailcallhq/forgecode#1195.
    applies=_says(r"must start with a thinking block"),
    fits=lambda body: any(name in body for name in _THINKING),
    restated=lambda body: _without_sealed(
        {name: value for name, value in body.items() if name not in _THINKING}
    ),
    lasts=False,
)
"""Of a Claude that thinks within a budget: another model has begun with the tools, and thought nothing that it knows."""

DEVELOPER = _role("developer", "system")

_DROPPED = (
    "top_p",  # before temperature: where the two cannot be together, this one goes
    "temperature",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "verbosity",
    "seed",
    "user",
    "store",
    "metadata",
    "service_tier",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)
_DROPPED_KEYS = (
    "cache_control",
    "name",
    "reasoning_content",
    "reasoning_details",
    "thinking_blocks",
    "provider_specific_fields",
    "annotations",
    "refusal",
    "audio",
    "is_error",
)
"""Keys of messages, of their parts and calls, and of tools."""

_OTHERS = (
    "cache_control",
    "is_error",
    "provider_specific_fields",
    "reasoning_content",
    "reasoning_details",
    "thinking_blocks",
)
_OTHERS_PARAMETERS = ("thinking", "top_k")
"""Keys of a conversation, and parameters, that OpenAI does not know: who refuses one of them in its words knows none."""


_UNKNOWN = re.compile(r"unknown parameter|unrecognized request argument", re.IGNORECASE)
"""OpenAI's words, also from behind a proxy. Claude, which says it otherwise, wants its thoughts back."""


def _mentions_others(refusal: Refusal, _body: Wire) -> bool:
    is_unknown = _UNKNOWN.search(refusal.words) is not None
    return is_unknown and any(
        refusal.mentions(name, is_word=name in _PLAIN_WORDS)
        for name in (*_OTHERS, *_OTHERS_PARAMETERS)
    )


def _has_several_of_others(body: Wire) -> bool:
    """One alone has a row of its own."""
    keys = sum(say.has_key(name, body) for name in _OTHERS)
    return keys + sum(name in body for name in _OTHERS_PARAMETERS) > 1


def _without_others(body: Wire) -> Wire:
    body = {name: value for name, value in body.items() if name not in _OTHERS_PARAMETERS}
    return reduce(lambda said, name: say.without_key(name, said), _OTHERS, body)


REMEDIES: Sequence[Remedy] = (
    BRIDGE,
    WITHOUT_THOUGHTS,
    WITHOUT_THINKING,
    Remedy(
        "images in a user message",
        "restate",
        "messages",
        applies=lambda refusal, _: refusal.is_unsupported and "image" in refusal.words,
        fits=say.has_images_elsewhere,
        restated=say.with_images_by_user,
    ),
    DEVELOPER,
    _role("system", "user"),
    Remedy(
        "content as text",
        "restate",
        "messages",
        applies=_says(
            r"content.{0,80}(?:must be a string|valid string|expected a string|str type)"
            r"|expected a string|content must be a string|valid string.{0,200}content"
        ),
        fits=say.has_text_lists,
        restated=say.with_plain_texts,
    ),
    _rename("max_tokens", "max_completion_tokens"),
    _rename("max_completion_tokens", "max_tokens"),
    Remedy(
        "whole, not streamed",
        "restate",
        "stream",
        # Bedrock says that the model doesn't support tool use in streaming mode.
        applies=lambda refusal, _: refusal.is_unsupported and bool(_STREAM.search(refusal.words)),
        fits=lambda body: bool(body.get("stream")),
        restated=say.not_streamed,
    ),
    NOT_STRICT,
    AS_TOOL,
    AS_JSON_MODE,
    ONLY_IN_WORDS,
    # Behind the schema's rows: a tool that stands for a schema has to be called.
    Remedy(
        "tool_choice auto",
        "weaken",
        "tool_choice",
        applies=_unsupported("tool_choice"),
        fits=say.forces_a_call,
        restated=say.with_a_free_choice,
    ),
    # Which levels a Gemini has is known of those that there were.
    _effort(("minimal", "none"), r"thinking level minimal is not supported", "low"),
    _effort(("medium",), r"thinking level medium is not supported", "high"),
    # Before the rows of each: a conversation that began with Claude has most of them, and a call has few remedies.
    Remedy(
        "without what only other providers know",
        "drop",
        "provider_specific_fields",
        applies=_mentions_others,
        fits=_has_several_of_others,
        restated=_without_others,
    ),
    *map(_drop_key, _DROPPED_KEYS),
    *map(_drop, _DROPPED),
    _drop("n", 1),
    _drop("encoding_format", "float"),
)
"""Every remedy, in the order in which they are tried."""


def _rows(refusal: Refusal, body: Wire) -> Iterator[Remedy]:
    """The rows, for this refusal: of a value that is not supported, only that value goes."""
    if "input" in body:
        yield from _smaller_batch(refusal, body)
    for row in REMEDIES:
        if row is NOT_STRICT and _INVALID_SCHEMA in refusal.words:
            # One schema is none that can be enforced: those of others may well be.
            yield replace(row, lasts=False)
            continue
        is_of_value = row.kind == "drop" and row.value is None and refusal.is_of_value
        yield _drop(row.param, body[row.param]) if is_of_value and row.param in body else row
