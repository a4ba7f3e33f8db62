"""Several projects behind one gateway: each by its own key pair, and nothing of one for another."""

from __future__ import annotations

import asyncio
import json
import re
import time

import httpx
import pytest
from gateway_support import served
from tenants_fixtures import MARKS, project_in
from tenants_support import ENCRYPTION_KEY, Langfuses

from genai_integrations.connections.credentials import AwsDefault, open_credential
from genai_integrations.errors import ConfigurationError, CredentialError
from genai_integrations.gateway import GatewayOptions
from genai_integrations.gateway.app import ROWS
from genai_integrations.gateway.keys.opening import Clients, langfuse_keys
from genai_integrations.gateway.keys.owners import owner
from genai_integrations.gateway.keys.shown import Pair
from genai_integrations.gateway.tenants import Project
from genai_integrations.settings import read_gateway_settings
from genai_integrations.testing.faults import Fault

HELLO = [{"role": "user", "content": "hello"}]


class Http:
    """One client of HTTP for a module: each of its own would read the machine's certificates first."""

    client: httpx.Client

    def get(self, url, **options):
        return self.client.get(url, **options)

    def post(self, url, **options):
        return self.client.post(url, **options)


HTTP = Http()


@pytest.fixture(scope="module", autouse=True)
def http():
    """Made and closed as often as the tests of this module are begun."""
    with httpx.Client(verify=False, timeout=30) as HTTP.client:
        yield


@pytest.fixture(scope="module")
def whole_lab(postgres):
    """A Langfuse with three projects, in a real Postgres; made once."""
    database = postgres.copy()
    with Langfuses() as langfuses:
        projects = {name: project_in(langfuses, database, name) for name in MARKS}
        yield langfuses, database, projects
        for project in projects.values():
            project.provider.close()
    database.close()


@pytest.fixture
def lab(whole_lab, monkeypatch):
    """The same, with nothing of other tests in it, and the environment of a gateway."""
    langfuses, database, projects = whole_lab
    monkeypatch.setenv("LANGFUSE_HOST", langfuses.url)
    monkeypatch.setenv("LANGFUSE_DATABASE_URL", database.url)
    monkeypatch.setenv("LANGFUSE_ENCRYPTION_KEY", ENCRYPTION_KEY)
    for project in projects.values():
        project.provider.requests.clear()
        project.provider.faults.clear()
        project.langfuse.spans.clear()
        project.langfuse.down = False
    langfuses.requests.clear()
    return projects


@pytest.fixture
def serve(lab):
    """Serve the projects with a configuration; gives the address."""
    blocks = []

    def serve(config=None, keys=None):
        block = served(GatewayOptions(keys or langfuse_keys(config), drain_delay=0))
        blocks.append(block)
        return block.__enter__()

    yield serve
    for block in blocks:
        block.__exit__(None, None, None)


def _ask(url, key, path="/v1/chat/completions", headers=(), **body):
    body = {"model": "gpt-4o", **({} if "input" in body else {"messages": HELLO}), **body}
    shown = {"authorization": f"Bearer {key}", **dict(headers)}
    return HTTP.post(f"{url}{path}", json=body, headers=shown)


def test_each_project_has_its_own_models_keys_and_prompts(serve, lab):
    """The same names mean each project's own: its connection, with its key, at its server, and its prompt."""
    url = serve()

    for project in lab.values():
        answer = _ask(
            url,
            project.key,
            messages=[],
            langfuse_prompt={"name": "greeting", "variables": {"name": "you"}},
        ).json()
        listed = HTTP.get(f"{url}/v1/models", headers={"x-api-key": project.key}).json()

        said = answer["choices"][0]["message"]["content"]
        assert said == f"{project.mark}-server says: Greetings from {project.mark}, you"
        assert answer["genai"]["target"] == "seoul/gpt-4o"
        assert [row["id"] for row in listed["data"]] == [
            f"{project.mark}-own/{project.mark}-model",
            f"{project.mark}-own/text-embedding-3-small",
            "seoul/gpt-4o",
            "seoul/text-embedding-3-small",
        ]
        sent = {row.headers["authorization"] for row in project.provider.requests}
        assert sent == {f"Bearer sk-{project.mark}"}


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer any"},
        {"authorization": "Bearer pk-lf-amber:sk-lf-wrong"},
        {"authorization": "Bearer pk-lf-amber"},
        {"authorization": "Bearer sk-lf-amber-0123456789"},
        {"x-api-key": "pk-lf-amber:sk-lf-birc"},
        {"x-api-key": f"sk-gw-{'a' * 16}-{'B' * 43}"},
    ],
)
def test_without_a_good_key_nothing_is_served(serve, lab, shown):
    """401 in the API's own shape; nobody is asked, and nothing that was shown is repeated."""
    url = serve()
    for send in (
        lambda: HTTP.post(f"{url}/v1/chat/completions", json={}, headers=shown),
        lambda: HTTP.get(f"{url}/v1/models", headers=shown),
        lambda: HTTP.get(f"{url}/models/gpt-4o", headers=shown),
    ):
        answer = send()

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert "lf-wrong" not in answer.text
    assert not [row for project in lab.values() for row in project.provider.requests]


def test_an_address_that_guesses_has_to_wait(serve, lab):
    """After twenty wrong keys in a minute; those who are known go on from there."""
    keys = langfuse_keys()
    keys._pairs._guesses._clock = lambda: 1000.0
    url = serve(keys=keys)
    assert _ask(url, lab["a"].key).status_code == 200

    statuses = [_ask(url, f"pk-lf-amber:sk-lf-{n}").status_code for n in range(25)]
    waiting = _ask(url, "pk-lf-amber:sk-lf-25")

    assert statuses == [401] * 20 + [429] * 5
    assert waiting.headers["retry-after"] == "3"
    assert _ask(url, lab["a"].key).status_code == 200


# --- what one project may see of another


def _bodies(model, prompt):
    named = {"name": prompt, "variables": {"name": "x"}}
    return {
        "/chat/completions": {"model": model, "messages": HELLO, "langfuse_prompt": named},
        "/embeddings": {"model": model, "input": "hello"},
        "/responses": {"model": model, "input": "hello"},
        "/messages": {"model": model, "messages": HELLO, "max_tokens": 10},
        "/messages/count_tokens": {"model": model, "messages": HELLO},
    }


def _every_route(url, key, model, prompt, **more):
    """What every route that takes a key answers, by the route."""
    shown = {"x-api-key": key}
    found = {}
    for row in (row for row in ROWS if row.is_api):
        if row.path.endswith("*"):
            path = row.path.replace("*", model.replace("/", "%2F"))
            found[row.path] = HTTP.get(f"{url}/v1{path}", headers=shown)
        elif row.path == "/models":
            found[row.path] = HTTP.get(f"{url}/v1/models", headers=shown)
        elif row.method == "POST":
            body = {**_bodies(model, prompt)[row.path], **more}
            found[row.path] = HTTP.post(f"{url}/v1{row.path}", json=body, headers=shown)
    return found


def _told(answer):
    """All that a caller sees: the status, the headers, the body."""
    headers = {name: value for name, value in answer.headers.items() if name not in _CHANGING}
    # Which of its own names are near depends on the letters that are asked for.
    return (
        answer.status_code,
        headers,
        re.sub(r"; did you mean [^?]*\?| \d+ ms|req_\w+", "", answer.text),
    )


_CHANGING = ("x-request-id", "request-id", "date", "content-length")


_TRICKS = (
    ("{}-own/{}-model", "greeting"),
    ("{}-model", "greeting"),
    ("{}-own/gpt-4o", "greeting"),
    ("gpt-4o", "hidden-{}"),
)
"""A model and a prompt of another project, by its mark."""


@pytest.mark.parametrize("more", [{}, pytest.param({"stream": True}, marks=pytest.mark.slow)])
def test_names_of_other_projects_are_as_made_up_ones(serve, lab, more):
    """Three projects, every route: connections, models and prompts of another answer as names that nobody has."""
    url = serve()
    for project in lab.values():
        others = {row.mark for row in lab.values()} - {project.mark}
        for trick in _TRICKS:
            like = _every_route(url, project.key, *_named(trick, "zebra"), **more)
            for other in others:
                asked = _every_route(url, project.key, *_named(trick, other), **more)
                for path, answer in asked.items():
                    status, headers, text = _told(answer)
                    if answer.is_success and path != "/models":
                        # It names no prompt, and the model is everybody's.
                        assert other not in repr(_told(answer))
                        assert like[path].is_success
                    else:
                        assert (status, headers, text.replace(other, "zebra")) == _told(like[path])
        answered = _every_route(url, project.key, *_named(_TRICKS[0], "zebra"), **more)
        assert [path for path, row in answered.items() if row.is_success] == ["/models"]
    for project in lab.values():
        for row in project.provider.requests:
            assert row.headers["authorization"] == f"Bearer sk-{project.mark}"


def _named(trick, mark):
    return [name.replace("{}", mark) for name in trick]


def test_nothing_of_another_project_is_in_any_answer(serve, lab, tracing, tmp_path):
    """Good answers, errors of providers, streams, and what is recorded have the mark of one project only."""
    config = tmp_path / "genai.yaml"
    config.write_text("router_settings: {num_retries: 0, cooldown_time: 0}\n")
    url = serve(str(config))
    seen = {}
    for project in lab.values():
        texts = []
        for fault in (None, Fault.status(500), Fault.status(400), Fault.unauthorized()):
            project.provider.faults = {} if fault is None else {"*": fault}
            for more in ({}, {"stream": True}):
                told = _every_route(url, project.key, "gpt-4o", "greeting", **more)
                texts += [repr(_told(answer)) for answer in told.values()]
        seen[project.mark] = "".join(texts)
        project.provider.faults = {}

    for mark, text in seen.items():
        assert mark in text
        for other in set(MARKS.values()) - {mark}:
            assert other not in text
    # What is on its way is sent when the gateway ends, and here.
    from genai_integrations.tracing import generations

    for outbox in list(generations._exporter._outboxes.values()):
        outbox.flush()
    for project in lab.values():
        recorded = repr(project.langfuse.spans)
        assert project.mark in recorded
        assert not [
            other for other in MARKS.values() if other != project.mark and other in recorded
        ]


@pytest.mark.parametrize("kept", ["memory", "sqlite", "redis"])
def test_kept_answers_are_a_projects_own(serve, lab, tmp_path, redis_server, kept):
    """The same question of another project is asked anew, whatever keeps answers."""
    address = {"sqlite": f"sqlite:///{tmp_path}/answers.db", "redis": redis_server.url}
    config = tmp_path / "genai.yaml"
    config.write_text(f"cache: {address.get(kept, kept)}\n")
    url = serve(str(config))

    told = [_ask(url, project.key) for project in lab.values() for _ in range(2)]

    assert [answer.headers["x-genai-cache"] for answer in told] == ["MISS", "HIT"] * 3
    said = [answer.json()["choices"][0]["message"]["content"] for answer in told]
    assert said == [f"{mark}-server says: hello" for mark in MARKS.values() for _ in range(2)]


def test_limits_and_budgets_are_a_projects_own(serve, lab, tmp_path, redis_server):
    """One project's calls leave another's room, also where processes share it through Redis, and whatever public key is shown."""
    config = tmp_path / "genai.yaml"
    config.write_text(
        f"router_settings: {{redis_url: '{redis_server.url}'}}\nlimits: {{'*': {{rpm: 2}}}}\non_limit: fail\n"
    )
    url = serve(str(config))
    of_both = f"pk-lf-amber:{lab['b'].key.partition(':')[2]}"

    statuses = [_ask(url, of_both).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert [_ask(url, lab["b"].key).status_code for _ in range(2)] == [429, 429]
    assert [_ask(url, lab["a"].key).status_code for _ in range(3)] == [200, 200, 429]


def test_the_public_key_of_another_project_opens_nothing_of_it(serve, lab):
    """Langfuse compares secret keys only; who shows one is of its project, in whatever is served and told."""
    url = serve()
    key = f"pk-lf-amber:{lab['b'].key.partition(':')[2]}"

    told = "".join(
        repr(_told(answer)) for answer in _every_route(url, key, "gpt-4o", "greeting").values()
    )

    assert "birch" in told
    assert "amber" not in told
    assert not lab["a"].provider.requests


def test_calls_of_a_revoked_pair_end_and_others_go_on(lab, monkeypatch):
    """Within a minute; the project's other pair goes on with a client of its own."""
    keys = langfuse_keys()
    now = [1000.0]
    keys._pairs._clock = lambda: now[0]
    second = lab["a"].langfuse
    headers = {"authorization": f"Bearer {lab['a'].key}"}

    async def run():
        first = await keys.admit(headers)
        reply = await first.client.acompletion("gpt-4o", HELLO, stream=True)
        monkeypatch.setattr(second, "secret_key", "sk-lf-amber-2")
        now[0] += 61
        renewed = await keys.admit({"x-api-key": "pk-lf-amber-2:sk-lf-amber-2"})
        with pytest.raises(Exception, match="wrong, revoked or expired"):
            await keys.admit(headers)
        # Under way when its pair was revoked.
        chunks = [chunk async for chunk in reply]
        again = await keys.admit({"x-api-key": "pk-lf-amber-2:sk-lf-amber-2"})
        await keys.aclose()
        return first, renewed, again, chunks

    first, renewed, again, chunks = asyncio.run(run())

    assert chunks
    assert first.project == renewed.project == "project-amber"
    assert renewed.client is not first.client
    assert again.client is renewed.client
    assert "amber-2" not in renewed.name


@pytest.mark.parametrize(("allowed", "opened"), [(None, False), ("true", True)])
@pytest.mark.usefixtures("lab")
def test_a_project_is_not_the_gateways_machine(whole_lab, monkeypatch, allowed, opened):
    """A connection that stands for the machine's AWS credentials is the operator's: it has to be allowed."""
    if allowed:
        monkeypatch.setenv("GENAI_GATEWAY_MACHINE_CREDENTIALS", allowed)
    project = f"project-machine-{allowed}"
    whole_lab[1].insert_connection(
        "aws",
        "bedrock",
        "__BEDROCK_DEFAULT_CREDENTIALS__",
        encryption_key=ENCRYPTION_KEY,
        project_id=project,
        config={"region": "us-east-1"},
    )
    pair = Pair("pk-lf-machine", "sk-lf-machine")
    client = Clients(read_gateway_settings(), {}).make(Project(project, pair, b""))
    (connection,) = client.connections
    client.close()
    if opened:
        assert open_credential(connection) == AwsDefault()
    else:
        with pytest.raises(CredentialError, match="the gateway's machine"):
            open_credential(connection)


# --- narrower keys


@pytest.fixture
def owned(tmp_path, monkeypatch):
    """The narrow keys of a project, as its owner has them."""
    monkeypatch.setenv("GENAI_GATEWAY_KEYS", f"sqlite:///{tmp_path}/keys.db")

    def owned(project):
        public, _, secret = project.key.partition(":")
        with monkeypatch.context() as context:
            context.setenv("LANGFUSE_PUBLIC_KEY", public)
            context.setenv("LANGFUSE_SECRET_KEY", secret)
            return owner()

    return owned


@pytest.fixture
def create(owned):
    """Make narrow keys of a project; gives what its holder has."""

    def create(project, name="search", **terms):
        terms = {"models": None, "budget": None, "expires": None, **terms}
        return owned(project).create(name, created=time.time(), **terms)

    return create


def test_a_narrow_key_is_its_projects(create, serve, lab):
    """It has the project's models and prompts; those of others are made-up names for it."""
    key = create(lab["a"])
    url = serve()
    named = {"name": "hidden-amber", "variables": {"name": "you"}}

    answer = _ask(url, key, messages=[], langfuse_prompt=named)

    assert "The amber secret for you" in answer.text
    assert _ask(url, key, langfuse_prompt={**named, "name": "hidden-birch"}).status_code == 404
    assert _ask(url, key, model="birch-own/birch-model").status_code == 404


def test_a_narrow_keys_models_bind_listing_asking_and_fallbacks(create, serve, lab, tmp_path):
    """What it may not use is not listed, not served, and not fallen back to, whatever the body says."""
    key = create(lab["a"], models=["gpt-4o*"])
    config = tmp_path / "genai.yaml"
    config.write_text("router_settings: {fallbacks: [{gpt-4o: [amber-model]}], num_retries: 0}\n")
    url = serve(str(config))
    listed = HTTP.get(f"{url}/v1/models", headers={"x-api-key": key}).json()

    assert [row["id"] for row in listed["data"]] == ["seoul/gpt-4o"]
    assert _ask(url, key).json()["genai"]["target"] == "seoul/gpt-4o"
    for name in ("amber-model", "amber-own/amber-model", "text-embedding-3-small"):
        assert _ask(url, key, model=name).status_code == 404
    assert (
        _ask(
            url, key, "/v1/embeddings", input="x", model="seoul/text-embedding-3-small"
        ).status_code
        == 404
    )
    assert _ask(url, key, allowed_models=["*"]).status_code == 400
    lab["a"].provider.faults = {"gpt-4o": Fault.status(503)}
    assert _ask(url, key).status_code == 503
    assert _ask(url, key, extra_body={"allowed_models": None}).status_code == 400
    assert _ask(url, lab["a"].key).json()["genai"]["target"] == "amber-own/amber-model"


def test_a_narrow_keys_budget_is_its_own(create, serve, lab):
    """It ends that key's calls and nobody else's, and cannot be charged to another key."""
    poor = create(lab["a"], "poor", budget={"usd": 0.0002})
    rich = create(lab["a"], "rich", budget={"usd": 0.001})
    url = serve()
    others = {"metadata": {"key": "rich"}, "user": "key:rich:own"}
    statuses = [_ask(url, poor, max_tokens=10, **others).status_code for _ in range(12)]

    assert statuses[0] == 200
    assert statuses[-1] == 429
    refused = _ask(url, poor, max_tokens=10)
    assert refused.json()["error"]["code"] == "insufficient_quota"
    assert "'key:poor:own' of $0.0002 a month" in refused.json()["error"]["message"]
    assert _ask(url, rich, max_tokens=10).status_code == 200
    assert _ask(url, lab["a"].key, max_tokens=10).status_code == 200


@pytest.mark.parametrize("budget", [None, {"usd": 1.0}, {"usd": 1.0, "per": "day"}])
def test_a_new_key_of_the_same_name_brings_its_own_budget(create, owned, serve, lab, budget):
    """A worker that knew the one before follows it: to another budget, and to none."""
    first = create(lab["a"], "ci", budget={"usd": 0.0})
    url = serve()
    assert _ask(url, first, max_tokens=10).status_code == 429
    owned(lab["a"]).revoke("ci")
    second = create(lab["a"], "ci", budget=budget)

    assert _ask(url, second, max_tokens=10).status_code == 200


def test_a_keys_own_budget_widens_none_of_the_configuration(create, owned, serve, lab, tmp_path):
    """The operator's for that name holds beside it, also after the key was made anew."""
    config = tmp_path / "genai.yaml"
    config.write_text('budgets: {"key:ci": {usd: 0, per: month}}\n')
    url = serve(str(config))
    for budget in ({"usd": 100.0}, None):
        key = create(lab["a"], "ci", budget=budget)
        answer = _ask(url, key, max_tokens=10)
        assert (answer.status_code, "'key:ci' of $0" in answer.text) == (429, True)
        owned(lab["a"]).revoke("ci")
    assert _ask(url, lab["a"].key, max_tokens=10).status_code == 200


def test_a_narrow_key_ends(create, owned, lab, serve, monkeypatch):
    """When its time is over, when it is revoked, and when its project's pair is."""
    key = create(lab["a"], expires=time.time() + 3600)
    keys = langfuse_keys()
    wall = [time.time()]
    keys._tokens._wall = lambda: wall[0]
    headers = {"authorization": f"Bearer {key}"}

    async def status(advance=0.0):
        wall[0] += advance
        keys._pairs._known.clear()
        keys._tokens._known.clear()
        try:
            return (await keys.admit(headers)).name
        except Exception as error:  # noqa: BLE001  whatever it is, it is looked at
            return error.status

    async def run():
        found = [await status(), await status(3601)]
        wall[0] -= 3601
        with monkeypatch.context() as context:
            context.setattr(lab["a"].langfuse, "secret_key", "sk-lf-other")
            found.append(await status())
        keys._pairs._refused.clear()
        found.append(await status())
        owned(lab["a"]).revoke("search")
        found.append(await status())
        await keys.aclose()
        return found

    assert asyncio.run(run()) == ["project-amber/search", 401, 401, "project-amber/search", 401]


# --- connections that are not in Langfuse


def test_with_connections_of_its_own_a_gateway_serves_one_project(
    lab, provider, tmp_path, monkeypatch
):
    """Whoever has another project of the same Langfuse, which may be everybody, is refused: the keys are the operator's."""
    monkeypatch.delenv("LANGFUSE_DATABASE_URL")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    with pytest.raises(ConfigurationError, match="one project is served"):
        langfuse_keys()
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-birch")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-birch-0123456789")
    with served(GatewayOptions(langfuse_keys(), drain_delay=0)) as url:
        assert _ask(url, lab["b"].key).status_code == 200
        assert _ask(url, lab["a"].key).status_code == 401
        assert _ask(url, "pk-lf-birch:sk-lf-amber-0123456789-0123456789").status_code == 401


async def test_a_gateway_is_ready_when_keys_can_be_checked(lab, whole_lab):
    """Or when some are known; while Langfuse is away and nobody is, it is not."""
    keys, others = langfuse_keys(), langfuse_keys()
    assert await keys.is_ready()

    nobody = whole_lab[0]._nobody
    nobody.down = True
    try:
        assert not await others.is_ready()
        await others.admit({"x-api-key": lab["a"].key})
        assert await others.is_ready()
    finally:
        nobody.down = False
    for row in (keys, others):
        await row.aclose()


def test_a_thousand_projects_are_bounded_by_use(lab):
    """The client that was not used for longest is let go first; what it was asked goes on."""
    from genai_integrations.gateway.keys.shown import Pair
    from genai_integrations.gateway.tenants import Project, Tenants

    closed = []

    class Client:
        def __init__(self, name):
            self.name = name

        def close(self):
            closed.append(self.name)

    now = [0.0]
    tenants = Tenants(
        lambda project: Client(project.id), lambda _mark: True, most=3, idle=100, clock=lambda: now[0]
    )  # fmt: skip
    rows = [Project(f"p{n}", Pair("pk", "sk"), b"") for n in range(5)]
    for row in rows[:3]:
        tenants.client_of(row)
    tenants.client_of(rows[0])
    tenants.client_of(rows[3])

    assert closed == ["p1"]
    now[0] = 100.0
    tenants.client_of(rows[4])
    assert closed == ["p1", "p2", "p0", "p3"]
    assert len(tenants) == 1


def test_the_command_gives_out_lists_and_takes_back(lab, tmp_path, monkeypatch):
    """The key is printed once, to be piped; the list does not have it."""
    from typer.testing import CliRunner

    from genai_integrations.cli.gateway.keys import app

    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-amber")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-amber-0123456789")
    store = f"--store=sqlite:///{tmp_path}/keys.db"

    def run(*arguments):
        return CliRunner().invoke(app, [*arguments, store])

    made = run("create", "search", "--models=gpt-4o*,claude-*", "--budget=5/day", "--expires=30d")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    assert key.startswith("sk-gw-")
    (row,) = json.loads(run("list", "--json").stdout)
    assert row["models"] == ["gpt-4o*", "claude-*"]
    assert (row["name"], row["usd"], row["per"]) == ("search", 5.0, "day")
    assert key.rpartition("-")[2] not in run("list").output
    assert isinstance(run("create", "search").exception, ConfigurationError)
    assert isinstance(run("create", "b", "--budget=free").exception, ConfigurationError)
    assert isinstance(run("create", "b", "--expires=soon").exception, ConfigurationError)
    assert isinstance(run("revoke", "other").exception, ConfigurationError)
    assert run("revoke", "search").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []


# --- the status page


def test_the_page_of_each_project_is_its_own(create, serve, lab):
    """By its pair in a browser's way: its own mark only. A narrow key sees no figures; a wrong pair is asked again."""
    narrow = create(lab["a"])
    url = serve()
    pairs = {row.mark: tuple(row.key.split(":")) for row in lab.values()}
    for project in lab.values():
        assert _ask(url, project.key).status_code == 200
        assert _ask(url, project.key, model=f"{project.mark}-own/no-such-model").status_code == 200
    for mark, pair in pairs.items():
        page = httpx.get(url, auth=pair, timeout=30)
        assert page.status_code == 200
        assert f"<td>{mark}-own/no-such-model</td>" in page.text
        assert "<b>2</b><span>calls in the last hour</span>" in page.text
        assert not [other for other in set(MARKS.values()) - {mark} if other in page.text]
        assert pair[1] not in page.text
    assert httpx.get(url, auth=("team", narrow), timeout=30).status_code == 403
    crossed = (pairs["amber"][0], pairs["birch"][1])
    assert "amber" not in httpx.get(url, auth=crossed, timeout=30).text
    assert httpx.get(url, auth=(pairs["amber"][0], "sk-lf-wrong"), timeout=30).status_code == 401
    assert httpx.get(f"{url}/metrics", auth=pairs["amber"], timeout=30).status_code == 403
