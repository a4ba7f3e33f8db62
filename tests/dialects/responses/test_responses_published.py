"""OpenAI's published examples: what we send for the same intent, and what we make of the answer."""

from __future__ import annotations

import pytest
from responses_support import (
    DIALECT,
    EVENTS,
    PUBLISHED,
    body_of,
    call_of,
    put_together,
    read,
    reply_of,
    streamed,
)

from genai_integrations.errors import ServerError

BY_NAME = {row["name"]: row for row in PUBLISHED}

BOSTON = "What is the weather like in Boston today?"
WEATHER = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            },
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["location", "unit"],
    },
}
WALK = (
    "https://upload.wikimedia.org/wikipedia/commons/thumb/d/dd/Gfp-wisconsin-madison-the-nature-boardwalk.jpg/"
    "2560px-Gfp-wisconsin-madison-the-nature-boardwalk.jpg"
)
LETTER = "https://www.berkshirehathaway.com/letters/2024ltr.pdf"


def user(content):
    """A message."""
    return [{"role": "user", "content": content}]


ASKED = {
    "text input": (user("Tell me a three sentence bedtime story about a unicorn."), {}),
    "image input": (
        user(
            [
                {"type": "text", "text": "what is in this image?"},
                {"type": "image_url", "image_url": {"url": WALK}},
            ]
        ),
        {},
    ),
    "file input": (
        user(
            [
                {"type": "text", "text": "what is in this file?"},
                {"type": "file", "file": {"file_id": LETTER, "detail": "auto"}},
            ]
        ),
        {},
    ),
    "web search": (
        user("What was a positive news story from today?"),
        {"tools": [{"type": "web_search_preview"}]},
    ),
    "file search": (
        user("What are the attributes of an ancient brown dragon?"),
        {
            "tools": [
                {
                    "type": "file_search",
                    "vector_store_ids": ["vs_1234567890"],
                    "max_num_results": 20,
                }
            ]
        },
    ),
    "streaming": (
        user("Hello!"),
        {
            "instructions": "You are a helpful assistant.",
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    "functions": (
        user(BOSTON),
        {"tools": [{"type": "function", "function": WEATHER}], "tool_choice": "auto"},
    ),
    "reasoning": (user("How much wood would a woodchuck chuck?"), {"reasoning_effort": "high"}),
}

DIFFERENT = {
    # `detail` is required by the published description, and `auto` is its default.
    "image input": lambda body: body["input"][0]["content"][1].update(detail="auto"),
    # In the chat API a schema is not strict unless it says so; here it is, as the answer to the example shows.
    "functions": lambda body: body["tools"][0].update(strict=False),
}


def test_every_example_is_asked():
    """None is left out."""
    assert set(ASKED) == set(BY_NAME)


@pytest.mark.parametrize("name", ASKED)
def test_the_body_is_the_published_one(name):
    """A text alone stands for a message of the user; the differences are named above."""
    messages, params = ASKED[name]
    wanted = {**BY_NAME[name]["request"]}
    if isinstance(wanted["input"], str):
        wanted["input"] = user(wanted["input"])
    DIFFERENT.get(name, lambda _: None)(wanted)

    assert body_of(messages, wanted["model"], **params) == wanted


TEXTS = {
    "text input": ("In a peaceful grove beneath a silver moon", "stop", (36, 87)),
    "image input": ("The image depicts a scenic landscape", "stop", (328, 52)),
    "file input": ("The file seems to contain excerpts", "stop", (8438, 398)),
    "web search": ("As of today, March 9, 2025, one notable", "stop", (328, 356)),
    "file search": ("The attributes of an ancient brown dragon", "stop", (18307, 348)),
    "functions": ("", "tool_calls", (291, 23)),
    "reasoning": ("The classic tongue twister...", "stop", (81, 1035)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_answer_is_a_completion(name):
    """Its text, its end and its tokens are where the chat API has them."""
    text, finish, counts = TEXTS[name]
    reply = reply_of(BY_NAME[name]["response"])
    (choice,) = reply["choices"]

    assert reply["object"] == "chat.completion"
    assert reply["id"] == BY_NAME[name]["response"]["id"]
    assert (choice["message"]["content"] or "").startswith(text)
    assert choice["finish_reason"] == finish
    usage = reply["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == counts


def test_citations_of_pages():
    """They have the chat API's form, and what the search was stays with the message."""
    message = reply_of(BY_NAME["web search"]["response"])["choices"][0]["message"]

    assert message["annotations"][0] == {
        "type": "url_citation",
        "url_citation": {
            "start_index": 442,
            "end_index": 557,
            "url": "https://.../?utm_source=chatgpt.com",
            "title": "...",
        },
    }
    assert len(message["annotations"]) == 3
    kept = message["provider_specific_fields"]["output_items"]
    assert [item["type"] for item in kept] == ["web_search_call", "message"]


def test_citations_of_files():
    """The chat API has no form for them, so they stay as they are."""
    message = reply_of(BY_NAME["file search"]["response"])["choices"][0]["message"]

    assert message["annotations"][0] == {
        "type": "file_citation",
        "index": 320,
        "file_id": "file-4wDz5b167pAf72nx1h9eiN",
        "filename": "dragons.pdf",
    }


def test_a_function_call():
    """Its id is the one that the result names."""
    message = reply_of(BY_NAME["functions"]["response"])["choices"][0]["message"]

    assert message["tool_calls"] == [
        {
            "id": "call_unLAR8MvFNptuiZK6K6HCy5k",
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "arguments": '{"location":"Boston, MA","unit":"celsius"}',
            },
        }
    ]
    assert "provider_specific_fields" not in message, "nothing else is worth keeping"


def test_thoughts_are_counted():
    """They are part of the completion."""
    usage = reply_of(BY_NAME["reasoning"]["response"])["usage"]

    assert usage["completion_tokens_details"] == {"reasoning_tokens": 832}


def test_the_published_stream():
    """Text arrives piece by piece, and is not told again by the events that close it."""
    chunks, ended = read(BY_NAME["streaming"]["stream"].encode())
    texts = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]

    assert ended
    assert texts == [
        "Hi", " there", "!", " How", " can", " I", " assist", " you", " today", "?", None,
    ]  # fmt: skip
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert put_together(chunks)["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 48
    assert {chunk["id"] for chunk in chunks} == {
        "resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654"
    }


TOLD = {
    "ResponseTextDeltaEvent": {"content": "In"},
    "ResponseRefusalDeltaEvent": {"refusal": "refusal text so far"},
    "ResponseReasoningTextDeltaEvent": {"reasoning_content": "The"},
}
SILENT = {
    "ResponseCodeInterpreterCallCodeDeltaEvent", "ResponseCodeInterpreterCallCodeDoneEvent",
    "ResponseCodeInterpreterCallCompletedEvent", "ResponseCodeInterpreterCallInProgressEvent",
    "ResponseCodeInterpreterCallInterpretingEvent", "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent", "ResponseCreatedEvent", "ResponseCustomToolCallInputDeltaEvent",
    "ResponseCustomToolCallInputDoneEvent", "ResponseFileSearchCallCompletedEvent",
    "ResponseFileSearchCallInProgressEvent", "ResponseFileSearchCallSearchingEvent",
    "ResponseFunctionCallArgumentsDoneEvent", "ResponseImageGenCallCompletedEvent",
    "ResponseImageGenCallGeneratingEvent", "ResponseImageGenCallInProgressEvent",
    "ResponseImageGenCallPartialImageEvent", "ResponseInProgressEvent",
    "ResponseMCPCallArgumentsDeltaEvent", "ResponseMCPCallArgumentsDoneEvent",
    "ResponseMCPCallCompletedEvent", "ResponseMCPCallFailedEvent", "ResponseMCPCallInProgressEvent",
    "ResponseMCPListToolsCompletedEvent", "ResponseMCPListToolsFailedEvent",
    "ResponseMCPListToolsInProgressEvent", "ResponseOutputItemAddedEvent",
    "ResponseOutputTextAnnotationAddedEvent", "ResponseQueuedEvent",
    "ResponseReasoningSummaryPartAddedEvent", "ResponseReasoningSummaryPartDoneEvent",
    "ResponseReasoningSummaryTextDoneEvent", "ResponseReasoningTextDoneEvent",
    "ResponseRefusalDoneEvent", "ResponseTextDoneEvent", "ResponseWebSearchCallCompletedEvent",
    "ResponseWebSearchCallInProgressEvent", "ResponseWebSearchCallSearchingEvent",
    "ResponseAudioDeltaEvent", "ResponseAudioDoneEvent", "ResponseAudioTranscriptDeltaEvent",
    "ResponseAudioTranscriptDoneEvent",
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_every_published_event_is_understood(name):
    """A delta brings what it has, and what only tells of a tool at work, or repeats, brings nothing."""
    events = DIALECT.events(call_of())
    chunks = list(events.take(EVENTS[name]))
    delta = chunks[0]["choices"][0]["delta"] if chunks else {}

    if name in SILENT:
        assert chunks == []
    elif name in TOLD:
        assert delta == {"role": "assistant", **TOLD[name]}
    elif name == "ResponseReasoningSummaryTextDeltaEvent":
        assert delta["reasoning_content"].startswith("**Responding to a greeting**\n\nThe user")
    elif name in ("ResponseCompletedEvent", "ResponseOutputItemDoneEvent"):
        assert delta["content"].startswith("In a shimmering forest")
        assert events.ended is (name == "ResponseCompletedEvent")
    elif name == "ResponseIncompleteEvent":
        assert chunks[0]["choices"][0]["finish_reason"] == "max_tokens"
        assert events.ended
    else:
        assert name in ("ResponseFailedEvent", "ResponseErrorEvent")
        assert chunks[0]["choices"][0]["error"]["message"]


def test_the_published_failure():
    """Its words are the error's, and its code says which."""
    with pytest.raises(ServerError, match="The model failed to generate a response"):
        streamed(EVENTS["ResponseFailedEvent"])
