"""Langfuse prompts as LangChain templates: exact, live, and at home everywhere a template goes."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import (
    ChatPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
)
from prompt_support import (
    AWKWARD,
    WaitingLangfuse,
    compiled,
    recorded_bodies,
    unblocked,
    until,
    values_for,
)

from genai_integrations import GenAIClient, use_client
from genai_integrations.errors import PromptError, PromptNotFoundError, PromptVariableError
from genai_integrations.langchain import ChatGenAI, alangfuse_prompt, langfuse_prompt
from genai_integrations.langchain.prompts.messages import MARK

HISTORY = [{"role": "user", "content": "{{text}} {q}"}, {"role": "assistant", "content": "b"}]
ROLES = {HumanMessage: "user", AIMessage: "assistant", SystemMessage: "system"}


def pairs(messages):
    """Role and content of each message."""
    return [
        (
            message.additional_kwargs.get("__openai_role__")
            or getattr(message, "role", None)
            or ROLES[type(message)],
            message.content,
        )
        for message in messages
    ]


def every_way(template, values):
    """What comes of a template in every way to use it."""

    async def awaited():
        return [
            await template.ainvoke(values),
            await template.aformat_prompt(**values),
            (await template.abatch([values]))[0],
            *[chunk async for chunk in template.astream(values)],
        ]

    found = [
        template.invoke(values),
        template.format_prompt(**values),
        *template.batch([values]),
        *template.stream(values),
        *asyncio.run(awaited()),
    ]
    assert template.format(**values) == found[0].to_string()
    assert asyncio.run(template.aformat(**values)) == found[0].to_string()
    return found


def test_recorded_prompts(client, langfuse, golden_prompts):
    """Byte for byte what the SDK compiles, in every way to use a template."""
    for number, body in enumerate(recorded_bodies(golden_prompts)):
        langfuse.create_prompt(f"recorded-{number}", body)
        prompt = client.prompt(f"recorded-{number}")
        values = {**values_for(prompt, HISTORY), "more": "ignored"}
        template = langfuse_prompt(prompt.name, client=client)
        wanted = compiled(prompt, values)

        assert template.input_variables == sorted(prompt.variables)
        for value in every_way(template, values):
            if isinstance(wanted, str):
                assert isinstance(template, PromptTemplate)
                assert value.text == wanted
            else:
                assert isinstance(template, ChatPromptTemplate)
                # LangChain has a class for what Google calls `model`.
                assert pairs(value.messages) == [
                    ({"model": "assistant"}.get(role, role), text) for role, text in wanted
                ]


@pytest.mark.parametrize("text", AWKWARD.values(), ids=list(AWKWARD))
def test_awkward_prompts(text, client, langfuse):
    """What the SDK's own conversion for LangChain loses, changes or refuses comes out as it is."""
    langfuse.create_prompt("text", text)
    langfuse.create_prompt("messages", [{"role": "user", "content": text}])
    for name in ("text", "messages"):
        prompt = client.prompt(name)
        template = langfuse_prompt(name, client=client)
        values = values_for(prompt)
        wanted = compiled(prompt, values)
        wanted = wanted if isinstance(wanted, str) else wanted[0][1]

        value = template.invoke(values)

        assert value.to_messages()[0].content == wanted
        assert template.get_input_schema().model_json_schema().get("properties", {}).keys() == set(
            prompt.variables
        )


@given(
    text=st.lists(
        st.sampled_from(
            ["{{a}}", "{{ b }}", "{{", "}}", "{", "}", "{a}", '"', "{%", "\n", " ", "x"]
        )
    ).map("".join),
    value=st.text(max_size=10),
)
def test_any_text_and_any_value(text, value):
    """Nothing of a text is syntax but its variables, and nothing of a value."""
    with use_client(GenAIClient(tracing=False)):
        template = langfuse_prompt("absent", fallback=text)
        prompt = template.parts[0].get()
        values = dict.fromkeys(prompt.variables, value)
        wanted = prompt.render(values)

        assert template.invoke(values).text == wanted
        chat = langfuse_prompt("absent", fallback=[{"role": "user", "content": text}])
        assert chat.invoke(values).messages[0].content == wanted
        if all(name.isidentifier() for name in prompt.variables):
            assert PromptTemplate.from_template(template.template).format(**values) == wanted


@pytest.mark.parametrize("value", ["{evil}", "{{text}}", "{", "}}", "{0}", "{__class__}"])
def test_a_value_is_never_syntax(value, client, chat):
    """With the SDK's conversion, a value that is filled in early becomes a variable."""
    template = langfuse_prompt("chat", client=client).partial(language=value)

    messages = template.invoke({"text": value, "history": [("human", value)]}).messages

    assert [message.content for message in messages] == [f"Answer in {value}.", value, value]
    assert template.input_variables == ["history", "text"]


ROLE_CASES = [
    ("user", HumanMessage),
    ("human", HumanMessage),
    ("assistant", AIMessage),
    ("ai", AIMessage),
    ("model", AIMessage),
    ("system", SystemMessage),
    ("developer", SystemMessage),
    ("tool", ChatMessage),
    ("function", ChatMessage),
    ("placeholder", ChatMessage),
    ("narrator", ChatMessage),
]


@pytest.mark.parametrize(("role", "kind"), ROLE_CASES)
def test_every_role(role, kind, client, langfuse):
    """Seven of these are a ValueError with the SDK's conversion."""
    langfuse.create_prompt("role", [{"role": role, "content": "{{x}}"}])

    (message,) = langfuse_prompt("role", client=client).invoke({"x": "{}"}).messages

    assert type(message) is kind
    assert message.content == "{}"
    assert getattr(message, "role", role) == role
    assert (message.additional_kwargs.get("__openai_role__") == role) == (role == "developer")


def test_a_placeholder_takes_langchains_messages(client, chat):
    """And pairs, texts and OpenAI's own, tool calls among them; what is in them is not looked at."""
    call = {"name": "look", "args": {"a": "{{text}}"}, "id": "1", "type": "tool_call"}
    wire = {"id": "2", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    answered = client.completion("gpt-4o", [{"role": "user", "content": "Hi"}]).choices[0].message
    history = [
        HumanMessage("{{text}}", name="Kim"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("found", tool_call_id="1"),
        FunctionMessage("f", name="look"),
        ("ai", "pair"),
        "text",
        {"role": "assistant", "content": None, "tool_calls": [wire]},
        {"role": "tool", "content": "c", "tool_call_id": "2"},
        {"role": "narrator", "content": "n"},
        HumanMessage([{"type": "text", "text": "part"}]),
        answered,
    ]

    found = langfuse_prompt("chat", client=client).format_messages(
        language="Korean", text="Hi", history=history
    )

    kept = found[1:-1]
    assert kept[:4] == history[:4]
    assert kept[4:6] == [AIMessage("pair"), HumanMessage("text")]
    assert kept[6].tool_calls[0]["id"] == "2"
    assert kept[7].tool_call_id == "2"
    assert kept[8] == ChatMessage(role="narrator", content="n")
    assert kept[9] == history[9]
    assert (kept[10].type, kept[10].content) == ("ai", "provider says: Hi")


@pytest.mark.parametrize("value", ["Hi", None, 5, {"role": "user"}, [5], [None], [{"x": 1}], ""])
def test_a_placeholder_takes_nothing_else(value, client, chat):
    """The error names it."""
    template = langfuse_prompt("chat", client=client)

    with pytest.raises(PromptVariableError, match="the placeholder 'history' takes a list"):
        template.invoke({"language": "Korean", "text": "Hi", "history": value})


def test_missing_variables(client, langfuse, chat):
    """All are named with the nearest given ones, in every way to use a template."""
    langfuse.create_prompt("text", "{{question}} {{context}}")
    template = langfuse_prompt("text", client=client)

    with pytest.raises(PromptVariableError, match="given: 'qestion' instead of 'question'"):
        template.invoke({"qestion": 1, "context": 2})
    with pytest.raises(PromptVariableError, match="needs 'question', 'context'; none were given"):
        template.format()
    with pytest.raises(PromptVariableError, match="needs 'text'; given: 'language', 'history'"):
        langfuse_prompt("chat", client=client).invoke({"language": 1, "history": []})
    with pytest.raises(PromptVariableError, match="the template needs 'more'"):
        (template + "{more}").invoke({"question": 1, "context": 2})
    with pytest.raises(TypeError, match="takes a dict with 'context', 'question'"):
        template.invoke("alone")


def test_one_variable_alone(client, langfuse):
    """As LangChain allows it: the value without its name, also once the others are filled in."""
    langfuse.create_prompt("text", "{{a}}{{b}}")
    template = langfuse_prompt("text", client=client)

    assert template.partial(a=lambda: "called ").invoke("alone").text == "called alone"


def test_a_chain(client, langfuse, provider, chat):
    """Prompt, model and parser, in every way to call them; dicts with more than is needed are fine."""
    langfuse.create_prompt("text", "Say {{x}}")
    chain = (
        langfuse_prompt("text", client=client)
        | ChatGenAI("gpt-4o", client=client)
        | StrOutputParser()
    )

    async def awaited():
        whole = await chain.ainvoke({"x": 1, "y": 2})
        return whole, "".join([piece async for piece in chain.astream({"x": 1})])

    found = {
        chain.invoke({"x": 1, "y": 2}),
        "".join(chain.stream({"x": 1})),
        *asyncio.run(awaited()),
    }

    assert found == {"provider says: Say 1"}


def test_sums_of_texts(client, langfuse):
    """With texts and templates, on either side; the sum stays live."""
    langfuse.create_prompt("text", "[{{a}}]")
    ours = langfuse_prompt("text", client=client)
    theirs = PromptTemplate.from_template("({b})", partial_variables={"b": "B"})
    sums = [
        (ours + " {c}", "[A] C"),
        ("{c} " + ours, "C [A]"),
        (ours + theirs, "[A](B)"),
        (theirs + ours, "(B)[A]"),
        (ours + ours, "[A][A]"),
        (ours.partial(a="Z") + theirs, "[Z](B)"),
    ]
    for total, wanted in sums:
        assert isinstance(total, PromptTemplate)
        given = {name: name.upper() for name in total.input_variables}
        assert total.invoke(given).text == wanted

    langfuse.create_prompt("text", "<{{x}}>")
    client.refresh()
    total = sums[0][0]
    assert total.input_variables == ["c", "x"]
    assert total.template == "<{x}> {c}"
    assert total.invoke({"x": 1, "c": 2}).text == "<1> 2"
    with pytest.raises(NotImplementedError):
        ours + 5


def test_sums_of_messages(client, chat):
    """With messages, texts, lists and templates, on either side; placeholders and all."""
    ours = langfuse_prompt("chat", client=client).partial(language="Korean", history=[])
    theirs = ChatPromptTemplate.from_messages([("system", "Be {mood}."), ("placeholder", "{old}")])
    entries = [("ai", "{x}")]
    sums = [
        (ours + "more {x}", 3),
        (ours + HumanMessage("more"), 3),
        (ours + entries, 3),
        (ours + MessagesPlaceholder("old"), 3),
        (HumanMessage("first") + ours, 3),
        ("first {x}" + ours, 3),
        (theirs + ours, 4),
        (ours + theirs, 4),
        (ours + ours, 4),
    ]
    for total, count in sums:
        assert isinstance(total, ChatPromptTemplate)
        given = {"text": "Hi", "x": 1, "mood": "kind", "old": [("ai", "old")]}
        assert "text" in total.input_variables
        assert "language" not in total.input_variables
        assert len(total.invoke(given).messages) == count
        assert len(asyncio.run(total.ainvoke(given)).messages) == count


def test_inside_other_templates(client, langfuse, chat):
    """As an entry of a list of messages, as the template of a message, and sliced."""
    langfuse.create_prompt("text", "Say {{x}}")
    inner, text = langfuse_prompt("chat", client=client), langfuse_prompt("text", client=client)
    outer = ChatPromptTemplate.from_messages(
        [("system", "s"), inner, HumanMessagePromptTemplate(prompt=text)]
    )
    given = {"language": "Korean", "text": "Hi", "history": [], "x": 1}

    assert outer.input_variables == ["history", "language", "text", "x"]
    assert [row.content for row in outer.invoke(given).messages][1:] == [
        "Answer in Korean.",
        "Hi",
        "Say 1",
    ]
    assert len(asyncio.run(outer.ainvoke(given)).messages) == 4
    assert len(inner[:1].invoke(given).messages) == 2
    assert "Answer in {{language}}." in inner.pretty_repr()
    assert "{history}" in inner.pretty_repr()
    assert text.pretty_repr() == "Say {x}"


def test_moving_a_label_changes_the_next_use(client, langfuse, chat, always_stale):
    """Text, messages and variables, of a template that was made before."""
    langfuse.create_prompt("text", "{{a}}")
    live = GenAIClient(langfuse.public_key, langfuse.secret_key, langfuse.host)
    text, messages = (langfuse_prompt(name, client=live) for name in ("text", "chat"))
    langfuse.create_prompt("text", "{{b}}!")
    langfuse.create_prompt("chat", [{"role": "user", "content": "{{b}}"}])

    until(lambda: text.input_variables == messages.input_variables == ["b"])

    assert text.invoke({"b": 1}).text == "1!"
    assert messages.invoke("alone").messages[0].content == "alone"


def test_label_and_version(client, langfuse):
    """As for the client."""
    langfuse.create_prompt("text", "one")
    langfuse.create_prompt("text", "two", labels=["beta"])

    assert langfuse_prompt("text", client=client).format() == "one"
    assert langfuse_prompt("text", label="beta", client=client).format() == "two"
    assert langfuse_prompt("text", version=2, client=client).format() == "two"
    with pytest.raises(PromptNotFoundError):
        langfuse_prompt("text", label="gone", client=client)


@pytest.mark.parametrize(
    "made_again",
    [
        copy.copy,
        copy.deepcopy,
        lambda it: it.model_copy(deep=True),
        lambda it: pickle.loads(pickle.dumps(it)),
    ],
)
def test_copies_and_pickles(made_again, client, langfuse, chat):
    """They look the prompt up as the original does; a pickle has no secret."""
    langfuse.create_prompt("text", "{{a}}")
    given = {"language": "Korean", "text": "Hi", "history": [], "a": 1, "x": 2}
    for name in ("text", "chat"):
        template = langfuse_prompt(name, client=client)
        for each in (
            template,
            template.partial(a="1") if name == "text" else template,
            template + "{x}",
        ):
            again = made_again(each)

            assert type(again) is type(each)
            assert again.invoke(given) == each.invoke(given)
            assert langfuse.secret_key.encode() not in pickle.dumps(each)
            assert langfuse.secret_key not in repr(each)


def test_a_fallback(client, langfuse):
    """It gives the template its type, and is replaced once Langfuse has the prompt."""
    text = langfuse_prompt("late", client=client, fallback="<{{a}}>")
    assert text.invoke({"a": 1}).text == "<1>"
    chat = langfuse_prompt("absent", client=client, fallback=[{"role": "user", "content": "{{a}}"}])
    assert chat.invoke({"a": 1}).messages == [HumanMessage("1")]

    langfuse.create_prompt("late", "[{{a}}]")
    client.refresh()
    assert text.invoke({"a": 1}).text == "[1]"


def test_a_text_that_became_a_chat(client, langfuse):
    """Its template cannot follow, and says so; a chat template can."""
    langfuse.create_prompt("p", "text")
    langfuse.create_prompt("q", [{"role": "user", "content": "x"}])
    text, chat = (langfuse_prompt(name, client=client) for name in "pq")
    for name, body in (("p", [{"role": "user", "content": "x"}]), ("q", "text")):
        langfuse.delete_prompt(name)
        langfuse.create_prompt(name, body)
    client.refresh()

    with pytest.raises(PromptError, match="make its template again"):
        text.invoke({})
    assert [row.content for row in chat.invoke({}).messages] == ["text"]
    assert chat.pretty_repr() == "text"


def test_a_loop_goes_on_while_a_template_looks_up():
    """Made and used in a loop, none of it blocks."""
    with (
        WaitingLangfuse("pk-lf-waiting-langchain") as server,
        GenAIClient(server.public_key, server.secret_key, server.host) as client,
    ):
        server.create_prompt("text", "Say {{x}}")
        server.create_prompt("chat", [{"role": "user", "content": "{{x}}"}])

        async def main():
            found = []
            for name in ("text", "chat"):
                template = await unblocked(server, alangfuse_prompt(name, client=client))
                total = template + "!"
                client.refresh()
                found.append((await unblocked(server, template.ainvoke({"x": 1}))).to_string())
                client.refresh()
                found.append(await unblocked(server, total.aformat(x=1)))
            return found

        assert asyncio.run(main()) == ["Say 1", "Say 1!", "Human: 1", "Human: 1\nHuman: !"]


def test_marks_are_of_the_last_rendering(client, chat, langfuse):
    """Every message says which version it is of; messages from elsewhere do not, and stay as they were."""
    template = langfuse_prompt("chat", client=client)
    given = {"language": "Korean", "text": "Hi", "history": []}
    first = template.invoke(given).messages
    langfuse.create_prompt("chat", client.prompt("chat").messages)
    client.refresh()

    again = template.invoke({**given, "history": first}).messages

    assert [row.additional_kwargs.get(MARK, {}).get("version") for row in again] == [
        2,
        None,
        None,
        2,
    ]
    assert all(row.additional_kwargs[MARK] == {"name": "chat", "version": 1} for row in first)
