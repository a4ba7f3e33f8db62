"""Resolutions in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_integrations.display import (
    Bundle,
    bad,
    bundle,
    escape,
    filled,
    money,
    muted,
    table,
    text_table,
)

if TYPE_CHECKING:
    from genai_integrations.routing.estimating import Estimate
    from genai_integrations.routing.names import Resolution


def resolution_bundle(resolution: Resolution) -> Bundle:
    """The targets in order, and why others are none."""
    alias = f", an alias of {resolution.meant}," if resolution.meant != resolution.name else ""
    served = "is served by" if resolution.targets else "is served by no connection"
    head = f"<div><b>{escape(resolution.name)}</b>{escape(alias)} {served}</div>"
    if resolution.error is not None:
        head += f"<div>{bad(resolution.error)}</div>"
    rows = [
        (at, row.name, row.why, "; ".join(resolution.restated.get(row.name, ())) or None)
        for at, row in enumerate(resolution.targets, 1)
    ]
    shown = table(*filled(("", "target", "why", "restated"), rows)) if rows else ""
    outages = "".join(
        f"<div>{muted(f'one outage takes it down: {shared}')}</div>"
        for shared in resolution.outages
    )
    missing = "".join(f"<div>{muted(f'not {reason}')}</div>" for reason in resolution.missing)
    return bundle(resolution.explain(), f"{head}{shown}{outages}{missing}")


def estimate_bundle(estimate: Estimate) -> Bundle:
    """The three sums, and those of each target."""
    headers = ("target", "tokens in", "tokens out", "low", "expected", "worst")
    rows = [
        (row.target, row.prompt_tokens, row.answer_tokens, *map(money, (row.low, row.expected, row.worst)))
        for row in estimate.targets
    ]  # fmt: skip
    text = f"{estimate}\n{text_table(headers, rows)}"
    return bundle(text, f"<div>{escape(estimate)}</div>{table(headers, rows)}")
