"""Where a model of Bedrock is asked, and what proves the request."""

from __future__ import annotations

import configparser
import re
from urllib.parse import urlsplit, urlunsplit

from genai_integrations.calls.wire import Operation
from genai_integrations.connections.connection import Connection
from genai_integrations.connections.credentials import (
    AwsBearer,
    AwsDefault,
    AwsKeyPair,
    Credential,
    open_credential,
)
from genai_integrations.connections.origins import OriginPins
from genai_integrations.errors import CredentialError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.runtime.secret import Secret
from genai_integrations.settings import aws_config_path
from genai_integrations.transports.bedrock.machine import machine_signer
from genai_integrations.transports.bedrock.signing import SERVICE, KeyPairSigner
from genai_integrations.transports.http.endpoint import Endpoint, Signer
from genai_integrations.transports.http.opening import endpoint_at, segment
from genai_integrations.transports.http.sigv4 import AwsKeys

_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("", "amazonaws.com"),
)
"""AWS's domains by the beginning of a region's name. Source: botocore's `partitions.json`."""

_REGION_IN_HOST = re.compile(r"bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
_REGION_IN_ARN = re.compile(r"arn:aws[a-z-]*:[a-z]+:([a-z0-9-]+):")
_DEFAULT_PROFILE = "default"


def open_endpoint(
    connection: Connection, model: str, operation: Operation, pins: OriginPins, *, streamed: bool
) -> Endpoint:
    """Open a connection's credential and say where it goes.

    Raises:
        CredentialError: The credential cannot be opened, its host is not trusted with it, or no region is known.
        ConfigurationError: The model's id cannot be part of an address.
    """
    credential = open_credential(connection)
    region = region_of(connection, model, credential)
    url = _url(
        connection, region, f"/model/{segment(model)}/{_action(operation, streamed=streamed)}"
    )
    if isinstance(credential, AwsBearer):
        token = credential.token.reveal()
        headers = {"authorization": MaskedText(f"Bearer {token}")}
        return endpoint_at(connection, url, pins, key=token, headers=headers)
    return endpoint_at(
        connection, url, pins, key=_secret(credential), signer=signer_of(credential, region)
    )


def _action(operation: Operation, *, streamed: bool) -> str:
    if operation == "embeddings":
        return "invoke"
    return "converse-stream" if streamed else "converse"


def _url(connection: Connection, region: str, path: str) -> str:
    base = connection.base_url
    if not base:
        base = f"https://bedrock-runtime.{region}.{domain_of(region)}"
    parts = urlsplit(base)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, parts.query, ""))


def domain_of(region: str) -> str:
    """AWS's domain for a region."""
    return next(suffix for start, suffix in _SUFFIXES if region.startswith(start))


def region_of(connection: Connection, model: str, credential: Credential) -> str:
    """The connection's own, else that in its base URL, in the model's ARN, or of the machine's profile."""
    if connection.region:
        return connection.region
    found = _REGION_IN_HOST.search(connection.base_url or "") or _REGION_IN_ARN.match(model)
    if found:
        return found[1]
    if isinstance(credential, AwsDefault) and (region := _profile_region(credential.profile)):
        return region
    raise CredentialError(
        f"connection {connection.name!r} has no AWS region: enter one, such as us-east-1"
    )


def _profile_region(profile: str | None) -> str | None:
    """The region of a profile in the machine's AWS configuration, read without botocore, which takes its time."""
    config = configparser.RawConfigParser()
    try:
        config.read(aws_config_path())
    except (OSError, configparser.Error, UnicodeDecodeError):
        return None
    name = profile or _DEFAULT_PROFILE
    section = name if name == _DEFAULT_PROFILE else f"profile {name}"
    region = config.get(section, "region", fallback="").strip()
    return region if re.fullmatch(r"[a-z0-9-]+", region) else None


def _secret(credential: Credential) -> str:
    return credential.secret_access_key.reveal() if isinstance(credential, AwsKeyPair) else ""


def signer_of(credential: Credential, region: str, service: str = SERVICE) -> Signer:
    """What signs requests to one of AWS's services."""
    if isinstance(credential, AwsKeyPair):
        return KeyPairSigner(_keys(credential), region, service)
    profile = credential.profile if isinstance(credential, AwsDefault) else None
    return machine_signer(profile, region, service)


def _keys(credential: AwsKeyPair) -> AwsKeys:
    return AwsKeys(
        _masked(credential.access_key_id),
        _masked(credential.secret_access_key),
        _masked(credential.session_token) if credential.session_token else None,
    )


def _masked(secret: Secret) -> MaskedText:
    return MaskedText(secret.reveal())
