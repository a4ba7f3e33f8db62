"""What targets were asked in the minute that runs, by all processes."""

from __future__ import annotations

import threading

from genai_integrations import Connection, GenAIClient
from genai_integrations.routing.sharing.file_store import FileStore
from genai_integrations.routing.sharing.hashed import Names
from genai_integrations.routing.sharing.store import StoreAway
from genai_integrations.routing.sharing.usage import SharedUsage

HELLO = [{"role": "user", "content": "Hello!"}]


def test_counts_of_a_minute_add_up_and_end_with_it(tmp_path):
    """Minutes are those of the wall clock, which all processes have; what is left of the last one is told, too."""
    store, now = FileStore(str(tmp_path / "state.json")), [1200.0]
    one, two = (SharedUsage(Names("pk"), clock=lambda: now[0]) for _ in range(2))
    one.count("a/m", 100, 0)
    one.count("a/m", 20, 1)
    two.count("a/m", 7, 0)
    for usage in (one, two, one):
        usage.exchange(store)
    both = one.minute("a/m"), two.minute("a/m"), two.minute("b/m")
    one.count("a/m", 1000, 0)
    now[0] = 1260.0
    one.exchange(store)
    new = one.minute("a/m")
    now[0] = 1259.0
    late = SharedUsage(Names("pk"), clock=lambda: now[0])
    late.exchange(store)

    assert both == ((3, 127, 1), (3, 127, 1), (0, 0, 0))
    assert new == (0, 0, 0)
    assert late.minute("a/m") == (4, 1127, 1)


def test_a_call_may_end_while_a_new_minute_begins():
    """The collector ends an abandoned stream's call at any moment: nothing waits for itself, and both calls count."""

    class Collecting(Names):
        def key(self, kind, name=""):
            if len(ended) < 1:
                ended.append(name)
                usage.count("a/m", 5, 0)
            return super().key(kind, name)

    ended = []
    usage = SharedUsage(Collecting("pk"), clock=lambda: 0.0)
    call = threading.Thread(target=usage.count, args=("a/m", 7, 0), daemon=True)
    call.start()
    call.join(20)

    assert not call.is_alive()
    assert usage.minute("a/m") == (2, 12, 0)


def test_what_is_kept_while_the_store_is_away_is_bounded():
    """The minute that runs, and the one before."""

    class Away:
        def exchange(self, key, sent):
            """Never."""
            raise StoreAway

    now = [0.0]
    usage = SharedUsage(Names("pk"), clock=lambda: now[0])
    for number in range(10):
        now[0] = 60.0 * number
        usage.count("a/m", 1, 0)

    assert len(usage._mirrors) == 2


def test_the_usage_strategy_goes_by_what_all_have_used(provider, tmp_path):
    """A client sends to the target that another one has used less."""

    def worker():
        rows = [
            Connection.of(name, "openai", "sk-x", f"{provider.url}/{name}/v1")
            for name in ("a", "b")
        ]
        args = {"routing_strategy": "usage-based-routing-v2", "state_file": tmp_path / "state.json"}
        return GenAIClient(connections=rows, router_args=args)

    one, two = worker(), worker()
    used = [one.completion("a/gpt-4o", HELLO).route.served for _ in range(5)]
    one.flush()
    routes = [two.completion("gpt-4o", HELLO).route for _ in range(3)]

    assert used == ["a/gpt-4o"] * 5
    assert [route.served for route in routes] == ["b/gpt-4o"] * 3
