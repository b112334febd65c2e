"""A virtual module behind a TCP port, raw or TLS, as ser2net would offer it."""

from __future__ import annotations

import asyncio
import ssl

from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.pump import Pump


class TcpPort:
    """A module behind a raw TCP port (TLS with `tls`), one connection at a time: a second one is closed at once."""

    def __init__(self, module: VirtualModule, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.module = module
        self.host = host
        self.port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connection: _Connection | None = None

    @property
    def address(self) -> str:
        return f"{'tcp' if self._tls is None else 'tls'}://{self.host}:{self.port}"

    @property
    def link_name(self) -> str:
        raise ValueError(f"{self.module.name} is on {self.address}, which has no link name")

    def rename(self, link_name: str) -> None:
        raise ValueError(f"{self.module.name} is on {self.address} and cannot be called {link_name}")

    async def open(self) -> None:
        """Listens from now on; while the cable is out, whoever connects is closed at once, as a serial server does it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self.pull_out()
        if self._server is not None:
            self._server.close()

    def plug_in(self) -> None:
        self.module.power_on(asyncio.get_running_loop().time())

    def pull_out(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self.module.power_off(asyncio.get_running_loop().time())

    def admit(self, connection: _Connection) -> bool:
        """True when the module is there and nobody else is connected."""
        if self._connection is not None or not self.module.is_powered:
            return False
        self._connection = connection
        return True

    def leave(self, connection: _Connection) -> None:
        if self._connection is connection:
            self._connection = None


class _Connection(asyncio.Protocol):
    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._pump: Pump | None = None
        self._is_held = False
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (a stream server gives nothing else)
        self._transport = transport
        if self._port.admit(self):
            self._pump = Pump(self._port.module, self)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._pump is not None:
            self._pump.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._pump is not None:
            self._pump.stop()
        self._port.leave(self)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def hold_back(self, *, held: bool) -> None:
        self._is_held = held
        self._watch_for_requests()

    def pause_writing(self) -> None:
        """The client does not read its replies: take no more requests."""
        self._is_full = True
        self._watch_for_requests()

    def resume_writing(self) -> None:
        self._is_full = False
        self._watch_for_requests()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _watch_for_requests(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_held or self._is_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
