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


class Lines(Controls):
    """CTS, DSR, RI and CD as the test sets them."""

    def __init__(self, *lines: bool) -> None:
        super().__init__()
        self.lines = lines

    def modem_lines(self) -> tuple[bool, bool, bool, bool]:
        cts, dsr, ri, cd = self.lines
        return cts, dsr, ri, cd


OFF = (False, False, False, False)
CTS, DSR, RI, CD = ((name == "cts", name == "dsr", name == "ri", name == "cd") for name in ("cts", "dsr", "ri", "cd"))


@pytest.mark.parametrize(
    ("before", "after", "notice"),
    [
        (OFF, CTS, 0x11),
        (CTS, OFF, 0x01),
        (OFF, DSR, 0x22),
        (OFF, CD, 0x88),
        (CD, OFF, 0x08),
        (OFF, RI, 0x40),
        (RI, OFF, 0x04),
    ],
)
def test_a_modem_line_that_changed_is_told_once(before: tuple[bool, ...], after: tuple[bool, ...], notice: int) -> None:
    port, line = ComPort(), Lines(*before)
    assert port.modem_news(line) == b""  # nothing to compare with
    assert port.modem_news(line) == b""
    line.lines = after
    assert port.modem_news(line) == bytes((Command.NOTIFY_MODEM_STATE + SERVER_OFFSET, notice))
    assert port.modem_news(line) == b""


def test_what_a_client_asked_for_it_is_not_told_again() -> None:
    port, line = ComPort(), Lines(*OFF)
    port.modem_news(line)
    line.lines = CTS
    assert port.carry_out(Command.NOTIFY_MODEM_STATE, b"", line) == bytes((Command.NOTIFY_MODEM_STATE + SERVER_OFFSET, 0x10))
    assert port.modem_news(line) == b""


@pytest.mark.parametrize(("mask", "is_told"), [(0xFF, True), (0x10, True), (0x01, True), (0xEE, False), (0x00, False)])
def test_only_changes_a_client_wants_to_hear_about_are_told(mask: int, is_told: bool) -> None:
    port, line = ComPort(), Lines(*OFF)
    port.carry_out(Command.SET_MODEM_STATE_MASK, bytes((mask,)), line)
    port.modem_news(line)
    line.lines = CTS
    assert bool(port.modem_news(line)) is is_told


def test_a_module_has_no_modem_lines_that_change() -> None:
    port = ComPort()
    assert [port.modem_news(None) for _ in range(3)] == [b""] * 3
