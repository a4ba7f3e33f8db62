"""The SDK's and OpenTelemetry's variables mean for our own spans what they mean for the SDK's."""

from __future__ import annotations

import pytest
from tracing_support import HELLO

from genai_integrations.errors import ConfigurationError
from genai_integrations.settings import read_trace_settings


def test_without_variables():
    """The SDK's own defaults."""
    settings = read_trace_settings({})

    assert settings.is_on
    assert (settings.environment, settings.release, settings.sample_rate) == (None, None, 1.0)
    assert (settings.timeout, settings.batch, settings.interval) == (5, 512, 5.0)
    assert (settings.queue, settings.largest) == (2048, 67108864)
    assert settings.path == "api/public/otel/v1/traces"
    assert settings.packed
    assert settings.media


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("LANGFUSE_TRACING_ENABLED", "False", "is_on", False),
        ("OTEL_SDK_DISABLED", "True", "is_on", False),
        ("LANGFUSE_TRACING_ENVIRONMENT", "staging", "environment", "staging"),
        ("LANGFUSE_RELEASE", "v7", "release", "v7"),
        ("GITHUB_SHA", "0123abc", "release", "0123abc"),
        ("LANGFUSE_SAMPLE_RATE", "0.25", "sample_rate", 0.25),
        ("LANGFUSE_TIMEOUT", "9", "timeout", 9),
        ("LANGFUSE_FLUSH_AT", "7", "batch", 7),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8", "batch", 8),
        ("LANGFUSE_FLUSH_INTERVAL", "0.5", "interval", 0.5),
        ("OTEL_BSP_SCHEDULE_DELAY", "1500", "interval", 1.5),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "99", "queue", 99),
        ("LANGFUSE_OTEL_MAX_BATCH_SIZE_BYTES", "1000", "largest", 1000),
        ("LANGFUSE_OTEL_TRACES_EXPORT_PATH", "otel/v1/traces", "path", "otel/v1/traces"),
        ("LANGFUSE_OTEL_COMPRESSION", "None", "packed", False),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none", "packed", False),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate", "packed", True),
        ("LANGFUSE_MEDIA_UPLOAD_ENABLED", "0", "media", False),
    ],
)
def test_each_variable(name, value, field, meant):
    """Is read."""
    assert getattr(read_trace_settings({name: value}), field) == meant


def test_langfuse_s_variables_win():
    """Over OpenTelemetry's, and the release over a build service's."""
    settings = read_trace_settings(
        {
            "LANGFUSE_FLUSH_AT": "7",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
            "LANGFUSE_FLUSH_INTERVAL": "0.5",
            "OTEL_BSP_SCHEDULE_DELAY": "1500",
            "LANGFUSE_OTEL_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "GITHUB_SHA": "0123abc",
            "LANGFUSE_RELEASE": "v7",
        }
    )

    assert (settings.batch, settings.interval, settings.release) == (7, 0.5, "v7")
    assert settings.packed


@pytest.mark.parametrize(
    ("name", "value"),
    [("LANGFUSE_SAMPLE_RATE", "1.5"), ("LANGFUSE_FLUSH_AT", "many"), ("LANGFUSE_TIMEOUT", "nan")],
)
def test_a_value_that_cannot_be(name, value, client, recorded, monkeypatch, caplog):
    """Calls work and are not recorded; one warning names the variable."""
    with pytest.raises(ConfigurationError, match=f"{name} is "):
        read_trace_settings({name: value})
    monkeypatch.setenv(name, value)
    for _ in range(2):
        client.completion("gpt-4o", HELLO)

    assert recorded(client) == []
    (message,) = caplog.messages
    assert message.startswith(f"calls are not recorded in Langfuse: {name} is ")


def test_a_sample_rate_that_cannot_be(make_client, recorded, caplog):
    """Given in code."""
    client = make_client(sample_rate=2)
    client.completion("gpt-4o", HELLO)

    assert recorded(client) == []
    (message,) = caplog.messages
    assert message.startswith("calls are not recorded in Langfuse: sample_rate is 2")


def test_an_export_that_is_not_packed(client, langfuse, recorded, monkeypatch):
    """To another path."""
    monkeypatch.setenv("LANGFUSE_OTEL_COMPRESSION", "none")
    client.completion("gpt-4o", HELLO)
    assert len(recorded(client)) == 1

    (request,) = langfuse.requests
    assert "content-encoding" not in request.headers


def test_an_export_that_is_too_large(client, langfuse, recorded, monkeypatch, caplog):
    """It is sent in parts; one span that is larger than that is lost, with a warning."""
    monkeypatch.setenv("LANGFUSE_OTEL_MAX_BATCH_SIZE_BYTES", "6000")
    monkeypatch.setenv("LANGFUSE_FLUSH_INTERVAL", "3600")
    for size in (1, 9000, 1000, 1000, 1000):
        client.completion("gpt-4o", [{"role": "user", "content": "x" * size}])

    assert len(recorded(client)) == 4
    assert len(langfuse.requests) > 1
    assert [text for text in caplog.messages if "larger than one export" in text] == [
        f"traces for Langfuse at {langfuse.host}: a span is lost: it is larger than one export may be"
    ]
