"""One output of a thermostat, driven plainly: claimed, read before it is written, written only when it is otherwise.

A write without an answer is never repeated blindly: the output is then in doubt until the module has spoken again, and
what it says decides. This is the plain drive: a heater stays as it was ordered when the program dies.
"""

from __future__ import annotations

import asyncio
import math

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.control.deadman import DriveKind
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.claims import Claim
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Turn

RETRY_S = 2.0
"""Pause after an output could not be claimed, read or written."""

GRUDGE_S = 60.0
"""How long a refusal of the module counts as a fault of the output before it is tried again."""

DOUBT_S = 3600.0
"""How long a failure is told on while nothing has to be written that could prove the output."""

ON_WITHIN_S = 2.0
"""An order for heat that waited longer for the line is not written: the next step decides anew."""

PASSING = frozenset({Reason.BUSY, Reason.EXPIRED, Reason.NO_ANSWER, Reason.MODULE_OFFLINE})
"""Reasons for which an order failed that say nothing against the output itself."""

_TOLERANCE = 0.02  # of the span, within which an analog read-back counts as what was written


class ClimateOutput:
    """`rest` is what the output is without heat or cold: False, or the low end of an analog one, whose width is `span`."""

    drive = DriveKind.PLAIN
    notice = ""

    def __init__(
        self, claim: OutputClaim, house: House, board: Board, desk: Desk, *, rest: bool | float = False, span: float = 0.0
    ) -> None:
        self.rest = rest
        self._claim = claim
        self._house = house
        self._board = board
        self._desk = desk
        self._span = abs(span)
        self._written: bool | float | None = None  # acknowledged by the module
        self._ordered: bool | float | None = None
        self._doubtful: Reading | None = None  # the last reading before an unanswered write ended
        self._doubt = ""
        self._grudge_until = -math.inf
        self._unproven = ""  # why the last write failed, until one is seen to work
        self._unproven_until = -math.inf
        self._not_before = -math.inf

    # ---- what is known

    @property
    def channel(self) -> ChannelRef:
        return self._claim.channel

    @property
    def seen(self) -> bool | float | None:
        """What the module said last; None: not known, or not since a write got no answer."""
        reading = self._board.latest(self.channel)
        return None if reading is None or self.is_in_doubt else reading.value

    @property
    def is_on(self) -> bool | None:
        """A relay as it was seen last."""
        seen = self.seen
        return seen if isinstance(seen, bool) else None

    @property
    def is_in_doubt(self) -> bool:
        """A write got no answer and the module has not been read since."""
        return bool(self._doubt) and self._board.latest(self.channel) is self._doubtful

    @property
    def awaits_reading(self) -> bool:
        """The next reading decides what is to be done about a write that got no answer."""
        return bool(self._doubt)

    @property
    def is_away(self) -> bool:
        """Nothing can be written: the module is not there."""
        reading = self._board.latest(self.channel)
        return reading is None or reading.quality is Quality.LINK_LOST

    @property
    def is_at_rest(self) -> bool:
        return self.seen is not None and self._shows(self.rest)

    def fault(self, now: float) -> str:
        """Why the output cannot be used now, a sentence; empty when it can."""
        if self._claim.held is None and self._claim.fault:
            return self._claim.fault
        if self.is_in_doubt:
            return self._doubt
        return reading_fault(self.channel, self._board.latest(self.channel)) or (self._unproven if now < self._grudge_until else "")

    def doubt(self, now: float) -> str:
        """Why the last write failed, as long as none has been seen to work since; empty when one has, or none had to be tried for long."""
        return self._unproven if now < self._unproven_until else ""

    def retry_at(self, wanted: bool | float) -> float:
        """Loop time at which `put` is worth calling again; infinity while all is as wanted, or only a reading can change anything."""
        if self._claim.held is not None and (self.is_away or (self.seen is not None and self._shows(wanted))):
            return math.inf
        return max(self._not_before, self._grudge_until if wanted != self.rest else -math.inf)

    # ---- what is done

    def take(self) -> None:
        """Claims the output, unless it is claimed already."""
        self._claim.take()

    def release(self) -> None:
        """Gives the output back to everybody."""
        self._claim.release()

    async def run(self) -> None:
        """Nothing has to be done between two calls of `put`."""

    async def put(self, wanted: bool | float, *, until: float = math.inf, is_last: bool = False) -> None:
        """Brings the output to `wanted`, at most one write. Never raises RequestRejected: what went wrong is in `fault`.

        `until`: of no concern here, what is written stays. `is_last`: there is no later, pauses after failures do not count.
        """
        del until
        now = asyncio.get_running_loop().time()
        if not self.is_in_doubt:
            if self._doubt and self.seen == self._ordered:
                self._proven()  # it was carried out, only the answer got lost
            self._doubt, self._doubtful = "", None
        if now < self._not_before and not is_last:
            return
        self.take()
        if self._claim.held is None:
            self._not_before = now + RETRY_S
            return
        if self.is_away or (now < self._grudge_until and wanted != self.rest):
            return
        try:
            if self.seen is None:
                await self._house.read_now(self.channel.module, self.channel.channel)
            if not self._shows(wanted):
                await self._write(wanted, self._claim.held)
        except RequestRejected as rejected:
            self._note(rejected)
        else:
            self._not_before = -math.inf if self._shows(wanted) and self.seen is not None else later(RETRY_S)

    async def _write(self, wanted: bool | float, claim: Claim) -> None:
        is_rest = wanted == self.rest
        self._written, self._ordered = None, wanted
        order = Order(
            channel=self.channel,
            value=wanted,
            who=self._claim.owner,
            claim=claim,
            turn=Turn.SAFETY,
            deadline=None if is_rest else later(ON_WITHIN_S),
        )
        try:
            await self._desk.carry_out(order)
        except asyncio.CancelledError:
            self._suspect(f"{self.channel}: a write was broken off")  # what the port has begun it finishes
            raise
        self._written = wanted
        if not is_rest:  # taking a 0 says nothing about a 1 that failed
            self._proven()

    def _note(self, rejected: RequestRejected) -> None:
        self._written = None
        self._not_before = later(RETRY_S)
        if rejected.reason is Reason.NO_ANSWER and not self.is_in_doubt:
            # the desk may have read it back already; one more reading costs little and cannot be an older one
            self._suspect(str(rejected))
        elif rejected.reason not in PASSING:
            self._grudge_until = later(GRUDGE_S)
            self._complain(str(rejected))

    def _suspect(self, why: str) -> None:
        self._doubtful, self._doubt = self._board.latest(self.channel), why
        self._complain(why)

    def _complain(self, why: str) -> None:
        self._unproven, self._unproven_until = why, later(DOUBT_S)

    def _proven(self) -> None:
        self._unproven_until = self._grudge_until = -math.inf

    def _shows(self, wanted: bool | float) -> bool:
        seen = self.seen
        if seen is None:
            return self._written == wanted  # it answers, but cannot be read: what it acknowledged counts
        if isinstance(wanted, bool) or isinstance(seen, bool):
            return seen is wanted
        is_near = abs(seen - wanted) <= _TOLERANCE * self._span
        return is_near and (self._written is None or self._written == wanted)


def reading_fault(channel: ChannelRef, reading: Reading | None) -> str:
    """Why nothing is known of an output, a sentence; empty when its state is known."""
    if reading is None:
        return f"{channel} has not been seen yet"
    return "" if reading.value is not None else f"{channel}: {reading.reason or reading.quality}"


def later(after_s: float) -> float:
    """Loop time `after_s` from now."""
    return asyncio.get_running_loop().time() + after_s
