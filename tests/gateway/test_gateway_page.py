"""The status page, its updates and `/metrics`: what they show, to whom, and that nothing in them is a caller's HTML."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections import Counter

import httpx
import pytest
from gateway_support import served

from genai_integrations.errors import CredentialStoreError
from genai_integrations.gateway import Caller, GatewayOptions, OpenKeys, Refused
from genai_integrations.gateway.page.views import _viewing
from genai_integrations.testing.faults import Fault

NO_LIMITS = httpx.Limits(max_connections=None)
TOKEN = "0123456789abcdef0123456789abcdef"
HELLO = [{"role": "user", "content": "my password is hunter2"}]


class TwoProjects:
    """Keys of two projects, and a narrow one of the first."""

    def __init__(self, one, other, names=("p-one", "p-other")):
        self._callers = {
            ("pk-1", "sk-1"): Caller(one, "pk-1", project=names[0]),
            ("pk-2", "sk-2"): Caller(other, "pk-2", project=names[1]),
            ("narrow", "sk-3"): Caller(one, "team-search", ("gpt-4o*",), "p-one", "team-search"),
        }

    async def admit(self, headers, address=""):
        value = headers.get("authorization", "").removeprefix("Basic ")
        name, _, secret = base64.b64decode(value).decode().partition(":")
        if (name, secret) not in self._callers:
            raise Refused(401, "invalid_api_key", "no such key")
        return self._callers[name, secret]

    async def is_ready(self):
        return True

    async def aclose(self): ...


@pytest.fixture
def other_client(backup):
    """The client of another project."""
    from genai_integrations import Connection, GenAIClient

    row = Connection.of("hidden", "openai", "sk-x", f"{backup.url}/v1", custom_models=["gpt-4o"])
    return GenAIClient(connections=[row])


@pytest.fixture
def tenants(client, other_client):
    """The address of a gateway with two projects and an operator."""
    keys = TwoProjects(client, other_client)
    with served(GatewayOptions(keys, drain_delay=0, operator_token=TOKEN)) as url:
        yield url


def ask(url, model="gpt-4o", auth=None, **more):
    body = {"model": model, "messages": HELLO, **more}
    return httpx.post(f"{url}/v1/chat/completions", json=body, auth=auth)


def figures(url, **more):
    """The samples of `/metrics` by name and labels."""
    reply = httpx.get(f"{url}/metrics", **more)
    assert reply.status_code == 200, reply.text
    rows = [line for line in reply.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in rows)}


def test_the_page(gateway):
    """It shows what was just asked: calls, the target with its health, the model; nothing of the prompt."""
    assert ask(gateway).status_code == 200
    reply = httpx.get(gateway)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    text = reply.text
    assert "<b>1</b><span>calls in the last hour</span>" in text
    assert "<td>seoul/gpt-4o</td>" in text
    assert "healthy" in text
    assert '<option value="usa/gpt-4o">' in text
    assert "hunter2" not in text


def test_nothing_comes_from_elsewhere(gateway):
    """The page's policy allows its own script and style by their hashes, its own gateway, and nothing else."""
    reply = httpx.get(gateway)
    policy = dict(row.split(" ", 1) for row in reply.headers["content-security-policy"].split("; "))
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert policy.pop(rule) == f"'sha256-{digest}'"
    assert policy == {
        "default-src": "'none'", "connect-src": "'self'", "img-src": "data:", "base-uri": "'none'",
        "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", reply.text)
    assert not re.search(r"<[^>]+ (style|on\w+)=", reply.text)
    wanted = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
    }
    assert {name: reply.headers[name] for name in wanted} == wanted
    assert "access-control-allow-origin" not in reply.headers


def test_a_failing_target(gateway, provider):
    """What failed, how often, and what is left alone until when; a call that another target answered did not fail."""
    provider.faults["*"] = Fault.status(503)
    assert ask(gateway).headers["x-genai-target"] == "usa/gpt-4o"
    text = httpx.get(gateway).text
    assert "ServerError\N{NO-BREAK SPACE}1" in text
    assert re.search(r"cooldown, [345] s left", text)
    assert "<b>100.0%</b><span>answered</span>" in text
    assert (
        figures(gateway)['genai_gateway_cooldown_ends_timestamp_seconds{target="seoul/gpt-4o"}']
        > 1e9
    )


def test_hostile_names(gateway, client):
    """A model's name that is HTML, a script's end or half a tag stays text."""
    for name in (
        "seoul/<script>alert(1)</script>",
        'seoul/"><img src=x onerror=alert(1)>',
        "seoul/</script>",
    ):
        assert ask(gateway, name).status_code == 200
    text = httpx.get(gateway).text
    assert len(re.findall("<script", text)) == 1
    assert "<img" not in text
    assert "seoul/&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("</script>") == 1


def test_updates(gateway):
    """The part that changes comes as events of one line of JSON each, which the page puts in its place."""
    ask(gateway)
    with httpx.stream("GET", f"{gateway}/status/events") as reply:
        assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = reply.iter_lines()
        assert next(lines) == "retry: 1000"
        data = next(line for line in lines if line.startswith("data: "))
    assert "seoul/gpt-4o" in json.loads(data.removeprefix("data: "))


def test_viewers_are_bounded(gateway, monkeypatch):
    """A worker keeps some pages up to date, and says so to the others; one that is closed makes room."""
    monkeypatch.setattr("genai_integrations.gateway.page.views.MOST_VIEWERS", 1)
    with httpx.stream("GET", f"{gateway}/status/events") as reply:
        lines = reply.iter_lines()
        next(lines)
        refused = httpx.get(f"{gateway}/status/events")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_viewers")


def test_one_project_leaves_places_to_the_others(tenants):
    """It has ten pages that are kept up to date; what one project, or all of them, look at keeps no operator out."""
    one, other, operator = ("pk-1", "sk-1"), ("pk-2", "sk-2"), ("operator", TOKEN)
    with contextlib.ExitStack() as pages, httpx.Client(base_url=tenants, limits=NO_LIMITS) as http:

        def status(auth):
            reply = pages.enter_context(http.stream("GET", "/status/events", auth=auth))
            return reply.status_code

        assert [status(one) for _ in range(11)] == [200] * 10 + [503]
        assert [status(auth) for auth in (other, operator)] == [200, 200]


@pytest.mark.parametrize(
    ("open_pages", "project", "is_let_in"),
    [
        ({f"p{n}": 10 for n in range(5)}, "p9", False),
        ({f"p{n}": 10 for n in range(5)}, None, True),
        ({None: 49}, None, True),
        ({None: 50}, None, False),
        ({None: 50}, "p9", True),
        ({"p9": 9}, "p9", True),
        ({"p9": 10}, "p9", False),
    ],
)
def test_whose_page_is_kept_up_to_date(open_pages, project, is_let_in):
    """Fifty of all projects, ten of one, and fifty of the operator; one that is closed leaves nothing behind."""
    viewers = Counter(open_pages)
    if is_let_in:
        with _viewing(viewers, project):
            assert viewers[project] == open_pages.get(project, 0) + 1
    else:
        with pytest.raises(Refused), _viewing(viewers, project):
            pass
    assert viewers == Counter(open_pages)
    assert set(viewers) == set(open_pages)


def test_a_browser_asks(tenants):
    """Without a key a browser is told to ask for a name and a password, and is told nothing else."""
    for path in ("/", "/status/events"):
        for auth in (None, ("pk-1", "sk-2"), ("operator", "sk-1"), ("pk-1", TOKEN)):
            reply = httpx.get(f"{tenants}{path}", auth=auth)
            assert reply.status_code == 401
            assert (
                reply.headers["www-authenticate"] == 'Basic realm="genai gateway", charset="UTF-8"'
            )
            assert "pk-1" not in reply.text


def test_each_project_sees_its_own(tenants):
    """Figures, targets, models and updates of one project show nothing of another, not even that it is there."""
    one, other = ("pk-1", "sk-1"), ("pk-2", "sk-2")
    assert ask(tenants, auth=one).status_code == 200
    for _ in range(2):
        assert ask(tenants, "hidden/gpt-4o", auth=other).status_code == 200
    with httpx.stream("GET", f"{tenants}/status/events", auth=one) as reply:
        update = next(line for line in reply.iter_lines() if line.startswith("data: "))
    for text in (httpx.get(tenants, auth=one).text, update):
        assert "seoul/gpt-4o" in text
        for secret in ("hidden", "p-other", "pk-2", "Workers", "Projects", "operator"):
            assert secret not in text
    theirs = httpx.get(tenants, auth=other).text
    assert "<b>2</b><span>calls in the last hour</span>" in theirs
    assert "seoul" not in theirs


def test_a_narrow_key_sees_nothing(tenants):
    """It may ask some models, and not look at what others of the project spend."""
    reply = httpx.get(tenants, auth=("narrow", "sk-3"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "project_key_needed")


def test_the_operator_sees_all(tenants):
    """All projects and workers, and no playground: the token is nobody's key."""
    ask(tenants, auth=("pk-1", "sk-1"))
    ask(tenants, auth=("pk-2", "sk-2"))
    text = httpx.get(tenants, auth=("operator", TOKEN)).text
    for shown in ("p-one", "p-other", "hidden/gpt-4o", "Workers of this gateway"):
        assert shown in text
    assert "Playground" not in text
    assert ask(tenants, auth=("operator", TOKEN)).status_code == 401


def test_metrics_are_the_operators(tenants):
    """`/metrics` takes the token as `Bearer` or as a password, and no key of a project."""
    for auth in (None, ("pk-1", "sk-1"), ("operator", "wrong"), ("someone", TOKEN)):
        reply = httpx.get(f"{tenants}/metrics", auth=auth)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "operator_only")
    ask(tenants, auth=("pk-1", "sk-1"))
    for more in ({"auth": ("operator", TOKEN)}, {"headers": {"authorization": f"bearer {TOKEN}"}}):
        found = figures(tenants, **more)
        assert (
            found['genai_gateway_upstream_attempts_total{outcome="ok",target="seoul/gpt-4o"}'] == 1
        )


def test_without_a_token_there_is_no_operator(client, other_client):
    """A gateway with keys shows `/metrics` to nobody then, from loopback neither: a proxy may stand there."""
    with served(GatewayOptions(TwoProjects(client, other_client), drain_delay=0)) as url:
        reply = httpx.get(f"{url}/metrics")
        assert reply.status_code == 403
        assert "GENAI_GATEWAY_OPERATOR_TOKEN" in reply.json()["error"]["message"]
        assert httpx.get(url, auth=("operator", "")).status_code == 401


def test_metrics(gateway, provider):
    """What was asked, by route and status; a path that is nobody's is not a label."""
    ask(gateway)
    httpx.get(f"{gateway}/models")
    httpx.get(f"{gateway}/sk-lf-my-key-by-mistake")
    provider.faults["*"] = Fault.status(400)
    ask(gateway)
    found = figures(gateway)
    assert not [name for name in found if "mistake" in name or "hunter2" in name]
    requests = {name: value for name, value in found.items() if "requests_total" in name}
    assert requests == {
        'genai_gateway_requests_total{route="/v1/chat/completions",status="200"}': 1,
        'genai_gateway_requests_total{route="/v1/chat/completions",status="400"}': 1,
        'genai_gateway_requests_total{route="/v1/models",status="200"}': 1,
        'genai_gateway_requests_total{route="none",status="404"}': 1,
    }
    assert found["genai_gateway_requests_in_flight"] == 1  # this one
    assert found["genai_gateway_streams_open"] == 0


def test_an_open_stream(gateway, provider):
    """It is counted while it is open, and a caller who leaves ends it."""
    provider.faults["*"] = Fault.stall(after=1)
    body = {"model": "seoul/gpt-4o", "messages": HELLO, "stream": True}
    with httpx.stream("POST", f"{gateway}/v1/chat/completions", json=body) as reply:
        pieces = reply.iter_bytes()
        next(pieces)
        assert figures(gateway)["genai_gateway_streams_open"] == 1


def test_names_that_cannot_be_read(gateway, client, monkeypatch):
    """While the connections cannot be read the figures are shown all the same."""

    def away():
        raise CredentialStoreError("the database is away")

    monkeypatch.setattr(client, "models", away)
    reply = httpx.get(gateway)
    assert reply.status_code == 200
    assert "0 listed" in reply.text


def test_this_machine_only(gateway):
    """A page whose name leads here cannot read the figures: the host that it asks for is its own."""
    for path in ("/", "/metrics", "/status/events"):
        reply = httpx.get(f"{gateway}{path}", headers={"host": "evil.example"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "not_loopback")


def test_a_program_of_its_own_keys(client):
    """The client is watched from its first request on, once, whoever makes the callers."""
    with served(GatewayOptions(OpenKeys(client), drain_delay=0)) as url:
        for _ in range(3):
            ask(url)
        assert "<b>3</b><span>calls in the last hour</span>" in httpx.get(url).text


def test_keys_without_projects(client, other_client):
    """Where a program's own keys know no projects, each caller sees its own calls, not those of all."""
    keys = TwoProjects(client, other_client, names=("", ""))
    with served(GatewayOptions(keys, drain_delay=0)) as url:
        ask(url, auth=("pk-1", "sk-1"))
        assert "seoul" in httpx.get(url, auth=("pk-1", "sk-1")).text
        theirs = httpx.get(url, auth=("pk-2", "sk-2")).text
    assert "<b>0</b><span>calls in the last hour</span>" in theirs
    assert "seoul" not in theirs
