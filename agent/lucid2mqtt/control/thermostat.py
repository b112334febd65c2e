"""One thermostat, put together: readings in, outputs and alarms out, one step at a time.

Order of a step: limiter, sensors, mode, law (or autotune, or what is done without a temperature), outputs, supervision.
It knows no clock, no network and no disk; whoever drives it calls `step` at `next_at`, or earlier when an input changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lucid2mqtt.control.alarms import AlarmBoard, AlarmName
from lucid2mqtt.control.changeover import Changeover
from lucid2mqtt.control.drive import Order
from lucid2mqtt.control.exchange import Activity, Decision, Inputs, Mode, TuningProgress
from lucid2mqtt.control.failure import LossStage, SensorLoss
from lucid2mqtt.control.feedforward import fresh_outdoor_c
from lucid2mqtt.control.limiter import Limiter
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.regulator import Direction, LawKind
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.senses import Perception, Senses
from lucid2mqtt.control.side import Side
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning_session import TuningSession
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.errors import Reason, RequestRejected

_LONGEST_WAIT_S = 30.0
_SHORTEST_WAIT_S = 0.02
_CONTROLLED = (Mode.HEAT, Mode.COOL, Mode.AUTO)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to do in one step: `duty` 0..1 of `side`; no side: nothing."""

    side: Side | None
    duty: float
    reason: str


class Thermostat:
    """`sensors`: how many control sensors `Inputs` will bring."""

    def __init__(self, options: ThermostatOptions, *, sensors: int = 1) -> None:
        self._options = options
        self._changeover = Changeover(options)
        self._senses = Senses(options.sensing, sensors, sample_s=options.regulator.sample_s)
        self._limiter = Limiter(options.limiter) if options.limiter else None
        self._alarms = AlarmBoard()
        self._loss = SensorLoss(options.failure)
        self._stage = LossStage.NONE
        self._seen = Perception(None, None)
        self._session: TuningSession | None = None
        self._wants_tuning = False
        self._tuning_shown: TuningProgress | None = None
        self._last: Inputs | None = None

    # ---- commands

    def start_autotune(self) -> None:
        """The next step begins a session for the target and direction in force. RequestRejected with the reason where it cannot work."""
        last = self._last
        if self._session is not None:
            raise _refusal("an autotune is running", "abort it first")
        if self._options.regulator.law is LawKind.ON_OFF:
            raise _refusal("the on/off law has nothing to tune", "choose the law pid first")
        if last is None or last.mode not in _CONTROLLED or last.target_c is None:
            raise _refusal("there is no target to tune at", "choose heat, cool or auto and a target first")
        if self._seen.raw_c is None:
            raise _refusal("there is no temperature", "repair the sensor first")
        obstacle = self._obstacle(last)
        if obstacle:
            raise _refusal(f"the output is blocked: {obstacle}", "remove the cause first")
        self._wants_tuning = True

    def abort_autotune(self, why: str = "aborted by command") -> None:
        """Goes on with the gains from before. RequestRejected when no autotune runs."""
        if self._session is None and not self._wants_tuning:
            raise _refusal("no autotune is running", "nothing has to be done")
        self._end_session(why)

    def adopt(self, tuned: Tuned) -> None:
        """A tuning from elsewhere for the direction at work; `undo_tuning` brings back the one before."""
        self._changeover.active.adopt(tuned)

    def undo_tuning(self) -> None:
        """The tuning before the last autotune comes back. RequestRejected while tuning, or when there was none."""
        if self._session is not None:
            raise _refusal("an autotune is running", "abort it first")
        self._changeover.active.undo_tuning()

    def reset_alarms(self) -> None:
        """Opens latches whose cause has gone. RequestRejected when the limiter is still hot, or nothing could be opened."""
        if self._limiter is not None and self._limiter.trip:
            self._limiter.reset()
            self._alarms.forget(AlarmName.LIMITER)
            if not self._alarms.can_reset:
                return
        self._alarms.reset()

    def learn_contacts(self, *, heating: Contact | None, cooling: Contact | None) -> None:
        """What the modules say of their contacts, for the cycles where the owner said nothing; None: not known, a relay."""
        for side, contact in ((self._changeover.heating, heating), (self._changeover.cooling, cooling)):
            if side is not None:
                side.learn_contact(contact)

    @property
    def tuned(self) -> Tuned:
        """The tuning of the direction at work, to be shown."""
        return self._changeover.active.shelf.current

    @property
    def is_tuning(self) -> bool:
        """An autotune is under way."""
        return self._session is not None

    # ---- one step

    def step(self, now: float, inputs: Inputs) -> Decision:
        """Everything that follows from `inputs` at `now` (monotonic seconds, never smaller than before)."""
        allows_heat = self._limiter is None or self._limiter.step(now, inputs.limiter)
        self._seen = seen = self._senses.step(
            now,
            inputs.sensors,
            expected_k=sum([side.expected_k for side in self._changeover.sides]),
            model=self._changeover.active.model,
            is_measured=self.tuned.is_measured,
            alarms=self._alarms,
        )
        wish = self._wish(now, inputs, seen)
        heating, cooling = self._drive_both(now, wish, inputs, allows_heat=allows_heat)
        self._tell_alarms(now, inputs, seen)
        alarms = self._alarms.settle()
        if self._alarms.blocks:  # what has only just been noticed does not wait for the next step
            heating, cooling = self._drive_both(now, wish, inputs, allows_heat=allows_heat)
        self._last = inputs
        is_controlled = inputs.mode in _CONTROLLED
        return Decision(
            heating=heating,
            cooling=cooling,
            next_at=now + self._wait_s(now),
            duty=sum([side.direction.value * side.duty for side in self._changeover.sides]),
            activity=_activity(inputs.mode, heating, cooling),
            temperature_c=seen.filtered_c,
            target_c=self._session.target_c if self._session is not None else inputs.target_c if is_controlled else None,
            stage=self._stage,
            alarms=alarms,
            reason=self._told(now, wish, gives_something=bool(heating.delivered or cooling.delivered)),
            autotune=self._session.progress if self._session is not None else self._tuning_shown,
        )

    def _wish(self, now: float, inputs: Inputs, seen: Perception) -> _Wish:
        active = self._changeover.active
        self._stage = self._loss.stage(
            now,
            is_known=seen.filtered_c is not None,
            is_stuck=seen.is_stuck,
            has_history=active.regulator.has_history,
            dead_time_s=active.model.dead_time_s,
        )
        obstacle = self._obstacle(inputs)
        if obstacle:
            return self._rest(obstacle, is_failure=True)
        if not self._serves_tuning(inputs.mode):
            self._end_session(f"mode {inputs.mode} was chosen")
        if inputs.mode is Mode.MANUAL:
            return self._manual(inputs)
        if inputs.target_c is None:
            return self._rest("no target, neither heat nor cold")
        outdoor_c = fresh_outdoor_c(self._options.weather, inputs.outdoor)
        if seen.filtered_c is None or seen.raw_c is None:
            return self._blind(inputs.mode, inputs.target_c, outdoor_c)
        side = self._changeover.choose(now, inputs.mode, inputs.target_c, seen.filtered_c)
        if side is None:
            return self._rest(f"nothing to {inputs.mode} with" if inputs.mode in _CONTROLLED else "off")
        return self._controlled(now, side, inputs, seen.raw_c, seen.filtered_c, outdoor_c)

    def _controlled(self, now: float, side: Side, inputs: Inputs, raw_c: float, measured_c: float, outdoor_c: float | None) -> _Wish:
        target_c = self._changeover.aim_c(inputs.mode, inputs.target_c or 0.0)
        if self._wants_tuning:
            self._begin_session(side, target_c)
        if self._session is not None:
            return self._tune(now, self._session, raw_c, outdoor_c)
        regulator = side.regulator
        if self._last is not None and self._last.mode is Mode.MANUAL:
            regulator.take_over(side.duty, target_c=target_c, measured_c=measured_c, outdoor_c=outdoor_c)
        duty = regulator.step(now, target_c=target_c, measured_c=measured_c, outdoor_c=outdoor_c)
        if duty > 0.0:
            self._changeover.note_work(now)
        what = "frost protection at" if inputs.mode is Mode.OFF else "heats to" if side is self._changeover.heating else "cools to"
        return _Wish(side, duty, f"{what} {target_c:g} °C, duty {duty:.0%}")

    def _obstacle(self, inputs: Inputs) -> str:
        """Why nothing may be given now; empty when nothing forbids it."""
        if inputs.pause or inputs.actuator_fault:
            return inputs.pause or inputs.actuator_fault
        if self._alarms.blocks:
            return self._alarms.block
        if self._limiter is not None and not self._limiter.allows_heat and self._changeover.active is self._changeover.heating:
            return self._limiter.trip or self._limiter.fault
        return ""

    def _told(self, now: float, wish: _Wish, *, gives_something: bool) -> str:
        if wish.side is None or wish.duty == 0.0:
            return wish.reason
        if wish.side.duty > 0.0:
            wait_s = wish.side.next_switch_s(now)
            if wish.duty < 1.0 or gives_something or not 1.0 <= wait_s < math.inf:
                return wish.reason
            return f"{wish.reason}, after the minimum off time: another {wait_s:.0f} s"
        return f"{wish.reason}, withheld: {self._alarms.block or 'the output for the other direction is still on'}"

    def _rest(self, why: str, *, is_failure: bool = False) -> _Wish:
        self._leave_law(why, is_failure=is_failure)
        return _Wish(None, 0.0, why)

    def _manual(self, inputs: Inputs) -> _Wish:
        self._leave_law("mode manual was chosen")
        duty = min(max(inputs.manual_duty, -1.0), 1.0) if math.isfinite(inputs.manual_duty) else 0.0
        side = self._changeover.heating if duty >= 0.0 else self._changeover.cooling
        if side is None:
            return _Wish(None, 0.0, "a duty by hand for an output that is not there")
        self._changeover.put_to_work(side)
        if self._stage is LossStage.FAILED:
            return _Wish(side, 0.0, "a duty by hand, but there is no temperature to watch it by")
        return _Wish(side, abs(duty), f"duty {abs(duty):.0%} by hand")

    def _blind(self, mode: Mode, target_c: float, outdoor_c: float | None) -> _Wish:
        side = self._changeover.side_for(mode)
        if side is None:
            return self._rest(f"nothing to {mode} with" if mode in _CONTROLLED else "off")
        self._changeover.put_to_work(side)
        # off: what was learned held another target, and whether it freezes nobody knows
        stage = LossStage.FAILED if mode is Mode.OFF else self._stage
        duty = self._loss.duty(stage, side.regulator.learned_duty(target_c, outdoor_c))
        if self._session is not None and stage is LossStage.GLITCH:
            return _Wish(side, min(side.duty, duty), "the autotune waits for the sensor")
        if stage is LossStage.FAILED and side is not self._changeover.heating:
            duty = 0.0  # the frost duty is heat
        self._leave_law("the temperature was lost", is_failure=True)
        return _Wish(side, duty, f"no temperature, {self._stage}: duty {duty:.0%} without control")

    def _tune(self, now: float, session: TuningSession, raw_c: float, outdoor_c: float | None) -> _Wish:
        side = next(side for side in self._changeover.sides if side.direction is session.direction)
        self._changeover.put_to_work(side)
        duty = session.step(now, measured_c=raw_c, outdoor_c=outdoor_c)
        if session.dead_time_s is not None:
            side.pulse_for_tuning(session.dead_time_s)
        if session.model is not None:
            side.adopt(Tuned(session.model.gains(self._options.rule), session.model, Origin.AUTOTUNE))
            side.regulator.resume_at(session.model.holding_duty, target_c=session.target_c, measured_c=raw_c, outdoor_c=outdoor_c)
            self._tuning_shown, self._session = session.progress, None
        elif session.is_over:
            self._end_session(session.fault, is_failure=True)
        return _Wish(side, duty, f"autotune at {session.target_c:g} °C, {session.progress.phase}")

    def _drive_both(self, now: float, wish: _Wish, inputs: Inputs, *, allows_heat: bool) -> tuple[Order, Order]:
        """Heating and cooling. The one that is not wished for comes first: while it still gives something, the other waits."""
        heating, cooling = self._changeover.heating, self._changeover.cooling
        if wish.side is cooling:
            heat = self._drive(now, heating, 0.0, is_allowed=allows_heat)
            is_heated = heat.delivered > 0.0 or any(inputs.heating_seen)
            return heat, self._drive(now, cooling, 0.0 if is_heated else wish.duty, is_allowed=True)
        cold = self._drive(now, cooling, 0.0, is_allowed=True)
        is_cooled = cold.delivered > 0.0 or any(inputs.cooling_seen)
        return self._drive(now, heating, 0.0 if is_cooled else wish.duty, is_allowed=allows_heat), cold

    def _drive(self, now: float, side: Side | None, duty: float, *, is_allowed: bool) -> Order:
        if side is None:
            return Order()
        if not is_allowed or self._alarms.blocks:
            return side.cut(now)
        return side.drive(now, duty)

    # ---- parts

    def _leave_law(self, why: str, *, is_failure: bool = False) -> None:
        for side in self._changeover.sides:
            side.regulator.leave()
        if self._session is not None or self._wants_tuning:
            self._end_session(why, is_failure=is_failure)

    def _serves_tuning(self, mode: Mode) -> bool:
        """Whether an autotune may go on in `mode`; there being none, it always may."""
        if self._session is None:
            return not self._wants_tuning or mode in _CONTROLLED
        opposite = Mode.COOL if self._session.direction is Direction.HEATING else Mode.HEAT
        return mode in _CONTROLLED and mode is not opposite

    def _begin_session(self, side: Side, target_c: float) -> None:
        self._wants_tuning = False
        side.regulator.leave()
        known = side.model.holding_duty if side.shelf.current.is_measured else None
        self._session = TuningSession.begin(side.direction, self._options.autotune, target_c=target_c, holding_guess=known)

    def _end_session(self, why: str, *, is_failure: bool = False) -> None:
        self._wants_tuning = False
        if is_failure:
            self._alarms.tell(AlarmName.AUTOTUNE_FAILED, why, latches=True)
        if self._session is not None:
            self._tuning_shown, self._session = self._session.aborted(why), None
        for side in self._changeover.sides:
            side.pulse_as_tuned()

    def _tell_alarms(self, now: float, inputs: Inputs, seen: Perception) -> None:
        alarms = self._alarms
        if self._limiter is not None:
            alarms.tell(AlarmName.LIMITER, self._limiter.trip, latches=True)
            alarms.tell(AlarmName.LIMITER_WITHHOLDS, self._limiter.fault)
        is_lost = seen.filtered_c is None and self._stage is not LossStage.GLITCH
        alarms.tell(AlarmName.SENSOR_LOST if is_lost else AlarmName.SENSOR_FAULT, seen.fault)
        alarms.tell(AlarmName.ACTUATOR_LOST, inputs.actuator_fault or inputs.actuator_doubt)
        for side in self._changeover.sides:
            states = inputs.heating_seen if side is self._changeover.heating else inputs.cooling_seen
            side.supervise(now, measured_c=seen.filtered_c, needed_duty=side.regulator.needed_duty, seen=states, alarms=alarms)

    def _wait_s(self, now: float) -> float:
        waits = [side.next_switch_s(now) for side in self._changeover.sides]
        waits.append(self._loss.next_stage_s(now, self._changeover.active.model.dead_time_s))
        looks_closely = self._session is not None or self._stage is not LossStage.NONE  # a sensor that returns must not wait
        waits.append(self._options.regulator.sample_s if looks_closely else self._changeover.active.regulator.next_step_s(now))
        return max(_SHORTEST_WAIT_S, min(_LONGEST_WAIT_S, *waits))

    # ---- to disk and back

    def saved(self) -> Document:
        """What `restore` needs, to be kept on disk."""
        heating, cooling = self._changeover.heating, self._changeover.cooling
        return {
            "alarms": self._alarms.saved(),
            "limiter": self._limiter.saved() if self._limiter is not None else None,
            "lost_s": self._loss.lost_s,
            "heating": heating.saved() if heating is not None else None,
            "cooling": cooling.saved() if cooling is not None else None,
            "autotune": self._session.saved() if self._session is not None else None,
        }

    def restore(self, document: Mapping[str, object], *, away_s: float | None = None) -> None:
        """Goes on from what `saved` gave, before the first step; `away_s` is how long ago that was, None when no clock knows.

        Outputs begin off. Latches come first, so that they stand even when a later part is spoilt, which is a ValueError.
        """
        saved = Saved(document)
        if self._limiter is not None and (limiter := saved.optional_document("limiter")) is not None:
            self._limiter.restore(limiter)
        if (alarms := saved.optional_document("alarms")) is not None:
            self._alarms.restore(alarms)
        lost_s = saved.optional_number("lost_s", minimum=0.0) or 0.0
        self._loss.lost_s = lost_s + (away_s or 0.0) if lost_s else 0.0
        session = saved.optional_document("autotune")
        for field, side in (("heating", self._changeover.heating), ("cooling", self._changeover.cooling)):
            part = saved.optional_document(field)
            if part is not None and side is not None:
                side.restore(part, away_s=away_s)
        if session is not None:
            kept = TuningSession.from_saved(session, self._options.autotune)
            has_output = any(side.direction is kept.direction for side in self._changeover.sides)
            self._session = kept if has_output else None


def _activity(mode: Mode, heating: Order, cooling: Order) -> Activity:
    if heating.delivered > 0.0:
        return Activity.HEATING
    if cooling.delivered > 0.0:
        return Activity.COOLING
    return Activity.OFF if mode is Mode.OFF else Activity.IDLE


def _refusal(message: str, remedy: str) -> RequestRejected:
    return RequestRejected(Reason.BUSY, message, remedy)
