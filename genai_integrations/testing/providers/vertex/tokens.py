"""Google's token endpoint: an access token for what a service account signed."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qs

from genai_integrations.testing.server import Received

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCE = "https://oauth2.googleapis.com/token"
_LONGEST = 3600
_SKEW = 300
_LIFETIME = 3599
_KEY_BITS = 1024
"""Google has 2048. A client checks a key when it reads it, which takes six times as long then."""


class TokenError(Exception):
    """A refusal, in the words of OAuth."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def as_dict(self) -> dict[str, str]:
        """The body of the reply."""
        return {"error": self.error, "error_description": self.description}


class TokenEndpoint:
    """Issues access tokens and remembers whose they are.

    Attributes:
        public_keys: The public keys, in PEM, of the accounts whose signatures are checked, by e-mail address.
            Others may sign with any key. It can be changed while the server runs.
    """

    def __init__(self, public_keys: Mapping[str, str] | None = None) -> None:
        self.public_keys: dict[str, str] = dict(public_keys or {})
        self._owners: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def recognises(self, request: Received) -> bool:
        """A form that is posted to `/token`."""
        form = request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        )
        return request.method == "POST" and request.path.endswith("/token") and form

    def issuer(self, request: Received) -> str | None:
        """The account that asks, whether or not it may."""
        try:
            issuer = _claims(_assertion(request)).get("iss")
        except TokenError:
            return None
        return issuer if isinstance(issuer, str) else None

    def owner(self, token: str) -> str | None:
        """The account that an access token was issued to; None for one from elsewhere."""
        return self._owners.get(token)

    def check(self, request: Received) -> None:
        """Refuse what Google refuses.

        Raises:
            TokenError: The form or what it asserts is wrong.
        """
        assertion = _assertion(request)
        claims = _claims(assertion)
        if not isinstance(claims.get("iss"), str):
            raise TokenError("invalid_grant", "Invalid JWT: the issuer is missing.")
        audience = str(claims.get("aud"))
        if audience != _AUDIENCE and not audience.endswith(request.path):
            raise TokenError("invalid_grant", f"Invalid JWT: wrong audience {audience}.")
        _check_times(claims, time.time())
        if not claims.get("scope"):
            raise TokenError("invalid_scope", "Empty or missing scope not allowed.")
        known = self.public_keys.get(claims["iss"])
        if known is not None and not _is_signed(assertion, known):
            raise TokenError("invalid_grant", "Invalid JWT Signature.")

    def issue(self, request: Received) -> dict[str, Any]:
        """A new access token."""
        token = f"ya29.c.scripted-{next(self._numbers):06d}"
        self._owners[token] = self.issuer(request) or ""
        return {"access_token": token, "expires_in": _LIFETIME, "token_type": "Bearer"}


def service_account(
    token_uri: str,
    *,
    project_id: str = "scripted-project",
    client_email: str = "robot@scripted-project.iam.gserviceaccount.com",
) -> tuple[dict[str, str], str]:
    """A service account's JSON key, made on the spot, and its public key in PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    info = {
        "type": "service_account",
        "project_id": project_id,
        "private_key_id": "scripted",
        "private_key": private.decode(),
        "client_email": client_email,
        "client_id": "1",
        "token_uri": token_uri,
    }
    return info, public.decode()


def _assertion(request: Received) -> str:
    form = parse_qs(request.content.decode("utf-8", "replace"))
    grant = form.get("grant_type", [""])[0]
    if grant != _GRANT:
        raise TokenError("unsupported_grant_type", f"Invalid grant_type: {grant}")
    return form.get("assertion", [""])[0]


def _claims(assertion: str) -> dict[str, Any]:
    try:
        head, claims, _ = assertion.split(".")
        algorithm = json.loads(_decoded(head))["alg"]
        return dict(json.loads(_decoded(claims))) if algorithm == "RS256" else _no_jwt()
    except (ValueError, KeyError, TypeError):
        return _no_jwt()


def _no_jwt() -> NoReturn:
    raise TokenError("invalid_request", "Bad Request") from None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    try:
        issued, expires = float(claims["iat"]), float(claims["exp"])
    except (KeyError, TypeError, ValueError):
        issued, expires = 0.0, 0.0
    if expires < now - _SKEW or issued > now + _SKEW or expires - issued > _LONGEST + _SKEW:
        raise TokenError(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        )


def _is_signed(assertion: str, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    signed, _, signature = assertion.rpartition(".")
    key = serialization.load_pem_public_key(public_key.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
