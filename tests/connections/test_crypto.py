"""Langfuse's encryption."""

from __future__ import annotations

import pytest

from genai_integrations.connections.langfuse.crypto import check_keys, decrypt
from genai_integrations.errors import ConfigurationError, DecryptionError
from genai_integrations.testing.postgres.database import encrypt

KEY = "5" * 64
OTHER_KEY = "a" * 64
WHERE = "secret_key of connection 'seoul'"


def test_every_vector_of_langfuse_decrypts(crypto_vectors):
    """Whatever Langfuse's own code encrypted comes back unchanged, Unicode and upper-case keys included."""
    vectors = crypto_vectors["vectors"] + crypto_vectors["additional_vectors"]

    assert len(vectors) == 6
    for vector in vectors:
        assert decrypt(vector["ciphertext"], [vector["key"]], where=WHERE) == vector["plaintext"]


def test_every_recorded_row_decrypts(golden_connections):
    """The rows of a real server give the secrets that its API was sent."""
    sent = {
        item["request"]["provider"]: item["request"] for item in golden_connections["connections"]
    }
    rows = golden_connections["llm_api_keys"]

    assert len(rows) == 15
    for row in rows:
        text = decrypt(row["secret_key"], [golden_connections["ENCRYPTION_KEY"]], where=WHERE)
        assert text == sent[row["provider"]]["secretKey"]


def test_damaged_texts_name_their_row(crypto_vectors):
    """A text that must not decrypt raises an error that says where it is stored, and says which kind of fault it is."""
    for vector in crypto_vectors["negative_vectors"]:
        with pytest.raises(DecryptionError) as caught:
            decrypt(vector["ciphertext"], [vector["key"]], where=WHERE)

        message = str(caught.value)
        is_format = vector["expect"].startswith("format error")
        assert message.startswith(WHERE)
        assert ("not in Langfuse's encryption format" in message) == is_format
        assert ("wrong encryption key or a damaged row" in message) != is_format
        assert vector["ciphertext"].split(":")[0] not in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk-plain",
        "a:b:c",
        f"{'0' * 24}:00:{'0' * 8}",
        f"{'0' * 24}:000:{'0' * 32}",
        f"{'0' * 22}:00:{'0' * 32}",
        f"{'0' * 24}:00:{'0' * 32}:00",
        f"{'0' * 24}: 00 :{'0' * 32}",
        f"{chr(0xFF10) * 24}:00:{'0' * 32}",
    ],
)
def test_other_texts_are_not_taken_for_ciphertext(text):
    """Shortened tags, odd lengths, extra parts, spaces and digits of other scripts are no ciphertext."""
    with pytest.raises(DecryptionError, match="format"):
        decrypt(text, [KEY], where=WHERE)


def test_rows_of_before_a_rotation_decrypt():
    """With several keys, each is tried."""
    old = encrypt("old", OTHER_KEY)
    new = encrypt("새 열쇠", KEY)

    assert decrypt(old, [KEY, OTHER_KEY], where=WHERE) == "old"
    assert decrypt(new, [KEY, OTHER_KEY], where=WHERE) == "새 열쇠"


def test_a_text_that_is_no_text_is_damaged():
    """Bytes that are not UTF-8 are reported like any other damage."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = AESGCM(bytes.fromhex(KEY)).encrypt(b"\0" * 12, b"\xff\xfe", None)
    stored = f"{'0' * 24}:{sealed[:-16].hex()}:{sealed[-16:].hex()}"

    with pytest.raises(DecryptionError, match="damaged row"):
        decrypt(stored, [KEY], where=WHERE)


@pytest.mark.parametrize("bad", ["short", "g" * 64, "5" * 63, "5" * 65, f"{'5' * 63}\n"])
def test_a_key_that_is_no_key_is_refused_by_its_position(bad):
    """The error says which key it is and how keys are made, and does not show it."""
    with pytest.raises(ConfigurationError, match=r"key 2 of 2 .*openssl rand -hex 32") as caught:
        check_keys([KEY, bad])

    assert bad not in str(caught.value)


def test_no_key_is_refused():
    """An empty list of keys cannot decrypt anything."""
    with pytest.raises(ConfigurationError, match="LANGFUSE_ENCRYPTION_KEY is empty"):
        check_keys([])


def test_the_placeholder_key_warns():
    """The key that docker-compose.yml comes with is usable, but warned of."""
    with pytest.warns(UserWarning, match="64 zeros"):
        check_keys(["0" * 64])


def test_upper_case_keys_are_keys():
    """Hex is hex in either case."""
    check_keys(["ABCDEF0123456789" * 4])
