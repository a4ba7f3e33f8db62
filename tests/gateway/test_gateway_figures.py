"""What a gateway counts: what clients tell, the last hour over all workers, and what Prometheus gets."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import types
from collections import Counter

import pytest

from genai_integrations.calls.route import CACHE, MISS, OK, Attempt, CacheUse, Route
from genai_integrations.errors import RateLimitError
from genai_integrations.gateway.board import Board, Worker, percentile
from genai_integrations.gateway.metrics import Metrics
from genai_integrations.gateway.operation import Operation, Told
from genai_integrations.gateway.rates import Rates
from genai_integrations.gateway.refusals import Refused

NOW = 1_800_000_030.0
WORKER = Worker(4711, NOW - 60, 3, 1)


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def rates(clock):
    """What is counted in a worker."""
    return Rates(clock)


@pytest.fixture
def board(clock):
    """A board in memory."""
    made = Board(clock=clock)
    yield made
    made.close()


def attempt(target="seoul/gpt-4o", outcome=OK, ms=120.0, **more):
    connection, _, model = target.partition("/")
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    more = {"usage": usage if outcome == OK else None, "reason": "first", **more}
    return Attempt(target, connection, "openai", model, outcome=outcome, ms=ms, **more)


def call(rates, *attempts, project="p1", error=None, cache=MISS):
    """One call, as a client tells it."""
    watch = rates.observer(project).call_began(None)
    for row in attempts:
        watch.attempt_began(row)
        watch.attempt_ended(row)
    watch.call_ended(Route("gpt-4o", list(attempts), cache=cache), None, error)


def test_an_hour(rates, board):
    """Calls by minute and outcome, attempts by target; a failure that another target mended is no failed call."""
    call(rates, attempt(outcome="RateLimitError", ms=3), attempt("usa/gpt-4o"))
    call(rates, attempt(outcome="RateLimitError"), error=RateLimitError("no"))
    board.write(WORKER, rates.take(), {("p1", "seoul/gpt-4o"): NOW + 20})
    hour = board.read("p1")
    assert (hour.calls, hour.failed) == (2, 1)
    assert hour.outcomes == {"ok": 1, "RateLimitError": 1}
    assert [(row.target, row.attempts, row.ok, row.failures, row.ends) for row in hour.targets] == [
        ("seoul/gpt-4o", 2, 0, Counter(RateLimitError=2), NOW + 20),
        ("usa/gpt-4o", 1, 1, Counter(), None),
    ]
    # $2.5 for a million tokens of a prompt, $10 of an answer: OpenAI's price list for gpt-4o.
    assert hour.cost == pytest.approx(0.0075)
    assert (hour.targets[1].prompt_tokens, hour.targets[1].completion_tokens) == (1000, 500)
    assert 100 < hour.targets[1].percentile(0.5) < 145
    assert hour.targets[0].percentile(0.5) is None
    assert [(row.ok, row.failed) for row in hour.minutes] == [(0, 0)] * 59 + [(1, 1)]
    assert hour.workers == [WORKER]


def test_what_is_no_attempt(rates, board):
    """A kept answer asked no target; a stream that its caller left, and a hedge that lost, are nobody's failure."""
    kept = attempt(reason=CACHE)
    call(rates, kept, cache=CacheUse("HIT", 1.0, kept))
    call(rates, attempt(outcome="cancelled"))
    board.write(WORKER, rates.take(), {})
    hour = board.read("p1")
    assert hour.outcomes == {"cached": 1, "left": 1}
    assert hour.failed == 0
    assert [(row.target, row.attempts, row.failures) for row in hour.targets] == [
        ("seoul/gpt-4o", 1, Counter())
    ]


def test_who_sees_what(rates, board):
    """A project sees its own calls, targets and cooldowns only; the operator sees all."""
    call(rates, attempt("seoul/a-secret-model"), project="p1")
    call(rates, attempt(), project="p2")
    board.write(WORKER, rates.take(), {("p1", "seoul/cold"): NOW + 5, ("p2", "usa/cold"): NOW + 5})
    names = [row.target for row in board.read("p2").targets]
    assert names == ["seoul/gpt-4o", "usa/cold"]
    assert board.read("p2").calls == 1
    assert board.read("p2").projects == []
    assert board.read("").calls == 0
    every = board.read(None)
    assert every.calls == 2
    assert [row[:3] for row in every.projects] == [("p1", 1, 0), ("p2", 1, 0)]


def test_workers_are_summed_up(rates, clock, tmp_path):
    """Each worker adds to the same file; the page is the same whichever answers, and one that left is gone."""
    path = str(tmp_path / "board.db")
    one, other = Board(path, clock), Board(path, clock)
    for board, worker in ((one, 1), (other, 2)):
        call(rates, attempt())
        board.write(Worker(worker, NOW, 0, 0), rates.take(), {("p1", "seoul/gpt-4o"): NOW + worker})
    assert one.read("p1").calls == other.read("p1").calls == 2
    assert one.read("p1").targets[0].ends == NOW + 2
    assert [row.worker for row in one.read(None).workers] == [1, 2]
    other.write(Worker(2, NOW, 0, 0), {}, {})
    assert one.read("p1").targets[0].ends == NOW + 1
    other.leave(2)
    assert [row.worker for row in one.read(None).workers] == [1]
    clock.now += 11
    assert one.read(None).workers == []
    one.close()
    other.close()


def test_an_hour_ago_is_forgotten(rates, board, clock):
    """The board keeps sixty minutes, and what a cooldown was."""
    call(rates, attempt())
    board.write(WORKER, rates.take(), {("p1", "seoul/gpt-4o"): NOW + 5})
    clock.now += 3599
    call(rates, attempt())
    board.write(WORKER, rates.take(), {})
    hour = board.read("p1")
    assert hour.calls == 1
    assert hour.targets[0].ends is None
    assert [(row.ok, row.failed) for row in hour.minutes] == [(0, 0)] * 59 + [(1, 0)]


def test_names_are_bounded(rates):
    """Callers make models up: of one project 200 targets are told apart, and another one has its own."""
    for number in range(210):
        call(rates, attempt(f"openai/made-up-{number}"))
    call(rates, attempt("openai/made-up-3"), attempt("azure/gpt-4o"))
    call(rates, attempt("mine/gpt-4o"), project="p2")
    counts = rates.take()
    by_target = Counter({key.target: cell.count for key, cell in counts.items()})
    assert len([name for name in by_target if name.startswith("openai/")]) == 201
    found = {name: by_target[name] for name in ("openai/other", "openai/made-up-3", "azure/other")}
    assert found == {"openai/other": 10, "openai/made-up-3": 2, "azure/other": 1}
    assert by_target["mine/gpt-4o"] == 1
    assert rates.has("p1", "openai/made-up-3")
    assert not rates.has("p1", "openai/made-up-209")
    assert not rates.has("p2", "openai/made-up-3")


def test_odd_names(rates, board):
    """Half a letter and a name without end, which JSON can carry, break neither the board nor the metrics."""
    metrics = Metrics()
    call(rates, attempt("seoul/half \ud83d"), attempt(f"seoul/{'long' * 1000}"))
    counts = rates.take()
    metrics.add(counts)
    assert b'target="seoul/half ?"' in metrics.render()
    board.write(WORKER, counts, {})
    assert sorted(len(row.target) for row in board.read("p1").targets) == [12, 200]


@pytest.mark.parametrize("letter", ["\n", "\r", "\0", "\x1b", "\u2028", "\u202e"])
def test_letters_that_cannot_be_seen(rates, letter):
    """They could end a line for some reader, steer a terminal, or show a name as another one."""
    call(rates, attempt(f"seoul/4o{letter}tpg"))

    assert {key.target for key in rates.take()} == {"", "seoul/4o\N{REPLACEMENT CHARACTER}tpg"}


def test_odd_usage(rates, board):
    """Whatever numbers a server tells, the figures stay such, and Prometheus's counters never go back.

    What cannot be a cost is none, and then a token of the answer costs what the price map says, twice here.
    """
    for told in (-5, 1 << 70, 2.5, float("nan"), float("inf")):
        call(rates, attempt(usage={"prompt_tokens": told, "completion_tokens": 1, "cost": told}))
    counts = rates.take()
    Metrics().add(counts)
    board.write(WORKER, counts, {})
    found = [
        (row.prompt_tokens, row.completion_tokens, row.cost) for row in board.read("p1").targets
    ]
    assert found == [(2, 5, 2.50002)]


@pytest.mark.parametrize(
    ("times", "share", "low", "high"),
    [
        ([0] * 25, 0.5, None, None),
        ([0, 0, 0, 100, *[0] * 21], 0.5, 22, 34),
        ([0] * 24 + [7], 0.95, 112_000, 113_000),
        ([90, *[0] * 23, 10], 0.5, 1, 10),
    ],
)
def test_percentiles(times, share, low, high):
    """Out of buckets that are 1.5 apart; what is beyond them is told as their end."""
    found = percentile(times, share)
    assert found is None if low is None else low <= found <= high


def test_threads_lose_nothing(rates):
    """Calls end in many threads while another one takes what was counted."""

    def calls():
        for _ in range(500):
            call(rates, attempt())

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    total = 0
    while any(thread.is_alive() for thread in threads):
        total += sum(cell.count for key, cell in rates.take().items() if key.target)
    total += sum(cell.count for key, cell in rates.take().items() if key.target)
    assert total == 2000


def samples(rendered):
    """Name and labels, with the value, of every sample; not those of when a series began."""
    found = {}
    for line in rendered.decode().strip().splitlines():
        if not line.startswith("#") and "_created" not in line and "_bucket" not in line:
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_metrics(rates):
    """Every figure, by its name and labels."""
    metrics = Metrics()
    metrics.under_way(1, 1)
    metrics.ended("/v1/chat/completions", 200, 0.3)
    call(rates, attempt(outcome="ServerError"), attempt("usa/gpt-4o"))
    metrics.add(rates.take())
    metrics.cooldowns({("p1", "seoul/gpt-4o"): NOW + 20, ("p2", "seoul/gpt-4o"): NOW + 10})
    found = samples(metrics.render())
    assert found == {
        'genai_gateway_requests_total{route="/v1/chat/completions",status="200"}': 1,
        'genai_gateway_request_duration_seconds_count{route="/v1/chat/completions"}': 1,
        'genai_gateway_request_duration_seconds_sum{route="/v1/chat/completions"}': 0.3,
        'genai_gateway_upstream_attempts_total{outcome="ServerError",target="seoul/gpt-4o"}': 1,
        'genai_gateway_upstream_attempts_total{outcome="ok",target="usa/gpt-4o"}': 1,
        'genai_gateway_tokens_total{target="usa/gpt-4o",type="input"}': 1000,
        'genai_gateway_tokens_total{target="usa/gpt-4o",type="output"}': 500,
        'genai_gateway_cost_usd_total{target="usa/gpt-4o"}': 0.0075,
        "genai_gateway_requests_in_flight": 1,
        "genai_gateway_streams_open": 1,
        'genai_gateway_cooldown_ends_timestamp_seconds{target="seoul/gpt-4o"}': NOW + 20,
        "genai_gateway_workers": 1,
    }
    metrics.under_way(0, 0)
    metrics.cooldowns({})
    found = samples(metrics.render())
    assert found["genai_gateway_streams_open"] == 0
    assert found['genai_gateway_cooldown_ends_timestamp_seconds{target="seoul/gpt-4o"}'] == 0


def test_series_are_bounded(rates):
    """However many targets there are, a thousand are told apart; a hostile name breaks no line."""
    metrics = Metrics()
    call(rates, attempt('bad/"}\n# evil 1'))
    for number in range(1100):
        call(rates, attempt(f"c{number}/gpt-4o"), project=f"p{number}")
    metrics.add(rates.take())
    found = samples(metrics.render())
    series = [name for name in found if name.startswith("genai_gateway_upstream_attempts_total")]
    assert len(series) == 1001
    assert found['genai_gateway_upstream_attempts_total{outcome="ok",target="other"}'] == 101
    assert r'genai_gateway_upstream_attempts_total{outcome="ok",target="bad/\"}�# evil 1"}' in found


_WORKER = """
import os, sys
from pathlib import Path
from genai_integrations.gateway.metrics import Metrics
from genai_integrations.gateway.operation import Operation
metrics = Metrics(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
metrics.under_way(1, 1)
metrics.ended("/v1/messages", 200, 0.1)
if sys.argv[1] == "leaves":
    metrics.leave()
elif sys.argv[1] == "tells":
    print(metrics.render().decode())
"""


def test_metrics_of_workers(tmp_path):
    """Counters of workers that are gone stay; their gauges go, whether they left or were killed."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    told = ""
    for what in ("leaves", "is killed", "tells"):
        done = subprocess.run(
            [sys.executable, "-c", _WORKER, what],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        told = done.stdout
    found = samples(told.encode())
    assert found['genai_gateway_requests_total{route="/v1/messages",status="200"}'] == 3
    assert found["genai_gateway_workers"] == 1
    assert found["genai_gateway_streams_open"] == 1
    assert found["genai_gateway_requests_in_flight"] == 1
    assert re.search(r"_duration_seconds_count\{.*\} 3.0", told)


def test_cooldowns_of_a_client(client_of_two, provider):
    """A client says which targets it leaves alone, and for how long."""
    client = client_of_two
    assert client.cooldowns() == {}
    with client.outage("seoul", status=503, retry_after=30):
        client.completion("gpt-4o", [{"role": "user", "content": "Hello!"}])
        found = client.cooldowns()
    assert list(found) == ["seoul/gpt-4o"]
    assert 0 < found["seoul/gpt-4o"] <= 30
    assert client.cooldowns() == {}


@pytest.fixture
def client_of_two(provider):
    """A client with two connections to the scripted provider."""
    from genai_integrations import Connection, GenAIClient

    rows = [
        Connection.of(name, "openai", f"sk-{name}", f"{provider.url}/v1")
        for name in ("seoul", "usa")
    ]
    return GenAIClient(connections=rows)


async def test_what_takes_long_is_shown_for_a_while(monkeypatch):
    """The sum of all projects is not made anew for each page that is open, once that takes long."""
    watching = Operation()
    call(watching.rates, attempt(), project="p1")
    assert (await watching.hour(None)).calls == 1
    call(watching.rates, attempt(), project="p1")
    assert (await watching.hour(None)).calls == 2
    monkeypatch.setattr("genai_integrations.gateway.operation._DEAR", -1.0)
    monkeypatch.setattr("genai_integrations.gateway.operation._AT_MOST", 1e9)
    assert (await watching.hour(None)).calls == 2
    call(watching.rates, attempt(), project="p1")
    assert (await watching.hour(None)).calls == 2
    assert (await watching.hour("p1")).calls == 3


async def test_one_bad_writing_is_not_the_last(monkeypatch, caplog):
    """What goes wrong while figures are written is logged, and the next second they are written again."""
    monkeypatch.setattr("genai_integrations.gateway.operation.TICK", 0)
    operation, again = Operation(), threading.Event()

    class Unsteady:
        """Fails once, as where a folder is gone."""

        count = 0

        def write(self, *_):
            """Say that it was asked again."""
            self.count += 1
            if self.count == 1:
                raise FileNotFoundError("a path that is nobody's business")
            again.set()

        def leave(self, worker):
            """Nothing."""

        def close(self):
            """Nothing."""

    operation._board = Unsteady()
    async with operation.running():
        assert await asyncio.to_thread(again.wait, 10)

    assert "FileNotFoundError" in caplog.text
    assert "nobody's business" not in caplog.text


class FolderGone:
    """The metrics of a process that shares them, where the folder is gone: the library opens its files late."""

    def add(self, counts):
        """A file of its own is opened at the first count."""
        raise FileNotFoundError(counts)

    def render(self):
        """The library's own error."""
        raise ValueError


async def test_a_folder_that_is_gone(tmp_path, caplog):
    """It takes figures and nothing else: lines of requests are written, pages shown, and a new worker starts."""
    folder = tmp_path / "run"
    folder.mkdir()
    operation = Operation(folder)
    operation._metrics = FolderGone()
    call(operation.rates, attempt(), project="p1")
    shutil.rmtree(folder)
    caplog.set_level("INFO", "genai_integrations.gateway")
    operation.began()
    operation.ended(Told(request_id="req_1", route="/v1/chat/completions", status=200))
    for _ in range(3):
        assert (await operation.hour("p1")).calls == 1
    with pytest.raises(Refused) as refused:
        await operation.render_metrics()

    assert refused.value.code == "no_figures"
    assert [row.message for row in caplog.records if row.message == "request"] == ["request"]
    assert caplog.text.count("metrics cannot be written: FileNotFoundError") == 1
    again = Operation(folder)
    call(again.rates, attempt(), project="p1")
    assert (await again.hour("p1")).calls == 1


async def test_a_disk_that_takes_nothing(tmp_path, caplog):
    """A worker starts all the same, and shows what it knows itself."""
    (tmp_path / "run").write_text("no folder")
    operation = Operation(tmp_path / "run")
    call(operation.rates, attempt(), project="p1")

    assert (await operation.hour("p1")).calls == 1
    assert "the page's figures cannot be written: FileExistsError" in caplog.text


@pytest.mark.parametrize(("left", "is_written"), [(4096, False), (8 << 20, True)])
def test_metrics_of_a_full_disk(tmp_path, monkeypatch, caplog, left, is_written):
    """Nothing is written into a mapped file that the disk may have no room for, which would kill the worker."""
    disk = types.SimpleNamespace(f_bavail=left // 4096, f_frsize=4096)
    monkeypatch.setattr("genai_integrations.gateway.operation.os.statvfs", lambda _: disk)
    operation = Operation(tmp_path)
    operation.write()

    assert (operation._metrics is not None) is is_written
    assert ("metrics cannot be written: OSError" in caplog.text) is not is_written
