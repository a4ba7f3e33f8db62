"""Pictures that a tool returned or a model drew, in a conversation that goes on."""

from __future__ import annotations

import copy

import pytest

from genai_integrations.calls.attachments import shown_by_users

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
TEXT = {"type": "text", "text": "here"}
ASK = {"role": "user", "content": "What is it?"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_a_models_picture_goes_to_the_user():
    """The words stay where they were."""
    shown = shown_by_users([ASK, {"role": "assistant", "content": [TEXT, PICTURE, TEXT]}, ASK])

    assert shown == [
        ASK,
        {"role": "assistant", "content": "here\nhere"},
        {"role": "user", "content": [PICTURE]},
        ASK,
    ]


def test_results_stay_behind_their_calls():
    """What a call's message shows comes when all results are told."""
    shown = shown_by_users(
        [
            {"role": "assistant", "content": [PICTURE], "tool_calls": [CALL]},
            {"role": "tool", "content": [SOUND], "tool_call_id": "1"},
            {"role": "tool", "content": "plain", "tool_call_id": "2"},
            {"role": "assistant", "content": "Done."},
        ]
    )

    assert [row["role"] for row in shown] == ["assistant", "tool", "tool", "user", "assistant"]
    assert shown[0]["content"] is None
    assert shown[1]["content"] == "It is attached to the next message."
    assert shown[3]["content"] == [PICTURE, SOUND]


def test_the_last_message_may_have_one():
    """It follows as the last one."""
    assert shown_by_users([{"role": "tool", "content": [TEXT, PICTURE]}])[1:] == [
        {"role": "user", "content": [PICTURE]}
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [TEXT, PICTURE]},
        {"role": "assistant", "content": [TEXT, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": [{"type": "server_tool_use", "id": "1"}]},
        {"role": "tool", "content": [TEXT, TEXT]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant"},
    ],
)
def test_what_may_stay_does(message):
    """A user's pictures, texts, refusals, and what only a provider knows; the very same message."""
    (shown,) = shown_by_users([message])

    assert shown is message


def test_marks_and_given_messages_stay():
    """A mark for a provider's cache is kept, and nothing is changed in place."""
    marked = {**TEXT, "cache_control": {"type": "ephemeral"}}
    given = [{"role": "system", "content": [marked, PICTURE]}, ASK]
    before = copy.deepcopy(given)

    shown = shown_by_users(given)

    assert shown[0]["content"] == [marked]
    assert shown[1] == {"role": "user", "content": [PICTURE]}
    assert given == before
