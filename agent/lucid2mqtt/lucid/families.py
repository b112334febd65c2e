"""Which modules exist: families, their channels, and what a type code says (sections 4.1 and 4.2).

Type codes mean different things in different families, so a module is described by class and type together. A type code
nobody published is tolerated: the module works, only its range is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lucid2mqtt.domain.channel import ChannelKind, Contact
from lucid2mqtt.errors import LucidError
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType


class UnknownFamily(LucidError):
    """The module's class code is in no published table; it cannot be used."""


@dataclass(frozen=True, slots=True)
class ChannelBlock:
    """Channels of one kind. `block` is added to the parameter addresses: 0 except on the DI4DO4, which has two blocks."""

    kind: ChannelKind
    first: int
    count: int
    block: int = 0

    @property
    def channels(self) -> range:
        return range(self.first, self.first + self.count)


@dataclass(frozen=True, slots=True)
class Family:
    """One module family; `name` as the vendor writes it: "RI4"."""

    name: str
    class_code: int
    blocks: tuple[ChannelBlock, ...]

    @property
    def channels(self) -> range:
        """All channel numbers."""
        return range(sum(block.count for block in self.blocks))

    def block_of(self, channel: int) -> ChannelBlock:
        """The block `channel` belongs to; KeyError when the family has no such channel."""
        for block in self.blocks:
            if channel in block.channels:
                return block
        raise KeyError(channel)


@dataclass(frozen=True, slots=True)
class ModuleType:
    """A family with a type code. `minimum` and `maximum` bound the analog or temperature range in `unit`, None where unknown."""

    family: Family
    type_code: int
    text: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    contact: Contact | None = None

    def read_types(self, channel: int) -> tuple[ValueType, ...]:
        """Value types a channel is read with, best first; KeyError for an unknown channel.

        A digital input in count mode is read as CNT2 instead, which the mode decides and not the type.
        """
        match self.family.block_of(channel).kind:
            case ChannelKind.DIGITAL_INPUT | ChannelKind.DIGITAL_OUTPUT:
                return (ValueType.DI1,)
            case ChannelKind.ANALOG_INPUT | ChannelKind.ANALOG_OUTPUT:
                return (ValueType.CUS4,) if self.unit == "mA" else (ValueType.VOS4, ValueType.VOS2)
            case ChannelKind.TEMPERATURE:
                return (ValueType.TMS4, ValueType.TMS2)

    def write_type(self, channel: int) -> ValueType:
        """Value type an output is written with; KeyError for an unknown channel, ValueError for an input."""
        if not self.family.block_of(channel).kind.is_output:
            raise ValueError(f"channel {channel} of a {self.family.name} is an input")
        return self.read_types(channel)[0]


_DI, _DO = ChannelKind.DIGITAL_INPUT, ChannelKind.DIGITAL_OUTPUT
_AI, _AO = ChannelKind.ANALOG_INPUT, ChannelKind.ANALOG_OUTPUT
_RI = ChannelKind.TEMPERATURE


def _family(name: str, class_code: int, kind: ChannelKind, count: int) -> Family:
    return Family(name, class_code, (ChannelBlock(kind, 0, count),))


FAMILIES: Mapping[int, Family] = MappingProxyType(
    {
        family.class_code: family
        for family in (
            _family("DI4", 0x0000, _DI, 4),
            _family("DI8", 0x0010, _DI, 8),
            _family("DI16", 0x0030, _DI, 16),
            _family("AI4", 0x0100, _AI, 4),
            _family("AI8", 0x0110, _AI, 8),
            _family("RI4", 0x0A00, _RI, 4),
            _family("RI8", 0x0A10, _RI, 8),
            _family("DO4", 0x1000, _DO, 4),
            _family("DO8", 0x1010, _DO, 8),
            _family("DO6", 0x1020, _DO, 6),
            _family("DO16", 0x1030, _DO, 16),
            _family("AO4", 0x1100, _AO, 4),
            _family("AO8", 0x1110, _AO, 8),
            Family("DI4DO4", 0x4000, (ChannelBlock(_DI, 0, 4, 0x400), ChannelBlock(_DO, 4, 4, 0x800))),
        )
    }
)
"""Every published family by class code. 0 is a valid class: the DI4."""


@dataclass(frozen=True, slots=True)
class _Type:
    text: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    contact: Contact | None = None


def _range(minimum: float, maximum: float, unit: str, sensor: str = "") -> _Type:
    text = f"±{maximum:g} {unit}" if minimum == -maximum and not sensor else f"{minimum:g}..{maximum:g} {unit}"
    return _Type(f"{sensor}, {text}" if sensor else text, minimum, maximum, unit)


_VOLTS = (5.0, 10.0, 12.0, 15.0, 20.0, 24.0)
_VOLTAGES = {
    **{0x1000 + place: _range(0.0, volts, "V") for place, volts in enumerate(_VOLTS)},
    **{0x1010 + place: _range(-volts, volts, "V") for place, volts in enumerate(_VOLTS)},
}

_TYPES: Mapping[tuple[ChannelKind, ...], Mapping[int, _Type]] = {
    (_DI,): {0x1000 + place: _Type(f"{volts:g} V inputs") for place, volts in enumerate(_VOLTS)},
    (_DO,): {
        0x1000: _Type("solid-state outputs, 24 V", contact=Contact.SOLID_STATE),
        0x1100: _Type("changeover relays", contact=Contact.RELAY),
        0x1200: _Type("open-collector outputs", contact=Contact.OPEN_COLLECTOR),
    },
    (_AI,): {**_VOLTAGES, 0x1110: _range(0.0, 20.0, "mA")},
    (_AO,): {**_VOLTAGES, 0x1100: _range(0.0, 20.0, "mA"), 0x1101: _range(4.0, 20.0, "mA")},
    (_RI,): {
        0x1000: _range(-180.0, 180.0, "°C", "Pt1000"),
        0x1001: _range(0.0, 360.0, "°C", "Pt1000"),
        0x1010: _range(-180.0, 180.0, "°C", "Pt100"),
        0x1011: _range(0.0, 360.0, "°C", "Pt100"),
    },
    (_DI, _DO): {
        code: _Type(f"{volts} V inputs, solid-state outputs", contact=Contact.SOLID_STATE)
        for code, volts in ((0x4000, 5), (0x4001, 10), (0x4005, 24))
    },
}

_USUAL_UNITS: Mapping[tuple[ChannelKind, ...], str] = {(_AI,): "V", (_AO,): "V", (_RI,): "°C"}


def describe(identity: Identity) -> ModuleType:
    """What the module is; UnknownFamily for a class nobody published, a type nobody published only loses its range."""
    family = FAMILIES.get(identity.class_code)
    if family is None:
        raise UnknownFamily(f"class 0x{identity.class_code:04X} is no known LucidControl family (serial {identity.serial})")
    return module_type(family, identity.type_code)


def module_type(family: Family, type_code: int) -> ModuleType:
    """The type `type_code` means within `family`."""
    kinds = tuple(block.kind for block in family.blocks)
    found = _TYPES[kinds].get(type_code) or _Type(f"unknown type 0x{type_code:04X}", unit=_USUAL_UNITS.get(kinds, ""))
    return ModuleType(family, type_code, found.text, found.minimum, found.maximum, found.unit, found.contact)
