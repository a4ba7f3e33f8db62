"""What is said of an answer that is larger than what is taken."""

from __future__ import annotations

from genai_integrations.errors import InvalidReplyError


def answer_too_large(most: int) -> InvalidReplyError:
    """The error for a whole answer of more bytes than are taken."""
    return InvalidReplyError(too_large("the answer", most, "GENAI_MAX_BODY_BYTES"))


def too_large(what: str, most: int, variable: str) -> str:
    """What to say of something that is larger than allowed."""
    return f"{what} is larger than {most} bytes: if that is right, set {variable}"
