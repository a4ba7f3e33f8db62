"""What waits is sent in order, in batches, once; what cannot be sent waits on, or is dropped with a warning."""

from __future__ import annotations

import gc
import threading
from queue import SimpleQueue

import pytest

from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import read_trace_settings
from genai_integrations.tracing.exporter import Exporter, Outcome
from genai_integrations.tracing.outbox import KeyPair

LATER = Outcome("HTTP 503", is_later=True)
AWAY = Outcome("no answer", is_later=True, is_host=True)


class Span:
    """What the exporter knows of a span."""

    def __init__(self, name, size=1):
        self.name, self.size = name, size


class Courier:
    """Does the sends of an exporter: what is told for each, else well.

    Attributes:
        sent: For each send, whose it was and the names of its spans.
    """

    def __init__(self):
        self.sent = SimpleQueue()
        self.told = SimpleQueue()

    def __call__(self, job):
        outcome = Outcome() if self.told.empty() else self.told.get()
        self.sent.put((job.outbox.pair.public_key, [span.name for span in job.records]))
        if isinstance(outcome, threading.Event):
            assert outcome.wait(10)
            return Outcome()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def next(self):
        """The next send."""
        return self.sent.get(timeout=10)


@pytest.fixture
def courier():
    """Does the sends."""
    return Courier()


@pytest.fixture
def exporter(courier):
    """An exporter of its own."""
    return Exporter(lambda: courier)


@pytest.fixture
def make_outbox(exporter):
    """Make the outbox of a project, which sends after an hour unless it is flushed or full."""

    def make(name="a", host="http://one", **variables):
        given = {"LANGFUSE_FLUSH_INTERVAL": "3600", "LANGFUSE_FLUSH_AT": "2", **variables}
        return exporter.outbox(KeyPair(host, name, MaskedText("sk")), read_trace_settings(given))

    return make


def put(outbox, *names):
    """Spans that have ended."""
    for name in names:
        outbox.put(Span(name))


def test_a_full_batch_is_sent_at_once(make_outbox, courier):
    """Without a flush; what is too few waits."""
    outbox = make_outbox()
    put(outbox, "1", "2", "3")

    assert courier.next() == ("a", ["1", "2"])
    outbox.flush()
    assert courier.next() == ("a", ["3"])


def test_what_waits_is_sent_after_a_while(make_outbox, courier):
    """Without being many."""
    outbox = make_outbox(LANGFUSE_FLUSH_INTERVAL="0.01")
    put(outbox, "1")

    assert courier.next() == ("a", ["1"])


@pytest.mark.parametrize("outcome", [LATER, AWAY])
def test_a_failed_send_waits(outcome, make_outbox, courier):
    """In its old place; one failure ends a flush, and the next flush tries again at once."""
    courier.told.put(outcome)
    outbox = make_outbox(LANGFUSE_FLUSH_AT="9")
    put(outbox, "1", "2")
    outbox.flush()
    assert courier.next() == ("a", ["1", "2"])
    assert courier.sent.empty()
    put(outbox, "3")
    outbox.flush()

    assert courier.next() == ("a", ["1", "2", "3"])


def test_it_is_tried_again_by_itself(make_outbox, courier):
    """After a rest that the server asked for."""
    courier.told.put(Outcome("HTTP 429", is_later=True, pause=0.01))
    outbox = make_outbox()
    put(outbox, "1", "2")

    assert courier.next() == courier.next() == ("a", ["1", "2"])


def test_a_host_that_is_away_rests_for_all_its_projects(make_outbox, courier):
    """Another host's are sent."""
    courier.told.put(AWAY)
    first = make_outbox("a", LANGFUSE_FLUSH_AT="9")
    put(first, "1")
    first.flush()
    assert courier.next() == ("a", ["1"])
    same, other = make_outbox("b"), make_outbox("c", host="http://two")
    put(same, "2", "3")
    put(other, "4", "5")

    assert courier.next() == ("c", ["4", "5"])
    assert courier.sent.empty()


def test_loading_what_sends_is_no_time_of_the_server(courier):
    """A flush has it loaded before its own clock runs: on a busy machine that takes longer than a time-out."""
    here, loaded = threading.current_thread(), threading.Event()

    def delivery():
        if threading.current_thread() is here:
            loaded.set()
        assert loaded.wait(10)
        return courier

    settings = read_trace_settings({"LANGFUSE_TIMEOUT": "1"})
    outbox = Exporter(delivery).outbox(KeyPair("http://one", "a", MaskedText("sk")), settings)
    put(outbox, "1")
    outbox.flush()

    assert not courier.sent.empty()


def test_what_is_too_large_is_sent_in_halves(make_outbox, courier):
    """In order."""
    courier.told.put(Outcome(is_large=True))
    outbox = make_outbox(LANGFUSE_FLUSH_AT="4")
    put(outbox, "1", "2", "3", "4")
    outbox.flush()

    sent = [courier.next()[1] for _ in range(3)]
    assert sent == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"]]


def test_what_is_refused_is_lost_with_a_warning(make_outbox, courier, caplog):
    """What comes behind it is sent. One warning a minute is enough."""
    for _ in range(2):
        courier.told.put(Outcome("HTTP 401, 2 are lost"))
    outbox = make_outbox()
    put(outbox, "1", "2", "3", "4", "5")
    outbox.flush()

    assert [courier.next()[1] for _ in range(3)] == [["1", "2"], ["3", "4"], ["5"]]
    assert caplog.messages == ["traces for Langfuse at http://one: HTTP 401, 2 are lost"]


def test_a_send_that_raises(make_outbox, courier):
    """The thread lives on."""
    courier.told.put(ValueError("no"))
    outbox = make_outbox()
    put(outbox, "1", "2", "3")
    outbox.flush()

    assert [courier.next()[1] for _ in range(2)] == [["1", "2"], ["3"]]


def test_a_queue_that_is_full(make_outbox, courier, caplog):
    """What comes then is dropped, with a warning; another project's is not."""
    goes_on = threading.Event()
    courier.told.put(goes_on)
    outbox = make_outbox(OTEL_BSP_MAX_QUEUE_SIZE="3")
    put(outbox, "1", "2")
    courier.next()
    put(outbox, "3", "4", "5", "6", "7")
    put(make_outbox("b"), "8", "9")
    assert courier.next() == ("b", ["8", "9"])
    goes_on.set()
    outbox.flush()

    assert [courier.next()[1] for _ in range(2)] == [["3", "4"], ["5"]]
    assert caplog.messages == [
        "traces for Langfuse at http://one: too many wait to be sent, so newer ones are dropped"
    ]


def test_a_queue_of_long_texts(make_outbox, courier):
    """It is full at 32 MiB, whatever their number."""
    outbox = make_outbox(LANGFUSE_FLUSH_AT="99")
    for number in range(40):
        outbox.put(Span(str(number), 1 << 20))
    outbox.flush()

    assert len(courier.next()[1]) == 32


def test_one_host_holds_two_threads(make_outbox, courier):
    """Its third project waits, and another host's does not."""
    goes_on = threading.Event()
    for _ in range(2):
        courier.told.put(goes_on)
    for name in "abc":
        put(make_outbox(name), "1", "2")
    assert {courier.next()[0], courier.next()[0]} < {"a", "b", "c"}
    put(make_outbox("d", host="http://two"), "3", "4")
    assert courier.next() == ("d", ["3", "4"])
    assert courier.sent.empty()
    goes_on.set()

    assert courier.next()[0] in {"a", "b", "c"}


def test_threads_go_home(make_outbox, courier, exporter):
    """After a rush, one waits for what comes next."""
    goes_on = threading.Event()
    for _ in range(4):
        courier.told.put(goes_on)
    outboxes = [make_outbox(name, host=f"http://{name}") for name in "abcd"]
    for outbox in outboxes:
        put(outbox, "1", "2")
    for _ in outboxes:
        courier.next()
    assert exporter._threads == 4
    goes_on.set()
    for outbox in outboxes:
        outbox.flush()

    assert exporter._threads == 1


def test_key_pairs_are_forgotten(make_outbox, exporter):
    """A process that has had many tenants keeps those whose clients live, or whose spans wait."""
    for number in range(100):
        outbox = make_outbox(str(number), LANGFUSE_FLUSH_INTERVAL="0")
        put(outbox, "1")
        outbox.flush()
    gc.collect()

    assert len(exporter._outboxes) <= 3
