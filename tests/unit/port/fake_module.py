"""A scripted module: the same answers over a link of its own, a pseudo terminal or a TCP connection, and a log of requests."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable, Sequence
from dataclasses import replace

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.readers import RequestReader
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.link import Link, LinkUser
from lucid2mqtt.port.options import TlsOptions

IDENTITY = Identity(22, 3, 0x0100, 0x1001, 4711)
OTHER = replace(IDENTITY, serial=815)

Answer = Sequence[tuple[float, bytes]]
"""Seconds after the module took the request up, and what it then sends."""


def usual(request: Request, identity: Identity = IDENTITY) -> bytes:
    """What a good module answers: reads echo the channel in their first byte, so that a foreign answer shows."""
    if request.opcode == Opcode.GET_ID:
        return Reply(0, identity.encode()).encode()
    if not request.is_known:
        return Reply(0xA0).encode()
    length = 2 if request.reply_length is None else request.reply_length
    return Reply(0, bytes((request.selector[0], *bytes(length)))[:length]).encode()


class FakeModule:
    """Takes requests one after the other. Set `answer` to misbehave; `log` is what it really received."""

    def __init__(self, identity: Identity = IDENTITY) -> None:
        self.identity = identity
        self.log: list[Request] = []
        self.received = b""
        self.answer: Callable[[Request], Answer] = self.good
        self._reader = RequestReader()
        self._free_at = 0.0

    def good(self, request: Request) -> Answer:
        return [(0.0, usual(request, self.identity))]

    def once(self, *bad: Answer, opcode: int = Opcode.GET_IO) -> None:
        """The next requests of this opcode are answered with `bad`, one each; everything else as usual."""
        left = list(bad)
        self.answer = lambda request: left.pop(0) if request.opcode == opcode and left else self.good(request)

    def asked(self, opcode: int) -> list[Request]:
        return [request for request in self.log if request.opcode == opcode]

    def hold(self, half: bytes) -> None:
        """Another program left this much of a request behind."""
        self._reader.feed(half)

    def receive(self, chunk: bytes, send: Callable[[bytes], object]) -> None:
        loop = asyncio.get_running_loop()
        self.received += chunk
        for request in self._reader.feed(chunk):
            self.log.append(request)
            begin = max(loop.time(), self._free_at)
            for after_s, answer in self.answer(request):
                self._free_at = max(self._free_at, begin + after_s)
                loop.call_at(begin + after_s, send, answer)


class FakePort:
    """A port without a device; `dial` opens links to whatever module is plugged in."""

    def __init__(self, module: FakeModule | None) -> None:
        self.module = module
        self.link: FakeLink | None = None
        self.opened = 0
        self.refusal: Exception | None = None

    async def dial(self, address: Address, user: LinkUser, *, tls: TlsOptions | None = None) -> Link:
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal
        if self.module is None:
            raise LinkLost(f"{address} is not there: the module is not plugged in")
        self.opened += 1
        self.link = FakeLink(self.module, user)
        return self.link

    def unplug(self) -> None:
        self.module = None
        if self.link is not None:
            self.link.lose("the device is gone")

    def say(self, stray: bytes) -> None:
        assert self.link is not None
        self.link.send(stray)


class FakeLink:
    def __init__(self, module: FakeModule, user: LinkUser) -> None:
        self.module = module
        self.user = user
        self.open = True
        self.flushed = 0
        self.accepts: int | None = None
        """How many bytes a write may take before the rest is stuck; None for all."""
        self.stuck = b""
        self.loses = 0
        """How many bytes at the end of the next write never arrive, although they are out."""

    def write(self, request: bytes) -> bool:
        taken = len(request) if self.accepts is None else self.accepts
        lost, self.loses = self.loses, 0
        self.module.receive(request[: taken - lost], self.send)
        self.stuck = request[taken:]
        return not self.stuck

    def unstick(self) -> None:
        stuck, self.stuck, self.accepts = self.stuck, b"", None
        self.module.receive(stuck, self.send)
        self.user.all_written()

    def send(self, answer: bytes) -> None:
        if self.open:
            self.user.bytes_arrived(answer)

    def flush_input(self) -> None:
        self.flushed += 1

    def lose(self, reason: str) -> None:
        if self.open:
            self.open = False
            self.user.link_lost(reason)

    def close(self) -> None:
        self.open = False


class PtyModule:
    """The module on a real pseudo terminal, served by the running loop. `path` is the device to open."""

    def __init__(self, module: FakeModule) -> None:
        self.module = module
        self._line, self._device = os.openpty()
        tty.setraw(self._device)
        os.set_blocking(self._line, False)
        self.path = os.ttyname(self._device)
        asyncio.get_running_loop().add_reader(self._line, self._on_readable)

    def _on_readable(self) -> None:
        self.module.receive(os.read(self._line, 4096), self.send)

    def send(self, answer: bytes) -> None:
        if self._line >= 0:
            os.write(self._line, answer)

    def unplug(self) -> None:
        if self._line >= 0:
            asyncio.get_running_loop().remove_reader(self._line)
            os.close(self._line)
            os.close(self._device)
            self._line = -1


class TcpModule(asyncio.Protocol):
    """The module behind a TCP connection; an instance per connection, as `create_server` wants it."""

    def __init__(self, module: FakeModule) -> None:
        self.module = module
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.module.receive(data, self.transport.write)
