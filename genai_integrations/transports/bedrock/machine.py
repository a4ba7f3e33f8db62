"""The machine's own AWS credentials: profiles, roles, single sign-on, containers and instances, found by botocore."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.runtime.installing import to_install_extra
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.transports.bedrock.signing import SERVICE
from genai_integrations.transports.http.endpoint import Endpoint, Proof
from genai_integrations.transports.http.signing import LateSigner
from genai_integrations.transports.http.sigv4 import AwsKeys, SigV4

_RENEWED_AFTER = 300.0
_HELD_FOR = 540.0
"""Seconds. botocore renews what ends within ten minutes before it gives it, so what it gave holds for that long."""


@lru_cache(64)
def machine_signer(profile: str | None, region: str, service: str = SERVICE) -> MachineSigner:
    """The signer of a profile, one for the process: its credentials are the machine's, whichever client asks.

    Args:
        profile: None for whatever the machine has.
        region: Whose Bedrock is asked.
        service: AWS's name for what is asked.
    """
    return MachineSigner(profile, region, service=service)


class MachineSigner(LateSigner):
    """Signs with keys that botocore finds, and renews them in the background while they hold.

    Args:
        profile: None for whatever the machine has.
        region: Whose Bedrock is asked.
        clock: Seconds since 1970; a clock that stands still while the machine sleeps would keep keys that ended.
        service: AWS's name for what is asked.
    """

    def __init__(
        self,
        profile: str | None,
        region: str,
        clock: Callable[[], float] = time.time,
        service: str = SERVICE,
    ) -> None:
        super().__init__("the machine's AWS credentials")
        self._profile = profile
        self._region = region
        self._service = service
        self._clock = clock
        self._found: Any = None
        self._signature: SigV4 | None = None
        self._came = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether there are keys that still hold."""
        return self._signature is not None and self._clock() - self._came < _HELD_FOR

    def load(self) -> None:
        """Have botocore find credentials, or renew those that it found.

        Raises:
            ConfigurationError: botocore is not installed, or there is no such profile.
            CredentialError: There are none, or they cannot be renewed.
        """
        began = self._clock()
        if self._found is None:
            self._found = _credentials(self._profile)
        keys = _frozen(self._found, self._profile)
        self._signature = SigV4(keys, self._region, self._service, self._clock)
        self._came = began

    def proof(self, endpoint: Endpoint, body: bytes) -> Proof:
        """The signature of one request."""
        signature = self._signature
        assert signature is not None  # noqa: S101  `is_ready` has said so
        if self._clock() - self._came > _RENEWED_AFTER:
            self.renew()
        return signature.proof(endpoint, body)


def _credentials(profile: str | None) -> Any:
    """What botocore finds; when it is asked for the keys, it renews them if they are about to end."""
    try:
        import botocore.exceptions  # type: ignore[import-untyped]
        import botocore.session  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigurationError(
            f"the machine's AWS credentials need botocore: {to_install_extra('bedrock')}"
        ) from None
    try:
        found = botocore.session.Session(profile=profile).get_credentials()
    except botocore.exceptions.ProfileNotFound:
        raise CredentialError(
            f"the machine's AWS configuration has no profile {profile!r}: correct its name (AWS_PROFILE), or "
            f"run `aws configure --profile {profile}`"
        ) from None
    except Exception as error:  # noqa: BLE001  plugins of every kind give credentials
        raise _failed(profile, error) from None
    if found is None:
        raise CredentialError(
            f"{_whose(profile)} has no AWS credentials: run `aws configure`, or store a key with the connection"
        )
    return found


def _frozen(found: Any, profile: str | None) -> AwsKeys:
    try:
        keys = found.get_frozen_credentials()
    except Exception as error:  # noqa: BLE001  plugins of every kind give credentials
        raise _failed(profile, error) from None
    token = MaskedText(keys.token) if keys.token else None
    return AwsKeys(MaskedText(keys.access_key), MaskedText(keys.secret_key), token)


def _failed(profile: str | None, error: Exception) -> CredentialError:
    # The words of whatever failed might hold a token, so only its class is told.
    return CredentialError(
        f"the AWS credentials of {_whose(profile)} cannot be loaded ({type(error).__name__}): "
        "log in again, or look at its configuration"
    )


def _whose(profile: str | None) -> str:
    return f"profile {profile!r}" if profile else "this machine"
