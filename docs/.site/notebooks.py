"""Pages link to the notebooks beside `docs/`; on the site these are files to download."""  # noqa: INP001 - a hook, no package

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_LINK = re.compile(r"\]\(\.\./(notebooks/[\w.-]+\.ipynb)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks."""
    root = Path(config.docs_dir).parent
    for path in sorted(root.glob("notebooks/*.ipynb")):
        name = path.relative_to(root).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead the links to them."""
    return _LINK.sub(r"](\1)", markdown)
