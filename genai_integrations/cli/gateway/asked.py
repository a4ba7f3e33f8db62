"""What `genai gateway` was asked for, and the process that does it."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genai_integrations.settings import gateway_has_keys

if TYPE_CHECKING:
    from genai_integrations.gateway.logs import LogLevel

Audience = Literal["projects", "machine", "everybody"]
"""Who is served: whoever shows a key, this machine, or everybody who can reach the address."""


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
    host: str
    port: int
    workers: int
    no_auth: bool
    demo: bool = False
    log_level: LogLevel = "info"

    @property
    def audience(self) -> Audience:
        """Who is served."""
        if self.no_auth:
            return "everybody"
        return "projects" if gateway_has_keys() and not self.demo else "machine"


def serve_alone(asked: Asked) -> None:
    """Go on as a process that has no command line loaded, which would take 10 MB as long as the gateway runs.

    The process stays the same one for whoever started it.
    """
    told = json.dumps({"path": sys.path, "asked": dataclasses.asdict(asked)})
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-c", _SERVE, told])  # noqa: S606 - no shell is wanted


_SERVE = """
import json, sys
told = json.loads(sys.argv[1])
sys.path[:] = told["path"]
from genai_integrations.cli.gateway.alone import main
main(told["asked"])
"""
"""Modules are found where they were found before, as `multiprocessing` has it for its processes."""
