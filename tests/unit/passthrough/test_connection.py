"""Connections on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lucid2mqtt.passthrough import connection
from lucid2mqtt.passthrough.connection import Connection
from lucid2mqtt.passthrough.wire import LONGEST_CHUNK
from tests.unit.passthrough.waiting import until


class Keeper:
    """A session that remembers."""

    controls = None

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.events: list[str] = []

    def received(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def peer_finished(self) -> None:
        self.events.append("finished")

    def stalled(self) -> None:
        self.events.append("stalled")

    def flowing(self) -> None:
        self.events.append("flowing")

    def lost(self) -> None:
        self.events.append("lost")


class Pair:
    def __init__(self, client: socket.socket, wire: Connection, keeper: Keeper, closed: list[bool]) -> None:
        self.client = client
        self.wire = wire
        self.keeper = keeper
        self.closed = closed

    async def until(self, event: str) -> None:
        await until(lambda: event in self.keeper.events)


@contextlib.asynccontextmanager
async def connected(path: Path | None = None) -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    keeper, wires, closed = Keeper(), [], []

    def begin(wire: Connection, accepted: socket.socket) -> Keeper:
        if path is None:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        wires.append(wire)
        return keeper

    def made() -> Connection:
        return Connection(begin, lambda _: closed.append(True))

    if path is None:
        server = await loop.create_server(made, "127.0.0.1", 0)
    else:
        server = await loop.create_unix_server(made, path)
    client = socket.socket(server.sockets[0].family)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await loop.sock_connect(client, server.sockets[0].getsockname())
    try:
        await until(lambda: wires)
        yield Pair(client, wires[0], keeper, closed)
    finally:
        client.close()
        wires[0].abort()
        server.close()
        await asyncio.sleep(0)


async def test_a_client_is_read_in_bounded_chunks_and_not_at_all_while_held() -> None:
    async with connected() as pair:
        pair.wire.hold()
        pair.client.send(bytes(3 * LONGEST_CHUNK))
        await asyncio.sleep(0.01)
        assert pair.keeper.chunks == []
        pair.wire.go_on()
        await until(lambda: sum(map(len, pair.keeper.chunks)) == 3 * LONGEST_CHUNK)
        assert max(map(len, pair.keeper.chunks)) <= LONGEST_CHUNK


class ForgetfulTransport(asyncio.Transport):
    """As that of Python 3.11.2: it begins to read when the connection is made, whether it was told to pause meanwhile or not."""

    def __init__(self, connection: Connection) -> None:
        super().__init__({"socket": socket.socket(socket.AF_UNIX)})
        self.reads = self._is_paused = False
        loop = asyncio.get_running_loop()
        loop.call_soon(connection.connection_made, self)
        loop.call_soon(self._read, True)

    def _read(self, reads: bool) -> None:
        self.reads = reads

    def is_reading(self) -> bool:
        return not self._is_paused

    def pause_reading(self) -> None:
        if not self._is_paused:
            self._is_paused, self.reads = True, False

    def resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused, self.reads = False, True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def is_closing(self) -> bool:
        return False


async def test_a_client_that_is_held_from_the_beginning_is_not_read_before_it_may_go_on() -> None:
    def begin(wire: Connection, _: socket.socket) -> Keeper:
        wire.hold()
        return Keeper()

    wire = Connection(begin, lambda _: None)
    transport = ForgetfulTransport(wire)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not transport.reads
    wire.go_on()
    assert transport.reads
    transport.get_extra_info("socket").close()


async def test_after_a_clients_last_word_it_can_still_be_answered() -> None:
    async with connected() as pair:
        pair.client.shutdown(socket.SHUT_WR)
        await pair.until("finished")
        pair.wire.write(b"answer")
        pair.wire.finish()
        assert await asyncio.get_running_loop().sock_recv(pair.client, 100) == b"answer"
        await pair.until("lost")
        assert pair.closed == [True]


async def test_a_client_that_leaves_unread_too_much_is_cut_off() -> None:
    async with connected() as pair:
        for _ in range(100):
            pair.wire.write(bytes(10_000))
        await pair.until("lost")
        assert "stalled" in pair.keeper.events


async def test_a_client_that_reads_nothing_for_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STUCK_LIMIT_S", 0.03)
    async with connected() as pair:
        while "stalled" not in pair.keeper.events:
            pair.wire.write(bytes(1000))
        await pair.until("lost")


async def test_a_client_that_reads_slowly_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connection, "STUCK_LIMIT_S", 0.1)
    loop = asyncio.get_running_loop()
    async with connected(tmp_path / "socket") as pair:
        while "stalled" not in pair.keeper.events:
            pair.wire.write(bytes(1000))
        pair.wire.write(bytes(60_000))
        begun = loop.time()
        while not {"flowing", "lost"} & set(pair.keeper.events):
            with contextlib.suppress(BlockingIOError):
                pair.client.recv(1000)
            await asyncio.sleep(0.003)
        assert loop.time() - begun > 0.1
        assert "lost" not in pair.keeper.events


async def test_a_gone_connection_takes_everything_in_silence() -> None:
    async with connected() as pair:
        pair.wire.abort()
        await pair.until("lost")
        pair.wire.write(b"to nobody")
        pair.wire.hold()
        pair.wire.go_on()
        pair.wire.finish()
        pair.wire.abort()
        assert pair.keeper.events == ["lost"]
