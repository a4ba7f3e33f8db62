"""Requests in OpenAI's shape become Converse's, as AWS's API reference has them."""

from __future__ import annotations

import base64
import copy
import functools
import json

import pytest
from bedrock_data import CLAUDE, HELLO, NOVA, call
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.bedrock.dialect import BedrockDialect

PNG = "iVBORw0KGgo="
PDF = "JVBERi0="
OPUS = "us.anthropic.claude-opus-4-6-v1"
OLD = "anthropic.claude-3-haiku-20240307-v1:0"
SAID = [{"role": "user", "content": [{"text": "Hello!"}]}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather.", "parameters": SCHEMA},
}
NOW = {"type": "function", "function": {"name": "now"}}
WEATHER_SPEC = {
    "toolSpec": {
        "name": "weather",
        "description": "The weather.",
        "inputSchema": {"json": SCHEMA},
    }
}
NOW_SPEC = {
    "toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}
}
USE = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "서울"}}}
CALL = {
    "id": "t1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "서울"}'},
}


@functools.cache
def operation():
    """AWS's own model of Converse."""
    model = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    return model.operation_model("Converse")


def _as_given(shape, value):
    """The body as a program gives it to boto3: bytes where the wire has base64."""
    if shape.type_name == "blob":
        return base64.b64decode(value)
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        return {name: _as_given(shape.members[name], item) for name, item in value.items()}
    if shape.type_name == "list":
        return [_as_given(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {name: _as_given(shape.value, item) for name, item in value.items()}
    return value


def sent(messages=HELLO, model=CLAUDE, **params):
    """The body that is sent; boto3 knows every field of it, and would send the same for the same parameters."""
    given = call(messages, model, **params)
    before = copy.deepcopy(given.body)
    body = BedrockDialect().body(given)
    assert given.body == before, "what was given is changed"
    params = {"modelId": model, **_as_given(operation().input_shape, body)}
    assert not ParamValidator().validate(params, operation().input_shape).has_errors()
    request = create_serializer("rest-json").serialize_to_request(params, operation())
    assert json.loads(request["body"]) == json.loads(json.dumps(body))
    return body


def content_of(part, **params):
    """The blocks that one part of a user's message becomes."""
    body = sent([{"role": "user", "content": [{"type": "text", "text": "see"}, part]}], **params)
    first, *blocks = body["messages"][0]["content"]
    assert first == {"text": "see"}
    return blocks


def test_a_question():
    """Nothing is sent but what was said."""
    assert sent() == {"messages": SAID}


def test_limits():
    """Converse's own four, each only if it is given."""
    body = sent(
        temperature=0.5, top_p=0.9, max_tokens=10, max_completion_tokens=20, stop=["a", "", "b"]
    )

    assert body["inferenceConfig"] == {
        "maxTokens": 20,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["a", "b"],
    }
    assert sent(stop="x")["inferenceConfig"] == {"stopSequences": ["x"]}
    assert "inferenceConfig" not in sent(temperature=None, stop="", max_tokens=None)


def test_system():
    """The first instructions stand apart, developer's too; blank ones are refused there and left out."""
    body = sent(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "system", "content": " "},
            *HELLO,
        ]
    )

    assert body == {"system": [{"text": "Be kind."}, {"text": "Be brief."}], "messages": SAID}


def test_instructions_in_the_midst():
    """They stay where they are: in the user's turn, and in one of their own where the model knows such turns."""
    messages = [
        *HELLO,
        {"role": "assistant", "content": "Hi."},
        {"role": "system", "content": "In French."},
        {"role": "user", "content": "Again."},
    ]
    hi = {"role": "assistant", "content": [{"text": "Hi."}]}

    assert sent(messages)["messages"] == [
        *SAID,
        hi,
        {"role": "user", "content": [{"text": "In French."}, {"text": "Again."}]},
    ]
    assert sent(messages, "us.anthropic.claude-opus-5")["messages"] == [
        *SAID,
        hi,
        {"role": "system", "content": [{"text": "In French."}]},
        {"role": "user", "content": [{"text": "Again."}]},
    ]


def test_roles_alternate():
    """Neighbours of one role become one turn; what is empty is no turn."""
    body = sent(
        [
            *HELLO,
            {"role": "user", "content": "More."},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": [{"type": "text", "text": "\n"}, "And more."]},
            {"role": "assistant", "content": "A"},
            {"role": "assistant", "content": "B"},
            {"role": "user", "content": "?"},
        ]
    )

    assert body["messages"] == [
        {"role": "user", "content": [{"text": "Hello!"}, {"text": "More."}, {"text": "And more."}]},
        {"role": "assistant", "content": [{"text": "A"}, {"text": "B"}]},
        {"role": "user", "content": [{"text": "?"}]},
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"image": {"format": "png", "source": {"bytes": PNG}}},
        ),
        (
            {"type": "image_url", "image_url": f"data:image/jpg;base64,{PNG}"},
            {"image": {"format": "jpeg", "source": {"bytes": PNG}}},
        ),
        (
            {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain,a%20b"}},
            {"document": {"format": "txt", "name": "a", "source": {"bytes": "YSBi"}}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "s3://pictures/cat.webp"}},
            {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://pictures/cat.webp"}}}},
        ),
        (
            {"type": "file", "file": {"filename": "Report (1).pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
            {"document": {"format": "pdf", "name": "Report (1)", "source": {"bytes": PDF}}},
        ),
        (
            {"type": "file", "file": {"filename": "a_b;c.md", "file_data": f"data:text/markdown;base64,{PDF}"}},
            {"document": {"format": "md", "name": "a b c", "source": {"bytes": PDF}}},
        ),
        (
            {"type": "file", "file": {"file_data": f"data:application/octet-stream;base64,{PDF}", "filename": "x.docx"}},
            {"document": {"format": "docx", "name": "x", "source": {"bytes": PDF}}},
        ),
        (
            {"type": "file", "file": {"file_id": "s3://files/a.csv"}},
            {"document": {"format": "csv", "name": "document", "source": {"s3Location": {"uri": "s3://files/a.csv"}}}},
        ),
        (
            {"type": "file", "file": {"file_data": f"data:image/gif;base64,{PNG}"}},
            {"image": {"format": "gif", "source": {"bytes": PNG}}},
        ),
        (
            {"type": "file", "file": {"file_id": "s3://films/a.mp4", "format": "video/mp4"}},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://films/a.mp4"}}}},
        ),
        (
            {"type": "video_url", "video_url": {"url": f"data:video/quicktime;base64,{PDF}"}},
            {"video": {"format": "mov", "source": {"bytes": PDF}}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": PDF, "format": "wav"}},
            {"audio": {"format": "wav", "source": {"bytes": PDF}}},
        ),
        (
            {
                "type": "document",
                "title": "Terms",
                "context": "of 2026",
                "citations": {"enabled": True},
                "source": {"type": "text", "media_type": "text/plain", "data": "So."},
            },
            {
                "document": {
                    "format": "txt",
                    "name": "Terms",
                    "context": "of 2026",
                    "citations": {"enabled": True},
                    "source": {"text": "So."},
                }
            },
        ),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            {"document": {"format": "pdf", "name": "document", "source": {"bytes": PDF}}},
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
            {"document": {"format": "txt", "name": "document", "source": {"content": [{"text": "a"}]}}},
        ),
        (
            {
                "type": "search_result",
                "source": "https://example.com",
                "title": "Example",
                "content": [{"type": "text", "text": "a"}],
                "citations": {"enabled": True},
            },
            {
                "searchResult": {
                    "source": "https://example.com",
                    "title": "Example",
                    "content": [{"text": "a"}],
                    "citations": {"enabled": True},
                }
            },
        ),
        ({"type": "guarded_text", "text": "a"}, {"guardContent": {"text": {"text": "a"}}}),
        ({"guardContent": {"text": {"text": "a"}}}, {"guardContent": {"text": {"text": "a"}}}),
        (
            {"image": {"format": "png", "source": {"bytes": PNG}}},
            {"image": {"format": "png", "source": {"bytes": PNG}}},
        ),
    ],
)  # fmt: skip
def test_parts(part, block):
    """Pictures, documents, sound and videos, as data or by their address in S3; Converse's own blocks as they are."""
    assert content_of(part) == [block]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}, "S3"),
        ({"type": "file", "file": {"file_id": "file-abc"}}, "S3"),
        ({"type": "file", "file": {"filename": "a.pdf"}}, "without data"),
        ({"type": "file", "file": {"file_data": "data:application/zip;base64,AA=="}}, "application/zip"),
        ({"type": "hologram", "hologram": {}}, "hologram"),
    ],
)  # fmt: skip
def test_parts_without_a_form(part, words):
    """What Bedrock cannot take is told before anything is sent, in one line that says what to do."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        content_of(part)

    assert "\n" not in str(caught.value)


def test_documents_have_names_of_their_own_and_a_text():
    """Bedrock refuses two of one name, and a turn of documents only."""
    paper = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}  # fmt: skip
    body = sent(
        [
            {"role": "user", "content": [{**paper, "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": "Hm."},
            {"role": "user", "content": [{"type": "text", "text": "and"}, paper, paper]},
        ]
    )
    first, _, last = body["messages"]
    names = [block["document"]["name"] for block in last["content"] if "document" in block]

    assert first["content"][0]["document"]["name"] == "a"
    assert first["content"][1:] == [{"text": "."}, {"cachePoint": {"type": "default"}}]
    assert names == ["a 2", "a 3"]


def test_tools():
    """Schemas as they are, an empty one where there is none; what Converse knows itself goes through."""
    body = sent(tools=[WEATHER, NOW, {"systemTool": {"name": "nova_code_interpreter"}}])

    assert body["toolConfig"] == {
        "tools": [WEATHER_SPEC, NOW_SPEC, {"systemTool": {"name": "nova_code_interpreter"}}]
    }


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "now"}}, {"tool": {"name": "now"}}),
        ({"type": "tool", "name": "now"}, {"tool": {"name": "now"}}),
        ({"type": "any"}, {"any": {}}),
        (None, None),
    ],
)
def test_tool_choice(choice, wanted):
    """OpenAI's words, and Anthropic's, which LangChain's users write too."""
    assert sent(tools=[WEATHER, NOW], tool_choice=choice)["toolConfig"].get("toolChoice") == wanted


def test_no_tool_is_to_be_called():
    """Then none is offered; where some were called, they must be, and Claude is told in its own way."""
    loop = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "t1", "content": "sunny"}]  # fmt: skip

    assert sent(tools=[WEATHER], tool_choice="none") == {"messages": SAID}
    body = sent(loop, tools=[WEATHER], tool_choice="none")
    assert body["toolConfig"] == {"tools": [WEATHER_SPEC]}
    assert body["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}


def test_tools_of_before_are_described():
    """A conversation with calls goes on without tools: Bedrock wants them described, and Claude is told to call none."""
    loop = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "t1", "content": "sunny"}]  # fmt: skip
    bare = {
        "toolSpec": {
            "name": "weather",
            "inputSchema": {"json": {"type": "object", "properties": {}}},
        }
    }

    body = sent(loop)
    assert body["toolConfig"] == {"tools": [bare]}
    assert body["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    assert sent(loop, NOVA)["toolConfig"] == {"tools": [bare]}


def test_allowed_tools():
    """OpenAI's subset of the tools is all that is offered."""
    rows = [{"type": "function", "function": {"name": "now"}}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": rows}}

    assert sent(tools=[WEATHER, NOW], tool_choice=choice)["toolConfig"] == {
        "tools": [NOW_SPEC],
        "toolChoice": {"any": {}},
    }


def test_one_call_at_a_time():
    """Converse has no word for it; Claude has, whose type may not stand beside a choice."""
    fields = "additionalModelRequestFields"
    alone = sent(tools=[WEATHER], parallel_tool_calls=False)
    forced = sent(tools=[WEATHER], parallel_tool_calls=False, tool_choice="required")

    assert alone[fields] == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    assert forced[fields] == {"tool_choice": {"disable_parallel_tool_use": True}}
    assert fields not in sent(model=NOVA, tools=[WEATHER], parallel_tool_calls=False)
    assert fields not in sent(tools=[WEATHER], parallel_tool_calls=True)


def test_strict_tools():
    """Only for models that enforce it; the others refuse the field."""
    strict = {"type": "function", "function": {**WEATHER["function"], "strict": True}}

    assert sent(tools=[strict])["toolConfig"]["tools"][0]["toolSpec"]["strict"] is True
    for model in (NOVA, OLD, "us.anthropic.claude-opus-4-7"):
        assert (
            "strict" not in sent(model=model, tools=[strict])["toolConfig"]["tools"][0]["toolSpec"]
        )


def test_schemas_of_tools():
    """Claude gets them as they are; the others without references and what Nova refuses at the top."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trip",
        "$defs": {
            "City": {"type": "string", "description": "A city."},
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
        },
        "properties": {
            "from": {"$ref": "#/$defs/City", "description": "Whence."},
            "over": {"anyOf": [{"$ref": "#/$defs/City"}, {"type": "null"}]},
            "node": {"$ref": "#/$defs/Node"},
        },
        "required": ["from"],
    }
    tool = {"type": "function", "function": {"name": "go", "parameters": schema}}
    claude, nova = (
        sent(model=model, tools=[tool])["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]
        for model in (CLAUDE, NOVA)
    )

    assert claude == {"type": "object", **schema}
    assert nova == {
        "type": "object",
        "properties": {
            "from": {"type": "string", "description": "Whence."},
            "over": {"anyOf": [{"type": "string", "description": "A city."}, {"type": "null"}]},
            "node": {"type": "object", "properties": {"next": {"type": "object"}}},
        },
        "required": ["from"],
    }
    root = {"$ref": "#/$defs/City", "$defs": {"City": {"type": "object", "properties": {}}}}
    tool = {"type": "function", "function": {"name": "go", "parameters": root}}
    spec = sent(model=NOVA, tools=[tool])["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["inputSchema"]["json"] == {"type": "object", "properties": {}}


def test_names_of_tools():
    """Those that Bedrock refuses are said otherwise, each in a way of its own, and called by the caller's in answers."""
    names = ["files.read", "files_read", "x" * 70, "날씨"]
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    made = {"id": "t1", "function": {"name": "files.read", "arguments": "{}"}}
    messages = [*HELLO, {"role": "assistant", "tool_calls": [made]}, {"role": "tool", "tool_call_id": "t1", "content": "x"}]  # fmt: skip
    choice = {"type": "function", "function": {"name": "files.read"}}
    body = sent(messages, tools=tools, tool_choice=choice)
    told = [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]]
    asked = call(messages, tools=tools)
    blocks = [{"toolUse": {"toolUseId": "t", "name": name, "input": {}}} for name in told]
    answer = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "tool_use"}  # fmt: skip
    reply = BedrockDialect().reply(answer, asked)
    events = BedrockDialect().events(asked)
    (begun,) = events.take(
        {
            "contentBlockStart": {
                "contentBlockIndex": 0,
                "start": {"toolUse": {"toolUseId": "t", "name": told[0]}},
            }
        }
    )

    assert told[1] == "files_read"
    assert len(set(told)) == 4
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": told[0]}}
    assert body["messages"][1]["content"][0]["toolUse"]["name"] == told[0]
    calls = reply["choices"][0]["message"]["tool_calls"]
    assert [row["function"]["name"] for row in calls] == names
    assert begun["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "files.read"


def test_a_computer():
    """Claude's own tools go to it as they are, with the beta that they take."""
    computer = {"type": "computer_20250124", "name": "computer", "display_width_px": 800}
    litellms = {"type": "computer_20250124", "function": {"name": "computer", "parameters": {"display_width_px": 800}}}  # fmt: skip

    for tool in (computer, litellms):
        body = sent(tools=[tool, NOW])
        assert body["toolConfig"] == {"tools": [NOW_SPEC]}
        assert body["additionalModelRequestFields"] == {
            "tools": [computer],
            "anthropic_beta": ["computer-use-2025-01-24"],
        }


def test_calls_and_results():
    """Results of parallel calls are one turn of the user's, in their order, before what he says."""
    second = {"id": "call|2", "type": "function", "function": {"name": "now", "arguments": ""}}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    messages = [
        *HELLO,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL, second]},
        {
            "role": "tool",
            "tool_call_id": "t1",
            "content": [{"type": "text", "text": "sunny"}, picture],
        },
        {"role": "tool", "tool_call_id": "call|2", "content": "", "status": "error"},
        {"role": "user", "content": "And?"},
    ]
    _, asked, answered = sent(messages, tools=[WEATHER, NOW])["messages"]
    other = asked["content"][2]["toolUse"].pop("toolUseId")

    assert asked["content"] == [
        {"text": "Let me see."},
        USE,
        {"toolUse": {"name": "now", "input": {}}},
    ]
    assert answered == {
        "role": "user",
        "content": [
            {
                "toolResult": {
                    "toolUseId": "t1",
                    "content": [
                        {"text": "sunny"},
                        {"image": {"format": "png", "source": {"bytes": PNG}}},
                    ],
                }
            },
            {"toolResult": {"toolUseId": other, "content": [{"text": "."}], "status": "error"}},
            {"text": "And?"},
        ],
    }
    # An id that Bedrock would refuse is made anew, the same in both places.
    assert len(other) == 32
    assert other.isalnum()


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (None, {}),
        ("[1]", {"arguments": [1]}),
        ('{"a": ', {"arguments": '{"a": '}),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_arguments_are_an_object(arguments, given):
    """Bedrock takes no other; what a model wrote badly is kept for it to see."""
    made = {**CALL, "function": {"name": "weather", "arguments": arguments}}
    messages = [*HELLO, {"role": "assistant", "tool_calls": [made]},
                {"role": "tool", "tool_call_id": "t1", "content": "x"}]  # fmt: skip

    assert sent(messages)["messages"][1]["content"][0]["toolUse"]["input"] == given


def test_functions_of_long_ago():
    """`function_call` and its result are a call and a result."""
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": {"name": "now", "arguments": "{}"}},
        {"role": "function", "name": "now", "content": "12:00"},
    ]
    _, asked, answered = sent(messages, tools=[NOW])["messages"]

    assert asked["content"] == [{"toolUse": {"toolUseId": "now", "name": "now", "input": {}}}]
    assert answered["content"] == [
        {"toolResult": {"toolUseId": "now", "content": [{"text": "12:00"}]}}
    ]


def test_thoughts_go_back():
    """Signed and redacted ones, before all else; without a signature they are nobody's, and left out."""
    thoughts = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eno="},
        {"type": "thinking", "thinking": "unsigned"},
    ]
    kept = {"reasoningContentBlocks": [{"x": 1}]}
    answer = {"role": "assistant", "content": "So.", "thinking_blocks": thoughts,
              "reasoning_content": "Hm.", "provider_specific_fields": kept}  # fmt: skip

    assert sent([*HELLO, answer, *HELLO])["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "eno="}},
        {"text": "So."},
    ]


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (CLAUDE, "high", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (CLAUDE, {"effort": "medium"}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (CLAUDE, "none", None),
        (OPUS, "minimal", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (OPUS, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ("us.amazon.nova-2-lite-v1:0", "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        ("us.amazon.nova-2-lite-v1:0", "none", {"reasoningConfig": {"type": "disabled"}}),
        (NOVA, "low", None),
        ("us.deepseek.r1-v1:0", "low", None),
        ("deepseek.v3-v1:0", "low", {"reasoning_effort": "low"}),
        ("openai.gpt-oss-120b-1:0", "low", {"reasoning_effort": "low"}),
        ("us.openai.gpt-5.5", "low", {"reasoning": {"effort": "low"}}),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "low", {"reasoning_effort": "low"}),
    ],
)  # fmt: skip
def test_efforts(model, effort, fields):
    """Each family is asked to think in its own words, or not at all."""
    assert sent(model=model, reasoning_effort=effort).get("additionalModelRequestFields") == fields


def test_a_budget_lies_below_the_limit():
    """Claude refuses a budget that is not, and one that is too small to think."""
    fields = "additionalModelRequestFields"

    assert sent(reasoning_effort="high", max_tokens=2000)[fields] == {
        "thinking": {"type": "enabled", "budget_tokens": 1999}
    }
    assert fields not in sent(reasoning_effort="high", max_tokens=500)


def test_thinking_forces_no_call():
    """Claude refuses both; if nothing may be left out, it may say so itself. How much it thought is asked for."""
    asked = {"tools": [NOW], "tool_choice": "required", "thinking": {"type": "enabled", "budget_tokens": 1024}}  # fmt: skip
    body = sent(**asked)

    assert body["toolConfig"]["toolChoice"] == {"auto": {}}
    assert body["additionalModelResponseFieldPaths"] == ["/usage/output_tokens_details"]
    kept = sent(**asked, drop_params=("tool_choice",))
    assert kept["toolConfig"]["toolChoice"] == {"any": {}}


def test_cache_marks():
    """Anthropic's marks become points behind what they mark; an hour only where it is known."""
    mark = {"type": "ephemeral"}
    hour = {**mark, "ttl": "1h"}
    point = {"cachePoint": {"type": "default"}}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be kind.", "cache_control": hour}]},
        {"role": "user", "content": [{"type": "text", "text": "Hello!", "cache_control": mark}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": [{"type": "text", "text": "x", "cache_control": mark}]},
        {"role": "user", "content": "Go on.", "cache_control": mark},
    ]  # fmt: skip
    body = sent(messages, tools=[{**WEATHER, "cache_control": mark}])
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}

    assert body["system"] == [
        {"text": "Be kind."},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    assert body["messages"][0]["content"] == [{"text": "Hello!"}, point]
    assert body["messages"][2]["content"] == [result, point, {"text": "Go on."}, point]
    assert body["toolConfig"] == {"tools": [WEATHER_SPEC, point]}


def test_models_that_cache_otherwise():
    """Nova refuses points among its tools, older models an hour, and others any."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    messages = [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": mark}]}]
    tools = [{**NOW, "cache_control": mark}]
    point = {"cachePoint": {"type": "default"}}
    nova = sent(messages, NOVA, tools=tools)

    assert nova["messages"][0]["content"] == [{"text": "a"}, point]
    assert nova["toolConfig"] == {"tools": [NOW_SPEC]}
    for model in ("mistral.mistral-large-2402-v1:0", "us.openai.gpt-5.5", "us.moonshotai.kimi-k3"):
        assert sent(messages, model)["messages"][0]["content"] == [{"text": "a"}]


def test_a_schema():
    """Converse's own field holds it as a text."""
    form = {"name": "answer", "description": "An answer.", "schema": SCHEMA, "strict": True}
    body = sent(response_format={"type": "json_schema", "json_schema": form})
    wanted = body["outputConfig"]["textFormat"]

    assert wanted["type"] == "json_schema"
    assert json.loads(wanted["structure"]["jsonSchema"].pop("schema")) == {
        **SCHEMA,
        "additionalProperties": False,
    }
    assert wanted["structure"] == {"jsonSchema": {"name": "answer", "description": "An answer."}}
    assert "outputConfig" not in sent(response_format={"type": "json_object"})
    assert "outputConfig" not in sent(response_format={"type": "text"})


def test_fields_of_converse():
    """They are taken as they are, beside what is said in OpenAI's words."""
    own = {
        "guardrailConfig": {"guardrailIdentifier": "abcd1234", "guardrailVersion": "1", "trace": "enabled"},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "a"},
        "promptVariables": {"city": {"text": "Seoul"}},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }  # fmt: skip
    body = sent(
        **own,
        max_tokens=5,
        service_tier="flex",
        inferenceConfig={"temperature": 0.5},
        additionalModelRequestFields={"top_k": 5},
        vendor_field=1,
    )

    assert {name: body[name] for name in own} == own
    assert body["inferenceConfig"] == {"maxTokens": 5, "temperature": 0.5}
    assert body["additionalModelRequestFields"] == {"vendor_field": 1, "top_k": 5}
    assert body["serviceTier"] == {"type": "flex"}
    assert sent(service_tier="auto")["serviceTier"] == {"type": "default"}


def test_what_only_the_model_knows():
    """It goes where Converse passes it on, under the name that each family has for it."""
    fields = "additionalModelRequestFields"

    assert sent(top_k=5, anthropic_beta=["a"])[fields] == {"top_k": 5, "anthropic_beta": ["a"]}
    assert sent(model=NOVA, top_k=5)[fields] == {"inferenceConfig": {"topK": 5}}


def test_what_only_openai_knows():
    """It is left out if it may be, else it is the model's to refuse; what changes the answer is always sent."""
    only = {"seed": 1, "user": "u", "logit_bias": {"1": 1}, "store": False, "n": 1,
            "presence_penalty": 0.1, "metadata": {"a": "b"}}  # fmt: skip
    fields = "additionalModelRequestFields"

    assert sent(**only) == {"messages": SAID}
    assert sent(**only, drop_params=("seed",))[fields] == {"seed": 1}
    assert sent(logprobs=True, n=2)[fields] == {"logprobs": True, "n": 2}


def test_web_search():
    """Nova has it as a tool of the system."""
    assert sent(model=NOVA, web_search_options={}) == {
        "messages": SAID,
        "toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]},
    }
    assert sent(web_search_options={}) == {"messages": SAID}


def test_references_that_multiply_have_a_bound():
    """A schema of some hundred bytes, each of whose parts names the next one twice, does not fill the memory."""
    parts = {
        f"a{at}": {
            "properties": {"l": {"$ref": f"#/$defs/a{at + 1}"}, "r": {"$ref": f"#/$defs/a{at + 1}"}}
        }
        for at in range(40)
    }
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": parts}
    tool = {"type": "function", "function": {"name": "go", "parameters": schema}}

    assert len(json.dumps(sent(model=NOVA, tools=[tool])["toolConfig"])) < 10_000_000


def test_many_documents_of_one_name_have_each_their_own_in_no_time():
    """Whoever names one begins where the last one ended: 10,000 took a minute, in which an event loop did nothing else."""
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}
    asked = {"role": "user", "content": [{"type": "file", "file": file}] * 10_000}
    (turn,) = sent(messages=[asked])["messages"]
    names = [row["document"]["name"] for row in turn["content"] if "document" in row]

    assert (names[:2], names[-1], len(set(names))) == (["a", "a 2"], "a 10000", 10_000)
