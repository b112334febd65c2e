"""An attach that runs on the test's loop, with what is at both ends of it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import serial

from lucid2mqtt.lucid.frames import get_id
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, parse_remote
from lucid2mqtt.passthrough.attach_service import OpenDevice, attach
from lucid2mqtt.passthrough.attach_terminal import AttachedTerminal
from lucid2mqtt.passthrough.options import FileRights
from lucid2mqtt.sim.bench import Bench
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.world import World
from lucid2mqtt.sim.worlds import many

WITHIN_S = 10.0
EVERY_BYTE = bytes(range(256))


class Attached:
    """An attach that runs, and what it said to systemd."""

    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.ready = asyncio.Event()

    async def until_status(self, text: str) -> str:
        """The first status with `text` in it."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                for status in self.statuses:
                    if text in status:
                        return status
                await asyncio.sleep(0.005)

    async def until_connected(self) -> None:
        self.statuses.clear()
        await self.until_status("connected to")


@contextlib.asynccontextmanager
async def attached(remote: str | Remote, device: Path | OpenDevice, tls: ClientTls | None = None) -> AsyncIterator[Attached]:
    """An attach to `remote`, entered when the device is there."""
    made = Attached()
    opener = at(device) if isinstance(device, Path) else device
    remote = parse_remote(remote) if isinstance(remote, str) else remote
    work = asyncio.create_task(attach(remote, opener, tls=tls, ready=made.ready.set, status=made.statuses.append))
    ready = asyncio.create_task(made.ready.wait())
    await asyncio.wait((work, ready), return_when=asyncio.FIRST_COMPLETED)
    try:
        if work.done():
            work.result()
        yield made
    finally:
        for task in (work, ready):
            task.cancel()
        await asyncio.gather(work, ready, return_exceptions=True)


def at(link: Path) -> OpenDevice:
    return lambda open_session: AttachedTerminal(link, FileRights(mode=0o600), open_session)


def bench(folder: Path, tls: ssl.SSLContext | None = None, *, reply_delay_s: float = 0.0005) -> Bench:
    return Bench(World(many(1, "RI4", quirks=Quirks(reply_delay_s=reply_delay_s))), folder, tcp=True, tls=tls)


def address(of: Bench) -> str:
    return of.port(of.world.modules[0].name).address


def exchange(device: serial.Serial, request: bytes, length: int) -> bytes:
    device.write(request)
    return device.read(length)


def serial_of(link: Path) -> int:
    """What a program does that opens the device, asks the module who it is, and closes it."""
    with serial.Serial(str(link), 9600, timeout=WITHIN_S) as device:
        return parse_identity(exchange(device, get_id().encode(), 18)[2:]).serial


@contextlib.asynccontextmanager
async def socat(*words: str, listens: bool = False) -> AsyncIterator[subprocess.Popen[bytes]]:
    """socat, entered when it listens or has made its terminals."""
    process = _start(words)
    assert process.stderr is not None
    said = process.stderr
    log: list[str] = []

    def listen() -> None:
        log.extend(line.decode() for line in said)

    def is_there() -> bool:
        return any("listening on" in line for line in log) if listens else any("starting data transfer" in line for line in log)

    reader = threading.Thread(target=listen)
    reader.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            while not is_there():
                assert process.poll() is None, log
                await asyncio.sleep(0.005)
        yield process
    finally:
        process.terminate()
        process.wait(WITHIN_S)
        reader.join()
        said.close()


def _start(words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["socat", "-d", "-d", *words], stderr=subprocess.PIPE)
