"""Reads a module on a grid that does not drift: one group request per value type and period, missed beats skipped."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.point import Point
from lucid2mqtt.errors import DeviceRefused, GarbledReply, LinkError, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_io_group
from lucid2mqtt.lucid.values import ValueType

RETRY_REFUSED_S = 10.0
"""How long a refused channel, or a refused group request, is left alone."""

STALE_AFTER_POLLS = 3
STALE_AFTER_S = 5.0
"""A channel without an answer for three periods, and at least this long, is STALE: slow enough for one quarantined
line or one skipped beat, quick enough that nothing controls on it for long."""

_TURNS = 4
_TURN_S = 0.002
"""Modules beat almost together, in four turns by serial number: woken once for many, the processor keeps what it needs at hand and
a reading costs 40 % of what it costs when every module wakes it anew (measured); between the turns a command finds its way."""

_ANSWER_WITHIN_S = 5.0  # an answer that takes longer than any quarantine is not waited for

_log = logging.getLogger(__name__)


class Poller:
    """Polls one module until cancelled. Line faults are its everyday life: the house says when the module is gone."""

    def __init__(self, live: LiveModule) -> None:
        self._live = live
        self._client = f"poll:{live.module.name}"
        self._turn = asyncio.Lock()
        groups: dict[tuple[tuple[ValueType, ...], float], list[Point]] = {}
        for point in live.points.values():
            if point.is_active:
                groups.setdefault((point.types, point.channel.poll_s), []).append(point)
        self._groups = [_Group(live, self._client, period_s, points) for (_, period_s), points in groups.items()]

    async def run(self) -> None:
        """The first beat is at once; later ones fall on multiples of the period, shifted by some milliseconds."""
        loop = asyncio.get_running_loop()
        shift_s = self._live.module.serial % _TURNS * _TURN_S
        await self.read_all()
        beats = {group: _next_beat(loop.time(), group.period_s, shift_s) for group in self._groups}
        while beats:
            due = min(beats.values())
            await asyncio.sleep(due - loop.time())
            for group in self._groups:
                if beats[group] <= due:
                    async with self._turn:
                        await group.read()
                    beats[group] = _next_beat(max(loop.time(), due), group.period_s, shift_s)

    async def read_all(self) -> None:
        """Reads every group now, outside the grid."""
        for group in self._groups:
            async with self._turn:
                await group.read()


class _Group:
    """Channels read together. What the module refuses as a group is read apart, and the channel at fault is left alone for a while."""

    def __init__(self, live: LiveModule, client: str, period_s: float, points: Sequence[Point]) -> None:
        self.period_s = period_s
        self._live = live
        self._client = client
        self._points = tuple(points)
        self._types = points[0].types
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._loop.time()
        self._stale_after_s = max(STALE_AFTER_POLLS * period_s, STALE_AFTER_S)
        # channels that are not read with the others before a loop time: just woken, or refused by the module
        self._aside = {point: self._begun_at + point.warm_up_s for point in points if point.warm_up_s}
        self._complained: set[Point] = set()
        self._apart_until = -math.inf
        self._form()

    async def read(self) -> None:
        """One beat. Faults of the line show as STALE readings once they have lasted long enough."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                try:
                    await self._read()
                except (ReplyTimeout, GarbledReply):
                    await self._read()
        except (LinkError, RequestRejected, TimeoutError) as fault:
            self._unanswered(str(fault) or "no answer")

    async def _read(self) -> None:
        now = self._loop.time()
        if self._aside:
            for point in [known for known, until in self._aside.items() if until <= now]:
                await self._read_alone(point)
        if now < self._apart_until:
            for point in self._together:
                await self._read_alone(point)
        elif self._together:
            try:
                await self._live.read_group(self._together, self._request, client=self._client)
            except DeviceRefused as refusal:
                await self._sort_out(refusal)

    async def _sort_out(self, refusal: DeviceRefused) -> None:
        """The group was refused: another value type may do for all, else each is asked alone to find the one at fault."""
        first = self._together[0].value_type
        for value_type in self._types:
            if value_type is first:
                continue
            self._use(value_type)
            try:
                await self._live.read_group(self._together, self._request, client=self._client)
            except DeviceRefused:
                continue
            _log.debug(
                "%s: reads %s as %s, for %s it said: %s", self._live.module.name, self._names(), value_type.name, first.name, refusal
            )
            return
        self._use(first)
        before = len(self._aside)
        for point in self._together:
            await self._read_alone(point)
        if len(self._aside) == before:
            self._apart_until = self._loop.time() + RETRY_REFUSED_S
            _log.info("%s: reads %s one by one for a while: %s", self._live.module.name, self._names(), refusal)

    async def _read_alone(self, point: Point) -> None:
        first = point.value_type
        for value_type in (first, *(other for other in self._types if other is not first)):
            point.value_type = value_type
            try:
                await self._live.read_strictly(point, turn=Turn.SHARED, client=self._client)
            except DeviceRefused as refusal:
                point.value_type = first
                reading = self._live.refused(point, refusal)
                continue
            if self._aside.pop(point, None) is not None:
                self._use(value_type)
            if point in self._complained:
                self._complained.remove(point)
                _log.info("%s: channel %d can be read again", self._live.module.name, point.number)
            return
        if point not in self._complained:
            self._complained.add(point)
            _log.warning("%s: channel %d: %s", self._live.module.name, point.number, reading.reason)
        self._aside[point] = self._loop.time() + RETRY_REFUSED_S
        self._form()
        self._live.publish((reading,))

    def _use(self, value_type: ValueType) -> None:
        for point in self._points:
            point.value_type = value_type
        self._form()

    def _form(self) -> None:
        self._together = tuple(point for point in self._points if point not in self._aside)
        self._request = get_io_group([point.number for point in self._together], self._points[0].value_type)

    def _names(self) -> str:
        return ", ".join(point.channel.ref.channel for point in self._together)

    def _unanswered(self, why: str) -> None:
        now = self._loop.time()
        stale = [point for point in self._points if now - max(point.answered_at, self._begun_at) >= self._stale_after_s]
        self._live.publish_fault(stale, Quality.STALE, f"no reading for {self._stale_after_s:g} s: {why}")


def _next_beat(now: float, period_s: float, shift_s: float) -> float:
    """The first beat after `now` on the grid of multiples of the period, shifted by `shift_s`."""
    beat = (math.floor((now - shift_s) / period_s) + 1) * period_s + shift_s
    return beat if beat > now else beat + period_s
