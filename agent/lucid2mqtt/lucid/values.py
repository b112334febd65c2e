"""The numbers on the wire and what they mean.

All are little-endian; the table follows section 5 of the protocol page. VOU2 and VOU4 are listed by the vendor and used
by no module; their scale is inferred from their signed sisters. A value that does not fit its wire number is a
`ValueError`, bytes that do not fit the value type are a `GarbledReply`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from lucid2mqtt.errors import GarbledReply


class ValueType(IntEnum):
    """The value types, named as in the vendor's interface."""

    DI1 = 0x00
    CNT2 = 0x0A
    ANU2 = 0x10
    VOU2 = 0x1A
    VOU4 = 0x1B
    VOS2 = 0x1C
    VOS4 = 0x1D
    CUS4 = 0x23
    TMS2 = 0x40
    TMS4 = 0x41
    RMU2 = 0x50


@dataclass(frozen=True, slots=True)
class _Layout:
    number: struct.Struct
    lowest: int
    highest: int
    per_unit: int  # wire numbers per unit; 1 for plain integers
    unit: str


def _layout(code: str, per_unit: int, unit: str) -> _Layout:
    number = struct.Struct("<" + code)
    bits = 8 * number.size
    signed = code.islower()
    lowest = -(1 << (bits - 1)) if signed else 0
    highest = (1 << (bits - signed)) - 1
    return _Layout(number, lowest, highest, per_unit, unit)


_LAYOUTS = {
    ValueType.DI1: _layout("B", 1, ""),
    ValueType.CNT2: _layout("H", 1, ""),
    ValueType.ANU2: _layout("H", 1, ""),
    ValueType.VOU2: _layout("H", 1_000, "V"),
    ValueType.VOU4: _layout("I", 1_000_000, "V"),
    ValueType.VOS2: _layout("h", 1_000, "V"),
    ValueType.VOS4: _layout("i", 1_000_000, "V"),
    ValueType.CUS4: _layout("i", 1_000_000, "mA"),  # the wire carries nA; the vendor's example passes mA
    ValueType.TMS2: _layout("h", 10, "°C"),
    ValueType.TMS4: _layout("i", 100, "°C"),
    ValueType.RMU2: _layout("H", 10, "Ω"),
}

WIDTHS: Mapping[int, int] = {value_type: layout.number.size for value_type, layout in _LAYOUTS.items()}
"""Bytes per value by the code on the wire."""


def width(value_type: ValueType) -> int:
    """Bytes per value."""
    return WIDTHS[value_type]


def unit(value_type: ValueType) -> str:
    """Unit of the decoded value: "V", "mA", "°C", "Ω", or "" for states, counts and raw numbers."""
    return _LAYOUTS[value_type].unit


def limits(value_type: ValueType) -> tuple[float, float]:
    """Lowest and highest value the wire number can carry, in `unit(value_type)`."""
    layout = _LAYOUTS[value_type]
    if value_type is ValueType.DI1:
        return 0, 1
    if layout.per_unit == 1:
        return layout.lowest, layout.highest
    return layout.lowest / layout.per_unit, layout.highest / layout.per_unit


def encode(value_type: ValueType, value: float) -> bytes:
    """`value`, in the unit of its type, rounded to the nearest wire number.

    Raises ValueError for NaN, infinity and whatever does not fit; states are 0 and 1 only.
    """
    layout = _LAYOUTS[value_type]
    low, high = limits(value_type)
    # NaN compares false; testing before rounding keeps infinities out of round()
    if not low <= value <= high or (layout.per_unit == 1 and value != int(value)):
        whole = "a whole number " if layout.per_unit == 1 else ""
        raise ValueError(f"{value} does not fit {value_type.name}: {whole}{low}..{high} {layout.unit}".rstrip())
    return layout.number.pack(round(value * layout.per_unit))


def decode(value_type: ValueType, data: bytes) -> bool | int | float:
    """One value in the unit of its type: bool for DI1, int for CNT2 and ANU2, else float."""
    if len(data) != WIDTHS[value_type]:
        raise GarbledReply(f"{len(data)} bytes where one {value_type.name} has {WIDTHS[value_type]}", sent=True)
    return decode_group(value_type, data)[0]


def decode_group(value_type: ValueType, data: bytes) -> tuple[bool | int | float, ...]:
    """All values of a group reply, ascending by channel."""
    layout = _LAYOUTS[value_type]
    if len(data) % layout.number.size:
        raise GarbledReply(f"{len(data)} bytes are no whole number of {value_type.name} values", sent=True)
    if value_type is ValueType.DI1:
        return tuple(byte != 0 for byte in data)
    raws = layout.number.iter_unpack(data)
    per_unit = layout.per_unit
    if per_unit == 1:
        return tuple(raw for (raw,) in raws)
    # dividing gives the float nearest to the decimal number; multiplying by 1e-6 would not
    return tuple(raw / per_unit for (raw,) in raws)
