"""Copies, pickles and dicts: none has a secret, each works."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
from llama_index.core.callbacks import CallbackManager

from genai_integrations.llama_index import GenAI, GenAIEmbedding
from genai_integrations.testing.provider import ScriptedProvider

SECRET = "sk-secret"


@pytest.fixture(params=[GenAI, GenAIEmbedding])
def component(request, client):
    """An LLM and an embedding with a few settings."""
    return request.param("gpt-4o", client=client, timeout=7, additional_kwargs={"user": "me"})


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        lambda row: row.with_(),
        lambda row: pickle.loads(pickle.dumps(row)),
    ],
    ids=["copy", "deepcopy", "with_", "pickle"],
)
def test_copies_keep_settings_and_client(component, again):
    """A copy is equal and asks the same client."""
    other = again(component)

    assert type(other) is type(component)
    assert other.to_dict() == component.to_dict()
    assert other.client is component.client


def test_a_deep_copy_shares_no_parameters(component):
    """What is changed in one is not changed in the other."""
    other = copy.deepcopy(component)
    other.additional_kwargs["user"] = "you"

    assert component.additional_kwargs == {"user": "me"}


def test_callbacks_stay_with_copies_and_not_with_pickles(component):
    """A handler with a lock spoils neither."""
    component.callback_manager = CallbackManager([])
    component.callback_manager.lock = pytest.importorskip("threading").Lock()

    assert copy.deepcopy(component).callback_manager is component.callback_manager
    assert pickle.loads(pickle.dumps(component)).callback_manager.handlers == []


def test_dicts_round_trip(component):
    """`from_dict` and `from_json` give it back; the caller's dict stays as it is."""
    data = component.to_dict()
    before = dict(data)
    other = type(component).from_dict(data, client=component.client)

    assert other.to_dict() == before == data
    assert type(component).from_json(component.to_json()).to_dict() == data


def test_no_secret_in_any_form(component):
    """Not in dicts, JSON, pickles, reprs or payloads."""
    component._client.connections  # noqa: B018  the key has been read
    for form in (
        repr(component),
        str(component.to_dict()),
        component.to_json(),
        pickle.dumps(component).decode("latin-1"),
        str(component.to_payload()),
        str(component.model_json_schema()),
    ):
        assert SECRET not in form


@pytest.mark.slow
def test_pickles_work_in_another_process(client):
    """There they find the client of the same tenant, here the default one."""
    made = [kind("gpt-4o", client=client, timeout=7) for kind in (GenAI, GenAIEmbedding)]
    code = (
        "import pickle, sys\n"
        "for row in pickle.loads(sys.stdin.buffer.read()):\n"
        "    print(type(row).__name__, row.timeout, row.client.public_key)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps([row.with_(client=None) for row in made]),
        capture_output=True,
        check=True,
        env={"OPENAI_API_KEY": "sk-other"},
    )

    assert done.stdout.decode().splitlines() == ["GenAI 7.0 None", "GenAIEmbedding 7.0 None"]


def test_a_structured_llm_and_its_copy_work(llm):
    """`as_structured_llm` holds the LLM, and is copied with it."""
    from pydantic import BaseModel

    class Answer(BaseModel):
        text: str

    structured = copy.deepcopy(llm.as_structured_llm(Answer))

    assert structured.complete("Hello!").raw == Answer(text="text")


def test_a_copy_can_have_another_client(component):
    """With `client=`, as in the constructor."""
    with ScriptedProvider() as other:
        from genai_integrations import Connection, GenAIClient

        client = GenAIClient(connections=[Connection.of("o", "openai", "sk-o", f"{other.url}/v1")])
        assert component.with_(client=client).client is client
