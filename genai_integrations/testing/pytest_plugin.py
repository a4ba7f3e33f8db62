"""A pytest plugin: the fixture `genai_tape` records the calls of a test once, and replays them from then on.

It is there wherever the package is installed. It loads the client for the first test that asks for the fixture, and
none of the fakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

if TYPE_CHECKING:
    from genai_integrations import GenAIClient
    from genai_integrations.transports.tape import Replay

Mode = Literal["once", "replay", "record"]

_MODES = ("once", "replay", "record")
_HELP = (
    "what genai_tape does: replay what was recorded, and record where nothing was (once), only replay, "
    "or record everything again (record)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--genai-tape`, and `genai_tape` in the configuration."""
    group = parser.getgroup("genai-integrations")
    group.addoption("--genai-tape", choices=_MODES, default=None, help=_HELP)
    parser.addini("genai_tape", _HELP, default="once")


class Tape:
    """The tape of one test.

    Attributes:
        path: Its file, `tapes/<module>/<test>.jsonl` beside the test's own.
        is_replayed: Whether calls are answered from it; else they are made, and recorded.
    """

    def __init__(self, path: Path, mode: Mode) -> None:
        self.path = path
        self.is_replayed = mode == "replay" or (mode == "once" and path.exists())
        self._replay: Replay | None = None
        self._clients: list[GenAIClient] = []
        if mode == "record":
            path.unlink(missing_ok=True)

    def client(self, **options: Any) -> GenAIClient:
        """A client whose calls are recorded, or answered from the tape; it is closed with the test.

        Args:
            options: Those of `GenAIClient`. While recording it finds keys as every client does; a tape needs none.
        """
        from genai_integrations import GenAIClient
        from genai_integrations.transports.tape import Replay

        if self.is_replayed:
            # One for all clients of the test: what was asked twice is answered in its order, whoever asks.
            self._replay = self._replay or Replay(self.path)
            options["replay"] = self._replay
        else:
            options["record"] = self.path
        self._clients.append(GenAIClient(**options))
        return self._clients[-1]

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            client.close()


@pytest.fixture
def genai_tape(request: pytest.FixtureRequest) -> Iterator[Tape]:
    """The tape of this test: `genai_tape.client()` is a client that records once, and replays from then on."""
    mode = request.config.getoption("--genai-tape") or request.config.getini("genai_tape")
    if mode not in _MODES:
        raise pytest.UsageError(f"genai_tape is {mode!r}: it must be one of {', '.join(_MODES)}")
    name = re.sub(r"[^\w.=-]+", "_", request.node.name).strip("_")
    path = request.path.parent / "tapes" / request.path.stem / f"{name}.jsonl"
    tape = Tape(path, cast("Mode", mode))
    yield tape
    tape.close()
