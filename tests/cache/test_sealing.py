"""What is sealed opens only for who sealed it, under its own key, and only while its time lasts."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from genai_integrations.cache.kept import Kept

KEY, OTHER = b"\x00" * 32, b"\x01" * 32
ENTRY = {"reply": {"choices": []}, "by": ["a/m", "a", "openai", "m"]}


def test_what_is_sealed_opens_again(sealing_of, wall):
    """With its age."""
    sealing = sealing_of()
    data = sealing.seal(KEY, ENTRY, None).data
    wall.now += 2.5

    assert sealing.open(KEY, data) == Kept(ENTRY, 2.5, False)
    assert b"openai" not in data


def hkdf(secret, info):
    """HKDF of RFC 5869 with SHA-256, without salt, for 64 bytes."""
    key = hmac.digest(b"\x00" * 32, secret, hashlib.sha256)
    first = hmac.digest(key, info + b"\x01", hashlib.sha256)
    return first + hmac.digest(key, first + info + b"\x02", hashlib.sha256)


def test_keys_are_those_of_the_standards(sealing_of):
    """HKDF-SHA-256 for the keys, HMAC-SHA-256 for questions, AES-256-GCM for answers, bound to version, tenant and key."""
    sealing = sealing_of("project-1", "a secret of sixteen")
    info = b"genai_integrations kept answers 1\x00project-1"
    hash_key, cipher_key = (hkdf(b"a secret of sixteen", info)[at : at + 32] for at in (0, 32))
    label = hmac.digest(hash_key, b"tenant", hashlib.sha256)[:16]

    assert sealing.key({"b": 1.0, "a": [True]}) == hmac.digest(
        hash_key, b'{"a":[true],"b":1}', hashlib.sha256
    )
    data = sealing.seal(KEY, ENTRY, 60).data
    assert data[:1] == b"\x01"
    assert sealing.label == label
    plain = AESGCM(cipher_key).decrypt(data[1:13], data[13:], b"\x01" + label + KEY)
    assert plain.startswith(
        b'{"at":1800000000.0,"fresh":1800000060.0,"until":1800000060.0,"entry":'
    )


@pytest.mark.parametrize("at", [0, 1, 13, -1])
def test_what_was_changed_does_not_open(at, sealing_of):
    """Its version, its nonce, its text, its tag."""
    sealing = sealing_of()
    data = bytearray(sealing.seal(KEY, ENTRY, None).data)
    data[at] ^= 1

    assert sealing.open(KEY, bytes(data)) is None


@pytest.mark.parametrize(
    "data", [None, b"", b"\x01", b"\x01" + bytes(12), b"\x01" + bytes(40), "text", 7]
)
def test_what_is_none_of_ours_does_not_open(data, sealing_of):
    """Whatever it is, and however short."""
    assert sealing_of().open(KEY, data) is None


def test_what_was_moved_or_is_anothers_does_not_open(sealing_of):
    """Another key, tenant or secret; and they have other keys for the same question."""
    mine = sealing_of()
    others = [sealing_of("project-2"), sealing_of(secret="another secret of some length")]
    data = mine.seal(KEY, ENTRY, None).data

    assert mine.open(OTHER, data) is None
    assert [row.open(KEY, data) for row in others] == [None, None]
    assert len({row.key({"a": 1}) for row in (mine, *others)}) == 3
    assert len({row.label for row in (mine, *others)}) == 3


def test_times_are_sealed_too(sealing_of, wall):
    """Fresh, then stale, then gone; up to a tenth earlier, by the key."""
    sealing = sealing_of(ttl=100, stale=50)
    late, early = (sealing.seal(key, ENTRY, None) for key in (KEY, b"\xff" * 32))
    assert (late.at, late.until, early.until) == (1_800_000_000, 1_800_000_150, 1_800_000_140)

    wall.now += 95
    assert not sealing.open(KEY, late.data).is_stale
    assert sealing.open(b"\xff" * 32, early.data).is_stale
    wall.now += 54
    assert sealing.open(KEY, late.data).is_stale
    wall.now += 1
    assert sealing.open(KEY, late.data) is None


def test_what_has_no_json_form_is_not_sealed(sealing_of):
    """Nor is that an error."""
    assert sealing_of().seal(KEY, {"reply": float("nan")}, None) is None


def test_a_tenant_may_be_known_late(sealing_of):
    """From then on its own keys are used."""
    names = ["", "project-1"]
    sealing = sealing_of()
    sealing._tenant = lambda: names[0]
    before = sealing.key({"a": 1})
    names.pop(0)

    assert sealing.key({"a": 1}) == sealing_of().key({"a": 1}) != before


def test_nothing_shows_the_secret(sealing_of):
    """Neither the sealing nor what it is made of."""
    sealing = sealing_of()
    sealing.key({})

    assert "a secret of sixteen" not in repr(vars(sealing))
