"""Opens what clients come in by, and keeps trying where that is not possible yet."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, assert_never

from lucid2mqtt.passthrough.com_port_layer import ComPortLayer
from lucid2mqtt.passthrough.connection import Connection
from lucid2mqtt.passthrough.door import MOST_HANDSHAKES, Door, Lobby, TurnedAway
from lucid2mqtt.passthrough.files import hand_over
from lucid2mqtt.passthrough.options import ListenAddress, ListenerOptions, Scheme
from lucid2mqtt.passthrough.peer import Peer, tcp_peer, tls_peer, unix_peer
from lucid2mqtt.passthrough.terminal import Terminal
from lucid2mqtt.passthrough.tls_files import Certificates
from lucid2mqtt.passthrough.tls_layer import TlsLayer
from lucid2mqtt.passthrough.wire import Session, Wire

RETRY_S = 5.0
BACKLOG = 32
_log = logging.getLogger(__name__)


class Listener:
    """One listener: `run` keeps it open until cancelled; `place` tells where, None while it is not."""

    def __init__(self, door: Door, lobby: Lobby) -> None:
        self._door = door
        self._lobby = lobby
        self._opened = asyncio.Event()
        self._connections: set[Connection] = set()
        self.place: str | None = None
        self.detail = "not open yet"

    async def opened(self) -> str:
        """Waits until clients can come in; where, with the port the system chose."""
        await self._opened.wait()
        return self.place or ""

    async def run(self) -> NoReturn:
        """Until cancelled; clients inside are closed then."""
        level = logging.WARNING
        while True:
            try:
                await self._serve()
            except OSError as fault:
                self.detail = fault.strerror or str(fault)
                _log.log(level, "%s cannot be opened: %s; tried again every %g s", self._door.name, self.detail, RETRY_S)
                level = logging.DEBUG
            await asyncio.sleep(RETRY_S)

    async def _serve(self) -> NoReturn:
        options = self._door.options
        listen = options.listen
        async with contextlib.AsyncExitStack() as stack:
            match listen.scheme:
                case Scheme.PTY:
                    stack.enter_context(contextlib.closing(self._open_terminal(options)))
                    place = str(listen)
                case Scheme.UNIX:
                    place = await self._open_unix(options, stack)
                case Scheme.TCP | Scheme.RFC2217 | Scheme.TLS:
                    place = await self._open_tcp(listen, self._entry(options), stack)
                case _:
                    assert_never(listen.scheme)
            stack.callback(self._end)
            self.place, self.detail = place, ""
            self._opened.set()
            _log.info("%s leads to %s, %s, access %s", place, self._door.target, options.mode, options.rights.default)
            await asyncio.Event().wait()
        raise RuntimeError("the stack swallowed the end")

    def _end(self) -> None:
        self.place, self.detail = None, "closed"
        self._opened.clear()
        for connection in tuple(self._connections):
            connection.abort()

    # -- the kinds of listener

    async def _open_tcp(self, listen: ListenAddress, entry: Callable[[Wire, Peer], Session], stack: contextlib.AsyncExitStack) -> str:
        def begin(wire: Connection, connection: socket.socket) -> Session:
            return self._enter(wire, lambda: entry(wire, tcp_peer(connection.getpeername())))

        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(begin, self._left), listen.host, listen.port, backlog=BACKLOG, reuse_address=True
        )
        stack.callback(server.close)
        return str(ListenAddress(listen.scheme, listen.host, server.sockets[0].getsockname()[1]))

    def _entry(self, options: ListenerOptions) -> Callable[[Wire, Peer], Session]:
        if options.tls is not None:
            certificates = Certificates(options.tls)
            return lambda wire, peer: self._begin_tls(wire, peer, certificates)
        if options.listen.scheme is Scheme.RFC2217:
            return lambda wire, peer: ComPortLayer(wire, lambda inner: self._door.admit(inner, peer))
        return self._door.admit

    def _begin_tls(self, wire: Wire, peer: Peer, certificates: Certificates) -> Session:
        if not self._lobby.begin_handshake():
            self._door.complain(peer.identity, "handshakes", f"it is turned away: {MOST_HANDSHAKES} clients are shaking hands already")
            return TurnedAway(wire, self._lobby)

        def known(inner: Wire, certificate: Mapping[str, Any] | None) -> Session:  # Any: as `ssl.getpeercert` gives it
            self._lobby.end_handshake()
            return self._door.admit(inner, tls_peer(peer, certificate))

        def failed(why: str) -> None:
            self._lobby.end_handshake()
            self._door.complain(peer.identity, "tls", why)

        return TlsLayer(wire, certificates.context(), known=known, failed=failed)

    async def _open_unix(self, options: ListenerOptions, stack: contextlib.AsyncExitStack) -> str:
        def begin(wire: Connection, connection: socket.socket) -> Session:
            return self._enter(wire, lambda: self._door.admit(wire, unix_peer(connection)))

        path = options.listen.path
        _make_way(path)
        listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        before = os.umask(0o177)  # nobody else may connect before the file has its rights
        try:
            listening.bind(path)
        finally:
            os.umask(before)
        stack.callback(Path(path).unlink, missing_ok=True)
        server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(begin, self._left), sock=listening, backlog=BACKLOG)
        stack.callback(server.close)
        hand_over(path, options.file_rights)
        return str(options.listen)

    def _open_terminal(self, options: ListenerOptions) -> Terminal:
        path = options.listen.path
        return Terminal(Path(path), options.file_rights, lambda wire: self._door.admit(wire, Peer(path, path)))

    def _enter(self, wire: Connection, admit: Callable[[], Session]) -> Session:
        self._connections.add(wire)
        if self._lobby.enter():
            try:
                return admit()
            except OSError:  # it left before it came in
                wire.abort()
        return TurnedAway(wire, self._lobby)

    def _left(self, wire: Connection) -> None:
        self._connections.discard(wire)
        self._lobby.leave()


def _make_way(path: str) -> None:
    """Takes away a socket that a killed agent left behind. OSError when something else is there, or somebody listens."""
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "something that is no socket is there already", path)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise OSError(errno.EADDRINUSE, "another program listens there", path)
