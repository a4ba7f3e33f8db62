"""The measured numbers as tables."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from contenders import OURS
from imports import CLIENT, TIMED, FirstCall, Loaded
from measure import Contender
from targets import FIRST_CALL, IMPORT_OF_CLIENT, reach_of

_PACKAGES = (
    "genai-integrations",
    "aiohttp",
    "anthropic",
    "boto3",
    "google-genai",
    "langchain-core",
    "langchain-litellm",
    "langchain-openai",
    "langfuse",
    "litellm",
    "llama-index-core",
    "llama-index-llms-litellm",
    "llama-index-llms-openai",
    "openai",
    "orjson",
    "pydantic",
    "urllib3",
)
_COMPARED = {
    "genai_integrations.langchain": "langchain_core.language_models.chat_models",
    "genai_integrations.llama_index": "llama_index.core",
}


def cpu_table(contenders: Sequence[Contender]) -> list[str]:
    """CPU per call or chunk: ours, the peer's, the ratio, the number to reach."""
    by_row: dict[str, list[Contender]] = {}
    for contender in contenders:
        by_row.setdefault(contender.row, []).append(contender)
    lines = []
    for row, rivals in by_row.items():
        ours = next(each for each in rivals if each.name == OURS)
        lines += [_line(row, ours, rival) for rival in rivals if rival is not ours]
    return _table(("work", "ours, us", "peer", "peer, us", "ratio", "reach", ""), lines)


def import_table(seconds: Mapping[str, float]) -> list[str]:
    """CPU of each import, and the ratio to the framework's own where there is one."""
    lines = []
    for module in TIMED:
        peer = _COMPARED.get(module)
        ratio = seconds[module] / seconds[peer] if peer else None
        reach = reach_of(module, peer) if peer else None
        shown = "" if ratio is None else f"{ratio:.2f}x of `{peer}`"
        judged = _judged(ratio, reach)
        if module == CLIENT:
            judged = _within(seconds[module], IMPORT_OF_CLIENT)
        lines.append((f"`{module}`", f"{seconds[module] * 1000:.0f}", shown, *judged))
    return _table(("import", "CPU, ms", "ratio", "reach", ""), lines)


def loaded_table(rows: Iterable[Loaded]) -> list[str]:
    """Modules after the import and after the first call."""
    lines = [
        (
            f"`{row.module}`",
            str(row.imported),
            ", ".join(row.heavy_imported) or "none",
            str(row.called),
            ", ".join(row.heavy_called) or "none",
        )
        for row in rows
    ]
    head = ("entry", "modules imported", "heavy ones", "after the first call", "heavy ones")
    return _table(head, lines)


def first_call_table(rows: Iterable[FirstCall]) -> list[str]:
    """CPU of the first call beyond the import of the client, and what it loads."""
    lines = [
        (
            row.family,
            f"{row.seconds * 1000:.0f}",
            *_within(row.seconds, FIRST_CALL),
            str(row.modules),
            ", ".join(row.heavy) or "none",
        )
        for row in rows
    ]
    return _table(("first call to", "CPU, ms", "reach", "", "modules", "heavy ones"), lines)


def circumstances(rounds: int) -> list[str]:
    """When, where and with what it was measured."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    measured = (
        f"Measured {dt.datetime.now(tz=dt.UTC):%Y-%m-%d %H:%M} UTC, median of {rounds} rounds; "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load} "
        "at the end (the machine had other work too, so only ratios count)."
    )
    return [
        measured,
        "",
        ", ".join(f"{name} {_version(name)}" for name in _PACKAGES) + ".",
    ]


def _line(row: str, ours: Contender, rival: Contender) -> tuple[str, ...]:
    ratio = ours.microseconds / rival.microseconds
    judged = _judged(ratio, reach_of(row, rival.name))
    return (
        row,
        f"{ours.microseconds:.0f}" if ours.microseconds > _ROUND else f"{ours.microseconds:.1f}",
        rival.name,
        f"{rival.microseconds:.0f}",
        f"{ratio:.3f}x",
        *judged,
    )


_ROUND = 100
"""Microseconds beyond which a decimal says nothing."""


def _judged(ratio: float | None, reach: float | None) -> tuple[str, str]:
    if ratio is None or reach is None:
        return "", ""
    return f"<= {reach:g}x", "met" if ratio <= reach else "**not met**"


def _within(seconds: float, most: float) -> tuple[str, str]:
    return f"<= {most * 1000:.0f} ms", "met" if seconds <= most else "**not met**"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (head, *lines)) for at in range(len(head))]
    cells = [head, ["-" * width for width in widths], *lines]
    return [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
