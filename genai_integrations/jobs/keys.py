"""A short name for what is asked, the same in every process."""

from __future__ import annotations

import hashlib
import json


def key_of(asked: object) -> str:
    """A hash of what is sent, in 20 hexadecimal digits: 80 bits, so that a million requests do not meet by chance."""
    # Sorted, because the order of parameters changes no answer; a file that is resumed has the keys of an earlier run.
    text = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
