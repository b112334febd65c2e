"""An armed output at work: triggered again and again while somebody who decides says so, and off by itself otherwise.

A wish holds until a time and has to be renewed before it: a thermostat that hangs is as good as none, its heater goes
off. Where this whole program hangs nobody triggers, and the module ends the run. Everything goes over the desk, under
the thermostat's claim: a switching is ordered and told, a trigger that only prolongs a run is written without a word.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.climate.deadman_channel import FOLLOWS_WITHIN_S
from lucid2mqtt.climate.output import DOUBT_S, GRUDGE_S, ON_WITHIN_S, PASSING, later, reading_fault
from lucid2mqtt.control.deadman import RESTART_PAUSE_S, Action, DeadManDrive
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.claims import Claim
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.lucid.exchange import Turn

LASTING_FAILURES = 3
"""Triggers in a row that failed before it is told; the hold window is made for two."""

DECISION_GRACE_S = 10.0
"""How much later than announced the next decision may come: a step waits for the line of every module it has to write to."""

_SEEN_OFF_AFTER_S = 0.5  # a reading this long after a trigger shows more than the gap that some modules make

_log = logging.getLogger(__name__)


class DeadManOutput:
    """One output of one stay of its module; when the module leaves, it is over. `drive` is fresh."""

    def __init__(self, claim: OutputClaim, live: LiveModule, board: Board, desk: Desk, drive: DeadManDrive) -> None:
        self._claim = claim
        self._live = live
        self._board = board
        self._desk = desk
        self._drive = drive
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._wanted = False
        self._until = -math.inf
        self._sent_at = -math.inf
        self._trouble = ""  # why the last trigger failed, until one is acknowledged
        self._trouble_until = -math.inf
        self._grudge_until = -math.inf
        self._lapses_told = 0

    # ---- what is known

    @property
    def channel(self) -> ChannelRef:
        return self._claim.channel

    @property
    def seen(self) -> bool | None:
        """What the module said last, which may be what was written instead of what the output does (protocol page 8)."""
        reading = self._board.latest(self.channel)
        return reading.value if reading is not None and isinstance(reading.value, bool) else None

    @property
    def is_at_rest(self) -> bool:
        return self.seen is False and not self._wanted and not self._drive.is_running

    def fault(self, now: float) -> str:
        """Why the output cannot be used now, a sentence; empty when it can."""
        if self._claim.held is None and self._claim.fault:
            return self._claim.fault
        return reading_fault(self.channel, self._board.latest(self.channel)) or (self._trouble if now < self._grudge_until else "")

    def doubt(self, now: float) -> str:
        """What lasting trouble there is with triggers, as long as none has been acknowledged since."""
        is_lasting = self._drive.failures >= LASTING_FAILURES or self._grudge_until > -math.inf
        return self._trouble if is_lasting and now < self._trouble_until else ""

    # ---- what is done

    async def put(self, wanted: bool, *, until: float, is_last: bool = False) -> None:
        """Makes `wanted` the wish until loop time `until`, and carries it out. Never raises RequestRejected.

        `is_last`: there is no later, a pause after a failure does not count.
        """
        self._wanted, self._until = wanted, until + DECISION_GRACE_S
        self._claim.take()
        await self.tend(waits=not is_last)

    async def tend(self, *, waits: bool = True) -> float:
        """Does what is due; gives the loop time at which something is due again, unless the wish changes.

        `waits` False: a 0 that failed is due again at once.
        """
        async with self._turn:
            while True:
                claim, now = self._claim.held, self._loop.time()
                if claim is None or self._live.gone:
                    return math.inf
                wanted = self._is_wanted(now)
                step = self._drive.next_step(now, wanted=wanted)
                self._tell_lapses()
                if step.action is not Action.NONE:
                    await self._act(step.action, claim)
                    continue
                due = math.inf if step.ask_again_at is None else step.ask_again_at
                if wanted or waits or due == math.inf:
                    return min(due, self._until) if wanted else due
                await self._act(Action.CANCEL, claim)
                return due

    def heard(self, readings: Sequence[Reading]) -> bool:
        """Takes in readings; True when one shows that something is due at once."""
        for reading in readings:
            if reading.channel != self.channel or reading.quality is not Quality.GOOD or reading.value is not False:
                continue
            # a read-back that follows what was written would show a 1 here, so this one shows what the output does
            is_settled = not self._turn.locked() and self._loop.time() >= self._sent_at + _SEEN_OFF_AFTER_S
            if is_settled and self._drive.is_running:
                self._drive.found_off()
                return True
        return False

    def _is_wanted(self, now: float) -> bool:
        if self._wanted and now >= self._until:
            self._wanted = False
            _log.warning("%s: nobody has decided on %s any more, it goes off", self._claim.owner, self.channel)
        return self._wanted and now >= self._grudge_until

    async def _act(self, action: Action, claim: Claim) -> None:
        drive = self._drive
        try:
            if action is not Action.CANCEL:
                await self._trigger(claim, anew=not drive.is_running, zero_first=action is Action.RESTART)
            elif self.seen is False:
                await self._desk.repeat(self._order(claim, value=False))
            else:
                await self._desk.carry_out(self._order(claim, value=False))
        except RequestRejected as rejected:
            drive.failed(action, self._loop.time())
            if action is not Action.CANCEL:
                self._complain(rejected)
        except asyncio.CancelledError:
            drive.failed(action, self._loop.time())
            raise
        else:
            drive.succeeded(action, self._sent_at)
            if action is not Action.CANCEL:
                self._trouble_until = self._grudge_until = -math.inf

    async def _trigger(self, claim: Claim, *, anew: bool, zero_first: bool) -> None:
        if zero_first:
            await self._desk.repeat(self._order(claim, value=False))
            await asyncio.sleep(RESTART_PAUSE_S)
        if anew:
            await self._desk.carry_out(self._order(claim, value=True))
        else:
            await self._desk.repeat(self._order(claim, value=True))

    def _order(self, claim: Claim, *, value: bool) -> Order:
        self._sent_at = self._loop.time()
        return Order(
            channel=self.channel,
            value=value,
            who=self._claim.owner,
            claim=claim,
            turn=Turn.SAFETY,
            deadline=later(ON_WITHIN_S) if value else None,
            settles_in_s=FOLLOWS_WITHIN_S,
            still_due=lambda: not self._live.gone,  # one that comes later is not armed
        )

    def _complain(self, rejected: RequestRejected) -> None:
        self._trouble, self._trouble_until = str(rejected), later(DOUBT_S)
        if rejected.reason not in PASSING:
            self._grudge_until = later(GRUDGE_S)

    def _tell_lapses(self) -> None:
        if self._drive.lapses > self._lapses_told:
            level = logging.WARNING if not self._lapses_told else logging.DEBUG
            self._lapses_told = self._drive.lapses
            _log.log(level, "%s: %s went off although it was wanted on; it is switched on again", self._claim.owner, self.channel)
