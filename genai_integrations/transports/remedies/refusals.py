"""What a target says it does not take: its refusal, read for the remedies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from genai_integrations.errors import (
    CallError,
    ContentFilteredError,
    ContextWindowExceededError,
    GenAIError,
)

REFUSING = frozenset((400, 404, 422))
"""Statuses by which servers say that they do not know something in a request."""

_UNSUPPORTED = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|unavailable|deprecated|cannot (?:specify )?both|cannot be combined"
    r"|(?:not|n't|no longer|only) (?:be |a |yet |currently )?"
    r"(?:support|permit|allow|accept|recogni[sz]|availab|implement|enabled|one of)"
    r"|only \S+ (?:is|are) (?:support|allow|permit)|extra (?:inputs|fields)|extra_forbidden"
    r"|additional propert"
)
_OUT_OF_RANGE = re.compile(
    r"above max|below min|out of range|(?:less|greater|larger|smaller|more) than|between \S+ and"
    r"|too (?:large|small|high|low|long|many)|at (?:most|least)|exceed|m(?:ax|in)imum value"
)
_ONE_VALUE = re.compile(
    r"unsupported value|only .{1,40}(?:is|are) (?:support|allow)|value .{1,40} not support"
)
_ROOT = re.compile(r"[.\[]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a target refused.

    Attributes:
        param: What it blames, as a path such as `messages[0].role`; empty if it does not say.
        code: Its code, lower-case; empty if there is none.
        words: Its message, lower-case.
    """

    param: str
    code: str
    words: str

    @property
    def is_of_range(self) -> bool:
        """Whether a value is too large or too small: that is the caller's error."""
        return self.code != "unsupported_value" and bool(_OUT_OF_RANGE.search(self.words))

    @property
    def is_unsupported(self) -> bool:
        """Whether something is not supported, not known or not permitted there."""
        is_said = self.code.startswith("unsupported_") or _UNSUPPORTED.search(self.words)
        return bool(is_said) and not self.is_of_range

    @property
    def is_of_value(self) -> bool:
        """Whether only the value is not supported."""
        return self.code == "unsupported_value" or bool(_ONE_VALUE.search(self.words))

    def blames(self, name: str, body: Mapping[str, object], *, is_word: bool = False) -> bool:
        """Whether it is about a parameter.

        Args:
            name: The parameter's.
            body: What was sent.
            is_word: The name is a word of plain English, so that it must stand as a name in the message.
        """
        root = _ROOT.split(self.param, maxsplit=1)[0]
        if root in body:
            return root == name
        return self.mentions(name, is_word=is_word)

    def mentions(self, name: str, *, is_word: bool = False) -> bool:
        """Whether a name stands in the message; see `blames`."""
        pattern = _AS_NAME if is_word else _AS_WORD
        said = f"{self.param} {self.words}"
        return bool(re.search(pattern.format(re.escape(name)), said)) or any(
            re.search(_AS_WORD.format(other), said) for other in _OTHER_NAMES.get(name, ())
        )


_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    # Bedrock's; of the fields of Claude behind it, those that stand for a word of OpenAI's.
    "cache_control": ("cachepoint", "prompt caching"),
    "parallel_tool_calls": ("disable_parallel_tool_use",),
    "reasoning_effort": ("thinking", "reasoning_config", "reasoningconfig", "output_config.effort"),
    "tool_choice": ("toolchoice",),
    "service_tier": ("servicetier", "service tier"),
    "thinking_blocks": ("reasoningcontent",),
    "top_p": ("topp",),
}
"""What a parameter is called where a dialect says it otherwise, in small letters: refusals name what was sent."""

_AS_WORD = r"(?<![\w-]){0}(?![\w-])"
_AS_NAME = (
    r"(?<!role )['\"`]{0}['\"`]"
    r"|[\d\]]\.{0}(?![\w-])"
    r"|(?:arguments?|supplied|parameters?|fields?|propert(?:y|ies)|keys?|#)[ :/]+{0}(?![\w-])"
)


def refusal_of(error: GenAIError) -> Refusal | None:
    """What an error says that was refused; None for one that refuses nothing, or the content itself."""
    if not isinstance(error, CallError) or error.status not in REFUSING:
        return None
    if isinstance(error, (ContextWindowExceededError, ContentFilteredError)):
        return None
    detail = error.body if isinstance(error.body, dict) else {}
    param, code = detail.get("param"), detail.get("code")
    return Refusal(
        param if isinstance(param, str) else "",
        code.lower() if isinstance(code, str) else "",
        error.message.lower(),
    )
