"""A worker of a service: makes calls as it is told by its standard input, and says what it knows."""

from __future__ import annotations

import json
import sys
import threading

from genai_integrations import Connection, GenAIClient, Rollout

ADDRESS, ARGS = sys.argv[1], json.loads(sys.argv[2])
ROLLOUT = Rollout("smart", old="gpt-4o", new="gpt-5", steps=[0.5, 1.0], min_calls=1000)
client = GenAIClient(
    connections=[
        Connection.of(name, "openai", "sk-example", f"{ADDRESS}/{name}/v1")
        for name in ("seoul", "usa")
    ],
    router_args={"rollouts": [ROLLOUT], "num_retries": 0, "cooldown_time": 60, **ARGS},
)
served = []


def call(model, times, first=0):
    """Make calls, each for another user; who served, or what went wrong, is kept."""
    for number in range(first, first + times):
        try:
            reply = client.completion(model, [{"role": "user", "content": "x"}], user=f"u{number}")
            served.append(reply.route.served)
        except Exception as error:  # noqa: BLE001  told to whoever counts
            served.append(repr(error))


def told():
    """What this worker knows."""
    track = client.rollout("smart")
    return {
        "state": track.state,
        "share": track.share,
        "audit": [row.why for row in track.audit],
        "calls": track.new.calls + track.old.calls,
        "failed": track.new.failed,
        "served": served,
        "usage": usage(),
    }


def usage():
    """Requests of the minute that runs, as far as this worker has heard of them."""
    measured = client._router._parts.measured
    targets = [f"{name}/gpt-4o-mini" for name in ("seoul", "usa")] if measured else []
    return sum(measured.minute(target)[0] for target in targets)


for line in sys.stdin:
    word, *values = json.loads(line)
    if word == "begin":
        threading.Thread(target=call, args=values).start()
    elif word == "call":
        call(*values)
    elif word == "promote":
        client.rollout("smart").promote("by the test")
    elif word == "flush":
        client.flush()
    sys.stdout.write(json.dumps(told()) + "\n")
    sys.stdout.flush()
