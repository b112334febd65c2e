import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from lucid2mqtt.lucid.frames import get_id
from lucid2mqtt.sim.tcp_port import TcpPort
from tests.unit.sim.talk import prompt_module

ASK = get_id().encode()
ANSWER = 18


@pytest.fixture
async def port() -> AsyncIterator[TcpPort]:
    port = TcpPort(prompt_module("RI4"))
    await port.open()
    port.plug_in()
    yield port
    port.close()


async def ask_once(port: TcpPort, tls: ssl.SSLContext | None = None) -> bytes:
    """What comes back to one GetId: the answer, or nothing when the connection is closed at once."""
    reader, writer = await asyncio.open_connection(port.host, port.port, ssl=tls, server_hostname="localhost" if tls else None)
    try:
        writer.write(ASK)
        return await reader.readexactly(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    finally:
        writer.close()


async def test_one_command_a_connection_is_answered_again_and_again(port: TcpPort) -> None:
    assert port.address == f"tcp://127.0.0.1:{port.port}"
    for _ in range(5):
        assert await ask_once(port) == b"\x00\x10" + port.module.identity.encode()
        await asyncio.sleep(0.01)


async def test_a_second_connection_is_closed_while_the_first_lives(port: TcpPort) -> None:
    reader, writer = await asyncio.open_connection(port.host, port.port)
    assert await ask_once(port) == b""
    writer.write(ASK)
    assert len(await reader.readexactly(ANSWER)) == ANSWER
    writer.close()


async def test_a_flood_is_answered_to_the_last_request(port: TcpPort) -> None:
    reader, writer = await asyncio.open_connection(port.host, port.port)
    writer.write(ASK * 20_000)
    answers = await asyncio.wait_for(reader.readexactly(ANSWER * 20_000), 10)
    assert answers == (b"\x00\x10" + port.module.identity.encode()) * 20_000
    writer.close()


async def test_pulling_the_cable_closes_the_connection_and_the_port_is_the_same_afterwards(port: TcpPort) -> None:
    reader, writer = await asyncio.open_connection(port.host, port.port)
    writer.write(ASK)
    await reader.readexactly(ANSWER)
    address = port.address
    port.pull_out()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert await ask_once(port) == b""
    port.plug_in()
    assert len(await ask_once(port)) == ANSWER
    assert port.address == address
    writer.close()


async def test_a_tcp_port_has_no_link_name(port: TcpPort) -> None:
    with pytest.raises(ValueError, match="no link name"):
        _ = port.link_name
    with pytest.raises(ValueError, match="cannot be called"):
        port.rename("usb-x")


async def test_tls_is_spoken_where_a_context_is_given() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    port = TcpPort(prompt_module("RI4"), tls=server)
    await port.open()
    port.plug_in()
    assert port.address.startswith("tls://")
    assert len(await ask_once(port, client)) == ANSWER
    port.close()
