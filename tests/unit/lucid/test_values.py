from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.errors import GarbledReply
from lucid2mqtt.lucid.values import ValueType, decode, decode_group, encode, limits, unit, width

TYPES = st.sampled_from(ValueType)


@pytest.mark.parametrize(
    ("value_type", "wire", "value"),
    [
        (ValueType.DI1, "00", False),
        (ValueType.DI1, "01", True),
        (ValueType.CNT2, "ffff", 65535),
        (ValueType.ANU2, "e803", 1000),
        (ValueType.VOU2, "e803", 1.0),
        (ValueType.VOU4, "40420f00", 1.0),
        (ValueType.VOS2, "0080", -32.768),
        (ValueType.VOS4, "5ecc1a00", 1.756254),
        (ValueType.CUS4, "20bcbe00", 12.5),
        (ValueType.TMS2, "abff", -8.5),
        (ValueType.TMS4, "69080000", 21.53),
        (ValueType.RMU2, "1027", 1000.0),
    ],
)
def test_a_wire_number_has_its_scale_and_sign(value_type: ValueType, wire: str, value: float) -> None:
    decoded = decode(value_type, bytes.fromhex(wire))
    assert decoded == value
    assert type(decoded) is type(value)
    assert encode(value_type, value).hex() == wire


@pytest.mark.parametrize("value_type", [t for t in ValueType if width(t) == 2])
def test_every_two_byte_number_survives_decoding_and_encoding(value_type: ValueType) -> None:
    wire = b"".join(raw.to_bytes(2, "little") for raw in range(65536))
    assert b"".join(encode(value_type, value) for value in decode_group(value_type, wire)) == wire


@given(TYPES.filter(lambda t: width(t) == 4), st.binary(min_size=4, max_size=4))
def test_every_four_byte_number_survives_decoding_and_encoding(value_type: ValueType, wire: bytes) -> None:
    assert encode(value_type, decode(value_type, wire)) == wire


@given(TYPES, st.data())
def test_what_was_encoded_is_read_back(value_type: ValueType, data: st.DataObject) -> None:
    value = decode(value_type, data.draw(st.binary(min_size=width(value_type), max_size=width(value_type))))
    assert decode(value_type, encode(value_type, value)) == value


@pytest.mark.parametrize("byte", range(1, 256))
def test_any_non_zero_state_is_on(byte: int) -> None:
    assert decode(ValueType.DI1, bytes([byte])) is True


@given(st.sampled_from([ValueType.VOS2, ValueType.VOS4, ValueType.CUS4, ValueType.TMS2, ValueType.TMS4, ValueType.RMU2]), st.data())
def test_a_value_is_rounded_to_the_nearest_step(value_type: ValueType, data: st.DataObject) -> None:
    low, high = limits(value_type)
    value = data.draw(st.floats(low, high))
    step = float(decode(value_type, b"\x01" + bytes(width(value_type) - 1)))
    assert abs(decode(value_type, encode(value_type, value)) - value) <= step / 2 + 1e-9 * abs(value)


@pytest.mark.parametrize("value_type", ValueType)
def test_the_ends_of_the_range_fit_and_nothing_beyond(value_type: ValueType) -> None:
    low, high = limits(value_type)
    assert decode(value_type, encode(value_type, low)) == low
    assert decode(value_type, encode(value_type, high)) == high
    for outside in (low - 1, high + 1, math.inf, -math.inf, math.nan, 1e308, -1e308, 10**400):
        with pytest.raises(ValueError, match=value_type.name):
            encode(value_type, outside)


@pytest.mark.parametrize("value_type", [ValueType.DI1, ValueType.CNT2, ValueType.ANU2])
def test_states_and_counts_are_whole_numbers(value_type: ValueType) -> None:
    with pytest.raises(ValueError, match="whole number"):
        encode(value_type, 0.5)
    assert encode(value_type, 1.0) == encode(value_type, 1)


def test_the_message_tells_what_fits() -> None:
    with pytest.raises(ValueError, match=r"^40\.0 does not fit VOS2: -32\.768\.\.32\.767 V$"):
        encode(ValueType.VOS2, 40.0)


@given(TYPES, st.binary(max_size=300))
def test_bytes_of_the_wrong_length_are_a_garbled_reply(value_type: ValueType, wire: bytes) -> None:
    each = width(value_type)
    if len(wire) % each == 0:
        assert len(decode_group(value_type, wire)) == len(wire) // each
    else:
        with pytest.raises(GarbledReply, match=value_type.name):
            decode_group(value_type, wire)
    if len(wire) != each:
        with pytest.raises(GarbledReply, match=value_type.name) as garbled:
            decode(value_type, wire)
        assert garbled.value.sent


def test_every_type_has_its_unit() -> None:
    assert {t: unit(t) for t in ValueType if unit(t)} == {
        ValueType.VOU2: "V",
        ValueType.VOU4: "V",
        ValueType.VOS2: "V",
        ValueType.VOS4: "V",
        ValueType.CUS4: "mA",
        ValueType.TMS2: "°C",
        ValueType.TMS4: "°C",
        ValueType.RMU2: "Ω",
    }
