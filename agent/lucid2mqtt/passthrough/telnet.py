"""The telnet side of an RFC 2217 connection: pure, bytes in, data and commands out (RFC 854, 855, 1143).

Bounded: a subnegotiation longer than any that makes sense is dropped as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

IAC = 0xFF
SE = 0xF0
SB = 0xFA
WILL = 0xFB
WONT = 0xFC
DO = 0xFD
DONT = 0xFE

BINARY = 0
ECHO = 1
SUPPRESS_GO_AHEAD = 3
COM_PORT = 44

LONGEST_SUBNEGOTIATION = 64

_ESCAPED = bytes((IAC, IAC))
_PLAIN = bytes((IAC,))


@dataclass(frozen=True, slots=True)
class Negotiation:
    """The client offers or asks for an option; `verb` is WILL, WONT, DO or DONT."""

    verb: int
    option: int


@dataclass(frozen=True, slots=True)
class Subnegotiation:
    """What the client says about an option both agreed on."""

    option: int
    content: bytes


Heard = bytes | Negotiation | Subnegotiation


def escape(data: bytes) -> bytes:
    """`data` as it stands in a telnet stream."""
    return data.replace(_PLAIN, _ESCAPED) if IAC in data else data


def subnegotiation(option: int, content: bytes) -> bytes:
    """A subnegotiation as it stands in a telnet stream."""
    return bytes((IAC, SB, option)) + escape(content) + bytes((IAC, SE))


class TelnetReader:
    """Takes a telnet stream apart, in chunks of any size."""

    def __init__(self) -> None:
        self._verb: int | None = None  # IAC was read (0), or IAC and this verb
        self._sub: bytearray | None = None

    def feed(self, chunk: bytes) -> list[Heard]:
        """What `chunk` completes, in order; data is unescaped, and in as few pieces as possible."""
        if self._verb is None and self._sub is None and IAC not in chunk:
            return [chunk] if chunk else []
        heard: list[Heard] = []
        data = bytearray()
        for byte in chunk:
            news = self._take(byte, data)
            if news is not None:
                if data:
                    heard.append(bytes(data))
                    data.clear()
                heard.append(news)
        if data:
            heard.append(bytes(data))
        return heard

    def _take(self, byte: int, data: bytearray) -> Negotiation | Subnegotiation | None:
        if self._verb is None:
            if byte == IAC:
                self._verb = 0
            else:
                self._keep(byte, data)
        elif self._verb:
            verb, self._verb = self._verb, None
            return Negotiation(verb, byte)
        elif byte == IAC:
            self._verb = None
            self._keep(byte, data)
        elif byte in (WILL, WONT, DO, DONT):
            self._verb = byte
        else:
            self._verb = None
            return self._command(byte)
        return None

    def _command(self, byte: int) -> Subnegotiation | None:
        """SB begins and SE ends a subnegotiation; every other command is none of ours, and dropped."""
        if byte == SB:
            self._sub = bytearray()
        elif byte == SE:
            sub, self._sub = self._sub, None
            if sub and len(sub) <= LONGEST_SUBNEGOTIATION:
                return Subnegotiation(sub[0], bytes(sub[1:]))
        return None

    def _keep(self, byte: int, data: bytearray) -> None:
        if self._sub is None:
            data.append(byte)
        elif len(self._sub) <= LONGEST_SUBNEGOTIATION:
            self._sub.append(byte)


class OptionBook:
    """Which options are in force on either side. Answers only what changes something, so that no two ends answer for ever."""

    def __init__(self, *, ours: frozenset[int], theirs: frozenset[int]) -> None:
        self._supported = {True: theirs, False: ours}
        self._ours: set[int] = set()
        self._theirs: set[int] = set()

    def answer(self, wish: Negotiation) -> bytes:
        """What is answered to a wish of the client; empty when nothing."""
        is_theirs = wish.verb in (WILL, WONT)
        yes, no = (DO, DONT) if is_theirs else (WILL, WONT)
        in_force = self._theirs if is_theirs else self._ours
        if wish.verb in (WONT, DONT):
            if wish.option not in in_force:
                return b""
            in_force.discard(wish.option)
            return bytes((IAC, no, wish.option))
        if wish.option not in self._supported[is_theirs]:
            return bytes((IAC, no, wish.option))
        if wish.option in in_force:
            return b""
        in_force.add(wish.option)
        return bytes((IAC, yes, wish.option))
