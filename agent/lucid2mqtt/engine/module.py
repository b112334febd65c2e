"""A module that is there: the transactions on its channels, and what they mean on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.point import Point
from lucid2mqtt.errors import DeviceRefused, GarbledReply
from lucid2mqtt.lucid.assumptions import judge_refusal
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.frames import Request, get_io, set_io
from lucid2mqtt.lucid.values import decode, decode_group


class LiveModule:
    """One module from its arrival until it leaves; afterwards nothing of it reaches the board any more."""

    def __init__(
        self,
        module: Module,
        points: Sequence[Point],
        *,
        module_type: ModuleType,
        line: Transactor,
        board: Board,
        now: Callable[[], datetime],
    ) -> None:
        self.refit(module, points)
        self.type = module_type
        self.gone = False
        self.line = line
        self._board = board
        self._now = now
        self._loop = asyncio.get_running_loop()

    def refit(self, module: Module, points: Sequence[Point]) -> None:
        """The channels work otherwise from now on. A reading under way with an earlier point is still put up as that had it."""
        self.module = module
        self.points: Mapping[str, Point] = MappingProxyType({point.channel.ref.channel: point for point in points})

    async def ask(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> bytes:
        """The data of the reply. Raises LinkError, DeviceRefused, RequestRejected(EXPIRED or BUSY)."""
        reply = await self.line.transact(request, turn=turn, client=client, deadline=deadline)
        return reply.data_or_refusal(request)

    async def read(self, point: Point, *, turn: Turn, client: str) -> Reading:
        """Reads one channel and puts it up; a refusal of the module is a reading too. Raises LinkError, RequestRejected(BUSY)."""
        try:
            return await self.read_strictly(point, turn=turn, client=client)
        except DeviceRefused as refusal:
            reading = self.refused(point, refusal)
            self.publish((reading,))
            return reading

    async def read_strictly(self, point: Point, *, turn: Turn, client: str) -> Reading:
        """As `read`, but raises DeviceRefused and then puts nothing up."""
        data = await self.ask(get_io(point.number, point.value_type), turn=turn, client=client)
        reading = point.reading(decode(point.value_type, data), self._now(), self._loop.time())
        self.publish((reading,))
        return reading

    async def read_group(self, points: Sequence[Point], request: Request, *, client: str) -> None:
        """Reads `points`, ascending and of one value type, with `request` and puts them up together. Raises as `ask`."""
        data = await self.ask(request, turn=Turn.SHARED, client=client)
        taken_at, at = self._now(), self._loop.time()
        values = decode_group(points[0].value_type, data)
        if len(values) != len(points):
            raise GarbledReply(f"{len(values)} values for {len(points)} channels", sent=True)
        self.publish([point.reading(value, taken_at, at) for point, value in zip(points, values, strict=True)])

    async def write(self, point: Point, value: bool | float, *, turn: Turn, client: str, deadline: float | None) -> None:
        """Writes one output, nothing else. Raises as `ask`."""
        await self.ask(set_io(point.number, point.value_type, point.encode(value)), turn=turn, client=client, deadline=deadline)

    def refused(self, point: Point, refusal: DeviceRefused) -> Reading:
        """The reading of a channel that the module refuses to read."""
        point.answered_at = self._loop.time()
        quality, reason = judge_refusal(self.type, point.number, refusal.status)
        return point.fault(quality, reason, self._now())

    def publish(self, readings: Sequence[Reading]) -> None:
        """Puts readings up, unless the module has left meanwhile."""
        if readings and not self.gone:
            self._board.update(readings)

    def publish_fault(self, points: Sequence[Point], quality: Quality, reason: str) -> None:
        """Puts up the same fault for several channels."""
        taken_at = self._now()
        self.publish([point.fault(quality, reason, taken_at) for point in points])

    def leave(self, reason: str) -> None:
        """The module is gone: its channels say so, and nothing that is still under way may say otherwise."""
        self.publish_fault(list(self.points.values()), Quality.LINK_LOST, reason)
        self.gone = True
