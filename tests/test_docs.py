"""The documentation is true: its examples run, its outputs are real, its tables are complete."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import subprocess
import sys
from unittest import mock

import pytest
from docs_support import (
    PAGES,
    ROOT,
    assert_shown,
    blocks,
    commands,
    langfuse_variables,
    rows,
    run,
)

from genai_integrations import Connection, GenAIClient, client, errors
from genai_integrations.calls.args import PER_CALL, RouterArgs
from genai_integrations.calls.cache_control import CacheControl
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.testing.server import LoopbackServer
from genai_integrations.transports.dispatch import dialect_of
from genai_integrations.transports.openai.copies import COPIES, OPENAI, Copy
from genai_integrations.transports.remedies.known import ELSEWHERE, KNOWN
from genai_integrations.transports.remedies.rows import REMEDIES

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture
def openai(provider):
    """Variables with which examples find an OpenAI that repeats what it is told."""
    return {"OPENAI_API_KEY": "sk-example", "OPENAI_BASE_URL": f"{provider.url}/v1"}


@pytest.fixture
def langfuse(page, provider, request):
    """Variables with which they find a Langfuse, on a page that has such examples."""
    if not any("langfuse" in block.marks for block in blocks(page)):
        yield {}
        return
    database = request.getfixturevalue("database")
    with langfuse_variables(database, provider.url) as variables:
        yield variables


@pytest.fixture
def variables():
    """Those that an example sets itself are gone after its page."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def names(own_providers, variables):
    """The names of a page's examples; what they opened is closed in the end, what they registered is forgotten."""
    names = {"__name__": "example"}
    # LlamaIndex uses the thread's event loop; where there is none it makes one and never closes it.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield names
    asyncio.set_event_loop(None)
    loop.close()
    for value in names.values():
        if isinstance(value, GenAIClient | LoopbackServer):
            value.close()


@each_page
def test_examples_run_and_print_what_is_shown(page, names, openai, langfuse, monkeypatch, tmp_path):
    """The examples of a page run in order, as one program, each with the variables that its mark names."""
    # What they write stays out of the project.
    monkeypatch.chdir(tmp_path)
    printed = ""
    for block in blocks(page):
        variables = langfuse if "langfuse" in block.marks else openai
        variables = {} if "nothing" in block.marks else variables
        with monkeypatch.context() as patch:
            patch.setattr(client, "_default", [])
            for name, value in variables.items():
                patch.setenv(name, value)
            printed = run(block, names) if block.is_run else printed
            for made in client._default:
                made.close()
        if "output" in block.marks:
            assert_shown(block, printed)


@each_page
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file that exists, and a heading that the file has."""
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text("utf-8")):
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        found = re.findall(r"(?m)^#+ (.+)$", file.read_text("utf-8")) if heading else []
        slugs = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in found]
        assert not heading or heading in slugs, target


@pytest.mark.slow
def test_the_tests_of_the_page_on_testing_pass(tmp_path):
    """A program, its fixtures and its tests, as the page has them, in a pytest of their own."""
    examples = [
        row.text for row in blocks(ROOT / "docs" / "testing.md") if row.language == "python"
    ]
    (tmp_path / "test_shop.py").write_text("\n".join(examples[:3]), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shop.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "2 passed" in done.stdout, done.stdout


def test_examples_by_hand_are_short():
    """Each part of one's own takes under 30 lines."""
    examples = [row for row in blocks(ROOT / "docs" / "by_hand.md") if row.language == "python"]

    assert len(examples) == 12
    assert max(row.text.count("\n") for row in examples) < 30


def test_the_routing_page_has_every_argument():
    """The table of `router_args` has each field, its default, and whether one call may set it."""
    nothing = (None, (), {}, dataclasses.asdict(CacheControl()))
    shown = rows("routing.md", r"`(\w+)` \| (none|`\S+`) \| .+ \|(?: (yes))?")

    assert shown == [
        (name, "none" if value in nothing else f"`{value!r}`", "yes" * (name in PER_CALL))
        for name, value in dataclasses.asdict(RouterArgs()).items()
    ]


def test_the_errors_page_has_every_error():
    """Each class of the tree has a row that says what it means and what to do, and is in the reference."""
    tree = [
        name
        for name, kind in vars(errors).items()
        if getattr(kind, "__module__", "") == errors.__name__
    ]

    tree.remove("_rebuild")
    reference = (ROOT / "docs" / "reference_errors.md").read_text("utf-8")
    assert tree == rows("errors.md", r"`(\w+)`(?= \| .+ \| .+)")
    assert sorted(tree) == sorted(re.findall(r"::: genai_integrations\.errors\.(\w+)", reference))


def test_the_page_of_variables_has_every_variable():
    """Whatever the package reads is there, and nothing else."""
    read = set()
    for module in ("settings", "connections/providers", "connections/environment"):
        source = (ROOT / "genai_integrations" / f"{module}.py").read_text("utf-8")
        read |= set(re.findall(r'"([A-Z0-9]+(?:_[A-Z0-9]+)+)"', source))
    read |= {
        "GENAI_CACHE_DIR",
        "NO_COLOR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    }

    assert set(rows("environment_variables.md", r"`([A-Z0-9_]+)`")) == read


def test_the_connections_page_has_every_provider():
    """Each provider's row has the variables that make it a connection, and who calls it."""
    shown = rows("connections.md", r"`([\w-]+)` \|( .*)\| (directly|through LiteLLM)")

    assert [(name, re.findall(r"`([A-Z0-9_]+)`", cells), how) for name, cells, how in shown] == [
        (
            row.name,
            [*row.key_variables, *row.url_variables, *row.region_variables],
            "through LiteLLM" if row.dialect == "litellm" else "directly",
        )
        for row in PROVIDERS.values()
    ]


def test_the_page_of_models_says_who_speaks_to_whom():
    """Each row is so, for its provider and the models that it names, and all without a row copied OpenAI's API."""
    shown = rows("models.md", r"`([\w-]+)` \| (.+?) \| `(\w+)` \|.*")

    for provider, models, dialect in shown:
        connection = Connection.of("mine", provider, "sk-example")
        for model in re.findall("`([^`]+)`", models) or ["any"]:
            spoken = dialect_of(connection, model)
            assert _CLASSES[dialect] == (type(spoken).__name__ if spoken else None), model
    assert len(shown) == 8
    others = [row for row in PROVIDERS.values() if row.name not in {name for name, *_ in shown}]
    assert {row.dialect for row in others} == {"openai"}
    forced = Connection.of("mine", "anthropic", "sk-example", dialect="litellm")
    assert dialect_of(forced, "claude-sonnet-4-5") is None


_CLASSES = {
    "anthropic": "AnthropicDialect",
    "bedrock": "BedrockDialect",
    "gemini": "GeminiDialect",
    "litellm": None,
    "openai": "OpenAIDialect",
    "responses": "ResponsesDialect",
}


def test_the_page_of_providers_says_what_each_takes():
    """Each row names all that is left out, renamed and said otherwise, and every remedy has a row."""
    shown = rows("providers.md", r"`([\w-]+)` \|([^|\n]*)\|([^|\n]*)\|([^|\n]*)\|([^|\n]*)")

    assert {
        name: [set(re.findall("`([^`]+)`", cell)) for cell in cells] for name, *cells in shown
    } == {name: _taken(name) for name in {*COPIES, *KNOWN}}
    remedies = [remedy.name for remedy in REMEDIES if remedy.kind != "drop"]
    assert rows("providers.md", r"`([^`]+)` \| (?:bridge|re\w+|weaken)")[:-1] == remedies
    page = (ROOT / "docs" / "providers.md").read_text("utf-8")
    assert {remedy.param for remedy in REMEDIES if remedy.kind == "drop"} <= set(
        re.findall("`([^`\n]+)`", page.partition("What can be left out")[2])
    )


def _taken(name):
    """What the tables say of a provider, in the order of the page's columns."""
    copy = OPENAI if name in ("openai", "azure") else COPIES.get(name, Copy())
    return [
        {refused for row in copy.parameters for refused in row.refuses},
        {f"{old} as {new}" for row in copy.parameters for old, new in row.renames.items()},
        {remedy.name for remedy in KNOWN.get(name, ELSEWHERE)},
        set(copy.refuses_keys),
    ]


def test_the_page_of_the_command_line_has_every_command():
    """Each command has a heading, and its help as it is."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")

    for command in commands():
        assert f"\n## genai {command.split()[0]}\n" in page
        assert f"\n$ genai {command} --help\n" in page


def test_the_right_hand_side_of_coming_from_works(names, openai, monkeypatch):
    """Every expression that a table offers in place of another runs, and every error is one of ours."""
    for name, value in openai.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "_default", [])
    page = ROOT / "docs" / "coming_from.md"
    run(next(blocks(page)), names)
    text = page.read_text("utf-8")
    offered = [here for here in re.findall(r"(?m)^\| [^|]+ \| ([^|]+) \|$", text) if "`" in here]
    for code in (part for here in offered for part in re.findall(r"`([^`]+)`", here)):
        if code.endswith("Error"):
            assert hasattr(errors, code.split()[-1]), code
        elif re.match(r"\w+(\.\w+)*\(", code) and ".acompletion" not in code:
            eval(code, names)


def test_every_page_is_in_the_navigation():
    """The site has every page of `docs/`."""
    listed = re.findall(r"(?m)^ +- .+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"))

    assert sorted(listed) == sorted(page.name for page in PAGES if page.parent.name == "docs")


def test_the_magics_are_loaded_in_a_cell_of_their_own():
    """IPython reads the whole of a cell before it runs it, so nothing below `%load_ext` would be known yet."""
    loading = [row for page in PAGES for row in blocks(page) if "%load_ext" in row.text]

    assert len(loading) == 2
    assert {row.text for row in loading} == {"%load_ext genai_integrations\n"}
