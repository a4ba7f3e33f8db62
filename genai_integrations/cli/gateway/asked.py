"""What `genai gateway` was asked for, and how most command lines say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genai_integrations.settings import configuration_file, gateway_has_keys

if TYPE_CHECKING:
    from genai_integrations.gateway.logs import LogLevel

Audience = Literal["projects", "machine", "everybody"]
"""Who is served: whoever shows a key, this machine, or everybody who can reach the address."""

HOST = "127.0.0.1"
PORT = 4000
LAST_PORT = 65535


class Level(StrEnum):
    """What is logged, as `gateway.logs.LogLevel` has it, for the command line."""

    off = "off"
    error = "error"
    warning = "warning"
    info = "info"
    debug = "debug"


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line.

    Attributes:
        config: Path of the configuration, None for none.
        host: Address to listen at.
        port: And its port.
        workers: How many processes serve.
        no_auth: Whether everybody is served who can reach the address.
        demo: Whether the local model is served.
        log_level: What is logged.
    """

    config: str | None
    host: str = HOST
    port: int = PORT
    workers: int = 1
    no_auth: bool = False
    demo: bool = False
    log_level: LogLevel = "info"

    @property
    def audience(self) -> Audience:
        """Who is served."""
        if self.no_auth:
            return "everybody"
        return "projects" if gateway_has_keys() and not self.demo else "machine"


def read_plainly(words: Sequence[str]) -> Asked | None:
    """What a command line asks for that has options of serving only, each with a value that is right.

    Most do, and then typer is not needed. It would load rich and pydantic: more CPU than the rest of the start, and
    10 MB for as long as the gateway runs. All else is left to typer, which knows help, and what to say of a mistake.

    Args:
        words: What stands behind `genai gateway`.

    Returns:
        None for a command line that is not so plain.
    """
    given: dict[str, Any] = {}
    rest = iter(words)
    try:
        for word in rest:
            name, is_joined, value = word.partition("=")
            field = name.removeprefix("--").replace("-", "_")
            if word in _FLAGS:
                given[field] = True
            else:
                given[field] = _VALUES[name](value if is_joined else next(rest, ""))
    except (KeyError, ValueError):
        return None
    return Asked(**{"config": configuration_file(), **given})


def _word(text: str) -> str:
    if not text or text.startswith("-"):
        raise ValueError
    return text


def _number(first: int, last: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not first <= int(text) <= last:
            raise ValueError
        return int(text)

    return read


_FLAGS = ("--no-auth", "--demo")
_VALUES: Mapping[str, Callable[[str], object]] = {
    "--config": lambda text: str(Path(_word(text))),
    "--host": _word,
    "--port": _number(0, LAST_PORT),
    "--workers": _number(1, LAST_PORT),
    "--log-level": lambda text: Level(text).value,
}
