"""The laws of well-known thermostats, written anew from their published behaviour, as small as they can be.

They are not those projects: defaults and simple tuning only. Each has `step(now, reading, target_c, outdoor_c) -> relay closed`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Protocol

from lucid2mqtt.control.plants import Plant, PlantSpec


class Controller(Protocol):
    name: str

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool: ...


class GenericThermostat:
    """Home Assistant's generic_thermostat: on 0.3 K below, off 0.3 K above; without a reading the relay stays as it was."""

    name = "generic_thermostat"

    def __init__(self) -> None:
        self._on = False

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool:
        if reading_c is not None:
            if reading_c >= target_c + 0.3:
                self._on = False
            elif reading_c <= target_c - 0.3:
                self._on = True
        return self._on


class VersatileTpi:
    """Versatile Thermostat's TPI: duty = 0.6 x error + 0.01 x (target - outdoor), pulses of 5 min, at least 10 s."""

    name = "Versatile TPI"

    def __init__(self, cycle_s: float) -> None:
        self._cycle_s = cycle_s
        self._began: float | None = None
        self._pulse_s = 0.0
        self._reading_c: float | None = None
        self._read_at = 0.0

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool:
        if reading_c is not None:
            self._reading_c, self._read_at = reading_c, now
        if self._reading_c is None:
            return False
        if self._began is None or now - self._began >= self._cycle_s:
            self._began = now
            duty = min(max(0.6 * (target_c - self._reading_c) + 0.01 * (target_c - outdoor_c), 0.0), 1.0)
            if now - self._read_at > 3600.0 and duty >= 0.5:
                duty = 0.1
            self._pulse_s = duty * self._cycle_s if duty * self._cycle_s >= self._cycle_s / 30 else 0.0
        return now - self._began < self._pulse_s


class HaSmartPid:
    """HASmartThermostat with the gains of its README (50, 0.01, 2000 in percent): computes on changed readings, pulses of 15 min."""

    name = "HASmartThermostat PID"

    def __init__(self, cycle_s: float) -> None:
        self._cycle_s = cycle_s
        self._integral = self._percent = 0.0
        self._reading_c: float | None = None
        self._target_c: float | None = None
        self._read_at = self._seen_at = self._switched_at = 0.0
        self._on = False

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool:
        if reading_c is not None:
            self._seen_at = now
            if reading_c != self._reading_c or target_c != self._target_c:
                self._compute(now, reading_c, target_c)
        elif now - self._seen_at > 6 * 3600.0:
            self._percent = 5.0
        on_s = self._cycle_s * self._percent / 100.0
        waited_s = now - self._switched_at
        wanted = waited_s < on_s if self._on else waited_s >= self._cycle_s - on_s and self._percent > 0.0
        if self._percent >= 100.0:
            wanted = True
        if wanted is not self._on:
            self._on, self._switched_at = wanted, now
        return self._on

    def _compute(self, now: float, reading_c: float, target_c: float) -> None:
        elapsed_s = now - self._read_at if self._reading_c is not None else 0.0
        error_k = target_c - reading_c
        if 0.0 < self._percent < 100.0 and target_c == self._target_c:
            self._integral = min(max(self._integral + 0.01 * error_k * elapsed_s, 0.0), 100.0)
        change = reading_c - self._reading_c if self._reading_c is not None else 0.0
        derivative = -2000.0 * change / elapsed_s if elapsed_s else 0.0
        self._percent = min(max(50.0 * error_k + self._integral + derivative, 0.0), 100.0)
        self._reading_c, self._target_c, self._read_at = reading_c, target_c, now


class EspHomePid:
    """ESPHome's PID with slow_pwm: raw derivative, the level compared with the phase on every pass, 0 without a reading."""

    name = "ESPHome PID"

    def __init__(self, gains: tuple[float, float, float], cycle_s: float) -> None:
        self._kp, self._ki, self._kd = gains
        self._cycle_s = cycle_s
        self._integral = self._output = 0.0
        self._error_k: float | None = None
        self._target_c: float | None = None
        self._at: float | None = None

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool:
        if reading_c is None:
            self._output = 0.0
        else:
            elapsed_s = now - self._at if self._at is not None else 0.0
            error_k = target_c - reading_c
            self._integral = min(max(self._integral + self._ki * error_k * elapsed_s, -1.0), 1.0)
            is_same_target = self._target_c == target_c and self._error_k is not None and elapsed_s > 0.0
            derivative = (error_k - (self._error_k or 0.0)) / elapsed_s if is_same_target else 0.0
            self._output = self._kp * error_k + self._integral + self._kd * derivative
            self._error_k, self._target_c, self._at = error_k, target_c, now
        return min(max(self._output, 0.0), 1.0) * self._cycle_s > now % self._cycle_s


def relay_test_gains(spec: PlantSpec, target_c: float, outdoor_c: float) -> tuple[float, float, float]:
    """ESPHome's autotuner as documented: full relay with 0.25 K noise band, Ziegler-Nichols PID."""
    plant = Plant(spec, start_c=target_c - 1.0, outdoor_c=outdoor_c, seed=5)
    is_on, now = True, 0.0
    switched: list[float] = []
    extremes: list[float] = []
    extreme = 0.0
    while len(switched) < 9 and now < 20 * 86400.0:
        error_k = target_c - plant.read()
        extreme = min(extreme, error_k) if is_on else max(extreme, error_k)
        if (error_k < -0.25) if is_on else (error_k > 0.25):
            is_on = not is_on
            switched.append(now)
            extremes.append(extreme)
            extreme = error_k
        plant.step(float(is_on), outdoor_c=outdoor_c)
        now += spec.step_s
    period_s = (switched[-1] - switched[-7]) / 3
    swing_k = sum(abs(b - a) for a, b in pairwise(extremes[2:])) / (len(extremes) - 3) / 2
    ku = 4 * 0.5 / (math.pi * swing_k)
    return 0.6 * ku, 1.2 * ku / period_s, 0.075 * ku * period_s
