from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import GROUP_OPCODES, MAX_REPLY, MAX_REQUEST, Opcode, Reply, Request, encode_mask
from lucid2mqtt.lucid.readers import ReplyReader, RequestReader

BYTE = st.integers(0, 255)
DATA = st.binary(max_size=255)
SINGLE = st.builds(
    Request,
    BYTE.filter(lambda opcode: opcode not in GROUP_OPCODES),
    st.binary(min_size=1, max_size=1),
    BYTE,
    DATA,
)
GROUP = st.builds(Request, st.sampled_from(sorted(GROUP_OPCODES)), st.frozensets(st.integers(0, 20)).map(encode_mask), BYTE, DATA)
REQUESTS = st.lists(SINGLE | GROUP, max_size=5)
REPLIES = st.lists(st.builds(Reply, BYTE, DATA), max_size=5)


def cut(wire: bytes, data: st.DataObject) -> list[bytes]:
    """`wire` in chunks of any size, empty ones among them."""
    places = data.draw(st.lists(st.integers(0, len(wire)), max_size=12), label="cuts")
    return [wire[start:end] for start, end in pairwise([0, *sorted(places), len(wire)])]


def single_bytes(wire: bytes) -> list[bytes]:
    return [wire[place : place + 1] for place in range(len(wire))]


@given(REQUESTS, st.data())
def test_any_chunking_gives_the_same_requests(requests: list[Request], data: st.DataObject) -> None:
    wire = b"".join(request.encode() for request in requests)
    for chunks in ([wire], single_bytes(wire), cut(wire, data)):
        reader = RequestReader()
        assert [request for chunk in chunks for request in reader.feed(chunk)] == requests
        assert reader.pending == 0


@given(REPLIES, st.data())
def test_any_chunking_gives_the_same_replies(replies: list[Reply], data: st.DataObject) -> None:
    wire = b"".join(reply.encode() for reply in replies)
    for chunks in ([wire], single_bytes(wire), cut(wire, data)):
        reader = ReplyReader()
        assert [reply for chunk in chunks for reply in reader.feed(chunk)] == replies
        assert reader.pending == 0


def assert_nothing_is_lost(frames: Sequence[Request | Reply], held: bytes, wire: bytes) -> None:
    assert b"".join(frame.encode() for frame in frames) + held == wire


@given(st.lists(st.binary(max_size=600), max_size=8))
def test_garbage_requests_are_cut_without_losing_or_hoarding_a_byte(chunks: list[bytes]) -> None:
    reader = RequestReader()
    found: list[Request] = []
    for chunk in chunks:
        found += reader.feed(chunk)
        assert reader.pending < MAX_REQUEST
    assert all(isinstance(request.fault, str) and isinstance(request.channels, tuple) and str(request) for request in found)
    assert_nothing_is_lost(found, reader.clear(), b"".join(chunks))


@given(st.lists(st.binary(max_size=600), max_size=8))
def test_garbage_replies_are_cut_without_losing_or_hoarding_a_byte(chunks: list[bytes]) -> None:
    reader = ReplyReader()
    found: list[Reply] = []
    for chunk in chunks:
        found += reader.feed(chunk)
        assert reader.pending < MAX_REPLY
    assert_nothing_is_lost(found, reader.clear(), b"".join(chunks))


@pytest.mark.parametrize("byte", [0x00, 0x42, 0x48, 0x80, 0xFF])
def test_a_long_run_of_one_byte_neither_hangs_nor_grows(byte: int) -> None:
    requests, replies = RequestReader(), ReplyReader()
    for _ in range(200):
        requests.feed(bytes([byte]) * 997)
        replies.feed(bytes([byte]) * 997)
        assert requests.pending < MAX_REQUEST
        assert replies.pending < MAX_REPLY


def test_an_unknown_opcode_has_the_short_header() -> None:
    (request,) = RequestReader().feed(bytes.fromhex("01ff0002aabb"))
    assert request == Request(0x01, b"\xff", 0x00, b"\xaa\xbb")


def test_a_modem_probe_waits_for_its_ten_bytes() -> None:
    reader = RequestReader()
    assert reader.feed(b"AT\r\n") == []
    assert reader.pending == 4
    (request,) = reader.feed(bytes(10))
    assert request.fault


def test_a_mask_ends_after_three_bytes() -> None:
    (request,) = RequestReader().feed(bytes.fromhex("48ffffff0000"))
    assert request.selector == b"\xff\xff\xff"
    assert request.channels == tuple(range(21))
    assert request.fault


def test_bit_seven_of_a_single_channel_makes_no_mask() -> None:
    (request,) = RequestReader().feed(bytes.fromhex("46ff0000"))
    assert request.channels == (255,)


def test_a_cleared_reader_starts_at_a_frame_again() -> None:
    requests, replies = RequestReader(), ReplyReader()
    assert requests.feed(b"\x40\x00") == []
    assert requests.clear() == b"\x40\x00"
    assert requests.feed(bytes.fromhex("c0000000")) == [Request(Opcode.GET_ID)]
    assert replies.feed(b"\x00\x04\x01") == []
    assert replies.clear() == b"\x00\x04\x01"
    assert replies.feed(b"\x00\x00") == [Reply(0)]


def test_an_error_status_with_data_is_taken_whole() -> None:
    assert ReplyReader().feed(bytes.fromhex("b001aa" + "0000")) == [Reply(0xB0, b"\xaa"), Reply(0)]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_buffers_that_their_owner_reuses_are_copied(kind: type[bytearray | memoryview]) -> None:
    buffer = bytearray(bytes.fromhex("000401020304"))
    reader = ReplyReader()
    assert reader.feed(kind(buffer)[:3]) == []  # type: ignore[arg-type]
    buffer[2] = 0xEE
    assert reader.feed(bytes(buffer[3:])) == [Reply(0, b"\x01\x02\x03\x04")]
