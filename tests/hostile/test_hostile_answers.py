"""Whatever bytes a provider sends: an error of ours or an answer, no key anywhere, and the fallback serves."""

from __future__ import annotations

import asyncio
import re
import traceback
from pathlib import Path

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import BadRequestError, GenAIError, StreamInterruptedError
from genai_integrations.settings import answer_limits
from genai_integrations.testing.faults import Fault
from genai_integrations.testing.hostile import HOSTILE
from genai_integrations.testing.provider import ScriptedProvider

pytestmark = pytest.mark.slow

KEY = "sk-canary-0123456789"
QUESTION = [{"role": "user", "content": "one two three four five six seven eight"}]
MODES = ("sync", "async", "stream", "async stream")
STEERS = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
LONGEST = 2000
MOST_MEMORY = 150 << 10


@pytest.fixture(scope="module")
def servers():
    """A hostile one and a good one."""
    with ScriptedProvider("bad") as bad, ScriptedProvider("usa") as usa:
        yield bad, usa


@pytest.fixture(scope="module", autouse=True)
def small_limits():
    """A megabyte is too large, so that what is too large costs little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENAI_MAX_BODY_BYTES", "2000000")
        patch.setenv("GENAI_MAX_EVENT_BYTES", "2000000")
        answer_limits.cache_clear()
        yield
    answer_limits.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def bounded_memory(servers):
    """All of them together take no more memory than one answer should."""
    before = _peak()
    yield
    assert _peak() - before < MOST_MEMORY


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google-ai-studio"])
@pytest.mark.parametrize("way", HOSTILE)
def test_hostile_answers(way, provider, servers):
    """In each way to call, alone and with a fallback."""
    bad, usa = servers
    bad.faults["*"] = Fault.hostile(way)
    for mode in MODES:
        alone = _outcome(mode, _client(bad, usa, provider), f"bad/{_MODELS[provider]}")
        helped = _outcome(
            mode, _client(bad, usa, provider, fallback=True), f"bad/{_MODELS[provider]}"
        )
        for error in (alone, helped):
            _check_error(error)
        if alone is None or isinstance(alone, (BadRequestError, StreamInterruptedError)):
            assert type(helped) is type(alone), (mode, alone)
        else:
            assert helped is None, (mode, alone, helped)


_MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "google-ai-studio": "gemini-2.5-flash",
}


def _client(bad, usa, provider, *, fallback=False):
    model = _MODELS[provider]
    there = [
        Connection.of("bad", provider, KEY, _address(bad, provider)),
        Connection.of("usa", provider, "sk-usa-0123456789", _address(usa, provider)),
    ]
    args = {"num_retries": 0, "timeout": 20, "drop_params": False}
    if fallback:
        args["fallbacks"] = [{f"bad/{model}": [f"usa/{model}"]}]
    return GenAIClient(connections=there, router_args=args, tracing=False)


def _address(server, provider):
    return f"{server.url}/v1" if provider == "openai" else server.url


def _outcome(mode, client, model):
    """The error that the call ends with; None if it is answered."""
    with client:
        try:
            if mode == "sync":
                client.completion(model, QUESTION)
            elif mode == "stream":
                list(client.completion(model, QUESTION, stream=True))
            else:
                asyncio.run(_ask(client, model, stream=mode == "async stream"))
        except Exception as error:  # noqa: BLE001  which one is what is looked at
            return error
    return None


async def _ask(client, model, *, stream):
    async with client:
        if not stream:
            await client.acompletion(model, QUESTION)
            return
        async for _ in await client.acompletion(model, QUESTION, stream=True):
            pass


def _check_error(error):
    if error is None:
        return
    assert isinstance(error, GenAIError), repr(error)
    text = str(error)
    assert not STEERS.search(text), ascii(text)
    assert len(text) < LONGEST
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = [*frames.format(), text, repr(error), str(vars(error)), str(_route(error))]
    for each in shown:
        assert KEY not in each, each[:2000]


def _route(error):
    route = getattr(error, "route", None)
    return route and route.as_dict()


def _peak():
    """The most memory that the process ever had, in KiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])
