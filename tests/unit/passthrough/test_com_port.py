from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.com_port import SERVER_OFFSET, Command, ComPort


class Controls:
    """A line that keeps what it is told, and has its own mind about rates."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def set_baud_rate(self, baud_rate: int) -> int:
        self.told.append(("baud", baud_rate))
        return min(baud_rate, 115200) or 4800

    def set_data_bits(self, bits: int) -> int:
        self.told.append(("bits", bits))
        return bits or 7

    def set_parity(self, parity: str) -> str:
        self.told.append(("parity", parity))
        return parity or "E"

    def set_stop_bits(self, bits: float) -> float:
        self.told.append(("stop", bits))
        return bits or 2.0

    def set_flow(self, *, rtscts: bool, xonxoff: bool) -> None:
        self.told.append(("flow", (rtscts, xonxoff)))

    def set_dtr(self, *, on: bool) -> None:
        self.told.append(("dtr", on))

    def set_rts(self, *, on: bool) -> None:
        self.told.append(("rts", on))

    def set_break(self, *, on: bool) -> None:
        self.told.append(("break", on))

    def modem_lines(self) -> tuple[bool, bool, bool, bool]:
        return True, False, True, False

    def purge(self, *, received: bool, unsent: bool) -> None:
        self.told.append(("purge", (received, unsent)))


def rate(number: int) -> bytes:
    return number.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("command", "value", "acknowledged"),
    [
        (Command.SET_BAUD_RATE, rate(57600), rate(57600)),
        (Command.SET_BAUD_RATE, rate(0), rate(9600)),
        (Command.SET_DATA_SIZE, b"\x07", b"\x07"),
        (Command.SET_DATA_SIZE, b"\x63", b"\x08"),
        (Command.SET_PARITY, b"\x03", b"\x03"),
        (Command.SET_PARITY, b"\x00", b"\x01"),
        (Command.SET_STOP_SIZE, b"\x02", b"\x02"),
        (Command.SET_CONTROL, b"\x08", b"\x08"),
        (Command.SET_CONTROL, b"\x00", b"\x01"),
        (Command.SET_CONTROL, b"\x04", b"\x06"),
        (Command.SET_CONTROL, b"\x0d", b"\x0e"),
        (Command.NOTIFY_MODEM_STATE, b"", b"\xb0"),
        (Command.PURGE_DATA, b"\x03", b"\x03"),
        (Command.SET_MODEM_STATE_MASK, b"\xff", b"\xff"),
        (Command.SIGNATURE, b"", b"lucid2mqtt"),
    ],
)
def test_without_a_line_everything_is_acknowledged(command: Command, value: bytes, acknowledged: bytes) -> None:
    assert ComPort().carry_out(command, value, None) == bytes((command + SERVER_OFFSET,)) + acknowledged


def test_what_was_set_is_told_when_asked() -> None:
    port = ComPort()
    for command, value in ((Command.SET_BAUD_RATE, rate(19200)), (Command.SET_PARITY, b"\x02"), (Command.SET_CONTROL, b"\x09")):
        port.carry_out(command, value, None)
    assert port.carry_out(Command.SET_BAUD_RATE, rate(0), None)[1:] == rate(19200)
    assert port.carry_out(Command.SET_PARITY, b"\x00", None)[1:] == b"\x02"
    assert port.carry_out(Command.SET_CONTROL, b"\x07", None)[1:] == b"\x09"


def test_a_real_line_is_set_up_and_its_own_values_are_told() -> None:
    port, controls = ComPort(), Controls()
    answers = [
        port.carry_out(command, value, controls)[1:]
        for command, value in (
            (Command.SET_BAUD_RATE, rate(230400)),
            (Command.SET_DATA_SIZE, b"\x00"),
            (Command.SET_PARITY, b"\x02"),
            (Command.SET_STOP_SIZE, b"\x03"),
            (Command.SET_CONTROL, b"\x03"),
            (Command.SET_CONTROL, b"\x05"),
            (Command.SET_CONTROL, b"\x0b"),
            (Command.NOTIFY_MODEM_STATE, b""),
            (Command.PURGE_DATA, b"\x01"),
        )
    ]
    assert answers == [rate(115200), b"\x07", b"\x02", b"\x03", b"\x03", b"\x05", b"\x0b", b"\x50", b"\x01"]
    assert controls.told == [
        ("baud", 230400),
        ("bits", 0),
        ("parity", "O"),
        ("stop", 1.5),
        ("flow", (True, False)),
        ("break", True),
        ("rts", True),
        ("purge", (True, False)),
    ]


@given(
    st.sampled_from([command for command in Command if command not in (Command.FLOW_SUSPEND, Command.FLOW_RESUME)]),
    st.binary(min_size=4, max_size=4),
)
def test_any_value_is_acknowledged(command: Command, value: bytes) -> None:
    value = value[: command.length] if command.length is not None else value
    assert ComPort().carry_out(command, value, None)[0] == command + SERVER_OFFSET
