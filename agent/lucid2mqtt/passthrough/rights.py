"""Who may send what. Pure: a frame needs something, a grant gives something, and both are looked at for every frame.

Reading is GetIo, GetIoGroup, GetParam and GetId. Switching is SetIo and SetIoGroup. Everything else needs every right: SetParam
and CalibrateIo wear the memory and can change what a relay does at power-up, and nobody knows what an unknown command does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType

from lucid2mqtt.lucid.frames import Opcode, Request
from lucid2mqtt.passthrough.peer import Peer

IMPOSSIBLE_LENGTH = 64
"""No request has that many data bytes: the longest known one, SetIoGroup on 16 four-byte outputs, would have 64 and no such module exists."""


class Access(IntEnum):
    """What a client may do; each includes those before it."""

    NONE = 0
    READ = 1
    OUTPUTS = 2
    ALL = 3


@dataclass(frozen=True, slots=True)
class Grant:
    """What one client may do: `access` on every channel that `channels` does not name.

    `bus_share` is the most it may take of a shared module's time, above 0 to 1; None for as much as it can get.
    """

    access: Access = Access.READ
    channels: Mapping[int, Access] = field(default_factory=lambda: MappingProxyType({}))
    bus_share: float | None = None

    @property
    def most(self) -> Access:
        """The highest right on any channel."""
        return max((self.access, *self.channels.values()))

    def covers(self, access: Access, channels: tuple[int, ...]) -> bool:
        """True when `access` is given on all `channels`; of a request without channels, when it is given on any."""
        if not self.channels:
            return self.access >= access
        if not channels:
            return (self.most if access is Access.READ else self.access) >= access
        return all(self.channels.get(channel, self.access) >= access for channel in channels)

    def __str__(self) -> str:
        named = (f"{channel}: {access.name.lower()}" for channel, access in sorted(self.channels.items()))
        return ", ".join((self.access.name.lower(), *named))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A grant for some clients: those from one of `networks`, or with one of `names` (of their certificate, or their login)."""

    grant: Grant
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_for_everybody(self) -> bool:
        return not self.names and not self.networks

    def fits(self, peer: Peer) -> bool:
        if self.is_for_everybody or any(name in peer.names for name in self.names):
            return True
        return peer.host is not None and any(peer.host in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of one listener. The first rule that fits a client counts, `default` holds where none does."""

    default: Grant = field(default_factory=Grant)
    rules: tuple[Rule, ...] = ()

    @property
    def most(self) -> Access:
        """The highest right anybody can have."""
        return max((self.default.most, *(rule.grant.most for rule in self.rules)))

    @property
    def for_everybody(self) -> Access:
        """The highest right of a client nobody knows."""
        return max((self.default.most, *(rule.grant.most for rule in self.rules if rule.is_for_everybody)))

    @property
    def names_channels(self) -> bool:
        """True when somebody has other rights on single channels."""
        return any(grant.channels for grant in (self.default, *(rule.grant for rule in self.rules)))

    def of(self, peer: Peer) -> Grant:
        return next((rule.grant for rule in self.rules if rule.fits(peer)), self.default)


class Kind(IntEnum):
    """What a request does, as far as rights go."""

    ASK = 0  # parameters and identity
    READ = 1  # values; may take a count or an edge away
    SWITCH = 2
    CONFIGURE = 3
    CALIBRATE = 4
    UNKNOWN = 5


_KINDS = {
    Opcode.GET_ID: Kind.ASK,
    Opcode.GET_PARAM: Kind.ASK,
    Opcode.GET_IO: Kind.READ,
    Opcode.GET_IO_GROUP: Kind.READ,
    Opcode.SET_IO: Kind.SWITCH,
    Opcode.SET_IO_GROUP: Kind.SWITCH,
    Opcode.SET_PARAM: Kind.CONFIGURE,
    Opcode.CALIBRATE_IO: Kind.CALIBRATE,
}
_NEEDED = {Kind.ASK: Access.READ, Kind.READ: Access.READ, Kind.SWITCH: Access.OUTPUTS}


@dataclass(frozen=True, slots=True)
class Frame:
    """A request of a client with what it takes to carry it out, worked out once."""

    request: Request
    kind: Kind
    channels: tuple[int, ...]
    needs: Access
    fault: str  # why no module could carry it out; such a request is answered here
    is_garbage: bool  # it has a length no request has: the client is out of step, or speaks something else


def frame_of(request: Request) -> Frame:
    """What `request` needs. The channels of a group are taken from all bytes of its mask."""
    kind = _KINDS[Opcode(request.opcode)] if request.is_known else Kind.UNKNOWN
    return Frame(
        request,
        kind,
        request.channels,
        _NEEDED.get(kind, Access.ALL),
        "" if kind is Kind.UNKNOWN else request.fault,
        is_garbage=len(request.data) >= IMPOSSIBLE_LENGTH or not request.length_fits,
    )


@dataclass(frozen=True, slots=True)
class Protection:
    """What is held back on a module whatever a client's rights: `claimed` outputs take orders from their owner only.

    Reading one of the `clearing` channels takes counts or edges away from everybody else, so it needs the right to switch.
    """

    claimed: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    clearing: frozenset[int] = frozenset()


def refusal(frame: Frame, grant: Grant, protection: Protection, *, forward_unknown: bool) -> str:
    """Why `frame` is refused, as the end of a sentence; empty when it goes to the module."""
    if frame.fault:
        return frame.fault
    if frame.is_garbage:
        return f"no command has LEN {len(frame.request.data)}"
    if frame.kind is Kind.UNKNOWN and not forward_unknown:
        return frame.request.fault
    needs = frame.needs
    if frame.kind is Kind.READ and not protection.clearing.isdisjoint(frame.channels):
        needs = Access.OUTPUTS
    if not grant.covers(needs, frame.channels):
        taking = ", reading takes counts away there" if needs > frame.needs else ""
        return f"it needs the right `{needs.name.lower()}`{taking}"
    return _claim_refusal(frame, protection) if protection.claimed and frame.kind >= Kind.SWITCH else ""


def _claim_refusal(frame: Frame, protection: Protection) -> str:
    # an unknown command may do anything, and a calibration holds up the line longer than a controller can wait
    channels = tuple(protection.claimed) if frame.kind >= Kind.CALIBRATE else frame.channels
    for channel in channels:
        if channel in protection.claimed:
            return f"channel {channel} belongs to {protection.claimed[channel]}"
    return ""
