"""`genai gateway` as people start it, a process of its own, asked with OpenAI's own SDK."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack

import openai
import pytest
from gateway_support import command, with_tls
from openai import OpenAI

from genai_integrations.testing.faults import Fault
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

HYBRID = """\
model_list:
  - model_name: smart
    litellm_params:
      model: anthropic/claude-sonnet-4-20250514
      api_key: "os.environ/ANTHROPIC_API_KEY"
      max_tokens: 4096
  - model_name: smart
    litellm_params:
      model: ollama/llama3.2
      api_base: "http://ollama:11434"
  - model_name: local
    litellm_params:
      model: ollama/llama3.2
      api_base: "http://ollama:11434"

router_settings:
  routing_strategy: "simple-shuffle"
  num_retries: 2
  timeout: 120
  fallbacks: [{"smart": ["local"]}]
"""
"""The file as a person has it, for LiteLLM's proxy."""

NOT_AT_THE_START = {
    *("typer", "rich", "pydantic", "typing_extensions", "genai_integrations.gateway.page.html"),
    *("prometheus_client", "aiohttp", "httpx", "litellm", "langfuse", "psycopg", "redis", "jsonschema", "tiktoken"),
}  # fmt: skip
"""What a gateway that serves everybody with no configuration needs for none of its first answers."""

QUESTION = [{"role": "user", "content": "Hello!"}]


@pytest.fixture(autouse=True)
def sdks_are_closed(monkeypatch):
    """The SDK keeps its connections open until it is told otherwise."""
    with ExitStack() as made:

        def entered(**arguments):
            return made.enter_context(openai.OpenAI(**arguments))

        monkeypatch.setattr(sys.modules[__name__], "OpenAI", entered)
        yield


@pytest.fixture
def anthropic():
    """Stands for api.anthropic.com."""
    with ScriptedProvider("anthropic", api_keys={"sk-ant-test"}) as server:
        yield server


@pytest.fixture
def ollama():
    """Stands for the machine's own Ollama."""
    with ScriptedProvider("ollama") as server:
        yield server


@pytest.fixture
def hybrid(anthropic, ollama, tmp_path):
    """The command with that file, where the two names lead to the stand-ins."""
    path = tmp_path / "litellm-hybrid-config.yaml"
    path.write_text(HYBRID, "utf-8")
    with ExitStack() as parts:
        cloud, authority = parts.enter_context(
            with_tls(_port(anthropic), "api.anthropic.com", tmp_path)
        )
        environ = {"ANTHROPIC_API_KEY": "sk-ant-test", "SSL_CERT_FILE": str(authority)}
        leads = {"api.anthropic.com:443": cloud, "ollama:11434": _port(ollama)}
        made = command(tmp_path, f"--config={path}", environ=environ, leads=leads)
        yield parts.enter_context(made)


def _port(server):
    return int(server.url.rpartition(":")[2])


def test_the_hybrid(hybrid, anthropic, ollama):
    """Cloud first, the local model when it fails, and `local` never leaves; with `/v1` and without, streams too."""
    client = OpenAI(base_url=hybrid.url, api_key="any")
    with_v1 = OpenAI(base_url=f"{hybrid.url}/v1", api_key="any")

    for each in (client, with_v1):
        answer = each.chat.completions.create(model="smart", messages=QUESTION)
        assert answer.choices[0].message.content == "anthropic says: Hello!"
        answer = each.chat.completions.create(model="local", messages=QUESTION)
        assert answer.choices[0].message.content == "ollama says: Hello!"
        assert [row.id for row in each.models.list()] == ["smart", "local"]
    assert len(anthropic.requests) == 2
    assert anthropic.requests[0].body["max_tokens"] == 4096

    anthropic.faults["*"] = Fault.status(529)
    for each in (client, with_v1):
        stream = each.chat.completions.create(model="smart", messages=QUESTION, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert text == "ollama says: Hello!"

    assert "any key or none is taken, and only from this machine" in "".join(hybrid.said)
    assert hybrid.end() == 0


@pytest.fixture
def plain(provider, tmp_path):
    """A command in front of one provider; more arguments may be given."""
    path = tmp_path / "genai.yaml"
    path.write_text(
        "connections:\n"
        "  - {name: seoul, provider: openai, api_key: os.environ/SEOUL_KEY,\n"
        f"     api_base: {provider.url}/v1, models: [gpt-4o]}}\n",
        "utf-8",
    )

    def start(*arguments, **environ):
        environ = {"SEOUL_KEY": "sk-seoul", "TMPDIR": str(tmp_path), **environ}
        return command(tmp_path, f"--config={path}", *arguments, environ=environ)

    return start


def test_a_deploy_cuts_no_stream(plain, provider):
    """A stream that is under way when the process is told to end comes to its end, and then the process ends."""
    gate = threading.Event()
    provider.faults["gpt-4o"] = Fault.drip(gate, after=1)
    with plain("--workers=2") as gateway:
        sdk = OpenAI(base_url=gateway.url, api_key="any", max_retries=0)
        stream = iter(sdk.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True))
        pieces = [next(stream)]
        gateway.process.terminate()
        gate.set()
        pieces += stream

    text = "".join(row.choices[0].delta.content or "" for row in pieces)
    assert text == "seoul says: Hello!"
    assert pieces[-1].choices[0].finish_reason == "stop"
    assert gateway.process.returncode == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_others_are_not_served_without_being_told(host, tmp_path):
    """Whoever can reach a gateway without keys spends its money, so it does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "genai_integrations.cli", "gateway", "--port=0", f"--host={host}"],
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "500"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 1
    assert re.search(rf"there are no keys, and others can reach {re.escape(host)}", done.stderr)
    assert "--no-auth" in done.stderr


def test_everybody_is_served_when_told_so(plain):
    """`--no-auth` takes requests for any name of the machine; without it, only for loopback's."""
    with plain("--no-auth") as gateway:
        sdk = OpenAI(base_url=gateway.url, api_key="any", default_headers={"host": "gateway"})
        assert sdk.models.list().data
    with plain() as gateway:
        sdk = OpenAI(base_url=gateway.url, api_key="any", default_headers={"host": "evil.example"})
        with pytest.raises(openai.PermissionDeniedError, match="serves this machine only"):
            sdk.models.list()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_end_of_a_process(plain, langfuse, tmp_path, workers):
    """What was recorded is sent before it ends, and no file is left behind."""
    pair = {
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_TRACING_ENABLED": "true",
        "LANGFUSE_FLUSH_INTERVAL": "3600",
    }
    with plain(f"--workers={workers}", **pair) as gateway:
        key = f"{langfuse.public_key}:{langfuse.secret_key}"
        sdk = OpenAI(base_url=gateway.url, api_key=key, max_retries=0)
        sdk.chat.completions.create(model="gpt-4o", messages=QUESTION)
        with pytest.raises(openai.AuthenticationError):
            sdk.with_options(api_key="any").models.list()
        assert langfuse.spans == []
        assert gateway.end() == 0

    assert len(langfuse.spans) > 0
    assert list(tmp_path.glob("genai-gateway-*")) == []


def test_what_serves_has_no_command_line(tmp_path):
    """Until it serves, a gateway loads nothing of what reads other command lines, or is needed later: CPU, and 10 MB."""
    with command(tmp_path, "--no-auth", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as gateway:
        urllib.request.urlopen(f"{gateway.url}/health/live").close()
        gateway.end()
    told = next(
        at for at, line in enumerate(gateway.said) if "Application startup complete" in line
    )
    loaded = {line.rpartition("|")[2].strip() for line in gateway.said[:told]}

    assert "genai_integrations.gateway.app" in loaded
    assert not loaded & NOT_AT_THE_START


@pytest.mark.slow
def test_the_demo(tmp_path):
    """A real model of this machine answers, and the line to try names it."""
    with command(tmp_path, "--demo") as gateway:
        line = next(row for row in gateway.said if row.startswith("Try: curl http://localhost:"))
        model = re.search(r'"model": "([^"]+)"', line)[1]
        sdk = OpenAI(base_url=gateway.url, api_key="any", max_retries=0, timeout=120)
        answer = sdk.chat.completions.create(model=model, messages=QUESTION, max_tokens=20)
        assert answer.choices[0].message.content
        assert answer.genai["target"] == f"local/{model}"
