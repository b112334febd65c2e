"""The module's end of the wire: a strict parser, written apart from the agent's reader so that the two check each other.

`opcode P1 P2 LEN data`; the two group commands carry a mask of one to three bytes in the place of P1 (sections 2 and 3.1).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from lucid2mqtt.lucid.frames import Opcode

MASK_BYTES = 3
CONTINUES = 0x80


@dataclass(frozen=True, slots=True)
class Command:
    """One whole request as the module took it off the wire. `mask` is empty for all but the group commands."""

    opcode: int
    p1: int
    mask: bytes
    option: int
    data: bytes
    raw: bytes


class CommandParser:
    """Bytes in, commands out; never holds more than one command (6 + 255 bytes).

    `inter_byte_timeout_s` is the silence after which a half-received command is forgotten, None for never.
    """

    def __init__(self, inter_byte_timeout_s: float | None) -> None:
        self._timeout_s = inter_byte_timeout_s
        self._last_byte_at = 0.0
        self.clear()

    @property
    def held(self) -> bytes:
        """Bytes of a command that is not complete yet."""
        return bytes(self._raw)

    def clear(self) -> None:
        """Forget a half-received command."""
        self._raw = bytearray()
        self._state = _command(self._raw)
        next(self._state)

    def feed(self, data: bytes, now: float) -> list[Command]:
        """The commands that `data` completes, in order."""
        if self._raw and self._timeout_s is not None and now - self._last_byte_at > self._timeout_s:
            self.clear()
        self._last_byte_at = now
        commands = []
        for byte in data:
            self._raw.append(byte)
            command = self._state.send(byte)
            if command is not None:
                commands.append(command)
                self.clear()
        return commands


def _command(raw: bytearray) -> Generator[Command | None, int, None]:
    opcode = yield None
    p1 = yield None
    mask = bytearray()
    if opcode in (Opcode.SET_IO_GROUP, Opcode.GET_IO_GROUP):
        mask.append(p1)
        while mask[-1] & CONTINUES and len(mask) < MASK_BYTES:
            mask.append((yield None))
    option = yield None
    length = yield None
    data = bytearray()
    while len(data) < length:
        data.append((yield None))
    yield Command(opcode, p1, bytes(mask), option, bytes(data), bytes(raw))
