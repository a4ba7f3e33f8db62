"""`genai gateway` as a process in which no command line is loaded."""

from __future__ import annotations

import logging
import sys

from genai_integrations.cli.gateway.asked import Asked
from genai_integrations.errors import GenAIError
from genai_integrations.runtime.installing import require_extra

_PARTS = ("httptools", "uvicorn")


def serve(asked: Asked) -> None:
    """Serve until the process is told to end.

    Raises:
        ConfigurationError: It cannot be served so, or a package is missing.
    """
    require_extra("gateway", _PARTS, "genai gateway")
    from genai_integrations.cli.gateway.run import run

    run(asked)


def main(asked: Asked) -> None:
    """Serve, and end the process as `genai` does."""
    # The Langfuse SDK logs what it also raises; the error is shown once.
    logging.getLogger("langfuse").addHandler(logging.NullHandler())
    try:
        serve(asked)
    except GenAIError as error:
        from genai_integrations.cli import render

        render.complain(error)
        sys.exit(1)
