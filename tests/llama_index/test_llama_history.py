"""Conversations that go on, and LlamaIndex's own extractors, which ask any LLM in Anthropic's way."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core import Document
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.extractors import DocumentContextExtractor
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@pytest.mark.parametrize("role", ["assistant", "system"])
def test_a_picture_in_the_history_does_not_stop_the_next_turn(llm, sent, role):
    """What a model drew or a tool returned is shown by the user; OpenAI refuses it anywhere else."""
    blocks = [TextBlock(text="here"), ImageBlock(image=PNG, image_mimetype="image/png")]
    messages = [
        ChatMessage("Draw."),
        ChatMessage(role=role, blocks=blocks, additional_kwargs={"tool_call_id": "1"}),
        ChatMessage("What is it?"),
    ]

    llm.chat(messages)
    asyncio.run(llm.achat(messages))

    for body in sent():
        shown = [(row["role"], isinstance(row["content"], list)) for row in body["messages"]]
        assert shown == [("user", False), (role, False), ("user", True), ("user", False)]
        assert body["messages"][2]["content"][0]["type"] == "image_url"


def test_contextual_retrieval(llm, provider):
    """`DocumentContextExtractor` sends a beta header of Anthropic's, and swallows errors: the context arrives."""
    provider.replies["*"] = "About bikes."
    document = Document(text="The office of Marlow Bikes is in Oslo.", doc_id="d1")
    store = SimpleDocumentStore()
    store.add_documents([document])
    extractor = DocumentContextExtractor(docstore=store, llm=llm, show_progress=False)
    nodes = SentenceSplitter(chunk_size=64, chunk_overlap=0).get_nodes_from_documents([document])

    (row,) = asyncio.run(extractor.aextract(nodes))

    assert row == {"context": "About bikes."}
    assert "anthropic-beta" not in provider.requests[-1].headers
