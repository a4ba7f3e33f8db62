"""Replies that tests have a provider give."""

from __future__ import annotations

import json


def tool_call(name, **arguments):
    """A message that calls a tool."""
    return {"tool_calls": [{"name": name, "arguments": json.dumps(arguments)}]}
