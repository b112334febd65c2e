"""Reference plants to try a thermostat on: three heat capacities, weather, and a poor sensor. Plain arithmetic, no library.

A plant is an emitter (radiator, slab, heating foil), a body (the air or liquid that is sensed) and a mass behind it
(walls), joined by conductances. The figures are our own round numbers for what one meets: a light room with a panel
heater, a room on a heated slab, a litre-sized lab vessel.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSpec:
    """Capacities in J/K, conductances in W/K, times in seconds. A capacity of 0 leaves the part out."""

    name: str
    power_w: float
    emitter_j_per_k: float
    body_j_per_k: float
    mass_j_per_k: float
    emitter_to_body_w_per_k: float
    body_to_mass_w_per_k: float
    body_to_outdoor_w_per_k: float
    mass_to_outdoor_w_per_k: float
    actuator_lag_s: float
    dead_time_s: float
    sensor_lag_s: float
    step_s: float
    noise_k: float = 0.03
    quantum_k: float = 0.1


LIGHT_ROOM = PlantSpec(
    name="light room",
    power_w=1500.0,
    emitter_j_per_k=1.8e5,
    body_j_per_k=7.0e5,
    mass_j_per_k=2.0e6,
    emitter_to_body_w_per_k=250.0,
    body_to_mass_w_per_k=180.0,
    body_to_outdoor_w_per_k=5.0,
    mass_to_outdoor_w_per_k=30.0,
    actuator_lag_s=0.0,
    dead_time_s=0.0,
    sensor_lag_s=240.0,
    step_s=10.0,
)
SLAB_ROOM = PlantSpec(
    name="slab room",
    power_w=1200.0,
    emitter_j_per_k=3.0e6,
    body_j_per_k=1.2e6,
    mass_j_per_k=9.0e6,
    emitter_to_body_w_per_k=170.0,
    body_to_mass_w_per_k=300.0,
    body_to_outdoor_w_per_k=7.0,
    mass_to_outdoor_w_per_k=11.0,
    actuator_lag_s=180.0,
    dead_time_s=180.0,
    sensor_lag_s=300.0,
    step_s=10.0,
)
VESSEL = PlantSpec(
    name="vessel",
    power_w=500.0,
    emitter_j_per_k=250.0,
    body_j_per_k=4200.0,
    mass_j_per_k=0.0,
    emitter_to_body_w_per_k=30.0,
    body_to_mass_w_per_k=0.0,
    body_to_outdoor_w_per_k=4.0,
    mass_to_outdoor_w_per_k=0.0,
    actuator_lag_s=0.0,
    dead_time_s=2.0,
    sensor_lag_s=15.0,
    step_s=0.5,
)
PLANTS = {spec.name: spec for spec in (LIGHT_ROOM, SLAB_ROOM, VESSEL)}


class Plant:
    """Begins at rest at `start_c`, held there by the heater as far as it can. The same seed gives the same readings."""

    def __init__(self, spec: PlantSpec, *, start_c: float, outdoor_c: float, seed: int = 1) -> None:
        self.spec = spec
        self.body_c = self.sensed_c = start_c
        loss_w, self._mass_c = self._at_rest(start_c, outdoor_c)
        duty = min(max(loss_w / spec.power_w, 0.0), 1.0)
        self._emitter_c = start_c + duty * spec.power_w / spec.emitter_to_body_w_per_k
        self._power = duty
        self._queue = deque([duty] * round(spec.dead_time_s / spec.step_s))
        self._random = random.Random(seed)  # noqa: S311 - noise, not secrets
        self.holding_duty = duty

    def step(self, heat: float, *, outdoor_c: float, gain_w: float = 0.0) -> None:
        """`step_s` seconds with `heat` 0..1 of full power (negative cools the body's emitter) and `gain_w` of other heat."""
        spec, dt = self.spec, self.spec.step_s
        self._queue.append(heat)
        self._power += (self._queue.popleft() - self._power) * dt / (spec.actuator_lag_s + dt)
        given_w = spec.emitter_to_body_w_per_k * (self._emitter_c - self.body_c)
        to_mass_w = spec.body_to_mass_w_per_k * (self.body_c - self._mass_c)
        lost_w = spec.body_to_outdoor_w_per_k * (self.body_c - outdoor_c)
        self._emitter_c += (spec.power_w * self._power - given_w) * dt / spec.emitter_j_per_k
        self.body_c += (given_w - to_mass_w - lost_w + gain_w) * dt / spec.body_j_per_k
        if spec.mass_j_per_k:
            self._mass_c += (to_mass_w - spec.mass_to_outdoor_w_per_k * (self._mass_c - outdoor_c)) * dt / spec.mass_j_per_k
        self.sensed_c += (self.body_c - self.sensed_c) * dt / (spec.sensor_lag_s + dt)

    def read(self) -> float:
        """What the sensor says: late, noisy, in steps."""
        noisy = self.sensed_c + self._random.gauss(0.0, self.spec.noise_k)
        return round(round(noisy / self.spec.quantum_k) * self.spec.quantum_k, 6)

    def _at_rest(self, body_c: float, outdoor_c: float) -> tuple[float, float]:
        """Heat that flows outdoors and the temperature of the mass, with the body held at `body_c`."""
        spec = self.spec
        direct_w = spec.body_to_outdoor_w_per_k * (body_c - outdoor_c)
        if not spec.mass_j_per_k:
            return direct_w, body_c
        inner, outer = spec.body_to_mass_w_per_k, spec.mass_to_outdoor_w_per_k
        mass_c = (inner * body_c + outer * outdoor_c) / (inner + outer)
        return direct_w + outer * (mass_c - outdoor_c), mass_c
