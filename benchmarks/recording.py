"""What recording a call in Langfuse adds to it: our generation beside one of the SDK's own with the same content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from measure import Contender, many

_CALLS = 300
_MANY, _LONG = 100_000, 3600.0
_KEY = "pk-lf-benchmark"
_MESSAGES = [
    {"role": "system", "content": "You are helpful."},
    {"role": "user", "content": "Write one sentence about a fox."},
]
_PARAMS = {"temperature": 0.1, "max_tokens": 50}
_ANSWER = {"role": "assistant", "content": "The quick brown fox jumps over the lazy dog."}
_USAGE = {"prompt_tokens": 42, "completion_tokens": 10, "total_tokens": 52}


def recording(ours: str) -> list[Contender]:
    """Neither sends anything before the end."""
    from langfuse import Langfuse
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002  its base has it
            return SpanExportResult.SUCCESS

    os.environ |= {
        "OTEL_BSP_MAX_QUEUE_SIZE": str(_MANY),
        "LANGFUSE_FLUSH_AT": str(_MANY),
        "LANGFUSE_FLUSH_INTERVAL": str(_LONG),
    }
    provider = TracerProvider()
    pair = {"public_key": _KEY, "secret_key": "sk-lf-benchmark", "base_url": "http://127.0.0.1:9"}
    sdk = Langfuse(
        **pair,
        tracer_provider=provider,
        span_exporter=Nowhere(),
        flush_at=_MANY,
        flush_interval=_LONG,
    )
    return [
        Contender("recording a call in Langfuse", name, many(_CALLS, work), _CALLS)
        for name, work in ((ours, _ours()), ("Langfuse SDK", _theirs(sdk)))
    ]


def _ours() -> Any:
    from genai_integrations.calls.args import RouterArgs
    from genai_integrations.calls.request import chat_request
    from genai_integrations.connections.langfuse.sdk import LangfuseSdk
    from genai_integrations.settings import read_settings
    from genai_integrations.tracing.generations import Generations

    settings = read_settings(
        public_key="pk-lf-ours", secret_key="sk-lf-benchmark", host="http://127.0.0.1:9"
    )
    observe = Generations(LangfuseSdk(settings))
    request = chat_request("gpt-4o-mini", _MESSAGES, _PARAMS, RouterArgs(), stream=False)
    wire = {"choices": [{"message": _ANSWER, "finish_reason": "stop"}], "usage": _USAGE}
    route = _route()

    def record() -> None:
        generation = observe.call_began(request)
        if generation is None:
            raise RuntimeError("nothing is recorded")
        generation.call_ended(route, wire, None)

    return record


def _theirs(sdk: Any) -> Any:
    attempts = _route().as_dict()["attempts"]
    metadata = {"asked": "gpt-4o-mini", "provider": "openai", "connection": "burst"}

    def record() -> None:
        with sdk.start_as_current_observation(
            name="genai-completion",
            as_type="generation",
            model="gpt-4o-mini",
            input=_MESSAGES,
            model_parameters=_PARAMS,
        ) as generation:
            generation.update(
                output=_ANSWER,
                usage_details={"input": 42, "output": 10, "total": 52},
                cost_details={"total": attempts[0]["cost"]},
                metadata={**metadata, "attempts": attempts},
            )

    return record


def _route() -> Any:
    from genai_integrations.calls.route import OK, Attempt, Route

    name = "burst/gpt-4o-mini"
    attempt = Attempt(name, "burst", "openai", "gpt-4o-mini", "first", OK, ms=12.0, usage=_USAGE)
    return Route("gpt-4o-mini", [attempt])
