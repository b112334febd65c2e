"""Who a module is: the answer to GetId (section 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lucid2mqtt.errors import GarbledReply

_FIELDS = struct.Struct("<HBHHI")


@dataclass(frozen=True, slots=True)
class Identity:
    """The answer to GetId. `tail` is what follows the published fields: five zero bytes on the one module traced."""

    firmware: int
    hardware: int
    class_code: int
    type_code: int
    serial: int
    tail: bytes = bytes(5)

    @property
    def key(self) -> tuple[int, int, int]:
        """What makes a module this very module: class, type and serial number."""
        return self.class_code, self.type_code, self.serial

    def encode(self) -> bytes:
        """The data of the reply: 16 bytes with the usual tail."""
        return _FIELDS.pack(self.firmware, self.hardware, self.class_code, self.type_code, self.serial) + self.tail


def parse_identity(data: bytes) -> Identity:
    """Read the data of a GetId reply; GarbledReply below 11 bytes, whatever stands behind them is kept as `tail`."""
    if len(data) < _FIELDS.size:
        raise GarbledReply(f"an identity of {len(data)} bytes, at least {_FIELDS.size} are needed", sent=True)
    firmware, hardware, class_code, type_code, serial = _FIELDS.unpack_from(data)
    return Identity(firmware, hardware, class_code, type_code, serial, tail=bytes(data[_FIELDS.size :]))
