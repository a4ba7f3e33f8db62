"""What `genai gateway` serves, to whom, and what it says at its start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from functools import partial

from genai_integrations.cli.gateway.asked import Asked, Audience
from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway import opening
from genai_integrations.gateway.callers import is_loopback
from genai_integrations.gateway.serving import Options, listening, serve


def run(asked: Asked) -> None:
    """Serve until the process is told to end.

    Raises:
        ConfigurationError: It cannot be served so.
    """
    if asked.audience == "machine" and not is_loopback(asked.host):
        # Whoever reaches a gateway without keys spends its money.
        raise ConfigurationError(
            f"there are no keys, and others can reach {asked.host}: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, "
            "listen at 127.0.0.1, or say --no-auth if everybody who can reach it may use it"
        )
    listener = listening(asked.host, asked.port)
    port = listener.getsockname()[1]
    with _options(asked) as (options, model):
        for line in _words(asked, port, model):
            # A model's name in a file may have letters that steer a terminal.
            sys.stderr.write("".join(filter(str.isprintable, line)) + "\n")
        serve(options, listener, asked.workers, asked.log_level)


@contextlib.contextmanager
def _options(asked: Asked) -> Generator[tuple[Options, str]]:
    """What each worker makes its options by, and a model to try."""
    only_loopback = asked.audience == "machine"
    if asked.demo:
        with _local_model() as (url, key, model):
            made = partial(opening.of_local_model, url, key, model, only_loopback=only_loopback)
            yield made, model
        return
    # Made in this process too, so that a mistake in the file is told at once, and once.
    if asked.audience == "projects":
        opening.for_projects(asked.config)
        yield partial(opening.for_projects, asked.config), _A_MODEL
    else:
        names = opening.client_of(asked.config).models()
        made = partial(opening.for_everybody, asked.config, only_loopback=only_loopback)
        yield made, next(iter(names), _A_MODEL)


_A_MODEL = "gpt-4o-mini"
"""To try, where none is known."""


@contextlib.contextmanager
def _local_model() -> Generator[tuple[str, str, str]]:
    from genai_integrations.cli import render
    from genai_integrations.testing.local_model.model import LocalModel
    from genai_integrations.testing.local_model.model_file import fetch_model

    with contextlib.ExitStack() as parts:
        with render.stderr().status("Looking for the model") as status:

            def told(step: str, share: float) -> None:
                status.update(render.plain(f"{step}: {share:.0%}"))

            weights = fetch_model(progress=told)
            status.update("Starting SmolLM2-135M")
            model = parts.enter_context(LocalModel(weights))
        yield model.url, model.api_key, model.model


_SAID: dict[Audience, str] = {
    "projects": "Each caller shows the key pair of its Langfuse project, or a narrower key",
    "machine": "There are no keys: any key or none is taken, and only from this machine",
    "everybody": "There are no keys: everybody who can reach this address is served",
}


def _words(asked: Asked, port: int, model: str) -> Generator[str]:
    """What is served, who may use it, and a line to try."""
    host = f"[{asked.host}]" if ":" in asked.host else asked.host
    origin = f"http://{'localhost' if is_loopback(asked.host) else host}:{port}"
    yield f"Serving OpenAI's API at {origin}/v1 (and without /v1)"
    yield _SAID[asked.audience]
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'
    key = ""
    if asked.audience == "projects":
        key = ' -H "authorization: Bearer $LANGFUSE_PUBLIC_KEY:$LANGFUSE_SECRET_KEY"'
    yield (
        f"Try: curl {origin}/v1/chat/completions{key} -H 'content-type: application/json' -d '{body}'"
    )
