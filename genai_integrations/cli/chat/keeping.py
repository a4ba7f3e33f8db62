"""What of a conversation is kept, and that the user knows."""

from __future__ import annotations

from genai_integrations.cli import render
from genai_integrations.cli.chat.conversation import Answer, Conversation
from genai_integrations.cli.chat.log import ChatLog, Said

SWITCHES = "--no-log or GENAI_CHAT_LOG=off keeps nothing"


class Keeper:
    """Writes down what is said, if it is to be kept.

    Args:
        log: The conversation's file; None keeps nothing.
    """

    def __init__(self, log: ChatLog | None) -> None:
        self._log = log
        self._is_told = log is None or not log.is_first

    @property
    def where(self) -> str | None:
        """The folder; None if nothing is kept."""
        return str(self._log.folder) if self._log is not None else None

    def keep(self, conversation: Conversation, question: str, answer: Answer) -> None:
        """Write down a question and its answer; where that fails, it is said once, and the conversation goes on."""
        if self._log is None or not answer.text:
            return
        route = answer.route
        said = Said(
            conversation.model,
            question,
            answer.text,
            conversation.system,
            served=route.served if route else None,
            usd=route.cost if route else None,
        )
        try:
            self._log.keep(said)
        except OSError as error:
            render.warn(f"not kept in {self._log.folder}: {error.strerror}; {SWITCHES}")
            self._log = None
            return
        if not self._is_told:
            self._is_told = True
            render.warn(f"kept in {self._log.folder}; {SWITCHES}")
