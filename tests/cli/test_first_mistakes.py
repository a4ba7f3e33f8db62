"""What somebody sees who makes one of the first mistakes: one line with the cause and the next step, in both places.

Real processes ask scripted servers, as programs and as commands. What they show is compared letter by letter.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from genai_integrations.testing.server import LoopbackServer

pytestmark = pytest.mark.slow

WRONG_KEY = {
    "error": {
        "message": "Incorrect API key provided: sk-wrong. You can find your API key at https://platform.openai.com/account/api-keys.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
}
WRONG_MODEL = {
    "error": {
        "message": "The model `gpt-4o-minii` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
}
WRONG_ROLE = {
    "error": {
        "message": "Invalid value: 'usr'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        "type": "invalid_request_error",
        "param": "messages[0].role",
        "code": "invalid_value",
    }
}
NO_SUCH_PAGE = "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>"


class Strict(LoopbackServer):
    """Refuses as OpenAI's servers do, and as nginx does before one of one's own."""

    async def respond(self, request, exchange):
        json_type = {"content-type": "application/json"}
        if not request.path.startswith("/v1/"):
            await exchange.send(404, NO_SUCH_PAGE.encode(), {"content-type": "text/html"})
        elif request.headers["authorization"] != "Bearer sk-good":
            await exchange.send(401, json.dumps(WRONG_KEY).encode(), json_type)
        elif request.body["messages"][0]["role"] == "usr":
            await exchange.send(400, json.dumps(WRONG_ROLE).encode(), json_type)
        else:
            await exchange.send(404, json.dumps(WRONG_MODEL).encode(), json_type)


CALL = 'GenAIClient().completion("{model}", [{{"role": "{role}", "content": "Hi"}}])'


def call(model="gpt-4o", role="user"):
    return CALL.format(model=model, role=role)


def chat(model="gpt-4o"):
    return ["chat", "-m", model, "Hi there"]


KEY = {"OPENAI_API_KEY": "sk-good"}
HERE = {**KEY, "OPENAI_BASE_URL": "{url}/v1"}
LANGFUSE = {
    "LANGFUSE_HOST": "http://127.0.0.1:{free}",
    "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
    "LANGFUSE_SECRET_KEY": "sk-lf-1",
}
STORED = {
    **LANGFUSE,
    "LANGFUSE_DATABASE_URL": "postgresql://127.0.0.1:{free}/langfuse",
    "LANGFUSE_ENCRYPTION_KEY": "ab" * 32,
}
GET_PROMPT = 'GenAIClient().get_prompt("greet")'

MISTAKES = {
    "no key": (
        {}, call(), chat(),
        "UnknownModelError: no connection serves 'gpt-4o': there are no connections; set OPENAI_API_KEY (openai) or AZURE_API_KEY and AZURE_API_BASE (azure), or LANGFUSE_DATABASE_URL with LANGFUSE_ENCRYPTION_KEY to use the keys in Langfuse",
    ),
    "wrong key": (
        {**HERE, "OPENAI_API_KEY": "sk-wrong"}, call(), chat(),
        "AuthenticationError: openai/gpt-4o: Incorrect API key provided: **********. You can find your API key at https://platform.openai.com/account/api-keys (HTTP 401): correct OPENAI_API_KEY",
    ),
    "wrong model": (
        HERE, call("gpt-4o-minii"), chat("gpt-4o-minii"),
        "NotFoundError: openai/gpt-4o-minii: The model `gpt-4o-minii` does not exist or you do not have access to it; did you mean 'gpt-4o-mini', <more>? (HTTP 404)",
    ),
    "typo": (
        KEY, call("gtp-4o"), chat("gtp-4o"),
        "UnknownModelError: no connection serves 'gtp-4o'; did you mean 'gpt-4o', <more>? Connections: openai. `openai/gtp-4o` asks it anyway. `genai resolve gtp-4o` explains.",
    ),
    "refused host": (
        {**KEY, "OPENAI_BASE_URL": "http://127.0.0.1:{free}/v1"}, call(), chat(),
        "APIConnectionError: openai/gpt-4o: cannot connect: Connection refused (127.0.0.1:{free}): is a server running there? Its address is in OPENAI_BASE_URL",
    ),
    "no scheme": (
        {**KEY, "OPENAI_BASE_URL": "127.0.0.1:{free}/v1"}, call(), chat(),
        "CredentialError: connection 'openai' has a base URL without http:// or https:// in front: correct OPENAI_BASE_URL",
    ),
    "no /v1": (
        {**KEY, "OPENAI_BASE_URL": "{url}"}, call(), chat(),
        "NotFoundError: openai/gpt-4o: 404 Not Found 404 Not Found nginx (HTTP 404): is /v1 missing at the end of OPENAI_BASE_URL?",
    ),
    "wrong role": (
        HERE, call(role="usr"), ["compare", "-m", "gpt-4o", "roles.json", "--json"],
        "BadRequestError: openai/gpt-4o: Invalid value: 'usr'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'. (HTTP 400)",
    ),
    "Langfuse down": (
        {**KEY, **LANGFUSE}, GET_PROMPT, ["chat", "-m", "gpt-4o", "-p", "greet"],
        "PromptError: prompt 'greet' cannot be loaded from Langfuse at http://127.0.0.1:{free} (no connection): check LANGFUSE_HOST",
    ),
    "Langfuse down, keys in it": (
        STORED, call(), chat(),
        "CredentialStoreError: cannot reach Langfuse at http://127.0.0.1:{free} (the connection is refused: nothing listens there): check LANGFUSE_HOST",
    ),
    "half a key": (
        {"AWS_ACCESS_KEY_ID": "AKIA"}, call("claude-sonnet-4-5"), chat("claude-sonnet-4-5"),
        "UnknownModelError: no connection serves 'claude-sonnet-4-5': bedrock cannot be used: AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY: set both, or unset both",
    ),
    "no such AWS profile": (
        {"AWS_PROFILE": "nope", "AWS_REGION": "us-east-1"}, call("bedrock/amazon.nova-lite-v1:0"), chat("bedrock/amazon.nova-lite-v1:0"),
        "CredentialError: the machine's AWS configuration has no profile 'nope': correct its name (AWS_PROFILE), or run `aws configure --profile nope`",
    ),
    "no Google credentials": (
        {"GOOGLE_CLOUD_PROJECT": "p", "VERTEXAI_LOCATION": "us-central1", "NO_GCE_CHECK": "true"}, call("vertex/gemini-2.5-pro"), chat("vertex/gemini-2.5-pro"),
        "CredentialError: connection 'vertex': the machine has no Google credentials: run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
    ),
}  # fmt: skip
"""By name: variables, a program, a command, and the line that both end with."""

PROGRAM = """\
from genai_integrations import GenAIClient

{statement}
"""

OURS = re.compile(r'  File ".*genai_integrations/')


@pytest.fixture
def places():
    """A server that is strict, and a port at which nobody listens."""
    with Strict() as server, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield {"url": server.url, "free": held.getsockname()[1]}


@pytest.fixture
def run(tmp_path, places):
    """Run a process that has these variables, and no other of anybody's."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    home = {"HOME": str(tmp_path), "GENAI_CHAT_LOG": "off", "LANGFUSE_TRACING_ENABLED": "false"}

    def run(*command, **variables):
        filled = {name: value.format(**places) for name, value in variables.items()}
        return subprocess.run(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**kept, **home, **filled},
            timeout=120,
            check=False,
        )

    return run


def is_told(expected, line):
    """Whether the line is that; `<more>` stands for names that depend on the price map."""
    pattern = re.escape(expected).replace("<more>", "'[^\\n]+'")
    return re.fullmatch(pattern, line) is not None


def lines_of_ours(traceback):
    """The lines of a traceback that show our code: of each frame its place, its source, and the marks below."""
    blocks = re.split(r"(?m)^(?=  File )", traceback)
    return sum(len(re.findall(r"(?m)^  .*\n", block)) for block in blocks if OURS.match(block))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_program(run, places, tmp_path, mistake):
    """The last line has it, and of our own code at most eight lines stand above."""
    variables, statement, _, line = MISTAKES[mistake]
    (tmp_path / "program.py").write_text(PROGRAM.format(statement=statement))

    shown = run("program.py", **variables)

    assert shown.returncode == 1
    assert is_told(
        f"genai_integrations.errors.{line.format(**places)}", shown.stderr.splitlines()[-1]
    )
    assert 0 < lines_of_ours(shown.stderr) <= 8
    assert shown.stderr.count("Traceback") == 1


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_command(run, places, tmp_path, mistake):
    """The same line, and nothing but that."""
    variables, _, command, line = MISTAKES[mistake]
    roles = [[{"role": "usr", "content": "Hi"}]]
    (tmp_path / "roles.json").write_text(json.dumps(roles))

    shown = run("-m", "genai_integrations.cli", *command, **variables)

    told = shown.stderr.removesuffix("\n")
    if command[0] == "compare":
        told = json.loads(shown.stdout)["results"][0]["error"]
    assert (shown.returncode, is_told(line.format(**places), told)) == (1, True), shown.stderr


def test_a_wrong_router_argument(run, tmp_path):
    """Of the client, and in the file for the command line, which says the line too."""
    (tmp_path / "program.py").write_text(
        PROGRAM.format(statement='GenAIClient(router_args={"num_retires": 2})')
    )
    (tmp_path / "genai.yaml").write_text("router_settings:\n  num_retires: 2\n")

    program = run("program.py")
    command = run("-m", "genai_integrations.cli", "--config", "genai.yaml", *chat())

    assert program.stderr.splitlines()[-1].startswith(
        "genai_integrations.errors.ConfigurationError: router_args has no 'num_retires': did you mean 'num_retries'? the supported ones are fallbacks, "
    )
    assert lines_of_ours(program.stderr) <= 8
    assert (command.returncode, command.stderr) == (
        1,
        "ConfigurationError: genai.yaml:2:3: there is no 'num_retires' here: did you mean 'num_retries'?\n",
    )


WITHOUT = """\
import sys

class Hidden:
    def __init__(self, finder): self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {names!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Hidden(finder) for finder in sys.meta_path]
"""


def test_a_missing_extra(run, tmp_path):
    """The command that brings it."""
    (tmp_path / "sitecustomize.py").write_text(
        WITHOUT.format(names=("typer", "langchain_core", "google"))
    )
    (tmp_path / "program.py").write_text("import genai_integrations.langchain\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))

    program = run("program.py", PYTHONPATH=path)
    command = run("-m", "genai_integrations.cli", "models", PYTHONPATH=path)

    assert re.fullmatch(
        r"ImportError: genai_integrations\.langchain needs LangChain: .*pip install .*\[langchain\]'",
        program.stderr.splitlines()[-1],
    )
    assert re.fullmatch(r"genai needs typer: .*pip install .*\[cli\]'\n", command.stderr)


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("api_key='sk-x'", "GenAIClient takes no api_key: a provider's key belongs to a connection: set its variable, such as OPENAI_API_KEY, or give connections=[Connection.of(\"openai\", \"openai\", key)]"),
        ("base_url='http://x'", "GenAIClient takes no base_url: a provider's address belongs to a connection: set its variable, such as OPENAI_BASE_URL, or give connections=[Connection.of(\"openai\", \"openai\", key, base_url)]"),
        ("model='gpt-4o'", "GenAIClient takes no model: it belongs to each call: client.completion(model, messages, ...)"),
        ("fallbacks=[]", "GenAIClient takes no fallbacks: write router_args={'fallbacks': ...}"),
        ("tracin=True", "GenAIClient takes no tracin: did you mean tracing?"),
    ],
)  # fmt: skip
def test_an_argument_of_something_else(run, tmp_path, argument, line):
    """The client says where it goes; no secret is in it."""
    (tmp_path / "program.py").write_text(PROGRAM.format(statement=f"GenAIClient({argument})"))

    shown = run("program.py")

    assert shown.stderr.splitlines()[-1] == f"genai_integrations.errors.ConfigurationError: {line}"
    assert lines_of_ours(shown.stderr) <= 8
