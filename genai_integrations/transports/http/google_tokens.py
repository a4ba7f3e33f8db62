"""Google's access tokens, of a service account or of the machine, for whatever a Vertex AI connection asks."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import (
    Credential,
    GoogleDefault,
    GoogleServiceAccount,
    open_credential,
)
from genai_integrations.connections.origins import origin_of, refuse_unsafe_host
from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    ConfigurationError,
    CredentialError,
    GenAIError,
)
from genai_integrations.runtime import jsonbytes
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.masked import MASK, MaskedText
from genai_integrations.runtime.network import proxy_for
from genai_integrations.transports.failures import status_error
from genai_integrations.transports.http.endpoint import Endpoint, Proof
from genai_integrations.transports.http.patience import Patience
from genai_integrations.transports.http.shared import SHARED
from genai_integrations.transports.http.signing import LateSigner

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

PROJECT = "{project}"
"""Stands in an address for a project that only the machine's credentials know; the signer's proof fills it in."""


def google_signer(connection: Connection) -> GoogleSigner:
    """What proves a connection's requests to Google: one for all of its models, so they share a token.

    Raises:
        ConfigurationError: google-auth is not installed.
        CredentialError: The connection's secret cannot be opened, or is none of Google's.
    """
    known = _signers.get(connection)
    if known is None:
        check_google_auth(connection)
        known = _signers.setdefault(connection, GoogleSigner(connection.name, _opened(connection)))
    return known


_signers: WeakKeyDictionary[Connection, GoogleSigner] = WeakKeyDictionary()
"""Whoever asks a connection for its signer gets the same, as long as the connection lives."""


def google_project(connection: Connection) -> str:
    """The project of a connection as a segment of a path; `PROJECT` where its signer has yet to find it out.

    Raises:
        CredentialError: As `google_signer`.
    """
    project = _opened(connection).project_id
    return quote(project, safe="") if project else PROJECT


def check_google_auth(connection: Connection) -> None:
    """Raise `ConfigurationError` with the command to run if google-auth is not installed."""
    try:
        is_there = importlib.util.find_spec("google.auth") is not None
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise ConfigurationError(
            f"connection {connection.name!r} needs google-auth: {to_install_extra('vertex')}"
        )


def _opened(connection: Connection) -> GoogleServiceAccount | GoogleDefault:
    credential: Credential = open_credential(connection)
    if not isinstance(credential, (GoogleServiceAccount, GoogleDefault)):
        raise CredentialError(f"connection {connection.name!r} holds no credential of Google's")
    return credential


class _Token(NamedTuple):
    """A proof, and until when it holds, in seconds since 1970."""

    proof: Proof
    ends: float


class GoogleSigner(LateSigner):
    """Has an access token at hand. google-auth makes the requests for it, through our own HTTP for threads.

    Args:
        connection: Its name, for errors.
        credential: Whose token it is.
        clock: Seconds since 1970: tokens end by the world's clock, also while a machine sleeps.
    """

    def __init__(
        self,
        connection: str,
        credential: GoogleServiceAccount | GoogleDefault,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("an access token of Google's")
        self._connection = connection
        self._credential = credential
        self._clock = clock
        self._token: _Token | None = None
        self._next_renewal = 0.0
        self._google: tuple[Credentials, str] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether there is a token that holds for as long as a request needs to arrive."""
        token = self._token
        return token is not None and self._clock() < token.ends - _ON_THE_WAY

    def proof(self, endpoint: Endpoint, body: bytes) -> Proof:  # noqa: ARG002  tokens are the same for all
        """The token; another is fetched in the background well before its end."""
        proof, ends = cast(_Token, self._token)  # asked only when `is_ready`
        now = self._clock()
        if now > ends - _RENEWAL and now > self._next_renewal:
            self._next_renewal = now + _BETWEEN
            self.renew()
        return proof

    def load(self) -> None:
        """Fetch a token.

        Raises:
            AuthenticationError: Google refuses.
            CallError: It cannot be reached, or fails.
            CredentialError: There are no credentials, or they are none.
        """
        try:
            self._token = self._fetched()
        except GenAIError:
            raise
        except Exception as error:  # noqa: BLE001  whatever google-auth raises becomes one of ours
            failure = _translated(error, self._connection)
        else:
            return
        # The files it was read from may be other ones by the next time.
        self._google = None
        # Outside the handler, because google-auth's frames hold the private key.
        raise failure

    def _fetched(self) -> _Token:
        credentials, project = self._google or self._read()
        self._google = credentials, project
        credentials.refresh(_REQUEST)  # type: ignore[no-untyped-call]
        headers: dict[str, str] = {}
        credentials.apply(headers)  # type: ignore[no-untyped-call]
        token = MaskedText(credentials.token)
        proof = Proof(
            {name.lower(): MaskedText(value) for name, value in headers.items()},
            (token,),
            {} if self._credential.project_id else {PROJECT: quote(project, safe="")},
        )
        expiry: datetime | None = credentials.expiry
        # Google's are in UTC and do not say so.
        ends = expiry.replace(tzinfo=UTC).timestamp() if expiry else float("inf")
        return _Token(proof, ends)

    def _read(self) -> tuple[Credentials, str]:
        if isinstance(self._credential, GoogleServiceAccount):
            return _service_account(self._connection, self._credential)
        import google.auth

        credentials, found = google.auth.default(scopes=_SCOPES, request=_REQUEST)
        project = self._credential.project_id or found
        if not project:
            raise CredentialError(
                f"connection {self._connection!r}: the machine's Google credentials name no project: "
                "set GOOGLE_CLOUD_PROJECT"
            )
        return credentials, project


_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

_ON_THE_WAY = 10.0
"""Seconds that a token must still hold when it is sent."""

_RENEWAL = 225.0
"""Seconds before a token's end at which another is wanted. Not sooner: until five minutes before, the metadata server
gives out the same again. As in google-auth, `REFRESH_THRESHOLD`."""

_BETWEEN = 20.0
"""Seconds between two such wishes, if the first was in vain."""


def _service_account(connection: str, credential: GoogleServiceAccount) -> tuple[Credentials, str]:
    from google.oauth2 import service_account

    info = jsonbytes.loads(credential.info.reveal().encode())
    refuse_unsafe_host(connection, urlsplit(info["token_uri"]).hostname or "")
    credentials: Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        info, scopes=_SCOPES
    )
    return credentials, credential.project_id


class _Response(NamedTuple):
    """What google-auth wants to know of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _request(
    url: str,
    method: str = "GET",
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_others: Any,
) -> _Response:
    """`google.auth.transport.Request` over our own HTTP: with our certificates, proxies and time-outs.

    Raises:
        TransportError: google-auth's, whose `args` hold ours: no answer came.
        CallError: The token's endpoint fails. google-auth would wait and try again, which the router decides.
    """
    from google.auth.exceptions import TransportError

    from genai_integrations.transports.http.sync_http import read_all

    content = body.encode() if isinstance(body, str) else body or b""
    patience = Patience(timeout or _PATIENCE, timeout or _PATIENCE)
    try:
        response = SHARED.sync_http.post(_endpoint(url, method, headers or {}), content, patience)
        answer = read_all(response, patience)
    except GenAIError as error:
        raise TransportError(error) from None  # type: ignore[no-untyped-call]
    if method == "POST" and (response.status in _PASSING or response.status >= _SERVER_ERROR):
        raise status_error(response.status, response.headers, answer)
    return _Response(response.status, response.headers, answer)


_REQUEST: Any = _request
"""google-auth's type is a class of its own, of which it only ever makes calls."""

_PATIENCE = 20.0
"""Seconds for a token where google-auth has no wish of its own."""

_PASSING = (408, 429)
_SERVER_ERROR = 500


def _endpoint(url: str, method: str, headers: Mapping[str, str]) -> Endpoint:
    parts = urlsplit(url)
    origin = origin_of(url, "google-auth")
    # Plain HTTP is the metadata server's, which lives on the machine's own link, where no proxy goes.
    proxy = proxy_for(origin) if parts.scheme == "https" else None
    sent = {"accept-encoding": "identity"}
    sent.update((name.lower(), MaskedText(value)) for name, value in headers.items())
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return Endpoint(origin, url, path, proxy, sent, (), method)


def _translated(error: Exception, connection: str) -> GenAIError:
    from google.auth import exceptions

    told = error.args[0] if error.args else ""
    if isinstance(error, exceptions.TransportError):
        reason = told if isinstance(told, GenAIError) else _line(told)
        return APIConnectionError(f"no access token from Google: {reason}")
    if isinstance(error, exceptions.RefreshError):
        return AuthenticationError(f"Google gives no access token: {_line(told)}")
    if isinstance(error, exceptions.DefaultCredentialsError) and not isinstance(error, ValueError):
        return CredentialError(
            f"connection {connection!r}: the machine has no Google credentials: "
            "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
        )
    # What it says may quote the key.
    return CredentialError(
        f"connection {connection!r}: google-auth cannot read its credentials ({type(error).__name__}): "
        "is the key of the service account whole?"
    )


_TOKENS = re.compile(r"(eyJ|ya29\.)[\w.-]{8,}")
"""What an assertion and an access token look like, if an endpoint quotes them."""


def _line(text: object) -> str:
    return _TOKENS.sub(MASK, " ".join(str(text).split()))[:300]
