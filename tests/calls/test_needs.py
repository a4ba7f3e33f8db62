"""What a request needs, and in which language it is."""

from __future__ import annotations

import pytest

from genai_integrations.calls.needs import last_question, needs_of
from genai_integrations.calls.scripts import language_of

TEXT = {"type": "text", "text": "What is this?"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
PDF = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}
NAMED = {"type": "file", "file": {"filename": "REPORT.PDF", "file_data": "AAAA"}}
PLAIN = {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,AA"}}
STORED = {"type": "file", "file": {"file_id": "file-123"}}
FILM = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}


def body(*messages, **params):
    """A body with these messages: texts, or lists of parts, by the user."""
    rows = [{"role": "user", "content": content} for content in messages]
    return {"messages": rows, **params}


NEEDS = [
    (body("Hi"), set()),
    (body([TEXT]), set()),
    (body("Hi", [TEXT, IMAGE]), {"vision"}),
    (body([SOUND], [PDF]), {"audio", "pdf"}),
    (body([NAMED]), {"pdf"}),
    (body([PLAIN]), set()),
    (body([STORED]), set()),
    (body([FILM]), {"video"}),
    (body("Hi", tools=[TOOL]), {"tools"}),
    (body("Hi", tools=[]), set()),
    (body("Hi", response_format=SCHEMA), {"json_schema"}),
    (body("Hi", response_format={"type": "json_object"}), set()),
    (body(None), set()),
    (
        {"messages": [{"role": "assistant", "tool_calls": []}, *body([IMAGE])["messages"]]},
        {"vision"},
    ),
    ({"messages": [{"role": "tool", "tool_call_id": "1", "content": [IMAGE]}]}, {"vision"}),
]


@pytest.mark.parametrize(("asked", "needs"), NEEDS)
def test_needs_are_read_from_the_body(asked, needs):
    """Every message counts, and what is not plain text in it."""
    assert needs_of(asked)[0] == needs


LANGUAGES = [
    ("", "latin"),
    ("How do I sort a list?", "latin"),
    ("Wie heißt das? Où est-ce?", "latin"),
    ("12345 !?", "latin"),
    ("리스트를 정렬하려면 어떻게 하나요?", "ko"),
    ("이 함수를 refactor 해줘: def find_the_first(items)", "ko"),
    ("リストをソートする方法は?", "ja"),
    ("東京都の人口は?", "ja"),
    ("如何对列表排序?", "zh"),
    ("Как отсортировать список?", "cyrillic"),
    ("كيف أرتب قائمة؟", "arabic"),
    ("सूची को कैसे क्रमबद्ध करें?", "devanagari"),
    ("Πώς ταξινομώ μια λίστα;", "el"),
    ("איך ממיינים רשימה?", "he"),
    ("จะเรียงลำดับรายการอย่างไร", "th"),
    ("The word 김치 is Korean, and all the rest of this long sentence is English", "latin"),
]


@pytest.mark.parametrize(("text", "language"), LANGUAGES)
def test_the_script_tells_the_language(text, language):
    """What is mostly code or names in Latin letters is still a question in Korean."""
    assert language_of(text) == language


def test_the_last_question_is_what_the_user_said_last():
    """Not the system's instructions, and not an answer."""
    rows = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "user", "content": [TEXT, IMAGE]},
        {"role": "assistant", "content": "Two"},
    ]

    assert last_question({"messages": rows}) == "What is this?"
    assert last_question({"messages": rows[:1]}) == ""
