"""The rows of `model_list` as a file has them: what LiteLLM alone reads is left out, and local rows come last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from genai_integrations.calls.groups import WITHOUT_MEANING
from genai_integrations.config.connections import SECRET_KEYS, filled_in
from genai_integrations.config.document import Path_
from genai_integrations.config.litellm_words import IN_ROWS
from genai_integrations.settings import ENVIRON

Notes = list[tuple[Path_, str]]


def rows_of(rows: Any, variables: Mapping[str, str]) -> tuple[list[Any], Notes]:
    """The rows for `router_args["model_list"]`, and what is to be said of them.

    Whatever is no row is left as it is: the argument's own check says what is wrong with it.

    Args:
        rows: What stands under `model_list`.
        variables: What the file itself gives for variables.
    """
    if not isinstance(rows, list):
        return rows, []
    notes: Notes = []
    read = [_row(row, ("model_list", at), variables, notes) for at, row in enumerate(rows)]
    groups: dict[object, list[int]] = {}
    for at, row in enumerate(read):
        if isinstance(row, Mapping) and isinstance(row.get("litellm_params"), Mapping):
            groups.setdefault(str(row.get("model_name")), []).append(at)
    for group, members in groups.items():
        _put_local_last(group, members, read, notes)
    return read, notes


def _row(row: Any, path: Path_, variables: Mapping[str, str], notes: Notes) -> Any:
    params = row.get("litellm_params") if isinstance(row, Mapping) else None
    if not isinstance(params, Mapping):
        return row
    kept = {}
    for name, value in params.items():
        if name in WITHOUT_MEANING:
            notes.append(((*path, "litellm_params", name), f"{name} has no effect here"))
            continue
        if name in SECRET_KEYS and isinstance(value, str) and not value.startswith(ENVIRON):
            notes.append(
                (
                    (*path, "litellm_params", name),
                    f"{name} stands in the file itself: {ENVIRON}NAME keeps it out",
                )
            )
        kept[name] = filled_in(value, variables, only_the_files=True)
    for name in row.keys() - IN_ROWS:
        notes.append(((*path, name), f"{name} has no effect here"))
    return {name: row[name] for name in row if name in IN_ROWS} | {"litellm_params": kept}


def _put_local_last(group: object, members: list[int], rows: list[Any], notes: Notes) -> None:
    """A local row beside cloud rows comes last, unless its weight or order says otherwise.

    LiteLLM would shuffle them. Who puts a local model beside a paid one means "cloud first, local as fallback".
    """
    local = [at for at in members if _is_local(rows[at]["litellm_params"])]
    if len(local) == len(members):
        return
    for at in local:
        params = rows[at]["litellm_params"]
        if params.get("weight") is None and params.get("order") is None:
            rows[at] = {**rows[at], "litellm_params": {**params, "order": 1}}
            words = (
                f"a local row of {group!r} beside cloud rows comes last: "
                "give it a weight or an order if you want another order"
            )
            notes.append((("model_list", at), words))


def _is_local(params: Mapping[str, Any]) -> bool:
    model = str(params.get("model"))
    address = params.get("api_base") or params.get("base_url")
    host = urlsplit(address).hostname if isinstance(address, str) else None
    return model.startswith(("ollama/", "ollama_chat/")) or host in _LOOPBACK


_LOOPBACK = ("localhost", "127.0.0.1", "::1", "host.docker.internal")
