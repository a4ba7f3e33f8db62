"""The scripted provider refuses what Google's API refuses."""

from __future__ import annotations

import base64

import pytest
from wire import call

USER = {"role": "user", "parts": [{"text": "hello there"}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "clock", "args": {}}}]}
RESULT = {
    "role": "user",
    "parts": [{"functionResponse": {"name": "clock", "response": {"content": "12:00"}}}],
}
CLOCK = [{"functionDeclarations": [{"name": "clock"}]}]
JSON = "application/json"


def post(provider, body, model="gemini-2.5-flash", method="generateContent"):
    """Status and error of one request."""
    status, _, reply = call(provider, body, f"/v1beta/models/{model}:{method}")
    return status, reply.get("error", reply)


def part(**fields):
    """Contents that hold that part."""
    return {"contents": [{"role": "user", "parts": [fields]}]}


def tools(*declarations, **config):
    """Tools with those declarations, and how they may be called."""
    found = {"tools": [{"functionDeclarations": list(declarations)}]}
    return {**found, "toolConfig": {"functionCallingConfig": config}} if config else found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}, "valid role: user, model"),
        ({"contents": [{"role": "user", "parts": []}]}, "parts must not be empty"),
        ({"contents": "hi"}, "Invalid value at 'contents[0]'"),
        (part(), "oneof field 'data'"),
        (part(text="x", functionCall={"name": "f"}), "oneof field 'data'"),
        (part(text=5), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
        (part(image="x"), "Unknown name \"image\" at 'contents[0].parts[0]': Cannot find field"),
        (part(inlineData={"mimeType": "image/png"}), "data must not be empty"),
        (part(inlineData={"mimeType": "image/png", "data": "!"}), "Base64 decoding failed"),
        (part(inlineData={"mimeType": "image/png", "data": 5}), "(TYPE_BYTES), 5"),
        (part(inlineData={"mimeType": "image/bmp", "data": "aGk="}), "MIME type: image/bmp"),
        (part(inlineData={"data": "aGk="}), "Unsupported MIME type: "),
        (part(fileData={"mimeType": "image/png"}), "fileUri must not be empty"),
        (part(functionResponse={"name": "f", "response": "no"}), "function_response.response"),
        (part(functionResponse={"response": {}}), "Name cannot be empty"),
        ({"colour": "blue"}, 'Unknown name "colour": Cannot find field'),
        ({"labels": {"a": "b"}}, 'Unknown name "labels"'),
        ({"generationConfig": {"top_z": 1}}, "Unknown name \"top_z\" at 'generation_config'"),
        ({"generationConfig": {"temperature": 2.5}}, "temperature: must be in the range [0, 2]"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens"),
        ({"generationConfig": {"maxOutputTokens": 1.5}}, "TYPE_INTEGER"),
        ({"generationConfig": {"stopSequences": list("abcdef")}}, "stop_sequences"),
        ({"generationConfig": {"responseSchema": {"type": "STRING"}}}, "response_mime_type"),
        ({"generationConfig": {"responseMimeType": JSON, "responseSchema": {},
                               "responseJsonSchema": {}}}, "only one of"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, "not supported"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "low",
                                                  "thinkingBudget": 1}}}, "only set only one"),
        ({"generationConfig": {"responseMimeType": JSON}, "tools": CLOCK}, "is unsupported"),
        (tools({"name": "9 lives"}), "Invalid function name"),
        (tools({}), "Invalid function name"),
        (tools({"name": "f"}, {"name": "f"}), "Duplicate function declaration found: f"),
        (tools({"name": "f", "parameters": {"const": 1}}), 'Unknown name "const"'),
        (tools({"name": "f", "parameters": {"type": ["string", "null"]}}), "cannot start list"),
        (tools({"name": "f", "parameters": {"properties": {"a": {"oneOf": []}}}}),
         "parameters.properties[0].value"),
        (tools({"name": "f", "parameters": {"properties": []}}), "(object)"),
        (tools({"name": "f", "parameters": {}, "parametersJsonSchema": {}}), "only one of parameters"),
        (tools({"name": "f", "parametersJsonSchema": {"$ref": "#", "description": "d"}}), "beside $ref"),
        ({"generationConfig": {"responseMimeType": JSON, "responseJsonSchema":
            {"anyOf": [{"$ref": "#", "title": "t"}]}}}, "beside $ref"),
        (tools({"name": "f"}, mode="SOMETIMES"), "unknown mode"),
        (tools({"name": "f"}, mode="ANY", allowedFunctionNames=["g"]), "not in the function"),
        (tools({"name": "f"}, allowedFunctionNames=["f"]), "when the function calling mode is ANY"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_decl"),
        ({"contents": [USER, RESULT]}, "function response turn comes immediately after"),
        ({"contents": [USER, CALL]}, "function response turn comes immediately after"),
        ({"contents": [USER, CALL, USER]}, "function response turn comes immediately after"),
        ({"contents": [CALL, RESULT]}, "function call turn comes immediately after a user turn"),
        ({"contents": [USER, CALL, {**RESULT, "parts": RESULT["parts"] * 2}]}, "number of function"),
    ],
)  # fmt: skip
def test_wrong_requests_get_400(provider, change, words):
    """The error is an INVALID_ARGUMENT that says what is wrong, and where."""
    status, error = post(provider, {"contents": [USER], **change})

    assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]


@pytest.mark.parametrize(
    ("model", "thinking", "words"),
    [
        ("gemini-2.5-pro", {"thinkingBudget": 0}, "only works in thinking mode"),
        ("gemini-3-pro-preview", {"thinkingLevel": "minimal"}, "level MINIMAL is not supported"),
        ("gemini-3-flash-preview", {"thinkingLevel": "wild"}, "level WILD is not supported"),
    ],
)
def test_thinking_that_a_model_has_not(provider, model, thinking, words):
    """Which levels and budgets there are depends on the model."""
    status, error = post(provider, {"contents": [USER], "generationConfig": {"thinkingConfig": thinking}}, model)  # fmt: skip

    assert status == 400
    assert words in error["message"]


def test_what_cannot_be_read_names_the_field(provider):
    """The details repeat where the field is."""
    _, error = post(provider, {"contents": [USER], "generationConfig": {"colour": 1}})

    (detail,) = error["details"]
    assert detail["@type"].endswith("BadRequest")
    assert detail["fieldViolations"][0]["field"] == "generation_config"


def test_a_body_that_is_no_object_is_refused(provider):
    """Broken JSON, a list and nothing are refused alike."""
    for content in (b"{broken", b"[1]", b""):
        status, error = post(provider, content)
        assert (status, error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_refused_prompt_must_be_a_request_first(provider):
    """The filter reads the prompt, so a body that is none is refused for that."""
    assert post(provider, {"colour": 1}, "fault-filter")[0] == 400


@pytest.mark.parametrize(
    ("method", "body", "words"),
    [
        ("embedContent", {"content": {"parts": [{"text": ""}]}}, "content is empty"),
        (
            "embedContent",
            {"content": {"parts": [{"text": "x"}]}, "outputDimensionality": 0},
            "range",
        ),
        ("batchEmbedContents", {"requests": []}, "1 to 100"),
        ("batchEmbedContents", {"requests": [{"model": "models/other"}]}, "parent path"),
    ],
)
def test_wrong_embedding_requests_get_400(provider, method, body, words):
    """Embeddings are checked in the same way."""
    status, error = post(provider, body, "gemini-embedding-001", method)

    assert status == 400
    assert words in error["message"]


def loop(signature=None, name="clock"):
    """The contents of a tool loop whose call carries that signature."""
    signed = {"thoughtSignature": signature} if signature else {}
    call_ = {"role": "model", "parts": [{"functionCall": {"name": name, "args": {}}, **signed}]}
    result = {"parts": [{"functionResponse": {"name": name, "response": {"content": "x"}}}]}
    return [USER, call_, result]


def given(provider, model="gemini-3-pro-preview", **fields):
    """The signature of the call that the model makes of `clock`."""
    choice = {"functionCallingConfig": {"mode": "ANY"}}
    body = {"contents": [USER], "tools": CLOCK, "toolConfig": choice, **fields}
    _, _, reply = call(provider, body, f"/v1beta/models/{model}:generateContent")
    return reply["candidates"][0]["content"]["parts"][0].get("thoughtSignature")


def test_a_signature_that_comes_back_unchanged_continues_the_loop(provider):
    """The call is accepted with the signature that came with it; every call gets another."""
    first, second = given(provider), given(provider)

    assert first != second
    assert post(provider, {"contents": loop(first)}, "gemini-3-pro-preview")[0] == 200


def test_a_call_without_its_signature_is_refused_by_a_gemini_3(provider):
    """The message names the function and its place; a Gemini 2.5 does not mind."""
    status, error = post(provider, {"contents": loop()}, "gemini-3-pro-preview")

    assert status == 400
    assert "missing a thought_signature" in error["message"]
    assert "`default_api:clock` , position 2" in error["message"]
    assert post(provider, {"contents": loop()})[0] == 200


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "gemini-2.5-flash"])
def test_a_changed_signature_is_refused(provider, model):
    """A signature that is not ours, or was given for another function, is corrupted."""
    right = given(provider)
    for contents in (loop("BBBB" + right[4:]), loop(right[:-4]), loop(right, "other")):
        status, error = post(provider, {"contents": contents}, model)
        assert (status, error["message"]) == (400, "Corrupted thought signature.")
    status, error = post(provider, {"contents": loop("no base64!")}, model)
    assert "Base64 decoding failed" in error["message"]


def test_a_finished_turn_may_lose_its_signatures(provider):
    """Once the user has said something else, the calls before it need none."""
    answer = {"role": "model", "parts": [{"text": "it is twelve"}]}
    contents = [*loop(), answer, USER]

    assert post(provider, {"contents": contents}, "gemini-3-pro-preview")[0] == 200


def test_calls_from_elsewhere_may_say_so(provider):
    """The word that Google's documentation gives stands for a signature."""
    word = base64.b64encode(b"skip_thought_signature_validator").decode()

    assert post(provider, {"contents": loop(word)}, "gemini-3-pro-preview")[0] == 200


def test_a_gemini_3_signs_the_end_of_a_text_and_an_older_one_only_calls_it_thought_about(provider):
    """Where a signature is, depends on the model and on thinking."""
    body = {"contents": [USER]}
    _, reply = post(provider, body, "gemini-3-pro-preview")
    (text,) = reply["candidates"][0]["content"]["parts"]
    thinks = {"generationConfig": {"thinkingConfig": {"thinkingBudget": 100}}}

    assert text["thoughtSignature"]
    history = [USER, {"role": "model", "parts": [text]}, USER]
    assert post(provider, {"contents": history}, "gemini-3-pro-preview")[0] == 200
    assert given(provider, "gemini-2.5-flash", **thinks)
    assert given(provider, "gemini-2.5-flash") is None


def test_ids_of_results_must_be_ids_of_calls(provider):
    """Where the calls have ids, a result with another id belongs to none of them."""
    calls = {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "clock"}}]}
    for number, status in (("a", 200), ("b", 400)):
        result = {"functionResponse": {"id": number, "name": "clock", "response": {}}}
        contents = [USER, calls, {"role": "user", "parts": [result]}]
        assert post(provider, {"contents": contents})[0] == status
