"""`genai outage`: a program in which something is out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NoReturn

from genai_integrations.errors import ConfigurationError
from genai_integrations.routing.outages import written
from genai_integrations.settings import environment_with_outage


def run(name: str, command: Sequence[str], **how: Any) -> NoReturn:
    """Become the program, with the outage in its environment.

    Args:
        name: What is out.
        command: The program and its arguments.
        how: As `GenAIClient.outage` takes it.

    Raises:
        ConfigurationError: It cannot be run, or there is no such outage.
    """
    environment = environment_with_outage(written(name, **how))
    try:
        # In this process's place, so that signals and the exit code are the program's own.
        os.execvpe(command[0], list(command), environment)  # noqa: S606  a shell would read the arguments anew
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be run: {error.strerror}") from None
