"""The gateway's logs: a line of JSON for each request, without a prompt, an answer or a key."""

from __future__ import annotations

import json
import logging
import logging.config
import re

import pytest

from genai_integrations.calls.route import MISS, Attempt, Route
from genai_integrations.gateway.logs import LogLevel, log_config
from genai_integrations.gateway.operation import Operation, Told


@pytest.fixture
def configured():
    """Configure logging as a gateway does, and put it back afterwards."""
    names = ("genai_integrations", "uvicorn", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(row, row.handlers[:], row.level, row.propagate) for row in loggers]

    def configured(level: LogLevel):
        logging.config.dictConfig(log_config(level))

    yield configured
    for row, handlers, least, propagate in before:
        row.handlers[:], row.propagate = handlers, propagate
        row.setLevel(least)


@pytest.fixture
def operation():
    """A worker's watcher."""
    return Operation()


@pytest.fixture
def lines(capsys):
    """What was logged since this was asked last."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def told(status=200, **more):
    served = Attempt("seoul/gpt-4o", "seoul", "openai", "gpt-4o", "first", outcome="ok")
    call = Route("smart", [served], cache=MISS)
    more = {"call": call, "is_whole": True, **more}
    return Told("req_1", "/v1/chat/completions", "pk-lf-1", "p1", status=status, **more)


def end(operation, row):
    operation.began()
    operation.ended(row)
    operation.write()


def test_a_request(configured, operation, lines):
    """One line says who asked for what, who answered, how long it took and what it cost."""
    configured("info")
    end(operation, told())
    (line,) = lines()
    assert line.pop("ms") < 1000
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info", "logger": "genai_integrations.gateway.requests", "event": "request",
        "request_id": "req_1", "caller": "pk-lf-1", "project": "p1", "route": "/v1/chat/completions",
        "status": 200, "model": "smart", "target": "seoul/gpt-4o", "attempts": 1, "cache": "MISS",
    }  # fmt: skip


def test_what_is_not_known(configured, operation, lines):
    """A refused request has what is known of it, and no model's name: what meant nothing is a caller's text."""
    configured("info")
    end(operation, told(404, call=Route("my password is hunter2"), error="UnknownModelError"))
    end(operation, Told("req_2", status=401, is_whole=True, error="invalid_api_key"))
    first, second = lines()
    assert first["level"] == "warning"
    assert (first["status"], first["error"], first["attempts"]) == (404, "UnknownModelError", 0)
    assert "hunter2" not in json.dumps(first)
    assert second["route"] == "none"
    assert "caller" not in second


def test_a_stream_that_was_left(configured, operation, lines):
    """It says so: the status alone would look like an answer."""
    configured("info")
    end(operation, told(is_stream=True, is_whole=False))
    (line,) = lines()
    assert (line["stream"], line["left"]) == (True, True)


def test_a_hostile_name(configured, operation, lines):
    """A name with line breaks and half a letter stays within its line, and is cut."""
    configured("info")
    served = Attempt("a/b", "a", "openai", "b", "first", outcome="ok")
    end(operation, told(call=Route('x"}\n{"level":"error"}\udc80' + "y" * 500, [served])))
    (line,) = lines()
    assert line["level"] == "info"
    assert len(line["model"]) == 200


def test_odd_values(configured, operation, lines):
    """A cost that is no number and letters of every alphabet are logged too, in ASCII."""
    configured("info")
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": float("nan")}
    served = Attempt("a/b", "a", "openai", "b", "first", outcome="ok", usage=usage)
    end(operation, told(call=Route("r\u00e9sum\u00e9\u2028", [served])))
    end(operation, told())
    first, second = lines()
    assert (first["model"], second["model"]) == ("r\u00e9sum\u00e9\u2028", "smart")


@pytest.mark.parametrize(
    ("level", "statuses"),
    [("off", []), ("error", [502]), ("warning", [429, 502]), ("info", [200, 429, 502])],
)
def test_levels(configured, operation, lines, level, statuses):
    """`warning` logs the requests that failed, `error` those that the caller cannot mend, `off` none."""
    configured(level)
    for status in (200, 429, 502):
        end(operation, told(status))
    assert [line["status"] for line in lines()] == statuses


def test_probes_are_quiet(configured, operation, lines):
    """What balancers and Prometheus ask all day is logged where it fails, else at `debug` only."""
    for level in ("info", "debug"):
        configured(level)
        for status in (200, 503):
            end(operation, Told("req_1", "/health/ready", status=status, is_whole=True))
    assert [(line["level"], line["status"]) for line in lines()] == [
        ("error", 503),
        ("debug", 200),
        ("error", 503),
    ]


def test_an_exception(configured, lines):
    """Its text may quote a request, so a line has its class, and where in the code it was."""
    configured("info")
    try:
        int("the prompt was: my password is hunter2")
    except ValueError:
        logging.getLogger("genai_integrations.gateway").exception("a worker stumbled")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    for line, logger in zip(lines(), ("genai_integrations.gateway", "uvicorn.error"), strict=True):
        assert (line["logger"], line["error"]) == (logger, "ValueError")
        assert "test_an_exception" in line["at"][0]
        assert "hunter2" not in json.dumps(line)


def test_paths_are_not_logged(configured, lines):
    """uvicorn's own lines about requests would have the query, as the caller wrote it."""
    configured("debug")
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "1.2.3.4", "GET", "/?key=sk-1", "1.1", 200
    )
    assert lines() == []
