"""Requests and replies as they stand on the wire (sections 2, 3 and 6 of the protocol page).

A request is `opcode, selector, option, LEN, data`. The selector is one byte (a channel), except for the two group
commands: there it is a mask of one to three bytes, seven channels each, bit 7 announcing the next byte. A reply is
`status, LEN, data`. There is no checksum and no sequence number: only order ties a reply to its request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

from lucid2mqtt.errors import DeviceRefused
from lucid2mqtt.lucid.values import WIDTHS, ValueType


class Opcode(IntEnum):
    """The commands of section 3."""

    SET_IO = 0x40
    SET_IO_GROUP = 0x42
    GET_IO = 0x46
    GET_IO_GROUP = 0x48
    CALIBRATE_IO = 0x52
    SET_PARAM = 0xA0
    GET_PARAM = 0xA2
    GET_ID = 0xC0

    @property
    def title(self) -> str:
        """As the vendor's manuals write it: "GetIoGroup"."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class Status(IntEnum):
    """Status codes of section 6. Which one a module picks for which fault is open: never branch on them."""

    OK = 0x00
    NSUP = 0xA0
    INV_LENGTH = 0xB0
    INV_P1 = 0xB2
    INV_P2 = 0xB4
    INV_VALUE = 0xB6
    INV_IOCH = 0xB8
    INV_PARAM = 0xBA
    INV_DATA = 0xC0
    ERR_EXEC = 0xD0
    ERR_INTERNAL = 0xFF


_STATUS_TEXTS: dict[int, str] = {
    Status.OK: "done",
    Status.NSUP: "the module does not know this command",
    Status.INV_LENGTH: "the command has the wrong length",
    Status.INV_P1: "the channel or channel mask is not valid",
    Status.INV_P2: "the value type or option is not valid",
    Status.INV_VALUE: "the value is out of range",
    Status.INV_IOCH: "the module has no such channel",
    Status.INV_PARAM: "the module has no such parameter",
    Status.INV_DATA: "the data are not valid",
    Status.ERR_EXEC: "the module could not carry out the command",
    Status.ERR_INTERNAL: "the module reports an internal error",
}


def status_text(code: int) -> str:
    """A sentence for any status code, with the code itself unless it is 0."""
    if code == Status.OK:
        return _STATUS_TEXTS[Status.OK]
    return f"{_STATUS_TEXTS.get(code, 'the module refused for an unpublished reason')} (status 0x{code:02X})"


PERSISTENT = 0x80
"""Option bit of SetParam and CalibrateIo: keep it over a power cycle."""
RESET = 0x01
"""Option bit of SetParam: back to the default, no value follows."""
MORE = 0x80
"""Mask bit 7: another mask byte follows."""
MAX_MASK = 3
"""Mask bytes a group command can carry: channels 0..20."""
MAX_REQUEST = 1 + MAX_MASK + 2 + 255
MAX_REPLY = 2 + 255

GROUP_OPCODES = frozenset({int(Opcode.SET_IO_GROUP), int(Opcode.GET_IO_GROUP)})
_READ_OPCODES = frozenset({int(Opcode.GET_IO), int(Opcode.GET_IO_GROUP), int(Opcode.GET_PARAM), int(Opcode.GET_ID)})
_OPCODES = frozenset(int(opcode) for opcode in Opcode)
_ADDRESS = 2
_WIDEST = 4


def encode_mask(channels: Iterable[int]) -> bytes:
    """The shortest mask that selects `channels` (0..20); ValueError for any other number."""
    bits = 0
    for channel in channels:
        if not 0 <= channel < 7 * MAX_MASK:
            raise ValueError(f"channel {channel} does not fit a group command (0..{7 * MAX_MASK - 1})")
        bits |= 1 << channel
    mask = bytearray([bits & 0x7F])
    while bits := bits >> 7:
        mask[-1] |= MORE
        mask.append(bits & 0x7F)
    return bytes(mask)


@lru_cache(maxsize=256)
def decode_mask(mask: bytes) -> tuple[int, ...]:
    """Channels a mask selects, ascending. The continuation bits select nothing."""
    return tuple(7 * place + bit for place, byte in enumerate(mask) for bit in range(7) if byte >> bit & 1)


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a module can at least cut from the wire; `fault` says when none can carry it out.

    `opcode` and `option` are 0..255, `data` has at most 255 bytes, `selector` is one byte or, for the group opcodes, a
    mask as `encode_mask` makes it. Whatever else would shift the header is a ValueError.
    """

    opcode: int
    selector: bytes = b"\x00"
    option: int = 0
    data: bytes = b""
    _wire: bytes = field(init=False, repr=False, compare=False)
    _reply_length: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _is_selector(self.opcode, self.selector):
            raise ValueError(f"{self.selector.hex(' ') or 'nothing'} cannot select channels for {self.title}")
        wire = bytes((self.opcode, *self.selector, self.option, len(self.data))) + self.data
        object.__setattr__(self, "_wire", wire)
        object.__setattr__(self, "_reply_length", self._expect())

    def _expect(self) -> int | None:
        if self.opcode == Opcode.GET_IO:
            return WIDTHS.get(self.option)
        if self.opcode == Opcode.GET_IO_GROUP:
            each = WIDTHS.get(self.option)
            return None if each is None else each * len(decode_mask(self.selector))
        if self.opcode in _READ_OPCODES or self.opcode not in _OPCODES:
            return None
        return 0

    def encode(self) -> bytes:
        """The bytes on the wire; made once."""
        return self._wire

    @property
    def reply_length(self) -> int | None:
        """Data bytes of the reply on status 0; None where nobody can tell (GetParam, GetId, unknown codes)."""
        return self._reply_length

    @property
    def is_known(self) -> bool:
        """True when the opcode is one of section 3."""
        return self.opcode in _OPCODES

    @property
    def is_write(self) -> bool:
        """True unless it is certain that nothing is set: an unknown opcode counts as a write.

        A read is not always without effect: it takes a pending edge away, and a count where the input resets on read.
        """
        return self.opcode not in _READ_OPCODES

    @property
    def persistent(self) -> bool:
        """True when the module writes its non-volatile memory, which takes longer and wears it."""
        return self.opcode in (Opcode.SET_PARAM, Opcode.CALIBRATE_IO) and bool(self.option & PERSISTENT)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels the request is about, ascending; empty for GetId and unknown opcodes."""
        if self.opcode in GROUP_OPCODES:
            return decode_mask(self.selector)
        if self.opcode == Opcode.GET_ID or not self.is_known:
            return ()
        return (self.selector[0],)

    @property
    def length_fits(self) -> bool:
        """False when a request of this opcode cannot have this many data bytes; unknown opcodes may have any."""
        length = len(self.data)
        match self.opcode:
            case Opcode.SET_IO | Opcode.SET_IO_GROUP:
                count = len(self.channels)
                each = WIDTHS.get(self.option)
                return length <= _WIDEST * count if each is None else length == each * count
            case Opcode.SET_PARAM if self.option & RESET:
                return length == _ADDRESS
            case Opcode.SET_PARAM:
                return _ADDRESS < length <= _ADDRESS + _WIDEST
            case Opcode.GET_PARAM:
                return length == _ADDRESS
            case Opcode.GET_IO | Opcode.GET_IO_GROUP | Opcode.CALIBRATE_IO | Opcode.GET_ID:
                return length == 0
        return True

    @property
    def fault(self) -> str:
        """Why no module can carry this out, as a sentence; empty when one may."""
        if not self.is_known:
            return f"0x{self.opcode:02X} is no command of a LucidControl module"
        if len(self.selector) == MAX_MASK and self.selector[-1] & MORE:
            return f"{self.title} selects channels above {7 * MAX_MASK - 1}"
        if not self.length_fits:
            return f"{self.title} cannot have LEN {len(self.data)}"
        return ""

    @property
    def title(self) -> str:
        """Name of the command as the manuals write it."""
        return Opcode(self.opcode).title if self.is_known else f"command 0x{self.opcode:02X}"

    def __str__(self) -> str:
        channels = self.channels
        place = f" channel{'s' if len(channels) > 1 else ''} {','.join(map(str, channels))}" if channels else ""
        return f"{self.title}{place}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. A module sends no data with an error status; where one does, the data are kept."""

    status: int
    data: bytes = b""

    @property
    def ok(self) -> bool:
        return self.status == 0

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return bytes((self.status, len(self.data))) + self.data

    def data_or_refusal(self, request: Request) -> bytes:
        """The data of a good reply; DeviceRefused for every other status."""
        if self.status:
            raise DeviceRefused(self.status, f"{request}: {status_text(self.status)}")
        return self.data


def get_id(option: int = 0) -> Request:
    """Ask who the module is; the meaning of `option` is open, 0 and 1 are seen in use."""
    return Request(Opcode.GET_ID, b"\x00", option)


def get_io(channel: int, value_type: ValueType) -> Request:
    """Read one channel; legal for outputs too."""
    return Request(Opcode.GET_IO, _channel(channel), value_type)


def get_io_group(channels: Iterable[int], value_type: ValueType) -> Request:
    """Read several channels, answered ascending."""
    return Request(Opcode.GET_IO_GROUP, encode_mask(channels), value_type)


def set_io(channel: int, value_type: ValueType, raw: bytes) -> Request:
    """Write one output; `raw` comes from `values.encode`. Never persistent."""
    return Request(Opcode.SET_IO, _channel(channel), value_type, raw)


def set_io_group(raws: Mapping[int, bytes], value_type: ValueType) -> Request:
    """Write several outputs at once, all of one value type."""
    return Request(Opcode.SET_IO_GROUP, encode_mask(raws), value_type, b"".join(raws[channel] for channel in sorted(raws)))


def calibrate_io(channel: int, option: int = 0, *, persistent: bool = False) -> Request:
    """Start a calibration. Modules ship calibrated: the agent itself never sends this."""
    return Request(Opcode.CALIBRATE_IO, _channel(channel), option | (PERSISTENT if persistent else 0))


def get_parameter(channel: int, address: int) -> Request:
    """Read one parameter."""
    return Request(Opcode.GET_PARAM, _channel(channel), 0, _address(address))


def set_parameter(channel: int, address: int, data: bytes, *, persistent: bool = False) -> Request:
    """Write one parameter; `data` comes from `Parameter.encode`."""
    return Request(Opcode.SET_PARAM, _channel(channel), PERSISTENT if persistent else 0, _address(address) + data)


def reset_parameter(channel: int, address: int, *, persistent: bool = False) -> Request:
    """Set one parameter back to the module's default."""
    return Request(Opcode.SET_PARAM, _channel(channel), RESET | (PERSISTENT if persistent else 0), _address(address))


def _is_selector(opcode: int, selector: bytes) -> bool:
    if len(selector) == 1:
        return opcode not in GROUP_OPCODES or not selector[0] & MORE
    if opcode not in GROUP_OPCODES or not selector:
        return False
    ends_here = len(selector) == MAX_MASK or not selector[-1] & MORE
    return len(selector) <= MAX_MASK and ends_here and all(byte & MORE for byte in selector[:-1])


def _channel(channel: int) -> bytes:
    if not 0 <= channel <= 0xFF:
        raise ValueError(f"channel {channel} does not fit a request (0..255)")
    return bytes((channel,))


def _address(address: int) -> bytes:
    return address.to_bytes(_ADDRESS, "little")
