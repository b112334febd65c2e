"""Names in certificates: what may stand in one, and how the alternative names of a server are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from ipaddress import ip_address

from lucid2mqtt.errors import LucidError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
"""At most 64 characters, the limit of a common name (RFC 5280, upper bounds); none that openssl gives a meaning."""
_AUTHORITY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")
_LONGEST_HOST = 253


class CertsError(LucidError):
    """The authority says no; nothing was issued or revoked."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Kind(StrEnum):
    """What a certificate is good for; it stands in the certificate as the organizational unit, too."""

    SERVER = "server"
    CLIENT = "client"

    @property
    def usage(self) -> str:
        """The extended key usage, in openssl's words."""
        return f"{self}Auth"


def check_name(name: str) -> str:
    """`name`, when it can be the name of a server or client; ValueError that says what may be."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a name: write 1 to 64 letters, digits, dots, dashes and underscores")
    return name


def check_authority_name(name: str) -> str:
    """`name`, when it can be the name of an authority; ValueError that says what may be."""
    if not _AUTHORITY_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of an authority: write 1 to 64 letters, digits, spaces, dots, dashes")
    return name


def parse_alternatives(text: str) -> tuple[str, ...]:
    """Reads "dns:cabin.lan,ip:192.168.1.20" into openssl's words; ValueError that says what to write."""
    return tuple(_alternative(item.strip()) for item in text.split(","))


def default_alternative(name: str) -> str:
    """The name itself as an alternative name, of the kind it is."""
    return _address(name) or f"DNS:{name}"


def alternatives_of(name: str, more: Sequence[str]) -> tuple[str, ...]:
    """The name itself and `more`, each once. Programs of today look at these names only (RFC 9525, section 6.3)."""
    return tuple(dict.fromkeys((default_alternative(name), *more)))


def parse_shown_alternatives(text: str) -> tuple[str, ...]:
    """The names in what `openssl x509 -ext subjectAltName` prints."""
    names = text.partition("\n")[2].strip().split(", ")
    return tuple(_alternative(name.strip().replace("IP Address:", "IP:")) for name in names if name.strip())


def _alternative(item: str) -> str:
    kind, _, value = item.partition(":")
    if kind.lower() == "ip":
        address = _address(value)
        if address:
            return address
    elif kind.lower() == "dns" and len(value) <= _LONGEST_HOST and _HOST.fullmatch(value):
        return f"DNS:{value}"
    raise ValueError(f"{item!r} is no alternative name: write dns:cabin.lan or ip:192.168.1.20, commas between them")


def _address(text: str) -> str:
    try:
        return f"IP:{ip_address(text)}"
    except ValueError:
        return ""
