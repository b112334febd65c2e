"""Orders: what is refused and why, what is written, what is said when nobody knows."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

import pytest

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.desk import MAX_PENDING, Order, Toggle
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import GarbledReply, LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Request
from tests.unit.engine.scripted import REFUSED, Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual

HEATERS = ModuleOptions(
    serial=1, name="heaters", poll_s=3600.0, channels={0: ChannelOptions(name="living"), 3: ChannelOptions(enabled=False)}
)
VALVES = ModuleOptions(
    serial=2, name="valves", channels={1: ChannelOptions(minimum=2.0, maximum=8.0), 2: ChannelOptions(scale=10.0, unit="%")}
)


def heaters() -> ScriptedModule:
    return ScriptedModule(identity("DO4", 0x1100, 1))


def valves() -> ScriptedModule:
    return ScriptedModule(identity("AO4", 0x1001, 2))


def on_write(fault: Exception) -> Callable[[Request], Exception | None]:
    def answer(request: Request) -> Exception | None:
        return fault if request.opcode == Opcode.SET_IO else None

    return answer


def test_an_order_is_written_read_back_and_put_on_the_board(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            before = len(module.log)
            outcome = await home.order("heaters/living", value=True)
            assert outcome.reading.value is True
            assert home.value("heaters/living") is True
            assert outcome.text == "heaters/living: OFF -> ON by test, the module says ON"
            sent = [(request.opcode, turn, client) for _, request, turn, client in module.log[before:]]
            assert sent == [(Opcode.SET_IO, Turn.COMMAND, "test"), (Opcode.GET_IO, Turn.COMMAND, "test")]

    run_virtual(main())
    assert caplog.text.count("OFF -> ON by test") == 1


def test_the_first_write_is_on_the_wire_before_the_caller_gives_way() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            order = home.order("heaters/living", value=True)
            order.send(None)  # one step of the coroutine, as a task makes it
            assert module.log[-1][1].opcode == Opcode.SET_IO
            order.close()

    run_virtual(main())


def test_toggle_reads_first() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.values[0] = True  # somebody else switched it since the last poll
            outcome = await home.order("heaters/living", Toggle.TOGGLE)
            assert outcome.reading.value is False
            assert module.switched == [False]

    run_virtual(main())


def test_an_output_that_is_claimed_while_it_is_read_for_a_toggle_is_not_written() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.answer_s = 0.5
            toggling = asyncio.create_task(home.refusal("heaters/living", Toggle.TOGGLE))
            await asyncio.sleep(0.2)
            home.desk.claim(ref("heaters/living"), "thermostat living")
            assert (await toggling).reason is Reason.CLAIMED
            assert module.switched == []

    run_virtual(main())


def test_what_cannot_be_read_cannot_be_toggled() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda request: REFUSED if request.opcode == Opcode.GET_IO else None
            refusal = await home.refusal("heaters/living", Toggle.TOGGLE)
            assert refusal.reason is Reason.REFUSED_BY_MODULE
            assert module.switched == []

    run_virtual(main())


def test_a_read_that_fails_before_a_toggle_writes_nothing() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda _: ReplyTimeout("silence", sent=True)
            assert (await home.refusal("heaters/living", Toggle.TOGGLE)).reason is Reason.MODULE_OFFLINE
            assert module.switched == []

    run_virtual(main())


@pytest.mark.parametrize(
    ("channel", "value", "reason"),
    [
        ("nobody/0", True, Reason.UNKNOWN_MODULE),
        ("heaters/99", True, Reason.UNKNOWN_CHANNEL),
        ("heaters/3", True, Reason.DISABLED),
        ("inputs/0", True, Reason.NOT_AN_OUTPUT),
        ("asleep/0", True, Reason.DISABLED),
        ("heaters/living", 1.0, Reason.NOT_UNDERSTOOD),
        ("heaters/living", math.nan, Reason.NOT_UNDERSTOOD),
        ("valves/0", True, Reason.NOT_UNDERSTOOD),
        ("valves/0", Toggle.TOGGLE, Reason.NOT_UNDERSTOOD),
        ("valves/0", 10.001, Reason.OUT_OF_RANGE),
        ("valves/0", -0.001, Reason.OUT_OF_RANGE),
        ("valves/0", math.nan, Reason.OUT_OF_RANGE),
        ("valves/0", math.inf, Reason.OUT_OF_RANGE),
        ("valves/1", 1.99, Reason.OUT_OF_RANGE),
        ("valves/1", 8.01, Reason.OUT_OF_RANGE),
        ("valves/2", 100.1, Reason.OUT_OF_RANGE),
        ("unranged/0", 1e12, Reason.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_done_is_refused_with_reason_and_remedy(channel: str, value: bool | float, reason: Reason) -> None:
    async def main() -> None:
        there = [heaters(), valves(), ScriptedModule(identity("DI4", 0x1000, 3)), ScriptedModule(identity("DO4", 0x1000, 4))]
        there.append(ScriptedModule(identity("AO4", 0x1FFF, 5)))
        there[3].modes = b"\x00"
        options = [HEATERS, VALVES, ModuleOptions(serial=3, name="inputs"), ModuleOptions(serial=4, name="asleep", activate=False)]
        options.append(ModuleOptions(serial=5, name="unranged"))
        async with living(Household(options), *there) as home:
            refusal = await home.refusal(channel, value)
            assert refusal.reason is reason
            assert refusal.remedy
            assert channel.partition("/")[0] in str(refusal)
            assert all(module.switched == [] for module in there)

    run_virtual(main())


@pytest.mark.parametrize("for_s", [0.0, -1.0, math.nan, math.inf, 1e9])
def test_a_time_that_is_none_is_refused(for_s: float) -> None:
    async def main() -> None:
        async with living(Household([HEATERS]), heaters()) as home:
            assert (await home.refusal("heaters/living", value=True, for_s=for_s)).reason is Reason.OUT_OF_RANGE

    run_virtual(main())


@pytest.mark.parametrize(("channel", "value"), [("heaters/living", False), ("valves/0", 5.0)])
def test_only_on_can_be_limited_in_time(channel: str, value: bool | float) -> None:
    async def main() -> None:
        async with living(Household([HEATERS, VALVES]), heaters(), valves()) as home:
            assert (await home.refusal(channel, value, for_s=5.0)).reason is Reason.NOT_UNDERSTOOD

    run_virtual(main())


@pytest.mark.parametrize(("channel", "value", "volts"), [("valves/0", 10.0, 10.0), ("valves/1", 2, 2.0), ("valves/2", 37.5, 3.75)])
def test_analog_orders_are_in_the_unit_of_the_channel(channel: str, value: float, volts: float) -> None:
    async def main() -> None:
        module = valves()
        async with living(Household([VALVES]), module) as home:
            outcome = await home.order(channel, value)
            assert module.switched == [volts]
            assert outcome.reading.value == value

    run_virtual(main())


def test_a_claimed_output_takes_orders_from_its_owner_only() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            claim = home.desk.claim(ref("heaters/living"), "thermostat living")
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.CLAIMED
            assert "thermostat living" in str(refusal)
            order = Order(channel=ref("heaters/living"), value=True, who="thermostat living", claim=claim, turn=Turn.SAFETY)
            assert (await home.desk.carry_out(order)).reading.value is True
            assert module.log[-1][2] is Turn.SAFETY
            claim.release()
            assert (await home.order("heaters/living", value=False)).reading.value is False

    run_virtual(main())


def test_an_order_whose_time_has_passed_is_not_carried_out() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            late = Order(channel=ref("heaters/living"), value=True, who="test", deadline=asyncio.get_running_loop().time() - 0.001)
            with pytest.raises(RequestRejected) as caught:
                await home.desk.carry_out(late)
            assert caught.value.reason is Reason.EXPIRED
            assert module.switched == []

    run_virtual(main())


def test_a_line_that_is_too_busy_says_so() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda _: RequestRejected(Reason.BUSY, "queue full", "wait")
            assert (await home.refusal("heaters/living", value=True)).reason is Reason.BUSY

    run_virtual(main())


def test_orders_of_a_channel_keep_their_order_and_only_so_many_wait() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.answer_s = 0.1
            values = [place % 2 == 0 for place in range(MAX_PENDING)]
            async with asyncio.TaskGroup() as tasks:
                for value in values:
                    tasks.create_task(home.order("heaters/living", value))
                await asyncio.sleep(0)
                assert (await home.refusal("heaters/living", value=True)).reason is Reason.BUSY
            assert module.switched == values
            await home.order("heaters/living", value=True)

    run_virtual(main())


def test_a_cancelled_order_frees_its_place() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.answer_s = 0.1
            async with asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(home.order("heaters/living", value=True)) for _ in range(MAX_PENDING)]
                await asyncio.sleep(0.01)
                for task in waiting:
                    task.cancel()
            assert (await home.order("heaters/living", value=False)).reading.value is False

    run_virtual(main())


def test_what_the_module_refuses_is_reported_and_not_repeated() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.REFUSED_BY_MODULE
            assert len(module.writes) == 1

    run_virtual(main())


def test_a_line_lost_before_the_write_is_an_offline_module() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda _: LinkLost("cut", sent=False)
            assert (await home.refusal("heaters/living", value=True)).reason is Reason.MODULE_OFFLINE

    run_virtual(main())


@pytest.mark.parametrize("fault", [ReplyTimeout("silence", sent=True), GarbledReply("noise", sent=True), LinkLost("cut", sent=True)])
@pytest.mark.parametrize("is_carried_out", [True, False])
def test_a_write_without_answer_is_read_back_and_never_repeated(fault: Exception, is_carried_out: bool) -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            hook = "fault_after" if is_carried_out else "fault"
            setattr(module, hook, on_write(fault))
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.NO_ANSWER
            assert f"the module now says {'ON' if is_carried_out else 'OFF'}" in str(refusal)
            assert home.value("heaters/living") is is_carried_out
            assert len(module.writes) == 1

    run_virtual(main())


def test_a_line_that_needs_time_is_waited_for_before_unknown_is_reported() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            loop = asyncio.get_running_loop()
            down_until = loop.time() + 1.5
            module.fault = lambda _: ReplyTimeout("silence", sent=True) if loop.time() < down_until else None
            assert "the module now says OFF" in str(await home.refusal("heaters/living", value=True))

    run_virtual(main())


def test_a_line_that_stays_silent_is_given_up() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda _: ReplyTimeout("silence", sent=True)
            began = asyncio.get_running_loop().time()
            refusal = await home.refusal("heaters/living", value=True)
            assert "the module does not answer" in str(refusal)
            assert asyncio.get_running_loop().time() - began < 4

    run_virtual(main())


def test_a_module_that_goes_in_the_middle_of_a_write_leaves_the_outcome_unknown() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:

            def vanish(request: Request) -> Exception | None:
                if request.opcode != Opcode.SET_IO:
                    return None
                home.unplug(module)
                return LinkLost("unplugged", sent=True)

            module.fault = vanish
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.NO_ANSWER
            assert home.quality("heaters/living") is Quality.LINK_LOST
            assert (await home.refusal("heaters/living", value=True)).reason is Reason.MODULE_OFFLINE

    run_virtual(main())


def test_a_read_back_that_fails_once_is_asked_for_again() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            faults = iter([None, ReplyTimeout("silence", sent=True)])
            module.fault = lambda _: next(faults, None)
            assert (await home.order("heaters/living", value=True)).reading.value is True

    run_virtual(main())


def test_an_accepted_write_that_cannot_be_read_back_is_unknown() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = lambda request: ReplyTimeout("silence", sent=True) if request.opcode == Opcode.GET_IO else None
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.NO_ANSWER
            assert "was accepted" in str(refusal)

    run_virtual(main())


def test_a_read_back_that_says_otherwise_is_the_state(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault_after = lambda request: module.values.update({0: False}) if request.opcode == Opcode.SET_IO else None
            outcome = await home.order("heaters/living", value=True)
            assert outcome.reading.value is False

    run_virtual(main())
    assert any(record.levelno == logging.WARNING and "the module says OFF" in record.message for record in caplog.records)


def test_a_state_nobody_read_yet_is_unknown_in_the_log() -> None:
    async def main() -> None:
        module = heaters()
        home = Household([HEATERS])
        async with living(home, module):
            home.board.forget("heaters")
            assert "unknown -> ON" in (await home.order("heaters/living", value=True)).text

    run_virtual(main())


def test_an_order_that_takes_time_to_show_is_read_back_that_much_later() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            await home.desk.carry_out(Order(channel=ref("heaters/living"), value=True, who="test", settles_in_s=0.05))
            (written_at,) = module.times_of(Opcode.SET_IO)
            assert module.times_of(Opcode.GET_IO)[-1] - written_at == pytest.approx(0.051)

    run_virtual(main())


def test_a_repetition_is_one_write_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            count, told = len(module.log), len(home.readings)
            await home.desk.repeat(Order(channel=ref("heaters/living"), value=True, who="test", turn=Turn.SAFETY))
            assert [(request.opcode, turn) for _, request, turn, _ in module.log[count:]] == [(Opcode.SET_IO, Turn.SAFETY)]
            assert len(home.readings) == told

    run_virtual(main())
    assert "by test" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (LinkLost("cut", sent=False), Reason.MODULE_OFFLINE),
        (ReplyTimeout("silent", sent=True), Reason.NO_ANSWER),
        (GarbledReply("noise", sent=True), Reason.NO_ANSWER),
    ],
)
def test_a_repetition_that_fails_says_whether_something_was_written(fault: Exception, reason: Reason) -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            module.fault = on_write(fault)
            with pytest.raises(RequestRejected) as rejected:
                await home.desk.repeat(Order(channel=ref("heaters/living"), value=True, who="test"))
            assert rejected.value.reason is reason
            module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
            with pytest.raises(RequestRejected) as refused:
                await home.desk.repeat(Order(channel=ref("heaters/living"), value=True, who="test"))
            assert refused.value.reason is Reason.REFUSED_BY_MODULE

    run_virtual(main())


def test_neither_a_toggle_nor_somebody_elses_output_can_be_repeated() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            with pytest.raises(RequestRejected):
                await home.desk.repeat(Order(channel=ref("heaters/living"), value=Toggle.TOGGLE, who="test"))
            home.desk.claim(ref("heaters/living"), "thermostat living")
            with pytest.raises(RequestRejected) as claimed:
                await home.desk.repeat(Order(channel=ref("heaters/living"), value=True, who="test"))
            assert claimed.value.reason is Reason.CLAIMED
            assert module.writes == []

    run_virtual(main())


def test_an_order_that_is_not_due_any_more_is_not_written() -> None:
    async def main() -> None:
        module = heaters()
        async with living(Household([HEATERS]), module) as home:
            with pytest.raises(RequestRejected) as rejected:
                await home.desk.carry_out(Order(channel=ref("heaters/living"), value=True, who="test", still_due=lambda: False))
            assert rejected.value.reason is Reason.EXPIRED
            assert module.writes == []

    run_virtual(main())
