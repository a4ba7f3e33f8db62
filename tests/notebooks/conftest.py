"""A real Jupyter kernel, and what its cells show."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genai_integrations.testing.provider import ScriptedProvider

_TIMEOUT = 60
_KEPT = ("PATH", "HOME", "SYSTEMROOT", "PYTHONPATH", "LANG", "GENAI_CACHE_DIR")
KEY = "sk-notebook-4711"


@dataclass
class Cell:
    """What one cell has shown.

    Attributes:
        shown: Each display and each change of one, as `text/plain` and `text/html`.
        places: How many displays there are, whatever has changed in them.
        result: Its last value, as text.
        printed: What it wrote.
        error: The name of what it raised.
    """

    shown: list[dict[str, str]] = field(default_factory=list)
    places: int = 0
    result: str = ""
    printed: str = ""
    error: str = ""

    @property
    def html(self) -> str:
        """What is on the screen in the end, without the style."""
        return re.sub(r"<style>.*?</style>", "", self.shown[-1]["text/html"])

    @property
    def text(self) -> str:
        """The same as text."""
        return self.shown[-1]["text/plain"]


class Kernel:
    """A kernel in a process of its own; `everything` is all it has ever sent."""

    def __init__(self, manager, client):
        self._manager, self._client = manager, client
        self.everything = ""

    def run(self, code, until=None, do=None):
        """Run a cell to its end. When `until(cell)` becomes true, do `do(kernel)` once."""
        sent, cell = self._client.execute(code), Cell()
        while True:
            message = self._client.get_iopub_msg(timeout=_TIMEOUT)
            if message["parent_header"].get("msg_id") != sent:
                continue
            self.everything += str(message["content"])
            if message["content"].get("execution_state") == "idle":
                return cell
            _take(cell, message["msg_type"], message["content"])
            if until and until(cell):
                do(self)
                until = None

    def interrupt(self):
        """What the stop button does."""
        self._manager.interrupt_kernel()


def _take(cell, kind, content):
    if kind in {"display_data", "update_display_data"}:
        cell.shown.append(content["data"])
        cell.places += kind == "display_data"
    elif kind == "execute_result":
        cell.result = content["data"]["text/plain"]
    elif kind == "stream":
        cell.printed += content["text"]
    elif kind == "error":
        cell.error = content["ename"]


@pytest.fixture(scope="session")
def jupyter_environment(tmp_path_factory):
    """Variables with which Jupyter's programs find nothing of the user's own."""
    home = tmp_path_factory.mktemp("jupyter")
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    own = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    return {
        **kept,
        **{name: str(home / name.lower()) for name in own},
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), kept.get("PYTHONPATH")))),
    }


@pytest.fixture(scope="module")
def running_kernel(jupyter_environment):
    """A kernel with the extension loaded."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel(env=jupyter_environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_TIMEOUT)
        kernel = Kernel(manager, client)
        assert not kernel.run("%load_ext genai_integrations").error
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def kernel(running_kernel, provider):
    """The kernel, with a client in `client` whose only connection is `provider`."""
    running_kernel.run(
        "from genai_integrations import Connection, GenAIClient\n"
        f"client = GenAIClient(connections=[Connection.of('usa', 'openai', {KEY!r}, '{provider.url}/v1')],"
        " router_args={'num_retries': 0})"
    )
    yield running_kernel

    assert KEY not in running_kernel.everything.replace(f"'openai', '{KEY}'", "")


@pytest.fixture
def provider():
    """A scripted provider with a name that its answers say."""
    with ScriptedProvider("usa") as server:
        yield server
