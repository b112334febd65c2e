"""A TCP or unix socket connection of a client, on asyncio's transport."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from lucid2mqtt.passthrough.stream import StreamWire, tune
from lucid2mqtt.passthrough.wire import LONGEST_CHUNK, STUCK_LIMIT_S, UNREAD_LIMIT, Session

Open = Callable[["Connection", socket.socket], Session]
"""Makes the session of a new connection."""


class Connection(StreamWire, asyncio.BufferedProtocol):
    """One connection. A buffered protocol, because only that bounds how much is read at once."""

    def __init__(self, open_session: Open, closed: Callable[[Connection], None]) -> None:
        self._open_session = open_session
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._room = bytearray(LONGEST_CHUNK)
        self._view = memoryview(self._room)
        self._session: Session | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._left = 0  # bytes that would wait now if the client had read nothing since the last look

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"{transport} is no stream")
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        connection = transport.get_extra_info("socket")
        tune(connection)
        self._session = self._open_session(self, connection)
        if not transport.is_reading():
            self._loop.call_soon(self._hold_again)

    def _hold_again(self) -> None:
        """The Python of Debian 12, 3.11.2, begins to read after `connection_made` even where it was told to pause in there."""
        if self._transport is not None and not self._transport.is_reading():
            self.go_on()
            self.hold()

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint  # asyncio asks for what it likes; the bound is ours
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._session is not None:
            self._session.received(bytes(self._view[:nbytes]))

    def eof_received(self) -> bool:
        if self._session is not None:
            self._session.peer_finished()
        return True  # the session closes when it has answered

    def pause_writing(self) -> None:
        if self._stuck is None and self._session is not None and self._transport is not None:
            self._left = self._transport.get_write_buffer_size()
            self._stuck = self._loop.call_later(STUCK_LIMIT_S, self._look)
            self._session.stalled()

    def resume_writing(self) -> None:
        self._forget_stuck()
        if self._session is not None:
            self._session.flowing()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # why a client left is its own affair
        self._forget_stuck()
        session, self._session = self._session, None
        if session is not None:
            session.lost()
        self._closed(self)

    # -- the session's side

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        is_stuck = self._stuck is not None
        transport.write(data)
        if is_stuck:
            self._left += len(data)
            if transport.get_write_buffer_size() > UNREAD_LIMIT:
                transport.abort()

    def _look(self) -> None:
        """The client was stuck for a while: cut it off unless it read something."""
        self._stuck = None
        if self._transport is None:
            return
        left = self._transport.get_write_buffer_size()
        if left >= self._left:
            self._transport.abort()
        elif left:
            self._left = left
            self._stuck = self._loop.call_later(STUCK_LIMIT_S, self._look)

    def _forget_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
