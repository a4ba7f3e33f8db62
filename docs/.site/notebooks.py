"""The notebooks as pages of the site, with their stored outputs, beside the files to download."""  # noqa: INP001 - a hook, no package

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_LINK = re.compile(r"\]\(\.\./(notebooks/[\w.-]+)\.ipynb\)")
_DOWNLOAD = "[Download this notebook]({}) to run it: it needs no account and no key.\n\n"
_SVG = "image/svg+xml"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks, their pictures, and a page for each."""
    root = Path(config.docs_dir).parent
    for path in sorted((*root.glob("notebooks/*.ipynb"), *root.glob("notebooks/pictures/*.png"))):
        name = path.relative_to(root).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
        if path.suffix == ".ipynb":
            for beside, content in _pages(path):
                files.append(File.generated(config, f"notebooks/{beside}", content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead the links of `docs/`, which are right in the repository, to these pages."""
    return _LINK.sub(r"](\1.md)", markdown)


def _pages(path: Path) -> Iterator[tuple[str, str]]:
    """The charts of a notebook and its page, as names and contents."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    parts = []
    for at, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source if at else _with_download(source, path.name))
            continue
        # The magics of a whole cell are no Python.
        parts.append(f"```{'text' if source.startswith('%%') else 'python'}\n{source}\n```")
        for number, output in enumerate(cell["outputs"]):
            name = f"{path.stem}_{at}_{number}.svg"
            data = output.get("data") or {"text/plain": output["text"]}
            if _SVG in data:
                yield name, "".join(data[_SVG])
            parts.append(_output(data, name))
    yield f"{path.stem}.md", "\n\n".join(parts)


def _with_download(source: str, name: str) -> str:
    """The first cell of a notebook, with the link below its title."""
    title, rest = source.split("\n\n", 1)
    return f"{title}\n\n{_DOWNLOAD.format(name)}{rest}"


def _output(data: Mapping[str, Any], picture: str) -> str:
    """What a cell showed, in the best form that it has."""
    text = "".join(data["text/plain"])
    if _SVG in data:
        return f"![{text}]({picture})"
    if "text/html" in data:
        # Without empty lines, at which Markdown would begin anew.
        html = re.sub(r"\n\s*", "\n", "".join(data["text/html"]))
        return f'<div class="site-output">{html}</div>'
    return f"``` {{ .text .no-copy }}\n{text}\n```"
