"""The Langfuse stand-in answers what a real Langfuse 4.16.0 answered."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from genai_integrations.testing.langfuse import LangfuseStandIn

_VOLATILE = {"id", "createdAt", "updatedAt", "lastUpdatedAt"}


def without_ids(value):
    """The value without ids and times, which differ from server to server."""
    if isinstance(value, dict):
        kept = {key: without_ids(item) for key, item in value.items() if key not in _VOLATILE}
        if "dependencies" in kept and isinstance(kept["dependencies"], dict):
            kept["dependencies"] = list(kept["dependencies"].values())
        return kept
    return [without_ids(item) for item in value] if isinstance(value, list) else value


class Api:
    """Plain calls of a stand-in's API with its key pair."""

    def __init__(self, server):
        self._server = server
        self._pool = urllib3.PoolManager(retries=False)
        pair = f"{server.public_key}:{server.secret_key}"
        self.auth = urllib3.make_headers(basic_auth=pair)

    def __call__(self, method, path, body=None, headers=None):
        reply = self._pool.request(
            method,
            f"{self._server.host}/api/public/{path}",
            json=body,
            headers=self.auth if headers is None else headers,
        )
        return reply.status, reply.json() if reply.data else None


@pytest.fixture
def api(langfuse):
    """Calls the test's own stand-in."""
    api = Api(langfuse)
    yield api
    api._pool.clear()


@pytest.fixture
def filled(api, golden_prompts):
    """The stand-in's API after the recorded prompts were created."""
    for prompt in golden_prompts["prompts"]:
        status, _ = api("POST", "v2/prompts", prompt["request"])
        assert status == prompt["create_status"]
    return api


def test_every_recorded_prompt_request_gets_the_recorded_reply(filled, golden_prompts):
    """Status and body equal the recording for each prompt, version and label, errors included."""
    for prompt in golden_prompts["prompts"]:
        name = quote(prompt["request"]["name"], safe="")
        for query, recorded in prompt["replies"].items():
            status, body = filled("GET", f"v2/prompts/{name}{query.removeprefix('GET ')}")

            assert status == recorded["status"]
            assert without_ids(body) == without_ids(recorded["body"])


def test_errors_and_lists_are_the_recorded_ones(filled, golden_prompts, langfuse):
    """A missing prompt, wrong or no credentials, contradictions, the list and the health page as recorded."""
    for labels in ([], [], ["staging"], ["production"]):
        filled("POST", "v2/prompts", {"name": "folder/chatty", "type": "chat", "prompt": [],
                                      "labels": labels})  # fmt: skip
    filled("POST", "v2/prompts", {"name": "zz", "prompt": ""})
    bad = urllib3.make_headers(basic_auth=f"{langfuse.public_key}:wrong")
    asked = {
        "missing": filled("GET", "v2/prompts/does_not_exist"),
        "bad secret": filled("GET", "v2/prompts/test_prompt", headers=bad),
        "no auth": filled("GET", "v2/prompts/test_prompt", headers={}),
        "version+label": filled("GET", "v2/prompts/test_prompt?version=1&label=production"),
        "list": filled("GET", "v2/prompts?limit=3"),
        "health": filled("GET", "health", headers={}),
    }

    assert asked.keys() == golden_prompts["errors"].keys()
    for name, recorded in golden_prompts["errors"].items():
        assert without_ids(list(asked[name])) == without_ids(recorded)


def test_llm_connections_are_shown_as_recorded(api, golden_connections):
    """Created connections and the list of them equal the recording, and hold no secret."""
    for row in golden_connections["connections"]:
        status, body = api("PUT", "llm-connections", row["request"])

        assert status == row["status"]
        assert without_ids(body) == without_ids(row["response"])
        assert not {"secretKey", "extraHeaders"} & set(body)

    status, body = api("GET", "llm-connections?limit=100")

    assert status == 200
    assert without_ids(body) == without_ids(golden_connections["GET /api/public/llm-connections"])


def test_connections_are_replaced_and_deleted(api):
    """A second PUT of a name answers 200 and keeps the id; a deleted connection is gone."""
    first = {"provider": "p", "adapter": "openai", "secretKey": "sk-1", "customModels": ["m"]}
    _, created = api("PUT", "llm-connections", first)
    status, replaced = api("PUT", "llm-connections", {**first, "customModels": []})

    assert status == 200
    assert replaced["id"] == created["id"]
    assert replaced["customModels"] == []

    api("PUT", "llm-connections", {**first, "provider": "q"})
    assert api("DELETE", f"llm-connections/{created['id']}")[0] == 200
    assert api("DELETE", f"llm-connections/{created['id']}")[0] == 404
    assert api("GET", "llm-connections")[1]["meta"]["totalItems"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"adapter": "unknown"},
        {"secretKey": ""},
        {"config": None},
        {"config": {"useResponsesApi": "yes"}},
        {"adapter": "azure", "config": {}},
        {"adapter": "bedrock"},
        {"adapter": "bedrock", "config": {"region": "us east"}},
        {"colour": "blue"},
    ],
)
def test_wrong_connections_are_refused(api, change):
    """What the real server refuses on registration is refused with 400."""
    status, body = api(
        "PUT", "llm-connections", {"provider": "p", "adapter": "openai", "secretKey": "s"} | change
    )

    assert status == 400
    assert set(body) == {"message", "error"}


def test_unknown_query_parameters_of_the_connection_list_are_refused(api):
    """The list of connections takes page and limit and nothing else."""
    assert api("GET", "llm-connections?secret=1")[0] == 400
    assert api("GET", "llm-connections?limit=101")[0] == 400


def test_the_project_is_the_recorded_one(api, golden_connections):
    """`GET /projects` shows the one project of the key pair."""
    assert api("GET", "projects") == (200, golden_connections["GET /api/public/projects"])


def test_labels_move_between_versions(api, langfuse):
    """A label is on one version at a time, and `latest` always on the newest."""
    langfuse.create_prompt("p", "one")
    assert langfuse.create_prompt("p", "two") == 2
    assert api("GET", "v2/prompts/p")[1]["version"] == 2

    langfuse.move_label("p", 1)

    assert api("GET", "v2/prompts/p")[1]["labels"] == ["production"]
    assert api("GET", "v2/prompts/p?version=2")[1]["labels"] == ["latest"]
    assert api("GET", "v2/prompts/p?version=0&label=latest")[1]["version"] == 2

    status, body = api("PATCH", "v2/prompts/p/versions/2", {"newLabels": ["staging", "production"]})

    assert status == 200
    assert body["labels"] == ["staging", "production", "latest"]
    assert api("GET", "v2/prompts/p?version=1")[1]["isActive"] is False
    assert api("PATCH", "v2/prompts/p/versions/2", {"newLabels": ["latest"]})[0] == 400
    assert api("PATCH", "v2/prompts/p/versions/2", {"labels": ["x"]})[0] == 400
    assert api("PATCH", "v2/prompts/p/versions/7", {"newLabels": ["x"]})[0] == 404


def test_an_undecoded_slash_is_another_address(api, langfuse):
    """A name with a folder is found as `%2F` only, as on the real server."""
    langfuse.create_prompt("folder/p", "text")

    assert api("GET", "v2/prompts/folder%2Fp")[0] == 200
    with pytest.raises(ValueError, match="Expecting value"):
        api("GET", "v2/prompts/folder/p")


def test_deleted_prompts_are_gone(api, langfuse):
    """Deleting one version moves `latest` back, deleting the name removes it."""
    langfuse.create_prompt("p", "one")
    langfuse.create_prompt("p", "two")

    assert api("DELETE", "v2/prompts/p?version=2") == (204, None)
    assert api("GET", "v2/prompts/p?label=latest")[1]["version"] == 1

    langfuse.delete_prompt("p")

    assert api("GET", "v2/prompts/p?version=1")[0] == 404
    assert api("DELETE", "v2/prompts/p")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "new", "prompt": ""},
        {"name": "a//b", "prompt": ""},
        {"name": "a|b", "prompt": ""},
        {"name": "p", "prompt": ["no"]},
        {"name": "p", "prompt": "", "type": "chat"},
        {"name": "p", "prompt": "", "labels": ["Upper"]},
        {"name": "p", "type": "chat", "prompt": [{"role": "user", "content": ["parts"]}]},
        {"name": "p", "type": "chat", "prompt": [{"type": "placeholder", "name": "1st"}]},
        {"name": "p", "type": "chat", "prompt": [{"role": "user"}]},
        {"name": "p", "type": "chat", "prompt": ["text"]},
        {"name": "p", "type": "chat", "prompt": [{"type": "placeholder", "name": "q"},
                                                 {"role": "user", "content": "{{q}}"}]},
        {"name": "p", "prompt": "@@@langfusePrompt:name=absent|label=production@@@"},
        ["no", "object"],
    ],
)  # fmt: skip
def test_wrong_prompts_are_refused(api, body):
    """What the real server refuses to store is refused with 400."""
    assert api("POST", "v2/prompts", body)[0] == 400


def test_a_prompt_keeps_its_type(api, langfuse):
    """A version of another type is refused."""
    langfuse.create_prompt("p", "text")

    status, body = api("POST", "v2/prompts", {"name": "p", "type": "chat", "prompt": []})

    assert status == 400
    assert body["error"] == "InvalidRequestError"


def test_included_prompts_are_put_in_and_conflicts_are_told(api, langfuse):
    """Prompts within prompts resolve to any depth up to five; an included prompt that is gone is a conflict."""
    langfuse.create_prompt("a", 'deep "quoted" {{x}}')
    langfuse.create_prompt("b", "[@@@langfusePrompt:name=a|version=1@@@]")
    langfuse.create_prompt(
        "c", [{"role": "user", "content": "<@@@langfusePrompt:name=b|label=production@@@>"}]
    )

    body = api("GET", "v2/prompts/c")[1]

    assert body["prompt"] == [{"role": "user", "content": '<[deep "quoted" {{x}}]>'}]
    assert [[entry["name"] for entry in found] for found in
            body["resolutionGraph"]["dependencies"].values()] == [["b"], ["a"]]  # fmt: skip
    raw = api("GET", "v2/prompts/c?resolve=false")[1]
    assert "@@@" in raw["prompt"][0]["content"]
    assert raw["resolutionGraph"] is None

    langfuse.delete_prompt("a")
    status, body = api("GET", "v2/prompts/c")

    assert status == 409
    assert body["error"] == "LangfuseConflictError"


def test_a_circle_of_prompts_is_refused(api, langfuse):
    """A prompt cannot include itself through another."""
    langfuse.create_prompt("a", "text")
    langfuse.create_prompt("b", "@@@langfusePrompt:name=a|label=production@@@")

    status, body = api(
        "POST", "v2/prompts",
        {"name": "a", "prompt": "@@@langfusePrompt:name=b|label=production@@@"},
    )  # fmt: skip

    assert status == 400
    assert "Circular" in body["message"]


def test_prompts_are_nested_five_deep_at_most_and_include_only_text(api, langfuse):
    """A sixth level, and a chat prompt within another, are refused when they are stored."""
    langfuse.create_prompt("p0", "text")
    for level in range(1, 5):
        tag = f"@@@langfusePrompt:name=p{level - 1}|version=1@@@"
        langfuse.create_prompt(f"p{level}", tag + tag)
    langfuse.create_prompt("chat", [])

    assert api("GET", "v2/prompts/p4")[1]["prompt"] == "text" * 16
    for name, words in (("p4", "nesting depth"), ("chat", "not a text prompt")):
        tag = f"@@@langfusePrompt:name={name}|label=production@@@"
        status, body = api("POST", "v2/prompts", {"name": "top", "prompt": tag})

        assert status == 400
        assert words in body["message"]


def test_the_list_filters(api, langfuse):
    """The list of prompts can be narrowed by name, label and tag."""
    langfuse.create_prompt("a", "x", tags=["t"])
    langfuse.create_prompt("b", "x", labels=["staging"])

    for query, names in {
        "name=a": ["a"],
        "label=staging": ["b"],
        "tag=t": ["a"],
        "page=2": [],
    }.items():
        assert [row["name"] for row in api("GET", f"v2/prompts?{query}")[1]["data"]] == names
    assert api("GET", "v2/prompts?page=x")[0] == 400


def test_the_secret_decides_and_the_public_key_alone_does_not_suffice(api, langfuse):
    """The real server looks the secret up and does not compare the public key; a bearer key gets 403."""
    secret_only = urllib3.make_headers(basic_auth=f"other:{langfuse.secret_key}")

    assert api("GET", "projects", headers=secret_only)[0] == 200
    assert (
        api("GET", "projects", headers={"authorization": f"Bearer {langfuse.public_key}"})[0] == 403
    )
    assert api("GET", "projects", headers={"authorization": "Basic !"})[0] == 401


def test_a_stand_in_that_is_down_answers_503(api, langfuse):
    """`down` takes the service away and brings it back."""
    langfuse.down = True
    assert api("GET", "projects")[0] == 503
    langfuse.down = False
    assert api("GET", "projects")[0] == 200


def test_a_hanging_stand_in_answers_nothing(langfuse):
    """`hanging` leaves requests without an answer until the client gives up."""
    langfuse.hanging = True
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.TimeoutError):
        pool.request("GET", f"{langfuse.host}/api/public/projects", timeout=0.05)

    assert langfuse.requests[0].disconnected.wait(10)


def test_scores_are_single_objects(api, langfuse):
    """Version 4.16.0 takes one score at a time; the array that newer SDKs send is refused."""
    score = {"name": "ok", "value": 1, "traceId": "t"}
    assert api("POST", "scores", score)[0] == 200
    assert api("POST", "scores", [score])[0] == 400
    assert langfuse.scores == [{**score, "id": "score-1"}]


def test_unknown_addresses_are_pages_that_do_not_exist(langfuse):
    """Outside the API, and for unknown parts of it, there is a web page with 404."""
    headers = Api(langfuse).auth
    with urllib3.PoolManager(retries=False) as pool:
        for path in (
            "/",
            "/api/public/v3/things",
            "/api/public/scores",
            "/api/public/llm-connections/x",
        ):
            reply = pool.request("GET", langfuse.host + path, headers=headers)

            assert reply.status == 404
            assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.usefixtures("tracing")
def test_the_real_sdk_gets_prompts_and_exports_traces(langfuse):
    """Langfuse's own client works against it: prompts, project, and spans with their attributes."""
    from langfuse import Langfuse
    from opentelemetry.sdk.trace import TracerProvider

    langfuse.create_prompt("folder/greeting", "Hello {{name}}!", config={"model": "gpt-4o"})
    client = Langfuse(
        public_key=langfuse.public_key,
        secret_key=langfuse.secret_key,
        host=langfuse.host,
        tracer_provider=TracerProvider(),
    )
    try:
        prompt = client.get_prompt("folder/greeting")
        with client.start_as_current_observation(
            name="answer", as_type="generation", model="gpt-4o", prompt=prompt
        ) as generation:
            generation.update(output="hi", usage_details={"input": 3})
        client.flush()

        assert prompt.compile(name="World") == "Hello World!"
        assert client.auth_check()
    finally:
        client.shutdown()

    (span,) = langfuse.spans
    assert span["name"] == "answer"
    assert span["parent_span_id"] is None
    assert span["attributes"]["langfuse.observation.prompt.name"] == "folder/greeting"
    assert span["attributes"]["langfuse.observation.prompt.version"] == 1
    assert span["end"] >= span["start"]


def test_spans_of_any_exporter_are_decoded(api, langfuse):
    """Lists, mappings, bytes and empty values of an OTLP export become plain values."""
    export = ExportTraceServiceRequest()
    span = export.resource_spans.add().scope_spans.add().spans.add(name="n", parent_span_id=b"\1")
    for key, value in {
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)])),
        "mapping": AnyValue(
            kvlist_value=KeyValueList(values=[KeyValue(key="a", value=AnyValue(bool_value=True))])
        ),
        "nothing": AnyValue(),
    }.items():
        span.attributes.add(key=key, value=value)
    span.events.add(name="e").attributes.add(key="x", value=AnyValue(double_value=0.5))
    with urllib3.PoolManager(retries=False) as pool:
        pool.request(
            "POST",
            f"{langfuse.host}/api/public/otel/v1/traces",
            body=export.SerializeToString(),
            headers=api.auth,
        )

    (seen,) = langfuse.spans
    assert seen["attributes"] == {"list": [1], "mapping": {"a": True}, "nothing": None}
    assert seen["events"] == [{"name": "e", "attributes": {"x": 0.5}}]
    assert seen["parent_span_id"] == "01"


def test_a_broken_trace_export_is_refused(api, langfuse):
    """Bytes that are no export get 400 and leave no span."""
    assert api("POST", "otel/v1/traces", "no protobuf")[0] == 400
    assert langfuse.spans == []


def test_it_says_where_it_is():
    """Its repr shows its address and not its key."""
    server = LangfuseStandIn()
    assert repr(server) == "LangfuseStandIn(not started)"
    with server:
        assert repr(server) == f"LangfuseStandIn({server.host})"
