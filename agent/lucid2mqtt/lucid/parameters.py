"""The parameters of every family, by the names the vendor's command line uses (section 7; names: command line page, section 5).

Values are whole numbers in the unit of the wire. Modes are written by name, compared without regard to capitals; the
bits of the flags byte are parameters of their own that share its address, written `on` or `off`. Ranges that the manuals
give as "greater than" are taken to include their ends. Names found in no source follow the pattern of the known ones.
`inRtTempComp` is missing: it is named in one script, its address nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from types import MappingProxyType

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.errors import GarbledReply
from lucid2mqtt.lucid.assumptions import ANALOG_INPUT_OFFSET_UNIT, TEMPERATURE_OFFSET_UNIT
from lucid2mqtt.lucid.families import ChannelBlock, Family


class InputMode(IntEnum):
    """Modes of a digital input. Newer modules know another, "direction", whose code is unpublished."""

    INACTIVE = 0x00
    REFLECT = 0x01
    RISING = 0x10
    FALLING = 0x11
    COUNT = 0x20


class OutputMode(IntEnum):
    """Modes of a digital output. ON_OFF alone ends by itself; DUTY_CYCLE runs for ever."""

    INACTIVE = 0x00
    REFLECT = 0x01
    ON_OFF = 0x08
    DUTY_CYCLE = 0x0A


class AnalogMode(IntEnum):
    """Modes of analog channels and temperature inputs."""

    INACTIVE = 0
    STANDARD = 1


_INPUT_MODES: dict[int, str] = {
    InputMode.INACTIVE: "inactive",
    InputMode.REFLECT: "reflect",
    InputMode.RISING: "risingEdge",
    InputMode.FALLING: "fallingEdge",
    InputMode.COUNT: "count",
}
_OUTPUT_MODES: dict[int, str] = {
    OutputMode.INACTIVE: "inactive",
    OutputMode.REFLECT: "reflect",
    OutputMode.ON_OFF: "onOff",
    OutputMode.DUTY_CYCLE: "dutyCycle",
}
_ANALOG_MODES: dict[int, str] = {AnalogMode.INACTIVE: "inactive", AnalogMode.STANDARD: "standard"}
_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a channel.

    `unit` is the unit of the wire number ("0.1 Ω": value 100 stands for 10 Ω), `minimum` and `maximum` bound it, `default`
    is None where nobody published it. `names` are the words for its codes; `bit` is set on the bits of a flags byte.
    """

    name: str
    address: int
    width: int
    signed: bool
    unit: str
    minimum: int
    maximum: int
    default: int | bool | None
    read_only: bool
    names: Mapping[int, str]
    bit: int | None

    @property
    def allowed(self) -> str:
        """What may be written, for messages: "10000..3600000000 us", "inactive, reflect", "on, off"."""
        if self.bit is not None:
            return "on, off"
        if self.names:
            return ", ".join(self.names.values())
        if self.maximum == 1:
            return "0, 1"
        return f"{self.minimum}..{self.maximum} {self.unit}".rstrip()

    def encode(self, value: str | float, present: bytes | None = None) -> bytes:
        """`value`, a number or the text of one or the name of a code, as bytes for SetParam.

        A bit needs `present`, the flags byte as just read, and changes nothing else in it (else TypeError).
        Raises ValueError with what is allowed.
        """
        if self.read_only:
            raise ValueError(f"{self.name} can only be read")
        if self.bit is not None:
            if present is None:
                raise TypeError(f"{self.name} is one bit: read its flags byte first")
            flags = self._number(present)
            mask = 1 << self.bit
            return bytes((flags | mask if self._switch(value) else flags & ~mask,))
        code = self._code(value) if self.names else self._whole(value)
        return code.to_bytes(self.width, "little", signed=self.signed)

    def decode(self, data: bytes) -> int | bool | str:
        """The value in a GetParam reply: a bool for a bit, the name of a code (the bare number where it has none), else the number.

        GarbledReply when `data` has another width.
        """
        number = self._number(data)
        if self.bit is not None:
            return bool(number >> self.bit & 1)
        return self.names.get(number, number)

    def _number(self, data: bytes) -> int:
        if len(data) != self.width:
            raise GarbledReply(f"{len(data)} bytes where {self.name} has {self.width}", sent=True)
        return int.from_bytes(data, "little", signed=self.signed)

    def _switch(self, value: str | float) -> bool:
        found = _SWITCH.get(str(value).strip().casefold())
        if found is None:
            raise self._refusal(value)
        return found

    def _code(self, value: str | float) -> int:
        wanted = str(value).strip().casefold()
        for code, name in self.names.items():
            if name.casefold() == wanted:
                return code
        try:
            code = _to_int(value)
        except ValueError:
            code = -1
        if code not in self.names:
            raise self._refusal(value)
        return code

    def _whole(self, value: str | float) -> int:
        try:
            number = int(self._switch(value)) if self.maximum == 1 else _to_int(value)
        except ValueError:
            raise self._refusal(value) from None
        if not self.minimum <= number <= self.maximum:
            raise self._refusal(value)
        return number

    def _refusal(self, value: str | float) -> ValueError:
        return ValueError(f"{self.name} cannot be {value!r}; allowed: {self.allowed}")


def parameters_of(family: Family, channel: int) -> Mapping[str, Parameter]:
    """All parameters of a channel by name, in the order of their addresses; KeyError for an unknown channel."""
    return _of_block(family.block_of(channel))


def find_parameter(family: Family, channel: int, name: str) -> Parameter:
    """The parameter called `name` in any capitals; ValueError with the names there are."""
    parameters = parameters_of(family, channel)
    wanted = name.strip().casefold()
    for known, parameter in parameters.items():
        if known.casefold() == wanted:
            return parameter
    raise ValueError(f"channel {channel} of a {family.name} has no parameter {name!r}; it has: {', '.join(parameters)}")


def _to_int(value: str | float) -> int:
    if isinstance(value, str):
        text = value.strip()
        return int(text, 16) if text[:2].casefold() == "0x" else int(text)
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):  # no float holds a very long int
        raise ValueError(value)
    return int(value)


def _number(
    suffix: str,
    address: int,
    kind: str,
    unit: str = "",
    *,
    within: tuple[int, int] | None = None,
    default: int | None = None,
    read_only: bool = False,
) -> Parameter:
    signed = kind[0] == "s"
    bits = int(kind[1:])
    low, high = within or ((-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1))
    return Parameter(suffix, address, bits // 8, signed, unit, low, high, default, read_only, MappingProxyType({}), None)


def _mode(names: dict[int, str]) -> Parameter:
    return Parameter("Mode", 0x1100, 1, False, "", min(names), max(names), None, False, MappingProxyType(names), None)


def _bit(suffix: str, bit: int, *, default: bool | None = None) -> Parameter:
    return Parameter(suffix, 0x1101, 1, False, "", 0, 1, default, False, MappingProxyType({}), bit)


_FLAGS = _number("Flags", 0x1101, "u8")
_SECOND_US = 1_000_000
_PHASE_US = (10_000, 3600 * _SECOND_US)  # the outputs' timing resolution up to one hour

_TABLES: Mapping[ChannelKind, tuple[str, tuple[Parameter, ...]]] = {
    ChannelKind.DIGITAL_INPUT: (
        "inDi",
        (
            _number("Value", 0x1000, "u8", within=(0, 1), read_only=True),
            _mode(_INPUT_MODES),
            _FLAGS,
            _bit("AddCounter", 0),
            _bit("ResetCounterOnRead", 1, default=False),
            _bit("Inverted", 2),
            _number("ScanTime", 0x1111, "u32", "us", within=(100, _SECOND_US)),
            _number("CountTime", 0x1112, "u32", "us", within=(1_000, 3600 * _SECOND_US)),
        ),
    ),
    ChannelKind.DIGITAL_OUTPUT: (
        "outDi",
        (
            _number("Value", 0x1000, "u8", within=(0, 1), default=0),
            _mode(_OUTPUT_MODES),
            _FLAGS,
            _bit("CanRetrigger", 0),
            _bit("CanCancel", 1),
            _bit("Inverted", 2),
            _number("CycleTime", 0x1110, "u32", "us", within=_PHASE_US, default=_SECOND_US),
            _number("DutyCycle", 0x1111, "u16", "1/1000", within=(0, 1000), default=500),
            _number("OnDelay", 0x1112, "u32", "us", within=_PHASE_US, default=_SECOND_US),
            _number("OnHold", 0x1113, "u32", "us", within=_PHASE_US, default=_SECOND_US),
        ),
    ),
    ChannelKind.ANALOG_INPUT: (
        "inAn",
        (
            _number("Value", 0x1000, "u16", read_only=True),
            _mode(_ANALOG_MODES),
            _FLAGS,
            # named by the old manual only; the number is the one temperature and digital inputs use
            _number("ScanTime", 0x1111, "u16", "ms"),
            _number("NrSamples", 0x1112, "u16"),
            _number("Offset", 0x1120, "s16", ANALOG_INPUT_OFFSET_UNIT),
        ),
    ),
    ChannelKind.ANALOG_OUTPUT: (
        "outAn",
        (
            _number("Value", 0x1000, "u16"),
            _mode(_ANALOG_MODES),
            _FLAGS,
            _number("RefreshInterval", 0x1111, "u32", "us", within=(1_000, 100_000)),
            _number("SetupTime", 0x1112, "u32", "us"),
            _number("RefreshTime", 0x1113, "u32", "us"),
            _number("Offset", 0x1120, "s16", "mV"),
        ),
    ),
    ChannelKind.TEMPERATURE: (
        "inRt",
        (
            _number("Value", 0x1000, "u16", "0.1 Ω", read_only=True),
            _mode(_ANALOG_MODES),
            _FLAGS,
            _number("ScanInterval", 0x1111, "u16", "ms"),
            _number("SetupTime", 0x1112, "u16", "ms"),
            _number("NrSamples", 0x1113, "u16"),
            _number("Offset", 0x1120, "s16", TEMPERATURE_OFFSET_UNIT),
        ),
    ),
}

_BLOCK_DIGITS = {0x000: "", 0x400: "0", 0x800: "1"}
"""What the DI4DO4's two address blocks add to the names."""


@cache
def _of_block(block: ChannelBlock) -> Mapping[str, Parameter]:
    prefix, table = _TABLES[block.kind]
    prefix += _BLOCK_DIGITS[block.block]
    named = (replace(each, name=prefix + each.name, address=each.address + block.block) for each in table)
    return MappingProxyType({parameter.name: parameter for parameter in named})
