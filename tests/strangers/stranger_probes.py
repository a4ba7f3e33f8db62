"""What is asked of each server through each door: one row, one probe."""

from __future__ import annotations

TEXT = "one two three four"
MENU = "A menu."


def _is_text(door, wanted):
    assert wanted in door.text(TEXT)


def _is_stream(door, wanted):
    pieces = [piece for piece in door.pieces(TEXT) if piece]

    assert len(pieces) > 1
    assert wanted in "".join(pieces)


def _is_call(door, wanted):
    assert door.call() == wanted


def _is_streamed_call(door, wanted):
    assert door.streamed_call() == wanted


def _is_after_result(door, wanted):
    assert wanted in door.after_result()


def _is_structured(door, wanted):
    assert door.structured(MENU) == wanted


PROBES = {
    "text": _is_text,
    "stream": _is_stream,
    "tools": _is_call,
    "tools streamed": _is_streamed_call,
    "tool results": _is_after_result,
    "structured": _is_structured,
}
