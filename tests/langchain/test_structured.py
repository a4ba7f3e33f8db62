"""Answers in a schema: every form of one, every method, and what goes wrong."""

from __future__ import annotations

import json
from typing import Literal, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, tool
from langchain_support import player, run
from pydantic import BaseModel, Field

from genai_integrations.errors import ConfigurationError
from genai_integrations.langchain.tools import (
    response_format,
    wire_choice,
    wire_tools,
)


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str
    rating: int | None = None


class JokeDict(TypedDict):
    """A joke."""

    setup: str
    punchline: str


SCHEMA = {
    "type": "object",
    "properties": {"setup": {"type": "string"}},
    "required": ["setup"],
}
TITLED = {"title": "Joke", **SCHEMA}
METHODS = ("json_schema", "function_calling", "json_mode")


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"], indirect=True)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", [Joke, JokeDict, TITLED], ids=["pydantic", "typed", "json"])
def test_every_schema_by_every_method(chat, provider, schema, method, mode):
    """A Pydantic class gives objects, the others dicts."""
    provider.replies["*"] = player
    answer = run(chat.with_structured_output(schema, method=method), mode, "A joke, as JSON!")

    assert isinstance(answer, Joke if schema is Joke else dict)


@pytest.mark.parametrize("method", METHODS)
def test_streams_grow(chat, provider, method):
    """A dict comes in growing pieces, the last of which is the answer of `invoke`."""
    provider.replies["*"] = player
    model = chat.with_structured_output(TITLED, method=method)
    pieces = list(model.stream("A joke, as JSON!"))

    assert len(pieces) > 1
    assert pieces[-1] == model.invoke("A joke, as JSON!")


@pytest.mark.parametrize("method", METHODS)
def test_include_raw(chat, provider, method):
    """Raw and parsed come together, and a failure to parse is told instead of raised."""
    model = chat.with_structured_output(Joke, method=method, include_raw=True)
    provider.replies["*"] = player
    good = model.invoke("A joke, as JSON!")
    provider.replies["*"] = {"tool_calls": [{"name": "Joke", "arguments": {"setup": 1}}]}
    if method != "function_calling":
        provider.replies["*"] = '{"setup": 1}'
    bad = model.invoke("A joke, as JSON!")

    assert isinstance(good["parsed"], Joke)
    assert good["parsing_error"] is None
    assert bad["parsed"] is None
    assert isinstance(bad["parsing_error"], Exception)
    assert good["raw"].response_metadata["model_name"] == "gpt-4o"


def test_what_is_sent(chat, provider):
    """`strict` is inside the schema or the function, never beside them; one forced call, not several."""
    chat.with_structured_output(Joke).invoke("A joke!")
    chat.with_structured_output(Joke, strict=False).invoke("A joke!")
    chat.with_structured_output(Joke, method="function_calling", strict=True).invoke("A joke!")
    first, second, third = [request.body for request in provider.requests]
    wanted = first["response_format"]["json_schema"]

    assert (wanted["name"], wanted["strict"], wanted["description"]) == ("Joke", True, "A joke.")
    assert set(wanted["schema"]["required"]) == set(wanted["schema"]["properties"])
    assert wanted["schema"]["additionalProperties"] is False
    assert second["response_format"]["json_schema"]["strict"] is False
    assert third["tools"][0]["function"]["strict"] is True
    assert third["tool_choice"] == {"type": "function", "function": {"name": "Joke"}}
    assert third["parallel_tool_calls"] is False
    assert not any("strict" in body for body in (first, second, third))


def test_strict_only_where_it_keeps_the_meaning():
    """What may be left out, or have any keys, cannot be strict: it is asked for without."""

    class Open(BaseModel):
        values: dict[str, int]

    class Deep(BaseModel):
        jokes: list[Joke]
        first: Joke | None = None

    def strict(schema):
        return response_format(schema)["json_schema"]["strict"]

    assert strict(Joke)
    assert strict(Deep)
    assert strict(TITLED)
    assert strict(JokeDict)
    assert not strict({**TITLED, "required": []})
    assert not strict(Open)


def test_forms_of_a_response_format():
    """OpenAI's own forms pass as they are; a schema without a title gets a name."""
    own = {"name": "x", "schema": SCHEMA, "strict": True}

    assert response_format({"type": "json_schema", "json_schema": own})["json_schema"] == own
    assert response_format(own) == {"type": "json_schema", "json_schema": own}
    assert response_format(SCHEMA)["json_schema"]["name"] == "response"
    assert response_format({"type": "json_object"}) == {"type": "json_object"}
    function = {"type": "function", "function": {"name": "x", "parameters": SCHEMA}}
    assert response_format(function)["json_schema"]["name"] == "x"
    with pytest.raises(ConfigurationError, match="not a schema"):
        response_format(3)


class Branch(BaseModel):
    """A branch of a tree."""

    leaves: int
    branches: list[Branch]


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("schema", [Branch, Branch.model_json_schema()])
def test_a_class_that_holds_itself(chat, provider, schema, method, strict):
    """Its branches are branches in what is asked for, not just anything."""
    chat.with_structured_output(schema, method=method, strict=strict).invoke("A tree!")
    body = provider.requests[-1].body
    if method == "json_schema":
        sent = body["response_format"]["json_schema"]["schema"]
    else:
        sent = body["tools"][0]["function"]["parameters"]

    assert sent["type"] == "object"
    assert sent["properties"]["branches"]["items"] == {"$ref": "#/$defs/Branch"}
    assert sent["$defs"]["Branch"]["properties"]["branches"]["items"] == {"$ref": "#/$defs/Branch"}


@pytest.mark.parametrize("is_class", [True, False])
def test_a_tool_whose_argument_holds_itself(chat, provider, is_class):
    """As of an answer; a tool of an MCP server has a JSON schema in place of a class."""

    @tool
    def prune(branch: Branch) -> str:
        """Prune a branch."""
        return str(branch)

    if not is_class:
        given = prune.tool_call_schema.model_json_schema()
        prune = StructuredTool(name="prune", description="Prune.", args_schema=given, func=str)
    chat.bind_tools([prune]).invoke("Prune it!")
    sent = provider.requests[-1].body["tools"][0]["function"]["parameters"]

    assert sent["properties"] == {"branch": {"$ref": "#/$defs/Branch"}}


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "array", "items": {"type": "string"}}, "this one has array at its top"),
        (
            {"title": "X", "anyOf": [SCHEMA, {"type": "null"}]},
            "this one has title, anyOf at its top",
        ),
        ({"setup": "string"}, "this one has setup at its top"),
        (list[Joke], r"list\[.*Joke\] is not a schema for an answer: give a Pydantic class"),
        (Joke | Branch, "is not a schema for an answer: give a Pydantic class"),
        (dict, "is not a schema for an answer: give a Pydantic class"),
    ],
)
def test_what_is_no_schema_of_an_answer(chat, schema, method, complaint):
    """Nothing is asked for in its place: the error says what can be."""
    with pytest.raises(ConfigurationError, match=complaint):
        chat.with_structured_output(schema, method=method)


@pytest.mark.parametrize("tools", [Joke, "weather", {"type": "web_search"}, print])
def test_one_tool_is_no_list(chat, tools):
    """What is bound has to be a list."""
    with pytest.raises(
        ConfigurationError, match=r"^tools must be a list, not one \w+: write \[tool\]$"
    ):
        chat.bind_tools(tools)


def test_an_error_about_a_tool_is_one_line(chat):
    """LangChain's own has paragraphs."""
    with pytest.raises(ConfigurationError, match=r"^tools\[0\] cannot be a tool: .+") as caught:
        chat.bind_tools(["weather"])
    assert "\n" not in str(caught.value)


def test_a_response_format_may_be_a_class(chat, provider):
    """Bound or given to a call, it is converted when it is sent."""
    chat.invoke("A joke!", response_format=Joke)
    chat.bind_tools([], response_format=Joke).invoke("A joke!")

    for request in provider.requests:
        assert request.body["response_format"]["json_schema"]["name"] == "Joke"
        assert "tools" not in request.body


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ({"content": None, "refusal": "I will not"}, "the model refused: I will not"),
        ({"content": " "}, "has no text"),
        ({"content": "no JSON"}, "Invalid json"),
    ],
)
@pytest.mark.parametrize("schema", [Joke, TITLED])
def test_an_answer_that_is_none(chat, provider, reply, complaint, schema):
    """A refusal and an empty answer are told from wrong JSON."""
    provider.replies["*"] = reply
    with pytest.raises(OutputParserException, match=complaint):
        chat.with_structured_output(schema).invoke("A joke!")


def test_a_cut_answer_is_no_answer(chat, provider):
    """Half of an object is not parsed as if it were one."""
    provider.replies["*"] = '{"setup": "Why did the chicken"}'
    with pytest.raises(OutputParserException, match="cut off by its token limit"):
        chat.with_structured_output(TITLED).invoke("A joke!", max_tokens=2)


def test_wrong_uses(chat):
    """An unknown method and a missing schema are refused at once."""
    with pytest.raises(ConfigurationError, match="method='xml' is unknown"):
        chat.with_structured_output(Joke, method="xml")
    with pytest.raises(ConfigurationError, match="needs a schema"):
        chat.with_structured_output()


@tool
def now(zone: Literal["utc", "local"] = "utc") -> str:
    """Tell the time."""
    return zone


@tool
def configured(city: str, config: RunnableConfig) -> str:
    """Has an argument that models do not see."""
    return city


def plain(city: str, days: int = 1) -> str:
    """Say how the weather is.

    Args:
        city: Where.
        days: For how long.
    """
    return city * days


class Choose(BaseModel):
    """Choose one."""

    which: str = Field(description="Which one.")


TOOLS = [
    (now, "now", {"zone"}),
    (configured, "configured", {"city"}),
    (plain, "plain", {"city", "days"}),
    (Choose, "Choose", {"which"}),
    (JokeDict, "JokeDict", {"setup", "punchline"}),
    (TITLED, "Joke", {"setup"}),
    ({"name": "a", "description": "b", "input_schema": SCHEMA}, "a", {"setup"}),
    ({"name": "a", "description": "b", "parameters": SCHEMA}, "a", {"setup"}),
    ({"type": "function", "function": {"name": "a", "parameters": SCHEMA}}, "a", {"setup"}),
    ({"toolSpec": {"name": "a", "inputSchema": {"json": SCHEMA}}}, "a", {"setup"}),
]


@pytest.mark.parametrize(("given", "name", "arguments"), TOOLS)
def test_every_form_of_a_tool(chat, provider, given, name, arguments):
    """Each becomes a function with a name and its arguments."""
    chat.bind_tools([given]).invoke("Hello!")
    function = provider.requests[0].body["tools"][0]["function"]

    assert function["name"] == name
    assert set(function["parameters"]["properties"]) == arguments


NAMED = {"type": "function", "function": {"name": "now"}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None), (False, None), ("auto", "auto"), ("none", "none"), ("any", "required"),
        ("required", "required"), (True, "required"), ("now", NAMED), (NAMED, NAMED),
        ({"type": "tool", "name": "now"}, NAMED), ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
    ],
    ids=str,
)  # fmt: skip
def test_every_form_of_a_choice(chat, provider, choice, sent):
    """LangChain's words, names, OpenAI's and Anthropic's forms."""
    chat.bind_tools([now, plain], tool_choice=choice).invoke("Hello!")

    assert provider.requests[0].body.get("tool_choice") == sent


def test_more_of_tools(chat, provider):
    """`strict`, `parallel_tool_calls`, cache markers and providers' own tools go along."""
    marked = {"name": "a", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}
    chat.bind_tools([plain], strict=True, parallel_tool_calls=False, seed=1).invoke("Hello!")
    body = provider.requests[0].body

    assert body["tools"][0]["function"]["strict"] is True
    assert (body["parallel_tool_calls"], body["seed"]) == (False, 1)
    assert wire_tools([marked], None)[0]["cache_control"] == {"type": "ephemeral"}
    assert wire_tools([{"type": "web_search"}], None) == [{"type": "web_search"}]
    assert wire_choice("auto", []) is None


def test_wrong_tools(chat):
    """The error names the tool and what is known."""
    with pytest.raises(ConfigurationError, match=r"tools\[1\] cannot be a tool"):
        chat.bind_tools([plain, {"type": "object"}])
    with pytest.raises(ConfigurationError, match="one of these: 'plain'"):
        chat.bind_tools([plain], tool_choice="other")
    with pytest.raises(ConfigurationError, match=r"tools\[0\] has no name"):
        chat.bind_tools([{"type": "function", "function": {"name": ""}}])


def test_json_mode_without_a_schema(chat, provider):
    """Then any JSON is an answer."""
    provider.replies["*"] = json.dumps({"a": 1})

    assert chat.with_structured_output(method="json_mode").invoke("JSON!") == {"a": 1}


@pytest.mark.parametrize("said", ["Here it is: %s", "```json\n%s\n```", "%s\nDoes that {help}?"])
def test_an_object_with_words_around_it(chat, provider, said):
    """Models that are held to no schema say more than they should; the object is read all the same."""
    provider.replies["*"] = said % '{"setup": "a", "punchline": "b"}'

    answers = [
        chat.with_structured_output(schema, method="json_mode").invoke("A joke, as JSON!")
        for schema in (Joke, TITLED)
    ]

    assert answers == [Joke(setup="a", punchline="b"), {"setup": "a", "punchline": "b"}]


def test_a_union_by_discriminator_is_enforced(chat, provider):
    """In the form that OpenAI takes, by default and when it is asked for; tools too."""

    class Cat(BaseModel):
        kind: Literal["cat"]

    class Dog(BaseModel):
        kind: Literal["dog"]

    class Owner(BaseModel):
        """An owner."""

        pet: Cat | Dog = Field(discriminator="kind")

    provider.replies["*"] = '{"pet": {"kind": "dog"}}'
    for strict in (None, True):
        chat.with_structured_output(Owner, strict=strict).invoke("Hi")
    chat.bind_tools([Owner], strict=True).invoke("Hi")
    *formats, tool = [request.body for request in provider.requests]

    for body in formats:
        wanted = body["response_format"]["json_schema"]
        assert wanted["strict"]
        assert set(wanted["schema"]["properties"]["pet"]) == {"anyOf"}
    assert set(tool["tools"][0]["function"]["parameters"]["properties"]["pet"]) == {"anyOf"}
