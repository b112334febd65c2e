"""RTD inputs: a slow sequential scan, 0.1 °C steps, sensors that are not there (sections 7.6 and 10)."""

from __future__ import annotations

import math

from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.analog import Span
from lucid2mqtt.sim.channel import InputChannel, SensorFault
from lucid2mqtt.sim.memory import Memory
from lucid2mqtt.sim.quirks import BrokenSensor, Fault, FineTemperature, Quirks, Refusal
from lucid2mqtt.sim.scan import noise_source

PT1000 = frozenset({0x1000, 0x1001})
BEYOND_C = 50.0
"""How far outside the range a broken sensor reads with `BrokenSensor.BEYOND`."""
_LOWEST = {ValueType.TMS2: -0x8000, ValueType.TMS4: -0x8000_0000}
_HIGHEST = {ValueType.TMS2: 0x7FFF, ValueType.TMS4: 0x7FFF_FFFF}


def resistance_ohm(temperature_c: float, nominal_ohm: float) -> float:
    """Resistance of a platinum sensor by IEC 60751."""
    linear = 1 + 3.9083e-3 * temperature_c - 5.775e-7 * temperature_c**2
    if temperature_c < 0:
        linear += -4.183e-12 * (temperature_c - 100) * temperature_c**3
    return nominal_ohm * linear


class TemperatureInput(InputChannel):
    """One sensor; `signal` is its temperature in °C, or what is wrong with it."""

    has_sensor = True
    value_types = frozenset({ValueType.TMS2, ValueType.TMS4, ValueType.RMU2})

    def __init__(self, memory: Memory, quirks: Quirks, module_type: ModuleType, seed: str) -> None:
        super().__init__(memory, quirks, signal=20.0)
        self._span = Span(module_type)
        self._nominal_ohm = 1000.0 if module_type.type_code in PT1000 else 100.0
        self._seed = seed
        self._sensor: float | SensorFault = 0.0  # until the first scan

    @property
    def conversion_s(self) -> float:
        """Current on, wait the setup time, convert; the scan interval is the time per sensor (500 ms in the 2013 table)."""
        if self.mode == m.INACTIVE:
            return 0.0
        return max(self.memory[m.SCAN_INTERVAL], self.memory[m.SETUP_TIME]) / 1000

    def convert(self, at: float) -> None:
        self.take_signals(at)
        if self.is_stuck:
            return
        if isinstance(self.signal, SensorFault):
            self._sensor = self.signal
            return
        deviation = self.quirks.temperature_noise_c / math.sqrt(self.memory[m.RTD_SAMPLES])
        self._sensor = self.signal + noise_source(self._seed, at).gauss(0.0, deviation)

    def check_type(self, value_type: int) -> None:
        super().check_type(value_type)
        if value_type == ValueType.TMS4 and self.quirks.fine_temperature is FineTemperature.REFUSED:
            raise Refusal(Fault.BAD_VALUE_TYPE)

    def measured(self, value_type: ValueType) -> int:
        if isinstance(self._sensor, SensorFault):
            return self._broken(self._sensor, value_type)
        if value_type is ValueType.RMU2:
            return self._resistance(self._sensor)
        shown = self._sensor + self.memory[m.OFFSET] / 10
        return self._number(min(max(shown, self._span.minimum), self._span.maximum), value_type)

    def parameter(self, place: int) -> int:
        if place != m.VALUE:
            return super().parameter(place)
        return self._resistance(self._sensor)

    def _resistance(self, sensor: float | SensorFault) -> int:
        match sensor:
            case SensorFault.OPEN:
                return 0xFFFF
            case SensorFault.SHORTED:
                return 0
            case _:
                return min(max(round(10 * resistance_ohm(sensor, self._nominal_ohm)), 0), 0xFFFF)

    def _number(self, temperature_c: float, value_type: ValueType) -> int:
        if value_type is ValueType.TMS2:
            return round(temperature_c * 10)
        if self.quirks.fine_temperature is FineTemperature.COARSE:
            return round(temperature_c * 10) * 10
        return round(temperature_c * 100)

    def _broken(self, fault: SensorFault, value_type: ValueType) -> int:
        is_open = fault is SensorFault.OPEN
        answer = self.quirks.open_sensor if is_open else self.quirks.shorted_sensor
        if answer is BrokenSensor.REFUSED:
            raise Refusal(Fault.NOT_POSSIBLE)
        if value_type is ValueType.RMU2:
            return self._resistance(fault)
        end, beyond = (self._span.maximum, BEYOND_C) if is_open else (self._span.minimum, -BEYOND_C)
        match answer:
            case BrokenSensor.RANGE_END:
                return self._number(end, value_type)
            case BrokenSensor.BEYOND:
                return self._number(end + beyond, value_type)
            case BrokenSensor.EXTREME_NUMBER:
                return (_HIGHEST if is_open else _LOWEST)[value_type]
