"""Google's own SDK beside us: it reads what the scripted server says, and sends what we send for the same intent."""

from __future__ import annotations

import base64
import json
import warnings

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.testing.provider import ScriptedProvider
from genai_integrations.testing.providers.gemini.shapes import read
from genai_integrations.testing.providers.vertex.tokens import service_account

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    genai = pytest.importorskip("google.genai")
    from google.genai import types
    from google.oauth2.credentials import Credentials

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

KEY = "AIzaSyExampleExampleExample"
PNG = base64.b64decode("iVBORw0KGgo=")
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": CITY}}  # fmt: skip
OFF = types.AutomaticFunctionCallingConfig(disable=True)


@pytest.fixture(scope="module")
def server():
    """Asked by both."""
    with ScriptedProvider("abroad") as server:
        yield server


@pytest.fixture(autouse=True)
def _clean(server):
    """Each test has a server that was asked nothing."""
    server.replies.clear()
    server.requests.clear()


@pytest.fixture(scope="module")
def sdk(server):
    """Google's client of AI Studio."""
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=server.url))


@pytest.fixture
def ours(server):
    """Our client."""
    with GenAIClient(connections=[Connection.of("g", "google-ai-studio", KEY, server.url)]) as client:  # fmt: skip
        yield client


@pytest.fixture
def declared():
    """The same function as Google's SDK declares it."""
    function = types.FunctionDeclaration(name="weather", description="d", parameters_json_schema=CITY)  # fmt: skip
    return types.Tool(function_declarations=[function])


def meant(server, shape="VertexGenerate"):
    """What both sent, in one spelling: Google's SDK mixes them, and sends an empty config where it has nothing."""
    said = [read(request.body, shape) for request in server.requests if request.model]
    for body in said:
        if body.get("generationConfig") == {}:
            del body["generationConfig"]
    return said


def config_of(**fields):
    return types.GenerateContentConfig(automatic_function_calling=OFF, **fields)


def user(*parts):
    return types.Content(role="user", parts=list(parts))


TEXT = types.Part(text="hi")
ASK = [{"role": "user", "content": "hi"}]
SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
LOOP = [
    *ASK,
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "x"}'},
         "provider_specific_fields": {"thought_signature": SIGNATURE}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
]  # fmt: skip

INTENTS = {
    "parameters": (
        {"messages": [{"role": "system", "content": "be kind"}, *ASK], "temperature": 0.5, "top_p": 0.9,
         "top_k": 4, "max_tokens": 50, "stop": ["END"], "seed": 7, "n": 2},
        [user(TEXT)],
        {"system_instruction": types.Content(parts=[types.Part(text="be kind")]), "temperature": 0.5, "top_p": 0.9, "top_k": 4,
         "max_output_tokens": 50, "stop_sequences": ["END"], "seed": 7, "candidate_count": 2},
    ),
    "a schema": (
        {"messages": ASK, "response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}}},
        [user(TEXT)],
        {"response_mime_type": "application/json", "response_json_schema": CITY},
    ),
    "thinking": (
        {"messages": ASK, "reasoning_effort": "medium"},
        [user(TEXT)],
        {"thinking_config": types.ThinkingConfig(thinking_budget=8192, include_thoughts=True)},
    ),
    "a picture and a file": (
        {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "hi"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "file", "file": {"file_id": "gs://b/c.pdf"}}]}]},
        [user(TEXT, types.Part.from_bytes(data=PNG, mime_type="image/png"),
              types.Part.from_uri(file_uri="gs://b/c.pdf", mime_type="application/pdf"))],
        {},
    ),
    "safety and modalities": (
        {"messages": ASK, "modalities": ["text"], "cached_content": "cachedContents/1",
         "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]},
        [user(TEXT)],
        {"response_modalities": ["TEXT"], "cached_content": "cachedContents/1", "safety_settings": [
            types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="OFF")]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INTENTS)
def test_the_same_body_for_the_same_intent(name, sdk, ours, server):
    """Field by field, though each has a way of its own to say it."""
    asked, contents, config = INTENTS[name]
    ours.completion("g/gemini-2.5-flash", **asked)
    sdk.models.generate_content(model="gemini-2.5-flash", contents=contents, config=config_of(**config))  # fmt: skip
    mine, theirs = meant(server)

    assert mine == theirs


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [("auto", "AUTO", None), ("none", "NONE", None), ("required", "ANY", None),
     ({"type": "function", "function": {"name": "weather"}}, "ANY", ["weather"])],
)  # fmt: skip
def test_the_same_body_for_tools(choice, mode, names, sdk, ours, server, declared):
    """Declarations, and the choice among them."""
    config = types.FunctionCallingConfig(mode=mode, allowed_function_names=names)
    ours.completion("g/gemini-2.5-flash", ASK, tools=[WEATHER], tool_choice=choice)
    sdk.models.generate_content(
        model="gemini-2.5-flash",
        contents=[user(TEXT)],
        config=config_of(tools=[declared], tool_config=types.ToolConfig(function_calling_config=config)),
    )  # fmt: skip
    mine, theirs = meant(server)

    assert mine == theirs


def test_the_same_body_for_a_tool_loop(sdk, ours, server, declared):
    """The call with its id and signature, and the result."""
    call = types.FunctionCall(id="c1", name="weather", args={"city": "x"})
    signed = types.Part(function_call=call, thought_signature=b"skip_thought_signature_validator")
    result = types.FunctionResponse(id="c1", name="weather", response={"output": "sunny"})
    ours.completion("g/gemini-3-flash-preview", LOOP, tools=[WEATHER])
    sdk.models.generate_content(
        model="gemini-3-flash-preview",
        contents=[
            user(TEXT),
            types.Content(role="model", parts=[signed]),
            user(types.Part(function_response=result)),
        ],
        config=config_of(tools=[declared]),
    )
    mine, theirs = meant(server)

    assert mine == theirs


def test_the_same_body_for_embeddings(sdk, ours, server):
    """Batches, with the dimension and the task."""
    ours.embedding("g/gemini-embedding-001", ["a", "b"], dimensions=8, task_type="RETRIEVAL_QUERY")
    config = types.EmbedContentConfig(output_dimensionality=8, task_type="RETRIEVAL_QUERY")
    came = sdk.models.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=config)  # fmt: skip
    mine, theirs = meant(server, "BatchEmbed")
    for request in theirs["requests"]:
        # Google takes the role, which says nothing here.
        request["content"].pop("role", None)

    assert mine == theirs
    assert [len(row.values) for row in came.embeddings] == [8, 8]


def test_the_same_on_vertex(server, ours):
    """Body and path."""
    account = json.dumps(service_account(f"{server.url}/token", project_id="p")[0])
    connection = Connection.of("v", "vertex", account, server.url, region="us-central1")
    theirs = genai.Client(
        vertexai=True, project="p", location="us-central1", credentials=Credentials(token="ya29.x"),
        http_options=types.HttpOptions(base_url=server.url, api_version="v1"),
    )  # fmt: skip
    with GenAIClient(connections=[connection]) as client:
        client.completion("v/gemini-2.5-flash", ASK, labels={"team": "x"})
        client.embedding("v/text-embedding-005", ["a"], dimensions=8)
    theirs.models.generate_content(
        model="gemini-2.5-flash", contents=[user(TEXT)], config=config_of(labels={"team": "x"})
    )
    config = types.EmbedContentConfig(output_dimensionality=8)
    theirs.models.embed_content(model="text-embedding-005", contents=["a"], config=config)
    chats = [request for request in server.requests if ":generate" in request.path]
    embeds = [request for request in server.requests if ":predict" in request.path]

    assert (
        len({request.path for request in chats}) == len({request.path for request in embeds}) == 1
    )
    assert [request.body["labels"] for request in chats] == [{"team": "x"}] * 2
    assert embeds[0].body == embeds[1].body


def test_it_reads_what_the_scripted_server_says(sdk, server, declared):
    """Text, thoughts, calls with signatures, usage and a refusal, whole and streamed."""
    server.replies["*"] = {"reasoning_content": "hm", "content": "see", "tool_calls": [{"name": "weather", "arguments": {"city": "x"}}]}  # fmt: skip
    thinking = types.ThinkingConfig(include_thoughts=True)
    asked = {"model": "gemini-3-flash-preview", "contents": [user(TEXT)], "config": config_of(tools=[declared], thinking_config=thinking)}  # fmt: skip
    whole = sdk.models.generate_content(**asked)
    pieces = list(sdk.models.generate_content_stream(**asked))
    parts = [part for chunk in pieces for part in chunk.candidates[0].content.parts or ()]

    for came in (whole.candidates[0].content.parts, parts):
        assert next(part.text for part in came if part.text and part.thought).startswith("hm")
        (call,) = [part for part in came if part.function_call]
        assert (call.function_call.name, call.function_call.args) == ("weather", {"city": "x"})
        assert call.thought_signature
    assert whole.candidates[0].finish_reason == pieces[-1].candidates[0].finish_reason == "STOP"
    assert whole.usage_metadata.total_token_count == pieces[-1].usage_metadata.total_token_count > 0
