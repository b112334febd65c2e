"""What all connections on asyncio's transports have in common, those that come in and those that are dialled."""

from __future__ import annotations

import asyncio
import contextlib
import socket

_OPTIONS = (
    ("IPPROTO_TCP", "TCP_NODELAY", 1),
    ("SOL_SOCKET", "SO_KEEPALIVE", 1),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", 30),
    ("IPPROTO_TCP", "TCP_KEEPINTVL", 10),
    ("IPPROTO_TCP", "TCP_KEEPCNT", 3),
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", 30_000),
)
"""A dead network is noticed within a minute, within half of one when something was sent. Not every system has them all."""


class StreamWire:
    """The parts of a wire that only the transport is asked for; nothing happens before it is there, or after its end."""

    _transport: asyncio.Transport | None = None

    def hold(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def tune(connection: socket.socket) -> None:
    """Sends without delay and notices a peer that is gone; nothing for a unix socket, which needs neither."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for level, name, value in _OPTIONS:
        if hasattr(socket, name):
            with contextlib.suppress(OSError):  # known to Python, not to this system
                connection.setsockopt(getattr(socket, level), getattr(socket, name), value)
