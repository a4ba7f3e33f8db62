"""OTLP traces as plain dictionaries."""

from __future__ import annotations

from typing import Any


def spans_of(content: bytes) -> list[dict[str, Any]]:
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


def _span(span: Any, scope: str, resource: dict[str, Any]) -> dict[str, Any]:
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
