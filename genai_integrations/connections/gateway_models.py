"""Which models a gateway says that it has."""

from __future__ import annotations

import json
from typing import Any

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.langfuse.project import langfuse_pool, why_no_answer
from genai_integrations.errors import CredentialError, CredentialStoreError
from genai_integrations.runtime.masked import MaskedText

_REFUSED = (401, 403)
_OK = 200


def gateway_models(connection: Connection) -> list[str]:
    """The names that a gateway lists for the connection's key, as they are written there.

    Raises:
        CredentialError: It refuses the key.
        CredentialStoreError: It cannot be reached, or what answers is none.
    """
    base = connection.base_url or connection.provider.base_url or ""
    status, body = _asked(f"{base}/models", base, connection.secret.reveal())
    if status in _REFUSED:
        raise CredentialError(
            f"the gateway at {base} refuses the key of connection {connection.name!r} (HTTP {status}): check it"
        )
    names = _names(body) if status == _OK else None
    if names is None:
        raise CredentialStoreError(
            f"{base} does not answer like a gateway (HTTP {status} for /models): check the address"
        )
    return names


def _asked(url: str, base: str, key: str) -> tuple[int, bytes]:
    import urllib3

    headers = {"authorization": MaskedText(f"Bearer {key}"), "accept": "application/json"}
    with langfuse_pool(base) as http:
        try:
            reply = http.request("GET", url, headers=headers if key else {}, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            problem = why_no_answer(error)
        else:
            return reply.status, reply.data
    # Raised out here, so that urllib3's frames, whose locals hold the key, do not hang on our error.
    raise CredentialStoreError(f"cannot reach the gateway at {base} ({problem}): check the address")


def _names(body: bytes) -> list[str] | None:
    try:
        reply: Any = json.loads(body)
        return [str(row["id"]) for row in reply["data"]]
    except (ValueError, LookupError, TypeError):
        return None
