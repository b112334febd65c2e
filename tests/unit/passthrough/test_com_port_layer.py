from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.passthrough import com_port_layer
from lucid2mqtt.passthrough.com_port import Command
from lucid2mqtt.passthrough.com_port_layer import MOST_WISHES, ComPortLayer
from lucid2mqtt.passthrough.telnet import COM_PORT, DO, IAC, WILL, subnegotiation
from lucid2mqtt.passthrough.wire import LineControls
from tests.unit.passthrough.fakes import FakeWire
from tests.unit.passthrough.test_com_port import Controls, Lines, rate
from tests.unit.passthrough.test_connection import Keeper
from tests.unit.passthrough.waiting import until
from tests.virtual_clock import run_virtual


class Inner(Keeper):
    def __init__(self, controls: LineControls | None = None) -> None:
        super().__init__()
        self.controls = controls  # type: ignore[assignment]


def layer(controls: LineControls | None = None) -> tuple[ComPortLayer, FakeWire, Inner]:
    wire, inner = FakeWire(), Inner(controls)
    return ComPortLayer(wire, lambda _: inner), wire, inner


def test_data_pass_and_negotiation_does_not() -> None:
    async def scene() -> None:
        made, wire, inner = layer()
        made.received(b"\x40\xff\xff" + bytes((IAC, WILL, COM_PORT)) + b"\x01")
        assert inner.chunks == [b"\x40\xff", b"\x01"]
        assert wire.sent == bytes((IAC, DO, COM_PORT)) + subnegotiation(COM_PORT, b"\x6b\xb0")
        made.write(b"\x00\xff")
        assert wire.sent.endswith(b"\x00\xff\xff")

    run_virtual(scene())


def test_a_wish_on_a_shared_module_is_acknowledged_at_once() -> None:
    async def scene() -> None:
        made, wire, _ = layer()
        made.received(subnegotiation(COM_PORT, bytes((Command.SET_BAUD_RATE,)) + rate(57600)))
        assert wire.sent == subnegotiation(COM_PORT, bytes((101,)) + rate(57600))

    run_virtual(scene())


def test_suspend_and_resume_stop_and_go() -> None:
    async def scene() -> None:
        made, _, inner = layer()
        made.received(subnegotiation(COM_PORT, bytes((Command.FLOW_SUSPEND,))) + subnegotiation(COM_PORT, bytes((Command.FLOW_RESUME,))))
        assert inner.events == ["stalled", "flowing"]

    run_virtual(scene())


@pytest.mark.parametrize("content", [b"\x01\x00", b"\x63", b"\x65\x00\x00\x25\x80", b"\x05", b"\x02\x08\x08"])
def test_a_wish_that_is_none_is_ignored(content: bytes) -> None:
    async def scene() -> None:
        made, wire, _ = layer()
        made.received(subnegotiation(COM_PORT, content) + subnegotiation(99, b"\x01"))
        assert wire.sent == b""
        assert wire.end == ""

    run_virtual(scene())


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_stream_makes_the_layer_fall(chunks: list[bytes]) -> None:
    async def scene() -> None:
        made, _, _ = layer()
        for chunk in chunks:
            made.received(chunk)
            made.received(subnegotiation(COM_PORT, chunk))

    run_virtual(scene())


async def until_sent(wire: FakeWire, end: bytes) -> None:
    await until(lambda: wire.sent.endswith(end))


async def test_a_real_line_is_set_up_in_a_thread_and_in_order() -> None:
    class Slow(Controls):
        def set_baud_rate(self, baud_rate: int) -> int:
            assert threading.current_thread() is not threading.main_thread()
            return super().set_baud_rate(baud_rate)

    controls = Slow()
    made, wire, _ = layer(controls)
    for number in (1200, 2400, 4800):
        made.received(subnegotiation(COM_PORT, bytes((Command.SET_BAUD_RATE,)) + rate(number)))
    await until_sent(wire, subnegotiation(COM_PORT, bytes((101,)) + rate(4800)))
    assert controls.told == [("baud", 1200), ("baud", 2400), ("baud", 4800)]


async def test_a_driver_that_refuses_is_not_acknowledged_and_the_next_wish_is_granted() -> None:
    class Stubborn(Controls):
        def set_parity(self, parity: str) -> str:
            raise OSError(5, "no")

    made, wire, _ = layer(Stubborn())
    made.received(subnegotiation(COM_PORT, bytes((Command.SET_PARITY, 2))) + subnegotiation(COM_PORT, bytes((Command.SET_DATA_SIZE, 8))))
    await until_sent(wire, subnegotiation(COM_PORT, bytes((102, 8))))
    assert wire.sent == subnegotiation(COM_PORT, bytes((102, 8)))


async def test_who_wishes_faster_than_the_driver_is_cut_off() -> None:
    gate = threading.Event()

    class Stuck(Controls):
        def set_dtr(self, *, on: bool) -> None:
            gate.wait(5)

    made, wire, inner = layer(Stuck())
    wire.session = made  # type: ignore[assignment]
    made.received(subnegotiation(COM_PORT, bytes((Command.SET_CONTROL, 8))) * (MOST_WISHES + 2))
    assert wire.end == "aborted"
    assert inner.events == ["lost"]
    gate.set()
    await asyncio.sleep(0.01)
    assert wire.sent == b""


async def test_a_client_with_a_real_line_hears_when_a_modem_line_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(com_port_layer, "LOOK_S", 0.005)
    line = Lines(True, True, False, True)
    made, wire, _ = layer(line)
    made.received(bytes((IAC, WILL, COM_PORT)))
    await until_sent(wire, subnegotiation(COM_PORT, b"\x6b\xb0"))
    line.lines = (True, True, False, False)
    await until_sent(wire, subnegotiation(COM_PORT, b"\x6b\x38"))
    told = wire.sent
    await asyncio.sleep(0.05)
    assert wire.sent == told
    made.lost()


def test_without_a_real_line_of_its_own_nobody_looks() -> None:
    async def scene() -> None:
        made, wire, inner = layer()
        made.received(bytes((IAC, WILL, COM_PORT)))
        told = wire.sent
        await asyncio.sleep(60)
        assert wire.sent == told
        made.lost()
        assert inner.events == ["lost"]

    run_virtual(scene())
