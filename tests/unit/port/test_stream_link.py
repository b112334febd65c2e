"""Network links on loopback, plain and with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port import stream_link
from lucid2mqtt.port.address import Address, TcpAddress, TlsAddress
from lucid2mqtt.port.dial import open_link
from lucid2mqtt.port.options import PortOptions, TlsOptions
from lucid2mqtt.port.stream_link import open_stream
from lucid2mqtt.port.watch import open_module
from tests.unit.port.fake_module import IDENTITY, FakeModule, TcpModule
from tests.unit.port.recorder import Recorder

EVERY_BYTE = bytes(range(256))
READ = get_io(2, ValueType.VOS4)


class Peer(asyncio.Protocol):
    """The far end: collects, and sends or closes when told."""

    def __init__(self) -> None:
        self.heard = b""
        self.connected = asyncio.Event()
        self._news = asyncio.Event()

    async def until(self, heard: int) -> None:
        async with asyncio.timeout(5):
            while len(self.heard) < heard:
                self._news.clear()
                await self._news.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connected.set()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self._news.set()


@contextlib.asynccontextmanager
async def serving(peer: asyncio.Protocol, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(lambda: peer, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        transport = getattr(peer, "transport", None)
        if transport is not None:
            transport.abort()
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
async def test_every_byte_passes_unchanged_both_ways(secure: bool, authority: trustme.CA, ca_file: Path) -> None:
    user, peer = Recorder(), Peer()
    context = server_context(authority, "127.0.0.1") if secure else None
    async with serving(peer, context) as port:
        address: Address = TlsAddress("127.0.0.1", port) if secure else TcpAddress("127.0.0.1", port)
        link = await open_link(address, user, tls=TlsOptions(ca=ca_file))
        assert link.write(EVERY_BYTE)
        await peer.until(256)
        assert peer.heard == EVERY_BYTE
        peer.transport.write(EVERY_BYTE)
        await user.until(heard=256)
        assert user.heard == EVERY_BYTE
        link.close()


async def test_the_socket_is_quick_and_notices_a_dead_peer() -> None:
    peer = Peer()
    async with serving(peer) as port:
        link = await open_stream(TcpAddress("127.0.0.1", port), Recorder())
        assert link._transport is not None
        connection = link._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        link.close()


async def test_a_peer_that_closes_loses_the_link() -> None:
    user, peer = Recorder(), Peer()
    async with serving(peer) as port:
        link = await open_stream(TcpAddress("127.0.0.1", port), user)
        await peer.connected.wait()
        peer.transport.close()
        await user.until(lost=1)
        assert user.reasons == ["the other side closed the connection"]
        assert not link.write(b"x")
        link.flush_input()
        link.close()


async def test_nothing_is_told_after_closing() -> None:
    user, peer = Recorder(), Peer()
    async with serving(peer) as port:
        link = await open_stream(TcpAddress("127.0.0.1", port), user)
        await peer.connected.wait()
        peer.transport.write(b"x")
        link.close()
        link.close()
        await asyncio.sleep(0.01)
        assert (user.heard, user.reasons) == (b"", [])


async def test_what_does_not_fit_goes_out_later_and_the_end_is_told() -> None:
    user, peer = Recorder(), Peer()
    async with serving(peer) as port:
        link = await open_stream(TcpAddress("127.0.0.1", port), user)
        await peer.connected.wait()
        peer.transport.pause_reading()
        size = 0
        while link.write(bytes(1 << 20)):
            size += 1 << 20
        size += 1 << 20
        assert user.written == 0
        peer.transport.resume_reading()
        await user.until(written=1)
        await peer.until(size)
        assert len(peer.heard) == size
        link.close()


async def test_flushing_drops_what_already_arrived() -> None:
    user, peer = Recorder(), Peer()
    async with serving(peer) as port:
        link = await open_stream(TcpAddress("127.0.0.1", port), user)
        await peer.connected.wait()
        peer.transport.write(b"stray")
        time.sleep(0.01)  # the bytes travel through the kernel while the loop stands still  # noqa: ASYNC251
        link.flush_input()
        peer.transport.write(b"fresh")
        await user.until(heard=5)
        assert user.heard == b"fresh"
        link.close()


async def test_a_port_where_nobody_listens_is_lost_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkLost, match=rf"tcp://127.0.0.1:{port} cannot be reached: Connection refused$"):
        await open_stream(TcpAddress("127.0.0.1", port), Recorder())


async def test_a_host_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_link, "CONNECT_LIMIT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(LinkLost, match="does not answer"):  # never says a word of TLS
        await open_stream(TlsAddress("127.0.0.1", mute.getsockname()[1]), Recorder(), tls=TlsOptions())


async def test_a_certificate_of_a_stranger_is_not_trusted(ca_file: Path) -> None:
    peer = Peer()
    async with serving(peer, server_context(trustme.CA(), "127.0.0.1")) as port:
        with pytest.raises(LinkLost, match="certificate that is not trusted"):
            await open_stream(TlsAddress("127.0.0.1", port), Recorder(), tls=TlsOptions(ca=ca_file))


async def test_the_certificate_must_carry_the_name_that_was_dialled_or_given(authority: trustme.CA, ca_file: Path) -> None:
    peer = Peer()
    async with serving(peer, server_context(authority, "boiler.lan")) as port:
        address = TlsAddress("127.0.0.1", port)
        with pytest.raises(LinkLost, match="not trusted"):
            await open_stream(address, Recorder(), tls=TlsOptions(ca=ca_file))
        (await open_stream(address, Recorder(), tls=TlsOptions(ca=ca_file, server_name="boiler.lan"))).close()


async def test_a_server_that_wants_a_certificate_gets_ours(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    ours = authority.issue_cert("agent")
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in ours.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "cert.pem"), append=True)
    context = server_context(authority, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    peer = Peer()
    async with serving(peer, context) as port:
        options = TlsOptions(ca=ca_file, cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")
        link = await open_stream(TlsAddress("127.0.0.1", port), Recorder(), tls=options)
        link.write(b"hello")
        await peer.until(5)
        link.close()


async def test_a_missing_certificate_file_is_a_lost_link_and_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="No such file"):
        await open_stream(TlsAddress("127.0.0.1", 1), Recorder(), tls=TlsOptions(ca=tmp_path / "none.pem"))


@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
async def test_a_module_behind_the_network_answers(secure: bool, authority: trustme.CA, ca_file: Path) -> None:
    module = FakeModule()
    context = server_context(authority, "127.0.0.1") if secure else None
    async with serving(TcpModule(module), context) as port:
        address: Address = TlsAddress("127.0.0.1", port) if secure else TcpAddress("127.0.0.1", port)
        async with open_module(address, PortOptions(tls=TlsOptions(ca=ca_file))) as (identity, line):
            assert identity == IDENTITY
            reply = await line.transact(READ, turn=Turn.COMMAND, client="cli")
            assert reply.data == b"\x02\x00\x00\x00"
