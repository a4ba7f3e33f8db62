"""What a model said as blocks, one after the other, however its pieces were mixed."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from genai_integrations.apis.said import Block, Pieces, arguments_of, blocks_of


def _call(index, *, name=None, arguments=None, identity=None):
    function = {"name": name, "arguments": arguments}
    call = {"index": index, "id": identity, "function": function}
    return {"tool_calls": [call]}


def _changes(deltas):
    pieces = Pieces()
    steps = [step for delta in deltas for step in pieces.take(delta)]
    steps += pieces.finish()
    return [(change, block.number, text) for change, block, text in steps]


def test_thought_text_and_call_are_three_blocks_each_ended_before_the_next_begins():
    """In the order in which they came."""
    changes = _changes(
        [
            {"reasoning_content": "hm"},
            {"content": "4"},
            {"content": "2"},
            _call(0, name="add", identity="c1", arguments=""),
            _call(0, arguments="{}"),
        ]
    )

    assert changes == [
        ("begun", 0, ""),
        ("more", 0, "hm"),
        ("ended", 0, ""),
        ("begun", 1, ""),
        ("more", 1, "4"),
        ("more", 1, "2"),
        ("ended", 1, ""),
        ("begun", 2, ""),
        ("more", 2, "{}"),
        ("ended", 2, ""),
    ]


def test_second_call_waits_for_the_last_argument_of_the_first():
    """Its pieces come together, behind those of the first."""
    changes = _changes(
        [
            _call(0, name="a", identity="c1", arguments='{"x":'),
            _call(1, name="b", identity="c2", arguments='{"y"'),
            _call(0, arguments="1}"),
            _call(1, arguments=":2}"),
        ]
    )

    assert changes == [
        ("begun", 0, ""),
        ("more", 0, '{"x":'),
        ("more", 0, "1}"),
        ("ended", 0, ""),
        ("begun", 1, ""),
        ("more", 1, '{"y":2}'),
        ("ended", 1, ""),
    ]


def test_signature_belongs_to_the_thought_before_it_and_a_sealed_thought_comes_whole():
    """As a Claude's thoughts come."""
    thinking = {"type": "thinking", "thinking": "hm", "index": 0}
    pieces = Pieces()
    pieces.take({"reasoning_content": "hm", "thinking_blocks": [thinking]})
    pieces.take({"thinking_blocks": [{**thinking, "thinking": "", "signature": "sig"}]})
    pieces.take({"thinking_blocks": [{"type": "redacted_thinking", "data": "x", "index": 1}]})
    pieces.finish()

    assert [(block.kind, block.text, block.signature) for block in pieces.blocks] == [
        ("thought", "hm", "sig"),
        ("sealed", "x", ""),
    ]


@settings(max_examples=50)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6)), min_size=1, max_size=4),
    st.text(max_size=8),
    st.randoms(use_true_random=False),
)
def test_whole_and_streamed_answers_are_the_same_blocks(inputs, text, chance: random.Random):
    """However the calls' pieces are cut and mixed: none is lost, and none is in another's block."""
    import json

    calls = [
        {"id": f"c{at}", "type": "function", "function": {"name": f"t{at}", "arguments": json.dumps(row)}}
        for at, row in enumerate(inputs)
    ]  # fmt: skip
    whole = blocks_of({"content": text, "tool_calls": calls})
    queues = []
    for at, call in enumerate(calls):
        said = call["function"]["arguments"]
        cut = chance.randint(0, len(said))
        first = _call(at, name=call["function"]["name"], identity=call["id"], arguments=said[:cut])
        queues.append([first, _call(at, arguments=said[cut:])])
    pieces = Pieces()
    if text:
        pieces.take({"content": text})
    begun = 0
    while any(queues):
        # Calls begin in their order; what follows is mixed.
        ready = [
            queue for at, queue in enumerate(queues) if queue and (len(queue) == 1 or at == begun)
        ]
        queue = chance.choice(ready)
        begun += len(queue) == 2
        pieces.take(queue.pop(0))
    pieces.finish()

    assert list(map(_told, pieces.blocks)) == list(map(_told, whole))


def _told(block):
    return block.kind, block.identity, block.name, block.text


def test_arguments_that_are_no_object_stand_under_their_own_name():
    """These APIs want an object there."""
    assert arguments_of(Block("call", ['{"a": 1}'])) == {"a": 1}
    assert arguments_of(Block("call", ["[1]"])) == {"arguments": [1]}
    assert arguments_of(Block("call", ['{"a"'])) == {"arguments": '{"a"'}
    assert arguments_of(Block("call", [])) == {}
