"""Who a client is: the name in its certificate, its login on a unix socket, else where it comes from."""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid (unix(7), SO_PEERCRED)
_NAME_KINDS = ("DNS", "email", "URI")


@dataclass(frozen=True, slots=True)
class Peer:
    """`identity` is what turns, limits and logs go by: one and the same for all connections of one client."""

    identity: str
    address: str  # as a person writes it: "192.0.2.7:50412", "pid 812", the path of a pseudo terminal
    host: IPv4Address | IPv6Address | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.identity if self.identity == self.address else f"{self.identity} ({self.address})"


def tcp_peer(sockaddr: tuple[Any, ...]) -> Peer:  # Any: the shape depends on the address family
    """The client at the other end of a TCP connection."""
    host = ip_address(str(sockaddr[0]).partition("%")[0])
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    text = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    return Peer(str(host), f"{text}:{sockaddr[1]}", host)


def tls_peer(peer: Peer, certificate: Mapping[str, Any] | None) -> Peer:  # Any: as `ssl.getpeercert` gives it
    """`peer` with the names its certificate proves; itself when it showed none."""
    names = tuple(certificate_names(certificate or {}))
    return Peer(names[0], peer.address, peer.host, names) if names else peer


def certificate_names(certificate: Mapping[str, Any]) -> Iterator[str]:  # Any: as `ssl.getpeercert` gives it
    """The alternative names of a certificate; its common name only where it has none (RFC 6125, section 6.4.4)."""
    alternatives = [str(value) for kind, value in certificate.get("subjectAltName", ()) if kind in _NAME_KINDS]
    yield from alternatives
    if not alternatives:
        yield from (str(value) for part in certificate.get("subject", ()) for key, value in part if key == "commonName")


def unix_peer(connection: socket.socket) -> Peer:
    """The program at the other end of a unix socket, as the kernel knows it."""
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        login = pwd.getpwuid(uid).pw_name
    except KeyError:
        login = f"uid-{uid}"
    return Peer(f"user {login}", f"pid {pid}", names=(login,))
