"""A shared module in a whole house, against a module made of tables."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.errors import GarbledReply, LinkLost, ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, Reply, Request, calibrate_io, get_io, get_io_group, set_io, set_io_group, set_parameter
from lucid2mqtt.lucid.parameters import InputMode
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.exclusive import ModuleSource
from lucid2mqtt.passthrough.line import Outcome
from lucid2mqtt.passthrough.rights import Kind, frame_of
from lucid2mqtt.passthrough.shared_module import LOOK_AGAIN_S, SharedModule
from tests.unit.engine.scripted import REFUSED, Household, ScriptedModule, identity, living, ref
from tests.unit.passthrough.fakes import FakeLine, session
from tests.virtual_clock import run_virtual

DO4 = "do4-4711"
ON = set_io(0, ValueType.DI1, b"\x01")
BOTH_ON = set_io_group({1: b"\x01", 2: b"\x01"}, ValueType.DI1)
SLOW = (ModuleOptions(poll_s=3600.0),)
OK = Reply(0)


class SharedScripted(ScriptedModule, FakeLine):
    """A module made of tables that can be shared."""

    def __init__(self, family: str) -> None:
        ScriptedModule.__init__(self, identity(family))
        FakeLine.__init__(self)


@contextlib.asynccontextmanager
async def shared(module: SharedScripted) -> AsyncIterator[tuple[Household, SharedModule]]:
    async with living(Household(SLOW), module) as household:
        (live,) = household.house.live_modules
        made = SharedModule(
            live.module.name,
            household.board,
            claimant=household.desk.claimant,
            look_again=household.house.look_again,
            now=household.now,
        )
        reading_back = asyncio.create_task(made.run())
        made.arrived(live)
        module.log.clear()
        yield household, made
        reading_back.cancel()


async def settle() -> None:
    await asyncio.sleep(0.1)


def test_a_write_that_was_carried_out_is_read_back_on_the_board() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            module.values[0] = True
            made.carried_out(frame_of(ON), OK, "lab")
            await settle()
            assert [request for _, request, _, _ in module.log] == [get_io(0, ValueType.DI1)]
            assert household.value(f"{DO4}/0") is True

    run_virtual(scene())


def test_many_writes_in_a_row_are_read_back_together_and_not_each() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (_, made):
            for _ in range(50):
                made.carried_out(frame_of(BOTH_ON), OK, "lab")
            await settle()
            assert [request for _, request, _, _ in module.log] == [get_io_group([1, 2], ValueType.DI1)]

    run_virtual(scene())


@pytest.mark.parametrize(
    ("request_", "outcome", "read"),
    [
        (ON, Reply(0xB6), 0),
        (BOTH_ON, Reply(0xB6), 1),  # a part of a refused group may have been carried out
        (ON, ReplyTimeout("no answer", sent=True), 1),
        (ON, LinkLost("gone"), 0),
        (calibrate_io(3), OK, 1),
        (Request(0x77), OK, 1),
        (get_io(0, ValueType.DI1), OK, 0),
    ],
    ids=["refused", "group refused", "unanswered", "never sent", "calibrated", "unknown", "read"],
)
def test_what_may_have_changed_something_is_read_back_and_nothing_else(request_: Request, outcome: Outcome, read: int) -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (_, made):
            made.carried_out(frame_of(request_), outcome, "lab")
            await settle()
            assert len([request for _, request, _, _ in module.log if request.opcode != Opcode.GET_PARAM]) == read

    run_virtual(scene())


def test_a_group_that_cannot_be_read_back_together_is_read_one_by_one() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            module.fault = lambda request: REFUSED if request.opcode == Opcode.GET_IO_GROUP else None
            module.values.update({1: True, 2: True})
            made.carried_out(frame_of(BOTH_ON), OK, "lab")
            await settle()
            assert (household.value(f"{DO4}/1"), household.value(f"{DO4}/2")) == (True, True)

    run_virtual(scene())


def test_a_read_back_that_fails_is_left_to_the_next_poll() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            module.fault = lambda _: LinkLost("gone")
            made.carried_out(frame_of(ON), OK, "lab")
            await settle()
            module.fault = lambda _: None
            module.values[0] = True
            made.carried_out(frame_of(ON), OK, "lab")
            await settle()
            assert household.value(f"{DO4}/0") is True

    run_virtual(scene())


def test_nothing_is_read_back_from_a_module_that_left() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (_, made):
            made.left("unplugged")
            assert not made.is_there()
            made.touched(frame_of(ON), "lab")
            await settle()
            assert module.log == []

    run_virtual(scene())


def test_claims_protect_from_writes_only() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            household.desk.claim(ref(f"{DO4}/2"), "thermostat living")
            assert made.claims == {2: "thermostat living"}
            assert made.protection(Kind.SWITCH).claimed == {2: "thermostat living"}
            assert made.protection(Kind.READ).claimed == {}

    run_virtual(scene())


@pytest.mark.parametrize("mode", [InputMode.RISING, InputMode.FALLING])
def test_an_edge_that_a_client_reads_away_is_counted_all_the_same(mode: InputMode) -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        module.modes = bytes((mode,))
        async with shared(module) as (household, made):
            assert made.protection(Kind.READ).clearing == frozenset(range(4))
            before = household.value("di4-4711/1")
            assert before == 0
            frame = frame_of(get_io_group([0, 1], ValueType.DI1))
            assert made.clears(frame)
            made.carried_out(frame, Reply(0, b"\x00\x01"), "lab")
            assert household.value("di4-4711/1") == 1
            assert household.value("di4-4711/0") == 0

    run_virtual(scene())


def test_a_plain_input_may_be_read_by_everybody() -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        async with shared(module) as (_, made):
            assert made.protection(Kind.READ).clearing == frozenset()
            assert not made.clears(frame_of(get_io(1, ValueType.DI1)))

    run_virtual(scene())


def test_a_line_that_cannot_be_shared_is_a_bug_and_said_so() -> None:
    async def scene() -> None:
        async with living(Household(SLOW), ScriptedModule(identity("DO4"))) as household:
            (live,) = household.house.live_modules
            made = SharedModule(
                DO4, household.board, claimant=household.desk.claimant, look_again=household.house.look_again, now=household.now
            )
            with pytest.raises(TypeError, match="cannot be shared"):
                made.arrived(live)

    run_virtual(scene())


MODE, CYCLE_TIME = 0x1100, 0x1110
COUNT = set_parameter(1, MODE, bytes((InputMode.COUNT,)))


@pytest.mark.parametrize("outcome", [OK, ReplyTimeout("no answer", sent=True)], ids=["done", "unknown"])
def test_when_a_client_changed_how_a_channel_works_the_house_learns_it(outcome: Outcome) -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        async with shared(module) as (household, made):

            def signal() -> Signal:
                return household.described["di4-4711"].channels[1].signal

            assert signal() == Signal.STATE
            module.parameters[1, MODE] = bytes((InputMode.COUNT,))
            for _ in range(10):
                made.carried_out(frame_of(COUNT), outcome, "lab")
            await settle()
            assert signal() == Signal.WINDOW
            assert household.events == [("online", "di4-4711")] * 2
            assert module.writes == []

    run_virtual(scene())


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [(COUNT, LinkLost("never sent")), (set_parameter(0, CYCLE_TIME, bytes(4)), OK), (get_io(0, ValueType.DI1), OK)],
    ids=["never sent", "another parameter", "a read"],
)
def test_nobody_looks_again_without_a_reason(request_: Request, outcome: Outcome) -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        async with shared(module) as (_, made):
            made.carried_out(frame_of(request_), outcome, "lab")
            await settle()
            assert [request for _, request, _, _ in module.log if request.opcode == Opcode.GET_PARAM] == []

    run_virtual(scene())


def test_a_module_that_cannot_be_looked_at_again_is_told_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            module.fault = lambda request: LinkLost("torn out") if request.opcode == Opcode.GET_PARAM else None
            made.carried_out(frame_of(set_parameter(0, MODE, b"\x08")), OK, "lab")
            await settle()
            module.values[0] = True
            made.carried_out(frame_of(ON), OK, "lab")
            await settle()
            assert household.value(f"{DO4}/0") is True

    run_virtual(scene())
    assert "could not be looked at: torn out" in caplog.text


def test_a_look_that_failed_is_tried_again_by_itself_and_complained_about_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        async with shared(module) as (household, made):

            def signal() -> Signal:
                return household.described["di4-4711"].channels[1].signal

            module.parameters[1, MODE] = bytes((InputMode.COUNT,))
            module.fault = lambda request: LinkLost("torn out") if request.opcode == Opcode.GET_PARAM else None
            made.carried_out(frame_of(COUNT), OK, "lab")
            await asyncio.sleep(2.5 * LOOK_AGAIN_S)
            assert signal() == Signal.STATE
            module.fault = lambda _: None
            await asyncio.sleep(LOOK_AGAIN_S)
            assert signal() == Signal.WINDOW
            module.log.clear()
            await asyncio.sleep(2 * LOOK_AGAIN_S)
            assert module.log == []

    with caplog.at_level("WARNING"):
        run_virtual(scene())
    assert caplog.text.count("could not be looked at") == 1


def test_what_a_client_switched_is_read_back_although_it_left_before_the_answer() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            client, wire = session(module, shared=made)
            client.received(ON.encode())
            module.asked[-1].is_begun = True
            module.values[0] = True
            wire.abort()
            module.answer()
            await settle()
            assert household.value(f"{DO4}/0") is True

    run_virtual(scene())


def test_a_pulse_that_begins_while_an_exclusive_client_waits_for_the_line_keeps_the_module() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            source = ModuleSource(made, household.house, lambda _: "" if module.lent_to is None else "its pulse has not ended")
            with pytest.raises(LinkLost, match="its pulse has not ended"):
                async with source.lease(FakeUser(), who="lab"):
                    pytest.fail("the client has the line")
            assert household.quality(f"{DO4}/0") is Quality.GOOD

    run_virtual(scene())


def test_what_an_exclusive_client_made_of_the_channels_is_found_out_although_the_first_look_fails() -> None:
    async def scene() -> None:
        module = SharedScripted("DI4")
        async with shared(module) as (household, made):

            def signal() -> Signal:
                return household.described["di4-4711"].channels[1].signal

            assert signal() == Signal.STATE
            module.fault = lambda request: GarbledReply("half", sent=True) if request.opcode == Opcode.GET_PARAM else None
            async with ModuleSource(made, household.house, lambda _: "").lease(FakeUser(), who="lab"):
                module.parameters[1, MODE] = bytes((InputMode.COUNT,))
            module.fault = lambda _: None
            await asyncio.sleep(2 * LOOK_AGAIN_S)
            assert signal() == Signal.WINDOW

    run_virtual(scene())


class FakeUser:
    """Nobody who could have a line."""

    def bytes_arrived(self, chunk: bytes) -> None: ...
    def all_written(self) -> None: ...
    def link_lost(self, reason: str) -> None: ...


def test_an_output_that_is_claimed_while_a_write_waits_for_its_turn_keeps_its_owner() -> None:
    async def scene() -> None:
        module = SharedScripted("DO4")
        async with shared(module) as (household, made):
            client, wire = session(module, shared=made)
            client.received(ON.encode() + get_io(1, ValueType.DI1).encode())
            household.desk.claim(ref(f"{DO4}/0"), "thermostat living")
            module.send()
            assert wire.sent == b"\xa0\x00"
            assert (client.traffic.frames, client.traffic.refused, client.traffic.unanswered) == (2, 1, 0)
            module.answer(Reply(0, b"\x01"))
            assert wire.sent == b"\xa0\x00" + b"\x00\x01\x01"

    run_virtual(scene())
