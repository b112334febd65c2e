"""Listeners that cannot be opened yet, files in the way, and the rights of files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lucid2mqtt.lucid.frames import Reply, get_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough import door as door_module
from lucid2mqtt.passthrough import listener as listener_module
from lucid2mqtt.passthrough.door import Door, Guest, Lobby
from lucid2mqtt.passthrough.listener import Listener
from lucid2mqtt.passthrough.options import FileRights, ListenAddress, ListenerOptions, Scheme, ServerTls, parse_listen
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.shared_session import SharedSession
from lucid2mqtt.passthrough.wire import Wire
from tests.unit.passthrough.fakes import FakeLine, module, options
from tests.unit.passthrough.waiting import until

READ = get_io(0, ValueType.DI1).encode()
ANSWER = b"\x00\x01\x01"


@contextlib.asynccontextmanager
async def listening(settled: ListenerOptions, lobby: Lobby | None = None) -> AsyncIterator[tuple[Listener, Door]]:
    lobby = lobby or Lobby()
    shared = module(FakeLine(Reply(0, b"\x01")))

    def serve(wire: Wire, peer: Peer, door: Door) -> Guest:
        return SharedSession(wire, peer, shared, door)

    door = Door(settled, lobby, serve)
    made = Listener(door, lobby)
    running = asyncio.create_task(made.run())
    try:
        yield made, door
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def ask_tcp(place: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2]))
    return await _ask(reader, writer)


async def ask_unix(path: Path) -> bytes:
    return await _ask(*await asyncio.open_unix_connection(path))


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(READ)
    writer.write_eof()
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


def unix(path: Path, **how: object) -> ListenerOptions:
    return replace(options(), listen=ListenAddress(Scheme.UNIX, path=str(path)), **how)  # type: ignore[arg-type]


async def test_a_port_that_is_taken_is_told_once_and_opened_when_it_is_free(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, "RETRY_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = parse_listen(f"tcp://127.0.0.1:{other.getsockname()[1]}")
        async with listening(replace(options(), listen=listen)) as (made, _):
            with caplog.at_level(logging.WARNING):
                await asyncio.sleep(0.05)
            assert made.place is None
            assert "in use" in made.detail
            assert len(caplog.records) == 1
            other.close()
            async with asyncio.timeout(5):
                assert await ask_tcp(await made.opened()) == ANSWER


async def test_certificates_that_are_missing_keep_the_listener_closed_until_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "RETRY_S", 0.01)
    files = ServerTls(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem", ca=tmp_path / "ca.pem")
    async with listening(replace(options(), listen=parse_listen("tls://127.0.0.1:0"), tls=files)) as (made, _):
        await asyncio.sleep(0.03)
        assert made.place is None
        assert "No such file" in made.detail


async def test_a_unix_socket_has_its_rights_and_goes_with_the_listener(tmp_path: Path) -> None:
    path = tmp_path / "module.sock"
    async with listening(unix(path, file_rights=FileRights(group=os.getgid(), mode=0o620))) as (made, _):
        await made.opened()
        assert stat.S_IMODE(path.stat().st_mode) == 0o620
        assert await ask_unix(path) == ANSWER
    assert not path.exists()


async def test_a_socket_that_a_killed_agent_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "module.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with listening(unix(path)) as (made, _):
        await made.opened()
        assert await ask_unix(path) == ANSWER


async def test_a_socket_that_somebody_listens_on_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "module.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        async with listening(unix(path)) as (made, _):
            await asyncio.sleep(0.01)
            assert "another program listens" in made.detail
    assert path.exists()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "module.sock"
    path.write_text("mine")
    async with listening(unix(path)) as (made, _):
        await asyncio.sleep(0.01)
        assert made.place is None
    assert path.read_text() == "mine"


async def test_clients_are_cut_off_when_the_listener_closes() -> None:
    async with listening(options()) as (made, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", int((await made.opened()).rpartition(":")[2]))
        writer.write(READ)
        assert await reader.readexactly(3) == ANSWER
        assert len(door.guests) == 1
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()


async def test_of_too_many_connections_the_last_is_not_served_and_all_are_counted_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(door_module, "HELD_S", 0.01)
    lobby = Lobby()
    async with listening(options(), lobby) as (made, door):
        port = int((await made.opened()).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(READ)
        assert await reader.readexactly(3) == ANSWER
        with contextlib.suppress(ConnectionError):
            assert await ask_tcp(str(made.place)) == b""
        writer.close()
        await until(lambda: not lobby._connections)
        assert await ask_tcp(str(made.place)) == ANSWER
        assert door.guests == []


async def test_a_storm_of_handshakes_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustme

    monkeypatch.setattr(door_module, "MOST_HANDSHAKES", 2)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    files = ServerTls(cert=tmp_path / "server.pem", key=tmp_path / "server.pem", ca=tmp_path / "ca.pem")
    lobby = Lobby()
    async with listening(replace(options(), listen=parse_listen("tls://127.0.0.1:0"), tls=files), lobby) as (made, _):
        port = int((await made.opened()).rpartition(":")[2])
        writers = []
        for _ in range(4):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(writer)
        await until(lambda: lobby._connections == 4)
        assert lobby._handshakes == 2
        for writer in writers:
            writer.close()
        await until(lambda: not lobby._handshakes)


async def test_a_folder_that_is_missing_keeps_the_listener_closed_and_is_told(tmp_path: Path) -> None:
    async with listening(unix(tmp_path / "missing" / "module.sock")) as (made, _):
        await asyncio.sleep(0.01)
        assert "No such file" in made.detail
    pty = ListenAddress(Scheme.PTY, path=str(tmp_path / "missing" / "lio0"))
    async with listening(replace(options(), listen=pty)) as (made, _):
        await asyncio.sleep(0.01)
        assert "No such file" in made.detail
