"""Whether a stream came to its end, and the text that came."""

from __future__ import annotations

import pytest

from genai_integrations.calls.wire import END
from genai_integrations.routing.tally import Tally


def _choice(index, content=None, finish=None):
    return {"index": index, "delta": {"content": content}, "finish_reason": finish}


def _tally(*chunks, answers=1):
    tally = Tally(answers)
    for chunk in chunks:
        tally.passes(chunk if chunk is END else {"choices": chunk})
    return tally


A, B = _choice(0, "a"), _choice(1, "b")
A_ENDS, B_ENDS = _choice(0, finish="stop"), _choice(1, finish="length")


@pytest.mark.parametrize(
    ("answers", "chunks", "is_whole"),
    [
        (1, [], False),
        (1, [[A]], False),
        (1, [[A], [A_ENDS]], True),
        (1, [[A], END], True),
        (1, [[A], [A_ENDS], END], True),
        (2, [[A], [B], [A_ENDS]], False),
        (2, [[A], [B], [A_ENDS], END], False),
        (2, [[A], [B], [A_ENDS], [B_ENDS]], True),
        (2, [[A, B], [A_ENDS, B_ENDS]], True),
        (2, [[A, B], [A_ENDS, B]], False),
        (2, [[A], [A_ENDS]], False),
        # The provider gave one answer where two were asked for, and says that this is all.
        (2, [[A], [A_ENDS], END], True),
        # More answers than were asked for: each that began must end.
        (1, [[A], [B], [A_ENDS]], False),
        (2, [[A], [B], END], True),
    ],
)
def test_a_stream_is_whole_when_every_answer_is(answers, chunks, is_whole):
    """Each answer ends with a reason; where none is given at all, the stream's own end counts."""
    assert _tally(*chunks, answers=answers).is_whole is is_whole


def test_a_choice_without_an_index_is_the_first():
    """As in many copies of OpenAI's API."""
    tally = _tally([{"delta": {"content": "a"}}], [{"delta": {}, "finish_reason": "stop"}])

    assert (tally.is_whole, tally.text) == (True, "a")


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["one ", "two"], "one two"),
        ([[{"type": "text", "text": "one "}], [{"type": "text", "text": "two"}]], "one two"),
        ([[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "c"], "abc"),
        ([[{"type": "image_url", "image_url": {}}, "?", {"text": 7}], None, 5, {"a": 1}], ""),
    ],
)
def test_the_text_of_every_form_of_content(contents, text):
    """Plain, in a list of parts, or of a form that has none."""
    assert _tally(*([_choice(0, content)] for content in contents)).text == text


def test_the_text_is_the_first_answers():
    """Two answers that come by turns do not mix."""
    tally = _tally([_choice(1, "x")], [_choice(0, "a")], [_choice(1, "y")], [_choice(0, "b")])

    assert tally.text == "ab"


def test_usage_is_kept_for_the_last_chunk():
    """Also where it comes with content, or twice, or as nothing."""
    tally = Tally()
    usage = {"prompt_tokens": 1}
    chunk = {"id": "x", "choices": [A], "usage": usage}

    assert tally.passes(chunk)
    assert "usage" not in chunk
    assert not tally.passes({"id": "x", "choices": [], "usage": None})
    assert tally.last_chunk() == {"id": "x", "choices": [], "usage": usage}
