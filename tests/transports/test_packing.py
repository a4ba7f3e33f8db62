"""Packed bodies: unpacked piece by piece, in any cut, and never more than is sane."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.errors import InvalidReplyError
from genai_integrations.transports.http.packing import unpacking

MEGABYTE = 1 << 20


def unpacked(packing, pieces):
    """All that comes of packed pieces."""
    whole = b""
    for piece in pieces:
        packing.feed(piece)
        while found := packing.piece():
            assert len(found) <= 65536
            whole += found
    packing.check_end()
    return whole


@given(body=st.binary(max_size=3000), cut=st.integers(1, 50), members=st.integers(1, 3))
def test_any_cut_of_any_members_unpacks(body, cut, members):
    """Servers send several members, one after the other, and proxies cut where they like."""
    packed = gzip.compress(body, mtime=0) * members
    pieces = [packed[at : at + cut] for at in range(0, len(packed), cut)]

    assert unpacked(unpacking({"content-encoding": "gzip"}), pieces) == body * members


@pytest.mark.parametrize("size", [65535, 65536, 65537, 3 * 65536])
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_pieces_that_are_just_full(size, pack):
    """What waits inside when all packed bytes are fed is not forgotten."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert unpacked(unpacking({"content-encoding": "deflate"}), [pack(body)]) == body


def test_a_bomb_is_not_unpacked():
    """A hundred megabytes of one letter in a hundred kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b"A" * MEGABYTE) for _ in range(100)) + packer.flush()
    packing = unpacking({"content-encoding": "gzip"})
    packing.feed(packed)
    pieces = iter(packing.piece, b"")

    with pytest.raises(InvalidReplyError, match="more than 200 times"):
        sum(map(len, pieces))
    assert packing.given < 25 * MEGABYTE


@pytest.mark.parametrize("body", [b"x", b"\x1f\x8b\x08nothing of the kind"])
def test_what_is_packed_in_name_only(body):
    """It is told, and not with what it says."""
    with pytest.raises(InvalidReplyError):
        unpacked(unpacking({"content-encoding": "gzip"}), [body])


def test_one_that_is_cut_short():
    """Half of a member is no answer."""
    packing = unpacking({"content-encoding": "gzip"})

    with pytest.raises(InvalidReplyError, match="cut short"):
        unpacked(packing, [gzip.compress(b"hello " * 50)[:-9]])


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_what_is_not_packed(encoding):
    """Some servers say so."""
    assert unpacking({"content-encoding": encoding}) is None


def test_an_encoding_that_nobody_asked_for():
    """It is named when there are bytes of it, and not before."""
    packing = unpacking({"content-encoding": "br"})
    assert unpacked(packing, []) == b""

    with pytest.raises(InvalidReplyError, match="encoded as 'br'"):
        unpacked(packing, [b"hello"])
