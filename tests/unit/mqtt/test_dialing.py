from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from pathlib import Path

import pytest

from lucid2mqtt.mqtt.dialing import acknowledge_at_once, in_daemon_thread, send_at_once, sentence_of, tls_context
from lucid2mqtt.mqtt.options import TlsFiles


def nothing() -> None:
    pass


async def test_what_fails_in_the_thread_fails_where_it_is_awaited() -> None:
    def fail() -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.raises(ConnectionRefusedError):
        await in_daemon_thread(fail, nothing)


async def test_the_loop_goes_on_while_the_thread_works() -> None:
    go_on = threading.Event()
    waiting = asyncio.create_task(in_daemon_thread(lambda: _wait(go_on), nothing))
    await asyncio.sleep(0)
    assert not waiting.done()
    go_on.set()
    await waiting


async def test_an_abandoned_connection_is_put_away_when_it_comes_after_all() -> None:
    go_on, put_away = threading.Event(), asyncio.Event()
    waiting = asyncio.create_task(in_daemon_thread(lambda: _wait(go_on), put_away.set))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not put_away.is_set()
    go_on.set()
    async with asyncio.timeout(5):
        await put_away.wait()


def test_a_connection_that_comes_after_the_loop_ended_is_put_away_too() -> None:
    go_on, put_away = threading.Event(), threading.Event()

    async def give_up() -> None:
        waiting = asyncio.create_task(in_daemon_thread(lambda: _wait(go_on), put_away.set))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(give_up())
    go_on.set()
    assert put_away.wait(5)


def _wait(event: threading.Event) -> None:
    assert event.wait(5)


def test_tcp_is_made_quick_in_both_directions() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as opened:
        send_at_once(opened.fileno())
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        acknowledge_at_once(opened)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK)


def test_what_is_no_tcp_is_left_alone() -> None:
    near, far = socket.socketpair()
    with near, far:
        send_at_once(near.fileno())
        acknowledge_at_once(near)
        acknowledge_at_once(None)
        near.send(b"x")
        assert far.recv(1) == b"x"


def test_servers_are_verified_by_default() -> None:
    context = tls_context(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("key", ["ca", "cert", "key"])
def test_a_missing_certificate_file_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        tls_context(TlsFiles(**{key: tmp_path / "gone.pem"}))
    assert "gone.pem: No such file" in sentence_of(missing.value)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_every_failure_has_words(error: OSError, sentence: str) -> None:
    assert sentence_of(error) == sentence
