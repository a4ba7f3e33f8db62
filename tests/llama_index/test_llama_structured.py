"""Answers that are objects, with the schema really forced."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from llama_schemas import Dish, Menu, Recipe
from pydantic import BaseModel, ValidationError

from genai_integrations.calls.schemas import strict_schema
from genai_integrations.errors import InvalidReplyError
from genai_integrations.llama_index import GenAI

PROMPT = PromptTemplate("A menu of {cuisine}.")
MENU = Menu(title="Carte", dishes=[Dish(name="Soup", price=3), Dish(name="Bread", price=1)])


@pytest.fixture
def predict_four_ways():
    """Predict in the four ways that LlamaIndex has; of a stream the last object is taken."""

    def predict(llm, cls=Menu, prompt=PROMPT, **kwargs):
        kwargs.setdefault("cuisine", "France")

        async def predicted():
            whole = await llm.astructured_predict(cls, prompt, **kwargs)
            stream = await llm.astream_structured_predict(cls, prompt, **kwargs)
            return [whole, [part async for part in stream][-1]]

        *_, streamed = llm.stream_structured_predict(cls, prompt, **kwargs)
        return [llm.structured_predict(cls, prompt, **kwargs), streamed, *asyncio.run(predicted())]

    return predict


def test_the_schema_is_the_format_of_the_answer(llm, predict_four_ways, provider, sent):
    """Where every target takes a schema, it is sent strictly in all four ways."""
    provider.replies["*"] = MENU.model_dump_json()

    assert predict_four_ways(llm) == [MENU] * 4
    for body in sent():
        form = body["response_format"]["json_schema"]
        assert form["strict"]
        assert form["name"] == "Menu"
        assert form["schema"]["$defs"]["Dish"]["additionalProperties"] is False
        assert form["schema"]["required"] == ["title", "dishes", "note"]
        assert "tools" not in body


def test_else_a_tool_has_to_be_called(client, predict_four_ways, sent):
    """By its name, in streams too, where LlamaIndex's own program leaves the choice to the model."""
    answers = predict_four_ways(GenAI("gpt-3.5-turbo", client=client))

    assert answers == [Menu(title="text", dishes=[])] * 4
    for body in sent():
        assert body["tool_choice"] == {"type": "function", "function": {"name": "Menu"}}
        assert "response_format" not in body


def test_the_program_mode_is_honoured(llm, predict_four_ways, provider, sent):
    """`FUNCTION` calls a tool though the model takes schemas; `LLM` asks in words and parses."""
    predict_four_ways(llm.with_(pydantic_program_mode=PydanticProgramMode.FUNCTION))
    assert all("tools" in body for body in sent())
    provider.requests.clear()
    provider.replies["*"] = MENU.model_dump_json()

    answers = predict_four_ways(llm.with_(pydantic_program_mode=PydanticProgramMode.LLM))

    assert answers == [MENU] * 4
    assert not any("tools" in body or "response_format" in body for body in sent())
    assert all("JSON schema" in body["messages"][-1]["content"] for body in sent())
    assert PROMPT.output_parser is None


def test_a_schema_that_no_provider_enforces_is_a_tool(llm, predict_four_ways, sent):
    """An object of any keys cannot be strict."""

    class Bag(BaseModel):
        things: dict[str, int]

    assert predict_four_ways(llm, Bag) == [Bag(things={})] * 4
    assert all("tools" in body for body in sent())


def test_the_system_prompt_is_kept(llm, predict_four_ways, sent):
    """In async as in sync, and in streams."""
    for mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION):
        predict_four_ways(llm.with_(system_prompt="Be brief.", pydantic_program_mode=mode))

    firsts = [body["messages"][0] for body in sent()]
    assert firsts == [{"role": "system", "content": "Be brief."}] * 8


def test_llm_kwargs_are_sent_and_kept(llm, predict_four_ways, sent):
    """They reach the provider, cannot undo what is forced, and the caller's dict stays as it is."""
    kwargs = {"temperature": 0.2, "tool_choice": "none", "tool_required": False}
    before = dict(kwargs)

    predict_four_ways(llm.with_(pydantic_program_mode="function"), llm_kwargs=kwargs)

    assert kwargs == before
    assert all(body["temperature"] == 0.2 for body in sent())
    assert all(body["tool_choice"]["function"]["name"] == "Menu" for body in sent())


def test_an_object_grows(llm, provider):
    """Each partial one has more, and the last is of the class."""
    text = MENU.model_dump_json()
    provider.replies["*"] = [text[at : at + 5] for at in range(0, len(text), 5)]

    parts = list(llm.stream_structured_predict(Menu, PROMPT, cuisine="France"))

    sizes = [len(part.dishes or []) for part in parts]
    assert sizes == sorted(sizes)
    assert {0, 1, 2} <= set(sizes)
    assert parts[-1] == MENU


@pytest.mark.parametrize("mode", ["default", "function"])
def test_an_answer_that_does_not_fit_is_an_error(llm, provider, mode):
    """Whole or streamed, never a half-filled object."""
    provider.replies["*"] = '{"title": "Carte"}'
    own = llm.with_(pydantic_program_mode=mode)

    with pytest.raises(ValidationError):
        own.structured_predict(Menu, PROMPT, cuisine="France")
    with pytest.raises(ValidationError):
        list(own.stream_structured_predict(Menu, PROMPT, cuisine="France"))


def test_words_instead_of_an_object_are_an_error(llm, provider):
    """Whole or streamed."""
    provider.replies["*"] = "I would rather talk."

    with pytest.raises(ValidationError):
        llm.structured_predict(Menu, PROMPT, cuisine="France")
    with pytest.raises(ValidationError):
        list(llm.stream_structured_predict(Menu, PROMPT, cuisine="France"))


def test_a_model_without_schemas_and_functions_is_asked_in_words(
    client, provider, predict_four_ways, sent
):
    """LlamaIndex's own program does it."""
    provider.replies["*"] = MENU.model_dump_json()
    plain = GenAI("gpt-3.5-turbo", client=client, is_function_calling_model=False)

    assert predict_four_ways(plain) == [MENU] * 4
    assert not any("tools" in body for body in sent())


def test_an_unknown_model_is_not_trusted_with_a_schema(client, predict_four_ways, sent):
    """Where nobody knows whether all targets take one, a tool is called."""
    predict_four_ways(GenAI("openai/mine", client=client, context_window=9000))

    assert all("tools" in body for body in sent())


def test_a_refusal_is_an_error(llm, provider):
    """It says what the model said."""
    provider.replies["*"] = {"content": None, "refusal": "I may not."}

    with pytest.raises(InvalidReplyError, match="I may not"):
        llm.structured_predict(Menu, PROMPT, cuisine="France")
    with pytest.raises(InvalidReplyError, match="I may not"):
        list(llm.stream_structured_predict(Menu, PROMPT, cuisine="France"))


def test_a_refusal_is_beside_the_blocks(llm, four_ways, provider):
    """Streamed or not: the answer itself is empty."""
    provider.replies["*"] = {"content": None, "refusal": "I may not."}

    for response in four_ways(llm, [ChatMessage("A menu.")]):
        assert response.message.content == ""
        assert response.message.additional_kwargs == {"refusal": "I may not."}


def test_as_structured_llm(llm, provider):
    """Chat, stream and async give objects; braces in the messages are text."""
    provider.replies["*"] = MENU.model_dump_json()
    structured = llm.as_structured_llm(Menu)
    messages = [ChatMessage("Use {this} and {'a': 1}.")]

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # LlamaIndex calls pydantic's old `json`
        *_, last = structured.stream_chat(messages)

    assert structured.chat(messages).raw == last.raw == MENU
    assert asyncio.run(structured.achat(messages)).raw == MENU
    assert provider.requests[-1].body["messages"][0]["content"] == "Use {this} and {'a': 1}."


def test_a_chat_prompt_is_filled(llm, sent):
    """Every message of a template is sent."""
    prompt = ChatPromptTemplate.from_messages([("system", "You cook {cuisine}."), ("user", "Go!")])

    llm.structured_predict(Menu, prompt, cuisine="France")

    assert [row["content"] for row in sent()[-1]["messages"]] == ["You cook France.", "Go!"]


def test_llama_indexs_own_program_works(llm, sent):
    """`FunctionCallingProgram` of an LLM of ours: called, awaited and streamed; the call is required."""
    program = FunctionCallingProgram.from_defaults(Menu, prompt=PROMPT, llm=llm)

    async def streamed():
        return [part async for part in await program.astream_call(cuisine="France")]

    wanted = Menu(title="text", dishes=[])
    assert program(cuisine="France") == wanted
    assert asyncio.run(program.acall(cuisine="France")) == wanted
    assert [body["tool_choice"] for body in sent()] == ["required", "required"]


def test_llama_indexs_own_program_streams(llm, conversation):
    """It looks for tool calls where older integrations put them, and finds them there."""
    conversation({"tool_calls": [{"name": "Menu", "arguments": MENU.model_dump_json()}]})
    program = FunctionCallingProgram.from_defaults(Menu, prompt=PROMPT, llm=llm)

    *_, last = program.stream_call(cuisine="France")

    assert last == MENU


def test_parametrised_classes_have_a_name_that_providers_take(llm, sent):
    """Brackets are not allowed on the wire."""
    from typing import Generic, TypeVar

    inner = TypeVar("inner")

    class Box(BaseModel, Generic[inner]):
        content: inner

    assert llm.structured_predict(Box[int], PROMPT, cuisine="x") == Box[int](content=1)
    assert sent()[-1]["response_format"]["json_schema"]["name"] == "Box_int_"


def test_strict_schemas():
    """Optional and nested fields can be strict; anything goes cannot."""

    class Loose(BaseModel):
        thing: Any

    class Empty(BaseModel):
        pass

    strict = strict_schema(Recipe.model_json_schema())
    assert strict["required"] == ["name", "dish", "steps", "kind"]
    assert "default" not in str(strict)
    assert strict_schema(Loose.model_json_schema()) is None
    assert strict_schema(Empty.model_json_schema()) is None


@pytest.mark.parametrize("said", ["Here it is: %s", "```json\n%s\n```"])
def test_an_object_with_words_around_it(llm, predict_four_ways, provider, said):
    """Models that are held to no schema say more than they should; the object is read all the same."""
    provider.replies["*"] = said % MENU.model_dump_json()

    assert predict_four_ways(llm) == [MENU] * 4
