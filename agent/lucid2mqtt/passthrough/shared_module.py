"""A module as its legacy clients see it: there or away, what is protected on it, and who is connected.

What a client switched is read back at once, so that everybody else sees what the module says now; and when one changed how a
channel works, the house looks at the module again. One task per module does that, however many clients write however often.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.arrival import may_change_state
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.point import Point
from lucid2mqtt.errors import DeviceRefused, GarbledReply, LinkError, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, get_io_group
from lucid2mqtt.lucid.values import decode_group
from lucid2mqtt.passthrough.accounts import Accounts
from lucid2mqtt.passthrough.line import Outcome, SharedLine
from lucid2mqtt.passthrough.rights import Frame, Kind, Protection

LOOK_AGAIN_S = 5.0
"""Pause before a module whose channels could not be looked at is looked at once more."""

_CLIENT = "read back"
_log = logging.getLogger(__name__)


class SharedModule:
    """One module by its name. `claimant` tells who owns an output, None when nobody does; `look_again` is that of the house."""

    def __init__(
        self,
        name: str,
        board: Board,
        *,
        claimant: Callable[[ChannelRef], str | None],
        look_again: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.live: LiveModule | None = None
        self.line: SharedLine | None = None
        self.why_away = "it was not seen yet"
        self.for_reading = Protection()  # what is held back from readers; another object when it changed
        self.accounts = Accounts()
        self._board = board
        self._claimant = claimant
        self._look_again = look_again
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._outputs: Mapping[int, Point] = {}
        self._clearing: Mapping[int, Point] = {}
        self._written: dict[int, str] = {}  # outputs to be read back, and who wrote them last
        self._may_work_otherwise = False
        self._look_failed = False  # and the log says so
        self._news = asyncio.Event()

    def is_there(self) -> bool:
        return self.line is not None

    # -- the house

    def arrived(self, live: LiveModule) -> None:
        """The module is in service."""
        line = live.line
        if not isinstance(line, SharedLine):
            raise TypeError(f"the line of {self.name} cannot be shared")
        points = {point.number: point for point in live.points.values()}
        self._outputs = {number: point for number, point in points.items() if point.channel.is_output}
        self._clearing = {number: point for number, point in points.items() if point.reading_clears}
        self.for_reading = Protection(clearing=frozenset(self._clearing))
        self.live = live
        self.line = line

    def left(self, reason: str) -> None:
        """The module is away: clients stay connected and get an error for every request."""
        self.line = self.live = None
        self.why_away = reason
        self._written.clear()
        self._may_work_otherwise = self._look_failed = False

    def mark(self, quality: Quality, reason: str) -> None:
        """Tells everybody that no channel of the module can be trusted for now."""
        if self.live is not None:
            self.live.publish_fault(list(self.live.points.values()), quality, reason)

    # -- frames

    @property
    def outputs(self) -> Mapping[int, ChannelRef]:
        """By number."""
        return {number: point.channel.ref for number, point in self._outputs.items()}

    @property
    def claims(self) -> Mapping[int, str]:
        """Outputs that somebody owns, and who."""
        owners = {number: self._claimant(point.channel.ref) for number, point in self._outputs.items()}
        return {number: owner for number, owner in owners.items() if owner is not None}

    def protection(self, kind: Kind) -> Protection:
        """What is held back now from requests of this kind."""
        return self.for_reading if kind <= Kind.READ else Protection(self.claims, self.for_reading.clearing)

    def carried_out(self, frame: Frame, outcome: Outcome, client: str) -> None:
        """A client's request that changes something, or takes counts away, came to its end."""
        if frame.kind is Kind.READ:
            if isinstance(outcome, Reply) and outcome.ok:
                self._overhear(frame, outcome)
            return
        is_told_no = isinstance(outcome, Reply) and not outcome.ok and frame.kind is Kind.SWITCH
        never_sent = not isinstance(outcome, Reply) and not (isinstance(outcome, LinkError) and outcome.sent)
        if never_sent or (is_told_no and len(frame.channels) == 1):
            return
        self.touched(frame, client)

    def touched(self, frame: Frame, client: str) -> None:
        """Nobody knows any more what the outputs of `frame` show, or how its channels work: they are looked at."""
        if self.live is not None and may_change_state(frame.request, self.live.type.family):
            self.may_work_otherwise()
        for number in self._outputs if frame.kind is Kind.UNKNOWN else frame.channels:
            if number in self._outputs:
                self._written[number] = client
                self._news.set()

    def may_work_otherwise(self) -> None:
        """Nobody knows how its channels work now: they are looked at until somebody does."""
        if self.is_there():
            self._may_work_otherwise = True
            self._news.set()

    def clears(self, frame: Frame) -> bool:
        """True when `frame` takes counts or edges away."""
        return bool(self._clearing) and frame.kind is Kind.READ and not self.for_reading.clearing.isdisjoint(frame.channels)

    def _overhear(self, frame: Frame, reply: Reply) -> None:
        """Counts that a client read away are counted here as well."""
        live = self.live
        if live is None or frame.request.reply_length is None:
            return
        each = len(reply.data) // len(frame.channels)
        readings = []
        for place, number in enumerate(frame.channels):
            point = self._clearing.get(number)
            if point is not None and point.value_type == frame.request.option:
                (value,) = decode_group(point.value_type, reply.data[place * each : (place + 1) * each])
                readings.append(point.reading(value, self._now(), self._loop.time()))
        live.publish(readings)

    # -- reading back

    async def run(self) -> None:
        """Reads back what clients wrote, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._may_work_otherwise:
                await self._look_at_channels()
            written, self._written = self._written, {}
            if self.live is not None:
                await self._read_back(self.live, written)

    async def _look_at_channels(self) -> None:
        """Has the house find out how the channels of the module work now; where that fails, once more after a while."""
        self._may_work_otherwise = False
        try:
            await self._look_again(self.name)
        except (LinkError, RequestRejected) as fault:
            level = logging.DEBUG if self._look_failed else logging.WARNING
            _log.log(level, "%s: a client may have changed how channels work, and they could not be looked at: %s", self.name, fault)
            self._look_failed = self._may_work_otherwise = self.is_there()
            self._loop.call_later(LOOK_AGAIN_S, self._news.set)
        else:
            self._look_failed = False

    async def _read_back(self, live: LiveModule, written: Mapping[int, str]) -> None:
        points = [point for number, point in sorted(self._outputs.items()) if number in written and point.is_active]
        before = {point: self._board.latest(point.channel.ref) for point in points}
        try:
            await _read(live, points)
        except (LinkError, RequestRejected) as fault:
            _log.debug("%s: not read back, the next poll will tell: %s", self.name, fault)
            return
        for point in points:
            reading, earlier = self._board.latest(point.channel.ref), before[point]
            if reading is not None and (earlier is None or reading.value != earlier.value):
                shown = point.show(earlier), point.show(reading)
                _log.info("%s: %s -> %s by %s, through passthrough", point.channel.ref, *shown, written[point.number])


async def _read(live: LiveModule, points: Sequence[Point]) -> None:
    if len(points) > 1:
        request = get_io_group([point.number for point in points], points[0].value_type)
        try:
            await live.read_group(points, request, client=_CLIENT)
        except (DeviceRefused, GarbledReply):
            pass
        else:
            return
    for point in points:
        await live.read(point, turn=Turn.SHARED, client=_CLIENT)
