"""A process full of measuring modules on pseudo terminals: frames in, answers out, nothing of a real module's inner life.

Run by `tests.bench.modules` with `SOCKET TURN_AROUND_US IDENTITY...`. The virtual modules of the package are faithful and
cost several times the processor time; an instrument must weigh less than what it measures.
`select` is used for its microsecond time-outs, those of `epoll` are whole milliseconds.
"""

from __future__ import annotations

import heapq
import json
import os
import select
import socket
import struct
import sys
import time
import tty

from lucid2mqtt.lucid.frames import Opcode
from lucid2mqtt.lucid.values import ValueType

MODE_ADDRESS, FLAGS_ADDRESS = 0x1100, 0x1101
UNKNOWN_OPCODE, UNKNOWN_VALUE_TYPE, UNKNOWN_ADDRESS = 0xA0, 0xA1, 0xBA
HEADER = 4

WRITTEN = struct.Struct("<cQB")
"""What the socket is told of a SetIo: "w", CLOCK_MONOTONIC in ns when its last byte was there, its value."""


class Module:
    """One module. Every read of a voltage gives another value, so that each is news; outputs remember what was written."""

    def __init__(self, identity: bytes) -> None:
        self.readings = 0
        self.held = bytearray()
        self._identity = identity
        self._outputs = bytearray(16)
        self.line, self._other_end = os.openpty()
        tty.setraw(self._other_end)  # stays open, so that the terminal outlives its clients
        self.path = os.ttyname(self._other_end)

    def close(self) -> None:
        """Pulls the cable."""
        os.close(self.line)
        os.close(self._other_end)

    def answer(self, opcode: int, first: int, second: int, data: bytes) -> bytes:
        match opcode:
            case Opcode.GET_IO:
                return self._values(second, [first])
            case Opcode.GET_IO_GROUP:
                return self._values(second, [channel for channel in range(7) if first >> channel & 1])
            case Opcode.GET_ID:
                return _good(self._identity)
            case Opcode.GET_PARAM:
                address = int.from_bytes(data, "little")
                known = address in (MODE_ADDRESS, FLAGS_ADDRESS)
                return _good(bytes((address == MODE_ADDRESS,))) if known else bytes((UNKNOWN_ADDRESS, 0))
            case Opcode.SET_IO:
                self._outputs[first & 15] = data[0]
        return _good() if opcode in (Opcode.SET_IO, Opcode.SET_PARAM) else bytes((UNKNOWN_OPCODE, 0))

    def _values(self, value_type: int, channels: list[int]) -> bytes:
        if value_type == ValueType.DI1:
            values = bytes(self._outputs[channel] for channel in channels)
        elif value_type == ValueType.VOS4:
            microvolts = 4_000_000 + self.readings % 1_999 * 1_000
            values = b"".join((microvolts + channel * 1_000_000).to_bytes(4, "little") for channel in channels)
        else:
            return bytes((UNKNOWN_VALUE_TYPE, 0))
        self.readings += len(channels)
        return _good(values)


def _good(data: bytes = b"") -> bytes:
    return bytes((0, len(data))) + data


def serve(control: socket.socket, modules: list[Module], turn_around_s: float) -> None:
    """Until the other end of the socket is closed."""
    by_line = {module.line: module for module in modules}
    watched = [control.fileno(), *by_line]
    due: list[tuple[float, int, bytes]] = []
    while True:
        patience_s = max(0.0, due[0][0] - time.monotonic()) if due else None
        for ready in select.select(watched, [], [], patience_s)[0]:
            if ready == control.fileno():
                if not control.recv(16):
                    return
                control.send(b"c" + json.dumps([module.readings for module in modules]).encode())
                continue
            module = by_line[ready]
            module.held += os.read(ready, 4096)
            while len(module.held) >= HEADER and len(module.held) >= HEADER + module.held[3]:
                arrived_ns = time.monotonic_ns()
                opcode, first, second, length = module.held[:HEADER]
                data = bytes(module.held[HEADER : HEADER + length])
                del module.held[: HEADER + length]
                if opcode == Opcode.SET_IO:
                    control.send(WRITTEN.pack(b"w", arrived_ns, data[0]))
                heapq.heappush(due, (arrived_ns / 1e9 + turn_around_s, ready, module.answer(opcode, first, second, data)))
        while due and due[0][0] <= time.monotonic():
            _, line, reply = heapq.heappop(due)
            os.write(line, reply)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    modules = [Module(bytes.fromhex(identity)) for identity in sys.argv[3:]]
    control.send(json.dumps([module.path for module in modules]).encode())
    serve(control, modules, int(sys.argv[2]) / 1e6)


if __name__ == "__main__":
    main()
