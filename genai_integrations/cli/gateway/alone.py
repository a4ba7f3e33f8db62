"""A gateway's own process, behind the command line."""

from __future__ import annotations

import logging
import sys
from typing import Any

from genai_integrations.cli.gateway.asked import Asked
from genai_integrations.cli.gateway.run import run
from genai_integrations.errors import GenAIError


def main(asked: dict[str, Any]) -> None:
    """Serve, and end the process as `genai` does.

    Args:
        asked: The fields of an `Asked`.
    """
    # The Langfuse SDK logs what it also raises; the error is shown once.
    logging.getLogger("langfuse").addHandler(logging.NullHandler())
    try:
        run(Asked(**asked))
    except GenAIError as error:
        from genai_integrations.cli import render

        render.complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
