"""A thermostat at work: one task that reads the board, steps the controller and puts the outputs to what it decided.

It needs no broker. A step is made when the controller asks for the next one, or as soon as an input says something else;
outputs are claimed from the start to the stop, so that nobody else switches a heater in between.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from datetime import datetime

from lucid2mqtt.climate.aim import Aim, Aiming, Circumstances
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.climate.outputs import ClimateOutputs
from lucid2mqtt.climate.sight import Sight
from lucid2mqtt.climate.state import ClimateListener, ClimateNews, ClimateState
from lucid2mqtt.climate.wear import RelayBook
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.exchange import Activity, Decision, Inputs, Mode
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.feedforward import fresh_outdoor_c
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.schedule import clock_objection
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import Reason, RequestRejected

SAVE_WITHIN_S = 60.0
"""How much of learning and counting a crash may cost; commands and latches are written at once."""

FIRST_READINGS_WITHIN_S = 5.0
"""How long a start waits for its sensors before their silence counts as a fault."""

_log = logging.getLogger(__name__)


class Climate:
    """One thermostat of the house. To be made on the running loop; desk and house must run before `run` and until after `stop`.

    `now` is the wall clock (aware, UTC), for the schedule and for how long the program was away. `stepped` is called after every
    step: who watches over the loop hears that it lives.
    """

    def __init__(
        self,
        options: ClimateOptions,
        house: House,
        board: Board,
        desk: Desk,
        store: StateStore,
        *,
        now: Callable[[], datetime],
        stepped: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._board = board
        self._store = store
        self._now = now
        self._stepped = stepped
        self._thermostat = Thermostat(options.control, sensors=len(options.sensors))
        self._aiming = Aiming(options)
        self._outputs = ClimateOutputs(options, house, board, desk, store)
        begin = self._loop.time()
        inputs = (*options.sensors, options.limiter, options.outdoor, options.window_contact)
        self._watched = frozenset(channel for channel in (*inputs, *options.outputs) if channel is not None)
        self._sight = Sight(board, self._watched, begin)
        self._relays = RelayBook(options.outputs, begin, rated=options.rated_closures)
        self._news = ClimateNews()
        self._mode = options.mode
        self._manual_duty = 0.0
        self._decision: Decision | None = None
        self._aim: Aim | None = None
        self._latched: frozenset[AlarmName] = frozenset()
        self._alarming: frozenset[AlarmName] = frozenset()
        self._changed = asyncio.Event()
        self._is_commanded = False  # since the last step began
        self._turn = asyncio.Lock()
        self._is_stopped = False
        self._restore()

    # ---- life

    async def run(self) -> None:
        """Controls until `stop`, or until cancelled; a bug comes out here."""
        async with asyncio.TaskGroup() as tasks:
            driving = tasks.create_task(self._outputs.run(), name=f"outputs:{self._options.name}")
            try:
                await self._control()
            finally:
                driving.cancel()

    async def _control(self) -> None:
        unsubscribe = self._board.subscribe(self._heard)
        try:
            self._outputs.take()
            async with self._turn:
                if not self._is_stopped:
                    await self._outputs.rest()
            await self._first_readings()
            while not self._is_stopped:
                self._changed.clear()
                async with self._turn:
                    due = await self._step()
                await self._wait_until(due)
        finally:
            unsubscribe()

    async def stop(self, within_s: float = 5.0) -> None:
        """Outputs off and given back, state handed to the store; what is not off by then is logged. `run` returns meanwhile."""
        self._is_stopped = True
        self._changed.set()
        try:
            async with asyncio.timeout(within_s), self._turn:
                await self._outputs.rest_for_good()
        except TimeoutError:
            pass
        finally:
            if restless := self._outputs.restless:
                _log.error("%s stops, but these do not read off: %s", self._options.owner, ", ".join(map(str, restless)))
            self._save(within_s=0.0)
            self._outputs.release()

    # ---- looking in

    @property
    def options(self) -> ClimateOptions:
        return self._options

    def state(self) -> ClimateState:
        """Everything worth showing, now."""
        now, decision, aim = self._loop.time(), self._decision, self._aim
        chosen = self._aiming.chosen(now)
        return ClimateState(
            name=self._options.name,
            mode=self._mode,
            action=decision.activity if decision is not None else Activity.OFF if self._mode is Mode.OFF else Activity.IDLE,
            target_c=chosen.target_c,
            setpoint_c=decision.target_c if decision is not None else None,
            current_c=decision.temperature_c if decision is not None else None,
            duty=decision.duty if decision is not None else 0.0,
            manual_duty=self._manual_duty,
            preset=chosen.preset,
            window=self._aiming.window,
            stage=decision.stage if decision is not None else LossStage.NONE,
            alarms=decision.alarms if decision is not None else (),
            notices=(*(aim.notices if aim is not None else ()), *self._outputs.notices(now), *self._relays.warnings),
            reason=f"{decision.reason} ({aim.reason})" if decision is not None and aim is not None else "is starting",
            autotune=decision.autotune if decision is not None else None,
            tuning=self._thermostat.tuned.origin,
            drive=self._outputs.drive,
            closures_today=self._relays.today,
            closures_total=self._relays.total,
            closures_per_day=self._relays.per_day,
            days_left=self._relays.days_left,
        )

    def subscribe(self, listener: ClimateListener) -> Callable[[], None]:
        """Calls `listener` on the loop with every change, and with what only drifts every 30 s; it must neither block nor raise."""
        return self._news.subscribe(listener)

    # ---- commands: checked at once, in force with the next step, which follows immediately

    def set_mode(self, name: str) -> None:
        """Chooses a mode by name; into `manual` the present duty goes along. RequestRejected for one that is not offered."""
        try:
            mode = Mode(name.strip().lower())
        except ValueError:
            mode = None
        if mode is None or mode not in self._options.modes:
            offered = ", ".join(self._options.modes)
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{self._options.owner} has no mode {name[:40]!r}", f"choose one of {offered}")
        if mode is Mode.MANUAL and self._mode is not Mode.MANUAL:
            self._manual_duty = self._decision.duty if self._decision is not None else 0.0
        self._mode = mode
        self._commanded("mode", mode)

    def set_target(self, target_c: float) -> None:
        """Sets the target by hand, °C. RequestRejected outside the limits."""
        self._aiming.presets.set_target(target_c)
        self._commanded("target", target_c)

    def set_preset(self, name: str, for_s: float | None = None) -> None:
        """Chooses a preset; `for_s` (60 s..24 h) is for boost. RequestRejected for what there is not."""
        self._aiming.presets.choose(name, self._loop.time(), for_s=for_s)
        self._commanded("preset", name)

    def set_duty(self, duty: float) -> None:
        """The duty in mode manual, -1..1, negative cools. RequestRejected in other modes and for what the outputs cannot give."""
        if self._mode is not Mode.MANUAL:
            raise RequestRejected(Reason.BUSY, f"{self._options.owner} is in mode {self._mode}", "choose mode manual first")
        low, high = (-1.0 if self._options.cooling else 0.0), (1.0 if self._options.heating else 0.0)
        if not low <= duty <= high:  # NaN too
            raise RequestRejected(Reason.OUT_OF_RANGE, f"the duty {duty:.0%} is out of range", f"send {low:.0%} to {high:.0%}")
        self._manual_duty = duty
        self._commanded("duty", duty)

    def start_autotune(self) -> None:
        """Begins to learn the room at the present target. RequestRejected with the reason where that cannot work."""
        self._thermostat.start_autotune()
        self._commanded("autotune", "start")

    def abort_autotune(self) -> None:
        """Goes on with the gains from before. RequestRejected when no autotune runs."""
        self._thermostat.abort_autotune()
        self._commanded("autotune", "abort")

    def undo_autotune(self) -> None:
        """The gains before the last autotune come back. RequestRejected when there are none."""
        self._thermostat.undo_tuning()
        self._commanded("autotune", "undo")

    def reset_alarms(self) -> None:
        """Opens latches whose cause has gone. RequestRejected when none could be opened."""
        self._thermostat.reset_alarms()
        self._commanded("alarms", "reset")

    def _commanded(self, what: str, value: object) -> None:
        _log.info("%s: %s %s by command", self._options.owner, what, value)
        self._save(within_s=0.0)
        self._is_commanded = True
        self._changed.set()

    # ---- one step

    def _heard(self, readings: Sequence[Reading]) -> None:
        now = self._loop.time()
        for reading in readings:
            if reading.channel not in self._watched:
                continue
            self._relays.note(reading, now)
            is_news = self._sight.note(reading, now)
            if is_news or reading.channel == self._options.limiter or self._outputs.awaits(reading.channel):
                self._changed.set()

    async def _first_readings(self) -> None:
        needed = [channel for channel in (*self._options.sensors, self._options.limiter) if channel is not None]
        until = self._loop.time() + FIRST_READINGS_WITHIN_S
        while not self._is_stopped and not all(map(self._sight.has_heard, needed)) and self._loop.time() < until:
            self._changed.clear()
            await self._wait_until(until)

    async def _wait_until(self, due: float) -> None:
        try:
            async with asyncio.timeout_at(due):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _step(self) -> float:
        """One step of the controller and its outputs; gives the loop time of the next."""
        if self._is_stopped:
            return -math.inf
        now = self._loop.time()
        is_awaited, self._is_commanded = self._is_commanded, False
        self._relays.pass_time(now)
        self._thermostat.learn_contacts(heating=self._outputs.heating_contact, cooling=self._outputs.cooling_contact)
        aim = self._aim = self._aiming.at(self._circumstances(now))
        decision = self._decision = self._thermostat.step(now, self._inputs(now, aim))
        self._note_alarms(decision)
        await self._outputs.follow(decision)
        self._news.tell(self.state(), self._loop.time(), is_awaited=is_awaited)
        self._stepped()
        return min(decision.next_at, self._outputs.retry_at)

    def _circumstances(self, now: float) -> Circumstances:
        options = self._options
        contact = self._sight.state(options.window_contact)
        return Circumstances(
            now=now,
            wall=self._now(),
            mode=self._mode,
            room_c=self._decision.temperature_c if self._decision is not None else None,
            outdoor_c=fresh_outdoor_c(options.control.weather, self._sight.optional_sample(options.outdoor, now)),
            contact_open=None if contact is None else contact is options.window_open_is,
            tuned=self._thermostat.tuned,
            is_tuning=self._thermostat.is_tuning,
        )

    def _inputs(self, now: float, aim: Aim) -> Inputs:
        options, sight = self._options, self._sight
        return Inputs(
            sensors=tuple(sight.sample(sensor, now) for sensor in options.sensors),
            mode=aim.mode,
            target_c=aim.target_c,
            manual_duty=self._manual_duty,
            limiter=sight.optional_sample(options.limiter, now),
            outdoor=sight.optional_sample(options.outdoor, now),
            pause=aim.pause,
            heating_seen=self._outputs.heating_seen,
            cooling_seen=self._outputs.cooling_seen,
            actuator_fault=self._outputs.fault(now, aim.mode),
            actuator_doubt=self._outputs.doubt(now, aim.mode),
        )

    def _note_alarms(self, decision: Decision) -> None:
        for alarm in decision.alarms:
            if alarm.name not in self._alarming:
                _log.warning("%s: %s: %s", self._options.owner, alarm.name, alarm.reason)
        alarming = frozenset(alarm.name for alarm in decision.alarms)
        for name in sorted(self._alarming - alarming):
            _log.info("%s: %s is over", self._options.owner, name)
        latched = frozenset(alarm.name for alarm in decision.alarms if alarm.latched)
        self._save(within_s=SAVE_WITHIN_S if latched == self._latched else 0.0)
        self._alarming, self._latched = alarming, latched

    # ---- to disk and back

    def _save(self, *, within_s: float) -> None:
        now = self._loop.time()
        document: Document = {
            "saved_at": self._now().isoformat(),
            "mode": self._mode.value,
            "manual_duty": self._manual_duty,
            "aim": self._aiming.saved(now),
            "relays": self._relays.saved(),
            "controller": self._thermostat.saved(),
        }
        self._store.save_soon(self._document, document, within_s=within_s)

    @property
    def _document(self) -> str:
        return f"thermostat-{self._options.name}"

    def _restore(self) -> None:
        """Part by part: one that is spoilt begins afresh, the others do not suffer from it."""
        document = self._store.load(self._document)
        if document is None:
            return
        saved, now = Saved(document), self._loop.time()
        away_s = self._away_s(saved)
        parts: tuple[tuple[str, Callable[[], None]], ...] = (
            ("controller", lambda: self._thermostat.restore(saved.document("controller"), away_s=away_s)),
            ("aim", lambda: self._aiming.restore(saved.document("aim"), now, away_s=away_s)),
            ("relays", lambda: self._relays.restore(saved.document("relays"), now)),
            ("mode", lambda: self._restore_mode(saved)),
        )
        for part, restore in parts:
            try:
                restore()
            except ValueError as fault:
                _log.warning("%s: what was kept of %s cannot be used (%s); it begins afresh", self._options.owner, part, fault)

    def _restore_mode(self, saved: Saved) -> None:
        mode, duty = Mode(saved.text("mode")), saved.number("manual_duty", minimum=-1.0, maximum=1.0)
        if mode in self._options.modes:  # the outputs may be others now
            self._mode, self._manual_duty = mode, duty

    def _away_s(self, saved: Saved) -> float | None:
        """How long ago the document was written; None where a clock was not set, or went back."""
        try:
            saved_at = saved.optional_instant("saved_at")
        except ValueError:
            return None
        wall = self._now()
        if saved_at is None or clock_objection(saved_at) or clock_objection(wall) or wall < saved_at:
            return None
        return (wall - saved_at).total_seconds()
