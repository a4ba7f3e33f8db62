"""What a user sees who got something wrong: one line, what is wrong, what to do next."""

from __future__ import annotations

import pytest

from genai_integrations import GenAIClient, errors

HELLO = [{"role": "user", "content": "Hello!"}]


def _error(kind, ask):
    with pytest.raises(kind) as caught:
        ask()
    text = str(caught.value)
    assert "\n" not in text
    assert "sk-" not in text
    return text


def _ask(model="gpt-4o", **options):
    return GenAIClient(**options).completion(model, HELLO)


def test_a_wrong_langfuse_secret(project):
    """Langfuse refuses the pair, so nothing is read."""
    text = _error(errors.CredentialError, lambda: _ask(secret_key="sk-lf-wrong"))

    assert "check LANGFUSE_SECRET_KEY" in text


def test_another_projects_connection(project):
    """A name that this project does not have is not found, though another project has it."""
    project.add_project("other")
    project.insert_connection(
        "secret_one", "openai", "sk-x", project_id="other", encryption_key="ab" * 32
    )

    text = _error(errors.ConnectionNotFoundError, lambda: _ask(llm_connection_names=["secret_one"]))

    assert "'secret_one'" in text


def test_an_unreachable_database(project, regions, monkeypatch):
    """The host is named, the password is not."""
    address = regions["seoul"].refused_url().removeprefix("http://")
    monkeypatch.setenv("LANGFUSE_DATABASE_URL", f"postgresql://reader:hunter2@{address}/langfuse")

    text = _error(errors.CredentialStoreError, _ask)

    assert "127.0.0.1" in text
    assert "hunter2" not in text
    assert "LANGFUSE_DATABASE_URL" in text


def test_a_bad_encryption_key(project, monkeypatch):
    """A key of the wrong form fails at construction."""
    monkeypatch.setenv("LANGFUSE_ENCRYPTION_KEY", "too-short")

    text = _error(errors.ConfigurationError, GenAIClient)

    assert "64 hex" in text
    assert "too-short" not in text


def test_a_wrong_encryption_key(project, monkeypatch):
    """A key of the right form that decrypts nothing names the row."""
    monkeypatch.setenv("LANGFUSE_ENCRYPTION_KEY", "ab" * 32)

    text = _error(errors.DecryptionError, lambda: _ask("seoul/gpt-4o"))

    assert "'seoul'" in text


def test_a_missing_variable(project, monkeypatch):
    """A database without an encryption key is half a set-up."""
    monkeypatch.delenv("LANGFUSE_ENCRYPTION_KEY")

    assert "LANGFUSE_ENCRYPTION_KEY is not" in _error(errors.ConfigurationError, GenAIClient)


def test_a_name_nobody_serves(client):
    """The nearest names are offered."""
    text = _error(errors.UnknownModelError, lambda: client.completion("gpt4o-mini", HELLO))

    assert "did you mean 'gpt-4o-mini'" in text


def test_an_unknown_router_argument():
    """The supported ones are listed, the nearest first."""
    text = _error(errors.ConfigurationError, lambda: GenAIClient(router_args={"num_retry": 3}))

    assert "did you mean 'num_retries'?" in text
    assert "cooldown_time" in text


def test_no_connection_at_all():
    """Without a database and without a provider's variable, both ways in are named."""
    text = _error(errors.GenAIError, _ask)

    assert "OPENAI_API_KEY" in text
    assert "LANGFUSE_DATABASE_URL" in text


def test_a_missing_prompt_and_a_missing_variable(client):
    """Both say which."""
    missing = _error(errors.PromptNotFoundError, lambda: client.get_prompt("nothing"))
    incomplete = _error(
        errors.PromptVariableError,
        lambda: client.get_prompt("variable_template", {"language": "Korean", "txt": "Hello!"}),
    )

    assert "'nothing'" in missing
    assert "given: 'txt' instead of 'text'" in incomplete


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ("Hello!", "must be a list"),
        ([], "must be a list"),
        ([{"content": "Hello!"}], "messages[0] must be a dict with a role"),
    ],
)
def test_messages_of_the_wrong_form(client, messages, words):
    """What a message looks like is shown."""
    assert words in _error(errors.ConfigurationError, lambda: client.completion("gpt-4o", messages))
