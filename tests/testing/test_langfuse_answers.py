"""The Langfuse stand-in refuses and takes what a real Langfuse 4.16.0 refuses and takes."""

from __future__ import annotations

import json

import pytest
import urllib3


@pytest.fixture
def ask(langfuse):
    """Ask the test's own stand-in: the status, the type of the content, and the body's text."""
    with urllib3.PoolManager(retries=False) as pool:

        def ask(method, path, body=None, *, content=None, headers=None):
            pair = urllib3.make_headers(basic_auth=f"{langfuse.public_key}:{langfuse.secret_key}")
            reply = pool.request(
                method,
                f"{langfuse.host}/api/public/{path}",
                body=json.dumps(body).encode() if content is None else content,
                headers={
                    "content-type": "application/json",
                    **(pair if headers is None else headers),
                },
            )
            return reply.status, reply.headers["content-type"], reply.data.decode()

        yield ask


_TRACED = {"name": "n", "value": 1, "traceId": "t"}


@pytest.mark.parametrize(
    ("score", "status"),
    [
        (_TRACED, 200),
        ({"name": "n", "value": 1, "sessionId": "s"}, 200),
        ({"name": "n", "value": "good", "traceId": "t", "dataType": "CATEGORICAL"}, 200),
        ({"name": "n", "value": 1, "traceId": "t", "dataType": "BOOLEAN"}, 200),
        ({"name": "n", "value": 1}, 400),
        ({"value": 1, "traceId": "t"}, 400),
        ({**_TRACED, "name": ""}, 400),
        ({**_TRACED, "value": True}, 400),
        ({**_TRACED, "value": True, "dataType": "BOOLEAN"}, 400),
        ({**_TRACED, "value": 2, "dataType": "BOOLEAN"}, 400),
        ({**_TRACED, "value": "1", "dataType": "NUMERIC"}, 400),
        ({**_TRACED, "value": 1, "dataType": "CATEGORICAL"}, 400),
        ({**_TRACED, "value": 1, "dataType": "COLOUR"}, 400),
        ([_TRACED], 400),
    ],
)
def test_a_score_belongs_to_something_and_has_a_name_and_a_value(ask, langfuse, score, status):
    """Anything else is refused with 400, and not kept."""
    assert ask("POST", "scores", score)[0] == status
    kept = [{name: row[name] for name in row if name != "id"} for row in langfuse.scores]
    assert kept == ([score] if status == 200 else [])


def test_the_public_key_alone_may_send_scores_and_no_more(ask, langfuse):
    """So that a browser can send what a user thinks of an answer."""
    bearer = {"authorization": f"Bearer {langfuse.public_key}"}

    assert ask("POST", "scores", _TRACED, headers=bearer)[0] == 200
    assert ask("GET", "v3/scores", headers=bearer)[0] == 403


_AWS = '{"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "s"}'


@pytest.mark.parametrize(
    ("connection", "status"),
    [
        ({"adapter": "bedrock", "secretKey": _AWS}, 201),
        ({"adapter": "bedrock", "secretKey": '{"apiKey": "k"}'}, 201),
        ({"adapter": "bedrock", "secretKey": "__BEDROCK_DEFAULT_CREDENTIALS__"}, 201),
        ({"adapter": "bedrock", "secretKey": "no JSON"}, 400),
        ({"adapter": "bedrock", "secretKey": '{"apiKey": "k", "more": "x"}'}, 400),
        ({"adapter": "bedrock", "secretKey": '"text"'}, 400),
        ({"secretKey": "__BEDROCK_DEFAULT_CREDENTIALS__"}, 400),
        ({"secretKey": "__VERTEXAI_DEFAULT_CREDENTIALS__"}, 400),
        ({"baseURL": "https://api.example/v1"}, 201),
        ({"baseURL": "http://127.0.0.1:8000/v1"}, 201),
        ({"baseURL": None}, 201),
        ({"baseURL": "ftp://api.example/v1"}, 400),
        ({"baseURL": "https://user:word@api.example/v1"}, 400),
        ({"baseURL": "http://10.0.0.1/v1"}, 400),
        ({"baseURL": "http://169.254.169.254/v1"}, 400),
        ({"baseURL": "http://[fd00::1]/v1"}, 400),
        ({"baseURL": "no address"}, 400),
        ({"baseURL": 5}, 400),
    ],
)
def test_connections_that_cannot_be_right_are_refused(ask, connection, status):
    """Secrets of another adapter, and addresses that a server must not call."""
    config = {"config": {"region": "eu-west-1"}} if connection.get("adapter") == "bedrock" else {}
    whole = {"provider": "p", "adapter": "openai", "secretKey": "sk-1", **config, **connection}

    assert ask("PUT", "llm-connections", whole)[0] == status


def test_a_prompt_that_others_include_is_not_deleted(ask, langfuse):
    """Neither the version nor the label nor the name that is included; what nobody includes can go."""
    langfuse.create_prompt("a", "one")
    langfuse.create_prompt("a", "two", labels=["live"])
    langfuse.create_prompt("a", "three", labels=[])
    tags = ("version=1", "label=live")
    langfuse.create_prompt("b", " ".join(f"@@@langfusePrompt:name=a|{tag}@@@" for tag in tags))

    for query in ("", "?version=1", "?version=2", "?label=live"):
        status, _, body = ask("DELETE", f"v2/prompts/a{query}")
        assert (query, status) == (query, 400)
        assert "depending" in json.loads(body)["message"]
    assert ask("DELETE", "v2/prompts/a?version=3")[0] == 204
    assert ask("DELETE", "v2/prompts/b")[0] == 204
    assert ask("DELETE", "v2/prompts/a")[0] == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "v2/prompts/p/versions/zz", {"newLabels": ["x"]}, 500),
        ("GET", "v2/prompts/p?version=-1", None, 404),
        ("GET", "v2/prompts/p?label=", None, 404),
        ("PUT", "v2/prompts", {"name": "p", "prompt": "x"}, 405),
        ("PUT", "v2/prompts/p", {"prompt": "x"}, 405),
        ("POST", "v2/prompts", {"name": "a < b", "prompt": "x"}, 201),
        ("POST", "v2/prompts", {"name": "a <b>", "prompt": "x"}, 400),
    ],
)
def test_odd_requests_for_prompts(ask, langfuse, method, path, body, status):
    """The statuses that a real server gave."""
    langfuse.create_prompt("p", "text")

    assert ask(method, path, body)[0] == status


def test_an_empty_export_in_json_is_taken(ask, langfuse):
    """Not every exporter speaks protobuf; one without spans is as good as any."""
    assert ask("POST", "otel/v1/traces", {})[::2] == (200, "{}")
    assert ask("POST", "otel/v1/traces", {"resourceSpans": [{}]})[0] == 400
    assert langfuse.spans == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "v2/prompts"), ("PUT", "llm-connections"), ("POST", "scores")],
)
def test_broken_json_is_answered_in_plain_text(ask, method, path):
    """By the web framework, which knows nothing of Langfuse's errors."""
    assert ask(method, path, content=b"{broken") == (
        400,
        "text/plain; charset=utf-8",
        "Invalid JSON",
    )


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("GET projects", {"message"}),
        ("POST otel/v1/traces", {"message"}),
        ("GET v2/prompts", {"message", "error"}),
    ],
)
def test_refusals_of_a_key_have_the_shape_of_their_address(ask, langfuse, path, keys):
    """Projects and traces answer with a message alone, to a wrong key and to a public one."""
    method, path = path.split(" ")
    wrong = urllib3.make_headers(basic_auth="pk-lf-x:sk-lf-x")
    public = {"authorization": f"Bearer {langfuse.public_key}"}
    for headers, status in (({}, 401), (wrong, 401), (public, 403)):
        found, _, body = ask(method, path, {}, headers=headers)

        assert (found, set(json.loads(body))) == (status, keys)


def test_what_else_there_is_to_read(ask, langfuse):
    """Whether it is ready, which nobody needs a key for, the models, and what was sent."""
    assert ask("GET", "ready", headers={})[0] == 200
    ask("POST", "scores", _TRACED)

    (score,) = json.loads(ask("GET", "v3/scores")[2])["data"]
    assert (score["name"], score["value"], score["dataType"]) == ("n", 1, "NUMERIC")
    assert json.loads(ask("GET", "v2/observations")[2])["data"] == []
    models = {row["modelName"]: row for row in json.loads(ask("GET", "models")[2])["data"]}
    assert models["gpt-4o"]["prices"]["input"] == {"price": 2.5e-6}
