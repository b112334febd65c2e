"""The connection to the other side: plain, TLS or a unix socket, on asyncio's transports."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.passthrough.attach_line import Line
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, Way
from lucid2mqtt.passthrough.attach_words import alert_words, verdict_words
from lucid2mqtt.passthrough.stream import StreamWire, tune
from lucid2mqtt.passthrough.wire import UNREAD_LIMIT

CONNECT_LIMIT_S = 10.0
"""Name look-up, connect and TLS handshake together."""

_WORDS = (
    (type(None), "the other side closed the connection"),
    (ssl.SSLEOFError, "the other side closed the connection"),
    (ssl.SSLZeroReturnError, "the other side closed the connection"),
    (socket.gaierror, "nobody knows a host of this name"),
    (ConnectionRefusedError, "nobody listens there"),
    (ConnectionResetError, "the other side broke the connection"),
    (FileNotFoundError, "there is no such socket"),
)


class TlsFault(LinkLost):
    """A file for TLS cannot be used."""


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """Reads the files. Raises TlsFault that names the one that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.check_name
    if tls.ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(tls.ca)
        except OSError as fault:
            raise TlsFault(f"{tls.ca} cannot be used as --ca: {_file_words(fault)}") from fault
        if context.cert_store_stats()["crl"]:
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if tls.cert is not None:
        try:
            context.load_cert_chain(tls.cert, tls.key, password=_refuse_passphrase)
        except (OSError, ValueError) as fault:
            files = str(tls.cert) if tls.key is None else f"{tls.cert} and {tls.key}"
            raise TlsFault(f"{files} cannot be used as certificate and key: {_file_words(fault)}") from fault
    return context


async def connect(remote: Remote, line: Line, context: ssl.SSLContext | None, server_name: str | None) -> RemoteConnection:
    """Dials and joins the connection to `line`. Raises LinkLost with the reason in words."""
    loop = asyncio.get_running_loop()

    def protocol() -> RemoteConnection:
        return RemoteConnection(line, loop)

    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            if remote.way is Way.UNIX:
                _, connection = await loop.create_unix_connection(protocol, remote.path)
            else:
                name = (server_name or remote.host) if context else None
                _, connection = await loop.create_connection(
                    protocol, remote.host, remote.port, ssl=context, server_hostname=name, happy_eyeballs_delay=0.25
                )
    except TimeoutError as fault:
        raise LinkLost(f"no connection within {CONNECT_LIMIT_S:g} s") from fault
    except NotImplementedError as fault:
        raise LinkLost("this system has no unix sockets") from fault
    except OSError as fault:
        raise LinkLost(lost_words(fault)) from fault
    return connection


def lost_words(fault: Exception | None) -> str:
    """Why there is no connection, or no more."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return verdict_words(fault.verify_code, fault.verify_message)
    for kind, words in _WORDS:
        if isinstance(fault, kind):
            return words
    if isinstance(fault, ssl.SSLError):
        return alert_words(fault.reason or "")
    return str(getattr(fault, "strerror", None) or fault)


class RemoteConnection(StreamWire, asyncio.Protocol):
    """A connection that stands. A wire towards the line; `closed` gives the reason when it is over."""

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._is_joined = False
        self._may_be_unwelcome = False
        self.closed: asyncio.Future[str] = loop.create_future()

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_LIMIT)
        tune(transport.get_extra_info("socket"))
        self._may_be_unwelcome = transport.get_extra_info("ssl_object") is not None
        self._is_joined = True
        self._line.connected(self)

    def data_received(self, data: bytes) -> None:
        self._may_be_unwelcome = False
        if self._is_joined:
            self._line.received(data)

    def pause_writing(self) -> None:
        if self._is_joined:
            self._line.remote_stalled(stalled=True)

    def resume_writing(self) -> None:
        if self._is_joined:
            self._line.remote_stalled(stalled=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._part()
        if not self.closed.done():
            doubt = (
                ", before it sent anything: perhaps it does not accept our certificate" if self._may_be_unwelcome and exc is None else ""
            )
            self.closed.set_result(lost_words(exc) + doubt)

    # -- the line's side

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """Closes at once, whatever is still to be sent."""
        self._is_joined = False
        super().abort()

    def _part(self) -> None:
        if self._is_joined:
            self._is_joined = False
            self._line.disconnected()


def _refuse_passphrase() -> str:
    raise ValueError("the key has a passphrase, and nobody is there to type it")


def _file_words(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return (fault.reason or "no PEM file").lower().replace("_", " ")
    return (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
