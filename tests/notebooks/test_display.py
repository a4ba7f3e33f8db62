"""What a notebook shows of replies, routes, connections, resolutions and prompts."""

from __future__ import annotations

import pytest

from genai_integrations import Connection, GenAIClient, display
from genai_integrations.connections.connection import BrokenConnection, Connections
from genai_integrations.errors import CallError, DecryptionError
from genai_integrations.prompts.template import ChatMessage, Placeholder, Prompt, Text
from genai_integrations.runtime.dollars import dollars
from genai_integrations.runtime.secret import Secret
from genai_integrations.testing.faults import Fault

NASTY = "<script>alert('1')</script> & \"안녕\" $x$"
SHOWN = "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; &quot;안녕&quot; $x$"
QUESTION = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def client(provider):
    """Two connections to one provider."""
    rows = [
        Connection.of(name, "openai", "sk-4711", f"{provider.url}/v1") for name in ("seoul", "usa")
    ]
    with GenAIClient(connections=rows, router_args={"cooldown_time": 0}) as client:
        yield client


def _html(thing):
    return thing._repr_mimebundle_(include=None, exclude=None)["text/html"].partition("</style>")[2]


def _text(thing):
    return thing._repr_mimebundle_()["text/plain"]


def test_text_from_outside_is_shown_and_not_obeyed():
    """Markup is escaped, also in table cells, panels and titles; half a surrogate pair is replaced."""
    table = display.table([NASTY], [[NASTY]])
    panels = display.side_by_side([display.Panel(NASTY, NASTY, NASTY, NASTY)])

    assert table.count(SHOWN) == 2
    assert panels.count(SHOWN) == 4
    assert "<script" not in table + panels
    assert display.escape("a\ud800b") == "a?b"


def test_numbers_stand_to_the_right():
    """A column of numbers, amounts or times; not one of texts that begin with a digit."""
    html = display.table(["a", "b", "c"], [[1, "$0.5", "3 pigs"], [None, "12 ms", "4"]])

    assert html.count('<th class="genai-right">') == 2


def test_a_text_table_counts_korean_letters_as_two_places():
    """Columns stay straight in a terminal, and marks of HTML do not show in text."""
    assert display.text_table(["이름", "b"], [["한국어", display.good("ok")], [None, 2]]) == (
        "이름    b\n한국어  ok\n-       2"
    )


def test_an_empty_table_has_its_head():
    """No rows is no error."""
    assert "<th>a</th>" in display.table(["a"], [])
    assert display.text_table(["a"], []) == "a"


@pytest.mark.parametrize(
    ("ms", "usd", "shown"),
    [
        (12.3, 0.0000123, ("12 ms", "$0.000012")),
        (1234, 12.345, ("1.2 s", "$12.35")),
        (None, None, ("-", "-")),
        (0, 0, ("0 ms", "$0.00")),
    ],
)
def test_times_and_amounts(ms, usd, shown):
    """Small amounts keep their digits; what is not known is a dash."""
    assert (display.milliseconds(ms), display.money(usd)) == shown


def test_a_reply_shows_its_answer_and_what_it_took(client, provider):
    """The answer as text, then tokens, cost and who answered; no key."""
    provider.replies["gpt-4o"] = NASTY
    reply = client.completion("gpt-4o", QUESTION)

    assert SHOWN in _html(reply)
    assert NASTY in _text(reply)
    assert "seoul/gpt-4o" in _text(reply)
    assert "sk-4711" not in str(reply._repr_mimebundle_())


def test_a_reply_that_calls_tools_or_embeds_says_so(client, provider):
    """What has no text is described."""
    provider.replies["gpt-4o"] = {
        "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]
    }
    called = client.completion("gpt-4o", QUESTION)
    embedded = client.embedding("text-embedding-3-small", ["a", "b"], dimensions=8)

    assert 'weather({"city"' in _text(called)
    assert _text(embedded).startswith("2 embeddings of 8 dimensions")


def test_a_route_shows_every_attempt(client, provider):
    """Each in a row with its reason and outcome; what the provider said is escaped."""
    provider.faults["gpt-4o"] = Fault.status(500, message=NASTY, times=1)
    reply = client.completion("gpt-4o", QUESTION)

    assert SHOWN in _html(reply.route)
    assert "<script" not in _html(reply.route) + _html(reply)
    assert [line.split()[:3] for line in _text(reply.route).splitlines()] == [
        ["target", "why", "outcome"],
        ["seoul/gpt-4o", "first", "ServerError"],
        ["usa/gpt-4o", "failover", "ok"],
        ["why", "first:", "its"],
    ]


def test_the_route_of_a_failure_can_be_shown(client, provider):
    """Also one in which nobody answered."""
    provider.faults["*"] = Fault.status(500)
    with pytest.raises(CallError) as caught:
        client.completion("gpt-4o", QUESTION)

    assert _html(caught.value.route).count("ServerError") >= 2


def test_connections_show_without_their_keys(client):
    """A table of names, providers, hosts and models; the key is masked."""
    text = _text(client.connections)

    assert isinstance(client.connections, tuple)
    assert [line.split()[:3] for line in text.splitlines()[1:]] == [
        ["seoul", "openai", "**********"],
        ["usa", "openai", "**********"],
    ]
    assert "seoul" in _html(client.connections[0])
    assert "sk-4711" not in str(client.connections._repr_mimebundle_())


def test_a_broken_connection_says_why():
    """One that was not read, one whose secret does not open, and one with a password in its address."""

    def lost():
        raise DecryptionError("the secret cannot be decrypted")

    good = Connection.of("good", "openai", "sk-1", "https://me:hidden@example.com/v1")
    sealed = Connection("sealed", good.provider, Secret.lazy(lost))
    unread = BrokenConnection("unread", DecryptionError("<b>no</b>"))
    html = _html(Connections((good, sealed, unread)))

    assert "DecryptionError: the secret cannot be decrypted" in html
    assert "DecryptionError: &lt;b&gt;no&lt;/b&gt;" in html
    assert "hidden" not in html
    assert "DecryptionError" in _text(unread)


def test_a_resolution_shows_targets_and_what_is_missing(client):
    """The targets in order, or that there is none and why."""
    assert "<td>seoul/gpt-4o</td>" in _html(client.resolve("gpt-4o"))
    assert "is served by no connection" in _html(client.resolve("<nobody>"))
    assert "&lt;nobody&gt;" in _html(client.resolve("<nobody>"))


def test_a_prompt_shows_its_text_with_variables_marked():
    """Text prompts and chat prompts, with version, labels and config."""
    text = Prompt("t", 3, ("production",), {"model": "<gpt>"}, Text.parse(f"{NASTY} {{{{name}}}}"))
    chat = Prompt(
        "c", 1, (), {}, (ChatMessage("system", Text.parse("Be {{how}}")), Placeholder("history"))
    )

    assert f'{SHOWN} <code class="genai-variable">{{{{name}}}}</code>' in _html(text)
    assert "&lt;gpt&gt;" in _html(text)
    assert _text(text).startswith("t (version 3 · production)\n")
    assert _text(chat) == "c (version 1)\nsystem: Be {{how}}\nmessages: <history>"


def test_a_route_says_why_its_first_target_was_the_first(client):
    """Below the attempts, in text and in HTML."""
    route = client.completion("gpt-4o", QUESTION).route

    assert _text(route).splitlines()[-1] == "why first: its provider serves the family"
    assert "why first: its provider serves the family" in _html(route)


def test_who_lost_against_another_request_is_not_blamed(provider):
    """A hedged call's slower target is not shown as a failure."""
    slow = Connection.of("slow", "openai", "sk-1", f"{provider.url}/v1", custom_models=["gpt-4o"])
    fast = Connection.of("fast", "openai", "sk-2", f"{provider.url}/v1", custom_models=["gpt-4o"])
    provider.faults["gpt-4o"] = [Fault.hang(), None]
    with GenAIClient(connections=[slow, fast], router_args={"hedge_after": 0.05}) as client:
        shown = _html(client.completion("gpt-4o", QUESTION).route)

    assert '<span class="genai-muted">cancelled</span>' in shown
    assert "genai-bad" not in shown


def test_an_estimate_shows_its_sums_and_those_of_each_target(client):
    """In a sentence, and in a table."""
    found = client.estimate("gpt-4o", QUESTION, max_tokens=10)

    assert _text(found).splitlines()[0] == str(found)
    assert _text(found).splitlines()[2].split()[:3] == ["seoul/gpt-4o", "9", "10"]
    assert "<table" in _html(found)


def test_columns_of_nothing_are_not_shown(client):
    """Nothing is restated for a target of OpenAI's, so no column says so."""
    assert "restated" not in _html(client.resolve("gpt-4o"))


@pytest.mark.parametrize(
    ("usd", "told"),
    [(0.00005, "$0.00005"), (0.00004125, "$0.00004125"), (0.163862, "$0.163862"), (2.0, "$2")],
)
def test_small_sums_are_written_out(usd, told):
    """No reader of an error has to know what `5e-05` is."""
    assert dollars(usd) == told
