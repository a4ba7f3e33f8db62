"""US dollars in a sentence."""

from __future__ import annotations


def dollars(usd: float) -> str:
    """A sum to six digits that matter, and never as `5e-05`: `$0.00005`."""
    text = f"{usd:.6g}"
    if "e" in text:
        from decimal import Decimal

        text = f"{Decimal(text):f}"
    return f"${text}"
