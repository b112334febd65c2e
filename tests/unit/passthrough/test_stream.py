from __future__ import annotations

import socket

import pytest

from lucid2mqtt.passthrough.stream import StreamWire, tune


def test_a_connection_sends_without_delay_and_notices_a_peer_that_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        tune(connection)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_what_a_system_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")
    monkeypatch.setattr(socket, "TCP_KEEPIDLE", 0x7FFF)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        tune(connection)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3


def test_a_unix_socket_needs_none_of_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        tune(ours)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_before_there_is_a_transport_nothing_happens() -> None:
    wire = StreamWire()
    for call in (wire.hold, wire.go_on, wire.finish, wire.abort):
        call()
    assert wire._transport is None
