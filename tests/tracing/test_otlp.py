"""Spans as bytes: what OpenTelemetry's own encoder makes of the same."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags, TraceState

from genai_integrations.tracing.otlp import export

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
STATE = TraceState([("vendor", "a"), ("other", "b")])


def _context(span, state=None, *, remote=False):
    return SpanContext(TRACE, span, remote, TraceFlags(1), state)


def _record(attributes=None, *, parent=None, status=None, state=None, name="genai-completion"):
    return SimpleNamespace(
        name=name,
        context=_context(0x00F067AA0BA902B7, state),
        parent=parent,
        attributes=attributes or {},
        began=1_764_000_000_123_456_789,
        ended=1_764_000_001_000_000_001,
        status=status,
    )


RECORDS = {
    "nothing": _record(),
    "texts": _record({"a": "", "langfuse.observation.input": "한국어 " * 5000, "": "no name"}),
    "numbers": _record({"n": 0, "version": 3, "minus": -1, "most": 2**63 - 1, "least": -(2**63)}),
    "floats": _record({"zero": 0.0, "half": 0.5, "minus": -1e300}),
    "truths": _record({"yes": True, "no": False}),
    "lists": _record({"tags": ["a", "b", ""], "none": [], "mixed": ["a", 1, 0.5, True]}),
    "below": _record(parent=_context(0xB7AD6B7169203331)),
    "below another process": _record(parent=_context(1, remote=True), state=STATE),
    "failed": _record(status=Status(StatusCode.ERROR, "RateLimitError: 429")),
    "failed without a word": _record(status=Status(StatusCode.ERROR)),
    "well": _record(status=Status(StatusCode.OK)),
    "without a name": _record(name=""),
}
ABOUT = {"public_key": "pk-lf-1"}
RESOURCE = {"service.name": "unknown_service", "telemetry.sdk.name": "opentelemetry", "n": 1}


def _by_opentelemetry(records):
    scope = InstrumentationScope("langfuse-sdk", "5.1.0", None, ABOUT)
    return encode_spans(
        [
            ReadableSpan(
                name=record.name,
                context=record.context,
                parent=record.parent,
                resource=Resource(RESOURCE),
                attributes=record.attributes,
                start_time=record.began,
                end_time=record.ended,
                instrumentation_scope=scope,
                status=record.status or Status(),
            )
            for record in records
        ]
    )


def _export(records):
    return export(records, RESOURCE, ("langfuse-sdk", "5.1.0"), ABOUT)


@pytest.mark.parametrize("kind", [*RECORDS, None])
def test_the_bytes_are_those_of_opentelemetry(kind):
    """Byte by byte, of each kind of span and of all together: a server sees no difference."""
    records = [*RECORDS.values()] if kind is None else [RECORDS[kind]]

    assert _export(records) == _by_opentelemetry(records).SerializeToString()


@pytest.mark.parametrize("value", [None, 2**63, -(2**63) - 1, object(), {"a": 1}])
def test_a_value_that_is_none_of_an_attribute_is_left_out(value):
    """The span is sent, with its other attributes."""
    sent = ExportTraceServiceRequest.FromString(_export([_record({"odd": value, "a": "b"})]))

    (span,) = sent.resource_spans[0].scope_spans[0].spans
    assert [(row.key, row.value.string_value) for row in span.attributes] == [("a", "b")]


def test_a_lone_surrogate_is_a_question_mark():
    """Protobuf's texts are UTF-8, which has none."""
    sent = ExportTraceServiceRequest.FromString(_export([_record({"\ud800": "a\udfff"})]))

    (row,) = sent.resource_spans[0].scope_spans[0].spans[0].attributes
    assert (row.key, row.value.string_value) == ("?", "a?")
