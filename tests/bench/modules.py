"""Measuring modules for one run of an agent: analog inputs, and one output module whose commands are stamped."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from lucid2mqtt.lucid.identity import Identity
from tests.bench.module_process import WRITTEN

CHANNELS = 4
"""Of every analog module."""
TURN_AROUND_US = 1000
"""About what a USB module takes to answer."""

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 10.0


class Modules:
    """`count` AI4 and one DO4 behind them, in a process of their own, while the context lasts."""

    def __init__(self, count: int, *, turn_around_us: int = TURN_AROUND_US) -> None:
        self._identities = [
            *(Identity(22, 3, 0x0100, 0x1001, 1000 + number) for number in range(count)),
            Identity(22, 3, 0x1000, 0x1100, 1000 + count),
        ]
        self._turn_around_us = turn_around_us
        self.analog: tuple[str, ...] = ()
        self.output = ""

    def __enter__(self) -> Self:
        self.events, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.events.settimeout(_PATIENCE_S)
        words = [str(theirs.fileno()), str(self._turn_around_us), *(identity.encode().hex() for identity in self._identities)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.bench.module_process", *words], pass_fds=[theirs.fileno()], cwd=ROOT)
        theirs.close()
        try:
            *self.analog, self.output = json.loads(self.events.recv(65_536))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.events.close()
        self._process.kill()
        self._process.wait()

    def readings(self) -> int:
        """How many values the analog modules have given so far; drops unread writes."""
        self.events.send(b"count")
        while (message := self.events.recv(65_536))[:1] != b"c":
            pass
        return sum(json.loads(message[1:])[:-1])

    def next_write(self) -> tuple[int, bool]:
        """When a write arrived (CLOCK_MONOTONIC, ns) and what it said; blocks until there is one."""
        _, arrived_ns, value = WRITTEN.unpack(self.events.recv(65_536))
        return arrived_ns, bool(value)
