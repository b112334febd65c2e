"""Arrivals, departures, reading on demand."""

from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.frames import Opcode
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.parameters import InputMode
from lucid2mqtt.lucid.values import ValueType
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

RI4 = identity("RI4", 0x1000, 591921152)


def test_the_first_reading_comes_after_one_mode_read_per_channel() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            opcodes = [request.opcode for _, request, _, _ in module.log[:5]]
            assert opcodes == [Opcode.GET_PARAM] * 4 + [Opcode.GET_IO_GROUP]
            assert len(home.readings) >= 4

    run_virtual(main())


def test_a_module_that_leaves_says_link_lost_and_nothing_after_it() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4, answer_s=0.4)
        home = Household()
        async with living(home, module, settle_s=5.0):
            home.unplug(module)
            told = len(home.readings)
            assert home.quality("ri4-591921152/0") is Quality.LINK_LOST
            assert home.events[-1] == ("offline", "ri4-591921152")
            await asyncio.sleep(3)
            assert len(home.readings) == told
            (view,) = home.house.modules
            assert not view.online
            assert view.detail == "unplugged"
            assert view.module is not None

    run_virtual(main())


def test_a_module_that_returns_is_read_again_at_once() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        home = Household()
        async with living(home, module):
            home.unplug(module)
            home.plug(module, "/dev/ttyACM9")
            await asyncio.sleep(0.05)
            assert home.quality("ri4-591921152/3") is Quality.GOOD
            assert home.house.modules[0].port == "/dev/ttyACM9"

    run_virtual(main())


def test_a_module_that_is_found_elsewhere_before_it_was_missed_leaves_first() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        home = Household()
        async with living(home, module):
            name = "ri4-591921152"
            home.plug(module, "/dev/ttyACM9")
            assert home.quality(f"{name}/0") is Quality.LINK_LOST
            await asyncio.sleep(0.1)
            assert home.events == [("online", name), ("offline", name), ("online", name)]
            assert [(view.name, view.port) for view in home.house.modules] == [(name, "/dev/ttyACM9")]

    run_virtual(main())


def test_a_module_that_leaves_before_it_was_ready_makes_no_noise() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4, answer_s=1.0)
        home = Household()
        async with living(home, module):
            home.unplug(module)
            await asyncio.sleep(10)
            assert home.events == []
            assert home.readings == []

    run_virtual(main())


def test_a_module_that_arrives_before_the_house_runs_is_served_when_it_does() -> None:
    async def main() -> None:
        home = Household()
        home.plug(ScriptedModule(RI4))
        async with living(home):
            assert home.events == [("online", "ri4-591921152")]

    run_virtual(main())


def test_a_module_that_fails_to_answer_at_first_is_tried_again() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        failures = iter([ReplyTimeout("no answer", sent=True), LinkLost("cut")])
        module.fault = lambda _: next(failures, None)
        async with living(Household(), module, settle_s=3.0) as home:
            assert home.events == [("online", "ri4-591921152")]

    run_virtual(main())


def test_the_fault_of_one_module_never_reaches_another() -> None:
    async def main() -> None:
        sick, well = ScriptedModule(identity("AI4", 0x1001, 1)), ScriptedModule(identity("AI4", 0x1001, 2))
        async with living(Household(), sick, well) as home:
            sick.fault = lambda _: LinkLost("cable chewed")
            before = len(well.log)
            await asyncio.sleep(20)
            assert home.quality("ai4-1/0") is Quality.STALE
            assert home.quality("ai4-2/0") is Quality.GOOD
            assert len(well.log) - before == pytest.approx(20, abs=1)

    run_virtual(main())


def test_a_bug_ends_the_house() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.fault = lambda _: ZeroDivisionError("a bug")
        with pytest.raises(BaseExceptionGroup) as caught:
            async with living(Household(), module):
                pass
        assert caught.group_contains(ZeroDivisionError)

    run_virtual(main())


def test_an_unknown_family_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        home = Household()
        module = ScriptedModule(RI4)
        module.identity = Identity(firmware=1, hardware=1, class_code=0x7777, type_code=0, serial=9)
        async with living(home, module):
            assert home.house.modules == ()
            home.unplug(module)
            assert home.events == []

    run_virtual(main())
    assert "0x7777" in caplog.text


def test_read_now_reads_outside_the_grid() -> None:
    async def main() -> None:
        options = ModuleOptions(poll_s=3600.0)
        module = ScriptedModule(RI4)
        async with living(Household([options]), module) as home:
            module.values[2] = 33.0
            (reading,) = await home.house.read_now("ri4-591921152", "2")
            assert reading.value == home.value("ri4-591921152/2") == 33.0
            module.values[0] = 11.0
            readings = await home.house.read_now("ri4-591921152")
            assert [each.value for each in readings] == [11.0, 0.0, 33.0, 0.0]

    run_virtual(main())


@pytest.mark.parametrize(
    ("module", "channel", "reason"),
    [
        ("nobody", None, Reason.UNKNOWN_MODULE),
        ("nobody", "0", Reason.UNKNOWN_MODULE),
        ("lab", "99", Reason.UNKNOWN_CHANNEL),
        ("lab", "1", Reason.DISABLED),
        ("lab", "0", Reason.NO_ANSWER),
        ("ghost", None, Reason.MODULE_OFFLINE),
        ("ghost", "0", Reason.MODULE_OFFLINE),
    ],
)
def test_read_now_says_what_cannot_be_read(module: str, channel: str | None, reason: Reason) -> None:
    async def main() -> None:
        options = [
            ModuleOptions(serial=591921152, name="lab", channels={1: ChannelOptions(enabled=False)}),
            ModuleOptions(serial=1, name="ghost"),
        ]
        there = ScriptedModule(RI4)
        async with living(Household(options), there) as home:
            there.fault = lambda _: LinkLost("cut")
            with pytest.raises(RequestRejected) as caught:
                await home.house.read_now(module, channel)
            assert caught.value.reason is reason
            assert caught.value.remedy

    run_virtual(main())


def test_read_now_of_a_module_that_left_is_refused() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            home.unplug(module)
            for channel in (None, "0"):
                with pytest.raises(RequestRejected) as caught:
                    await home.house.read_now("ri4-591921152", channel)
                assert caught.value.reason is Reason.MODULE_OFFLINE

    run_virtual(main())


def test_an_unsubscribed_listener_hears_nothing_more() -> None:
    async def main() -> None:
        home = Household()
        other = Household()
        unsubscribe = home.house.subscribe(other)
        unsubscribe()
        async with living(home, ScriptedModule(RI4)):
            assert other.events == []

    run_virtual(main())


def test_a_channel_switched_off_in_the_module_has_no_value_to_read() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.modes = b"\x00"
        async with living(Household([ModuleOptions(activate=False)]), module) as home:
            with pytest.raises(RequestRejected) as caught:
                await home.house.read_now("ri4-591921152", "0")
            assert caught.value.reason is Reason.DISABLED
            assert home.quality("ri4-591921152/0") is Quality.INACTIVE

    run_virtual(main())


def test_64_modules_are_all_read_as_quickly_as_one() -> None:
    async def main() -> None:
        modules = [ScriptedModule(identity("RI8", 0x1000, serial)) for serial in range(64)]
        async with living(Household(), *modules, settle_s=0.02) as home:
            assert len(home.board.snapshot()) == 64 * 8

    run_virtual(main())


MODE, FLAGS = 0x1100, 0x1101


def inputs() -> ScriptedModule:
    return ScriptedModule(identity("DI4", 0x1000, 1))


def counts(module: ScriptedModule, channel: int, *, flags: int = 0x00) -> None:
    module.parameters[channel, MODE] = bytes((InputMode.COUNT,))
    module.parameters[channel, FLAGS] = bytes((flags,))


def test_a_module_that_is_looked_at_again_is_in_service_as_it_is_now_and_never_left() -> None:
    async def main() -> None:
        module = inputs()
        async with living(Household(), module) as home:
            (live,) = home.house.live_modules
            counts(module, 0, flags=0x01)
            module.parameters[1, MODE] = bytes((InputMode.INACTIVE,))
            module.values[0] = 7
            await home.house.look_again("di4-1")
            await asyncio.sleep(0.1)
            assert home.house.live_modules == (live,)
            assert [channel.signal for channel in home.described["di4-1"].channels[:2]] == [Signal.TOTAL, Signal.STATE]
            assert live.points["0"].value_type is ValueType.CNT2
            assert home.value("di4-1/0") == 7
            assert home.quality("di4-1/1") is Quality.INACTIVE
            assert module.writes == []
            assert [event for event, _ in home.events] == ["online", "online"]
            module.values[0] = 9
            await home.house.read_now("di4-1")
            assert home.value("di4-1/0") == 9
            polls = len(module.times_of(Opcode.GET_IO_GROUP))
            await asyncio.sleep(10)
            assert len(module.times_of(Opcode.GET_IO_GROUP)) - polls <= 2 * 11  # no earlier poller goes on beside the new one

    run_virtual(main())


def test_a_module_that_is_as_before_is_left_alone_when_it_is_looked_at_again() -> None:
    async def main() -> None:
        module = inputs()
        module.parameters[2, MODE] = bytes((InputMode.INACTIVE,))  # woken at the arrival
        async with living(Household(), module) as home:
            (before,) = (live.points for live in home.house.live_modules)
            await home.house.look_again("di4-1")
            assert home.house.live_modules[0].points is before
            assert [event for event, _ in home.events] == ["online"]

    run_virtual(main())


def test_what_cannot_be_looked_at_again_says_why() -> None:
    async def main() -> None:
        module = inputs()
        async with living(Household(), module) as home:
            module.fault = lambda _: LinkLost("torn out")
            with pytest.raises(LinkLost, match="torn out"):
                await home.house.look_again("di4-1")
            home.unplug(module)
            with pytest.raises(RequestRejected, match="offline"):
                await home.house.look_again("di4-1")
            with pytest.raises(RequestRejected, match="no module"):
                await home.house.look_again("nobody")

    run_virtual(main())


def test_a_module_that_leaves_while_it_is_looked_at_again_stays_away() -> None:
    async def main() -> None:
        module = inputs()
        async with living(Household(), module) as home:
            counts(module, 0)
            looking = asyncio.create_task(home.house.look_again("di4-1"))
            await asyncio.sleep(0.002)
            home.unplug(module)
            await looking
            await asyncio.sleep(0.1)
            assert home.events[-1] == ("offline", "di4-1")
            assert home.quality("di4-1/0") is Quality.LINK_LOST

    run_virtual(main())
