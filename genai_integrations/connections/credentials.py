"""What a connection's secret says, read late.

The text of a secret has one of these shapes, whichever store it comes from:

| provider | text |
|---|---|
| most | the key itself |
| bedrock | JSON `{"accessKeyId", "secretAccessKey"}`, with `sessionToken` for temporary keys |
| bedrock | JSON `{"apiKey"}`, a bearer token |
| bedrock | JSON `{"profile"}`, a profile of the machine's AWS configuration |
| bedrock | `__BEDROCK_DEFAULT_CREDENTIALS__`: whatever the machine has |
| vertex | a service account's JSON key |
| vertex | JSON `{"projectId"}`: the machine's credentials, for that project |
| vertex | `__VERTEXAI_DEFAULT_CREDENTIALS__`: whatever the machine has |

Langfuse stores all of them but `sessionToken`, `profile` and `projectId`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from genai_integrations.connections.connection import Connection
from genai_integrations.errors import CredentialError
from genai_integrations.runtime.secret import Secret

AWS_DEFAULT = "__BEDROCK_DEFAULT_CREDENTIALS__"
"""Langfuse's mark for the AWS credentials of the machine."""

GOOGLE_DEFAULT = "__VERTEXAI_DEFAULT_CREDENTIALS__"
"""Langfuse's mark for the Google credentials of the machine."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ODD_CHARACTER = "holds a line break or another character that no key has"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is sent as it is; empty for a provider that takes none."""

    key: Secret


@dataclass(frozen=True, slots=True)
class AwsKeyPair:
    """Keys that sign requests to AWS."""

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class AwsBearer:
    """A Bedrock API key."""

    token: Secret


@dataclass(frozen=True, slots=True)
class AwsDefault:
    """The machine's own AWS credentials, of one profile if it is named."""

    profile: str | None = None


@dataclass(frozen=True, slots=True)
class GoogleServiceAccount:
    """A service account; `info` is its JSON key."""

    info: Secret
    project_id: str


@dataclass(frozen=True, slots=True)
class GoogleDefault:
    """The machine's own Google credentials; they name the project if it is None."""

    project_id: str | None = None


OF_MACHINES = frozenset(("bedrock", "vertex"))
"""Providers that a machine can have credentials for, without a key in the connection."""

Credential = ApiKey | AwsKeyPair | AwsBearer | AwsDefault | GoogleServiceAccount | GoogleDefault
"""What a connection proves itself with."""


def open_credential(connection: Connection) -> Credential:
    """Reveal a connection's secret and read it.

    Raises:
        DecryptionError: It cannot be decrypted, or is no credential of the connection's provider.
        CredentialError: Its store cannot give it.
    """
    # The readers return what is wrong instead of raising, so that no traceback passes a frame with the text.
    match connection.provider.name:
        case "bedrock":
            read: Credential | str = _aws(connection.secret)
        case "vertex":
            read = _google(connection.secret)
        case _:
            read = _api_key(connection.secret, may_be_empty=connection.provider.keyless)
    if isinstance(read, str):
        raise _unusable("secret", connection, read)
    return read


def is_machines_own(provider: str, secret: Secret) -> bool:
    """Whether a stored secret of one of `OF_MACHINES` stands for what the machine proves itself with."""
    read = _aws(secret) if provider == "bedrock" else _google(secret)
    return isinstance(read, (AwsDefault, GoogleDefault))


def open_headers(connection: Connection) -> dict[str, Secret]:
    """Reveal a connection's extra headers; values may hold any character that is not a control character.

    Raises:
        DecryptionError: They do not decrypt.
        CredentialError: They are no headers.
    """
    if connection.extra_headers is None:
        return {}
    read = _headers(connection.extra_headers)
    if isinstance(read, str):
        raise _unusable("extra headers", connection, read)
    return read


def _unusable(what: str, connection: Connection, problem: str) -> CredentialError:
    """That something was read and does not serve; most often it was pasted, and no encryption key is to blame."""
    where = connection.key_from or f"the connection {connection.name!r} where it is kept"
    return CredentialError(
        f"the {what} of connection {connection.name!r} {problem}: correct {where}"
    )


def _api_key(secret: Secret, *, may_be_empty: bool) -> ApiKey | str:
    text = secret.reveal().strip()
    if not text and not may_be_empty:
        return "is empty"
    return ApiKey(Secret(text)) if _can_travel(text) else _ODD_CHARACTER


def _aws(secret: Secret) -> Credential | str:
    text = secret.reveal().strip()
    if text == AWS_DEFAULT:
        return AwsDefault()
    fields = {
        name: value.strip()
        for name, value in (_object(text) or {}).items()
        if isinstance(value, str) and value.strip()
    }
    if not all(map(_can_travel, fields.values())):
        return _ODD_CHARACTER
    match fields:
        case {"accessKeyId": access_key_id, "secretAccessKey": key, **rest}:
            session_token = Secret(rest["sessionToken"]) if "sessionToken" in rest else None
            return AwsKeyPair(Secret(access_key_id), Secret(key), session_token)
        case {"apiKey": token}:
            return AwsBearer(Secret(token))
        case {"profile": profile}:
            return AwsDefault(profile)
    return 'is not an AWS credential, {"accessKeyId", "secretAccessKey"} or {"apiKey"}'


def _google(secret: Secret) -> Credential | str:
    text = secret.reveal().strip()
    if text == GOOGLE_DEFAULT:
        return GoogleDefault()
    match _object(text):
        # Other types, such as external_account, can name programs to run: those come from the machine only.
        case {
            "type": "service_account",
            "project_id": str(project_id),
            "private_key": str(),
            "client_email": str(),
            "token_uri": str(),
        } if project_id:
            return GoogleServiceAccount(Secret(text), project_id)
        case {"projectId": str(project_id)} if project_id:
            return GoogleDefault(project_id)
    return "is not a JSON key of a Google service account"


def _headers(secret: Secret) -> dict[str, Secret] | str:
    fields = _object(secret.reveal())
    if fields is None:
        return "are not a JSON object of names and values"
    headers: dict[str, Secret] = {}
    for name, value in fields.items():
        if not _HEADER_NAME.fullmatch(name):
            return f"hold the name {name!r}, which no HTTP header can have"
        if not isinstance(value, str) or _CONTROL.search(value.strip()):
            return f"hold a value for {name!r} that no HTTP header can have"
        headers[name] = Secret(value.strip())
    return headers


def _can_travel(key: str) -> bool:
    """Whether a key can be a header's value.

    One that cannot would fail deep inside an HTTP library, in an error that carries the key.
    """
    return key.isascii() and not _CONTROL.search(key)


def _object(text: str) -> Mapping[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
