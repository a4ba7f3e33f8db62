"""HTTP headers of one call: a call may say something of itself, never who it is or where it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from genai_integrations.errors import ConfigurationError

Headers = Mapping[str, str]
"""Values by name, the names in lower case."""

_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~\t]*")
_REFUSED = re.compile(
    # Who it is.
    r"authori[sz]ation|(^|-)auth(-|$)|api[-_]?key|access[-_]?key|token|secret|cookie|credential|password|signature"
    # Where it goes, and whose account pays.
    r"|(^|[-_])(host|url|uri|base|endpoint|route|target|organi[sz]ation|project|workspace|account|tenant)([-_]|$)"
    r"|(^|-)forwarded|^(proxy|x-amz|x-goog|x-ms|x-portkey|cf-aig|cf-access)-|^via$"
    # What belongs to HTTP itself.
    r"|^(connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|accept-encoding|keep-alive)$"
)


def checked_headers(given: object) -> Headers:
    """A call's `extra_headers`, as they are sent.

    Raises:
        ConfigurationError: One of them would be a key, an address or a part of HTTP itself, or is no header.
            No value is told.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            "extra_headers must be a dict of strings, such as {'anthropic-beta': '...'}"
        )
    return {_checked_name(name): _checked_value(name, value) for name, value in given.items()}


def headers_for(headers: Headers, provider: str, model: str) -> Headers:
    """Those that a target is sent: Anthropic's own go where a Claude is, and nowhere else."""
    if provider == "anthropic" or "claude" in model.lower():
        return headers
    return {name: text for name, text in headers.items() if not name.startswith("anthropic-")}


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name.lower()):
        raise ConfigurationError("extra_headers has a name that no header can have")
    if _REFUSED.search(name.lower()):
        raise ConfigurationError(
            f"a call may not set extra_headers[{name!r}]: keys and addresses belong to connections; "
            "store the header with its connection in Langfuse, or pass connections=[...]"
        )
    return name.lower()


def _checked_value(name: object, value: object) -> str:
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ConfigurationError(f"extra_headers[{name!r}] must be one line of ASCII text")
    return value
