"""The grid, groups, refused channels, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.poller import RETRY_REFUSED_S, _next_beat
from lucid2mqtt.errors import GarbledReply, LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.values import ValueType
from tests.unit.engine.scripted import REFUSED, Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

RI4 = identity("RI4", 0x1000, 1)
AI8 = identity("AI8", 0x1001, 2)


def group_reads(module: ScriptedModule) -> list[Request]:
    return [request for _, request, _, _ in module.log if request.opcode == Opcode.GET_IO_GROUP]


def test_all_channels_of_a_module_are_one_request() -> None:
    async def main() -> None:
        module = ScriptedModule(AI8)
        async with living(Household(), module):
            assert [request.channels for request in group_reads(module)] == [tuple(range(8))]
            assert module.log[-1][2:] == (Turn.SHARED, "poll:ai8-2")

    run_virtual(main())


def test_the_grid_does_not_drift() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4, answer_s=0.02)
        async with living(Household([ModuleOptions(poll_s=0.5)]), module, settle_s=3600.0):
            times = module.times_of(Opcode.GET_IO_GROUP)[1:]
            assert len(times) == pytest.approx(7200, abs=1)
            assert all(later - earlier == pytest.approx(0.5, abs=1e-6) for earlier, later in pairwise(times))

    run_virtual(main())


def test_missed_beats_are_skipped_not_bunched() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module, settle_s=5.0):
            module.answer_s = 3.3
            await asyncio.sleep(3.4)
            module.answer_s = 0.001
            count = len(module.log)
            await asyncio.sleep(5)
            assert len(module.log) - count <= 6
            times = module.times_of(Opcode.GET_IO_GROUP)
            assert min(later - earlier for earlier, later in pairwise(times[2:])) > 0.9

    run_virtual(main())


@given(st.floats(0, 1e9), st.floats(1e-3, 1e5), st.floats(0, 0.01))
def test_the_next_beat_is_soon_and_never_now(now: float, period_s: float, shift_s: float) -> None:
    beat = _next_beat(now, period_s, shift_s)
    assert now < beat <= now + 2 * period_s


def test_modules_beat_almost_together() -> None:
    async def main() -> None:
        modules = [ScriptedModule(identity("RI4", 0x1000, serial)) for serial in range(100, 108)]
        async with living(Household(), *modules, settle_s=5.0):
            phases = {round(module.times_of(Opcode.GET_IO_GROUP)[-1] % 1.0, 4) for module in modules}
            assert len(phases) == 4
            assert max(phases) < 0.01

    run_virtual(main())


def test_a_channel_may_have_its_own_period() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        options = ModuleOptions(poll_s=1.0, channels={3: ChannelOptions(poll_s=10.0)})
        async with living(Household([options]), module, settle_s=100.0) as home:
            reads = [request.channels for request in group_reads(module)]
            assert reads.count((0, 1, 2)) == pytest.approx(100, abs=2)
            assert reads.count((3,)) == pytest.approx(10, abs=2)
            assert home.described["ri4-1"].channels[3].poll_s == 10.0

    run_virtual(main())


def test_a_value_type_the_module_does_not_know_is_given_up_once_and_for_all() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.values |= {0: 21.5}
        module.fault = lambda request: REFUSED if request.option == ValueType.TMS4 and request.opcode == Opcode.GET_IO_GROUP else None
        async with living(Household(), module, settle_s=10.0) as home:
            assert home.value("ri4-1/0") == 21.5
            options = [request.option for request in group_reads(module)]
            assert options[:2] == [ValueType.TMS4, ValueType.TMS2]
            assert set(options[1:]) == {ValueType.TMS2}

    run_virtual(main())


def refusing(*channels: int) -> Callable[[Request], Reply | None]:
    def answer(request: Request) -> Reply | None:
        is_read = request.opcode in (Opcode.GET_IO, Opcode.GET_IO_GROUP)
        return REFUSED if is_read and set(request.channels) & set(channels) else None

    return answer


def test_a_channel_the_module_refuses_does_not_take_the_others_with_it() -> None:
    async def main() -> None:
        module = ScriptedModule(AI8)
        module.fault = refusing(3)
        async with living(Household(), module, settle_s=RETRY_REFUSED_S + 5) as home:
            assert home.quality("ai8-2/3") is Quality.REFUSED
            assert {home.quality(f"ai8-2/{number}") for number in (0, 1, 2, 4, 5, 6, 7)} == {Quality.GOOD}
            assert group_reads(module)[-1].channels == (0, 1, 2, 4, 5, 6, 7)
            alone = [at for at, request, _, _ in module.log if request.opcode == Opcode.GET_IO and request.channels == (3,)]
            assert len(alone) == 4, "both value types at first, and both again after the pause"
            module.fault = lambda _: None
            await asyncio.sleep(RETRY_REFUSED_S + 1)
            assert home.quality("ai8-2/3") is Quality.GOOD
            assert group_reads(module)[-1].channels == tuple(range(8))

    run_virtual(main())


def test_a_temperature_the_module_refuses_is_an_open_sensor(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.fault = refusing(1)
        async with living(Household(), module, settle_s=100.0) as home:
            assert home.quality("ri4-1/1") is Quality.OPEN_SENSOR

    run_virtual(main())
    assert caplog.text.count("channel 1") == 1


def test_a_module_that_refuses_every_channel_is_still_served() -> None:
    async def main() -> None:
        module = ScriptedModule(AI8)
        module.fault = refusing(*range(8))
        async with living(Household(), module, settle_s=60.0) as home:
            assert home.quality("ai8-2/7") is Quality.REFUSED
            assert len(module.log) < 200
            module.fault = lambda _: None
            await asyncio.sleep(RETRY_REFUSED_S + 2)
            assert home.quality("ai8-2/7") is Quality.GOOD

    run_virtual(main())


def test_a_module_without_group_reads_is_read_one_by_one() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.fault = lambda request: REFUSED if request.opcode == Opcode.GET_IO_GROUP else None
        async with living(Household(), module, settle_s=30.0) as home:
            module.values[2] = 30.0
            await asyncio.sleep(1.1)
            assert home.value("ri4-1/2") == 30.0
            assert len(group_reads(module)) < 10

    run_virtual(main())


@pytest.mark.parametrize("fault", [ReplyTimeout("silence", sent=True), GarbledReply("noise", sent=True)])
def test_a_read_without_answer_is_repeated_once(fault: Exception) -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            faults = iter([fault])
            module.fault = lambda _: next(faults, None)
            module.values[0] = 5.0
            await asyncio.sleep(1.0)
            assert home.value("ri4-1/0") == 5.0

    run_virtual(main())


@pytest.mark.parametrize("fault", [ReplyTimeout("silence", sent=True), LinkLost("cut"), RequestRejected(Reason.BUSY, "full", "wait")])
def test_silence_becomes_stale_after_five_seconds_and_good_again_with_the_first_answer(fault: Exception) -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            module.fault = lambda _: fault
            await asyncio.sleep(4.5)
            assert home.quality("ri4-1/0") is Quality.GOOD
            await asyncio.sleep(2.0)
            assert home.quality("ri4-1/0") is Quality.STALE
            module.fault = lambda _: None
            await asyncio.sleep(1.1)
            assert home.quality("ri4-1/0") is Quality.GOOD

    run_virtual(main())


def test_slow_channels_are_stale_after_three_periods() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household([ModuleOptions(poll_s=60.0)]), module) as home:
            module.fault = lambda _: LinkLost("cut")
            await asyncio.sleep(150)
            assert home.quality("ri4-1/0") is Quality.GOOD
            await asyncio.sleep(120)
            assert home.quality("ri4-1/0") is Quality.STALE

    run_virtual(main())


def test_an_answer_that_never_comes_holds_nothing_up() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            module.answer_s = 1e6
            await asyncio.sleep(12)
            assert home.quality("ri4-1/0") is Quality.STALE
            module.answer_s = 0.001
            await asyncio.sleep(6)
            assert home.quality("ri4-1/0") is Quality.GOOD

    run_virtual(main())


def test_a_group_reply_of_the_wrong_length_is_no_reading() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        async with living(Household(), module) as home:
            module.fault = lambda _: Reply(0, bytes(12))
            await asyncio.sleep(7)
            assert home.quality("ri4-1/0") is Quality.STALE

    run_virtual(main())


def test_channels_switched_off_in_the_module_are_not_read() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.parameters[2, 0x1100] = b"\x00"
        async with living(Household([ModuleOptions(activate=False)]), module, settle_s=3.0) as home:
            assert home.quality("ri4-1/2") is Quality.INACTIVE
            assert group_reads(module)[-1].channels == (0, 1, 3)
            assert module.writes == []

    run_virtual(main())


def test_a_module_with_nothing_to_read_is_online_all_the_same() -> None:
    async def main() -> None:
        options = ModuleOptions(channels=dict.fromkeys(range(4), ChannelOptions(enabled=False)))
        async with living(Household([options]), ScriptedModule(RI4), settle_s=3.0) as home:
            assert home.events == [("online", "ri4-1")]
            assert home.readings == []

    run_virtual(main())
