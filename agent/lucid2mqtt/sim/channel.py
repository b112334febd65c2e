"""What every virtual channel can be asked and told; the kinds of channel fill it in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from enum import Enum

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.memory import INACTIVE, MODE, Memory
from lucid2mqtt.sim.quirks import Fault, Inactive, Quirks, Refusal


class SensorFault(Enum):
    """A temperature sensor that is not there."""

    OPEN = "open"
    SHORTED = "shorted"


Signal = bool | float | SensorFault
"""What the outside world puts on a terminal: a level, V or mA, °C, or a broken sensor."""
HIGHEST_SIGNAL = 1e6
Watcher = Callable[[float, bool | float], None]
"""Told of every change of an output's physical state, with its time."""


class Channel(ABC):
    """One channel. All times are seconds on the clock of whoever drives the module; numbers are wire numbers.

    Methods that take `now` expect it never to go back.
    """

    value_types: frozenset[ValueType]

    def __init__(self, memory: Memory, quirks: Quirks) -> None:
        self.memory = memory
        self.quirks = quirks
        self.is_stuck = False

    @property
    def mode(self) -> int:
        return self.memory[MODE]

    def advance(self, now: float) -> None:
        """Let everything happen that was due until `now`."""
        del now

    def check_type(self, value_type: int) -> None:
        """Refusal when the channel does not have the value type in its present mode."""
        if value_type not in self.value_types:
            raise Refusal(Fault.BAD_VALUE_TYPE)

    def read(self, value_type: ValueType) -> int:
        """The number GetIo answers with; may change the channel (latches, counters)."""
        if self.mode == INACTIVE:
            if self.quirks.inactive_read is Inactive.REFUSES:
                raise Refusal(Fault.NOT_POSSIBLE)
            return 0
        return self.measured(value_type)

    @abstractmethod
    def measured(self, value_type: ValueType) -> int:
        """The number an active channel answers with."""

    def check_write(self, value_type: ValueType, number: int) -> None:
        """Refusal when the channel cannot take the number."""
        del value_type, number
        raise Refusal(Fault.NOT_AN_OUTPUT)

    def write(self, value_type: ValueType, number: int, now: float) -> None:
        """Carry out a SetIo that `check_write` let pass."""
        del value_type, number, now

    def parameter_set(self, place: int, old: int, now: float) -> None:
        """React to a SetParam; the memory has the new number already."""
        del place, old, now

    def parameter(self, place: int) -> int:
        """The number GetParam answers with."""
        return self.memory[place]

    def power_on(self, now: float) -> None:
        """Start from the memory's persistent layer, which is in force already."""
        del now

    def power_off(self, now: float) -> None:
        """Lose the 5 V."""
        del now


class InputChannel(Channel):
    """A channel the outside world puts a signal on."""

    signal: Signal
    has_sensor = False

    def __init__(self, memory: Memory, quirks: Quirks, signal: Signal) -> None:
        super().__init__(memory, quirks)
        self.signal = signal
        self._coming: deque[tuple[float, Signal]] = deque()

    def drive(self, signal: Signal, at: float) -> None:
        """The terminal has `signal` from `at` on; times must not fall from call to call but may lie ahead of the module's.

        ValueError for a number no terminal has, and for a broken sensor where there is none.
        """
        if isinstance(signal, SensorFault):
            if not self.has_sensor:
                raise ValueError("only a temperature input has a sensor that could be broken")
        elif not -HIGHEST_SIGNAL <= signal <= HIGHEST_SIGNAL:
            raise ValueError(f"{signal} is no signal a terminal can have")
        self._coming.append((at, signal))

    @property
    def coming_at(self) -> float | None:
        """When the next signal comes, None when none is known."""
        return self._coming[0][0] if self._coming else None

    def take_signal(self) -> None:
        """Makes the next signal the present one."""
        _, signal = self._coming.popleft()
        if not self.is_stuck:
            self.signal = signal

    def take_signals(self, until: float) -> None:
        """Makes the last signal that came before or at `until` the present one."""
        while self._coming and self._coming[0][0] <= until:
            self.take_signal()


class OutputChannel(Channel):
    """A channel that does something to the outside world."""

    def __init__(self, memory: Memory, quirks: Quirks, watcher: Watcher) -> None:
        super().__init__(memory, quirks)
        self._watcher = watcher
        self._physical: bool | float = False
        self._on_s = 0.0

    @property
    def physical(self) -> bool | float:
        """What the terminal really does: contact closed, or V or mA."""
        return self._physical

    def on_seconds(self) -> float:
        """Seconds a contact was closed in all, until the last `advance`; 0 for an analog output."""
        return self._on_s

    def _put_out(self, state: bool | float, at: float) -> None:
        if state != self._physical:
            self._physical = state
            self._watcher(at, state)
