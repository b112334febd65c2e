"""Where a module is: a serial device, or a host and port behind which one answers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """A serial device by its path, which may be a link such as those in `/dev/serial/by-id`."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A module behind a raw TCP port (ser2net, socat, com2tcp, or another agent)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp://{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsAddress:
    """A module behind a TCP port that wants TLS first."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tls://{_bracketed(self.host)}:{self.port}"


Address = SerialAddress | TcpAddress | TlsAddress


def parse_address(text: str) -> Address:
    """The address written as `/dev/...`, `tcp://host:port` or `tls://host:port`; ValueError says what to write instead."""
    scheme, separator, _ = text.partition("://")
    if not separator:
        return _parse_path(text)
    if scheme.lower() not in ("tcp", "tls"):
        raise ValueError(f"{text!r} starts with {scheme}://: write /dev/..., tcp://host:port or tls://host:port")
    host, port = _split_network(text)
    return TcpAddress(host, port) if scheme.lower() == "tcp" else TlsAddress(host, port)


def _parse_path(text: str) -> SerialAddress:
    if not text.startswith("/") or "\0" in text:
        raise ValueError(f"{text!r} is not a port: write a full path such as /dev/ttyACM0, or tcp://host:port")
    return SerialAddress(text)


def _split_network(text: str) -> tuple[str, int]:
    remedy = "write tcp://host:port, for instance tcp://192.168.1.20:4001, an IPv6 address in [brackets]"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        raise ValueError(f"{text!r} is not a network port ({fault}): {remedy}") from fault
    if not host or not port or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{text!r} is not a network port: {remedy}")
    return host, port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
