"""Microseconds per transaction through the port owner, against a module on a pseudo terminal that answers at once.

Run by hand: `python tests/bench/bench_port.py`. The module is a process of its own. Two floors show what is not ours: the
same exchange with blocking reads and writes, and with a bare `add_reader` on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import Awaitable, Callable, Iterator

from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.job import Outcome
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.owner import PortOwner

ROUNDS = 20_000
MODULE = """
import os, sys
line, identity = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
while True:
    request = os.read(line, 64)
    os.write(line, b"\\x00\\x10" + identity if request[0] == 0xC0 else b"\\x00\\x04\\x01\\x02\\x03\\x04")
"""
IDENTITY = Identity(22, 3, 0x0100, 0x1001, 4711)
READ = get_io(0, ValueType.VOS4)


@contextlib.contextmanager
def module() -> Iterator[str]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    process = subprocess.Popen([sys.executable, "-c", MODULE, str(ours), IDENTITY.encode().hex()], pass_fds=[ours])
    try:
        yield os.ttyname(theirs)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def report(name: str, times: list[float]) -> None:
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"{name:28} p50 {p50 * 1e6:7.1f} us   p99 {p99 * 1e6:7.1f} us   mean {statistics.fmean(times) * 1e6:7.1f} us")


def bare(path: str) -> None:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        os.write(line, READ.encode())
        os.read(line, 64)
        times.append(time.perf_counter() - begun)
    os.close(line)
    report("bare read and write", times)


async def bare_loop(path: str) -> None:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    times: list[float] = []
    finished = asyncio.Event()
    begun = time.perf_counter()

    def on_readable() -> None:
        nonlocal begun
        os.read(line, 64)
        times.append(time.perf_counter() - begun)
        if len(times) == ROUNDS:
            finished.set()
            return
        begun = time.perf_counter()
        os.write(line, READ.encode())

    asyncio.get_running_loop().add_reader(line, on_readable)
    os.write(line, READ.encode())
    await finished.wait()
    asyncio.get_running_loop().remove_reader(line)
    os.close(line)
    report("bare add_reader", times)


async def awaited(owner: PortOwner) -> None:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await owner.transact(READ, turn=Turn.SHARED, client="bench")
        times.append(time.perf_counter() - begun)
    report("transact, one client", times)


async def called_back(owner: PortOwner) -> None:
    times: list[float] = []
    finished = asyncio.Event()
    begun = 0.0

    def send() -> None:
        nonlocal begun
        begun = time.perf_counter()
        owner.submit(READ, turn=Turn.SHARED, client="bench", done=done)

    def done(_: Outcome) -> None:
        times.append(time.perf_counter() - begun)
        if len(times) < ROUNDS:
            send()
        else:
            finished.set()

    send()
    await finished.wait()
    report("submit, one client", times)


async def crowded(owner: PortOwner) -> None:
    async def client(name: str) -> None:
        for _ in range(ROUNDS // 8):
            await owner.transact(READ, turn=Turn.SHARED, client=name)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for number in range(8):
            clients.create_task(client(f"client {number}"))
    each = (time.perf_counter() - begun) / ROUNDS
    print(f"{'transact, eight clients':28} {each * 1e6:.1f} us per transaction, {1 / each:.0f} per second")


async def owned(path: str, *scenes: Callable[[PortOwner], Awaitable[None]]) -> None:
    owner = PortOwner(SerialAddress(path), PortOptions())
    await owner.open(feed=True)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(owner.serve())
        for scene in scenes:
            await scene(owner)
        serving.cancel()
    owner.close()


if __name__ == "__main__":
    with module() as path:
        bare(path)
        asyncio.run(bare_loop(path))
        asyncio.run(owned(path, awaited, called_back, crowded))
