"""How well thermostats hold a temperature: ours after its own autotune beside the laws of its peers, on our reference plants.

    python -m tests.bench thermostat [--plant NAME] [--seeds N]

Scored is the true temperature of the body, not the reading. Simulated, so the figures do not depend on the machine.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import process_time

from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Inputs, Mode
from lucid2mqtt.control.failure import FailureOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.plants import PLANTS, VESSEL, Plant, PlantSpec
from lucid2mqtt.control.regulator import RegulatorOptions
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.control.tuned import Tuned
from tests.bench.thermostat_peers import Controller, EspHomePid, GenericThermostat, HaSmartPid, VersatileTpi, relay_test_gains

HOUR = 3600.0
Course = Callable[[float], float]


@dataclass(frozen=True)
class Bed:
    """How a plant is tried. Times in hours; the vessel lives sixty times faster than a room."""

    spec: PlantSpec
    unit_s: float
    target_c: float
    low_c: float
    outdoor_c: float
    cycle_s: float
    least_s: float
    long_least_s: float
    gain_w: float


BEDS = {
    "light room": Bed(PLANTS["light room"], HOUR, 21.0, 18.0, 1.0, 600.0, 60.0, 300.0, 150.0),
    "slab room": Bed(PLANTS["slab room"], HOUR, 21.0, 19.5, 1.0, 1200.0, 180.0, 600.0, 150.0),
    "vessel": Bed(VESSEL, 60.0, 60.0, 45.0, 22.0, 8.0, 0.5, 4.0, 40.0),
}


@dataclass(frozen=True)
class Scenario:
    name: str
    hours: float
    target: Course
    outdoor: Course
    gain: Course
    scored_from: float
    reading: Callable[[float, float], float | None] = field(default=lambda _, reading: reading)
    power: float = 1.0
    step_at: float | None = None
    least_s: float | None = None  # minimum on and off time enforced from outside


@dataclass(frozen=True)
class Score:
    rmse_k: float
    overshoot_k: float
    settled_h: float
    peak_c: float
    closures_per_day: float


class Ours:
    """The thermostat as an engine would drive it: every step of the plant, its own proportioning."""

    name = "lucid2mqtt"

    def __init__(self, bed: Bed, least_s: float | None, tuned: Tuned | None) -> None:
        least_s = bed.least_s if least_s is None else least_s
        self.thermostat = Thermostat(
            ThermostatOptions(
                heating=DriveOptions(cycle_s=max(bed.cycle_s, 4 * least_s), min_on_s=least_s, min_off_s=least_s),
                regulator=RegulatorOptions(sample_s=bed.spec.step_s),
                failure=FailureOptions(frost_duty=0.1),
            )
        )
        if tuned is not None:
            self.thermostat.adopt(tuned)

    def step(self, now: float, reading_c: float | None, target_c: float, outdoor_c: float) -> bool:
        decision = self.thermostat.step(now, inputs(reading_c, target_c, outdoor_c))
        return decision.heating.relays[0]


def inputs(reading_c: float | None, target_c: float, outdoor_c: float) -> Inputs:
    return Inputs(sensors=(Sample(reading_c),), mode=Mode.HEAT, target_c=target_c, outdoor=Sample(round(outdoor_c, 1)))


@dataclass(frozen=True)
class Tuning:
    tuned: Tuned
    hours: float
    excursion_k: float


def autotune(bed: Bed, seed: int = 99) -> Tuning:
    """A session from well below the target in steady weather. RuntimeError with the thermostat's own words when it fails."""
    ours = Ours(bed, None, None)
    plant = Plant(bed.spec, start_c=bed.low_c, outdoor_c=bed.outdoor_c, seed=seed)
    now, excursion_k = 0.0, 0.0
    ours.step(now, plant.read(), bed.target_c, bed.outdoor_c)
    ours.thermostat.start_autotune()
    while not ours.thermostat.tuned.is_measured:
        decision = ours.thermostat.step(now, inputs(plant.read(), bed.target_c, bed.outdoor_c))
        if decision.autotune is not None and decision.autotune.reason:
            raise RuntimeError(decision.autotune.reason)
        plant.step(float(decision.heating.relays[0]), outdoor_c=bed.outdoor_c)
        excursion_k = max(excursion_k, plant.body_c - bed.target_c)
        now += bed.spec.step_s
    return Tuning(ours.thermostat.tuned, now / bed.unit_s, excursion_k)


def scenarios(bed: Bed, seed: int) -> list[Scenario]:
    """Step, setback, disturbed days, sensor gone, sensor stuck, heater too weak, long minimum times."""
    unit, high, low = bed.unit_s, bed.target_c, bed.low_c
    still, none = _flat(bed.outdoor_c), _flat(0.0)
    weather, gains = _weather(bed, seed), _gains(bed, seed)
    # cold enough that 60 % of the power cannot hold the target, then mild again
    full_loss_k = (high - bed.outdoor_c) / Plant(bed.spec, start_c=high, outdoor_c=bed.outdoor_c).holding_duty
    cold_c, mild_c = high - 0.72 * full_loss_k, high - 0.25 * full_loss_k
    return [
        Scenario("step", 26, lambda t: low if t < 2 * unit else high, still, none, 2, step_at=2),
        Scenario("setback", 72, lambda t: high if 6 <= (t / unit) % 24 < 22 else low, weather, gains, 12),
        Scenario("disturbed", 72, _flat(high), weather, gains, 12),
        Scenario("drop-out", 72, _flat(high), weather, gains, 12, reading=lambda t, r: None if _gap(t / unit) else r),
        Scenario("stuck", 36, _flat(high), weather, none, 6, reading=lambda t, r: high - 1.0 if 12 <= t / unit < 30 else r),
        Scenario("undersized", 60, _flat(high), lambda t: cold_c if t < 24 * unit else mild_c, none, 24, power=0.6, step_at=24),
        Scenario("minimum times", 72, _flat(high), weather, gains, 12, least_s=bed.long_least_s),
    ]


def run(bed: Bed, scenario: Scenario, controller: Controller, seed: int) -> Score:
    plant = Plant(bed.spec, start_c=scenario.target(0.0), outdoor_c=scenario.outdoor(0.0), seed=seed)
    step_s = bed.spec.step_s
    is_on, switched_at, closures = False, -math.inf, 0
    squares = count = 0.0
    peak_c, overshoot_k, unsettled_at, has_arrived = -math.inf, 0.0, 0.0, False
    step_at = (scenario.step_at if scenario.step_at is not None else scenario.hours) * bed.unit_s
    for k in range(round(scenario.hours * bed.unit_s / step_s)):
        now = k * step_s
        target_c, outdoor_c = scenario.target(now), scenario.outdoor(now)
        wanted = controller.step(now, scenario.reading(now, plant.read()), target_c, outdoor_c)
        if wanted is not is_on and now - switched_at >= (scenario.least_s or 0.0):
            is_on, switched_at = wanted, now
            closures += wanted
        plant.step(scenario.power * is_on, outdoor_c=outdoor_c, gain_w=scenario.gain(now))
        error_k = plant.body_c - target_c
        if now >= scenario.scored_from * bed.unit_s:
            squares, count = squares + error_k**2, count + 1
            peak_c = max(peak_c, plant.body_c)
        if now >= step_at:
            has_arrived = has_arrived or error_k >= -0.05
            overshoot_k = max(overshoot_k, error_k) if has_arrived else overshoot_k
            unsettled_at = now if abs(error_k) > 0.5 else unsettled_at
    days = scenario.hours * bed.unit_s / 86400.0
    settled_h = max(0.0, unsettled_at - step_at) / bed.unit_s
    return Score(math.sqrt(squares / count), overshoot_k if has_arrived else math.nan, settled_h, peak_c, closures / days)


def contenders(bed: Bed, tuned: Tuned) -> dict[str, Callable[[Scenario], Controller]]:
    is_fast = bed.unit_s < HOUR
    gains = relay_test_gains(bed.spec, bed.target_c, bed.outdoor_c)
    return {
        Ours.name: lambda scenario: Ours(bed, scenario.least_s, tuned),
        GenericThermostat.name: lambda _: GenericThermostat(),
        VersatileTpi.name: lambda _: VersatileTpi(bed.cycle_s if is_fast else 300.0),
        HaSmartPid.name: lambda _: HaSmartPid(bed.cycle_s if is_fast else 900.0),
        EspHomePid.name: lambda _: EspHomePid(gains, bed.cycle_s),
    }


COLUMNS = (
    "controller | step: over K | settled h | setback RMSE K | disturbed RMSE K | closures/day | drop-out RMSE K | peak °C "
    "| stuck: peak °C | undersized: over K | minimum times RMSE K"
)


def table(bed: Bed, seeds: Iterable[int]) -> str:
    """One plant, every controller, as a Markdown table; figures are means over the seeds."""
    tuning = autotune(bed)
    model = tuning.tuned.model
    lines = [
        f"### {bed.spec.name}",
        f"autotune {tuning.hours:.1f} {'h' if bed.unit_s == HOUR else 'min'}, excursion {tuning.excursion_k:.2f} K, "
        f"dead time {model.dead_time_s:.0f} s, {model.rate_k_per_s * 3600:.2f} K/h per duty"
        + ("" if bed.unit_s == HOUR else "; 'h' are minutes here"),
        "",
        f"| {COLUMNS} |",
        "|---" * (COLUMNS.count("|") + 1) + "|",
    ]
    for name, make in contenders(bed, tuning.tuned).items():
        scores: dict[str, list[Score]] = {}
        for seed in seeds:
            for scenario in scenarios(bed, seed):
                scores.setdefault(scenario.name, []).append(run(bed, scenario, make(scenario), seed))
        lines.append(f"| {name} | " + " | ".join(_cells(scores)) + " |")
    return "\n".join(lines)


def week_cpu_s() -> float:
    """CPU seconds for a simulated week, stepped when the thermostat asks for it, as an engine does."""
    bed = BEDS["light room"]
    ours, plant = Ours(bed, None, autotune(bed).tuned), Plant(bed.spec, start_c=bed.target_c, outdoor_c=bed.outdoor_c)
    began, next_at, heat = process_time(), 0.0, 0.0
    for k in range(round(7 * 86_400 / bed.spec.step_s)):
        now = k * bed.spec.step_s
        if now >= next_at:
            decision = ours.thermostat.step(now, inputs(plant.read(), bed.target_c, bed.outdoor_c))
            heat, next_at = decision.heating.delivered, decision.next_at
        plant.step(heat, outdoor_c=bed.outdoor_c)
    return process_time() - began


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench thermostat", description=__doc__)
    parser.add_argument("--plant", action="append", choices=sorted(BEDS))
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args(argv)
    print(f"a simulated week of the light room takes {week_cpu_s():.2f} s of CPU here\n")
    for name in asked.plant or BEDS:
        print(table(BEDS[name], range(1, asked.seeds + 1)), end="\n\n", flush=True)
    return 0


def _cells(scores: dict[str, list[Score]]) -> list[str]:
    def mean(scenario: str, pick: Callable[[Score], float], digits: int) -> str:
        value = sum(map(pick, scores[scenario])) / len(scores[scenario])
        return "never" if math.isnan(value) else f"{value:.{digits}f}"

    return [
        mean("step", lambda s: s.overshoot_k, 2),
        mean("step", lambda s: s.settled_h, 2),
        mean("setback", lambda s: s.rmse_k, 2),
        mean("disturbed", lambda s: s.rmse_k, 3),
        mean("disturbed", lambda s: s.closures_per_day, 0),
        mean("drop-out", lambda s: s.rmse_k, 2),
        mean("drop-out", lambda s: s.peak_c, 1),
        mean("stuck", lambda s: s.peak_c, 1),
        mean("undersized", lambda s: s.overshoot_k, 2),
        mean("minimum times", lambda s: s.rmse_k, 3),
    ]


def _flat(value: float) -> Course:
    return lambda _: value


def _weather(bed: Bed, seed: int) -> Course:
    rng = random.Random(seed)
    knots = [rng.gauss(0.0, 0.8) for _ in range(64)]

    def outdoor(t: float) -> float:
        hour = t / bed.unit_s
        place, part = divmod(hour / 2, 1.0)
        here, there = knots[int(place) % 64], knots[(int(place) + 1) % 64]
        return bed.outdoor_c + 5.0 * math.sin(2 * math.pi * (hour - 9) / 24) + here + (there - here) * part

    return outdoor


def _gains(bed: Bed, seed: int) -> Course:
    """People in the morning and evening, sun between 8 and 17 with clouds."""
    rng = random.Random(seed + 1000)
    clouds = [0.25 + 0.75 * rng.random() for _ in range(192)]

    def gain(t: float) -> float:
        hour = (t / bed.unit_s) % 24
        people = 1.0 if 6.5 <= hour < 8 or 17 <= hour < 22.5 else 0.15
        sun = 2.0 * math.sin(math.pi * (hour - 8) / 9) * clouds[int(2 * t / bed.unit_s) % 192] if 8 <= hour <= 17 else 0.0
        return bed.gain_w * (people + sun)

    return gain


def _gap(hour: float) -> bool:
    return 20 <= hour < 20.1 or 30 <= hour < 33 or 54 <= hour < 64
