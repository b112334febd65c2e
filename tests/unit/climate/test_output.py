"""One output: claimed, read before it is written, never written twice in the dark."""

from __future__ import annotations

import asyncio
import math

import pytest

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.climate.output import DOUBT_S, GRUDGE_S, RETRY_S, ClimateOutput
from lucid2mqtt.errors import LinkLost, ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from tests.unit.climate.climate_room import HEATER, MODULES
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual


def relay() -> ScriptedModule:
    return ScriptedModule(identity("DO4", 0x1100, 1))


def output_of(home: Household) -> ClimateOutput:
    return ClimateOutput(OutputClaim(HEATER, "thermostat living", home.desk), home.house, home.board, home.desk)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_what_reads_as_wanted_is_not_written() -> None:
    async def main() -> None:
        async with living(Household(MODULES), relay()) as home:
            output, module = output_of(home), home
            await output.put(wanted=False)
            assert output.is_at_rest
            await output.put(wanted=True)
            await output.put(wanted=True)
            assert module.value("heaters/living") is True
            assert output.retry_at(wanted=True) == math.inf

    run_virtual(main())


def test_a_module_that_is_not_there_is_waited_for_without_a_word_to_it() -> None:
    async def main() -> None:
        async with living(Household(MODULES)) as home:
            output = output_of(home)
            await output.put(wanted=True)
            assert output.is_away
            assert output.fault(now()) == "heaters/living has not been seen yet"
            assert output.retry_at(wanted=True) == math.inf

    run_virtual(main())


def test_an_unanswered_write_leaves_the_state_unknown_until_the_module_speaks() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            module.fault = lambda request: ReplyTimeout("silent", sent=True) if request.opcode == Opcode.SET_IO else None
            await output.put(wanted=True)
            assert (output.seen, output.is_in_doubt) == (None, True)
            assert "no answer" in output.fault(now())
            await output.put(wanted=True)  # too early
            assert len(module.writes) == 1
            await asyncio.sleep(5.1)  # a poll
            assert (output.seen, output.is_in_doubt, output.fault(now())) == (False, False, "")
            assert "no answer" in output.doubt(now())
            module.fault = lambda request: None
            await output.put(wanted=True)
            assert (output.seen, output.doubt(now())) == (True, "")

    run_virtual(main())


def test_a_write_that_certainly_was_not_sent_is_tried_again_after_a_pause() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            module.fault = lambda request: LinkLost("cut", sent=False) if request.opcode == Opcode.SET_IO else None
            await output.put(wanted=True)
            assert not output.is_in_doubt
            assert output.retry_at(wanted=True) == pytest.approx(now() + RETRY_S)
            module.fault = lambda request: None
            await asyncio.sleep(RETRY_S)
            await output.put(wanted=True)
            assert output.seen is True

    run_virtual(main())


def test_a_refusal_is_a_fault_for_a_while_in_which_only_off_is_written() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            module.fault = lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO else None
            await output.put(wanted=True)
            assert "heaters/living" in output.fault(now())
            await asyncio.sleep(RETRY_S)
            await output.put(wanted=True)
            assert len(module.writes) == 1
            await asyncio.sleep(GRUDGE_S)
            assert output.fault(now()) == ""
            assert "heaters/living" in output.doubt(now())  # nothing has been seen to work
            await output.put(wanted=True)
            assert len(module.writes) == 2
            await asyncio.sleep(DOUBT_S)
            assert output.doubt(now()) == ""

    run_virtual(main())


def test_taking_a_zero_does_not_clear_an_output_that_refused_a_one() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            module.fault = lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO and request.data == b"\x01" else None
            await output.put(wanted=True)
            module.values[0] = True  # by somebody else
            await home.house.read_now("heaters")
            await asyncio.sleep(RETRY_S)
            await output.put(wanted=False)
            assert output.is_at_rest
            assert "heaters/living" in output.doubt(now())

    run_virtual(main())


def test_an_order_whose_answer_got_lost_but_that_was_carried_out_leaves_no_doubt() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            module.fault_after = lambda request: ReplyTimeout("lost", sent=True) if request.opcode == Opcode.SET_IO else None
            await output.put(wanted=True)
            await asyncio.sleep(5.1)  # a poll
            await output.put(wanted=True)
            assert (output.is_on, output.doubt(now())) == (True, "")
            assert len(module.writes) == 1

    run_virtual(main())


def test_an_output_that_cannot_be_read_is_written_once_and_counts_as_a_fault() -> None:
    async def main() -> None:
        module = relay()

        def unreadable(request: Request) -> Reply | None:
            return Reply(0xD0) if request.opcode in (Opcode.GET_IO, Opcode.GET_IO_GROUP) else None

        module.fault = unreadable
        async with living(Household(MODULES), module) as home:
            output = output_of(home)
            for _ in range(5):
                await output.put(wanted=False)
                await asyncio.sleep(RETRY_S)
            assert module.switched == [False]
            assert output.fault(now())

    run_virtual(main())


def test_a_taken_output_is_asked_for_again_and_given_back_at_the_end() -> None:
    async def main() -> None:
        module = relay()
        async with living(Household(MODULES), module) as home:
            claim, output = home.desk.claim(HEATER, "thermostat attic"), output_of(home)
            await output.put(wanted=True)
            assert "thermostat attic" in output.fault(now())
            assert module.writes == []
            claim.release()
            await asyncio.sleep(RETRY_S)
            await output.put(wanted=True)
            assert output.is_on
            output.release()
            assert home.desk.claimant(HEATER) is None

    run_virtual(main())


def test_a_valve_is_not_written_again_for_what_the_read_back_rounds() -> None:
    async def main() -> None:
        valve = ScriptedModule(identity("AO4", 0x1001, 3))
        async with living(Household(), valve) as home:
            claim = OutputClaim(ref("ao4-3/0"), "thermostat living", home.desk)
            output = ClimateOutput(claim, home.house, home.board, home.desk, rest=0.0, span=10.0)
            await output.put(3.0)
            valve.values[0] = 3.05
            await home.house.read_now("ao4-3")
            await output.put(3.0)
            assert len(valve.writes) == 1
            await output.put(3.1)  # wanted anew, though near
            assert len(valve.writes) == 2
            valve.values[0] = 9.0
            await home.house.read_now("ao4-3")
            await output.put(3.1)
            assert len(valve.writes) == 3

    run_virtual(main())
