"""Declared states: at start, at exit, when the broker is lost, and the longest time on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import LinkLost, Reason, ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode
from tests.unit.engine.scripted import REFUSED, Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual


def relays(serial: int = 1) -> ScriptedModule:
    return ScriptedModule(identity("DO4", 0x1100, serial))


def household(**channel: Any) -> Household:  # Any: the fields of ChannelOptions
    return Household([ModuleOptions(serial=1, name="relays", channels={0: ChannelOptions(**channel)})])


def test_a_start_state_is_written_at_every_arrival() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(start=False), module) as home:
            assert module.switched == [False]
            home.unplug(module)
            module.values[0] = True
            home.plug(module)
            await asyncio.sleep(0.1)
            assert module.switched == [False, False]

    run_virtual(main())


def test_a_start_state_that_is_so_already_writes_nothing() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(start=False), module):
            assert module.writes == []

    run_virtual(main())


def test_without_declared_states_nothing_is_ever_written() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(Household(), module) as home:
            home.desk.broker_lost(asyncio.get_running_loop().time())
            await asyncio.sleep(3600)
            await home.desk.apply_exit_states(1.0)
            assert module.writes == []

    run_virtual(main())


def test_a_start_state_that_fails_is_told_and_tried_again() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        faults = iter([ReplyTimeout("silence", sent=True)])
        module.fault = lambda request: next(faults, None) if request.opcode == Opcode.SET_IO else None
        async with living(household(start=False), module, settle_s=5.0):
            assert module.values[0] is False

    run_virtual(main())


def test_a_start_state_the_module_refuses_is_an_incident() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
        async with living(household(start=False), module) as home:
            (incident,) = home.incidents
            assert (incident.channel, incident.what, incident.reason) == (ref("relays/0"), "start state", Reason.REFUSED_BY_MODULE)
            assert incident.remedy

    run_virtual(main())


@pytest.mark.parametrize(("declared", "written"), [(False, [0.0]), (2.5, [2.5])])
def test_analog_outputs_have_states_too(declared: bool | float, written: list[float]) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AO4", 0x1001, 1))
        module.values[0] = 9.0
        async with living(household(start=declared), module):
            assert module.switched == written

    run_virtual(main())


def test_off_of_a_4_to_20_ma_output_is_4_ma() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AO4", 0x1101, 1))
        module.values[0] = 12.0
        async with living(household(start=False), module):
            assert module.switched == [4.0]

    run_virtual(main())


def test_an_analog_output_cannot_be_declared_on() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AO4", 0x1001, 1))
        async with living(household(start=True), module) as home:
            assert [incident.reason for incident in home.incidents] == [Reason.NOT_UNDERSTOOD]
            assert module.switched == []

    run_virtual(main())


def test_the_broker_loss_state_comes_after_its_delay() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(on_broker_loss=False, broker_loss_after_s=60.0), module) as home:
            home.desk.broker_lost(asyncio.get_running_loop().time())
            home.desk.broker_lost(asyncio.get_running_loop().time() + 30)  # still the same loss
            await asyncio.sleep(59.5)
            assert module.switched == []
            await asyncio.sleep(1)
            assert module.switched == [False]

    run_virtual(main())


def test_a_broker_that_is_back_in_time_changes_nothing() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(on_broker_loss=False, broker_loss_after_s=60.0), module) as home:
            home.desk.broker_lost(asyncio.get_running_loop().time())
            await asyncio.sleep(30)
            home.desk.broker_back()
            await asyncio.sleep(600)
            assert module.switched == []

    run_virtual(main())


def test_a_module_that_arrives_without_a_broker_gets_its_state() -> None:
    async def main() -> None:
        home = household(on_broker_loss=False, broker_loss_after_s=60.0)
        module = relays()
        module.values[0] = True
        async with living(home):
            home.desk.broker_lost(asyncio.get_running_loop().time())
            await asyncio.sleep(100)
            home.plug(module)
            await asyncio.sleep(1)
            assert module.switched == [False]
            module.values[0] = True
            home.unplug(module)
            home.plug(module)
            await asyncio.sleep(1)
            assert module.switched == [False, False]

    run_virtual(main())


def test_exit_states_are_applied_to_all_outputs_at_once() -> None:
    async def main() -> None:
        channels = {0: ChannelOptions(exit=False), 1: ChannelOptions(exit=True), 2: ChannelOptions(exit=False)}
        module = relays()
        module.values |= {0: True, 2: False, 3: True}
        async with living(Household([ModuleOptions(serial=1, name="relays", channels=channels)]), module) as home:
            await home.desk.apply_exit_states(within_s=2.0)
            assert module.values == {0: False, 1: True, 2: False, 3: True}
            assert len(module.writes) == 2

    run_virtual(main())


def test_exit_states_that_take_too_long_are_given_up_and_named(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(exit=False), module) as home:
            module.answer_s = 10.0
            began = asyncio.get_running_loop().time()
            await home.desk.apply_exit_states(within_s=2.0)
            assert asyncio.get_running_loop().time() - began <= 2.0

    run_virtual(main())
    assert "not in their exit state after 2 s: relays/0" in caplog.text


def test_a_pulse_that_runs_at_the_exit_is_ended() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(), module) as home:
            await home.order("relays/0", value=True, for_s=3600.0)
            await home.desk.apply_exit_states(within_s=2.0)
            assert module.switched == [True, False]

    run_virtual(main())


def test_automatic_states_leave_claimed_outputs_to_their_owner() -> None:
    async def main() -> None:
        home = household(start=False, on_broker_loss=False, broker_loss_after_s=1.0, exit=True, max_on_s=5.0)
        home.desk.claim(ref("relays/0"), "thermostat living")
        module = relays()
        module.values[0] = True
        async with living(home, module):
            home.desk.broker_lost(asyncio.get_running_loop().time())
            await asyncio.sleep(60)
            await home.desk.apply_exit_states(1.0)
            assert module.writes == []
            assert home.incidents == []

    run_virtual(main())


def test_an_exit_state_of_on_does_not_go_through_a_claim() -> None:
    async def main() -> None:
        home = household(exit=True)
        home.desk.claim(ref("relays/0"), "thermostat living")
        module = relays()
        async with living(home, module):
            await home.desk.apply_exit_states(1.0)
            assert module.switched == []

    run_virtual(main())


def test_an_exit_state_of_off_goes_through_a_claim() -> None:
    async def main() -> None:
        home = household(exit=False)
        home.desk.claim(ref("relays/0"), "thermostat living")
        module = relays()
        module.values[0] = True
        async with living(home, module):
            await home.desk.apply_exit_states(1.0)
            assert module.switched == [False]

    run_virtual(main())


def test_what_is_on_too_long_is_switched_off_and_told_whoever_switched_it(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = relays()
        async with living(household(max_on_s=7200.0), module) as home:
            module.values[0] = True  # a legacy client
            await asyncio.sleep(7190)
            assert module.switched == []
            await asyncio.sleep(20)
            assert module.switched == [False]
            (incident,) = home.incidents
            assert (incident.what, incident.reason) == ("max_on_s", None)
            await asyncio.sleep(20000)
            assert len(home.incidents) == 1

    run_virtual(main())
    assert "relays/0 was on for 7200 s and is switched off" in caplog.text


def test_a_break_begins_the_time_on_anew() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(max_on_s=100.0), module) as home:
            await home.order("relays/0", value=True)
            await asyncio.sleep(90)
            await home.order("relays/0", value=False)
            await home.order("relays/0", value=True)
            await asyncio.sleep(90)
            assert module.values[0] is True
            await asyncio.sleep(20)
            assert module.values[0] is False

    run_virtual(main())


def test_what_cannot_be_switched_off_is_told_once_and_tried_until_it_is_off() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(max_on_s=10.0), module) as home:
            await home.order("relays/0", value=True)
            module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
            await asyncio.sleep(60)
            assert [incident.reason for incident in home.incidents] == [Reason.REFUSED_BY_MODULE]
            module.fault = lambda _: None
            await asyncio.sleep(10)
            assert module.values[0] is False
            assert [incident.reason for incident in home.incidents] == [Reason.REFUSED_BY_MODULE, None]

    run_virtual(main())


def test_time_on_goes_on_while_the_module_is_away() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(max_on_s=100.0), module) as home:
            await home.order("relays/0", value=True)
            home.unplug(module)
            await asyncio.sleep(200)
            home.plug(module)
            await asyncio.sleep(6)
            assert module.values[0] is False

    run_virtual(main())


def test_a_line_that_is_lost_at_the_exit_is_told() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(exit=False), module) as home:
            module.fault = lambda _: LinkLost("cut")
            await home.desk.apply_exit_states(within_s=5.0)
            assert [incident.reason for incident in home.incidents] == [Reason.MODULE_OFFLINE]

    run_virtual(main())


def test_one_lost_answer_does_not_cost_the_exit_state() -> None:
    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(household(exit=False), module) as home:
            faults = iter([ReplyTimeout("silence", sent=True)])
            module.fault = lambda _: next(faults, None)
            await home.desk.apply_exit_states(within_s=5.0)
            assert module.switched == [False]

    run_virtual(main())


def test_a_module_whose_channels_work_otherwise_did_not_arrive() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(start=False), module) as home:
            module.values[0] = True
            module.parameters[1, 0x1100] = b"\x08"
            module.parameters[2, 0x1100] = b"\x00"
            await home.house.look_again("relays")
            await asyncio.sleep(1)
            assert home.events[-1] == ("online", "relays")
            assert module.switched == []
            home.unplug(module)
            home.plug(module)
            await asyncio.sleep(0.1)
            assert module.switched[0] is False

    run_virtual(main())


def test_what_is_still_to_be_done_at_an_output_can_be_asked() -> None:
    async def main() -> None:
        module = relays()
        async with living(household(max_on_s=60.0), module) as home:
            first, second = ref("relays/0"), ref("relays/1")
            assert (home.desk.pending(first), home.desk.pending(second)) == ("", "")
            await home.order("relays/0", True)
            await home.order("relays/1", True, for_s=5.0)
            assert home.desk.pending(first) == "it is on, and its max_on_s runs"
            assert home.desk.pending(second) == "its pulse has not ended"
            await asyncio.sleep(6)
            assert home.desk.pending(second) == ""
            await asyncio.sleep(60)
            assert home.desk.pending(first) == ""

    run_virtual(main())
