"""What the user settled about passthrough: one listener each, frozen and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from lucid2mqtt.lucid.frames import Status
from lucid2mqtt.passthrough.rights import Access, Rights

MODULE_IDLE_S = 60.0
"""How long a client may hold a module for itself without a byte either way, unless the settings say otherwise."""


class Mode(StrEnum):
    """How clients use a module."""

    SHARED = "shared"  # whole requests, together with everybody else
    EXCLUSIVE = "exclusive"  # raw bytes, one client at a time


class Scheme(StrEnum):
    TCP = "tcp"
    TLS = "tls"
    RFC2217 = "rfc2217"
    UNIX = "unix"
    PTY = "pty"


class OnTimeout(StrEnum):
    """What a client gets whose module does not answer."""

    STATUS = "status"  # "could not carry out": old programs wait for ever otherwise
    SILENT = "silent"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where clients come in. `host` and `port` for networks, `path` for the others."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """True when no other machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self.path}" if self.path else f"{self.scheme}://{host}:{self.port}"


def parse_listen(text: str) -> ListenAddress:
    """Reads "tcp://host:4001", "tls://", "rfc2217://", "unix:///run/x.sock" or "pty:///run/x".

    Without a host it is 127.0.0.1. Port 0 lets the system choose. Raises ValueError that says what to write.
    """
    parts = urlsplit(text)
    try:
        scheme = Scheme(parts.scheme)
    except ValueError:
        raise ValueError(f"{text!r} is no address to listen at: write tcp://host:port, or one of {', '.join(Scheme)}") from None
    if scheme in (Scheme.UNIX, Scheme.PTY):
        if parts.netloc or not parts.path.startswith("/") or parts.path.endswith("/"):
            raise ValueError(f"{text!r} needs an absolute path: write {scheme}:///run/lucid2mqtt/name")
        return ListenAddress(scheme, path=parts.path)
    try:
        port = parts.port
    except ValueError:
        port = None
    if port is None or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} is no address to listen at: write {scheme}://127.0.0.1:4001, port 0..65535")
    return ListenAddress(scheme, parts.hostname or "127.0.0.1", port)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """Files of a TLS listener, PEM. With `ca` only clients with a certificate signed by it come in."""

    cert: Path
    key: Path
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRights:
    """Who may open a unix socket or a pseudo terminal; names or numbers, None leaves it to the user the agent runs as."""

    user: str | int | None = None
    group: str | int | None = None
    mode: int = 0o660


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """How a plain serial device is set up."""

    baud_rate: int = 9600
    data_bits: int = 8  # 5..8
    parity: str = "N"  # N, E, O, M, S
    stop_bits: float = 1  # 1, 1.5, 2
    rtscts: bool = False
    xonxoff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """One listener on a `module` (by its name), or on `port`, a serial device that is no LucidControl module.

    `hold_s`: how long clients stay connected while the module is away, None for ever. `idle_s`: exclusive clients only, None for
    ever. `forward_unknown` lets commands nobody published pass, with every right. `refuse_with` is the status a client gets for
    what it may not do, None closes its connection. `frames_per_s` is the most one client may ask, None for as fast as it can.
    Raises ValueError with the remedy.
    """

    listen: ListenAddress
    module: str | None = None
    port: str | None = None
    mode: Mode = Mode.SHARED
    rights: Rights = field(default_factory=Rights)
    tls: ServerTls | None = None
    file_rights: FileRights = field(default_factory=FileRights)
    line: LineSettings = field(default_factory=LineSettings)
    max_clients: int = 8
    hold_s: float | None = 60.0
    idle_s: float | None = MODULE_IDLE_S
    forward_unknown: bool = False
    refuse_with: Status | None = Status.NSUP
    on_timeout: OnTimeout = OnTimeout.STATUS
    frames_per_s: float | None = None

    def __post_init__(self) -> None:
        for fault in (self._target_fault(), self._right_fault()):
            if fault:
                raise ValueError(f"{self.listen}: {fault}")

    def _target_fault(self) -> str:
        if (self.module is None) is (self.port is None):
            return "name either a module or a port"
        if self.port is not None and self.mode is Mode.SHARED:
            return "only LucidControl modules can be shared: write `mode: exclusive` for a port"
        if (self.tls is None) is (self.listen.scheme is Scheme.TLS):
            return "name certificate and key" if self.tls is None else "certificates need a tls:// address"
        return ""

    def _right_fault(self) -> str:
        most = self.rights.most
        if self.mode is Mode.EXCLUSIVE and most < Access.ALL:
            return "an exclusive client can do everything: give `access: all` to somebody"
        if self.mode is Mode.EXCLUSIVE and self.rights.names_channels:
            return "an exclusive client has the bare line, no channel can be given or kept back: leave `channels` out, or share the module"
        if most <= Access.READ:
            return ""
        if self.tls is not None and self.tls.ca is None:
            return "more than reading needs to know who it is: name a `ca` for the certificates of clients"
        if self.tls is None and not self.listen.is_local and self.rights.for_everybody > Access.READ:
            return "more than reading for everybody in the network: name who may, by `address`"
        return ""
