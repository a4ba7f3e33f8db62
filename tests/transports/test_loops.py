"""Sessions of several event loops in one process."""

from __future__ import annotations

import asyncio

from genai_integrations.calls.wire import WireCall
from genai_integrations.testing.provider import ScriptedProvider


class _ClosedLoop:
    """A loop that was closed; looking at it has other threads do their work in between."""

    def __init__(self, sessions, meanwhile):
        self.sessions = sessions
        self.meanwhile = meanwhile

    def is_closed(self):
        self.meanwhile(self)
        return True

    def is_running(self):
        return False


class _Session:
    forgotten = 0

    def forget(self):
        self.forgotten += 1


def _ask(transport, connect, provider):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
    call = WireCall(connect(f"{provider.url}/v1"), "gpt-4o", "chat/completions", body)
    return asyncio.run(transport.asend(call, 10))


def test_two_threads_may_clear_up_at_once(transport, connect, provider: ScriptedProvider):
    """Both see the same closed loop, one forgets it first; neither call fails."""
    sessions = transport._async._sessions
    loop = _ClosedLoop(sessions, lambda loop: sessions.pop(loop, None))
    sessions[loop] = _Session()

    assert _ask(transport, connect, provider)["choices"]


def test_a_loop_may_start_while_another_clears_up(transport, connect, provider):
    """A session that another thread adds meanwhile disturbs nobody."""
    sessions = transport._async._sessions

    def starts(loop):
        sessions.setdefault(object.__new__(_Open), _Session())

    session = sessions[_ClosedLoop(sessions, starts)] = _Session()

    assert _ask(transport, connect, provider)["choices"]
    assert session.forgotten == 1


class _Open:
    def is_closed(self):
        return False

    def is_running(self):
        return True


def test_sessions_of_closed_loops_do_not_pile_up(transport, connect, provider):
    """However many loops there were, at most the last one's session is still held."""
    for _ in range(5):
        _ask(transport, connect, provider)

    assert len(transport._async._sessions) == 1
