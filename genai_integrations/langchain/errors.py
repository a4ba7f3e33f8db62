"""Errors that are ours and langchain-core's `ModelError` kin at once.

LangChain's middlewares decide by that kin: what to repeat, what to summarise. An error keeps its identity,
attributes and traceback; only its class becomes one that inherits both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import Any

from langchain_core import exceptions as theirs

from genai_integrations import errors as ours

Kin = tuple[type[theirs.ModelError], ...]

_KIN: dict[type[ours.GenAIError], Kin] = {
    ours.GenAIError: (theirs.ModelError,),
    ours.ConfigurationError: (theirs.ModelInvalidRequestError,),
    ours.UnknownModelError: (theirs.ModelNotFoundError,),
    ours.CredentialError: (theirs.ModelAuthenticationError,),
    ours.CredentialStoreError: (theirs.ModelConnectionError,),
    ours.UntrustedHostError: (theirs.ModelPermissionDeniedError,),
    ours.CallError: (theirs.ModelError,),
    ours.AuthenticationError: (theirs.ModelAuthenticationError,),
    ours.RateLimitError: (theirs.ModelRateLimitError,),
    ours.RequestTimeoutError: (theirs.ModelTimeoutError,),
    ours.APIConnectionError: (theirs.ModelConnectionError,),
    ours.NotFoundError: (theirs.ModelNotFoundError,),
    ours.ServerError: (theirs.ModelAPIError,),
    ours.InvalidReplyError: (theirs.ModelAPIError,),
    ours.BadRequestError: (theirs.ModelInvalidRequestError,),
    ours.ContextWindowExceededError: (theirs.ContextOverflowError, theirs.ModelInvalidRequestError),
    ours.ContentFilteredError: (theirs.ModelInvalidRequestError,),
    ours.StreamInterruptedError: (theirs.ModelConnectionError,),
    ours.AllTargetsFailedError: (theirs.ModelAPIError,),
}
"""What LangChain calls each of our errors; a class without a row is called as its nearest parent."""

_PERMISSION: Kin = (theirs.ModelPermissionDeniedError,)
_FORBIDDEN = 403


class FrameworkErrors:
    """A `with` block out of which every error of ours comes as LangChain's kin too.

    What runs in every call has `except` and `adopt` in its place, which cost nothing where nothing fails.
    """

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, ours.GenAIError):
            adopt(error)


framework_errors = FrameworkErrors()
"""The one block there is; it holds nothing."""


def adopt(error: ours.GenAIError) -> ours.GenAIError:
    """Make an error LangChain's kin too, where it is, and give it back, to be raised anew: without our own frames."""
    error.__traceback__ = None
    if isinstance(error, theirs.ModelError):
        return error
    cls = type(error)
    error.__class__ = _pair(cls, _kin(error))  # type: ignore[arg-type]  # mypy wonders about a class's hash
    retryable = _is_retryable(error)
    if retryable is not error.is_retryable:  # type: ignore[attr-defined]  # it has the kin's attribute now
        error.is_retryable = retryable  # type: ignore[attr-defined]
    return error


def _kin(error: ours.GenAIError) -> Kin:
    if isinstance(error, ours.AuthenticationError) and error.status == _FORBIDDEN:
        return _PERMISSION
    if isinstance(error, ours.AllTargetsFailedError):
        found = {_kin(attempt) for attempt in error.attempts}
        if len(found) == 1:
            return found.pop()
    return _usual_kin(type(error))


def _usual_kin(cls: type[ours.GenAIError]) -> Kin:
    return next(_KIN[parent] for parent in cls.__mro__ if parent in _KIN)


def _is_retryable(error: ours.GenAIError) -> bool:
    """Whether the same call may work later: an empty account stays empty."""
    if isinstance(error, ours.AllTargetsFailedError):
        return any(map(_is_retryable, error.attempts))
    if isinstance(error, ours.OutOfCreditError):
        return False
    return any(kin.is_retryable for kin in _kin(error))


@cache
def _pair(cls: type[ours.GenAIError], kin: Kin) -> type[ours.GenAIError]:
    """The class that is both. Its qualified name is what a pickle finds it by."""
    usual = kin == _usual_kin(cls)
    suffix = "" if usual else "__" + "__".join(each.__name__ for each in kin)
    namespace = {
        "__module__": __name__,
        "__qualname__": cls.__name__ + suffix,
        "__doc__": cls.__doc__,
    }
    return type(cls.__name__, (cls, *kin), namespace)


def __getattr__(name: str) -> Any:
    """The classes by name, such as `errors.RateLimitError`: made when they are first wanted."""
    own, *kin = name.split("__")
    cls = getattr(ours, own, None)
    if not (isinstance(cls, type) and issubclass(cls, ours.GenAIError)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")  # noqa: TRY004  a module's own
    return _pair(cls, _named(kin) or _usual_kin(cls))  # type: ignore[arg-type]  # as above


def _named(names: Sequence[str]) -> Kin:
    return tuple(getattr(theirs, name) for name in names)
