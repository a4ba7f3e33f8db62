"""Every exception that this package raises.

GenAIError
├── ConfigurationError          the program asks for something that cannot work
│   ├── UnknownModelError       no connection serves the model
│   ├── CapabilityError         no target can do what the request needs
│   └── ReplayError             what is asked was not recorded
├── CredentialError             a key cannot be read or made
│   ├── DecryptionError         a stored secret cannot be decrypted
│   ├── ConnectionNotFoundError no connection has that name
│   ├── CredentialStoreError    the store of connections cannot be read
│   └── UntrustedHostError      a key would go to a host that is not trusted
├── PromptError
│   ├── PromptNotFoundError
│   └── PromptVariableError
├── DatasetError                a Langfuse dataset cannot be used
├── LimitError                  a limit that the program set is reached
│   └── BudgetExceededError     it costs more than was allowed
└── CallError                   a provider was called, and it failed
    ├── AuthenticationError     401, 403
    ├── RateLimitError          429
    │   └── OutOfCreditError    402, and wherever the account is said to be empty
    ├── RequestTimeoutError     no answer in time, 408
    ├── APIConnectionError      no connection, or it broke before an answer
    ├── NotFoundError           404
    ├── ServerError             5xx
    ├── InvalidReplyError       an answer that is empty, or not what the protocol says
    ├── RejectedAnswerError     an answer that the program's own check did not accept
    ├── BadRequestError         400, 422 and every other refusal of the request itself
    │   ├── ContextWindowExceededError
    │   └── ContentFilteredError
    ├── StreamInterruptedError  a stream broke after its first content
    └── AllTargetsFailedError   every target was tried

Messages are one line, say what to do next where that is known, and never hold a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class GenAIError(Exception):
    """The root of everything raised here."""

    def recorded(self) -> str:
        """What a trace or a ledger says of it: as `str`, without the address of a provider."""
        return str(self)


class ConfigurationError(GenAIError):
    """A setting, argument or request that cannot work, whatever a provider says.

    Attributes:
        param: The part of a request in another API than chat, such as `input.0.role`; None elsewhere.
    """

    param: str | None = None


class UnknownModelError(ConfigurationError):
    """No connection serves the model that was named."""


class CapabilityError(ConfigurationError):
    """No target can do what the request needs, such as look at an image."""


class ReplayError(ConfigurationError):
    """What is asked is not on the tape that is replayed, or not that often."""


class CredentialError(GenAIError):
    """A provider's key cannot be read, is not one, or may not be used."""


class DecryptionError(CredentialError):
    """A stored secret cannot be decrypted."""


class ConnectionNotFoundError(CredentialError):
    """No connection of that name is in the project."""


class CredentialStoreError(CredentialError):
    """The store of connections cannot be read."""

    def recorded(self) -> str:
        """Without where the store is, and whose: a gateway's callers are not to know."""
        return "the connections cannot be read now"


class UntrustedHostError(CredentialError):
    """A stored key would be sent to a host that is not trusted with it."""

    def recorded(self) -> str:
        """Without the two hosts."""
        return "the key's host is not trusted with it"


class PromptError(GenAIError):
    """A Langfuse prompt cannot be used."""


class PromptNotFoundError(PromptError):
    """Langfuse has no such prompt, version or label."""


class PromptVariableError(PromptError):
    """The variables given do not fit the prompt."""


class DatasetError(GenAIError):
    """A Langfuse dataset cannot be used."""


class LimitError(GenAIError):
    """A limit that the program itself has set is reached.

    Attributes:
        name: Of the limit or budget; None where it is the call's own `max_cost`.
        retry_after: Seconds after which the call would be let in again; None where nobody knows, or it never is.
        route: What was tried before, as a `Route`; set when the error leaves the router.
    """

    name: str | None = None
    retry_after: float | None = None
    route: Any = None


class BudgetExceededError(LimitError):
    """What is asked costs more than was allowed."""


class CallError(GenAIError):
    """A provider was called and the call failed.

    Attributes:
        provider: Provider's name, such as `azure`; None where no single provider is to blame.
        connection: Name of the connection.
        model: The provider's own model id.
        status: HTTP status, None if there was no HTTP answer.
        retry_after: Seconds the provider asked to wait.
        should_retry: Whether the provider says that the same request may be sent again (its header
            `x-should-retry`, which OpenAI and Anthropic send); None if it does not say.
        request_id: The provider's id of the request, for its support.
        code: The provider's word for what went wrong, such as `unsupported_parameter`, if it gave one.
        param: The part of the request that it refuses, such as `temperature`, if it said so.
        body: The provider's decoded error object, if it sent one.
        address: `host:port` of a server that could not be reached.
        next_step: What to do about it, such as `correct OPENAI_API_KEY`; None where that is not known.
        route: What was tried, as a `Route`; set when the error leaves the router.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        connection: str | None = None,
        model: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        request_id: str | None = None,
        code: str | None = None,
        param: str | None = None,
        body: Any = None,
        address: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.connection = connection
        self.model = model
        self.status = status
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.request_id = request_id
        self.code = code
        self.param = param
        self.body = body
        self.address = address
        self.next_step: str | None = None
        self.route: Any = None

    def __str__(self) -> str:
        """One line: where, what, the provider's request id, and what to do."""
        address = f" ({self.address})" if self.address else ""
        return self._told(address)

    def recorded(self) -> str:
        """As `str`, without the address."""
        return self._told("")

    def _told(self, address: str) -> str:
        where = f"{self.connection}/{self.model}: " if self.connection else ""
        status = f" (HTTP {self.status})" if self.status else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        then = f": {self.next_step}" if self.next_step else ""
        message = self.message.rstrip(".") if then else self.message
        return f"{where}{message}{address}{status}{request}{then}".replace("\n", " ")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by class, message and attributes; the route's secrets-free data goes along."""
        # The state comes third, because the error is part of its own route.
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(cls: type[CallError], args: tuple[Any, ...]) -> CallError:
    error = cls.__new__(cls, *args)
    error.args = args
    return error


class AuthenticationError(CallError):
    """The provider refused the key, or refused this use of it."""


class RateLimitError(CallError):
    """The provider's rate or quota is used up."""


class OutOfCreditError(RateLimitError):
    """The account that pays is empty, or has reached the limit that its owner set; waiting does not cure it."""


class RequestTimeoutError(CallError):
    """No answer, or no first content of a stream, within the time allowed."""


class APIConnectionError(CallError):
    """No connection to the provider, or it broke before an answer came."""


class NotFoundError(CallError):
    """The provider does not know the model or the address."""


class ServerError(CallError):
    """The provider failed."""


class InvalidReplyError(CallError):
    """The provider's answer is empty, or not what its protocol says.

    Attributes:
        is_of_request: Whether it is an answer that only this request has no use for, such as one that does not fit its
            JSON schema: the target works.
    """

    is_of_request = False


class RejectedAnswerError(CallError):
    """An answer that the `accept` of a cascade did not accept."""


class BadRequestError(CallError):
    """The provider refuses the request itself; the same model would refuse it again."""


class ContextWindowExceededError(BadRequestError):
    """The request is longer than the model's context window."""


class ContentFilteredError(BadRequestError):
    """The provider's content filter refused the request or the answer."""


class StreamInterruptedError(CallError):
    """A stream broke after its first content.

    Attributes:
        partial_text: The text that had arrived.
    """

    partial_text: str = ""


class AllTargetsFailedError(CallError):
    """Every target was tried and none answered.

    Attributes:
        attempts: The error of each attempt, in order.
    """

    attempts: Sequence[GenAIError] = ()
