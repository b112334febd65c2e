"""A house of virtual modules with passthrough in front of it, all on one loop, and small clients to knock at its doors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.passthrough.options import ListenAddress, ListenerOptions, parse_listen
from lucid2mqtt.passthrough.service import Passthrough
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.plain_serial import open_plain
from lucid2mqtt.port.watch import PortWatch
from lucid2mqtt.sim.bench import Bench
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.world import World
from lucid2mqtt.sim.worlds import many

ANYWHERE = parse_listen("tcp://127.0.0.1:0")
WITHIN_S = 10.0


class Rig:
    """Everything a scenario looks at."""

    def __init__(self, bench: Bench, house: House, desk: Desk, board: Board, passthrough: Passthrough) -> None:
        self.bench = bench
        self.house = house
        self.desk = desk
        self.board = board
        self.passthrough = passthrough

    @property
    def module(self) -> VirtualModule:
        """The first virtual module."""
        return self.bench.world.modules[0]

    async def port(self, listen: ListenAddress = ANYWHERE) -> int:
        """The TCP port of a listener."""
        return int((await self.passthrough.opened(listen)).rpartition(":")[2])

    @contextlib.asynccontextmanager
    async def client(self, listen: ListenAddress = ANYWHERE) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", await self.port(listen))
        try:
            yield Client(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until `condition` holds; TimeoutError when that takes too long."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():  # noqa: ASYNC110  nobody tells when it becomes true
                await asyncio.sleep(0.005)


class Client:
    """A program on a TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: bytes) -> bytes:
        """Sends one request, and gives the whole reply."""
        self.writer.write(request)
        return await self.reply()

    async def reply(self) -> bytes:
        async with asyncio.timeout(WITHIN_S):
            head = await self.reader.readexactly(2)
            return head + await self.reader.readexactly(head[1])

    async def end(self) -> bytes:
        """Everything until the other side closes."""
        async with asyncio.timeout(WITHIN_S):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def rig(
    folder: Path,
    *listeners: ListenerOptions,
    modules: Sequence[VirtualModule] | None = None,
    options: Sequence[ModuleOptions] = (),
    online: int | None = None,
    reply_timeout_s: float = 0.1,
) -> AsyncIterator[Rig]:
    """One commissioned DO4 called do4-600000, unless other `modules` are given; entered when `online` (all) are in service."""
    world = World(modules if modules is not None else many(1, "DO4", quirks=Quirks(reply_delay_s=0.0005)))
    board = Board()
    store = StateStore(folder / "state")
    now = lambda: datetime.now(UTC)  # noqa: E731
    house = House(options or (ModuleOptions(poll_s=0.5),), board, store, now=now)
    desk = Desk(house, board, store, now=now)
    passthrough = Passthrough(listeners, house=house, desk=desk, board=board, open_device=open_plain, now=now)
    async with Bench(world, folder / "dev") as bench:
        ports = PortOptions(patterns=(str(folder / "dev" / "usb-*"),), scan_s=0.02, reply_timeout_s=reply_timeout_s)
        rooms = [
            asyncio.create_task(work)
            for work in (passthrough.run(), desk.run(), house.run(), PortWatch(ports, house, usb_ports=dict).run())
        ]
        await asyncio.sleep(0)  # let them begin
        made = Rig(bench, house, desk, board, passthrough)
        try:
            wanted = len(world.modules) if online is None else online
            async with asyncio.timeout(WITHIN_S):
                while sum(view.online for view in house.modules) < wanted:
                    await asyncio.sleep(0.005)
                    for room in rooms:
                        if room.done():
                            room.result()
            yield made
            for room in rooms:
                if room.done():
                    room.result()
        finally:
            for room in rooms:
                room.cancel()
            await asyncio.gather(*rooms, return_exceptions=True)
            await store.close()
