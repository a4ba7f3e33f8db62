"""Langfuse prompts as LlamaIndex templates: exact, live, and at home everywhere a template goes."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Document, MockEmbedding, SummaryIndex
from llama_index.core.indices.prompt_helper import PromptHelper
from llama_index.core.llms import ChatMessage, MessageRole, MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.prompts import SelectorPromptTemplate
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.types import BaseOutputParser
from prompt_support import (
    AWKWARD,
    WaitingLangfuse,
    compiled,
    recorded_bodies,
    unblocked,
    until,
    values_for,
)
from pydantic import BaseModel

from genai_integrations import GenAIClient, use_client
from genai_integrations.errors import ConfigurationError, PromptError, PromptVariableError
from genai_integrations.llama_index import (
    GenAI,
    alangfuse_prompt,
    langfuse_prompt,
    update_prompts,
)
from genai_integrations.llama_index.messages import to_wire
from genai_integrations.llama_index.prompts.messages import MARK

HISTORY = [{"role": "user", "content": "{{text}} {q}"}, {"role": "assistant", "content": "b"}]
NODES = [NodeWithScore(node=TextNode(text="the context"))]


class Answer(BaseModel):
    """What a structured answer has."""

    name: str


class Shouting(BaseOutputParser):
    """Adds an instruction to a prompt."""

    def parse(self, output):
        """The output."""
        return output

    def format(self, query):
        """The query, with the instruction."""
        return f"{query} SHOUT!"


@pytest.fixture
def qa(langfuse):
    """A chat prompt with the variables of a query engine."""
    langfuse.create_prompt(
        "qa",
        [
            {"role": "system", "content": "Use {{context_str}}. JSON: {}"},
            {"type": "placeholder", "name": "history"},
            {"role": "user", "content": "{{query_str}}"},
        ],
    )


@pytest.fixture
def llm(client):
    """An LLM that repeats the question."""
    return GenAI("gpt-4o", client=client)


def texts(messages):
    """Role and text of each message."""
    return [(row.role.value, row.content) for row in messages]


def test_recorded_prompts(client, langfuse, golden_prompts):
    """Byte for byte what the SDK compiles; a role that LlamaIndex does not have is an error that says so."""
    seen = set()
    for number, body in enumerate(recorded_bodies(golden_prompts)):
        langfuse.create_prompt(f"recorded-{number}", body)
        prompt = client.prompt(f"recorded-{number}")
        values = {**values_for(prompt, HISTORY), "more": "ignored"}
        template = langfuse_prompt(prompt.name, client=client)
        wanted = compiled(prompt, values)
        seen.add(type(wanted))

        assert template.template_vars == list(prompt.variables)
        if isinstance(wanted, str):
            assert template.format(**values) == wanted
            assert texts(template.format_messages(**values)) == [("user", wanted)]
        elif odd := {role for role, _ in wanted} - {each.value for each in MessageRole}:
            with pytest.raises(PromptError, match=f"has the role '{odd.pop()}'"):
                template.format_messages(**values)
        else:
            assert texts(template.format_messages(**values)) == wanted
    assert seen == {str, list}


@pytest.mark.parametrize("text", AWKWARD.values(), ids=list(AWKWARD))
def test_awkward_prompts(text, client, langfuse):
    """What LlamaIndex's own templates would fill in, double or execute comes out as it is, exports included."""
    langfuse.create_prompt("text", text)
    langfuse.create_prompt("messages", [{"role": "user", "content": text}])
    template, chat = (langfuse_prompt(name, client=client) for name in ("text", "messages"))
    values = values_for(template.live.get())
    wanted = compiled(template.live.get(), values)

    assert template.format(**values) == wanted
    assert chat.format_messages(**values)[0].content == wanted
    assert template.to_prompt_template().format(**values) == wanted
    for made in (template, chat):
        assert made.to_chat_prompt_template().format_messages(**values)[0].content == wanted
    assert template.to_rich_prompt_template().format(**values) == wanted
    rich = chat.to_rich_prompt_template().format_messages(**values)
    assert [(row.role, row.content) for row in rich] == [("user", wanted.strip())]


@given(
    text=st.lists(
        st.sampled_from(
            [
                "{{a}}",
                "{{ b c }}",
                "{{",
                "}}",
                "{",
                "}",
                "{a}",
                '"',
                "\\",
                "{%",
                "{#",
                "\n",
                "\r",
                " ",
                "😀",
                "x",
            ]
        )
    ).map("".join),
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
)
def test_any_text_and_any_value(text, value):
    """In the template and in what it exports; nothing of a value is looked at."""
    with use_client(GenAIClient(tracing=False)):
        template = langfuse_prompt("absent", fallback=text)
        values = dict.fromkeys(template.template_vars, value)
        wanted = template.live.get().render(values)

        assert template.format(**values) == wanted
        assert template.to_prompt_template().format(**values) == wanted
        assert template.to_chat_prompt_template().format_messages(**values)[0].content == wanted
        assert template.to_rich_prompt_template().format(**values) == wanted


def test_values_that_are_no_text(client, langfuse):
    """As the SDK has it, where LlamaIndex would print None."""
    langfuse.create_prompt("text", "{{a}}|{{b}}|{{c}}")

    assert langfuse_prompt("text", client=client).format(a=None, b=0, c="") == "|0|"


def test_a_placeholder_takes_llamaindexs_messages(client, qa):
    """And OpenAI's own, tool calls among them; what is in them is not looked at, and they stay as they are."""
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    history = [
        ChatMessage(role="user", content="{{query_str}} {context_str}"),
        ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call]}),
        ChatMessage(role="tool", content="found", additional_kwargs={"tool_call_id": "1"}),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "found", "tool_call_id": "1"},
        {"role": "user", "content": [{"block_type": "text", "text": "part"}]},
    ]

    found = langfuse_prompt("qa", client=client).format_messages(
        context_str="c", query_str="q", history=history
    )

    kept = found[1:-1]
    assert kept[:3] == history[:3]
    assert kept[3].additional_kwargs == {"tool_calls": [call]}
    assert kept[4].additional_kwargs == {"tool_call_id": "1"}
    assert kept[5].content == "part"


def test_a_placeholder_takes_openais_parts(client, qa):
    """As the client and LangChain's templates do; they are sent as they were given."""
    parts = [
        {"type": "text", "text": "Look.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "input_audio", "input_audio": {"data": "AQID", "format": "mp3"}},
        {"type": "file", "file": {"filename": "b.csv", "file_data": "data:text/csv;base64,YSxi"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    history = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": ["one", {"type": "text", "text": "two"}]},
    ]

    found = langfuse_prompt("qa", client=client).format_messages(
        context_str="c", query_str="q", history=history
    )

    assert to_wire(found)[1]["content"] == parts
    assert found[2].content == "one\ntwo"


def test_a_placeholder_takes_what_was_answered(client, qa, provider):
    """A reply's message goes into the next turn as it is, with what its provider wants back."""
    provider.replies["*"] = lambda _: {
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": "Yes.",
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
                },
            }
        ]
    }
    reply = client.completion("gpt-4o", HISTORY[:1])

    found = langfuse_prompt("qa", client=client).format_messages(
        context_str="c", query_str="q", history=[reply.choices[0].message]
    )

    assert to_wire(found)[1] == {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
    }


@pytest.mark.parametrize(
    "value",
    [
        "Hi", None, 5, ["Hi"], [{"content": "x"}], [{"role": "user", "content": 5}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": None}]}],
        [{"role": "user", "content": [{"block_type": "image", "url": 5}]}],
    ],
)  # fmt: skip
def test_a_placeholder_takes_nothing_else(value, client, qa):
    """The error names it."""
    template = langfuse_prompt("qa", client=client)

    with pytest.raises(PromptVariableError, match="the placeholder 'history' takes a list"):
        template.format_messages(context_str="c", query_str="q", history=value)


def test_missing_variables(client, langfuse):
    """LlamaIndex's own templates send `{query_str}` to the model."""
    langfuse.create_prompt("text", "{{query_str}}")

    with pytest.raises(PromptVariableError, match="given: 'query' instead of 'query_str'"):
        langfuse_prompt("text", client=client).format(query="x")


def test_mappings_and_values_filled_in(client, langfuse):
    """LlamaIndex's names are mapped to the prompt's, functions get all values, and both survive an export."""
    langfuse.create_prompt("text", "{{user-name}}: {{frage}} ({{loud}}) {frage}")
    template = langfuse_prompt(
        "text",
        client=client,
        template_var_mappings={"query_str": "frage"},
        function_mappings={"loud": lambda **values: values["query_str"].upper()},
        **{"user-name": "Kim"},
    )
    wanted = "Kim: why? (WHY?) {frage}"

    assert template.format(query_str="why?") == wanted
    assert template.partial_format(query_str="why?").format() == wanted
    assert template.to_prompt_template().format(query_str="why?") == wanted
    assert template.to_chat_prompt_template().format_messages(query_str="why?")[0].content == wanted
    assert template.to_rich_prompt_template().format(query_str="why?") == wanted


def test_filling_in_leaves_the_template_alone(client, qa):
    """And its parser; a placeholder can be filled in too."""
    parser = Shouting()
    template = langfuse_prompt("qa", client=client, output_parser=parser)

    made = template.partial_format(history=[ChatMessage(content="old")], context_str="c")

    assert len(made.format_messages(query_str="q")) == 3
    assert made.output_parser is template.output_parser is parser
    assert template.kwargs == {}


@pytest.mark.parametrize("name", ["metadata", "output_parser", "function_mappings", "live"])
def test_a_variable_may_be_called_as_an_argument_is(name, client, langfuse):
    """It can be filled in, and copies of the template keep its value."""
    langfuse.create_prompt("text", f"About {{{{{name}}}}}.")
    template = langfuse_prompt("text", client=client, metadata={"kept": 1})

    made = template.partial_format(**{name: "a book"})

    assert made.format() == copy.deepcopy(made).format() == "About a book."
    assert made.metadata["kept"] == 1


def test_an_output_parser(client, langfuse, qa):
    """Its instruction is added once, as LlamaIndex's own templates add it."""
    langfuse.create_prompt("text", "Say {{x}}.")
    text = langfuse_prompt("text", client=client, output_parser=Shouting())
    chat = langfuse_prompt("qa", client=client, output_parser=Shouting(), history=[])
    given = {"context_str": "c", "query_str": "q"}

    assert text.format(x=1) == "Say 1. SHOUT!"
    assert texts(text.format_messages(x=1)) == [("user", "Say 1. SHOUT!")]
    assert chat.format_messages(**given)[0].content == "Use c. JSON: {} SHOUT!"
    assert chat.format(**given).count("SHOUT!") == 1


def test_one_text_of_a_chat(client, qa):
    """For models that take no messages."""
    template = langfuse_prompt("qa", client=client, history=[])
    given = {"context_str": "c", "query_str": "q"}

    assert template.format(**given).startswith("system: Use c. JSON: {}\nuser: q")
    assert template.format(messages_to_prompt=lambda rows: str(len(rows)), **given) == "2"
    assert template.get_template() == (
        "system: Use {{context_str}}. JSON: {}\n<history>\nuser: {{query_str}}"
    )


def test_one_text_of_a_text(client, langfuse):
    """A model's own form is put around it."""
    langfuse.create_prompt("text", "Say {{x}}.")
    template = langfuse_prompt("text", client=client)

    assert template.format(completion_to_prompt=lambda text: f"<{text}>", x=1) == "<Say 1.>"
    assert template.get_template() == "Say {{x}}."


def test_llamaindex_can_measure_it(client, qa):
    """It fills every variable with nothing, placeholders too."""
    template = langfuse_prompt("qa", client=client)

    assert PromptHelper(context_window=500, num_output=50).repack(template, ["text"]) == ["text"]


@pytest.mark.parametrize(
    "mode", ["compact", "refine", "tree_summarize", "simple_summarize", "accumulate"]
)
def test_in_a_synthesizer(mode, client, qa, llm, provider):
    """Sync, async and streamed, with more than one chunk to refine."""
    template = langfuse_prompt("qa", client=client, history=[])
    made = get_response_synthesizer(
        llm=llm, response_mode=mode, text_qa_template=template, summary_template=template
    )

    async def asked():
        return await made.asynthesize("why?", NODES)

    assert "provider says: why?" in made.synthesize("why?", NODES).response
    assert "provider says: why?" in asyncio.run(asked()).response
    system = provider.requests[0].body["messages"][0]
    assert system["role"] == "system"
    assert "the context" in system["content"]
    assert system["content"].endswith("JSON: {}")


def test_in_a_query_engine(client, qa, llm):
    """Given when it is made, or put in afterwards; streamed."""
    index = SummaryIndex.from_documents(
        [Document(text="the context")], embed_model=MockEmbedding(2)
    )
    template = langfuse_prompt("qa", client=client, history=[])
    engine = index.as_query_engine(llm=llm, text_qa_template=template, streaming=True)
    other = index.as_query_engine(llm=llm)

    update_prompts(other, {"response_synthesizer:text_qa_template": template})

    assert "".join(engine.query("why?").response_gen) == "provider says: why?"
    assert str(other.query("why?")) == "provider says: why?"
    kept = other.get_prompts()["response_synthesizer:text_qa_template"]
    assert kept.live == template.live


@pytest.mark.parametrize(
    ("mode", "name"),
    [("context", "context_template"), ("condense_plus_context", "context_prompt")],
)
def test_in_a_chat_engine(mode, name, client, langfuse, llm, provider):
    """Which reads the template's text, and fills it in itself; braces that are no variable stay."""
    langfuse.create_prompt("context", 'As {{tone}} JSON {"a": {}}: {{kontext}}')
    template = langfuse_prompt(
        "context", client=client, template_var_mappings={"context_str": "kontext"}, tone="terse"
    )
    index = SummaryIndex.from_documents(
        [Document(text="the context")], embed_model=MockEmbedding(2)
    )
    engine = index.as_chat_engine(
        mode, llm=llm, memory=ChatMemoryBuffer.from_defaults(), **{name: template}
    )

    assert engine.chat("why?").response == "provider says: why?"

    langfuse.create_prompt("context", "Now {{kontext}}.")
    client.refresh()
    engine.chat("and now?")
    first, *_, last = (row.body["messages"][0]["content"] for row in provider.requests)
    assert first == 'As terse JSON {"a": {}}: the context'
    assert last == "Now the context."


def test_a_chat_prompt_has_no_text_for_a_chat_engine(client, qa, llm):
    """The error says what does."""
    index = SummaryIndex.from_documents([Document(text="x")], embed_model=MockEmbedding(2))
    template = langfuse_prompt("qa", client=client, history=[])

    engine = index.as_chat_engine(
        "context", llm=llm, memory=ChatMemoryBuffer.from_defaults(), context_template=template
    )

    with pytest.raises(PromptError, match=r"'qa' is a chat prompt.*: use a text prompt"):
        engine.chat("why?")


def test_a_key_that_is_misspelt(client, qa, llm):
    """LlamaIndex ignores it; here nothing is changed then."""
    made = get_response_synthesizer(llm=llm)
    before = made.get_prompts()["refine_template"]
    template = langfuse_prompt("qa", client=client)

    with pytest.raises(ConfigurationError, match="did you mean 'text_qa_template'"):
        update_prompts(made, {"refine_template": template, "text_qa_templat": template})

    assert made.get_prompts()["refine_template"] == before


def test_structured_answers(client, qa, llm, provider):
    """In all four ways, and through a program that puts a parser of its own into the prompt."""
    provider.replies["gpt-4o"] = '{"name": "Kim"}'
    template = langfuse_prompt("qa", client=client, history=[])
    given = {"context_str": "c", "query_str": "q"}

    async def awaited():
        whole = await llm.astructured_predict(Answer, template, **given)
        parts = await llm.astream_structured_predict(Answer, template, **given)
        return [whole, [part async for part in parts][-1]]

    program = LLMTextCompletionProgram(PydanticOutputParser(Answer), Answer, template, llm)
    found = [
        llm.structured_predict(Answer, template, **given),
        list(llm.stream_structured_predict(Answer, template, **given))[-1],
        program(**given),
        *asyncio.run(awaited()),
    ]

    assert found == [Answer(name="Kim")] * 5


def test_moving_a_label_changes_the_next_use(client, langfuse, qa, always_stale):
    """Text, messages and variables, of a template that was made before."""
    live = GenAIClient(langfuse.public_key, langfuse.secret_key, langfuse.host)
    template = langfuse_prompt("qa", client=live)
    langfuse.create_prompt("qa", [{"role": "user", "content": "{{b}}"}])

    until(lambda: template.template_vars == ["b"])

    assert texts(template.format_messages(b=1)) == [("user", "1")]


@pytest.mark.parametrize(
    "made_again",
    [
        copy.copy,
        copy.deepcopy,
        lambda it: it.model_copy(),
        lambda it: pickle.loads(pickle.dumps(it)),
    ],
)
def test_copies_and_pickles(made_again, client, langfuse, qa):
    """They look the prompt up as the original does; a pickle has no secret."""
    template = langfuse_prompt("qa", client=client, history=[ChatMessage(content="old")])
    given = {"context_str": "c", "query_str": "q"}

    again = made_again(template)
    again.kwargs["query_str"] = "mine"

    assert again.format_messages(context_str="c") == [
        *template.format_messages(**given)[:2],
        *again.format_messages(context_str="c")[2:],
    ]
    assert template.kwargs.keys() == {"history"}
    assert langfuse.secret_key.encode() not in pickle.dumps(template)
    assert langfuse.secret_key not in repr(template)


def test_what_cannot_be_exported(client, qa, langfuse):
    """Placeholders, and roles that the target does not have; the error says which."""
    langfuse.create_prompt("roles", [{"role": "developer", "content": "x"}])
    with_placeholder, roles = (langfuse_prompt(name, client=client) for name in ("qa", "roles"))

    with pytest.raises(PromptError, match="use to_chat_prompt_template"):
        with_placeholder.to_prompt_template()
    for made in (
        with_placeholder.to_chat_prompt_template,
        with_placeholder.to_rich_prompt_template,
    ):
        with pytest.raises(PromptError, match="has the placeholder 'history'"):
            made()
    with pytest.raises(PromptError, match="has the role 'developer', which RichPromptTemplate"):
        roles.to_rich_prompt_template()
    assert roles.to_chat_prompt_template().format_messages()[0].role == MessageRole.DEVELOPER


def test_a_loop_goes_on_while_an_llm_looks_up(llm):
    """LlamaIndex's templates have no async methods, so our LLM looks prompts up before it uses them."""
    with (
        WaitingLangfuse("pk-lf-waiting-llama") as server,
        GenAIClient(server.public_key, server.secret_key, server.host) as client,
    ):
        server.create_prompt("text", "Say {{x}}")

        async def streamed(template):
            return "".join([piece async for piece in await llm.astream(template, x=1)])

        async def main():
            template = await unblocked(server, alangfuse_prompt("text", client=client))
            found = []
            for work in (lambda: llm.apredict(prompt=template, x=1), lambda: streamed(template)):
                client.refresh()
                found.append(await unblocked(server, work()))
            return found

        assert asyncio.run(main()) == ["provider says: Say 1"] * 2


def test_marks_are_of_the_last_rendering(client, qa, langfuse, llm):
    """Every message says which version it is of; messages from elsewhere do not, and stay as they were."""
    template = langfuse_prompt("qa", client=client)
    given = {"llm": llm, "context_str": "c", "query_str": "q"}
    first = template.format_messages(**given, history=[])
    langfuse.create_prompt("qa", client.prompt("qa").messages)
    client.refresh()

    again = template.format_messages(**given, history=first)

    assert [row.additional_kwargs.get(MARK, {}).get("version") for row in again] == [
        2,
        None,
        None,
        2,
    ]
    assert all(row.additional_kwargs[MARK] == {"name": "qa", "version": 1} for row in first)


def test_marks_are_for_our_own_llm(client, qa, llm):
    """Others might send them along: LlamaIndex prints whatever a message has into a text."""
    template = langfuse_prompt("qa", client=client, history=[])
    given = {"context_str": "c", "query_str": "q"}

    for other in (None, MockLLM(), MockLLM().as_structured_llm(Answer)):
        assert all(not row.additional_kwargs for row in template.format_messages(other, **given))
    for ours in (llm, llm.as_structured_llm(Answer)):
        assert all(row.additional_kwargs for row in template.format_messages(ours, **given))
    assert MARK not in template.format(llm, **given)


def test_inside_a_selector(client, qa, llm):
    """LlamaIndex chooses a template by the model."""
    template = langfuse_prompt("qa", client=client)
    chosen = SelectorPromptTemplate(template, [(lambda _: True, template)])

    assert llm.predict(chosen, context_str="c", query_str="q", history=[]) == "provider says: q"
