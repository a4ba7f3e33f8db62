"""Query engines, synthesizers and chat engines, used as a user would."""

from __future__ import annotations

import asyncio
import json

import pytest
from llama_index.core import Document, SummaryIndex, VectorStoreIndex
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.evaluation import (
    CorrectnessEvaluator,
    FaithfulnessEvaluator,
    RelevancyEvaluator,
)
from llama_index.core.extractors import (
    KeywordExtractor,
    QuestionsAnsweredExtractor,
    SummaryExtractor,
    TitleExtractor,
)
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import LLMRerank, StructuredLLMRerank
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import QueryEngineTool
from llama_schemas import Menu
from llama_scripts import tool_call

from genai_integrations.llama_index import GenAIEmbedding, use_params

pytestmark = pytest.mark.usefixtures("memories", "loop", "settings")

FACTS = ["The office of Marlow Bikes is in Oslo.", "Marlow Bikes refunds within 14 days."]
NOT_STREAMED = (
    ResponseMode.ACCUMULATE,
    ResponseMode.COMPACT_ACCUMULATE,
    ResponseMode.CONTEXT_ONLY,
)
NODES = [NodeWithScore(node=TextNode(text=text), score=1.0) for text in FACTS]


@pytest.fixture
def embedding(client):
    """Short vectors."""
    return GenAIEmbedding(client=client, dimensions=256)


@pytest.fixture
def index(embedding):
    """Two facts in a vector index."""
    documents = [Document(text=text) for text in FACTS]
    return VectorStoreIndex.from_documents(documents, embed_model=embedding)


@pytest.mark.parametrize("mode", [mode for mode in ResponseMode if mode != ResponseMode.NO_TEXT])
def test_every_response_mode(llm, mode, provider):
    """Whole, streamed and async, each asks and gives the answer."""
    provider.replies["*"] = "In Oslo."
    whole = get_response_synthesizer(llm=llm, response_mode=mode)
    streaming = get_response_synthesizer(llm=llm, response_mode=mode, streaming=True)

    answers = [
        str(whole.synthesize("Where?", NODES)),
        str(asyncio.run(whole.asynthesize("Where?", NODES))),
    ]
    if mode not in NOT_STREAMED:
        answers.append("".join(streaming.synthesize("Where?", NODES).response_gen or ()))

    if mode == ResponseMode.CONTEXT_ONLY:
        assert all(FACTS[0] in answer for answer in answers)
    else:
        assert all("In Oslo." in answer for answer in answers)
        assert provider.requests


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.TREE_SUMMARIZE])
def test_a_synthesizer_with_an_output_class(llm, mode, sent):
    """The answer is an object, and the schema was forced."""
    synthesizer = get_response_synthesizer(llm=llm, response_mode=mode, output_cls=Menu)

    response = synthesizer.synthesize("Which dishes?", NODES)

    assert response.response == Menu(title="text", dishes=[], note="text")
    assert sent()[-1]["response_format"]["type"] == "json_schema"


def test_refining_with_structured_answers(llm, sent):
    """`structured_answer_filtering` asks for an object and not for words."""
    synthesizer = get_response_synthesizer(
        llm=llm, response_mode="refine", structured_answer_filtering=True
    )

    assert str(synthesizer.synthesize("Where?", NODES)) == "text"
    assert {body["tool_choice"] for body in sent()} == {"required"}


def test_a_vector_index_with_our_embedding_and_llm(index, llm, sent):
    """The nearest text is found and sent; sync, async and streamed."""
    engine = index.as_query_engine(llm=llm, similarity_top_k=1)
    streaming = index.as_query_engine(llm=llm, similarity_top_k=1, streaming=True)

    async def asked():
        return str(await engine.aquery("Where is the office of Marlow Bikes?"))

    answer = str(engine.query("Where is the office of Marlow Bikes?"))
    assert FACTS[0] in answer
    assert asyncio.run(asked()) == answer
    assert str(streaming.query("Where is the office of Marlow Bikes?")) == answer
    assert all(FACTS[1] not in body["messages"][-1]["content"] for body in sent())


def test_settings_reach_through_a_query_engine(index, llm, sent):
    """By a block, or by a copy of the LLM; an engine passes no parameters itself."""
    engine = index.as_query_engine(llm=llm)
    with use_params(temperature=0.1, model="gpt-4o"):
        engine.query("Where?")
        asyncio.run(engine.aquery("Where?"))
    engine.query("Where?")
    index.as_query_engine(llm=llm.with_(temperature=0.2)).query("Where?")

    assert [(row["model"], row.get("temperature")) for row in sent()] == [
        ("gpt-4o", 0.1),
        ("gpt-4o", 0.1),
        ("gpt-4o-mini", None),
        ("gpt-4o-mini", 0.2),
    ]


def test_global_settings(settings, embedding):
    """`Settings.llm = GenAI(...)` and `Settings.embed_model` are all that an index needs."""
    settings.embed_model = embedding
    index = VectorStoreIndex.from_documents([Document(text=FACTS[0])])

    assert FACTS[0] in str(index.as_query_engine().query("Where?"))


@pytest.mark.parametrize(
    "mode", ["simple", "context", "condense_question", "condense_plus_context"]
)
def test_chat_engines(index, llm, mode):
    """Each remembers, whole and streamed."""
    engine = index.as_chat_engine(chat_mode=mode, llm=llm)

    first = str(engine.chat("Where is the office?"))
    second = "".join(engine.stream_chat("And the refunds?").response_gen)

    assert first.startswith("provider says:")
    assert second.startswith("provider says:")
    assert len(engine.chat_history) == 4


def test_chat_engines_async(index, llm):
    """The same without blocking."""
    engine = index.as_chat_engine(chat_mode="context", llm=llm)

    async def talked():
        whole = await engine.achat("Where is the office?")
        streamed = await engine.astream_chat("And the refunds?")
        return str(whole), "".join([token async for token in streamed.async_response_gen()])

    assert all(text.startswith("provider says:") for text in asyncio.run(talked()))


def test_a_conversation_is_sent_in_order(llm, sent):
    """The memory's limit comes from the model's window, and every turn is kept."""
    engine = SimpleChatEngine.from_defaults(llm=llm, system_prompt="Be brief.")
    engine.chat("One")
    engine.chat("Two")

    assert [row["role"] for row in sent()[-1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert ChatMemoryBuffer.from_defaults(llm=llm).token_limit == 96_000


def test_memory_passes_between_models(llm, conversation, hello, sent):
    """What one model said, a call and thoughts among it, another takes as history."""
    conversation(
        {**tool_call("add", a=1), "content": "Let me see.", "reasoning_content": "Hm."}, "Done."
    )
    memory = ChatMemoryBuffer.from_defaults(chat_history=hello, llm=llm)
    said = llm.chat(memory.get()).message
    (call,) = said.additional_kwargs["tool_calls"]
    memory.put(said)
    memory.put(
        ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": call["id"]})
    )

    assert llm.chat(memory.get(), model="o3").message.content == "Done."
    assert [row["role"] for row in sent()[-1]["messages"]] == ["user", "assistant", "tool"]


def test_sub_questions(index, llm, provider):
    """A question is split, each part is answered by its engine, and the answers are put together."""
    questions = [{"sub_question": "Where is the office?", "tool_name": "facts"}]
    provider.replies["*"] = lambda body: (
        json.dumps({"items": questions})
        if "sub_question" in body["messages"][-1]["content"]
        else "In Oslo."
    )
    tool = QueryEngineTool.from_defaults(
        index.as_query_engine(llm=llm), name="facts", description="Facts."
    )
    engine = SubQuestionQueryEngine.from_defaults(
        query_engine_tools=[tool],
        question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
        response_synthesizer=get_response_synthesizer(llm=llm),
        use_async=False,
        verbose=False,
    )

    response = engine.query("Where?")

    assert str(response) == "In Oslo."
    assert any(
        "Sub question: Where is the office?" in row.node.text for row in response.source_nodes
    )


def test_a_router_has_to_choose(index, llm, sent):
    """Which engine answers is a forced call of a tool."""
    tool = QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name="f", description="F.")
    engine = RouterQueryEngine.from_defaults([tool, tool], llm=llm)

    assert "Oslo" in str(engine.query("Where?"))
    assert sent()[0]["tool_choice"] == "required"


def test_query_fusion(index, llm, provider):
    """More questions are made of one."""
    provider.replies["*"] = "Which city?\nWhich country?"
    retriever = QueryFusionRetriever(
        [index.as_retriever()], llm=llm, num_queries=3, use_async=False
    )

    assert {row.node.text for row in retriever.retrieve("Where?")} == set(FACTS)


def test_rerankers(llm, provider):
    """By words, and by a forced schema."""
    query = "Where?"
    provider.replies["*"] = "Doc: 1, Relevance: 9\nDoc: 2, Relevance: 2"
    plain = LLMRerank(llm=llm, top_n=1).postprocess_nodes(NODES, query_str=query)
    provider.replies["*"] = json.dumps(
        {
            "documents": [
                {"document_number": 2, "relevance": 8},
                {"document_number": 1, "relevance": 1},
            ]
        }
    )
    structured = StructuredLLMRerank(llm=llm, top_n=1).postprocess_nodes(NODES, query_str=query)

    assert plain[0].node.text == FACTS[0]
    assert structured[0].node.text == FACTS[1]


def test_extractors_in_a_pipeline(llm, embedding, provider):
    """Titles, summaries, keywords and questions, then vectors, sync and async."""
    provider.replies["*"] = "Bikes"
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=64, chunk_overlap=0),
            TitleExtractor(llm=llm),
            SummaryExtractor(llm=llm),
            KeywordExtractor(llm=llm),
            QuestionsAnsweredExtractor(llm=llm),
            embedding,
        ]
    )

    for nodes in (
        pipeline.run(documents=[Document(text=FACTS[0])]),
        asyncio.run(pipeline.arun(documents=[Document(text=FACTS[1])])),
    ):
        (node,) = nodes
        assert node.metadata["document_title"] == node.metadata["section_summary"] == "Bikes"
        assert len(node.embedding) == 256


def test_evaluators(llm, provider):
    """Their prompts are answered and their verdicts read."""
    provider.replies["*"] = "YES"
    faithful = FaithfulnessEvaluator(llm=llm).evaluate(response="In Oslo.", contexts=FACTS)
    relevant = RelevancyEvaluator(llm=llm).evaluate("Where?", "In Oslo.", FACTS)
    provider.replies["*"] = "4.5\nMostly."
    correct = CorrectnessEvaluator(llm=llm).evaluate("Where?", "In Oslo.", reference="Oslo.")

    assert faithful.passing
    assert relevant.passing
    assert correct.score == 4.5


def test_a_long_text_is_cut_to_the_window(llm, provider, sent):
    """The prompt helper packs by the context window that metadata tells."""
    provider.replies["*"] = "Words."
    small = llm.with_(context_window=600, num_output=100)
    engine = SummaryIndex([TextNode(text="word " * 400) for _ in range(4)]).as_query_engine(
        llm=small, response_mode="tree_summarize"
    )
    engine.query("What?")

    assert len(sent()) > 1
