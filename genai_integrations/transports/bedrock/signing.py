"""A pair of AWS keys that signs each request: nothing has to be loaded for it."""

from __future__ import annotations

from genai_integrations.transports.http.endpoint import Endpoint, Proof
from genai_integrations.transports.http.sigv4 import AwsKeys, SigV4

SERVICE = "bedrock"
"""Its name in signatures; hosts say `bedrock-runtime`."""


class KeyPairSigner:
    """A `Signer` that is always ready."""

    is_ready = True

    def __init__(self, keys: AwsKeys, region: str, service: str = SERVICE) -> None:
        self._signature = SigV4(keys, region, service)

    def prepare(self, ends: float | None) -> None:
        """Nothing to do."""

    async def aprepare(self, ends: float | None) -> None:
        """Nothing to do."""

    def sign(self, endpoint: Endpoint, body: bytes) -> Proof:
        """The signature of one request."""
        return self._signature.proof(endpoint, body)
