"""A thermostat on a simulated plant through a day: closed loop, so what it does has consequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.plants import Plant
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.tuned import Tuned
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.replay.day import Circumstance, Command, Day, Deed, SensorState, Trouble
from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.rehearsal import Rehearsal, Surroundings

WINDOW_W_PER_K = 60.0
"""What an open window costs: a tilted one in a room of usual size."""

_LONGEST_LESSON_S = 7 * 86_400.0


class Simulation:
    """`options` as the agent has them; `tuned` None: what the thermostat assumes before any autotune."""

    def __init__(self, day: Day, options: ClimateOptions, tuned: Tuned | None = None) -> None:
        self._day = day
        self._options = replace(options, control=_sampling(options, day))
        self._rehearsal = Rehearsal(self._options, day.begins)
        if tuned is not None:
            self._rehearsal.thermostat.adopt(tuned)
        self._plant = Plant(day.plant, start_c=day.start_c, outdoor_c=day.weather_c(0.0), seed=day.seed)
        self._frozen_c: dict[int, float] = {}
        self.refusals: list[tuple[Command, RequestRejected]] = []

    def run(self) -> Iterator[Moment]:
        """Every step of the plant. Commands that were refused are in `refusals` afterwards."""
        day, step_s = self._day, self._day.plant.step_s
        commands = sorted(day.commands, key=lambda command: command.at_s)
        turns = sorted({at_s for trouble in day.circumstances for at_s in (trouble.at_s, trouble.until_s)})
        present, next_at = _Present.at(0.0, day.circumstances), 0.0
        for k in range(round(day.length_s / step_s)):
            now = k * step_s
            while turns and turns[0] <= now:
                present, next_at = _Present.at(turns.pop(0), day.circumstances), now
            while k and commands and commands[0].at_s <= now:  # a command finds the thermostat at work
                self._give(commands.pop(0))
                next_at = now
            outdoor_c = day.weather_c(now) if present.outdoor_c is None else present.outdoor_c
            readings = self._readings(present)
            if now >= next_at:
                next_at = self._rehearsal.step(now, self._surroundings(present, readings, outdoor_c)).next_at
            decision = self._rehearsal.decision
            heating = 1.0 if present.is_welded else decision.heating.delivered
            delivered = present.power * heating - decision.cooling.delivered
            body_c = self._plant.body_c
            yield self._rehearsal.moment(now, reading_c=readings[0].value, true_c=body_c, outdoor_c=outdoor_c, delivered=delivered)
            through_window_w = WINDOW_W_PER_K * (body_c - outdoor_c) if present.is_window_open else 0.0
            self._plant.step(delivered, outdoor_c=outdoor_c, gain_w=present.gain_w - through_window_w)

    @property
    def tuned(self) -> Tuned:
        return self._rehearsal.thermostat.tuned

    def _give(self, command: Command) -> None:
        try:
            self._rehearsal.obey(command)
        except RequestRejected as refusal:
            self.refusals.append((command, refusal))

    def _readings(self, present: _Present) -> tuple[Sample, ...]:
        """What each sensor says: all feel the same body, each with its own noise."""
        return tuple([self._reading(number, present.sensors.get(number)) for number in range(len(self._options.sensors))])

    def _reading(self, number: int, state: str | float | None) -> Sample:
        honest_c = self._plant.read()
        if state is None:
            self._frozen_c[number] = honest_c
            return Sample(honest_c)
        if state == SensorState.LOST:
            return Sample(None, reason="open sensor")
        return Sample(self._frozen_c.get(number, honest_c) if state == SensorState.STUCK else float(state))

    def _surroundings(self, present: _Present, readings: tuple[Sample, ...], outdoor_c: float) -> Surroundings:
        options = self._options
        return Surroundings(
            sensors=readings,
            limiter=Sample(self._plant.read()) if options.limiter is not None else None,
            outdoor=Sample(round(outdoor_c, 1)) if options.outdoor is not None else None,
            contact_open=present.is_window_open if options.window_contact is not None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    """The circumstances that hold at one moment; of two of a kind the one that began last."""

    outdoor_c: float | None = None
    power: float = 1.0
    gain_w: float = 0.0
    is_welded: bool = False
    is_window_open: bool = False
    sensors: Mapping[int, str | float]

    @classmethod
    def at(cls, now: float, circumstances: Sequence[Circumstance]) -> _Present:
        here = sorted((one for one in circumstances if one.at_s <= now < one.until_s), key=lambda one: one.at_s)
        last = {one.trouble: one.value for one in here}
        return cls(
            outdoor_c=float(last[Trouble.OUTDOOR]) if Trouble.OUTDOOR in last else None,
            power=float(last.get(Trouble.POWER, 1.0)),
            gain_w=float(last.get(Trouble.GAIN, 0.0)),
            is_welded=Trouble.CONTACT in last,
            is_window_open=Trouble.WINDOW in last,
            sensors={one.sensor: one.value for one in here if one.trouble is Trouble.SENSOR},
        )


@dataclass(frozen=True, slots=True)
class Learned:
    """What an autotune found, how long it took and how far it ran above its target."""

    tuned: Tuned
    took_s: float
    excursion_k: float


def learn(day: Day, options: ClimateOptions) -> Learned:
    """The lesson of `day`: an autotune in steady weather, with nothing that disturbs. RequestRejected in the thermostat's words when it fails."""
    lesson = day.lesson
    if lesson is None:
        raise LookupError("the day has no lesson")
    school = Day(
        plant=day.plant,
        start_c=lesson.start_c,
        outdoor_c=day.weather_c(0.0),
        length_s=_LONGEST_LESSON_S,
        seed=day.seed,
        commands=(Command(0.0, Deed.TARGET, lesson.target_c), Command(day.plant.step_s, Deed.AUTOTUNE, "start")),
    )
    simulation = Simulation(school, replace(options, schedule=None, window=None, window_contact=None))
    excursion_k = 0.0
    for moment in simulation.run():
        excursion_k = max(excursion_k, (moment.true_c or 0.0) - lesson.target_c)
        if simulation.refusals:
            raise simulation.refusals[0][1]
        if simulation.tuned.is_measured:
            return Learned(simulation.tuned, moment.at_s, excursion_k)
        if moment.autotune is not None and moment.autotune.reason:
            raise RequestRejected(Reason.BUSY, f"the autotune failed: {moment.autotune.reason}", "choose another target or weather")
    raise RequestRejected(Reason.BUSY, "the autotune did not end within a week", "look at it with the event autotune: start")


def _sampling(options: ClimateOptions, day: Day) -> ThermostatOptions:
    """The sensors are read once a step of the plant, not more often."""
    regulator = options.control.regulator
    return replace(options.control, regulator=replace(regulator, sample_s=max(regulator.sample_s, day.plant.step_s)))
