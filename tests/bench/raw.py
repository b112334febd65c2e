"""An MQTT 5 client whose handshake is paho's and whose traffic is bytes: an instrument must weigh less than what it measures."""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from lucid2mqtt.mqtt.messages import Outgoing, Retain

_PATIENCE_S = 20.0
_PUBLISH, _RETAIN, _EXPIRY = 0x30, 0x01, 0x02
_STAMP = re.compile(rb"stamp-(\d{8})")


def published(message: Outgoing) -> bytes:
    """`message` at QoS 0 as it goes over the wire (MQTT 5.0, 3.3); its own QoS is not kept."""
    topic = message.topic.encode()
    expiry = b"" if message.expires_s is None else bytes((_EXPIRY,)) + message.expires_s.to_bytes(4, "big")
    body = len(topic).to_bytes(2, "big") + topic + bytes((len(expiry),)) + expiry + message.payload.encode()
    first = _PUBLISH | (0 if message.retain is Retain.NEVER else _RETAIN)
    return bytes((first,)) + _variable(len(body)) + body


def _variable(length: int) -> bytes:
    """A remaining length (MQTT 5.0, 1.5.5)."""
    encoded = bytearray()
    while length > 127:
        encoded.append(length & 127 | 128)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)


class RawClient:
    """Connected and subscribed to `filters` while the context lasts; from then on only `socket` is used. It never pings."""

    def __init__(self, port: int, *filters: str) -> None:
        self._is_subscribed = not filters
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_subscribe = self._subscribed
        client.connect("127.0.0.1", port, keepalive=0)
        self._client = client
        end = time.monotonic() + _PATIENCE_S
        while not client.is_connected() and time.monotonic() < end:
            self._turn()
        if filters:
            client.subscribe([(name, 0) for name in filters])
        while not self._is_subscribed and time.monotonic() < end:
            self._turn()
        opened = client.socket()
        if not (isinstance(opened, socket.socket) and client.is_connected() and self._is_subscribed):
            raise RuntimeError("the broker does not answer")
        self.socket = opened
        opened.setblocking(True)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def _turn(self) -> None:
        opened = self._client.socket()
        if opened is None:
            raise RuntimeError("the broker hangs up")
        select.select([opened], [], [], 0.2)
        self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()

    def _subscribed(self, *_: object) -> None:
        self._is_subscribed = True


class StampReader:
    """Finds stamps in a stream of anything, cut anywhere."""

    def __init__(self) -> None:
        self._tail = b""

    @staticmethod
    def payload(number: int) -> str:
        return f"stamp-{number:08}"

    def feed(self, chunk: bytes) -> Iterator[int]:
        """The numbers of the stamps that are whole with this chunk."""
        whole = self._tail + chunk
        end = 0
        for found in _STAMP.finditer(whole):
            end = found.end()
            yield int(found[1])
        self._tail = whole[max(end, len(whole) - len(self.payload(0)) + 1) :]
