"""What is raised is ours and LangChain's at once, on every path."""

from __future__ import annotations

import pickle

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core import exceptions as theirs
from langchain_core.messages import ChatMessage, HumanMessage
from langchain_support import run, whole

from genai_integrations import errors as ours
from genai_integrations.langchain import ChatGenAI, GenAIEmbeddings
from genai_integrations.langchain.errors import adopt, framework_errors
from genai_integrations.testing.faults import Fault

CASES = [
    (Fault.status(400), ours.BadRequestError, theirs.ModelInvalidRequestError, False),
    (Fault.status(401), ours.AuthenticationError, theirs.ModelAuthenticationError, False),
    (Fault.status(402), ours.OutOfCreditError, theirs.ModelRateLimitError, False),
    (Fault.status(403), ours.AuthenticationError, theirs.ModelPermissionDeniedError, False),
    (Fault.status(404), ours.NotFoundError, theirs.ModelNotFoundError, False),
    (Fault.status(429), ours.RateLimitError, theirs.ModelRateLimitError, True),
    (Fault.status(500), ours.ServerError, theirs.ModelAPIError, True),
    (
        Fault.status(400, code="context_length_exceeded"),
        ours.ContextWindowExceededError,
        theirs.ContextOverflowError,
        False,
    ),
    (
        Fault.status(400, code="content_filter"),
        ours.ContentFilteredError,
        theirs.ModelInvalidRequestError,
        False,
    ),
]


@pytest.mark.parametrize(("fault", "own", "kin", "retryable"), CASES)
def test_errors_have_two_families(fault, own, kin, retryable, chat, provider, mode):
    """Whoever catches our class or LangChain's catches it, and it says whether to try again."""
    provider.faults["*"] = fault
    with pytest.raises(own) as caught:
        run(chat, mode)

    error = caught.value
    assert isinstance(error, kin)
    assert isinstance(error, theirs.ModelError)
    assert error.is_retryable is retryable
    assert type(error).__name__ == own.__name__
    assert error.route.attempts[-1].outcome == own.__name__


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_breaks(chat, provider, way):
    """What is raised between two chunks is LangChain's too, and has the text so far."""
    provider.faults["*"] = Fault.cut(after=2)
    with pytest.raises(ours.StreamInterruptedError) as caught:
        run(chat, way, "one two three four five six")

    assert isinstance(caught.value, theirs.ModelConnectionError)
    assert caught.value.is_retryable
    assert "provider" in caught.value.partial_text


def test_every_class_has_a_kin():
    """No error of ours leaves without one, those of later versions included."""
    classes = [row for row in vars(ours).values() if isinstance(row, type)]

    class LaterError(ours.RateLimitError):
        """Not in any table."""

    for cls in [row for row in classes if issubclass(row, ours.GenAIError)] + [LaterError]:
        error = cls("why")
        adopt(error)
        assert isinstance(error, cls)
        assert isinstance(error, theirs.ModelError)


def test_only_our_errors_are_touched():
    """Others pass as they are, and so does one of ours that has its kin."""
    error = ours.ServerError("down")
    for given in (KeyError("x"), error, error):
        with pytest.raises(type(given)) as caught, framework_errors:
            raise given
        assert caught.value is given


@pytest.mark.parametrize("status", [403, 429, 500])
def test_errors_survive_a_pickle(chat, provider, status):
    """A worker process may send them home."""
    provider.faults["*"] = Fault.status(status)
    with pytest.raises(ours.CallError) as caught:
        chat.invoke("Hello!")
    copy = pickle.loads(pickle.dumps(caught.value))

    assert type(copy) is type(caught.value)
    assert copy.status == status
    assert copy.is_retryable == caught.value.is_retryable


@pytest.mark.parametrize(("statuses", "retryable"), [((400, 401), False), ((401, 500), True)])
def test_when_all_fail(make_client, connect, provider, statuses, retryable):
    """It is worth a retry if one of the attempts is."""
    names = ["one", "two"]
    client = make_client(*(connect(name) for name in names), fallback_on=[400, 401, 500])
    provider.faults["*"] = [Fault.status(status) for status in statuses]
    with pytest.raises(ours.AllTargetsFailedError) as caught:
        ChatGenAI("gpt-4o", client=client).invoke("Hello!")

    assert isinstance(caught.value, theirs.ModelError)
    assert caught.value.is_retryable is retryable


def test_all_fail_alike(make_client, connect, provider):
    """When every target fails for one reason, it is that reason's kin."""
    client = make_client(connect("one"), connect("two"))
    provider.faults["*"] = Fault.status(429)
    with pytest.raises(theirs.ModelRateLimitError):
        ChatGenAI("gpt-4o", client=client).invoke("Hello!")


def test_wrong_calls_and_names(chat, make_client, connect, mode):
    """Errors made before anything is sent are LangChain's as well."""
    client = make_client(connect("one"), connect("two"))
    with pytest.raises(theirs.ModelNotFoundError, match="no connection serves"):
        run(ChatGenAI("no-such-model", client=client), mode)
    with pytest.raises(theirs.ModelInvalidRequestError, match=r"messages\[1\]"):
        run(chat, mode, [HumanMessage("a"), ChatMessage("b", role="narrator")])


def test_embeddings_have_them_too(client, provider):
    """The twin of the chat model raises the same kin."""
    provider.faults["*"] = Fault.status(429)
    with pytest.raises(theirs.ModelRateLimitError):
        GenAIEmbeddings(client=client).embed_query("Hello!")


@pytest.mark.parametrize(("status", "requests"), [(400, 1), (500, 3)])
def test_middleware_repeats_what_is_worth_it(chat, provider, status, requests):
    """`ModelRetryMiddleware` never repeats a refused request, and repeats a failed one."""
    provider.faults["*"] = Fault.status(status)
    retry = ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False, on_failure="error")
    agent = create_agent(chat, middleware=[retry])
    with pytest.raises(ours.CallError):
        agent.invoke({"messages": ["Hello!"]})

    assert len(provider.requests) == requests


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_the_number_of_retries_is_the_number_sent(make_client, connect, provider, retries):
    """One owner of retries: `max_retries` more requests than one, and none underneath."""
    client = make_client(connect(), retry_after=0)
    provider.faults["*"] = Fault.status(429, headers={"retry-after": "0"})
    with pytest.raises(ours.CallError):
        ChatGenAI("gpt-4o", client=client, max_retries=retries).invoke("Hello!")
    with pytest.raises(ours.CallError):
        whole(ChatGenAI("gpt-4o", client=client).stream("Hello!", max_retries=retries))

    assert len(provider.requests) == 2 * (1 + retries)
