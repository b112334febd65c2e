"""The digital input engine: debounce, edge latch, counter (section 7.1)."""

from __future__ import annotations

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.channel import InputChannel
from lucid2mqtt.sim.memory import Memory
from lucid2mqtt.sim.quirks import Fault, Overflow, Quirks, Refusal

FULL = 0xFFFF
US = 1_000_000


class DigitalInput(InputChannel):
    """One input. Every mode works on the filtered level: it changes one scan time after the terminal, or never if the terminal goes back."""

    value_types = frozenset({ValueType.DI1, ValueType.CNT2})

    def __init__(self, memory: Memory, quirks: Quirks) -> None:
        super().__init__(memory, quirks, signal=False)
        self._filtered = False
        self._accepts_at: float | None = None
        self._edge = False
        self._count = 0
        self._window_count = 0
        self._window_ends_at = 0.0

    def advance(self, now: float) -> None:
        while (at := self.coming_at) is not None and at <= now:
            self._settle(at)
            before = self.signal
            self.take_signal()
            if self.signal != before:
                self._terminal_changed(at)
        self._settle(now)

    def check_type(self, value_type: int) -> None:
        super().check_type(value_type)
        counting = self.mode == m.COUNT
        if self.mode != m.INACTIVE and not self.quirks.any_type_in_any_mode and counting != (value_type == ValueType.CNT2):
            raise Refusal(Fault.BAD_VALUE_TYPE)

    def measured(self, value_type: ValueType) -> int:
        match self.mode:
            case m.COUNT:
                number = self._take_count()
            case m.REFLECT:
                number = int(self._level)
            case _:
                number = self._take_edge()
        return int(number > 0) if value_type is ValueType.DI1 else number

    def parameter_set(self, place: int, old: int, now: float) -> None:
        if place == m.MODE and self.mode != old:
            self._restart(now)
        elif place == m.COUNT_TIME:
            self._begin_window(now)

    def parameter(self, place: int) -> int:
        return int(self._level) if place == m.VALUE else super().parameter(place)

    def power_on(self, now: float) -> None:
        self.take_signals(now)
        self._filtered = bool(self.signal)
        self._accepts_at = None
        self._restart(now)

    @property
    def _level(self) -> bool:
        return self._filtered != bool(self.memory[m.FLAGS] & m.INPUT_INVERTED)

    def _terminal_changed(self, at: float) -> None:
        settled = bool(self.signal) == self._filtered
        self._accepts_at = None if settled else at + self.memory[m.SCAN_TIME] / US

    def _settle(self, now: float) -> None:
        if self._accepts_at is not None and self._accepts_at <= now:
            accepted_at, self._accepts_at = self._accepts_at, None
            self._close_windows(accepted_at)
            self._filtered = not self._filtered
            self._filtered_changed()
        self._close_windows(now)

    def _filtered_changed(self) -> None:
        rose = self._level
        match self.mode:
            case m.COUNT if rose:
                self._window_count = self._plus(self._window_count, 1)
                if self._adds and not self.quirks.added_at_window_end:
                    self._count = self._plus(self._count, 1)
            case m.RISING:
                self._edge = self._edge or rose
            case m.FALLING:
                self._edge = self._edge or not rose

    def _close_windows(self, now: float) -> None:
        """The counter shows whole windows: the last one, or with add-counter the sum of all."""
        if self.mode != m.COUNT or now < self._window_ends_at:
            return
        window_s = self.memory[m.COUNT_TIME] / US
        self._finish_window()
        missed = int((now - self._window_ends_at) / window_s)
        if missed:  # whole windows without a pulse
            self._finish_window()
        self._window_ends_at += (missed + 1) * window_s

    def _finish_window(self) -> None:
        if not self._adds:
            self._count = self._window_count
        elif self.quirks.added_at_window_end:
            self._count = self._plus(self._count, self._window_count)
        self._window_count = 0

    @property
    def _adds(self) -> bool:
        return bool(self.memory[m.FLAGS] & m.ADD_COUNTER)

    def _plus(self, count: int, more: int) -> int:
        total = count + more
        return min(total, FULL) if self.quirks.counter_overflow is Overflow.SATURATES else total & FULL

    def _take_count(self) -> int:
        count = self._count
        if self.memory[m.FLAGS] & m.RESET_ON_READ:
            self._count = 0
        return count

    def _take_edge(self) -> int:
        edge = self._edge
        if self.quirks.edge_read_clears:
            self._edge = False
        return int(edge)

    def _restart(self, now: float) -> None:
        self._edge = False
        self._count = 0
        self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_count = 0
        self._window_ends_at = now + self.memory[m.COUNT_TIME] / US
