"""`genai`'s commands: data on stdout, messages on stderr, and an exit code that says how it went."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys

import pytest

from genai_integrations import Secret, __version__, cli
from genai_integrations.cli import app, options
from genai_integrations.connections import overview
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.errors import ConfigurationError

COMMANDS = (
    "demo",
    "connections",
    "models",
    "resolve",
    "check",
    "doctor",
    "chat",
    "compare",
    "batch",
    "stats",
    "report",
    "prompts",
    "outage",
    "setup-db",
)
READERS = [("connections",), ("models",), ("resolve", "gpt-4o"), ("check",)]


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.fixture
def main(capsys, monkeypatch):
    """Run `genai` as its script does: how it ended, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            app.main(arguments)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help(genai, arguments):
    """`genai` alone is no mistake: it shows every command."""
    shown = genai(*arguments)

    assert shown.exit_code == 0
    for command in COMMANDS:
        assert re.search(rf"│ {command} +[A-Z]", shown.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(genai, command):
    """Each command explains itself, in paragraphs without a break of their own, and has JSON to give."""
    shown = genai(command, "-h", environ={"COLUMNS": "120", "NO_COLOR": "1"}).stdout

    assert f"Usage: genai {command}" in shown
    # `outage` becomes another program, whose output is its own, and `batch` writes JSON in any case.
    assert ("--json" in shown) is (command not in ("outage", "batch"))
    text = shown.partition("╭")[0]
    assert not re.search(r"(?m)^ \S.*[^.\s] *\n \S", text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-h",), ["--install-completion", "Find what is wrong with a set-up"]),
        (("chat", "-h"), ["-c, --continue", "--fallback <list[str]>"]),
        (("gateway", "-h"), ["--log-level <level>", "Find what is wrong with a gateway's set-up"]),
    ],
)
def test_help_in_a_narrow_terminal(main, monkeypatch, words, told):
    """In 40 columns the options' names and the commands' descriptions are whole."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(app.app, "rich_markup_mode", "rich")
    code, shown, _ = main(*words)

    assert code == 0
    assert max(map(len, shown.splitlines())) <= 40
    for text in told:
        assert text in " ".join(shown.split())
    assert "..." not in shown.replace("[ARGS]...", "").replace("[question]...", "").replace(
        "question...", ""
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(genai, shell):
    """The shells can complete the commands, options and listed models."""
    script = genai(environ={"_GENAI_COMPLETE": f"source_{shell}"})

    assert script.exit_code == 0
    assert "_GENAI_COMPLETE" in script.stdout


@pytest.mark.usefixtures("mixed")
def test_completion_of_models(genai):
    """Tab after `-m` gives the listed models."""
    environ = {
        "_GENAI_COMPLETE": "complete_bash",
        "COMP_WORDS": "genai chat -m seoul/gpt-4o-",
        "COMP_CWORD": "3",
    }

    assert genai(environ=environ).stdout.split() == ["seoul/gpt-4o-mini"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("genai check s", ["seoul"]),
        ("genai chat -m gpt-4o-mini-se", ["gpt-4o-mini-search-preview"]),
    ],
)
def test_completion_of_names(genai, using, connect, line, offered):
    """Tab gives connections, and the models of the keys' providers by their plain names."""
    using(connect("seoul"), connect("usa"))
    place = str(len(line.split()) - 1)
    environ = {"_GENAI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": place}

    found = genai(environ=environ).stdout.split()

    assert [row for row in found if not row[-1].isdigit()] == offered


def test_completion_without_connections_to_read(genai):
    """Tab stays silent where the models cannot be read."""
    environ = {"LANGFUSE_DATABASE_URL": "postgresql://127.0.0.1:1/x"}

    assert options.model_names("") == []
    environ |= {
        "_GENAI_COMPLETE": "complete_bash",
        "COMP_WORDS": "genai resolve ",
        "COMP_CWORD": "2",
    }
    assert genai(environ=environ).output.strip() == ""


def test_version(genai):
    """The version is that of the installed package."""
    assert genai("--version").stdout == f"genai-integrations {__version__}\n"


def test_as_a_module():
    """Where the script is not on the path, the module does the same."""
    command = [sys.executable, "-m", "genai_integrations.cli", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)

    assert shown.stdout == f"genai-integrations {__version__}\n"


@pytest.mark.parametrize("arguments", [("nonsense",), ("resolve",), ("models", "--jsn")])
def test_a_command_that_does_not_exist(genai, arguments):
    """A wrong command line ends with 2 and says so on stderr alone."""
    result = genai(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error" in result.stderr


@pytest.mark.parametrize("absent", ["typer", "rich"])
def test_without_the_extra(monkeypatch, absent):
    """The script of a bare installation names what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else name)

    with pytest.raises(SystemExit, match=rf"needs {absent}: (uv )?pip install .*\[cli\]'$"):
        cli.main()


def test_the_stub_imports_nothing_heavy():
    """The package of the command line costs nothing to those who do not use it; nor does what a gateway is asked for."""
    python(
        "import sys, genai_integrations.cli\n"
        "assert not {'typer', 'rich', 'genai_integrations.client'} & set(sys.modules)\n"
        "from genai_integrations.cli.gateway import alone, asked\n"
        "assert asked.read_plainly(['--port', '0']) is not None\n"
        "heavy = {'typer', 'rich', 'pydantic', 'asyncio', 'uvicorn', 'genai_integrations.client'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )


def test_help_is_quick():
    """Help loads neither the client nor anything that the client loads."""
    python(
        "import sys\n"
        "from genai_integrations.cli import app\n"
        "try: app.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'genai_integrations.client', 'urllib3', 'orjson', 'litellm', 'psycopg', 'langfuse',\n"
        "         'langchain_core', 'llama_index', 'genai_integrations.testing'}\n"
        "assert not heavy & set(sys.modules)"
    )


@pytest.mark.usefixtures("mixed")
def test_connections(genai, provider):
    """Each connection has a row; each that cannot be used has its reason below."""
    result = genai("connections")

    assert result.exit_code == 0
    assert result.stderr == ""
    header, *rows = (re.split(r"  +", line.strip()) for line in result.stdout.splitlines())
    host = provider.url.removeprefix("http://")
    assert header == ["name", "provider", "models", "host", "region", "state"]
    assert rows == [
        ["seoul", "openai", "gpt-4o, gpt-4o-mini", host, "-", "ok"],
        ["tokyo", "openai", "its provider's own", host, "-", "broken"],
        ["oslo", "-", "-", "-", "-", "broken"],
        [
            "tokyo: DecryptionError: secret_key of connection 'tokyo' cannot be decrypted: check the key"
        ],
        ["oslo: DecryptionError: the row is damaged"],
    ]


@pytest.mark.usefixtures("mixed")
def test_connections_as_json(genai, provider):
    """The same for programs."""
    rows = json.loads(genai("connections", "--json").stdout)

    assert rows[0] == {
        "name": "seoul",
        "provider": "openai",
        "models": ["gpt-4o", "gpt-4o-mini"],
        "default_models": False,
        "host": provider.url.removeprefix("http://"),
        "region": None,
        "state": "ok",
        "reason": None,
    }
    assert [row["state"] for row in rows] == ["ok", "broken", "broken"]
    assert rows[2]["reason"] == "DecryptionError: the row is damaged"


@pytest.mark.parametrize("flag", [(), ("--json",)])
def test_connections_show_no_secret(genai, using, connect, flag):
    """Neither a key nor a header nor a password in an address comes out."""
    headers = Secret('{"x-key": "sk-canary"}')
    using(
        connect("seoul", extra_headers=headers),
        connect("usa", base_url="https://user:sk-canary@example.com/v1?key=sk-canary"),
        connect("oslo", base_url="https://example.com/sk-canary/v1?key=sk-canary"),
    )

    result = genai("connections", *flag)

    assert "canary" not in result.output
    assert result.output.count("broken") == 1


def test_many_models(genai, using, connect):
    """A long list of models is cut in the table, but not in JSON."""
    names = tuple(f"model-{number}" for number in range(9))
    using(connect("seoul", custom_models=names))

    table, machine = genai("connections").stdout, genai("connections", "--json").stdout

    assert "model-0, model-1, model-2, model-3, 5 more, its provider's own " in table
    assert json.loads(machine)[0]["models"] == list(names)


@pytest.mark.parametrize(
    ("provider_name", "base_url", "host"),
    [
        ("openai", None, "api.openai.com"),
        ("openai", "http://gateway.example:80/v1", "gateway.example"),
        ("openai", "http://[::1]:8080/v1", "[::1]:8080"),
        ("openai", "https://{model}.example.com/v1", "{model}.example.com"),
        ("vertex", None, None),
    ],
)
def test_hosts(connect, provider_name, base_url, host):
    """The host is shown as a browser shows it; where a region decides, there is none."""
    row = overview.overview([connect("x", "{}", base_url=base_url, provider=provider_name)])[0]

    assert row.host == host


@pytest.mark.parametrize("base_url", ["ftp://example.com", "http://169.254.169.254/v1", "nonsense"])
def test_addresses_that_are_refused(connect, base_url):
    """An address that no call would use is broken here already."""
    row = overview.overview([connect("x", base_url=base_url)])[0]

    assert (row.state, row.host) == ("broken", None)


def test_names_that_would_steer_the_terminal(genai, using, connect):
    """Names are shown as they are, without markup and without control characters."""
    using(connect("[red]x\x1b[2J", custom_models=("m\x07\n1",)))

    for command in (("connections",), ("models",), ("resolve", "m\x1b[2J")):
        shown = genai(*command).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[red]x" in shown


def test_resolve(genai, using, connect):
    """The targets in order, and why."""
    arguments = {"router_args": {"model_group_alias": {"fast": "gpt-4o-mini"}}}
    using(connect("seoul"), connect("usa", custom_models=("gpt-4o-mini",)), **arguments)

    shown, machine = genai("resolve", "fast"), genai("resolve", "fast", "--json")

    assert shown.exit_code == machine.exit_code == 0
    assert shown.stdout.splitlines()[:4] == [
        "'fast' (alias of 'gpt-4o-mini') is served by:",
        "  1. usa/gpt-4o-mini  (lists it)",
        "  2. seoul/gpt-4o-mini  (its provider serves the family)",
        "  one outage takes it down: all 2 depend on one openai account",
    ]
    told = json.loads(machine.stdout)
    assert told.pop("outages")[0] == "all 2 depend on one openai account"
    assert told == {
        "name": "fast",
        "meant": "gpt-4o-mini",
        "targets": [
            {
                "target": f"{name}/gpt-4o-mini",
                "why": why,
                "restated": [],
                "provider": "openai",
                "region": None,
            }
            for name, why in (("usa", "lists it"), ("seoul", "its provider serves the family"))
        ],
        "missing": [],
    }


def test_resolve_what_nobody_serves(genai, using, connect):
    """Who does not serve it, and why; and 1."""
    listed = {"custom_models": ("gpt-4o", "gpt-4o-mini"), "with_default_models": False}
    using(connect("seoul", **listed), connect("usa"), connect("tokyo"))

    shown, machine = genai("resolve", "claude-x"), genai("resolve", "claude-x", "--json")

    assert shown.exit_code == machine.exit_code == 1
    assert shown.stdout.startswith(
        "No connection serves 'claude-x'. It needs a connection to anthropic or bedrock or vertex."
    )
    assert "seoul: lists only gpt-4o, gpt-4o-mini" in json.loads(machine.stdout)["missing"]


def test_check_one(genai, using, connect, provider):
    """The named connection is called once, with the model that it lists."""
    using(connect("seoul", custom_models=("my-model",)), connect("usa"))

    result = genai("check", "seoul")

    assert result.exit_code == 0
    assert re.fullmatch(r"seoul: ok, my-model answered in \d+ ms\n", result.stdout)
    assert [request.body["model"] for request in provider.requests] == ["my-model"]


@pytest.mark.usefixtures("mixed")
def test_check_all(genai, provider):
    """Without a name all are checked; one that fails makes it 1."""
    provider.api_keys = {"sk-canary"}

    shown, machine = genai("check"), genai("check", "--json")

    assert shown.exit_code == machine.exit_code == 1
    assert [line.partition(":")[0] for line in shown.stdout.splitlines()] == [
        "seoul",
        "tokyo",
        "oslo",
    ]
    first, second, third = json.loads(machine.stdout)
    assert first == {
        "connection": "seoul",
        "model": "gpt-4o",
        "ok": True,
        "ms": first["ms"],
        "error": None,
    }
    assert second["error"].startswith("DecryptionError: secret_key of connection 'tokyo'")
    assert (third["ok"], third["model"]) == (False, None)


def test_check_with_a_wrong_key(genai, using, connect, provider):
    """What the provider says is on the line, the key is not."""
    provider.api_keys = {"another"}
    using(connect("seoul"))

    result = genai("check")

    assert result.exit_code == 1
    assert result.stdout.startswith("seoul: AuthenticationError: ")
    assert "canary" not in result.output


@pytest.mark.usefixtures("mixed")
def test_check_an_unknown_name(genai):
    """A name that is not there is a failure that names those that are."""
    result = genai("check", "seol")

    assert result.exit_code == 1
    assert "no LLM connection named 'seol'; it has 'seoul'" in result.stdout


def test_from_the_environment(genai, provider):
    """With nothing else, the providers' own variables are the connections."""
    environ = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": f"{provider.url}/v1"}

    assert genai("resolve", "gpt-4o", environ=environ).exit_code == 0
    assert genai("check", "openai", environ=environ).exit_code == 0
    assert provider.requests[0].headers["authorization"] == "Bearer sk-canary"


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_without_connections(genai, command):
    """A beginner is told what to set, on stderr."""
    result = genai(*command)

    assert "There are no connections: set OPENAI_API_KEY" in result.stderr
    assert result.exit_code == (1 if command[0] in ("resolve", "check") else 0)


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_without_connections_as_json(genai, command):
    """A program gets JSON whatever happens, and no other word."""
    result = genai(*command, "--json")

    assert result.stderr == ""
    assert not json.loads(result.stdout) or command[0] == "resolve"


def test_setup_db(genai):
    """The SQL is all there is on stdout, so that it can be piped to psql."""
    result = genai("setup-db", "--project-id", "p-1", "--role", "reader")

    assert result.exit_code == 0
    assert "WHERE project_id = 'p-1'" in result.stdout
    assert 'CREATE ROLE "reader" LOGIN' in result.stdout


def test_setup_db_asks_langfuse(genai, langfuse):
    """Without a project id, it is the one of the key pair."""
    environ = {
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
        "LANGFUSE_HOST": langfuse.host,
    }

    shown = json.loads(genai("setup-db", "--json", environ=environ).stdout)

    assert (shown["project_id"], shown["role"]) == ("lab-project", "genai_reader")
    assert "WHERE project_id = 'lab-project'" in shown["sql"]


def test_setup_db_without_a_project(main):
    """Neither an id nor a key pair: the error names both ways."""
    code, out, err = main("setup-db")

    assert (code, out) == (1, "")
    assert err.startswith("ConfigurationError: the project is not known: give --project-id, or set")


def test_a_wrong_langfuse_secret(main, langfuse, monkeypatch):
    """An error is one line on stderr, `Name: message`, and 1."""
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", langfuse.public_key)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-canary")
    monkeypatch.setenv("LANGFUSE_HOST", langfuse.host)

    code, out, err = main("setup-db")

    assert (code, out) == (1, "")
    assert re.fullmatch(r"CredentialError: .*check LANGFUSE_SECRET_KEY.*\n", err)
    assert "canary" not in err


@pytest.fixture
def failing(monkeypatch):
    """A command that fails with an error over two lines."""

    def fail():
        raise ConfigurationError("[bold]one" + " and" * 40 + "\ntwo")

    monkeypatch.setattr(options, "client", fail)


@pytest.mark.usefixtures("failing")
def test_errors_are_one_line(main):
    """However long the message, and whatever markup it seems to have."""
    code, _, err = main("models")

    assert code == 1
    assert err == f"ConfigurationError: [bold]one{' and' * 40} two\n"


@pytest.mark.usefixtures("failing")
def test_errors_are_red_but_not_for_no_color(main, monkeypatch):
    """Colour where the terminal has it, unless NO_COLOR says no."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")

    red = main("models")[2]
    monkeypatch.setenv("NO_COLOR", "1")
    colourless = main("models")[2]

    assert "\x1b[1;31mConfigurationError" in red
    assert "31m" not in colourless


def test_every_provider_has_a_row_that_can_be_shown(genai, using, connect):
    """No provider's address or credential breaks the table."""
    using(*(connect(name, "{}", base_url=None, provider=name) for name in PROVIDERS))

    result = genai("connections", "--json")

    assert [row["provider"] for row in json.loads(result.stdout)] == list(PROVIDERS)


def test_what_langfuse_stores(genai, postgres, langfuse, monkeypatch, golden_connections):
    """The recorded connections of a real Langfuse can all be opened."""
    for name, value in {
        "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
        "LANGFUSE_SECRET_KEY": langfuse.secret_key,
        "LANGFUSE_HOST": langfuse.host,
        "LANGFUSE_DATABASE_URL": postgres.url,
        "LANGFUSE_ENCRYPTION_KEY": "0123456789abcdef" * 4,
    }.items():
        monkeypatch.setenv(name, value)

    rows = json.loads(genai("connections", "--json").stdout)

    assert len(rows) == len(golden_connections["llm_api_keys"])
    assert [row["name"] for row in rows if row["state"] != "ok"] == []
