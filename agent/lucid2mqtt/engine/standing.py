"""Orders nobody gives at the time: declared states at start, exit and broker loss, ends of pulses, the longest time on.

All of them read before they write, and write nothing when it is so already. An output that somebody claimed is skipped:
its owner looks after it; only an exit state of OFF goes through, which can do no harm after the owner's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.claims import Claim, Claims
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.limits import OnTimeLimits
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.options import HOLD
from lucid2mqtt.engine.orders import Incident, Order
from lucid2mqtt.engine.point import Point
from lucid2mqtt.engine.pulses import Pulse, Pulses
from lucid2mqtt.engine.switching import Switching
from lucid2mqtt.errors import Reason, RequestRejected

ATTEMPTS = 3
"""How often a declared state is tried when the module does not answer. Each attempt reads first, none is silent."""

_PAUSE_S = 1.0
_WORTH_ANOTHER = frozenset({Reason.NO_ANSWER, Reason.BUSY, Reason.MODULE_OFFLINE})

_log = logging.getLogger(__name__)


class StandingOrders:
    """Watches the house and the board, and gives the orders the user declared. Timers need `run()`."""

    def __init__(self, house: House, board: Board, claims: Claims, pulses: Pulses, switching: Switching) -> None:
        self._house = house
        self._claims = claims
        self._pulses = pulses
        self._switching = switching
        self._limits = OnTimeLimits(lambda channel: self._spawn(self._end_time_on(channel)))
        self._tasks: asyncio.TaskGroup | None = None
        self._listeners: tuple[Callable[[Incident], None], ...] = ()
        self._complained: set[tuple[ChannelRef, str]] = set()
        self._there: set[str] = set()
        self._broker_lost_at: float | None = None
        self._broker_timers: dict[ChannelRef, asyncio.TimerHandle] = {}
        pulses.on_end = lambda pulse: self._spawn(self._end_pulse(pulse))
        board.subscribe(self._limits.watch)
        house.subscribe(self)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    def on_incident(self, listener: Callable[[Incident], None]) -> None:
        self._listeners = (*self._listeners, listener)

    # -- the house's listener ----------------------------------------------------------------------------------------

    def module_online(self, module: Module) -> None:
        for live in self._house.live_modules:
            if live.module is module:
                for point in _outputs(live):
                    if point.is_switch and point.options.max_on_s is not None:
                        self._limits.limit(point.channel.ref, point.options.max_on_s)
                if module.name not in self._there:  # else it did not arrive: its channels work otherwise
                    self._there.add(module.name)
                    self._spawn(self._welcome(live))

    def module_offline(self, module: Module, reason: str) -> None:  # noqa: ARG002  whatever the reason
        """What fell due meanwhile is done at the next arrival."""
        self._there.discard(module.name)

    async def _welcome(self, live: LiveModule) -> None:
        for point in _outputs(live):
            is_pulsed = self._pulses.resume(point)
            start = point.options.start
            if start != HOLD and await self._settle(point, start, "start state") and is_pulsed and start is False:
                self._pulses.drop(point)
            if self._broker_lost_at is not None:
                self._expect_broker(point, self._broker_lost_at)

    # -- the broker --------------------------------------------------------------------------------------------------

    def broker_lost(self, at: float) -> None:
        if self._broker_lost_at is None:
            self._broker_lost_at = at
            for live in self._house.live_modules:
                for point in _outputs(live):
                    self._expect_broker(point, at)

    def broker_back(self) -> None:
        self._broker_lost_at = None
        for timer in self._broker_timers.values():
            timer.cancel()
        self._broker_timers.clear()

    def _expect_broker(self, point: Point, lost_at: float) -> None:
        state = point.options.on_broker_loss
        if state != HOLD:
            loop = asyncio.get_running_loop()
            due = lost_at + point.options.broker_loss_after_s
            earlier = self._broker_timers.pop(point.channel.ref, None)
            if earlier is not None:
                earlier.cancel()
            self._broker_timers[point.channel.ref] = loop.call_at(due, lambda: self._spawn(self._settle(point, state, "broker loss")))

    # -- pulses and time on --------------------------------------------------------------------------------------------

    async def _end_pulse(self, pulse: Pulse) -> None:
        try:
            _, point = self._house.output(pulse.channel)
        except RequestRejected:
            return  # gone: the pulse is resumed when the module arrives

        def is_running() -> bool:
            return self._pulses.is_running(point, pulse)

        is_foreign = pulse.channel in self._claims and self._claims.held(pulse.channel) is not pulse.claim
        who = f"end of the pulse of {pulse.who}"
        if (is_foreign or await self._settle(point, False, who, claim=pulse.claim, still_due=is_running)) and is_running():
            self._pulses.drop(point)

    async def _end_time_on(self, channel: ChannelRef) -> None:
        try:
            _, point = self._house.output(channel)
        except RequestRejected:
            return
        if channel in self._claims:
            return
        if await self._settle(point, False, "max_on_s", still_due=lambda: self._limits.is_exceeded(channel)):
            message = f"{channel} was on for {point.options.max_on_s:g} s and is switched off"
            _log.warning("%s", message)
            self._report(
                Incident(channel=channel, what="max_on_s", reason=None, message=message, remedy="raise max_on_s if that is too short")
            )

    def pending(self, channel: ChannelRef) -> str:
        """What is still to be done at an output by itself, in words; empty when nothing."""
        if any(pulse.channel == channel for pulse in self._pulses.running):
            return "its pulse has not ended"
        return "it is on, and its max_on_s runs" if self._limits.is_running(channel) else ""

    # -- the exit --------------------------------------------------------------------------------------------------------

    async def apply_exit_states(self, within_s: float) -> None:
        pulsed = {pulse.channel for pulse in self._pulses.running}
        missing: set[ChannelRef] = set()

        async def leave(point: Point, state: bool | float) -> None:
            missing.add(point.channel.ref)
            await self._settle(point, state, "exit state", even_claimed=_is_off(point, state))
            missing.discard(point.channel.ref)

        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as tasks:
                for live in self._house.live_modules:
                    for point in _outputs(live):
                        state = point.options.exit
                        if state == HOLD and point.channel.ref in pulsed:
                            state = False
                        if state != HOLD:
                            tasks.create_task(leave(point, state), name=f"exit:{point.channel.ref}")
        except TimeoutError:
            _log.error("not in their exit state after %g s: %s", within_s, ", ".join(map(str, sorted(missing))))

    # -- one order -------------------------------------------------------------------------------------------------------

    async def _settle(
        self,
        point: Point,
        state: bool | float,
        who: str,
        *,
        claim: Claim | None = None,
        even_claimed: bool = False,
        still_due: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Brings an output to `state`; False when that failed, which its owner then hears once. Claimed outputs count as done."""
        channel = point.channel.ref
        if even_claimed:
            claim = self._claims.held(channel)
        elif claim is None and channel in self._claims:
            return True
        try:
            await self._try(Order(channel=channel, value=point.declared(state), who=who, claim=claim), still_due)
        except RequestRejected as rejected:
            self._complain(channel, who, rejected)
            return False
        self._complained.discard((channel, who))
        return True

    async def _try(self, order: Order, still_due: Callable[[], bool]) -> None:
        for _ in range(ATTEMPTS - 1):
            try:
                await self._switching.settle(order, still_due=still_due)
            except RequestRejected as rejected:
                if rejected.reason not in _WORTH_ANOTHER:
                    raise
                self._house.output(order.channel)  # raises when the module is gone: its next arrival takes care
                _log.warning("%s: %s; it is looked at again", order.who, rejected)
                await asyncio.sleep(_PAUSE_S)
            else:
                return
        await self._switching.settle(order, still_due=still_due)

    def _complain(self, channel: ChannelRef, who: str, rejected: RequestRejected) -> None:
        if (channel, who) in self._complained:
            return
        self._complained.add((channel, who))
        _log.warning("%s failed: %s", who, rejected)
        self._report(
            Incident(channel=channel, what=who, reason=rejected.reason, message=f"{who} failed: {rejected}", remedy=rejected.remedy)
        )

    def _report(self, incident: Incident) -> None:
        for listener in self._listeners:
            listener(incident)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:  # Any: what a coroutine yields is asyncio's own affair
        if self._tasks is None:
            work.close()  # before run() or after: there is nobody left to wait for it
        else:
            self._tasks.create_task(work, name="standing order")


def _outputs(live: LiveModule) -> Iterator[Point]:
    return (point for point in live.points.values() if point.channel.is_output and point.is_active)


def _is_off(point: Point, state: bool | float) -> bool:
    return state is False or (not point.is_switch and state == point.declared(False))
