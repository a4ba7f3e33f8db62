"""US dollars in a sentence."""

from __future__ import annotations


def dollars(usd: float) -> str:
    """A sum such as `$0.00005`."""
    return f"${written_out(usd)}"


def written_out(usd: float) -> str:
    """To six digits that matter, and never as `5e-05`."""
    text = f"{usd:.6g}"
    if "e" not in text:
        return text
    from decimal import Decimal

    return f"{Decimal(text):f}"
