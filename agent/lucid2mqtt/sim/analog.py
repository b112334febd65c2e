"""Analog inputs (14 bit) and outputs (12 bit) in V or mA (sections 7.4, 7.5 and 10)."""

from __future__ import annotations

import math

from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.channel import InputChannel, OutputChannel, Watcher
from lucid2mqtt.sim.memory import Memory
from lucid2mqtt.sim.quirks import Fault, Inactive, Quirks, Refusal
from lucid2mqtt.sim.scan import noise_source

INPUT_CODES = 1 << 14
OUTPUT_CODES = 1 << 12
MOST_DRAWN = 64
"""Conversions drawn one by one for a mean; more of them change nothing that is seen."""

_PER_UNIT = {ValueType.VOS2: 1_000, ValueType.VOS4: 1_000_000, ValueType.CUS4: 1_000_000}
_VOLTAGE = frozenset({ValueType.VOS2, ValueType.VOS4, ValueType.ANU2})
_CURRENT = frozenset({ValueType.CUS4, ValueType.ANU2})


class Span:
    """The range of a module type in V or mA, and its value types."""

    def __init__(self, module_type: ModuleType) -> None:
        if module_type.minimum is None or module_type.maximum is None:
            raise ValueError(f"{module_type.family.name} {module_type.text}: its range is not known, it cannot be simulated")
        self.minimum = module_type.minimum
        self.maximum = module_type.maximum
        self.value_types = _CURRENT if module_type.unit == "mA" else _VOLTAGE

    def code(self, value: float, codes: int) -> int:
        """The converter code of `value`, at the range ends when it lies outside."""
        place = math.floor((value - self.minimum) / (self.maximum - self.minimum) * codes + 0.5)
        return min(max(place, 0), codes - 1)

    def value(self, code: float, codes: int) -> float:
        """V or mA of a converter code."""
        return self.minimum + code * (self.maximum - self.minimum) / codes


class AnalogInput(InputChannel):
    """One input. The last scanned value is served again and again; `signal` is in V or mA."""

    def __init__(self, memory: Memory, quirks: Quirks, span: Span, seed: str) -> None:
        super().__init__(memory, quirks, signal=0.0)
        self.value_types = span.value_types
        self._span = span
        self._seed = seed
        self._zero_error = noise_source(seed).uniform(0.002, 0.003)  # the traced module reads 2.3 and 3.0 mV on open terminals
        self._converted_at = 0.0
        self._level = 0.0
        self._scanned_code: float | None = 0.0  # None until somebody asks for what was scanned last

    @property
    def conversion_s(self) -> float:
        if self.mode == m.INACTIVE:
            return 0.0
        return self.memory[m.SAMPLES] * self.quirks.analog_conversion_s

    def convert(self, at: float) -> None:
        self.take_signals(at)
        if self.is_stuck or not isinstance(self.signal, int | float):
            return
        self._converted_at = at
        self._level = self.signal + self._zero_error
        self._scanned_code = None

    def measured(self, value_type: ValueType) -> int:
        if value_type is ValueType.ANU2:
            return round(self._code)
        value = self._span.value(self._code, INPUT_CODES) + self.memory[m.OFFSET] / 1000
        return _fit(round(value * _PER_UNIT[value_type]), value_type)

    @property
    def _code(self) -> float:
        """Mean converter code of the last scan."""
        if self._scanned_code is None:
            noise = noise_source(self._seed, self._converted_at)
            drawn = min(self.memory[m.SAMPLES], MOST_DRAWN)
            levels = (self._level + noise.gauss(0.0, self.quirks.analog_noise_v) for _ in range(drawn))
            self._scanned_code = sum(self._span.code(level, INPUT_CODES) for level in levels) / drawn
        return self._scanned_code

    def parameter(self, place: int) -> int:
        return round(self._code) if place == m.VALUE else super().parameter(place)


class AnalogOutput(OutputChannel):
    """One output. It takes what its range allows and puts out the nearest of 4096 steps, in V or mA.

    The refresh parameters are kept and read back; the multiplexing of the converter itself is not modelled.
    """

    def __init__(self, memory: Memory, quirks: Quirks, span: Span, watcher: Watcher) -> None:
        super().__init__(memory, quirks, watcher)
        self.value_types = span.value_types
        self._span = span
        self._written = 0.0
        self._code = 0
        self._is_powered = False
        self._physical = 0.0
        memory.set_default(m.VALUE, span.code(0.0, OUTPUT_CODES))  # code 0 of a ±10 V type would be -10 V

    def measured(self, value_type: ValueType) -> int:
        if value_type is ValueType.ANU2:
            return self._code
        shown = self._written if self.quirks.analog_output_reads_written else self._span.value(self._code, OUTPUT_CODES)
        return _fit(round(shown * _PER_UNIT[value_type]), value_type)

    def check_write(self, value_type: ValueType, number: int) -> None:
        if self.mode == m.INACTIVE and self.quirks.inactive_write is Inactive.REFUSES:
            raise Refusal(Fault.NOT_POSSIBLE)
        if value_type is ValueType.ANU2:
            fits = number < OUTPUT_CODES
        else:
            fits = self._span.minimum <= number / _PER_UNIT[value_type] <= self._span.maximum
        if not fits:
            raise Refusal(Fault.BAD_VALUE)

    def write(self, value_type: ValueType, number: int, now: float) -> None:
        if self.mode == m.INACTIVE:
            return
        if value_type is ValueType.ANU2:
            self._set_code(number, now)
            return
        value = number / _PER_UNIT[value_type]
        self._set_code(self._span.code(value, OUTPUT_CODES), now)
        self._written = value

    def parameter_set(self, place: int, old: int, now: float) -> None:
        if place == m.VALUE and self.quirks.value_parameter_acts:
            self.write(ValueType.ANU2, self.memory[m.VALUE], now)
        elif place in (m.MODE, m.OFFSET) and self.memory[place] != old:
            self._show(now)

    def power_on(self, now: float) -> None:
        self._is_powered = True
        self._set_code(self.memory[m.VALUE], now)

    def power_off(self, now: float) -> None:
        self._is_powered = False
        self._show(now)

    def _set_code(self, code: int, now: float) -> None:
        self._code = code
        self._written = self._span.value(code, OUTPUT_CODES)
        if self.quirks.value_parameter_follows:
            self.memory.follow(m.VALUE, code)
        self._show(now)

    def _show(self, at: float) -> None:
        driven = self._is_powered and self.mode != m.INACTIVE
        self._put_out(self._span.value(self._code, OUTPUT_CODES) + self.memory[m.OFFSET] / 1000 if driven else 0.0, at)


def _fit(number: int, value_type: ValueType) -> int:
    """`number` as far as the wire can carry it."""
    end = 0x7FFF if value_type is ValueType.VOS2 else 0x7FFF_FFFF
    return min(max(number, -end - 1), end)
