"""What an attached port leads to: the address of the other side, and how TLS is spoken with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

_REMEDY = "write tcp://host:4001, tls://host:4001 or unix:///run/lucid2mqtt/name.sock, an IPv6 address in [brackets]"


class Way(StrEnum):
    TCP = "tcp"
    TLS = "tls"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Remote:
    """`host` and `port` for networks, `path` for a unix socket."""

    way: Way
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.way}://{self.path}" if self.path else f"{self.way}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTls:
    """PEM files and what is asked of the server's certificate.

    `key` is not needed where `cert` holds both. Without `ca` the authorities of the system count; a revocation list in `ca` is
    heeded. `server_name` stands for the host of the address. Without `check_name` any server with a certificate of `ca` will do.
    """

    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    server_name: str | None = None
    check_name: bool = True


def check_host(host: str) -> str:
    """`host`, when it can be asked for in the network at all; ValueError otherwise."""
    host.encode("idna")
    if "\0" in host:
        raise ValueError(f"{host!r} is no host")
    return host


def parse_remote(text: str) -> Remote:
    """Reads "tcp://host:port", "tls://host:port" or "unix:///path". Raises ValueError that says what to write."""
    try:
        parts = urlsplit(text)
        way, host, port = Way(parts.scheme), check_host(parts.hostname or ""), parts.port
    except ValueError as fault:
        raise ValueError(f"{text!r} is no remote port: {_REMEDY}") from fault
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} is no remote port: {_REMEDY}")
    if way is Way.UNIX:
        if parts.netloc or not parts.path.startswith("/") or parts.path.endswith("/"):
            raise ValueError(f"{text!r} needs an absolute path: write unix:///run/lucid2mqtt/name.sock")
        return Remote(way, path=parts.path)
    if not host or not port or parts.path:
        raise ValueError(f"{text!r} needs a host and a port: {_REMEDY}")
    return Remote(way, host, port)
