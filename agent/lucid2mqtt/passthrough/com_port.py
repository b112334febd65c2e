"""RFC 2217: what a client may ask of a serial port, and the acknowledgements it gets.

Everything is acknowledged, because clients wait for that. Without a real line, that is all: what a client sets is
remembered for it and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from lucid2mqtt.passthrough.wire import LineControls

SERVER_OFFSET = 100
"""The server's codes are so much higher than the client's."""
SIGNATURE = b"lucid2mqtt"


class Command(IntEnum):
    """Codes from client to server; the server's are 100 higher (RFC 2217, section 3)."""

    SIGNATURE = 0
    SET_BAUD_RATE = 1
    SET_DATA_SIZE = 2
    SET_PARITY = 3
    SET_STOP_SIZE = 4
    SET_CONTROL = 5
    NOTIFY_LINE_STATE = 6
    NOTIFY_MODEM_STATE = 7
    FLOW_SUSPEND = 8
    FLOW_RESUME = 9
    SET_LINE_STATE_MASK = 10
    SET_MODEM_STATE_MASK = 11
    PURGE_DATA = 12

    @property
    def length(self) -> int | None:
        """Bytes of the value; None where it may have any number."""
        return _LENGTHS.get(self)


_PARITIES = {1: "N", 2: "O", 3: "E", 4: "M", 5: "S"}
_STOP_BITS = {1: 1.0, 2: 2.0, 3: 1.5}
_PARITY_CODES = {parity: code for code, parity in _PARITIES.items()}
_STOP_CODES = {bits: code for code, bits in _STOP_BITS.items()}
_DATA_SIZES = range(5, 9)
_LENGTHS = {
    Command.SET_BAUD_RATE: 4,
    Command.SET_DATA_SIZE: 1,
    Command.SET_PARITY: 1,
    Command.SET_STOP_SIZE: 1,
    Command.SET_CONTROL: 1,
    Command.SET_LINE_STATE_MASK: 1,
    Command.SET_MODEM_STATE_MASK: 1,
    Command.PURGE_DATA: 1,
}
_CTS, _DSR, _RI, _CD = 0x10, 0x20, 0x40, 0x80
_CHANGES = 4  # "it changed" stands so many bits below the state of each line; of RI only the end of ringing counts
_EVERY_LINE = 0xFF
_ALL_SENT = b"\x60"  # sender and its buffer are empty
_NO_FLOW, _XON_XOFF, _RTS_CTS = 1, 2, 3


@dataclass(slots=True)
class _Remembered:
    """What the client set, for when it asks."""

    baud_rate: int = 9600
    data_bits: int = 8
    parity: str = "N"
    stop_bits: float = 1.0
    flow: int = _NO_FLOW
    is_break: bool = False
    dtr: bool = True
    rts: bool = True


class ComPort:
    """The port of one client. Not for two threads at once."""

    def __init__(self) -> None:
        self._state = _Remembered()
        self._mask = _EVERY_LINE  # of the changes a client wants to hear about (RFC 2217, SET-MODEMSTATE-MASK)
        self._lines: int | None = None  # as the client was told last
        self._commands: Mapping[Command, Callable[[bytes, LineControls], bytes]] = {
            Command.SIGNATURE: lambda _, __: SIGNATURE,
            Command.SET_BAUD_RATE: self._baud_rate,
            Command.SET_DATA_SIZE: self._data_size,
            Command.SET_PARITY: self._parity,
            Command.SET_STOP_SIZE: self._stop_size,
            Command.SET_CONTROL: lambda value, controls: bytes((self._control(value[0], controls),)),
            Command.NOTIFY_LINE_STATE: lambda _, __: _ALL_SENT,
            Command.NOTIFY_MODEM_STATE: lambda _, controls: bytes((self._look_at_lines(controls),)),
            Command.SET_LINE_STATE_MASK: lambda value, _: value,
            Command.SET_MODEM_STATE_MASK: self._modem_mask,
            Command.PURGE_DATA: _purge,
        }

    def carry_out(self, command: Command, value: bytes, controls: LineControls | None) -> bytes:
        """What is acknowledged: code and value in force. `value` must have the length of `Command.length`.

        With `controls` it may block, and raises the OSError or ValueError of the driver.
        """
        return bytes((command + SERVER_OFFSET,)) + self._commands[command](value, controls or _NO_CONTROLS)

    def modem_news(self, controls: LineControls | None) -> bytes:
        """The notice of modem lines that changed since the client was told last; empty when none did that it wants to hear about.

        May block and raise as `carry_out`.
        """
        before = self._lines
        lines = self._look_at_lines(controls or _NO_CONTROLS)
        if before is None:
            return b""
        changed = before ^ lines
        if not (changed | changed >> _CHANGES) & self._mask:
            return b""
        has_changed = (changed & ~(_RI & lines)) >> _CHANGES
        return bytes((Command.NOTIFY_MODEM_STATE + SERVER_OFFSET, lines | has_changed))

    def _look_at_lines(self, controls: LineControls) -> int:
        self._lines = _modem_state(controls)
        return self._lines

    def _modem_mask(self, value: bytes, _: LineControls) -> bytes:
        self._mask = value[0]
        return value

    def _baud_rate(self, value: bytes, controls: LineControls) -> bytes:
        state, wanted = self._state, int.from_bytes(value, "big")
        state.baud_rate = controls.set_baud_rate(wanted) or state.baud_rate
        return state.baud_rate.to_bytes(4, "big")

    def _data_size(self, value: bytes, controls: LineControls) -> bytes:
        state, wanted = self._state, value[0] if value[0] in _DATA_SIZES else 0
        state.data_bits = controls.set_data_bits(wanted) or state.data_bits
        return bytes((state.data_bits,))

    def _parity(self, value: bytes, controls: LineControls) -> bytes:
        state = self._state
        state.parity = controls.set_parity(_PARITIES.get(value[0], "")) or state.parity
        return bytes((_PARITY_CODES[state.parity],))

    def _stop_size(self, value: bytes, controls: LineControls) -> bytes:
        state = self._state
        state.stop_bits = controls.set_stop_bits(_STOP_BITS.get(value[0], 0.0)) or state.stop_bits
        return bytes((_STOP_CODES[state.stop_bits],))

    def _control(self, code: int, controls: LineControls) -> int:
        """Sets flow control, break, DTR or RTS, or tells how it is; the code of how it is then."""
        state = self._state
        match code:
            case 1 | 2 | 3:
                controls.set_flow(rtscts=code == _RTS_CTS, xonxoff=code == _XON_XOFF)
                state.flow = code
            case 5 | 6:
                state.is_break = code == 5
                controls.set_break(on=state.is_break)
            case 8 | 9:
                state.dtr = code == 8
                controls.set_dtr(on=state.dtr)
            case 11 | 12:
                state.rts = code == 11
                controls.set_rts(on=state.rts)
            case 0:
                return state.flow
            case 4:
                return 5 if state.is_break else 6
            case 7:
                return 8 if state.dtr else 9
            case 10:
                return 11 if state.rts else 12
            case 13:
                return 14  # no flow control towards us of its own
        return code


def _purge(value: bytes, controls: LineControls) -> bytes:
    controls.purge(received=value[0] in (1, 3), unsent=value[0] in (2, 3))
    return value


def _modem_state(controls: LineControls) -> int:
    cts, dsr, ri, cd = controls.modem_lines()
    return (_CTS * cts) | (_DSR * dsr) | (_RI * ri) | (_CD * cd)


class _NoControls:
    """A line without anything to set: whatever is wanted is fine."""

    def set_baud_rate(self, baud_rate: int) -> int:
        return baud_rate

    def set_data_bits(self, bits: int) -> int:
        return bits

    def set_parity(self, parity: str) -> str:
        return parity

    def set_stop_bits(self, bits: float) -> float:
        return bits

    def set_flow(self, *, rtscts: bool, xonxoff: bool) -> None: ...
    def set_dtr(self, *, on: bool) -> None: ...
    def set_rts(self, *, on: bool) -> None: ...
    def set_break(self, *, on: bool) -> None: ...
    def modem_lines(self) -> tuple[bool, bool, bool, bool]:
        return True, True, False, True

    def purge(self, *, received: bool, unsent: bool) -> None: ...


_NO_CONTROLS = _NoControls()
