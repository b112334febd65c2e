import asyncio

from lucid2mqtt.lucid.frames import get_id
from lucid2mqtt.sim.module import ROOM, VirtualModule
from lucid2mqtt.sim.pump import Pump
from lucid2mqtt.sim.quirks import Quirks
from tests.unit.sim.talk import prompt_module
from tests.virtual_clock import run_virtual

ASK = get_id().encode()
ANSWER = 18


class Wire:
    def __init__(self) -> None:
        self.sent = b""
        self.held: list[bool] = []

    def send(self, data: bytes) -> None:
        self.sent += data

    def hold_back(self, *, held: bool) -> None:
        self.held.append(held)


def test_without_a_reply_delay_the_answer_leaves_in_the_same_callback() -> None:
    async def scenario() -> None:
        wire = Wire()
        Pump(prompt_module("RI4"), wire).receive(ASK * 3)
        assert len(wire.sent) == 3 * ANSWER

    run_virtual(scenario())


def test_delayed_answers_leave_when_they_are_due() -> None:
    async def scenario() -> None:
        wire, loop = Wire(), asyncio.get_running_loop()
        module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.5), now=loop.time())
        Pump(module, wire).receive(ASK * 2)
        await asyncio.sleep(0.4)
        assert wire.sent == b""
        await asyncio.sleep(0.2)
        assert len(wire.sent) == ANSWER
        await asyncio.sleep(0.5)
        assert len(wire.sent) == 2 * ANSWER

    run_virtual(scenario())


def test_a_flood_is_held_back_and_answered_to_the_last_request() -> None:
    async def scenario() -> None:
        wire, loop = Wire(), asyncio.get_running_loop()
        module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.001), now=loop.time())
        requests = 2 * ROOM // len(ASK)
        Pump(module, wire).receive(ASK * requests)
        assert wire.held == [True]
        await asyncio.sleep(requests * 0.001 + 1.0)
        assert wire.held == [True, False]
        assert len(wire.sent) == requests * ANSWER

    run_virtual(scenario())


def test_a_stopped_pump_sends_nothing_more() -> None:
    async def scenario() -> None:
        wire, loop = Wire(), asyncio.get_running_loop()
        pump = Pump(VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.5), now=loop.time()), wire)
        pump.receive(ASK)
        pump.stop()
        await asyncio.sleep(1.0)
        assert wire.sent == b""

    run_virtual(scenario())


def test_the_answer_to_somebody_who_left_reaches_the_next_client_as_it_does_behind_a_serial_server() -> None:
    async def scenario() -> None:
        first, second, loop = Wire(), Wire(), asyncio.get_running_loop()
        module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.5), now=loop.time())
        gone = Pump(module, first)
        gone.receive(ASK)
        gone.stop()
        Pump(module, second)
        await asyncio.sleep(1.0)
        assert (len(first.sent), len(second.sent)) == (0, ANSWER)

    run_virtual(scenario())
