"""Who signed a request to AWS."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from genai_integrations.testing.providers.bedrock.errors import (
    denied,
    invalid_bearer,
    invalid_token,
)
from genai_integrations.testing.server import Received

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "bedrock"
_STORAGE = "s3"
_BEDROCKS = re.compile(r"(?:/[^/]+)*?/(?:model/|model-invocation-job)")
_SKEW = timedelta(minutes=5)
_STAMP = "%Y%m%dT%H%M%SZ"
_CLAIM = re.compile(
    r"Credential=(?P<id>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
    r",\s*SignedHeaders=(?P<headers>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the `Authorization` header says about its signature."""

    access_key_id: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def proven_key(request: Received, keys: Collection[str]) -> str:
    """Which of the keys the request proves to have.

    Args:
        request: The request, as it arrived.
        keys: `"<access key id>:<secret>"`, `"<access key id>:<secret>:<session token>"`, and bearer tokens,
            which have no colon.

    Raises:
        ServiceError: It proves none; the error is what AWS says then.
    """
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme == _ALGORITHM:
        return _signer(request, _claim(rest), keys)
    if scheme != "Bearer":
        raise denied("MissingAuthenticationTokenException", "Missing Authentication Token")
    token = rest.strip()
    if ":" in token or token not in keys:
        raise invalid_bearer()
    return token


def _claim(text: str) -> _Claim:
    match = _CLAIM.fullmatch(text.strip())
    if match is None:
        raise denied(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        )
    return _Claim(
        match["id"],
        match["day"],
        match["region"],
        match["service"],
        tuple(match["headers"].split(";")),
        match["signature"],
    )


def _signer(request: Received, claim: _Claim, keys: Collection[str]) -> str:
    candidates = list(_pairs(keys, claim.access_key_id))
    token = request.headers.get("x-amz-security-token")
    if token not in {known for _, _, known in candidates}:
        raise invalid_token()
    _check_scope(request, claim)
    for entry, secret, known in candidates:
        # Compared as bytes: a header may hold any character, and the comparison of texts only takes ASCII.
        expected = _signature(request, claim, secret).encode()
        if known == token and hmac.compare_digest(expected, claim.signature.encode()):
            return entry
    raise denied("InvalidSignatureException", _MISMATCH)


def _pairs(keys: Collection[str], access_key_id: str) -> Iterator[tuple[str, str, str | None]]:
    for entry in keys:
        known, colon, rest = entry.partition(":")
        if colon and known == access_key_id:
            secret, _, token = rest.partition(":")
            yield entry, secret, token or None


def _check_scope(request: Received, claim: _Claim) -> None:
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise denied(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ) from None
    now = datetime.now(UTC)
    problem = ""
    is_object = claim.service == _STORAGE and not _BEDROCKS.match(request.path)
    if claim.service != _SERVICE and not is_object:
        problem = f"Credential should be scoped to correct service: '{_SERVICE}'."
    elif claim.day != stamp[:8]:
        problem = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{claim.day}' != '{stamp[:8]}'."
    elif not {"host", "x-amz-date"} <= set(claim.headers):
        problem = "'Host' and 'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."
    elif abs(now - signed) > _SKEW:
        word = "expired" if signed < now else "not yet current"
        problem = f"Signature {word}: {stamp} is more than 5 min. from {now.strftime(_STAMP)}"
    if problem:
        raise denied("InvalidSignatureException", problem)


def _signature(request: Received, claim: _Claim, secret: str) -> str:
    """The signature that the request ought to have, from what arrived and not from what was meant."""
    from botocore.auth import S3SigV4Auth, SigV4Auth  # type: ignore[import-untyped]
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
    from botocore.credentials import Credentials  # type: ignore[import-untyped]

    kind = S3SigV4Auth if claim.service == _STORAGE else SigV4Auth
    signer = kind(Credentials(claim.access_key_id, secret), claim.service, claim.region)
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}",
        data=request.content,
        headers={name: request.headers.get(name, "") for name in claim.headers},
        params=request.query,
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signature: str = signer.signature(
        signer.string_to_sign(again, signer.canonical_request(again)), again
    )
    return signature
