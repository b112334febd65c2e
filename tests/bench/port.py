"""Microseconds per transaction through the port owner, against a module on a pseudo terminal that answers at once.

Two floors show what is not ours: the same exchange with blocking reads and writes, and with a bare `add_reader` on the loop.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator

from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.job import Outcome
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.owner import PortOwner
from tests.bench.modules import Modules
from tests.bench.stage import Effort
from tests.bench.table import Figure, Row, Table

CLIENTS = 8
EXCHANGES_PER_SECOND = 500
"""Of the time a load is watched; on the slowest machine each takes less than this."""
READ = get_io(0, ValueType.VOS4)

Scene = Callable[[PortOwner, int], Awaitable[None]]


def measure(effort: Effort) -> Iterator[Table]:
    count = max(CLIENTS, int(effort.seconds * EXCHANGES_PER_SECOND))
    rounds: dict[str, list[float]] = defaultdict(list)
    with Modules(0, turn_around_us=0) as modules:
        for _ in range(effort.rounds):
            rounds["blocking read and write"].append(_each_us(count, lambda: _blocking(modules.output, count)))
            rounds["bare reader on the loop"].append(_each_us(count, lambda: asyncio.run(_bare(modules.output, count))))
            for what, scene in _SCENES.items():
                rounds[what].append(asyncio.run(_owned(modules.output, scene, count)))
    rows = tuple(Row(what, "us each", {"one transaction": Figure.of(values)}) for what, values in rounds.items())
    yield Table("Port, a module that answers at once", ("one transaction",), rows)


def _each_us(count: int, work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) / count * 1e6


def _blocking(path: str, count: int) -> None:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    for _ in range(count):
        os.write(line, READ.encode())
        os.read(line, 64)
    os.close(line)


async def _bare(path: str, count: int) -> None:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    left = count
    finished = asyncio.Event()

    def on_readable() -> None:
        nonlocal left
        os.read(line, 64)
        left -= 1
        if left:
            os.write(line, READ.encode())
        else:
            finished.set()

    asyncio.get_running_loop().add_reader(line, on_readable)
    os.write(line, READ.encode())
    await finished.wait()
    asyncio.get_running_loop().remove_reader(line)
    os.close(line)


async def _owned(path: str, scene: Scene, count: int) -> float:
    owner = PortOwner(SerialAddress(path), PortOptions())
    await owner.open(feed=True)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(owner.serve())
        begun = time.perf_counter()
        await scene(owner, count)
        passed_s = time.perf_counter() - begun
        serving.cancel()
    owner.close()
    return passed_s / count * 1e6


async def _awaited(owner: PortOwner, count: int) -> None:
    for _ in range(count):
        await owner.transact(READ, turn=Turn.SHARED, client="bench")


async def _called_back(owner: PortOwner, count: int) -> None:
    left = count
    finished = asyncio.Event()

    def send() -> None:
        owner.submit(READ, turn=Turn.SHARED, client="bench", done=done)

    def done(_: Outcome) -> None:
        nonlocal left
        left -= 1
        if left:
            send()
        else:
            finished.set()

    send()
    await finished.wait()


async def _crowded(owner: PortOwner, count: int) -> None:
    async def client(name: str) -> None:
        for _ in range(count // CLIENTS):
            await owner.transact(READ, turn=Turn.SHARED, client=name)

    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(client(f"client {number}"))


_SCENES: dict[str, Scene] = {
    "submit, one client": _called_back,
    "transact, one client": _awaited,
    f"transact, {CLIENTS} clients": _crowded,
}
