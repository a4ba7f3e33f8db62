"""How clients are found, copied and sent about."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading

import pytest

from genai_integrations import GenAIClient, client, default_client, use_client
from genai_integrations.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_default(monkeypatch):
    """Each test starts in a process that has made no default client."""
    monkeypatch.setattr(client, "_default", [])


@pytest.fixture
def make():
    def make(public_key, host="http://127.0.0.1:9"):
        return GenAIClient(public_key, "sk-lf-canary", host, connections=[])

    return make


def test_the_default_client_is_made_once(monkeypatch):
    """However many threads ask for it first."""
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-env")
    barrier = threading.Barrier(50, timeout=20)
    found = []

    def find():
        barrier.wait()
        found.append(default_client())

    threads = [threading.Thread(target=find) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 50
    assert len(set(map(id, found))) == 1
    assert found[0].public_key == "pk-env"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_makes_the_client_that_its_parent_was_making(monkeypatch):
    """The thread that was making it is not there, and nobody waits for it."""
    begun, may_go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def make():
        if os.getpid() == parent:
            begun.set()
            assert may_go_on.wait(20)
        return "the parent's" if os.getpid() == parent else "the child's"

    monkeypatch.setattr(client, "GenAIClient", make)
    thread = threading.Thread(target=default_client)
    thread.start()
    assert begun.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if default_client() == "the child's" else 1)
    _, status = os.waitpid(child, 0)
    may_go_on.set()
    thread.join()

    assert os.waitstatus_to_exitcode(status) == 0
    assert default_client() == "the parent's"


def test_use_client_is_for_its_block(make):
    """Blocks nest, and an error in one does not keep its client."""
    one, two = make("pk-one"), make("pk-two")
    with use_client(one) as given:
        assert given is default_client() is one
        with pytest.raises(ZeroDivisionError), use_client(two):  # noqa: PT012  the block is the point
            assert default_client() is two
            _ = 1 / 0
        assert default_client() is one
    assert default_client() not in (one, two)


def test_use_client_is_for_its_task(make):
    """Two tasks of one loop each keep their own, and a thread that is given the context has it."""

    async def within(mine, barrier):
        with use_client(mine):
            await barrier.wait()
            in_thread = await asyncio.to_thread(default_client)
            return default_client() is mine and in_thread is mine

    async def run():
        barrier = asyncio.Barrier(2)
        return await asyncio.gather(
            *(within(made, barrier) for made in (make("pk-one"), make("pk-two")))
        )

    assert asyncio.run(run()) == [True, True]


def test_use_client_is_for_its_thread(make):
    """A new thread starts without it, one that copies the context has it."""
    one = make("pk-one")
    with use_client(one):
        found = []
        context = contextvars.copy_context()
        for work in (default_client, lambda: context.run(default_client)):
            thread = threading.Thread(target=lambda work=work: found.append(work()))
            thread.start()
            thread.join()

    assert found[0] is not one
    assert found[1] is one


def test_copies_are_the_client_itself(make):
    """Also of a client without Langfuse, of which there may be several."""
    for one in (make("pk-one"), GenAIClient(connections=[])):
        GenAIClient(connections=[])  # another one, made later
        assert copy.deepcopy(one) is one
        assert copy.deepcopy({"client": [one]})["client"][0] is one
        assert copy.copy(one) is one


def test_a_pickle_finds_its_client(make):
    """By public key and host, so two tenants do not mix."""
    one, two = make("pk-one"), make("pk-two")
    other_host = make("pk-one", "http://127.0.0.1:8")

    for each in (one, two, other_host):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(each, protocol)) is each


def test_a_pickle_of_a_client_without_langfuse_finds_that_client():
    """Two clients with connections of their own are two tenants as well."""
    one, two = GenAIClient(connections=[]), GenAIClient(connections=[])

    assert pickle.loads(pickle.dumps(one)) is one
    assert pickle.loads(pickle.dumps(two)) is two


def test_a_pickle_refuses_another_tenants_client(make, monkeypatch):
    """When its own client is gone, nobody else's takes its place."""
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-env")
    pickled = pickle.dumps(make("pk-gone"))

    with pytest.raises(ConfigurationError, match="pk-gone"):
        pickle.loads(pickled)


def test_the_default_client_is_the_default_one_everywhere():
    """Also without a key pair: a pickle of it finds the default client of the process that it comes to."""
    pickled = pickle.dumps(default_client())
    client._default.clear()

    assert pickle.loads(pickled) is default_client()


@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_a_client_without_langfuse_in_another_process(start):
    """There is nothing to find it by, and the environment's client, of whoever that is, does not take its place."""
    one = GenAIClient(connections=[])
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context(start)
    ) as pool:
        found = pool.submit(unpickled, pickle.dumps(one)).result(60)

    assert found == (
        "ConfigurationError: this object belongs to a client without a Langfuse key pair, of another process, and "
        "cannot find it here: make the client in this process, give it a key pair, or leave it out for the default "
        "client"
    )


def unpickled(data):
    try:
        return repr(pickle.loads(data))
    except ConfigurationError as error:
        return f"ConfigurationError: {error}"


PROCESS = """
import pickle, sys
from genai_integrations import GenAIClient, GenAIError
try:
    found = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(found.public_key, found.host)
except GenAIError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("public_key", "words"),
    [("pk-env", "pk-env http://127.0.0.1:9"), ("pk-one", "ConfigurationError this object belongs")],
)
def test_a_pickle_in_another_process(public_key, words, make):
    """There the environment's client is found, if it is the same tenant's; the pickle has no secret."""
    pickled = pickle.dumps(make(public_key))

    assert b"canary" not in pickled
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROCESS, pickled.hex()],
        env={"LANGFUSE_PUBLIC_KEY": "pk-env", "LANGFUSE_HOST": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(words)
