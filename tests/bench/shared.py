"""One module, everybody at once: legacy clients over a pseudo terminal, TCP and TLS, the poller, and a stream of commands.

    python -m tests.bench shared --seconds 600

Each legacy client asks for a number only its answer holds, as fast as it is answered. Wrong: an answer that is not the asker's.
Lost: none within five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import serial

from lucid2mqtt.lucid.frames import get_parameter
from tests.broker import Certificates, Heard, Peer, free_port, running_broker, wait_until
from tests.processes import PROGRAM, everything

MODULE = "do4-500102"
CYCLE_TIME = 0x1110
TAGS = {0: 1_111_111, 1: 2_222_222, 2: 3_333_333}
COMMANDED = 3
PATIENCE_S = 5.0
COMMAND_PAUSE_S = 0.02


class Line(Protocol):
    def send(self, data: bytes) -> None: ...

    def receive(self, length: int) -> bytes:
        """Fewer bytes when they do not come in time."""


class SocketLine:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        line.settimeout(PATIENCE_S)

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def receive(self, length: int) -> bytes:
        got = b""
        with contextlib.suppress(TimeoutError):
            while len(got) < length and (chunk := self._line.recv(length - len(got))):
                got += chunk
        return got


class SerialLine:
    def __init__(self, path: Path) -> None:
        self._line = serial.Serial(str(path), timeout=PATIENCE_S)

    def send(self, data: bytes) -> None:
        self._line.write(data)

    def receive(self, length: int) -> bytes:
        return bytes(self._line.read(length))


@dataclass
class Tally:
    name: str
    asked: int = 0
    wrong: int = 0
    lost: int = 0
    times_ms: list[float] = field(default_factory=list)

    def row(self) -> str:
        ordered = sorted(self.times_ms) or [0.0]
        p50, p99 = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
        return f"{self.name:<28}{self.asked:>9}{self.wrong:>7}{self.lost:>6}{p50:>9.2f}{p99:>9.2f}"


def drive(line: Line, channel: int, tally: Tally, until: float) -> None:
    request = get_parameter(channel, CYCLE_TIME).encode()
    wanted = b"\x00\x04" + TAGS[channel].to_bytes(4, "little")
    while time.monotonic() < until:
        began = time.monotonic()
        line.send(request)
        answer = line.receive(len(wanted))
        tally.asked += 1
        tally.times_ms.append(1000 * (time.monotonic() - began))
        if len(answer) < len(wanted):
            tally.lost += 1
        elif answer != wanted:
            tally.wrong += 1


def command(peer: Peer, topic: str, tally: Tally, until: float) -> None:
    """Switches on and off; each outcome comes on the response topic with the number of its command."""
    number = 0
    while time.monotonic() < until:
        number += 1
        began = time.monotonic()
        heard = len(peer.heard)
        # QoS 0: the acknowledgement of a command would hold up its answer, in the broker, by 40 ms
        peer.say(topic, "ON" if number % 2 else "OFF", qos=0, answer_on="bench/answers", correlation=str(number).encode())
        answers: list[Heard] = []
        while not answers and time.monotonic() - began < PATIENCE_S:
            answers = [one for one in peer.heard[heard:] if one.topic == "bench/answers"]
            time.sleep(0.0005)
        tally.asked += 1
        tally.times_ms.append(1000 * (time.monotonic() - began))
        if not answers:
            tally.lost += 1
        elif answers[0].correlation != str(number).encode() or '"done"' not in answers[0].payload:
            tally.wrong += 1
        peer.heard.clear()
        time.sleep(COMMAND_PAUSE_S)


@contextlib.contextmanager
def attached(port: int, link: Path) -> Iterator[None]:
    process = subprocess.Popen([*PROGRAM, "attach", f"tcp://127.0.0.1:{port}", str(link)], stderr=subprocess.DEVNULL)
    try:
        wait_until(link.is_symlink)
        yield
    finally:
        process.terminate()
        process.wait()


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench shared", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args(list(words))
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        certificates = Certificates.make(folder)
        plain, secure = free_port(), free_port()
        tls = {"cert": str(certificates.server_cert), "key": str(certificates.server_key), "ca": str(certificates.ca)}
        broker = stack.enter_context(running_broker(folder))
        stack.enter_context(
            everything(
                folder,
                broker.url,
                modules=[
                    {
                        "match": {"serial": 500102},
                        "poll_s": 0.02,
                        "parameters": {str(channel): {"outDiCycleTime": tag} for channel, tag in TAGS.items()},
                    }
                ],
                passthrough=[
                    {"module": MODULE, "listen": f"tcp://127.0.0.1:{plain}"},
                    {"module": MODULE, "listen": f"tls://127.0.0.1:{secure}", "tls": tls},
                ],
            )
        )
        with Peer(broker.port, f"lucid2mqtt/az-2/{MODULE}/{COMMANDED}/state") as early:
            wait_until(lambda: early.heard, 20)
        peer = stack.enter_context(Peer(broker.port, "bench/answers"))  # two messages at a time would wait for each other in the broker
        link = folder / "lio0"
        stack.enter_context(attached(plain, link))
        context = ssl.create_default_context(cafile=str(certificates.ca))
        context.load_cert_chain(certificates.client_cert, certificates.client_key)
        raw = socket.create_connection(("127.0.0.1", secure))
        lines: list[tuple[str, Line]] = [
            ("attach, pseudo terminal", SerialLine(link)),
            ("TCP", SocketLine(socket.create_connection(("127.0.0.1", plain)))),
            ("TLS, read only", SocketLine(context.wrap_socket(raw, server_hostname="localhost"))),
        ]
        until = time.monotonic() + arguments.seconds
        tallies = [Tally(name) for name, _ in lines] + [Tally("MQTT commands")]
        threads = [threading.Thread(target=drive, args=(line, channel, tallies[channel], until)) for channel, (_, line) in enumerate(lines)]
        topic = f"lucid2mqtt/az-2/{MODULE}/{COMMANDED}/set"
        threads.append(threading.Thread(target=command, args=(peer, topic, tallies[-1], until)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"One module shared for {arguments.seconds:g} s, polled every 20 ms beside it")
    print(f"{'client':<28}{'asked':>9}{'wrong':>7}{'lost':>6}{'p50 ms':>9}{'p99 ms':>9}")
    for tally in tallies:
        print(tally.row())
    return 1 if any(tally.wrong or tally.lost for tally in tallies) else 0
