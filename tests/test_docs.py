"""The documentation is true: its examples run, its outputs are real, its tables are complete."""

from __future__ import annotations

import ast
import dataclasses
import re
import uuid

import pytest
from docs_support import PAGES, ROOT, assert_shown, blocks, run_console, run_python

from genai_integrations import GenAIClient, client, errors
from genai_integrations.connections.providers import PROVIDERS
from genai_integrations.routing.args import PER_CALL, RouterArgs
from genai_integrations.testing.langfuse import LangfuseStandIn
from genai_integrations.testing.server import LoopbackServer

_DOCS = ROOT / "docs"
_PROJECT = "docs-project"
_KEY, _LOST_KEY = "5a" * 32, "6b" * 32


@pytest.fixture
def langfuse_variables(database, provider):
    """What the examples with a Langfuse find: three connections, one with a lost key, and a prompt."""
    own = {"project_id": _PROJECT, "encryption_key": _KEY}
    for name in ("seoul", "usa"):
        database.insert_connection(
            name, "openai", f"sk-{name}", base_url=f"{provider.url}/v1", **own
        )
    azure = {"base_url": f"{provider.url}/openai", "with_default_models": False}
    models = ["gpt-4o-mini", "gpt-4o"]
    database.insert_connection("azure_test", "azure", "key", custom_models=models, **azure, **own)
    own["encryption_key"] = _LOST_KEY
    database.insert_connection("lost", "openai", "sk", base_url=f"{provider.url}/v1", **own)
    with LangfuseStandIn(public_key=f"pk-lf-{uuid.uuid4()}", project_id=_PROJECT) as langfuse:
        langfuse.create_prompt("variable_template", "Translate to {{language}}: {{text}}")
        yield {
            "LANGFUSE_HOST": langfuse.host,
            "LANGFUSE_PUBLIC_KEY": langfuse.public_key,
            "LANGFUSE_SECRET_KEY": langfuse.secret_key,
            "LANGFUSE_DATABASE_URL": database.url,
            "LANGFUSE_ENCRYPTION_KEY": _KEY,
        }


@pytest.fixture
def names():
    """The names of a page's examples; what they opened is closed in the end."""
    names = {"__name__": "example"}
    yield names
    for value in names.values():
        if isinstance(value, GenAIClient | LoopbackServer):
            value.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run_and_print_what_the_page_shows(
    page, names, provider, langfuse_variables, monkeypatch
):
    """The examples of a page run in order, as one program; each `langfuse` one finds a Langfuse."""
    openai = {"OPENAI_API_KEY": "sk-example", "OPENAI_BASE_URL": f"{provider.url}/v1"}
    printed = ""
    for block in blocks(page):
        with monkeypatch.context() as patch:
            patch.setattr(client, "_default", [])
            for name, value in (langfuse_variables if "langfuse" in block.marks else openai).items():
                patch.setenv(name, value)
            if block.is_run:
                run = run_python(block, names) if block.language == "python" else run_console(block)
                printed = run
            for made in client._default:
                made.close()
        if "output" in block.marks:
            assert_shown(block, printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file that exists, and a heading that the file has."""
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text("utf-8")):
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        found = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M) if heading else []
        slugs = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in found]
        assert not heading or heading in slugs, target


def test_the_routing_page_has_every_argument_with_its_default():
    """The table of `router_args` has a row for each field, and marks those that one call may set."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|.*\| (yes)? ?\|$", _read("routing.md"), re.M)
    shown = {name: (default, bool(per_call)) for name, default, per_call in rows}
    real = dataclasses.asdict(RouterArgs())

    assert shown == {
        name: ("none" if value in (None, (), {}) else f"`{value!r}`", name in PER_CALL)
        for name, value in real.items()
    }


def test_the_errors_page_has_every_error():
    """Each class of the tree has a row that says what it means and what to do."""
    tree = [name for name, kind in vars(errors).items() if isinstance(kind, type)]

    assert set(tree) - {"Any", "Sequence"} == set(
        re.findall(r"^\| `(\w+)` \|", _read("errors.md"), re.M)
    )


def test_the_page_of_variables_has_every_variable():
    """Whatever the package reads is there, and nothing else."""
    page = set(re.findall(r"^\| `(\w+)`", _read("environment_variables.md"), re.M))
    read = set()
    for module in ("settings", "connections/providers", "connections/environment"):
        tree = ast.parse((ROOT / "genai_integrations" / f"{module}.py").read_text("utf-8"))
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        read |= {text for text in texts if re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", str(text))}

    assert read <= page
    assert page - read == {"GENAI_CACHE_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def test_the_connections_page_has_every_provider():
    """Each provider's row has the variables that make it a connection."""
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", _read("connections.md"), re.M)
    shown = {name: set(re.findall(r"`([A-Z_]+)`", row)) for name, row in rows}

    for row in PROVIDERS.values():
        assert {*row.key_variables, *row.url_variables, *row.region_variables} <= shown[row.name]


def _read(name):
    return (_DOCS / name).read_text("utf-8")
