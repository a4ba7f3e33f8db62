"""What comes back: usage, calls, reasoning and metadata, the same whole and in pieces."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_support import run, whole

from genai_integrations.langchain import ChatGenAI

QUESTION = "one two three"


def weather(city: str) -> str:
    """Say how the weather is."""
    return f"rain in {city}"


def say(provider, message, **wire):
    """Have the provider answer with a whole reply."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    provider.replies["*"] = lambda _: {"choices": [choice], **wire}


def test_the_four_ways_agree(chat, mode):
    """Text, usage and metadata are the same whole, in pieces, and without blocking."""
    message, expected = run(chat, mode, QUESTION), chat.invoke(QUESTION)
    same = (
        "model_name",
        "model_provider",
        "provider",
        "finish_reason",
        "system_fingerprint",
        "cost",
    )

    assert message.content == "provider says: one two three"
    assert message.usage_metadata == expected.usage_metadata
    assert {name: message.response_metadata[name] for name in same} == {
        name: expected.response_metadata[name] for name in same
    }
    assert message.response_metadata["route"]["served"] == "home/gpt-4o"
    assert message.id.startswith("lc_run--")


def test_usage_has_its_details(chat, provider, mode):
    """What was read from a cache or thought is told apart; counts that are none are left out."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 20},
        "cache_creation_input_tokens": 5,
    }
    say(provider, {"content": "yes"}, usage=usage)

    assert run(chat, mode).usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 30,
        "total_tokens": 130,
        "input_token_details": {"cache_read": 80, "cache_creation": 5},
        "output_token_details": {"reasoning": 20},
    }


def test_cost_is_told_only_where_there_is_a_price(make_client, connect, mode):
    """A model without a price has no cost, not one of zero."""
    client = make_client(connect(custom_models=["my-own-model"]))
    own = run(ChatGenAI("home/my-own-model", client=client), mode)
    known = run(ChatGenAI("home/gpt-4o", client=client), mode)

    assert "cost" not in own.response_metadata
    assert known.response_metadata["cost"] > 0


def test_the_served_model_is_told(make_client, connect, provider, mode):
    """After a fallback, and with a model that one call names, `model_name` is who answered."""
    provider.faults["gpt-4o"] = provider_fault()
    client = make_client(connect(), fallbacks=[{"gpt-4o": ["gpt-4o-mini"]}])
    fell_back = run(ChatGenAI("gpt-4o", client=client), mode)
    named = run(ChatGenAI("gpt-4o", client=client), mode, model="gpt-4.1")

    assert fell_back.response_metadata["model_name"] == "gpt-4o-mini"
    assert named.response_metadata["model_name"] == "gpt-4.1"


def provider_fault():
    """The first model is down."""
    from genai_integrations.testing.faults import Fault

    return Fault.status(500)


def test_langfuse_finds_the_served_model(chat):
    """It reads `llm_output`, which is per result."""
    result = chat.generate([[HumanMessage("Hello!")], [HumanMessage("Hello again!")]])

    assert result.llm_output["model_name"] == "gpt-4o"
    assert result.llm_output["token_usage"]["total_tokens"] == 4 + 6
    assert all(row.llm_output["model_name"] == "gpt-4o" for row in result.flatten())


def test_parallel_calls(chat, provider, mode):
    """Several calls of one answer stay apart, in pieces too."""
    calls = [{"name": "weather", "arguments": {"city": city}} for city in ("Oslo", "Seoul")]
    provider.replies["*"] = {"content": "Let me see.", "tool_calls": calls}
    message = run(chat.bind_tools([weather], parallel_tool_calls=True), mode)

    assert [call["args"] for call in message.tool_calls] == [{"city": "Oslo"}, {"city": "Seoul"}]
    assert message.content == "Let me see."
    assert [block["type"] for block in message.content_blocks] == ["text", "tool_call", "tool_call"]


@pytest.mark.parametrize("arguments", ['{"city": ', "[1]", "1", '"Oslo"'])
def test_invalid_calls_are_kept_as_such(chat, provider, arguments):
    """Arguments that are no JSON object never become a valid, empty call."""
    provider.replies["*"] = {"tool_calls": [{"name": "weather", "arguments": arguments}]}
    message = chat.invoke("Oslo?")

    assert message.tool_calls == []
    (call,) = message.invalid_tool_calls
    assert (call["name"], call["args"]) == ("weather", arguments)
    assert call["error"].startswith(
        ("the arguments are not JSON", "the arguments are not a JSON object")
    )
    assert message.content_blocks[-1]["type"] == "invalid_tool_call"


@pytest.mark.parametrize("arguments", ["", "null", "{}"])
def test_no_arguments_are_an_empty_object(chat, provider, arguments):
    """Servers write none in three ways."""
    provider.replies["*"] = {"tool_calls": [{"name": "now", "arguments": arguments}]}

    assert chat.invoke("When?").tool_calls[0]["args"] == {}


@pytest.mark.parametrize("version", [None, "v1"])
def test_reasoning_is_a_block(client, provider, mode, version):
    """What a model thought comes before what it says, in both versions of the content."""
    provider.replies["*"] = {"reasoning_content": "let me think", "content": "yes"}
    message = run(ChatGenAI("gpt-4o", client=client, output_version=version), mode)
    told = [
        {key: value for key, value in block.items() if key != "index"}
        for block in message.content_blocks
    ]

    assert told == [
        {"type": "reasoning", "reasoning": "let me think"},
        {"type": "text", "text": "yes"},
    ]
    assert message.text == "yes"
    assert isinstance(message.content, str if version is None else list)


@pytest.mark.parametrize("version", [None, "v1"])
def test_text_before_a_call(client, provider, mode, version):
    """A text's block and a call's are not merged, whatever their numbers."""
    calls = [{"name": "weather", "arguments": {"city": city}} for city in ("Oslo", "Seoul")]
    provider.replies["*"] = {"content": "Let me see.", "tool_calls": calls}
    message = run(ChatGenAI("gpt-4o", client=client, output_version=version), mode)

    assert [block["type"] for block in message.content_blocks] == ["text", "tool_call", "tool_call"]
    assert message.content_blocks[2]["args"] == {"city": "Seoul"}
    assert message.text == "Let me see."


@pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")
@pytest.mark.filterwarnings("ignore:Accessing the 'model_.*' attribute:DeprecationWarning")
@pytest.mark.parametrize("version", [None, "v1"])
def test_signed_reasoning_makes_the_round(make_client, connect, provider, mode, version):
    """Anthropic gets its thinking back with its signature, or it would refuse the loop."""
    client = make_client(connect(kind="anthropic"))
    thinks = {"reasoning_effort": "low", "max_tokens": 4000, "output_version": version}
    model = ChatGenAI("home/claude-sonnet-4-5", client=client, **thinks).bind_tools([weather])
    provider.replies["*"] = {
        "reasoning_content": "I have to look",
        "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}],
    }
    called = run(model, mode, "Oslo?")
    provider.replies.clear()
    (call,) = called.tool_calls
    result = {"role": "tool", "content": "rain", "tool_call_id": call["id"]}
    answer = run(model, mode, [("human", "Oslo?"), called, result])
    reasoning = next(block for block in called.content_blocks if block["type"] == "reasoning")

    assert reasoning["reasoning"] == "I have to look"
    assert reasoning["extras"]["signature"]
    assert answer.text == "provider says: the tool answered rain"


def test_refusals_annotations_and_pictures(chat, provider):
    """What has no field of its own is kept, and shown as standard blocks where there is one."""
    citation = {"url": "https://e.org", "title": "E", "start_index": 0, "end_index": 3}
    message = {
        "content": "yes",
        "refusal": "no",
        "annotations": [{"type": "url_citation", "url_citation": citation}, {"type": "other"}],
        "images": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
        ],
        "audio": {"id": "a-1", "data": "aGk=", "transcript": "hi"},
    }
    say(provider, message)
    answer = chat.invoke("?")

    assert answer.additional_kwargs["refusal"] == "no"
    assert answer.content_blocks == [
        {
            "type": "text",
            "text": "yes",
            "annotations": [
                {"type": "citation", **citation},
                {"type": "non_standard_annotation", "value": {"type": "other"}},
            ],
        },
        {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        {"type": "image", "url": "https://e.org/a.png"},
        {"type": "audio", "base64": "aGk=", "id": "a-1"},
    ]


def test_several_answers(chat, provider):
    """`n` answers come as so many generations; what they cost together is told once."""
    result = chat.generate([[HumanMessage("Hello!")]], n=2)
    messages = [row.message for row in result.generations[0]]

    assert [message.content for message in messages] == ["provider says: Hello!"] * 2
    assert [bool(message.usage_metadata) for message in messages] == [True, False]


def test_several_answers_do_not_stream(client, provider):
    """Their pieces would be mixed: the first one comes whole."""
    chunks = list(ChatGenAI("gpt-4o", client=client, n=2).stream("Hello!"))

    assert [chunk.content for chunk in chunks] == ["provider says: Hello!"]
    assert not provider.requests[0].body.get("stream")


def test_log_probabilities(client, provider, mode):
    """They are in the metadata, as the provider told them."""
    told = {"content": [{"token": "yes", "logprob": -0.1}]}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "logprobs": told,
        "message": {"role": "assistant", "content": "yes"},
    }
    provider.replies["*"] = lambda _: {"choices": [choice]}
    model = ChatGenAI("gpt-4o", client=client, logprobs=True, top_logprobs=2)
    message = run(model, mode)

    assert provider.requests[0].body["top_logprobs"] == 2
    if mode in ("invoke", "ainvoke"):
        assert message.response_metadata["logprobs"] == told


def test_nothing_is_sent_in_pieces_that_say_nothing(chat):
    """Every chunk brings text, and the last one all the rest."""
    chunks = list(chat.stream(QUESTION))

    assert all(chunk.content for chunk in chunks[:-1])
    assert [chunk.chunk_position for chunk in chunks[-2:]] == [None, "last"]
    assert not any(chunk.usage_metadata or chunk.response_metadata for chunk in chunks[:-1])


def test_blocks_of_other_content(chat):
    """A message of ours whose content is a list is read by LangChain's best effort."""
    message = AIMessage(["a", {"type": "text", "text": "b"}], response_metadata={"model_provider": "genai-integrations"})  # fmt: skip

    assert [block["type"] for block in message.content_blocks] == ["text", "text"]


def test_events(chat, provider):
    """Both event protocols tell the text and the end."""
    events = list(chat.stream_events("Hello!", version="v3"))
    stream = chat.stream_events("Hello!", version="v3")

    assert events
    assert stream.output.text == "provider says: Hello!"


async def test_events_v2(chat):
    """Each chunk is an event, and the run has one start and one end."""
    names = [row["event"] async for row in chat.astream_events("Hello!", version="v2")]

    assert (names[0], names[-1]) == ("on_chat_model_start", "on_chat_model_end")
    assert names.count("on_chat_model_stream") == len(names) - 2


def test_stopping_early_closes_the_stream(chat, provider):
    """Who breaks out of the loop does not pay for the rest."""
    provider.replies["*"] = ["word "] * 2000
    stream = chat.stream("Hello!")
    first = next(stream)
    stream.close()

    assert first.content == "word "
    assert whole([first]).content == "word "
