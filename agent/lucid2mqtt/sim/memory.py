"""A channel's parameters as the module keeps them: what is there, which values it takes, and what survives a power cycle.

This is the module's own map, written apart from the agent's parameter table so that the two check each other (section 7).
A cell's `place` is its address less the base of its channel block: 0x1000, on a DI4DO4 0x1400 and 0x1800.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.lucid.families import ChannelBlock
from lucid2mqtt.sim.quirks import Fault, Quirks, Refusal

VALUE, MODE, FLAGS = 0x000, 0x100, 0x101
CYCLE_TIME, DUTY, ON_DELAY, ON_HOLD = 0x110, 0x111, 0x112, 0x113
SCAN_TIME, COUNT_TIME = 0x111, 0x112
SAMPLES, OFFSET = 0x112, 0x120
REFRESH_INTERVAL, OUTPUT_SETUP_TIME, REFRESH_TIME = 0x111, 0x112, 0x113
SCAN_INTERVAL, SETUP_TIME, RTD_SAMPLES = 0x111, 0x112, 0x113

INACTIVE = 0x00
REFLECT = 0x01
STANDARD = 0x01
ON_OFF = 0x08
DUTY_CYCLE = 0x0A
RISING, FALLING, COUNT = 0x10, 0x11, 0x20

CAN_RETRIGGER, CAN_CANCEL, OUTPUT_INVERTED = 0x01, 0x02, 0x04
ADD_COUNTER, RESET_ON_READ, INPUT_INVERTED = 0x01, 0x02, 0x04

STEP_US = 10_000
"""Timing resolution of the output engine (section 7.2)."""
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One parameter: `width` bytes, `low`..`high` in wire units; `choices` where only some numbers mean something."""

    width: int
    default: int = 0
    low: int = 0
    high: int | None = None
    choices: frozenset[int] | None = None
    signed: bool = False
    read_only: bool = False
    ends_excluded: bool = False  # the manual gives the limits as "<"
    zero_is_open: bool = False  # nobody knows whether 0 is taken as "none"

    def number(self, data: bytes, quirks: Quirks) -> int:
        """The number in `data`; Refusal when the cell cannot take it."""
        if len(data) != self.width:
            raise Refusal(Fault.WRONG_LENGTH)
        number = int.from_bytes(data, "little", signed=self.signed)
        if not self._takes(number, quirks):
            raise Refusal(Fault.BAD_VALUE)
        return number

    def encode(self, number: int) -> bytes:
        return number.to_bytes(self.width, "little", signed=self.signed)

    def _takes(self, number: int, quirks: Quirks) -> bool:
        if self.choices is not None:
            return number in self.choices
        if self.zero_is_open and number == 0:
            return quirks.on_delay_zero_accepted
        if self.signed or self.high is None:
            return True
        if self.ends_excluded and quirks.limits_exclude_ends:
            return self.low < number < self.high
        return self.low <= number <= self.high


def _mode(*choices: int) -> Cell:
    return Cell(1, INACTIVE, choices=frozenset((INACTIVE, *choices)))


def _time(default: int, low: int, high: int) -> Cell:
    return Cell(4, default, low, high, ends_excluded=True)


_NO_FLAGS = Cell(1, high=0)
_BITS = Cell(1, high=7)
_OFFSET = Cell(2, signed=True)

CELLS: Mapping[ChannelKind, Mapping[int, Cell]] = MappingProxyType(
    {
        ChannelKind.DIGITAL_INPUT: {
            VALUE: Cell(1, read_only=True),
            MODE: _mode(REFLECT, RISING, FALLING, COUNT),
            FLAGS: _BITS,
            SCAN_TIME: _time(10_000, 100, 1_000_000),
            COUNT_TIME: _time(1_000_000, 1_000, HOUR_US),
        },
        ChannelKind.DIGITAL_OUTPUT: {
            VALUE: Cell(1, high=1),
            MODE: _mode(REFLECT, ON_OFF, DUTY_CYCLE),
            FLAGS: _BITS,
            CYCLE_TIME: _time(1_000_000, STEP_US, HOUR_US),
            DUTY: Cell(2, 500, 0, 1000),
            ON_DELAY: Cell(4, 1_000_000, STEP_US, HOUR_US, ends_excluded=True, zero_is_open=True),
            ON_HOLD: _time(1_000_000, STEP_US, HOUR_US),
        },
        ChannelKind.ANALOG_INPUT: {
            VALUE: Cell(2, read_only=True),
            MODE: _mode(STANDARD),
            FLAGS: _NO_FLAGS,
            SAMPLES: Cell(2, 1, 1, 1000),
            OFFSET: _OFFSET,
        },
        ChannelKind.ANALOG_OUTPUT: {
            VALUE: Cell(2, 0, 0, 0x0FFF),
            MODE: _mode(STANDARD),
            FLAGS: _NO_FLAGS,
            REFRESH_INTERVAL: _time(20_000, 1_000, 100_000),
            OUTPUT_SETUP_TIME: Cell(4, 1_000),
            REFRESH_TIME: Cell(4, 1_000),
            OFFSET: _OFFSET,
        },
        ChannelKind.TEMPERATURE: {
            VALUE: Cell(2, read_only=True),
            MODE: _mode(STANDARD),
            FLAGS: _NO_FLAGS,
            SCAN_INTERVAL: Cell(2, 500, 1, 0xFFFF),
            SETUP_TIME: Cell(2, 50, 0, 0xFFFF),
            RTD_SAMPLES: Cell(2, 1, 1, 1000),
            OFFSET: _OFFSET,
        },
    }
)


class Memory:
    """The parameters of one channel, in a volatile and a persistent layer."""

    def __init__(self, block: ChannelBlock, quirks: Quirks) -> None:
        self.cells = CELLS[block.kind]
        self.base = 0x1000 + block.block
        self.persistent_writes = 0
        self._quirks = quirks
        self._defaults = {place: cell.default for place, cell in self.cells.items()}
        self._persistent = dict(self._defaults)
        self._volatile = dict(self._defaults)

    def __getitem__(self, place: int) -> int:
        """The number in force."""
        return self._volatile[place]

    def power_up(self) -> None:
        """Whatever was not persisted is gone."""
        self._volatile = dict(self._persistent)

    def set_default(self, place: int, number: int) -> None:
        """Another factory setting than the table's, for a type that needs one."""
        self._defaults[place] = number
        self.commission(place, number)

    def commission(self, place: int, number: int) -> None:
        """Sets a cell in both layers, as somebody did before the module came here."""
        self._volatile[place] = self._persistent[place] = number

    def place_of(self, address: int) -> int:
        """The cell at an address on the wire; Refusal when there is none."""
        place = address - self.base
        if place not in self.cells:
            raise Refusal(Fault.NO_PARAMETER)
        return place

    def parse(self, place: int, data: bytes | None) -> int:
        """The number a SetParam carries, the default where it has no data; Refusal when the cell does not take it."""
        cell = self.cells[place]
        if cell.read_only:
            raise Refusal(Fault.READ_ONLY)
        if data is None:
            return self._defaults[place]
        return cell.number(data, self._quirks)

    def store(self, place: int, number: int, *, persistent: bool) -> None:
        """Sets the volatile layer, with `persistent` both."""
        self._volatile[place] = number
        if persistent:
            self._persistent[place] = number
            self.persistent_writes += 1

    def follow(self, place: int, number: int) -> None:
        """Shows a number without anybody having set it."""
        self._volatile[place] = number
