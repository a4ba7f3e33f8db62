"""The command line of `genai gateway`, which most gateways are started with no typer for."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import typer

from genai_integrations.cli.gateway import main
from genai_integrations.cli.gateway.asked import Asked, read_plainly

PLAIN = {
    "": Asked(None, "127.0.0.1", 4000, 1, no_auth=False, demo=False, log_level="info"),
    "--port 0": Asked(None, port=0),
    "--port=65535": Asked(None, port=65535),
    "--workers 4 --host ::": Asked(None, "::", workers=4),
    "--config ./a//genai.yaml --no-auth": Asked("a/genai.yaml", no_auth=True),
    "--config=a=b.yaml": Asked("a=b.yaml"),
    "--demo --log-level debug": Asked(None, demo=True, log_level="debug"),
    "--log-level=off --port 1 --port 2": Asked(None, port=2, log_level="off"),
}

LEFT = (
    *("--help", "-h", "doctor", "keys list", "--", "4000", "--nonsense", "--no-auth=yes"),
    *("--port", "--port 65536", "--port -1", "--port x", "--workers 0", "--log-level loud"),
    *("--host --no-auth", "--host=", "--config=", "--demo doctor"),
)


@pytest.mark.parametrize("words", PLAIN)
def test_both_readers_say_the_same(words, monkeypatch):
    """What is read without typer is what typer reads."""
    monkeypatch.delenv("GENAI_CONFIG", raising=False)
    context = typer.main.get_command(main.app).make_context("gateway", words.split())
    read = {
        **context.params,
        "config": context.params["config"] and str(context.params["config"]),
        "log_level": context.params["log_level"].value,
    }

    assert read_plainly(words.split()) == PLAIN[words]
    assert read == asdict(PLAIN[words])


def test_the_environment_names_a_configuration(monkeypatch):
    """GENAI_CONFIG is meant where the command line has none."""
    monkeypatch.setenv("GENAI_CONFIG", "there.yaml")

    assert read_plainly([]).config == "there.yaml"
    assert read_plainly(["--config", "here.yaml"]).config == "here.yaml"


@pytest.mark.parametrize("words", LEFT)
def test_all_else_is_left_to_typer(words):
    """Help, other commands and mistakes: typer knows what to say."""
    assert read_plainly(words.split()) is None
