"""An MQTT client that adds as little as possible to what it measures: no thread, no waiting of its own kernel."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

_PATIENCE_S = 10.0
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux


class Heard(NamedTuple):
    at_ns: int
    topic: str
    payload: bytes


class Probe:
    """Subscribed to `filters` while the context lasts; `heard` grows while it is pumped. `counted` counts without keeping."""

    def __init__(self, port: int, *filters: str) -> None:
        self.heard: list[Heard] = []
        self.counted = 0
        self.keeps = True
        self._filters = filters
        self._is_subscribed = not filters
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        self._client.on_subscribe = self._subscribed
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pump(_PATIENCE_S, until=self._client.is_connected)
        if self._filters:
            self._client.subscribe([(name, 0) for name in self._filters])
            self.pump(_PATIENCE_S, until=lambda: self._is_subscribed)
        if not (self._client.is_connected() and self._is_subscribed):
            raise RuntimeError("the broker does not answer the probe")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.disconnect()

    @property
    def socket(self) -> socket.socket:
        opened = self._client.socket()
        if not isinstance(opened, socket.socket):
            raise ConnectionError("the broker is gone")
        return opened

    def say(self, topic: str, payload: str, qos: int) -> None:
        self._client.publish(topic, payload, qos)

    def read(self) -> None:
        """Takes what has arrived, and has its arrival confirmed at once: else the broker may hold back what comes next."""
        self._client.loop_read()
        if _QUICK_ACK is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def pump(self, for_s: float, until: Callable[[], object] = lambda: False) -> None:
        """Listens for `for_s` seconds or until `until()` holds."""
        end = time.monotonic() + for_s
        while not until() and (left_s := end - time.monotonic()) > 0:
            if self._client.want_write():
                self._client.loop_write()
            if select.select([self.socket], [], [], min(left_s, 0.2))[0]:
                self.read()

    def _hear(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.counted += 1
        if self.keeps and not message.retain:
            self.heard.append(Heard(time.monotonic_ns(), message.topic, bytes(message.payload)))

    def _subscribed(self, *_: object) -> None:
        self._is_subscribed = True
