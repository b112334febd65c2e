from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.errors import DeviceRefused
from lucid2mqtt.lucid.frames import (
    MAX_REPLY,
    MAX_REQUEST,
    Opcode,
    Reply,
    Request,
    Status,
    calibrate_io,
    decode_mask,
    encode_mask,
    get_id,
    get_io,
    get_io_group,
    get_parameter,
    reset_parameter,
    set_io,
    set_io_group,
    set_parameter,
    status_text,
)
from lucid2mqtt.lucid.values import ValueType, width

CHANNELS = st.frozensets(st.integers(0, 20))


@pytest.mark.parametrize(
    ("channels", "mask"),
    [
        (range(7), "7f"),
        (range(8), "ff01"),
        ([7], "8001"),
        ([0, 1, 7], "8301"),
        (range(14), "ff7f"),
        ([14, 0], "818001"),
        ([15], "808002"),
        (range(16), "ffff03"),
        ([], "00"),
    ],
)
def test_a_mask_has_the_bytes_the_vendor_sends(channels: list[int], mask: str) -> None:
    assert encode_mask(channels).hex() == mask
    assert decode_mask(bytes.fromhex(mask)) == tuple(sorted(channels))


@given(CHANNELS)
def test_a_mask_selects_what_it_was_made_of(channels: frozenset[int]) -> None:
    mask = encode_mask(channels)
    assert set(decode_mask(mask)) == channels
    assert len(mask) == 1 + max(channels, default=0) // 7


@pytest.mark.parametrize("channel", [-1, 21, 255])
def test_a_mask_refuses_channels_it_cannot_carry(channel: int) -> None:
    with pytest.raises(ValueError, match=f"channel {channel} "):
        encode_mask([0, channel])


@pytest.mark.parametrize("channel", [-1, 256])
def test_a_single_request_refuses_channels_it_cannot_carry(channel: int) -> None:
    with pytest.raises(ValueError, match=f"channel {channel} "):
        get_io(channel, ValueType.DI1)


def test_group_values_are_packed_ascending_whatever_their_order() -> None:
    raws = {3: b"\x00", 0: b"\x01", 1: b"\x01"}
    assert set_io_group(raws, ValueType.DI1).encode().hex() == "420b0003010100"


@pytest.mark.parametrize(
    ("opcode", "selector"),
    [
        (Opcode.GET_IO, ""),
        (Opcode.GET_IO, "0001"),
        (Opcode.GET_IO_GROUP, ""),
        (Opcode.GET_IO_GROUP, "80"),
        (Opcode.GET_IO_GROUP, "0101"),
        (Opcode.GET_IO_GROUP, "8080"),
        (Opcode.GET_IO_GROUP, "80808001"),
        (0x01, "0000"),
    ],
)
def test_a_selector_that_would_shift_the_header_is_refused(opcode: int, selector: str) -> None:
    with pytest.raises(ValueError, match="cannot select channels"):
        Request(opcode, bytes.fromhex(selector), 0)


def test_more_than_255_data_bytes_do_not_fit() -> None:
    assert len(Request(0x01, b"\x00", 0, bytes(255)).encode()) == 259
    with pytest.raises(ValueError, match="range"):
        Request(0x01, b"\x00", 0, bytes(256))


def test_the_longest_frames_have_the_published_limits() -> None:
    assert len(Request(Opcode.SET_IO_GROUP, b"\xff\xff\x7f", 0, bytes(255)).encode()) == MAX_REQUEST
    assert len(Reply(0, bytes(255)).encode()) == MAX_REPLY


@pytest.mark.parametrize(
    ("request_", "length"),
    [
        (get_io(0, ValueType.VOS4), 4),
        (get_io_group([0, 1, 7], ValueType.CNT2), 6),
        (get_io_group([], ValueType.CNT2), 0),
        (Request(Opcode.GET_IO, b"\x00", 0x7F), None),
        (Request(Opcode.GET_IO_GROUP, b"\x0f", 0x7F), None),
        (set_io(0, ValueType.DI1, b"\x01"), 0),
        (set_io_group({0: b"\x01"}, ValueType.DI1), 0),
        (calibrate_io(0), 0),
        (set_parameter(0, 0x1100, b"\x01"), 0),
        (reset_parameter(0, 0x1100), 0),
        (get_parameter(0, 0x1100), None),
        (get_id(), None),
        (Request(0x01), None),
    ],
    ids=str,
)
def test_the_length_of_the_reply_is_known_before_it_comes(request_: Request, length: int | None) -> None:
    assert request_.reply_length == length


@pytest.mark.parametrize(
    ("request_", "writes", "persists", "channels"),
    [
        (get_id(), False, False, ()),
        (get_io(3, ValueType.DI1), False, False, (3,)),
        (get_io_group([2, 9], ValueType.DI1), False, False, (2, 9)),
        (get_parameter(4, 0x1100), False, False, (4,)),
        (set_io(3, ValueType.DI1, b"\x01"), True, False, (3,)),
        (set_io_group({15: b"\x01"}, ValueType.DI1), True, False, (15,)),
        (set_parameter(1, 0x1100, b"\x01"), True, False, (1,)),
        (set_parameter(1, 0x1100, b"\x01", persistent=True), True, True, (1,)),
        (reset_parameter(1, 0x1100), True, False, (1,)),
        (reset_parameter(1, 0x1100, persistent=True), True, True, (1,)),
        (calibrate_io(2, 0x10), True, False, (2,)),
        (calibrate_io(2, persistent=True), True, True, (2,)),
        (Request(0x99, b"\x05", 0x80), True, False, ()),
    ],
    ids=str,
)
def test_a_request_tells_what_it_touches(request_: Request, writes: bool, persists: bool, channels: tuple[int, ...]) -> None:
    assert (request_.is_write, request_.persistent, request_.channels) == (writes, persists, channels)


@given(CHANNELS, st.sampled_from(ValueType), st.integers(0, 255))
def test_a_group_write_has_one_value_per_selected_channel(channels: frozenset[int], value_type: ValueType, length: int) -> None:
    request = Request(Opcode.SET_IO_GROUP, encode_mask(channels), value_type, bytes(length))
    assert request.length_fits is (length == width(value_type) * len(channels))


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (Request(Opcode.SET_IO, b"\x00", ValueType.VOS4, bytes(2)), "SetIo cannot have LEN 2"),
        (Request(Opcode.SET_IO, b"\x00", 0x7F, bytes(5)), "SetIo cannot have LEN 5"),
        (Request(Opcode.SET_IO, b"\x00", 0x7F, bytes(3)), ""),
        (Request(Opcode.GET_IO, b"\x00", 0, bytes(1)), "GetIo cannot have LEN 1"),
        (Request(Opcode.GET_ID, b"\x00", 0, bytes(10)), "GetId cannot have LEN 10"),
        (Request(Opcode.GET_PARAM, b"\x00", 0, bytes(3)), "GetParam cannot have LEN 3"),
        (Request(Opcode.SET_PARAM, b"\x00", 0, bytes(2)), "SetParam cannot have LEN 2"),
        (Request(Opcode.SET_PARAM, b"\x00", 0, bytes(6)), ""),
        (Request(Opcode.SET_PARAM, b"\x00", 0, bytes(7)), "SetParam cannot have LEN 7"),
        (Request(Opcode.SET_PARAM, b"\x00", 1, bytes(2)), ""),
        (Request(Opcode.SET_PARAM, b"\x00", 1, bytes(3)), "SetParam cannot have LEN 3"),
        (Request(Opcode.CALIBRATE_IO, b"\x00", 0, bytes(1)), "CalibrateIo cannot have LEN 1"),
        (Request(Opcode.GET_IO_GROUP, b"\xff\xff\xff", 0), "GetIoGroup selects channels above 20"),
        (Request(0x41, b"\x54", 0x0D, bytes(10)), "0x41 is no command of a LucidControl module"),
    ],
    ids=lambda value: str(value) or "none",
)
def test_a_request_no_module_can_carry_out_says_why(frame: Request, fault: str) -> None:
    assert frame.fault == fault


@pytest.mark.parametrize("status", Status)
def test_every_published_status_has_its_own_sentence(status: Status) -> None:
    others = {status_text(other) for other in Status if other is not status}
    assert status_text(status) not in others
    assert status == 0 or f"0x{status:02X}" in status_text(status)


@given(st.integers(1, 255))
def test_any_other_status_is_a_refusal_with_a_sentence(status: int) -> None:
    with pytest.raises(DeviceRefused) as refusal:
        Reply(status, b"surplus").data_or_refusal(get_io(2, ValueType.VOS4))
    assert refusal.value.status == status
    assert str(refusal.value) == f"GetIo channel 2: {status_text(status)}"


def test_a_good_reply_gives_its_data() -> None:
    assert Reply(0, b"\x01").ok
    assert Reply(0, b"\x01").data_or_refusal(get_io(0, ValueType.DI1)) == b"\x01"
    assert not Reply(0xA0).ok


def test_requests_read_like_a_sentence_in_the_log() -> None:
    assert str(get_io_group([0, 7], ValueType.DI1)) == "GetIoGroup channels 0,7"
    assert str(set_io(4, ValueType.DI1, b"\x01")) == "SetIo channel 4"
    assert str(get_id()) == "GetId"
    assert str(Request(0x41)) == "command 0x41"
