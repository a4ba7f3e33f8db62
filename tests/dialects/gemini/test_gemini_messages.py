"""Conversations in OpenAI's form as Gemini's `contents`."""

from __future__ import annotations

import json

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.gemini.messages import conversation

PNG = "iVBORw0KGgo="
FLASH_3 = "gemini-3-flash-preview"
ASK = {"role": "user", "content": "hi"}
SKIPPED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def user(*parts):
    return [{"role": "user", "content": list(parts)}]


def call(identity, name, arguments="{}", **beside):
    function = {"name": name, "arguments": arguments}
    return {"id": identity, "type": "function", "function": function, **beside}


def called(*calls, **fields):
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **fields}


def result(identity, content, **fields):
    return {"role": "tool", "tool_call_id": identity, "content": content, **fields}


def test_instructions_stand_apart(sent):
    """All messages of the system and the developer, in their order, wherever they stood."""
    body = sent([
        {"role": "system", "content": "be kind"},
        ASK,
        {"role": "developer", "content": [{"type": "text", "text": "and"}, {"type": "text", "text": "short"}]},
    ])  # fmt: skip

    assert body == {
        "systemInstruction": {"parts": [{"text": "be kind"}, {"text": "and"}, {"text": "short"}]},
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    }


def test_a_request_that_is_all_instruction_is_asked_as_it_stands(sent):
    """Gemini refuses a request without a turn."""
    assert sent([{"role": "system", "content": "say hi"}]) == {
        "contents": [{"role": "user", "parts": [{"text": "say hi"}]}]
    }


def test_a_gemma_has_no_instructions(sent):
    """What the system says is the user's then."""
    system = {"role": "system", "content": "be kind"}
    kind = {"text": "be kind"}
    said = {"role": "assistant", "content": "hello"}
    model = {"role": "model", "parts": [{"text": "hello"}]}

    assert sent([system, ASK], "gemma-3-27b-it") == {
        "contents": [{"role": "user", "parts": [kind, {"text": "hi"}]}]
    }
    assert sent([system, said, ASK], "gemma-3-27b-it")["contents"][:2] == [
        {"role": "user", "parts": [kind]}, model,
    ]  # fmt: skip
    assert "systemInstruction" in sent([system, ASK], "gemma-4-31b-it")


def test_turns_of_one_side_are_one(sent):
    """The roles alternate, and an empty answer is no turn."""
    body = sent([
        ASK, {"role": "user", "content": "there"},
        {"role": "assistant", "content": "a"}, {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "b"}, {"role": "user", "content": ""},
    ])  # fmt: skip

    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "hi"}, {"text": "there"}]},
        {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "user", "parts": [{"text": " "}]},
    ]


def test_parallel_calls_and_their_results(sent):
    """Results stand together in the order of their calls, each as an object; ids are for Gemini 3 only."""
    body = sent([
        ASK,
        called(call("1", "weather", '{"city": "서울"}'), call("2", "now")),
        result("2", "12:00"),
        result("1", '{"sky": "clear"}'),
        {"role": "user", "content": "so?"},
    ])  # fmt: skip

    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "weather", "args": {"city": "서울"}}},
                {"functionCall": {"name": "now", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"sky": "clear"}}},
                {"functionResponse": {"name": "now", "response": {"output": "12:00"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "so?"}]},
    ]


def test_a_gemini_3_gets_ids_and_a_word_in_place_of_a_signature(sent):
    """Calls of another model have no signature, which is said at the first of them only."""
    history = [ASK, called(call("1", "now"), call("2", "now")), result("1", "a"), result("2", "b")]
    model, answers = sent(history, FLASH_3)["contents"][1:]

    assert model["parts"] == [
        {
            "functionCall": {"id": "1", "name": "now", "args": {}},
            "thoughtSignature": SKIPPED,
        },
        {"functionCall": {"id": "2", "name": "now", "args": {}}},
    ]
    assert [part["functionResponse"]["id"] for part in answers["parts"]] == ["1", "2"]
    assert "thoughtSignature" not in json.dumps(sent(history))


@pytest.mark.parametrize(
    "signed",
    [
        call("1", "now", provider_specific_fields={"thought_signature": SKIPPED}),
        call("1", "now", extra_content={"google": {"thought_signature": SKIPPED}}),
        call(f"1__thought__{SKIPPED}", "now"),
    ],
    ids=["beside", "googles own", "in the id"],
)
def test_a_signature_goes_back_from_each_place(signed, sent):
    """Ours and LiteLLM's, that of Google's OpenAI endpoint, and the id that clients keep who keep nothing else."""
    for model in ("gemini-2.5-flash", FLASH_3):
        body = sent([ASK, called(signed), result(signed["id"], "12:00")], model)
        (part,) = body["contents"][1]["parts"]
        assert part["thoughtSignature"] == SKIPPED
        assert part["functionCall"].get("id") == ("1" if model == FLASH_3 else None)
        assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == "now"


def test_the_signature_of_a_text_goes_back_with_it(sent):
    """One that a call has already is not sent twice: each copy is billed as the whole thought."""
    beside = {"thought_signatures": ["AAAA", SKIPPED]}
    said = {"role": "assistant", "content": "ok", "provider_specific_fields": beside}
    body = sent([ASK, said, ASK], checked=False)
    both = {**said, **called(call(f"1__thought__{SKIPPED}", "now")), "content": "ok"}

    assert body["contents"][1]["parts"] == [{"text": "ok", "thoughtSignature": SKIPPED}]
    assert sent([ASK, both, result("1", "x")], checked=False)["contents"][1]["parts"] == [
        {"text": "ok", "thoughtSignature": "AAAA"},
        {"functionCall": {"name": "now", "args": {}}, "thoughtSignature": SKIPPED},
    ]


def test_thoughts_and_signatures_of_others_stay_here(sent):
    """What Claude signed means nothing to Gemini, which would call it corrupted."""
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]
    said = {"role": "assistant", "content": "ok", "thinking_blocks": blocks, "reasoning_content": "hm"}  # fmt: skip

    assert sent([ASK, said, ASK])["contents"][1] == {"role": "model", "parts": [{"text": "ok"}]}


def test_what_googles_tools_did_goes_back_as_it_came(sent):
    """Code that was run, and calls of Google's own tools, before the text."""
    ran = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    said = {
        "role": "assistant",
        "content": "2",
        "provider_specific_fields": {"server_tool_parts": [ran], "grounding_metadata": {}},
    }

    assert sent([ASK, said, ASK])["contents"][1]["parts"] == [ran, {"text": "2"}]


def test_pictures_that_the_model_drew_go_back_signed(sent):
    """Gemini wants them with the signatures that they were drawn with."""
    image = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{PNG}"},
        "provider_specific_fields": {"thought_signature": SKIPPED},
    }
    said = {"role": "assistant", "content": "here", "images": [image]}

    assert sent([ASK, said, ASK])["contents"][1]["parts"] == [
        {"text": "here"},
        {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": SKIPPED},
    ]


def test_results_with_pictures_and_errors(sent):
    """A Gemini 3 has a place for pictures in the result; for the others they stand behind all results."""
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    shown = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    history = [
        ASK,
        called(call("1", "look"), call("2", "now")),
        result("1", [{"type": "text", "text": "seen"}, picture]),
        result("2", "no clock", status="error"),
    ]
    answers = [
        {"functionResponse": {"name": "look", "response": {"output": "seen"}}},
        {"functionResponse": {"name": "now", "response": {"error": "no clock"}}},
    ]

    assert sent(history)["contents"][2]["parts"] == [*answers, shown]
    newest = sent(history, FLASH_3)["contents"][2]["parts"]
    assert newest[0]["functionResponse"] == {
        "id": "1", "name": "look", "response": {"output": "seen"}, "parts": [shown],
    }  # fmt: skip
    by_address = {"type": "image_url", "image_url": {"url": "gs://b/c.png"}}
    history[2] = result("1", [picture, by_address])
    parts = sent(history, FLASH_3)["contents"][2]["parts"]
    assert parts[0]["functionResponse"]["parts"] == [shown]
    assert parts[2] == {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/c.png"}}


def test_a_result_of_no_call_is_refused(sent):
    """Gemini wants the name of the function, which only the call has."""
    with pytest.raises(ConfigurationError, match=r"messages\[1\] cannot be sent to Gemini: .*'9'"):
        sent([ASK, result("9", "x")])


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ("[1]", {"arguments": [1]}),
        ('{"a": ', {"arguments": '{"a": '}),
    ],
)
def test_arguments_are_an_object(arguments, args, sent):
    """What is none is told all the same: the model shall see what it said."""
    history = [ASK, called(call("1", "f", arguments)), result("1", "x")]

    assert sent(history)["contents"][1]["parts"] == [{"functionCall": {"name": "f", "args": args}}]


def test_the_old_form_of_a_call(sent):
    """`function_call`, and a message of the role `function`."""
    old = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    body = sent([ASK, old, {"role": "function", "name": "f", "content": "x"}])

    assert body["contents"][1:] == [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}],
        },
    ]


FILES = "https://generativelanguage.googleapis.com/v1beta/files/abc"


@pytest.mark.parametrize(
    ("part", "made"),
    [
        (
            {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}},
            {"inlineData": {"mimeType": "image/jpeg", "data": PNG}},
        ),
        (
            {"type": "image_url", "image_url": "https://a.example/b.webp?w=1"},
            {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.example/b.webp?w=1"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a.example/b"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.example/b"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "gs://b/c", "format": "image/png"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/c"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": PNG, "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": PNG}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}},
            {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PNG}},
            {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/plain,hi"}},
            {"inlineData": {"mimeType": "text/plain", "data": "aGk="}},
        ),
        ({"type": "file", "file": {"file_id": FILES}}, {"fileData": {"fileUri": FILES}}),
        (
            {"type": "file", "file": {"file_id": "files/abc", "format": "video/mp4"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": FILES}},
        ),
        (
            {"type": "file", "file": {"file_id": "gs://b/c.pdf"}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/c.pdf"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=x"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://www.youtube.com/watch?v=x"}},
        ),
        (
            {"type": "file", "file": {"file_id": "gs://b/c.mp4", "video_metadata": {"fps": 5, "start_offset": "3s"}}},
            {
                "fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/c.mp4"},
                "videoMetadata": {"fps": 5, "startOffset": "3s"},
            },
        ),
        (
            {"fileData": {"fileUri": FILES}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
            {"fileData": {"fileUri": FILES}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        ),
    ],
)  # fmt: skip
def test_media(part, made, sent):
    """Data is sent as it is, an address as one: Google fetches it, this machine never does."""
    assert sent(user(part))["contents"][0]["parts"] == [made]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url", "image_url": {}}, "no data and no address"),
        ({"type": "input_audio", "input_audio": {"format": "wav"}}, "has no data"),
        ({"type": "file", "file": {"file_data": PNG}}, "does not say what it is: add `format`"),
        ({"type": "hologram"}, "a part of the type 'hologram', which Gemini does not have"),
    ],
)
def test_what_has_no_form_is_refused(part, words, sent):
    """Before anything is sent, with the place."""
    with pytest.raises(ConfigurationError, match=r"messages\[0\] cannot be sent to Gemini: ") as caught:  # fmt: skip
        sent(user(part))

    assert words in str(caught.value)


def test_detail_is_a_resolution(sent):
    """A Gemini 3 has one for each part, the others one for the whole request: the highest that is asked for."""
    parts = [
        {"type": "image_url", "image_url": {"url": "gs://b/a.png", "detail": detail}}
        for detail in ("low", "high", "auto")
    ]
    newest = sent(user(*parts), FLASH_3)

    assert [part.get("mediaResolution") for part in newest["contents"][0]["parts"]] == [
        {"level": "MEDIA_RESOLUTION_LOW"}, {"level": "MEDIA_RESOLUTION_HIGH"}, None,
    ]  # fmt: skip
    assert "generationConfig" not in newest
    assert sent(user(*parts))["generationConfig"] == {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}
    assert "generationConfig" not in sent(user(parts[2]))


def test_many_messages_of_one_side_become_one_turn_in_no_time():
    """Who joins them looks at the last turn only once: 20,000 took minutes, in which an event loop did nothing else."""
    found = conversation([{"role": "user", "content": "a"}] * 20_000, newest=True)

    assert [len(turn["parts"]) for turn in found["contents"]] == [20_000]
