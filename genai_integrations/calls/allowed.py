"""Which models a call may use, by patterns such as `gpt-4o*`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def may_use(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits a name, or what stands behind a slash of it: `gpt-4o*` fits `seoul/gpt-4o-mini` too.

    Args:
        name: As a caller writes it, or `connection/model`.
        patterns: `*` in them stands for anything; case counts.
    """
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        return True
    _, slash, rest = name.partition("/")
    return bool(slash) and may_use(rest, patterns)
