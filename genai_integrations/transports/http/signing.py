"""Proofs that must be fetched before the first request, and again when they end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from genai_integrations.errors import GenAIError, RequestTimeoutError
from genai_integrations.runtime.single_flight import SingleFlight, own_copy
from genai_integrations.transports.http.endpoint import Endpoint, Proof


class LateSigner(ABC):
    """A `Signer` that loads a library or fetches a token, once for all who wait for it.

    Args:
        name: Of what is fetched, for people.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._failure: GenAIError | None = None
        self._loads: SingleFlight[bool] = SingleFlight("genai-signer")

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether there is a proof that still holds."""

    @abstractmethod
    def load(self) -> None:
        """Fetch it, in whichever thread: afterwards `is_ready`.

        Raises:
            GenAIError: It cannot be had.
        """

    @abstractmethod
    def proof(self, endpoint: Endpoint, body: bytes) -> Proof:
        """For one request; asked only when there is one."""

    def prepare(self, ends: float | None) -> None:
        """Fetch it, until a moment of `time.monotonic`; None for as long as it takes.

        Raises:
            RequestTimeoutError: It was not there by then. The fetch goes on, for those who come later.
        """
        try:
            self._loads.do(self._load, known=self._known, limit=ends)
        except TimeoutError:
            raise self._late() from None

    async def aprepare(self, ends: float | None) -> None:
        """As `prepare`, without blocking the loop."""
        try:
            await self._loads.ado(self._load, known=self._known, limit=ends)
        except TimeoutError:
            raise self._late() from None

    def renew(self) -> None:
        """Fetch another in the background, while this one still holds."""
        self._loads.start(self._load)

    def sign(self, endpoint: Endpoint, body: bytes) -> Proof:
        """The proof for one request.

        Raises:
            GenAIError: It could not be had.
        """
        if not self.is_ready:
            if self._failure is not None:
                raise own_copy(self._failure)
            raise self._late()
        return self.proof(endpoint, body)

    def _load(self) -> bool:
        try:
            self.load()
        except GenAIError as error:
            # The attempt raises it: so it falls over, and shows in the route.
            self._failure = error.with_traceback(None)
        else:
            self._failure = None
        return True

    def _known(self) -> bool | None:
        return True if self.is_ready else None

    def _late(self) -> RequestTimeoutError:
        return RequestTimeoutError(
            f"the deadline came while {self._name} was being fetched: call again"
        )
