"""What to install is said so that it works in the environment that the package was installed into."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from genai_integrations.runtime.installing import to_install, to_install_extra

PACKAGE = Path(__file__).parents[2] / "genai_integrations"
COMMIT = "5f0c3a1d5f0c3a1d5f0c3a1d5f0c3a1d5f0c3a1d"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Metadata of the package as an installer leaves it, found before the real one's."""

    def leave(origin, installer="pip\n"):
        folder = tmp_path / "genai_integrations-0.1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: genai-integrations\n")
        if origin is not None:
            (folder / "direct_url.json").write_text(json.dumps(origin))
        if installer is not None:
            (folder / "INSTALLER").write_text(installer)
        monkeypatch.syspath_prepend(str(tmp_path))

    return leave


CHECKOUT = {"url": "file:///home/me/my%20src/genai", "dir_info": {"editable": True}}
GIT = {"url": "https://example.com/g.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
WHEEL = {"url": "file:///tmp/genai_integrations-0.1.0-py3-none-any.whl", "archive_info": {}}


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (CHECKOUT, "pip install -e '/home/me/my src/genai[redis]'"),
        ({**CHECKOUT, "dir_info": {}}, "pip install '/home/me/my src/genai[redis]'"),
        (GIT, "pip install 'genai-integrations[redis] @ git+https://example.com/g.git'"),
        (WHEEL, f"pip install 'genai-integrations[redis] @ {WHEEL['url']}'"),
        (None, "pip install 'genai-integrations[redis]'"),
    ],
)
def test_an_extra_comes_from_where_the_package_came(installed, origin, command):
    """From a checkout, a repository, a file, or an index."""
    installed(origin)

    assert to_install_extra("redis") == command


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://token@example.com/g.git", "https://example.com/g.git"),
        ("https://me:token@example.com/g.git", "https://example.com/g.git"),
        ("ssh://git@example.com/g.git", "ssh://git@example.com/g.git"),
    ],
)
def test_no_token_is_shown(installed, url, shown):
    """An installer keeps the address as it was given."""
    installed({**GIT, "url": url})

    assert to_install_extra("cli") == f"pip install 'genai-integrations[cli] @ git+{shown}'"


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("uv", "uv pip install 'litellm<2'"),
        ("pip\n", "pip install 'litellm<2'"),
        (None, "pip install 'litellm<2'"),
    ],
)
def test_the_installer_is_the_one_that_was_used(installed, installer, command):
    """An environment of uv's has no pip, and another's pip would install elsewhere."""
    installed(None, installer)

    assert to_install("litellm<2") == command


def test_every_message_asks_here():
    """No other module writes such a command, which would be wrong after an installation from a checkout."""
    written = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"pip install ['\"g]", path.read_text("utf-8"))
    ]

    assert written == ["runtime/installing.py"]
