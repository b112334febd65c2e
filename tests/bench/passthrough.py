"""Round trips through passthrough beside socat and ser2net, in one run on one machine; only the ratios count.

    python -m tests.bench passthrough [--rounds 7] [--requests 1600] [--cases 1x1,4x1,8x1,1x8] [--think-ms 0,1] [--naive]

A case is clients times modules: 8x1 is eight clients on one module, 1x8 one client on each of eight. Every server gets modules of
its own: processes on pseudo terminals that answer at once or after the think time, and put the channel that was asked for into
the answer, so that each client can tell its own answers from others. Each round runs every server once, in random order. The ratio
is that of the p50 of a round to the p50 of the first server in the same round: the median of all rounds, the least and the greatest;
`quiet` is that of the quickest round of each. Only ours can share a module; `--naive` shows what the others make of several clients.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.bench.passthrough_servers import OURS, SERVERS, Server, installed, module
from tests.bench.table import Figure, percentile

LOST_AFTER_S = 0.5
CHANNELS_EACH = 16
FEWEST = 100
"""Requests of one client in one round."""
LINGER_S = 0.6
"""Pause between loads: a child of socat goes on reading for 0.5 s after its client left, and takes the next one's answers."""

CLIENT = """
import socket, sys, time
port, first, requests, lost_after = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
link = socket.create_connection(("127.0.0.1", port))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
link.settimeout(lost_after)
def ask(channel):
    link.sendall(bytes((0x46, channel, 0x1D, 0)))
    answer = b""
    while len(answer) < 6:
        chunk = link.recv(64)
        if not chunk:
            raise ConnectionError
        answer += chunk
    return answer
for _ in range(20):
    try:
        ask(first)
    except OSError:
        break
print("ready", flush=True)
sys.stdin.readline()
wrong = lost = 0
times = []
for number in range(requests):
    channel = first + number % 16
    at = time.perf_counter()
    try:
        answer = ask(channel)
    except OSError:
        lost += 1
        if lost > 20:
            break
        continue
    times.append(time.perf_counter() - at)
    wrong += answer[:4] != bytes((0, 4, channel, 0x1D)) or len(answer) != 6
print(wrong, lost, *(f"{each:.7f}" for each in times), flush=True)
sys.stdin.readline()
"""


@dataclass(frozen=True, slots=True)
class Case:
    clients: int
    modules: int

    @classmethod
    def parse(cls, text: str) -> Self:
        clients, modules = map(int, text.split("x"))
        return cls(clients, modules)

    def __str__(self) -> str:
        clients = f"{self.clients} client{'s' * (self.clients > 1)}"
        return f"{clients} on one module" if self.modules == 1 else f"{clients} on each of {self.modules} modules"


@dataclass
class Result:
    """What one server made of the rounds so far."""

    times_s: list[float] = field(default_factory=list)
    p50s_us: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)  # per transaction
    wrong: int = 0
    lost: int = 0


def load(server: Server, case: Case, requests: int, result: Result) -> None:
    """One round: a process for each client, each asking one after the other."""
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CLIENT, str(port), str(CHANNELS_EACH * place), str(requests), str(LOST_AFTER_S)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for port in server.ports
            for place in range(case.clients)
        ]
        for client in clients:
            _read(client)
        used_s = server.processor_s()
        begun = time.perf_counter()
        for client in clients:
            _say_go(client)
        reports = [_read(client) for client in clients]
        took_s = time.perf_counter() - begun
        used_s = server.processor_s() - used_s
        for client in clients:  # they stayed connected: socat's children are counted while they live
            _say_go(client)
    times_s = [float(word) for report in reports for word in report[2:]]
    result.times_s += times_s
    result.wrong += sum(int(report[0]) for report in reports)
    result.lost += sum(int(report[1]) for report in reports)
    if times_s:
        result.p50s_us.append(1e6 * percentile(times_s, 0.5))
        result.per_second.append(len(times_s) / took_s)
        result.processor_us.append(1e6 * used_s / len(times_s))
    time.sleep(LINGER_S)


def _read(client: subprocess.Popen[str]) -> list[str]:
    assert client.stdout is not None
    return client.stdout.readline().split()


def _say_go(client: subprocess.Popen[str]) -> None:
    assert client.stdin is not None
    client.stdin.write("go\n")
    client.stdin.flush()


def run_case(case: Case, think_ms: float, rounds: int, requests: int, names: Sequence[str]) -> None:
    """Measures and prints one table."""
    results = {name: Result() for name in names}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers: dict[str, Server] = {}
        for name in names:
            links = [folder / f"{name.replace(' ', '-')}-{number}" for number in range(case.modules)]
            for number, link in enumerate(links):
                stack.enter_context(module(link, number, think_ms / 1000))
            servers[name] = stack.enter_context(SERVERS[name](folder, links))
        for _ in range(rounds):
            for name in random.sample(list(names), len(names)):
                load(servers[name], case, max(requests // case.clients // case.modules, FEWEST), results[name])
    _print(f"{case}, which answer{'s' * (case.modules == 1)} after {think_ms:g} ms", results)


def _print(title: str, results: dict[str, Result]) -> None:
    print(f"\n{title}")
    heads = (("p50 us", 8), ("ratio", 18), ("quiet", 7), ("p99 us", 8), ("trans/s", 8), ("CPU us each", 18), ("wrong", 6), ("lost", 6))
    print(f"{'server':14}" + "".join(f"{head:>{width}}" for head, width in heads))
    first = next(iter(results.values()))
    for name, result in results.items():
        times_s = result.times_s or [float("nan")]
        ratios = [own / other for own, other in zip(result.p50s_us, first.p50s_us, strict=False)]
        cells = (
            f"{1e6 * percentile(times_s, 0.5):.0f}",
            _text(ratios),
            f"{min(result.p50s_us) / min(first.p50s_us):.2f}" if result.p50s_us and first.p50s_us else "-",
            f"{1e6 * percentile(times_s, 0.99):.0f}",
            _text(result.per_second).partition(" ")[0],
            _text(result.processor_us),
            str(result.wrong),
            str(result.lost),
        )
        print(f"{name:14}" + "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, heads, strict=True)), flush=True)


def _text(rounds: Sequence[float]) -> str:
    figure = Figure.of(rounds)
    return "-" if figure is None else figure.text()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench passthrough", description="Round trips through passthrough, socat and ser2net.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1600, help="per round, all clients together")
    parser.add_argument("--cases", default="1x1,4x1,8x1,1x8", help="clients x modules, each")
    parser.add_argument("--think-ms", default="0,1")
    parser.add_argument("--naive", action="store_true", help="let socat and ser2net share a module as well")
    options = parser.parse_args(argv)
    everybody = installed()
    for think_ms in map(float, options.think_ms.split(",")):
        for case in map(Case.parse, options.cases.split(",")):
            names = everybody if case.clients == 1 or options.naive else (OURS,)
            run_case(case, think_ms, options.rounds, options.requests, names)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
