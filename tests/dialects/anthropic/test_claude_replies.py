"""Whole messages of Anthropic's, in OpenAI's shape."""

from __future__ import annotations

import pytest
from claude_calls import called, function

from genai_integrations.calls.incoming import check_reply
from genai_integrations.errors import ContentFilteredError, InvalidReplyError
from genai_integrations.transports.anthropic.usage import usage_of

# platform.claude.com/docs/en/api/messages, the example of a response.
MESSAGE = {
    "id": "msg_013Zva2CMHLNnjNjJJKqJ2EF",
    "content": [{"citations": None, "text": "Hi! My name is Claude.", "type": "text"}],
    "model": "claude-sonnet-4-5-20250929",
    "role": "assistant",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "type": "message",
    "usage": {
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "cache_creation_input_tokens": 2051,
        "cache_read_input_tokens": 2051,
        "input_tokens": 2095,
        "output_tokens": 503,
        "server_tool_use": {"web_search_requests": 0},
        "service_tier": "standard",
    },
}
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
WANTED = {"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}}


def choice_of(dialect, content, call=None, **more):
    """The choice that a message becomes, as the caller sees it."""
    answer = {**MESSAGE, "content": content, **more}
    return check_reply(dialect.reply(answer, call or called()), "chat/completions")["choices"][0]


def test_the_published_message(dialect):
    """Id, model, words, the reason in both languages, the tier, and usage that adds up."""
    reply = check_reply(dialect.reply(MESSAGE, called()), "chat/completions")

    assert isinstance(reply.pop("created"), int)
    assert reply == {
        "id": "msg_013Zva2CMHLNnjNjJJKqJ2EF",
        "object": "chat.completion",
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi! My name is Claude."},
                "finish_reason": "stop",
                "native_finish_reason": "end_turn",
            }
        ],
        "usage": {
            "prompt_tokens": 6197,
            "completion_tokens": 503,
            "total_tokens": 6700,
            "prompt_tokens_details": {
                "cached_tokens": 2051,
                "cache_creation_tokens": 2051,
                "cache_creation_token_details": {
                    "ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0,
                },
            },
            "cache_read_input_tokens": 2051,
            "cache_creation_input_tokens": 2051,
            "server_tool_use": {"web_search_requests": 0},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
    ],
)
def test_reasons_for_the_end(reason, finish, dialect):
    """platform.claude.com, "Handling stop reasons": each has OpenAI's word, and its own beside it."""
    choice = choice_of(dialect, [{"type": "text", "text": "x"}], stop_reason=reason)

    assert (choice["finish_reason"], choice["native_finish_reason"]) == (finish, reason)


def test_calls_and_thoughts(dialect):
    """Arguments as JSON text in the letters they were written in; thoughts with their signatures."""
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    redacted = {"type": "redacted_thinking", "data": "xyz"}
    used = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "서울"}}
    choice = choice_of(dialect, [thinking, redacted, used], stop_reason="tool_use")

    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "서울"}'}}
        ],
        "thinking_blocks": [thinking, redacted],
        "reasoning_content": "hm",
    }  # fmt: skip


def test_an_answer_by_a_tool_is_text(dialect):
    """The arguments are what was asked for, and the reason is that it stopped."""
    used = {"type": "tool_use", "id": "toolu_1", "name": "json_tool_call", "input": {"ok": True}}
    choice = choice_of(dialect, [used], called(response_format=WANTED), stop_reason="tool_use")

    assert choice == {
        "index": 0,
        "message": {"role": "assistant", "content": '{"ok": true}'},
        "finish_reason": "stop",
    }


def test_a_call_beside_the_answer_by_a_tool_is_one(dialect):
    """Then the reason is the call."""
    content = [
        {"type": "tool_use", "id": "toolu_1", "name": "json_tool_call", "input": {"ok": True}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]
    call = called(response_format=WANTED, tools=[function("now")])
    choice = choice_of(dialect, content, call, stop_reason="tool_use")

    assert choice["message"]["content"] == '{"ok": true}'
    assert [row["id"] for row in choice["message"]["tool_calls"]] == ["toolu_2"]
    assert choice["finish_reason"] == "tool_calls"


def test_citations_of_documents_and_of_the_web(dialect):
    """Anthropic's own are kept with the words that they support; pages of the web are OpenAI's annotations as well."""
    page = {"type": "page_location", "cited_text": "x", "document_index": 0, "start_page_number": 1}
    web = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "y",
    }
    content = [
        {"type": "text", "text": "One. ", "citations": [page]},
        {"type": "text", "text": "Two.", "citations": [web]},
    ]
    message = choice_of(dialect, content)["message"]

    assert message["content"] == "One. Two."
    assert message["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {
                "url": "https://a.example",
                "title": "A",
                "start_index": 5,
                "end_index": 9,
            },
        }
    ]
    assert message["provider_specific_fields"]["citations"] == [
        [{**page, "supported_text": "One. "}],
        [{**web, "supported_text": "Two."}],
    ]


def test_a_refusal_without_a_word_is_an_error(dialect):
    """With what Anthropic says of it: so it can go where the content policy is another."""
    details = {"type": "refusal", "category": "cyber", "explanation": "It is\nnot allowed."}
    answer = {**MESSAGE, "content": [], "stop_reason": "refusal", "stop_details": details}

    with pytest.raises(
        ContentFilteredError, match=r"the model refuses to answer: It is not allowed\."
    ):
        dialect.reply(answer, called())


def test_an_empty_end_of_a_turn_is_an_answer_if_something_was_generated(dialect):
    """platform.claude.com, "Handling stop reasons", "Empty responses with end_turn"."""
    usage = {"input_tokens": 1, "output_tokens": 2}

    assert choice_of(dialect, [], usage=usage)["message"]["content"] is None
    with pytest.raises(InvalidReplyError, match="answered with nothing"):
        choice_of(dialect, [], usage={"input_tokens": 1, "output_tokens": 0})


@pytest.mark.parametrize("answer", [{"status": "ok"}, [], {"content": "text"}, None], ids=str)
def test_what_is_no_message_is_no_answer(answer, dialect):
    """Whatever has status 200."""
    with pytest.raises(InvalidReplyError, match="not a message of Anthropic's"):
        dialect.reply(answer, called())


def test_what_is_said_beside_the_words_is_kept(dialect):
    """The container to continue, and what was cleared from the context."""
    container = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
    edits = {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 2}]}
    more = {"container": container, "context_management": edits}
    choice = choice_of(dialect, [{"type": "text", "text": "x"}], **more)

    assert choice["message"]["provider_specific_fields"] == more


def test_an_answer_in_several_steps_is_counted_whole():
    """platform.claude.com, "Compaction", "Understanding usage": the sums leave out the step before."""
    usage = usage_of({
        "input_tokens": 45, "output_tokens": 1234,
        "iterations": [
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
            {"type": "message", "input_tokens": 23_000, "output_tokens": 1000, "cache_read_input_tokens": 7},
        ],
    })  # fmt: skip

    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (203_007, 4500)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 7


def test_thought_is_part_of_what_was_generated():
    """Where the API tells it apart."""
    usage = usage_of(
        {"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}
    )

    assert usage["completion_tokens"] == 9
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 4}
