"""The book that `openssl ca` keeps of what it issued: one line a certificate, fields between tabs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lucid2mqtt.passthrough.certs_names import CertsError

_REVOKED = "R"


class State(StrEnum):
    """Where a certificate stands in its life."""

    VALID = "valid"
    REPLACED = "replaced"  # still accepted until it ends, but there is a newer one of this name
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One line of the book. `kind` is empty for what others than us issued with this authority."""

    serial: str  # hexadecimal, as openssl writes it
    name: str
    kind: str
    ends: datetime  # aware, UTC
    revoked: bool


def parse_index(text: str) -> tuple[Issued, ...]:
    """The certificates in the order they were issued. CertsError for a line that makes no sense."""
    return tuple(_parse_line(line, number) for number, line in enumerate(text.splitlines(), 1) if line)


def states(book: Sequence[Issued], now: datetime) -> tuple[State, ...]:
    """How each certificate of the book stands at `now`."""
    newest = {entry.name: entry.serial for entry in book if not entry.revoked}
    return tuple(_state(entry, newest, now) for entry in book)


def _state(entry: Issued, newest: Mapping[str, str], now: datetime) -> State:
    if entry.revoked:
        return State.REVOKED
    if entry.ends <= now:
        return State.EXPIRED
    return State.VALID if newest[entry.name] == entry.serial else State.REPLACED


def _parse_line(line: str, number: int) -> Issued:
    fields = line.split("\t")
    try:
        flag, ends, _, serial, _, subject = fields
        parts = dict(_part(part) for part in subject.split("/")[1:])
        return Issued(
            serial=f"{int(serial, 16):X}",
            name=parts.get("CN", subject),
            kind=parts.get("OU", ""),
            ends=_parse_time(ends),
            revoked=flag == _REVOKED,
        )
    except ValueError as fault:
        raise CertsError(
            f"line {number} of the book of issued certificates makes no sense: {line!r}", "restore it from a backup"
        ) from fault


def _part(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    return key, value


def _parse_time(text: str) -> datetime:
    """ASN.1 times: two digits for a year mean 1950 to 2049 (RFC 5280, section 4.1.2.5.1), which is not how strptime takes them."""
    if len(text) == len("YYMMDDHHMMSSZ"):
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
