"""A flow that is driven by hand, and what goes in and out of it."""

from __future__ import annotations

from genai_integrations.calls.request import chat_request
from genai_integrations.routing.flow import flow

HELLO = [{"role": "user", "content": "hi"}]


def reply(text="ok", finish="stop"):
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


def chunk(text=None, finish=None):
    delta = {"content": text} if text else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


class Ready:
    """Of a transport the flow only asks whether it is ready."""

    def __init__(self, ready=True):
        self.ready = ready

    def is_ready(self, call):
        return self.ready


class Watch:
    """Observes everything, and writes down what it is told."""

    is_ready = True

    def __init__(self):
        self.told = []

    def call_began(self, request):
        self.told.append("call began")
        return self

    def attempt_began(self, attempt):
        self.told.append(f"attempt began {attempt.target}")

    def attempt_ended(self, attempt):
        self.told.append(f"attempt ended {attempt.target} {attempt.outcome}")

    def first_content(self, route):
        self.told.append("first content")

    def call_ended(self, route, wire, error):
        self.told.append(f"call ended {type(error).__name__}")


class Call:
    """One flow and the steps it asked for, by name.

    Attributes:
        sent: The targets that something was sent to.
    """

    def __init__(self, parts, stream=False, request=None, **params):
        args = parts.args.for_call(params.pop("args", {}))
        self.request = request or chat_request("m", HELLO, params, args, stream=stream)
        self.flow = flow(self.request, parts, parts.transport.is_ready)
        self.asked = []
        self.sent = []
        self.steps = []

    def run(self, *outcomes):
        """Send the outcomes, one for each step; give what the flow ends with, or its last step's name."""
        given = iter(outcomes)
        outcome = None
        while True:
            try:
                step = self.flow.send(outcome)
            except StopIteration as end:
                return end.value
            name = type(step).__name__
            self.asked.append(name)
            self.steps.append(step)
            if name == "Send":
                self.sent.append(step.call.connection.name)
            try:
                outcome = next(given)
            except StopIteration:
                return name
