"""AWS Signature Version 4. All services but S3 have the encoded path encoded once more where it is signed.

Source: AWS IAM user guide, "Create a signed AWS API request"; checked against AWS's own signing test suite.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.http.endpoint import Endpoint, Proof

_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = ("content-type", "host")
"""Of the headers that are sent, those that no proxy changes; what begins with `x-amz-` must be signed too."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """What signs a request; the secret parts show masked."""

    access_key_id: MaskedText
    secret_access_key: MaskedText
    session_token: MaskedText | None = None

    @property
    def secrets(self) -> tuple[MaskedText, ...]:
        """What must not appear in an error."""
        token = (self.session_token,) if self.session_token else ()
        return (self.secret_access_key, self.access_key_id, *token)


class SigV4:
    """Signs requests to one service in one region with one pair of keys. Safe for threads.

    Args:
        keys: The keys.
        region: Such as `eu-west-1`.
        service: AWS's name for it in signatures, such as `bedrock`.
        clock: Seconds since 1970.
    """

    def __init__(
        self, keys: AwsKeys, region: str, service: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._scope = f"{region}/{service}/aws4_request"
        self._is_s3 = service == "s3"
        self._clock = clock
        self._day_key: tuple[str, bytes] = ("", b"")

    def proof(self, endpoint: Endpoint, body: bytes) -> Proof:
        """The signature of one request."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
        headers = {"x-amz-date": stamp}
        if self._keys.session_token:
            headers["x-amz-security-token"] = self._keys.session_token
        digest = hashlib.sha256(body).hexdigest()
        if self._is_s3:
            headers["x-amz-content-sha256"] = digest
        sent = {**endpoint.headers, "host": _host(endpoint.origin)}
        signed = {
            name: text for name, text in sent.items() if name in _SIGNED or name[:6] == "x-amz-"
        }
        request = canonical_request(
            endpoint.method, endpoint.path, {**signed, **headers}, digest, is_s3=self._is_s3
        )
        headers["authorization"] = MaskedText(
            self.authorization(request, stamp, sorted({*signed, *headers}))
        )
        return Proof(headers, self._keys.secrets)

    def authorization(self, request: str, stamp: str, names: list[str]) -> str:
        """The header of that name.

        Args:
            request: The canonical request.
            stamp: Its `x-amz-date`.
            names: Of the headers that are signed, in their order.
        """
        scope = f"{stamp[:8]}/{self._scope}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.new(
            self._key(stamp[:8]), f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256"
        ).hexdigest()
        return (
            f"{_ALGORITHM} Credential={self._keys.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )

    def _key(self, day: str) -> bytes:
        """The key of a day: four digests, made once."""
        known, key = self._day_key
        if known != day:
            key = f"AWS4{self._keys.secret_access_key}".encode()
            for part in (day, *self._scope.split("/")):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day_key = (day, key)
        return key


def canonical_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    payload_digest: str,
    *,
    is_s3: bool = False,
) -> str:
    """What is signed of a request.

    Args:
        method: In capitals.
        path: Path and query, as they are sent.
        headers: Those that are signed, in lower case.
        payload_digest: SHA-256 of the body, in hexadecimal.
        is_s3: Whether the path is signed as it is sent.
    """
    place, _, query = path.partition("?")
    names = sorted(headers)
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names]
    return "\n".join(
        (
            method,
            place if is_s3 else _canonical_path(place),
            _canonical_query(query),
            *lines,
            "",
            ";".join(names),
            payload_digest,
        )
    )


def _canonical_path(path: str) -> str:
    """Without dots and double slashes, and encoded once more: what was percent-encoded, is twice."""
    if not path:
        return "/"
    plain = "/" + posixpath.normpath(path).lstrip("/")
    is_folder = path.endswith("/") and plain != "/"
    return quote(plain + "/" if is_folder else plain, safe="/~")


def _canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="~"), quote(text, safe="~")) for name, text in pairs)
    return "&".join(f"{name}={text}" for name, text in encoded)


def _host(origin: str) -> str:
    """The header that HTTP clients send: without the scheme's own port."""
    scheme, _, place = origin.partition("://")
    return place.removesuffix(_DEFAULT_PORTS[scheme])
