"""Where the broker is and how to speak to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_WEBSOCKET_PATH = "/mqtt"


class Protocol(Enum):
    """MQTT version; AUTO begins with 5 and goes to 3.1.1 when the broker refuses it or does not answer."""

    AUTO = "auto"
    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files, read anew at every connection; without `ca` the authorities of the system count."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A parsed broker url. `host` is the socket's path for `unix`; `path` is used by websockets only."""

    scheme: str
    host: str
    port: int = 1883
    path: str = ""

    @property
    def uses_tls(self) -> bool:
        return self.scheme in ("mqtts", "wss")

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_broker_url(url: str) -> BrokerAddress:
    """Reads `mqtt://host[:port]`, `mqtts://`, `ws://host[:port][/path]`, `wss://` or `unix:///path`. ValueError with a remedy."""
    scheme, divider, rest = url.partition("://")
    if divider and scheme == "unix":
        if not rest.startswith("/"):
            raise ValueError(f"{url}: give the whole path of the socket, such as unix:///run/mosquitto.sock")
        return BrokerAddress("unix", rest)
    if scheme not in _DEFAULT_PORTS or not divider:
        raise ValueError(f"{url}: a broker url begins with mqtt://, mqtts://, ws://, wss:// or unix://")
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("a broker url holds no user name or password: they have keys of their own, and urls end in logs")
    if not parts.hostname:
        raise ValueError(f"{url}: the host is missing, for example {scheme}://broker.lan")
    if parts.query or parts.fragment or (parts.path not in ("", "/") and scheme in ("mqtt", "mqtts")):
        raise ValueError(f"{url}: nothing may follow the port")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"{url}: the port is a number from 1 to 65535")
    path = (parts.path or _WEBSOCKET_PATH) if scheme in ("ws", "wss") else ""
    return BrokerAddress(scheme, parts.hostname, port or _DEFAULT_PORTS[scheme], path)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOptions:
    """How to reach the broker. Raises ValueError for an unusable url or TLS files without TLS.

    `client_id` must be the same at every start: the broker then ends a half-dead earlier connection at once,
    before its last will could overwrite our `online`.
    """

    url: str = "mqtt://localhost"
    client_id: str = "lucid2mqtt"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles | None = None
    protocol: Protocol = Protocol.AUTO
    keepalive_s: int = 15
    connect_timeout_s: float = 5.0
    connack_timeout_s: float = 3.0
    address: BrokerAddress = field(init=False)

    def __post_init__(self) -> None:
        address = parse_broker_url(self.url)
        if self.tls is not None and not address.uses_tls:
            raise ValueError(f"{self.url}: certificates need mqtts:// or wss://")
        if self.tls is not None and self.tls.key is not None and self.tls.cert is None:
            raise ValueError("a TLS key needs its certificate (cert)")
        object.__setattr__(self, "address", address)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAssistantOptions:
    """Whether and where to announce devices; `birth_payload` on `birth_topic` tells that Home Assistant has come."""

    enabled: bool = True
    prefix: str = "homeassistant"
    birth_topic: str = "homeassistant/status"
    birth_payload: str = "online"
