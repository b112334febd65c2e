"""A thermostat as it is in the agent, presets, schedule and window included, but with a clock that is told and nothing to switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lucid2mqtt.climate.aim import Aim, Aiming, Circumstances
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.exchange import Decision, Inputs, Mode
from lucid2mqtt.control.feedforward import fresh_outdoor_c
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.replay.day import Command, Deed
from lucid2mqtt.replay.moment import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the thermostat is given at one moment. `contact_open` None: no window contact."""

    sensors: tuple[Sample, ...]
    limiter: Sample | None = None
    outdoor: Sample | None = None
    contact_open: bool | None = None


class Rehearsal:
    """Steps `control` as the engine does; `begins` (aware) is the wall clock at second 0."""

    def __init__(self, options: ClimateOptions, begins: datetime) -> None:
        self.thermostat = Thermostat(options.control, sensors=len(options.sensors))
        self._options = options
        self._begins = begins
        self._aiming = Aiming(options)
        self._mode = options.mode
        self._manual_duty = 0.0
        self._decision: Decision | None = None
        self._aim: Aim | None = None

    @property
    def decision(self) -> Decision:
        """The last one; LookupError before the first `step`."""
        if self._decision is None:
            raise LookupError("no step has been made")
        return self._decision

    def obey(self, command: Command) -> None:
        """Carries out a command. RequestRejected, in the thermostat's words, where it cannot."""
        match command.deed, command.value:
            case Deed.TARGET, value:
                self._aiming.presets.set_target(float(value))
            case Deed.PRESET, value:
                self._aiming.presets.choose(str(value), command.at_s, for_s=command.for_s)
            case Deed.MODE, value:
                self._choose(Mode(str(value)))
            case Deed.DUTY, value:
                self._manual_duty = float(value)
            case Deed.AUTOTUNE, "start":
                self.thermostat.start_autotune()
            case Deed.AUTOTUNE, "abort":
                self.thermostat.abort_autotune()
            case Deed.AUTOTUNE, _:
                self.thermostat.undo_tuning()
            case Deed.RESET, _:
                self.thermostat.reset_alarms()

    def step(self, now: float, seen: Surroundings) -> Decision:
        """What is done from `now` (seconds since the begin) on, until the decision's `next_at` at the latest."""
        aim = self._aim = self._aiming.at(
            Circumstances(
                now=now,
                wall=self._begins + timedelta(seconds=now),
                mode=self._mode,
                room_c=self._decision.temperature_c if self._decision is not None else None,
                outdoor_c=fresh_outdoor_c(self._options.control.weather, seen.outdoor),
                contact_open=seen.contact_open,
                tuned=self.thermostat.tuned,
                is_tuning=self.thermostat.is_tuning,
            )
        )
        self._decision = self.thermostat.step(
            now,
            Inputs(
                sensors=seen.sensors,
                mode=aim.mode,
                target_c=aim.target_c,
                manual_duty=self._manual_duty,
                limiter=seen.limiter,
                outdoor=seen.outdoor,
                pause=aim.pause,
            ),
        )
        return self._decision

    def moment(self, at_s: float, *, reading_c: float | None, true_c: float | None, outdoor_c: float | None, delivered: float) -> Moment:
        """What there is to show, after the last `step`."""
        decision, aim = self.decision, self._aim
        return Moment(
            at_s=at_s,
            reading_c=reading_c,
            true_c=true_c,
            target_c=aim.target_c if aim is not None else None,
            outdoor_c=outdoor_c,
            mode=self._mode,
            setpoint_c=decision.target_c,
            duty=decision.duty,
            delivered=delivered,
            closed=sum(decision.heating.relays) + sum(decision.cooling.relays),
            stage=decision.stage,
            window=self._aiming.window,
            alarms=decision.alarms,
            reason=f"{decision.reason} ({aim.reason})" if aim is not None else decision.reason,
            autotune=decision.autotune,
        )

    def _choose(self, mode: Mode) -> None:
        if mode not in self._options.modes:
            offered = ", ".join(self._options.modes)
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"there is no mode {mode} with these outputs", f"choose one of {offered}")
        if mode is Mode.MANUAL and self._mode is not Mode.MANUAL and self._decision is not None:
            self._manual_duty = self._decision.duty
        self._mode = mode
