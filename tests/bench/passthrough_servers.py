"""What is compared in front of the modules: socat, ser2net as it comes and tuned, and ours; each serves all modules of a case."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.passthrough.options import ListenerOptions, parse_listen
from lucid2mqtt.passthrough.quick_loop import quick_loop
from lucid2mqtt.passthrough.service import Passthrough
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.plain_serial import open_plain
from lucid2mqtt.port.watch import PortWatch
from tests.bench.usage import family_processor_s

FIRST_SERIAL = 4711

MODULE = """
import os, sys, time
line, think, identity = int(sys.argv[1]), float(sys.argv[2]), bytes.fromhex(sys.argv[3])
while True:
    held = os.read(line, 64)
    while held:
        while len(held) < 4 or len(held) < 4 + held[3]:
            held += os.read(line, 64)
        opcode, channel, option = held[:3]
        held = held[4 + held[3]:]
        if think:
            time.sleep(think)
        if opcode == 0xC0:
            answer = b"\\0\\x10" + identity
        elif opcode == 0x46:
            answer = bytes((0, 4, channel, option, 1, 0))
        elif opcode == 0x48:
            answer = bytes((0, 4 * channel.bit_count())) + bytes((0x40, 0x4B, 0x4C, 0)) * channel.bit_count()
        elif opcode == 0xA2:
            answer = b"\\0\\1\\1"
        else:
            answer = b"\\0\\0"
        os.write(line, answer)
"""


@contextlib.contextmanager
def module(link: Path, number: int, think_s: float) -> Iterator[None]:
    """A module at `link`, served by a process of its own."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    link.symlink_to(os.ttyname(theirs))
    identity = Identity(22, 3, 0x0100, 0x1001, FIRST_SERIAL + number).encode().hex()
    process = subprocess.Popen([sys.executable, "-c", MODULE, str(ours), str(think_s), identity], pass_fds=[ours])
    try:
        yield
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@dataclass(frozen=True, slots=True)
class Server:
    """One or several processes, and the TCP port of each module."""

    processes: Sequence[subprocess.Popen[str]]
    ports: Sequence[int]

    def processor_s(self) -> float:
        """Processor time so far, with that of the processes it started and that still run."""
        return sum(family_processor_s(process.pid) for process in self.processes)


@contextlib.contextmanager
def socat(folder: Path, links: Sequence[Path]) -> Iterator[Server]:
    """A process for each module, and a child of it for each client."""
    del folder
    ports = [_free_port() for _ in links]
    listen = "tcp-l:%d,bind=127.0.0.1,fork,nodelay,reuseaddr"
    with _running([["socat", listen % port, f"{link},b115200,raw,echo=0"] for port, link in zip(ports, links, strict=True)]) as processes:
        for port in ports:
            _await_port(port)
        yield Server(processes, ports)


@contextlib.contextmanager
def ser2net(folder: Path, links: Sequence[Path]) -> Iterator[Server]:
    with _ser2net(folder / "ser2net.yaml", links, accepter="tcp,127.0.0.1,{}", options="") as server:
        yield server


@contextlib.contextmanager
def ser2net_tuned(folder: Path, links: Sequence[Path]) -> Iterator[Server]:
    with _ser2net(
        folder / "tuned.yaml", links, accepter="tcp(nodelay=true),127.0.0.1,{}", options="  options:\n    chardelay: false\n"
    ) as server:
        yield server


@contextlib.contextmanager
def _ser2net(config: Path, links: Sequence[Path], *, accepter: str, options: str) -> Iterator[Server]:
    ports = [_free_port() for _ in links]
    config.write_text(
        "".join(
            f"connection: &c{port}\n  accepter: {accepter.format(port)}\n  connector: serialdev,{link},115200n81,local\n{options}"
            for port, link in zip(ports, links, strict=True)
        )
    )
    with _running([[shutil.which("ser2net") or "ser2net", "-n", "-c", str(config)]]) as processes:
        for port in ports:
            _await_port(port)
        yield Server(processes, ports)


@contextlib.contextmanager
def ours(folder: Path, links: Sequence[Path]) -> Iterator[Server]:
    """One agent without MQTT."""
    del folder
    ports = [_free_port() for _ in links]
    words = (word for link, port in zip(links, ports, strict=True) for word in (str(link), str(port)))
    with _running([[sys.executable, "-m", "tests.bench.passthrough_servers", *words]]) as processes:
        (process,) = processes
        assert process.stdout is not None
        process.stdout.readline()
        yield Server(processes, ports)


OURS = "lucid2mqtt"
SERVERS = {"socat": socat, "ser2net": ser2net, "ser2net tuned": ser2net_tuned, OURS: ours}
"""The first is what the others are compared with."""


def installed() -> tuple[str, ...]:
    """The names of SERVERS that can be run here."""
    return tuple(name for name in SERVERS if name == OURS or shutil.which(name.split()[0]))


@contextlib.contextmanager
def _running(commands: Sequence[Sequence[str]]) -> Iterator[list[subprocess.Popen[str]]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(_process(command)) for command in commands]


@contextlib.contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    """Waits for a listener without connecting to it: socat would start reading the module's port for that connection."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    for _ in range(200):
        if wanted in Path("/proc/net/tcp").read_text():
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


async def serve(modules: Mapping[str, int]) -> None:
    """Passthrough alone in front of `modules`, links with the TCP port of each, until killed; says when all are there."""
    with tempfile.TemporaryDirectory() as state:
        board, store = Board(), StateStore(Path(state))
        house = House([ModuleOptions(port=link, name=f"bench-{port}") for link, port in modules.items()], board, store, now=_now)
        desk = Desk(house, board, store, now=_now)
        listeners = [ListenerOptions(listen=parse_listen(f"tcp://127.0.0.1:{port}"), module=f"bench-{port}") for port in modules.values()]
        passthrough = Passthrough(listeners, house=house, desk=desk, board=board, open_device=open_plain, now=_now)
        async with asyncio.TaskGroup() as rooms:
            for room in (passthrough.run(), desk.run(), house.run(), PortWatch(PortOptions(patterns=tuple(modules)), house).run()):
                rooms.create_task(room)
            while not all(view.online for view in house.modules):  # noqa: ASYNC110  once, before anything is measured
                await asyncio.sleep(0.01)
            for listener in listeners:
                await passthrough.opened(listener.listen)
            print("ready", flush=True)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=quick_loop) as runner:
        runner.run(serve(dict(zip(sys.argv[1::2], map(int, sys.argv[2::2]), strict=True))))
