"""A module behind a TCP or TLS port, on asyncio's transports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from typing import cast

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.port.address import TcpAddress, TlsAddress
from lucid2mqtt.port.link import LinkUser
from lucid2mqtt.port.options import TlsOptions

CONNECT_LIMIT_S = 5.0
"""Name look-up, connect and TLS handshake together."""
READ_SIZE = 4096
_SOCKET_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)


async def open_stream(address: TcpAddress | TlsAddress, user: LinkUser, *, tls: TlsOptions | None = None) -> StreamLink:
    """Connects, with TLS where `tls` is given. Raises LinkLost when that fails or takes longer than CONNECT_LIMIT_S."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            context = await asyncio.to_thread(_client_context, tls) if tls else None
            _, link = await loop.create_connection(
                lambda: StreamLink(user),
                address.host,
                address.port,
                ssl=context,
                server_hostname=((tls and tls.server_name) or address.host) if context else None,
                happy_eyeballs_delay=0.25,
            )
    except TimeoutError as fault:
        raise LinkLost(f"{address} does not answer: no connection within {CONNECT_LIMIT_S:.0f} s") from fault
    except ssl.SSLCertVerificationError as fault:
        raise LinkLost(f"{address} shows a certificate that is not trusted: {fault.verify_message}") from fault
    except OSError as fault:
        raise LinkLost(f"{address} cannot be reached: {_reason(fault)}") from fault
    return link


def _reason(fault: OSError) -> str:
    """In the system's words; asyncio's own repeat the address. Names that are not found have numbers of their own (gaierror)."""
    if fault.errno is not None and fault.errno > 0:
        return os.strerror(fault.errno)
    return fault.strerror or str(fault)


class StreamLink(asyncio.Protocol):
    """A TCP or TLS connection as a link."""

    def __init__(self, user: LinkUser) -> None:
        self._user = user
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)  # resume_writing then means: all of it is out
        connection = transport.get_extra_info("socket")
        for level, option, value in _SOCKET_OPTIONS:
            connection.setsockopt(level, option, value)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._user.bytes_arrived(data)

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._user.all_written()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            self._user.link_lost(f"the connection broke: {exc}" if exc else "the other side closed the connection")

    def write(self, request: bytes) -> bool:
        if self._transport is None:
            return False
        self._transport.write(request)
        return self._transport.get_write_buffer_size() == 0

    def flush_input(self) -> None:
        """Empties the socket; with TLS nothing can be taken past the cipher, and nothing is done."""
        if self._transport is None or self._transport.get_extra_info("ssl_object") is not None:
            return
        descriptor = self._transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):  # empty, or an end the transport will see as well
            while os.read(descriptor, READ_SIZE):
                pass

    def close(self) -> None:
        if self._transport is not None:
            transport, self._transport = self._transport, None
            transport.abort()


def _client_context(tls: TlsOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context
