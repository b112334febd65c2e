"""Round trips through passthrough beside socat and ser2net, in one run on one machine; only the ratios count.

    python -m tests.bench passthrough [--rounds 5] [--requests 800] [--clients 1,4,8] [--think-ms 0,1] [--naive]

Every server gets a module of its own: a process on a pseudo terminal that answers at once or after the think time, and puts
the channel that was asked for into its answer, so that each client can tell its own answers from others. Each round runs
every server once, in random order. Only ours can share a module; `--naive` shows what the others make of several clients.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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

IDENTITY = Identity(22, 3, 0x0100, 0x1001, 4711)
LOST_AFTER_S = 0.5
CHANNELS_EACH = 16
LINGER_S = 0.6
"""Pause between loads: a child of socat goes on reading for 0.5 s after its client left, and takes the next one's answers."""

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

CLIENT = """
import socket, sys, time
port, first, requests, lost_after = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
link = socket.create_connection(("127.0.0.1", port))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
link.settimeout(lost_after)
print("ready", flush=True)
sys.stdin.readline()
wrong = lost = 0
times = []
begun = time.perf_counter()
for number in range(requests):
    channel = first + number % 16
    at = time.perf_counter()
    try:
        link.sendall(bytes((0x46, channel, 0x1D, 0)))
        answer = b""
        while len(answer) < 6:
            chunk = link.recv(64)
            if not chunk:
                raise ConnectionError
            answer += chunk
    except OSError:
        lost += 1
        if lost > 20:
            break
        continue
    times.append(time.perf_counter() - at)
    wrong += answer[:4] != bytes((0, 4, channel, 0x1D)) or len(answer) != 6
print(time.perf_counter() - begun, wrong, lost, *(f"{each:.7f}" for each in times), flush=True)
"""


@dataclass
class Result:
    """Pooled over the rounds; seconds."""

    times: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    wrong: int = 0
    lost: int = 0


@contextlib.contextmanager
def module(link: Path, think_s: float) -> Iterator[None]:
    """A module at `link`, served by a process of its own."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    link.symlink_to(os.ttyname(theirs))
    process = subprocess.Popen([sys.executable, "-c", MODULE, str(ours), str(think_s), IDENTITY.encode().hex()], pass_fds=[ours])
    try:
        yield
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@contextlib.contextmanager
def server(command: Sequence[str], port: int | None) -> Iterator[int]:
    """A server process; with `port` None it prints its own."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if port is None:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        else:
            _await_port(port)
            yield port
    finally:
        process.terminate()
        process.wait()


def servers(folder: Path) -> dict[str, tuple[list[str], int | None]]:
    """Command and port of every server that is installed, each with a link for its module in `folder`."""
    listen = "tcp-l:%d,bind=127.0.0.1,fork,nodelay,reuseaddr"
    found: dict[str, tuple[list[str], int | None]] = {}
    if shutil.which("socat"):
        port = _free_port()
        found["socat"] = (["socat", listen % port, f"{folder / 'socat'},b115200,raw,echo=0"], port)
    if ser2net := shutil.which("ser2net"):
        for name, options in (("ser2net", ""), ("ser2net tuned", "  options:\n    chardelay: false\n")):
            port = _free_port()
            accepter = f"tcp,127.0.0.1,{port}" if not options else f"tcp(nodelay=true),127.0.0.1,{port}"
            text = f"connection: &c\n  accepter: {accepter}\n  connector: serialdev,{folder / name},115200n81,local\n{options}"
            config = folder / f"{name}.yaml"
            config.write_text(text)
            found[name] = ([ser2net, "-n", "-c", str(config)], port)
    found["lucid2mqtt"] = ([sys.executable, "-m", "tests.bench.passthrough", "--serve", str(folder / "lucid2mqtt")], None)
    return found


def load(port: int, clients: int, requests: int, result: Result) -> None:
    """One round: `clients` processes, each asking one after the other."""
    command = [sys.executable, "-c", CLIENT, str(port)]
    running = [
        subprocess.Popen(
            [*command, str(CHANNELS_EACH * place), str(requests), str(LOST_AFTER_S)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in range(clients)
    ]
    for each in running:
        assert each.stdout is not None
        each.stdout.readline()
    begun = time.perf_counter()
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    answered = 0
    for each in running:
        words = each.communicate()[0].split()
        times = [float(word) for word in words[3:]]
        answered += len(times)
        result.times += times
        result.wrong += int(words[1])
        result.lost += int(words[2])
    result.per_second.append(answered / (time.perf_counter() - begun))
    time.sleep(LINGER_S)


def run_case(clients: int, think_ms: float, rounds: int, requests: int, names: Sequence[str] | None) -> None:
    """Measures and prints one table."""
    results: dict[str, Result] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports: dict[str, int] = {}
        for name, (command, port) in servers(folder).items():
            if names is not None and name not in names:
                continue
            stack.enter_context(module(folder / name, think_ms / 1000))
            ports[name] = stack.enter_context(server(command, port))
            results[name] = Result()
            load(ports[name], 1, 50, Result())  # warm
        for _ in range(rounds):
            for name in random.sample(list(ports), len(ports)):
                load(ports[name], clients, max(requests // clients, 50), results[name])
    _print(clients, think_ms, results)


def _print(clients: int, think_ms: float, results: dict[str, Result]) -> None:
    print(f"\n{clients} client{'s' * (clients > 1)}, module answers after {think_ms:g} ms")
    print(f"{'server':16} {'p50 us':>8} {'ratio':>6} {'p99 us':>8} {'trans/s':>8} {'wrong':>6} {'lost':>6}")
    first = None
    for name, result in results.items():
        times = sorted(result.times) or [float("nan")]
        p50, p99 = times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6
        first = p50 if first is None else first
        rate = statistics.median(result.per_second)
        print(f"{name:16} {p50:8.0f} {p50 / first:6.2f} {p99:8.0f} {rate:8.0f} {result.wrong:6} {result.lost:6}")


async def serve(link: Path) -> None:
    """Passthrough alone in front of the module at `link`, until killed; prints its port."""
    with tempfile.TemporaryDirectory() as state:
        board, store = Board(), StateStore(Path(state))
        house = House((ModuleOptions(port=str(link), name="bench"),), board, store, now=_now)
        desk = Desk(house, board, store, now=_now)
        listen = parse_listen("tcp://127.0.0.1:0")
        passthrough = Passthrough(
            (ListenerOptions(listen=listen, module="bench"),), house=house, desk=desk, board=board, open_device=open_plain, now=_now
        )
        async with asyncio.TaskGroup() as rooms:
            for room in (passthrough.run(), desk.run(), house.run(), PortWatch(PortOptions(patterns=(str(link),)), house).run()):
                rooms.create_task(room)
            while not any(view.online for view in house.modules):  # noqa: ASYNC110  once, before anything is measured
                await asyncio.sleep(0.01)
            print((await passthrough.opened(listen)).rpartition(":")[2], flush=True)


def _now() -> datetime:
    return datetime.now(UTC)


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


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench passthrough", description="Round trips through passthrough, socat and ser2net.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=800, help="per round, all clients together")
    parser.add_argument("--clients", default="1,4,8")
    parser.add_argument("--think-ms", default="0,1")
    parser.add_argument("--naive", action="store_true", help="let socat and ser2net share a module as well")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve is not None:
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=quick_loop) as runner:
            runner.run(serve(options.serve))
        return 0
    for think_ms in map(float, options.think_ms.split(",")):
        for clients in map(int, options.clients.split(",")):
            names = None if clients == 1 or options.naive else ["lucid2mqtt"]
            run_case(clients, think_ms, options.rounds, options.requests, names)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
