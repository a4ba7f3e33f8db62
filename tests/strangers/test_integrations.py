"""docs/integrations.md is true: each example runs with the real library, in an environment that has it beside ours."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from docs_support import ROOT, assert_shown, blocks
from stranger_installs import beside_ours

pytestmark = pytest.mark.slow

CITY = '{"name": "Seoul", "people": 9000000}'
THOUGHTS = (
    "[[ ## reasoning ## ]]\nIt is known.\n\n[[ ## answer ## ]]\nSeoul\n\n[[ ## completed ## ]]\n"
)
COUNT = {"tool_calls": [{"name": "people", "arguments": {"city": "Seoul"}}]}
LIBRARIES = {
    "instructor": (
        ["instructor==1.17.0"],
        {"tool_calls": [{"name": "City", "arguments": CITY}]},
    ),
    "pydantic-ai-slim": (
        ["pydantic-ai-slim[openai]==2.68.0"],
        {"tool_calls": [{"name": "final_result", "arguments": CITY}]},
    ),
    "openai-agents": (
        ["openai-agents==0.24.0"],
        lambda body: "Nine million." if "9000000" in str(body) else COUNT,
    ),
    "dspy": (["dspy==3.4.1"], THOUGHTS),
    "langgraph-checkpoint-sqlite": (["langgraph-checkpoint-sqlite==3.1.2"], None),
    "ragas": (
        ["ragas==0.4.3", "langchain-community==0.4.1"],
        '{"reason": "It greets.", "verdict": 1}',
    ),
    "deepeval": (["deepeval==4.3.1"], '{"reason": "The sum is right.", "score": 9}'),
    "jupyter-ai-persona-manager": (["jupyter-ai-persona-manager==0.2.2"], None),
}
"""What each needs, and what the provider answers it."""

DRIVERS = {
    "jupyter-ai-persona-manager": """
import asyncio

from jupyterlab_chat.models import NewMessage
from jupyterlab_chat.ychat import YChat
from pycrdt import Awareness, Doc


async def chat():
    document = Doc()
    chat = YChat(document, Awareness(document))
    persona = RouterPersona(chat=chat)
    asked = chat.get_message(chat.add_message(NewMessage(body="Hello!", sender="mina")))
    await persona.process_message(asked)
    print(chat.get_messages()[-1].body)


asyncio.run(chat())
"""
}
"""What the library itself would do with the example; others do it at once."""

QUIET = {"DEEPEVAL_TELEMETRY_OPT_OUT": "1", "RAGAS_DO_NOT_TRACK": "true"}
"""None of them may call home, where nobody answers."""


def examples():
    """The examples of the page that need a library, each with the block that shows what it prints."""
    page = list(blocks(ROOT / "docs" / "integrations.md"))
    return {
        re.fullmatch("needs (.+)", block.marks["no-run"])[1]: (block, page[at + 1])
        for at, block in enumerate(page)
        if "no-run" in block.marks
    }


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_example_of_a_library_runs(name, provider, tmp_path):
    """With the provider's answer as it would be, it prints what the page shows."""
    packages, answer = LIBRARIES[name]
    python = beside_ours(f"{name}-{packages[0].rpartition('==')[2]}", packages)
    if answer is not None:
        provider.replies["*"] = answer
    block, shown = examples()[name]
    done = subprocess.run(
        [str(python), "-c", block.text + DRIVERS.get(name, "")],
        env={
            **os.environ,
            **QUIET,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "OPENAI_API_KEY": "sk-example",
            "OPENAI_BASE_URL": f"{provider.url}/v1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert_shown(shown, done.stdout)
    assert provider.requests


def test_each_library_of_the_page_is_run():
    """An example that nobody runs is not there."""
    assert examples().keys() == LIBRARIES.keys()
