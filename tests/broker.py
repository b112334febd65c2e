"""A real mosquitto on a free loopback port, and a plain client to look at what goes through it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import trustme
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "mosquitto"
PATIENCE_S = 8.0
"""How long a test waits for something that takes milliseconds on an idle machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificates:
    """A private authority with a server and a client certificate, as PEM files."""

    ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path

    @classmethod
    def make(cls, directory: Path) -> Certificates:
        authority = trustme.CA()
        server = authority.issue_cert("localhost", "127.0.0.1", common_name="localhost")
        client = authority.issue_cert("az-2", common_name="az-2")
        made = cls(*(directory / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")))
        authority.cert_pem.write_to_path(str(made.ca))
        server.cert_chain_pems[0].write_to_path(str(made.server_cert))
        server.private_key_pem.write_to_path(str(made.server_key))
        client.cert_chain_pems[0].write_to_path(str(made.client_cert))
        client.private_key_pem.write_to_path(str(made.client_key))
        for key in (made.server_key, made.client_key):
            key.chmod(0o644)  # mosquitto may give up root before it reads them
        return made


class Broker:
    """One mosquitto. `port` is its plain listener; others exist when asked for. The same ports serve again after a restart."""

    def __init__(
        self,
        directory: Path,
        *,
        certificates: Certificates | None = None,
        websocket: bool = False,
        unix: bool = False,
        users: dict[str, str] | None = None,
        extra: str = "",
    ) -> None:
        self._directory = directory
        self._certificates = certificates
        self._users = users
        self._extra = extra
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.tls_port = free_port() if certificates else 0
        self.websocket_port = free_port() if websocket else 0
        self.unix_path = directory / "broker.sock" if unix else None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and returns when it answers."""
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text(self._configuration())
        log = self._directory / "mosquitto.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(configuration)], stdout=output, stderr=output)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto does not start:\n{log.read_text()}")
            time.sleep(0.01)

    def kill(self) -> None:
        """Takes it away without a word (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        ports = [port for port in (self.port, self.tls_port, self.websocket_port) if port]
        try:
            for port in ports:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return self.unix_path is None or self.unix_path.exists()

    def _configuration(self) -> str:
        lines = ["per_listener_settings false", "persistence false", "log_type all"]
        if os.getuid() == 0:
            lines.append("user root")  # otherwise it gives up root and cannot bind a socket in a folder of root's
        if self._users is None:
            lines.append("allow_anonymous true")
        else:
            passwords = self._directory / "passwords"
            passwords.write_text("".join(f"{name}:{password}\n" for name, password in self._users.items()))
            passwords.chmod(0o600)
            subprocess.run(
                [f"{MOSQUITTO}_passwd" if Path(f"{MOSQUITTO}_passwd").exists() else "mosquitto_passwd", "-U", passwords], check=True
            )
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        lines.append(self._extra)
        lines.append(f"listener {self.port} 127.0.0.1")
        if self._certificates:
            lines.append(f"listener {self.tls_port} 127.0.0.1")
            lines += [
                f"cafile {self._certificates.ca}",
                f"certfile {self._certificates.server_cert}",
                f"keyfile {self._certificates.server_key}",
            ]
            lines.append("require_certificate true")
        if self.websocket_port:
            lines += [f"listener {self.websocket_port} 127.0.0.1", "protocol websockets"]
        if self.unix_path:
            lines.append(f"listener 0 {self.unix_path}")
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def running_broker(directory: Path, **options: Any) -> Iterator[Broker]:  # Any: the options of Broker
    """A started `Broker` that is gone at the end."""
    broker = _started(directory, options)
    try:
        yield broker
    finally:
        with contextlib.suppress(AssertionError):
            broker.thaw()
        broker.kill()


def _started(directory: Path, options: dict[str, Any]) -> Broker:
    for attempt in (1, 2, 3):
        broker = Broker(directory, **options)
        try:
            broker.start()
        except RuntimeError:  # another process may have taken the free port meanwhile
            broker.kill()
            if attempt == 3:
                raise
        else:
            return broker
    raise AssertionError


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: str
    retained: bool
    qos: int
    expires_s: int | None = None
    correlation: bytes | None = None


class Peer:
    """An ordinary MQTT 5 client in a thread of its own; keeps what it hears in order."""

    def __init__(self, url_port: int, *filters: str, username: str | None = None, password: str | None = None) -> None:
        self.heard: list[Heard] = []
        self._filters = filters
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._hear
        self._client.on_connect = self._subscribe
        if username is not None:
            self._client.username_pw_set(username, password)
        self._is_ready = False
        self._client.on_subscribe = self._ready
        # a client that holds small messages back would be what is measured
        self._client.on_socket_open = _send_at_once
        self._client.connect("127.0.0.1", url_port)
        self._client.loop_start()
        wait_until(lambda: self._is_ready or not filters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(
        self,
        topic: str,
        payload: str | bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        answer_on: str | None = None,
        correlation: bytes | None = None,
        expires_s: int | None = None,
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if answer_on is not None:
            properties.ResponseTopic = answer_on
        if correlation is not None:
            properties.CorrelationData = correlation
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        self._client.publish(topic, payload, qos, retain, properties)

    def last(self, topic: str) -> str | None:
        return next((heard.payload for heard in reversed(self.heard) if heard.topic == topic), None)

    def all(self, topic: str) -> list[str]:
        return [heard.payload for heard in self.heard if heard.topic == topic]

    def _subscribe(self, client: Client, *_: object) -> None:
        if self._filters:
            client.subscribe([(name, SubscribeOptions(qos=1, retainAsPublished=False)) for name in self._filters])

    def _ready(self, *_: object) -> None:
        self._is_ready = True

    def _hear(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        properties = message.properties
        self.heard.append(
            Heard(
                message.topic,
                message.payload.decode(errors="replace"),
                message.retain,
                message.qos,
                getattr(properties, "MessageExpiryInterval", None),
                getattr(properties, "CorrelationData", None),
            )
        )


def _send_at_once(_client: Client, _data: object, opened: Any) -> None:  # Any: paho's name for whatever it speaks through
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def wait_until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Returns when `condition` holds; AssertionError when it never does."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


async def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """As `wait_until`, while the loop goes on."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)
