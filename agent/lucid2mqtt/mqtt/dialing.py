"""Making a paho client and the blocking part of reaching a broker, kept off the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.options import MqttOptions, TlsFiles

LARGEST_PACKET = 4 * 1024 * 1024
"""Bytes; an MQTT 5 broker keeps anything larger to itself."""

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
_TRANSPORTS = {"ws": "websockets", "wss": "websockets", "unix": "unix"}


def new_client(options: MqttOptions, *, is_v5: bool, will: Outgoing, window: int) -> Client:
    """A paho client ready to dial. `window` limits its QoS 1 queue too: ours stands in front, so that one stays empty."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=options.client_id,
        clean_session=None if is_v5 else True,
        protocol=MQTTProtocolVersion.MQTTv5 if is_v5 else MQTTProtocolVersion.MQTTv311,
        transport=_TRANSPORTS.get(options.address.scheme, "tcp"),  # type: ignore[arg-type]  # paho wants a Literal
        reconnect_on_failure=False,
    )
    client.connect_timeout = options.connect_timeout_s
    client.max_inflight_messages_set(window)
    client.max_queued_messages_set(window)
    client.will_set(will.topic, will.payload, will.qos, will.retain is Retain.ALWAYS)
    if options.username is not None:
        client.username_pw_set(options.username, options.password)
    if options.address.path:
        client.ws_set_options(path=options.address.path)
    return client


def dial(client: Client, options: MqttOptions, *, is_v5: bool) -> None:
    """Looks the name up, connects, shakes hands for TLS and sends the CONNECT. Blocks, and raises OSError or UnicodeError.

    Clean start, and no session of ours outlives the connection.
    """
    address = options.address
    if address.uses_tls:
        client.tls_set_context(tls_context(options.tls))
    if is_v5:
        limits = new_properties(PacketTypes.CONNECT)
        limits.MaximumPacketSize = LARGEST_PACKET
        client.connect(address.host, address.port, options.keepalive_s, clean_start=True, properties=limits)
    else:
        client.connect(address.host, address.port, options.keepalive_s)
    opened = client.socket()
    if opened is None:
        raise ConnectionResetError("the broker closed the connection at once")
    send_at_once(opened.fileno())


def new_properties(packet_type: int) -> Properties:
    """Empty properties of MQTT 5."""
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho forgot its annotation


async def in_daemon_thread(work: Callable[[], None], abandoned: Callable[[], None]) -> None:
    """Runs `work` in a thread that nobody waits for at the end: a stop must not wait for a name server.

    Raises what `work` raises. When the caller was cancelled meanwhile, `abandoned` is called after `work` to put things away.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.cancelled():
            abandoned()
        elif error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        except Exception as caught:  # noqa: BLE001 - raised again where it is awaited
            error = caught
        try:
            loop.call_soon_threadsafe(settle, error)
        except RuntimeError:  # the loop has ended meanwhile
            abandoned()

    threading.Thread(target=run, name="mqtt-dial", daemon=True).start()
    await done


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho would leave that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(files: TlsFiles | None) -> ssl.SSLContext:
    """A verifying client context. Raises OSError that names the file which cannot be read, ssl.SSLError for one that is no PEM."""
    files = files or TlsFiles()
    for path in (files.ca, files.cert, files.key):
        if path is not None:
            path.open("rb").close()  # ssl's own errors do not name the file
    context = ssl.create_default_context(cafile=files.ca)
    context.sslsocket_class = _ClosingSocket
    if files.cert is not None:
        context.load_cert_chain(files.cert, files.key)
    return context


def send_at_once(descriptor: int) -> None:
    """Sets TCP_NODELAY: otherwise a state after a PUBACK waits for the broker's delayed ACK, 43 ms instead of 2.4 (measured).

    Works on the descriptor because a websocket hides its socket; a unix socket has no such delay.
    """
    with socket.socket(fileno=os.dup(descriptor)) as twin:
        if twin.family in (socket.AF_INET, socket.AF_INET6):
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def acknowledge_at_once(opened: object) -> None:
    """Has the kernel acknowledge what was just read: most brokers leave Nagle on and hold the next command back until then.

    Commands in quick succession arrive after 0.4 ms instead of 40 (measured). It holds for one read only, and only Linux has it; a
    websocket hides its socket and goes without.
    """
    if _QUICKACK is not None and isinstance(opened, socket.socket) and opened.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # a connection that just broke is told elsewhere
            opened.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def sentence_of(error: OSError | UnicodeError) -> str:
    """The error in words, with the file or the reason the system gives."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}): check mqtt.tls.ca and the host name in the url"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
