"""One direction with all that belongs to it: tuning, regulator, outputs, and the watch over what they achieve."""

from __future__ import annotations

from collections.abc import Mapping

from lucid2mqtt.control.alarms import AlarmBoard, AlarmName
from lucid2mqtt.control.drive import Drive, DriveOptions, Order
from lucid2mqtt.control.failure import ActuatorWatch, Excitation, LoopBreak, LoopBreakAction, RiseAtZeroDuty
from lucid2mqtt.control.limiter import OnTimeGuard
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.regulator import Direction, Regulator
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.tuned import Origin, Tuned, TuningShelf
from lucid2mqtt.control.tuning import PATIENT_PLANT, PlantModel
from lucid2mqtt.domain.channel import Contact

_TUNING_CYCLE_SHARE = 0.4  # of the dead time that daily cycles are made for


class Side:
    """Heating or cooling of one thermostat. Temperatures come as they are; the mirror for cooling is in here."""

    def __init__(self, direction: Direction, drive: DriveOptions, options: ThermostatOptions) -> None:
        assumed = Tuned.assumed(options.rule)
        settled = assumed if options.gains is None else Tuned(options.gains, assumed.model, Origin.SETTINGS)
        self.direction = direction
        self.shelf = TuningShelf(settled)
        self.regulator = Regulator(direction, options.regulator, settled)
        self._drive = Drive(drive, settled.model.dead_time_s)
        self._guard = OnTimeGuard(options.on_time)
        self._blocks_on_loop_break = options.failure.loop_break is LoopBreakAction.SAFE
        self._excitation = Excitation()
        self._loop_break = LoopBreak(options.failure)
        self._rise = RiseAtZeroDuty()
        self._actuator = ActuatorWatch(options.failure)
        self._order = Order()
        self._duty = 0.0
        self._at: float | None = None

    @property
    def model(self) -> PlantModel:
        return self.shelf.current.model

    @property
    def duty(self) -> float:
        """What was demanded last, 0..1."""
        return self._duty

    @property
    def expected_k(self) -> float:
        """What the heat given so far should have moved the temperature by; negative for cooling."""
        return self.direction.value * self._excitation.shown_k

    def adopt(self, tuned: Tuned) -> None:
        self.shelf.adopt(tuned)
        self._retune()

    def undo_tuning(self) -> None:
        """RequestRejected when there is nothing to go back to."""
        self.shelf.undo()
        self._retune()

    def pulse_for_tuning(self, dead_time_s: float) -> None:
        """Short cycles while the plant is probed, so that their ripple does not disturb; `adopt` and `undo_tuning` end it, or:"""
        self._drive.retime(_TUNING_CYCLE_SHARE * dead_time_s)

    def pulse_as_tuned(self) -> None:
        self._drive.retime(self.model.dead_time_s)

    def learn_contact(self, contact: Contact | None) -> None:
        """What the module says of the contacts of this side; see `Drive`."""
        self._drive.learn_contact(contact)

    def drive(self, now: float, duty: float) -> Order:
        """Puts the outputs to `duty` 0..1 from now on."""
        self._account(now)
        self._duty = min(duty, self._guard.ceiling)
        self._order = self._drive.step(now, self._duty)
        return self._order

    def cut(self, now: float) -> Order:
        """Outputs off at once."""
        self._account(now)
        self._duty = 0.0
        self._order = self._drive.cut(now)
        return self._order

    def supervise(
        self, now: float, *, measured_c: float | None, needed_duty: float, seen: tuple[bool | None, ...], alarms: AlarmBoard
    ) -> None:
        """Tells `alarms` what does not work as ordered. To be called after `drive` or `cut` in the same step.

        `needed_duty`: what it takes to hold the temperature in this weather, as far as known; it does not count as a rise.
        """
        mirrored_c = None if measured_c is None else self.direction.value * measured_c
        usual = max(self._excitation.usual_duty, needed_duty)
        broken = self._loop_break.step(now, duty=self._duty, measured_c=mirrored_c, usual_duty=usual, model=self._supervised_model)
        alarms.tell(AlarmName.LOOP_BREAK, broken, latches=self._blocks_on_loop_break, blocks=self._blocks_on_loop_break)
        if self.shelf.current.is_measured:
            is_on = self._order.delivered > 0.0
            rises = self._rise.step(now, is_on=is_on, measured_c=mirrored_c, model=self.model)
            alarms.tell(AlarmName.RISE_AT_ZERO_DUTY, rises, latches=True)
        alarms.tell(AlarmName.ACTUATOR_MISMATCH, self._actuator.mismatch(now, self._order.relays, seen))
        alarms.tell(AlarmName.ON_TOO_LONG, self._guard.step(now, is_on=self._order.delivered > 0.0), latches=True, blocks=True)

    def next_switch_s(self, now: float) -> float:
        return self._drive.next_switch_s(now)

    def saved(self) -> Document:
        return {
            "tuning": self.shelf.saved(),
            "regulator": self.regulator.saved(),
            "drive": self._drive.saved(),
            "usual_duty": self._excitation.usual_duty,
            "on_mean": self._guard.mean,
        }

    def restore(self, document: Mapping[str, object], *, away_s: float | None) -> None:
        """`away_s`: how long ago it was saved; None when no clock knows, which counts as long. ValueError for what is not ours."""
        saved = Saved(document)
        self._guard.mean = saved.optional_number("on_mean", minimum=0.0, maximum=1.0) or 0.0
        self.shelf.restore(saved.document("tuning"))
        self._retune()
        is_recent = away_s is not None and away_s < 2.0 * self.model.dead_time_s
        self.regulator.restore(saved.document("regulator"), is_recent=is_recent)
        self._drive.restore(saved.document("drive"))
        self._excitation = Excitation(saved.number("usual_duty", minimum=0.0, maximum=1.0))

    @property
    def _supervised_model(self) -> PlantModel:
        return self.model if self.shelf.current.is_measured else PATIENT_PLANT

    def _retune(self) -> None:
        self.regulator.retune(self.shelf.current)
        self._drive.retime(self.model.dead_time_s)

    def _account(self, now: float) -> None:
        elapsed_s = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._excitation.step(self._order.delivered, elapsed_s, self._supervised_model)
