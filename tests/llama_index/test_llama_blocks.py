"""All ten kinds of content blocks, in and out."""

from __future__ import annotations

import asyncio
import base64
import io

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from genai_integrations.errors import ConfigurationError
from genai_integrations.llama_index.blocks import parts_of
from genai_integrations.llama_index.messages import to_wire

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 24
MP4 = b"\x00\x00\x00\x18ftypisom" + b"\x00" * 16
PDF = b"%PDF-1.4\n%%EOF"
INLINE = {name: base64.b64encode(data).decode() for name, data in (("png", PNG), ("wav", WAV), ("mp4", MP4), ("pdf", PDF))}  # fmt: skip
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{INLINE['png']}"}}
CITED = {"source": "https://a.example/b", "title": "B"}


def parts(*blocks):
    """What a user's message becomes."""
    (wire,) = to_wire([ChatMessage(role="user", blocks=[TextBlock(text="Look."), *blocks])])
    content = wire["content"]
    return content[1:] if isinstance(content, list) else content


def file_part(**file):
    """A file on the wire."""
    return {"type": "file", "file": file}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (ImageBlock(image=PNG), IMAGE),
        (ImageBlock(image=io.BytesIO(PNG)), IMAGE),
        (ImageBlock(url=IMAGE["image_url"]["url"]), IMAGE),
        (ImageBlock(url="https://a.example/b.png", detail="low"), {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}}),
        (AudioBlock(audio=WAV), {"type": "input_audio", "input_audio": {"data": INLINE["wav"], "format": "wav"}}),
        (AudioBlock(audio=b"\1\2\3", format="mp3"), {"type": "input_audio", "input_audio": {"data": "AQID", "format": "mp3"}}),
        (VideoBlock(video=MP4), file_part(file_data=f"data:video/mp4;base64,{INLINE['mp4']}")),
        (VideoBlock(url="https://a.example/b.webm"), file_part(file_id="https://a.example/b.webm", format="video/webm")),
        (DocumentBlock(data=PDF, title="b.pdf"), file_part(filename="b.pdf", file_data=f"data:application/pdf;base64,{INLINE['pdf']}")),
        (DocumentBlock(url="https://a.example/b.pdf"), file_part(file_id="https://a.example/b.pdf")),
    ],
)  # fmt: skip
def test_media_go_in(block, part):
    """As data if they are at hand, as an address if that is what there is: nothing is fetched."""
    assert parts(block) == [part]


CSV = b"a,b\n1,2\n"
CSV64 = base64.b64encode(CSV).decode()


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (DocumentBlock(data=CSV, title="x.csv"), file_part(filename="x.csv", file_data=f"data:text/csv;base64,{CSV64}")),
        (DocumentBlock(data=b'{"a": 1}', title="a.json"), file_part(filename="a.json", file_data="data:text/plain;base64,eyJhIjogMX0=")),
        (DocumentBlock(data=CSV), file_part(filename="input_document", file_data=f"data:text/plain;base64,{CSV64}")),
        (DocumentBlock(data="é".encode() * 151), file_part(filename="input_document", file_data="data:text/plain;base64," + base64.b64encode("é".encode() * 151).decode())),
        (DocumentBlock(data=b"\0\1"), file_part(filename="input_document", file_data="data:application/pdf;base64,AAE=")),
        (DocumentBlock(url=f"data:text/csv;base64,{CSV64}"), file_part(filename="input_document", file_data=f"data:text/csv;base64,{CSV64}")),
        (DocumentBlock(url="data:text/plain,a%20b"), file_part(filename="input_document", file_data="data:text/plain;base64,YSBi")),
        (ImageBlock(url="data:image/svg+xml;base64,PHN2Zy8+"), {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zy8+"}}),
        (ImageBlock(url=f"data:;base64,{INLINE['png']}"), IMAGE),
        (AudioBlock(url="data:audio/mpeg;base64,AQID"), {"type": "input_audio", "input_audio": {"data": "AQID", "format": "mp3"}}),
    ],
)  # fmt: skip
def test_media_are_sent_as_what_they_are(block, part):
    """By the type that their address says, by their title, or by what they begin like; a table was sent as a PDF."""
    assert parts(block) == [part]


def test_a_document_of_a_file_has_the_files_name(tmp_path):
    """Servers look at its ending; LlamaIndex calls every document alike."""
    path = tmp_path / "prices.csv"
    path.write_bytes(CSV)
    wanted = f"data:text/csv;base64,{CSV64}"

    assert parts(DocumentBlock(path=path)) == [file_part(filename="prices.csv", file_data=wanted)]
    assert parts(DocumentBlock(path=path, title="Prices")) == [
        file_part(filename="Prices", file_data="data:text/plain;base64," + CSV64)
    ]


def test_files_are_read(tmp_path, llm, sent):
    """A path becomes the file's contents; an async call reads it in a thread."""
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    message = ChatMessage(role="user", blocks=[ImageBlock(path=path)])

    llm.chat([message])
    asyncio.run(llm.achat([message]))

    assert [body["messages"][0]["content"] for body in sent()] == [[IMAGE], [IMAGE]]


def test_citable_blocks_go_in_as_text_with_their_source():
    """No provider-neutral form exists; what is inside stays what it is."""
    block = CitableBlock(content=[TextBlock(text="Facts."), ImageBlock(image=PNG)], **CITED)

    assert (
        parts(CitableBlock(content="Facts.", **CITED)) == "Look.\n[B] (https://a.example/b)\nFacts."
    )
    assert [part["type"] for part in parts(block)] == ["text", "text", "image_url"]


def test_citations_go_in_once():
    """One whose words are in the message is not repeated, another becomes text with its source."""
    known = CitationBlock(cited_content="Look", additional_location_info={}, **CITED)
    other = CitationBlock(cited_content="Facts.", additional_location_info={}, **CITED)

    assert parts(known) == "Look."
    assert parts(other) == "Look.\nFacts.\n[B] (https://a.example/b)"


def test_cache_points_mark_what_is_before_them():
    """As the providers that cache want it; one with nothing before it marks nothing."""
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    hour = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
    (wire,) = to_wire(
        [
            ChatMessage(
                role="system", blocks=[point, TextBlock(text="Long."), hour, TextBlock(text="x")]
            )
        ]
    )

    assert wire["content"] == [
        {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "x"},
    ]


def test_thoughts_go_back_only_if_they_are_signed():
    """Providers that sign them need them after tool calls; others would refuse them."""
    signed = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]
    plain, proven = to_wire(
        [
            ChatMessage(
                role="assistant", blocks=[ThinkingBlock(content="Hm."), TextBlock(text="A")]
            ),
            ChatMessage(
                role="assistant",
                blocks=[
                    ThinkingBlock(
                        content="Hm.", additional_information={"thinking_blocks": signed}
                    ),
                    TextBlock(text="A"),
                ],
            ),
        ]
    )

    assert plain == {"role": "assistant", "content": "A"}
    assert proven["thinking_blocks"] == signed


class Call:
    """A tool call as OpenAI's own package has it."""

    def model_dump(self):
        return {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


ANTHROPICS = {"id": "1", "name": "add", "input": {}, "type": "tool_use"}


@pytest.mark.parametrize(
    "fields",
    [
        {"additional_kwargs": {"tool_calls": [Call()]}},
        {"additional_kwargs": {"tool_calls": [ANTHROPICS]}},
        {"blocks": [ToolCallBlock(tool_call_id="1", tool_name="add", tool_kwargs={})]},
        {"blocks": [ToolCallBlock(tool_call_id="1", tool_name="add", tool_kwargs="")]},
    ],
)
def test_memory_of_other_providers_can_be_sent(llm, sent, fields):
    """Calls in OpenAI's and Anthropic's forms, objects among them, become the same call on the wire."""
    ours = {"additional_kwargs": {"tool_call_id": "1"}}
    llm.chat(
        [
            ChatMessage("add"),
            ChatMessage(role="assistant", **fields),
            ChatMessage(role="tool", content="3", **ours),
            ChatMessage(role="model", content="It is 3."),
            ChatMessage(role="chatbot", content="Really.", **ours),
            ChatMessage("Thanks."),
        ]
    )

    messages = sent()[-1]["messages"]
    call = Call().model_dump()
    assert messages[1] == {"role": "assistant", "content": None, "tool_calls": [call]}
    assert [row["role"] for row in messages[3:]] == ["assistant", "assistant", "user"]
    assert "tool_call_id" not in messages[4]


@pytest.mark.parametrize(
    "block", [AudioBlock(url="https://a.example/b.wav"), ImageBlock(), DocumentBlock()]
)
def test_what_cannot_be_sent_is_named(llm, provider, block):
    """Before anything is sent, with the place and what to do."""
    messages = [ChatMessage("Look."), ChatMessage(role="user", blocks=[block])]

    with pytest.raises(ConfigurationError, match=r"messages\[1\] cannot be sent: it has a"):
        llm.chat(messages)
    assert not provider.requests


def test_pictures_sound_and_citations_come_out(llm, provider, four_ways, hello):
    """In all four ways, beside the text."""
    provider.replies["*"] = {
        "content": "See the source.",
        "images": [IMAGE, {"type": "image_url", "image_url": {"url": "https://a.example/c.png"}}],
        "annotations": [
            {
                "type": "url_citation",
                "url_citation": {"url": "https://a.example/b", "title": "B", "start_index": 8, "end_index": 14},
            }
        ],
    }  # fmt: skip

    for response in four_ways(llm, hello)[::2]:
        text, inline, remote, citation = response.message.blocks
        assert response.message.content == text.text == "See the source."
        assert inline.resolve_image().read() == PNG
        assert inline.image_mimetype == "image/png"
        assert str(remote.url) == "https://a.example/c.png"
        assert (citation.source, citation.title) == ("https://a.example/b", "B")
        assert citation.cited_content.text == "source"
        assert llm.chat([*hello, response.message]).message.content


def test_media_of_a_stream_come_out():
    """Deltas with pictures and citations are collected."""
    from genai_integrations.calls.reply import Chunk
    from genai_integrations.calls.route import Route
    from genai_integrations.llama_index.replies import Growing

    growing = Growing(Route("m"))
    growing.add(Chunk({"choices": [{"delta": {"content": "Look"}}]}))
    first = growing.add(Chunk({"choices": [{"delta": {"images": [IMAGE]}}]}))
    last = growing.add(Chunk({"choices": [{"delta": {"content": "!"}}]}))

    assert [block.block_type for block in first.message.blocks] == ["text", "image"]
    assert [block.block_type for block in last.message.blocks] == ["text", "image"]
    assert first.message.content == "Look"


def test_a_spoken_answer_has_its_words(llm, provider, hello):
    """The transcript is the text, the sound a block."""
    provider.replies["*"] = {
        "content": None,
        "audio": {"id": "a", "data": INLINE["wav"], "transcript": "Hi!", "expires_at": 1},
    }

    response = llm.chat(hello)

    assert response.message.content == "Hi!"
    assert response.message.blocks[1].resolve_audio().read() == WAV


def test_signed_thoughts_are_kept_as_they_stream():
    """The provider's parts are put together, redacted ones among them; earlier responses keep theirs."""
    from genai_integrations.calls.reply import Chunk
    from genai_integrations.calls.route import Route
    from genai_integrations.llama_index.replies import Growing

    growing = Growing(Route("m"))
    pieces = [
        {"type": "thinking", "thinking": "Two and "},
        {"type": "thinking", "thinking": "two."},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
    ]
    seen = [
        growing.add(
            Chunk({"choices": [{"delta": {"reasoning_content": row.get("thinking"), "thinking_blocks": [row]}}]})
        )
        for row in pieces
    ]  # fmt: skip

    blocks = [row.message.blocks[0] for row in seen]
    assert [block.content for block in blocks] == ["Two and ", *["Two and two."] * 3]
    assert "thinking_blocks" not in blocks[1].additional_information
    assert blocks[-1].additional_information["thinking_blocks"] == [
        {"type": "thinking", "thinking": "Two and two.", "signature": "c2ln"},
        pieces[-1],
    ]


def test_a_kind_of_block_that_nobody_knows_is_named():
    """As LlamaIndex may add more of them."""
    with pytest.raises(ConfigurationError, match="a ToolCallBlock, which no model takes"):
        list(parts_of(ToolCallBlock(tool_name="add")))
