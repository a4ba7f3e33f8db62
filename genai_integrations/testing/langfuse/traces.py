"""OTLP traces as plain dictionaries. Attributes may be anything that OTLP can carry."""

from __future__ import annotations

from typing import Any, TypedDict


class SpanStatus(TypedDict):
    """OTLP's code, 0 unset, 1 ok, 2 error, and what is said of it."""

    code: int
    message: str


class SpanEvent(TypedDict):
    """Something that happened during a span."""

    name: str
    attributes: dict[str, Any]


class SpanRecord(TypedDict):
    """One span. Times are nanoseconds since 1970, ids are in hex."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start: int
    end: int
    status: SpanStatus
    attributes: dict[str, Any]
    events: list[SpanEvent]
    scope: str
    resource: dict[str, object]


def spans_of(content: bytes) -> list[SpanRecord]:
    """Decode the body of an OTLP export, protobuf, to one dictionary for each span.

    Raises:
        ValueError: The bytes are no such export.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    export = ExportTraceServiceRequest()
    try:
        export.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("not an OTLP trace export") from error
    return [
        _span(span, scope.scope.name, _attributes(resource.resource.attributes))
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _span(span: Any, scope: str, resource: dict[str, Any]) -> SpanRecord:
    return {
        "name": span.name,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() or None,
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": {"code": span.status.code, "message": span.status.message},
        "attributes": _attributes(span.attributes),
        "events": [
            {"name": event.name, "attributes": _attributes(event.attributes)}
            for event in span.events
        ],
        "scope": scope,
        "resource": resource,
    }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None
