"""ON for a while, over cancelled orders, lost modules, crashes and wall clocks that jump."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lucid2mqtt.engine.desk import Order
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import LinkLost, Reason, ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, Reply
from tests.unit.engine.scripted import REFUSED, Household, InlineExecutor, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual

RELAYS = ModuleOptions(serial=1, name="relays", channels={1: ChannelOptions(pulse_s=2.0), 2: ChannelOptions(start=True)})
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def relays() -> ScriptedModule:
    return ScriptedModule(identity("DO4", 0x1100, 1))


def test_on_for_a_while_ends_by_itself() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=30.0)
            await asyncio.sleep(29.9)
            assert module.values[0] is True
            await asyncio.sleep(0.2)
            assert home.value("relays/0") is False
            await asyncio.sleep(100)
            assert module.switched[-2:] == [True, False], "ended once"

    run_virtual(main())


def test_a_channel_may_pulse_by_default_and_an_order_may_say_otherwise() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/1", value=True)
            await asyncio.sleep(2.1)
            assert module.values[1] is False
            await home.order("relays/1", value=True, for_s=10.0)
            await asyncio.sleep(5)
            assert module.values[1] is True

    run_virtual(main())


@pytest.mark.parametrize("newer", [True, False])
def test_a_newer_order_cancels_the_pending_end(newer: bool) -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            await asyncio.sleep(5)
            await home.order("relays/0", newer)
            count = len(module.writes)
            await asyncio.sleep(60)
            assert len(module.writes) == count
            assert module.values[0] is newer

    run_virtual(main())


@pytest.mark.parametrize("fault", [REFUSED, LinkLost("cut", sent=False)])
def test_an_order_that_was_not_written_leaves_the_pulse_as_it_was(fault: Reply | Exception) -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            module.fault = lambda request: fault if request.opcode == Opcode.SET_IO else None
            await home.refusal("relays/0", value=True)
            module.fault = lambda _: None
            await asyncio.sleep(10.1)
            assert module.values[0] is False

    run_virtual(main())


def test_a_refused_pulse_ends_nothing() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
            await home.refusal("relays/0", value=True, for_s=10.0)
            count = len(module.writes)
            await asyncio.sleep(60)
            assert len(module.writes) == count

    run_virtual(main())


@pytest.mark.parametrize("order", [True, False])
def test_when_nobody_knows_whether_an_order_was_carried_out_the_output_ends_off(order: bool) -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            if order is False:
                await home.order("relays/0", value=True, for_s=20.0)
            hook = "fault_after" if order else "fault"
            setattr(module, hook, lambda request: ReplyTimeout("silence", sent=True) if request.opcode == Opcode.SET_IO else None)
            assert (await home.refusal("relays/0", order, for_s=20.0 if order else None)).reason is Reason.NO_ANSWER
            assert module.values[0] is True
            setattr(module, hook, lambda _: None)
            await asyncio.sleep(30)
            assert module.values[0] is False

    run_virtual(main())


def test_an_order_whose_sender_gives_up_does_not_cost_the_end_of_a_pulse() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=20.0)
            module.answer_s = 5.0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await home.order("relays/0", value=False)
            module.answer_s = 0.001
            assert module.values[0] is True
            await asyncio.sleep(30)
            assert module.values[0] is False

    run_virtual(main())


def test_a_newer_order_that_is_under_way_when_the_pulse_ends_stands() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            await asyncio.sleep(9.9)
            module.answer_s = 0.5
            await home.order("relays/0", value=True, for_s=100.0)
            module.answer_s = 0.001
            await asyncio.sleep(60)
            assert module.values[0] is True
            await asyncio.sleep(60)
            assert module.values[0] is False

    run_virtual(main())


def test_an_end_that_waits_behind_a_newer_order_is_not_due_any_more() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            await asyncio.sleep(9.9)
            module.answer_s = 0.5
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(home.desk.repeat(Order(channel=ref("relays/0"), value=True, who="test")))
                tasks.create_task(home.order("relays/0", value=True, for_s=100.0))
            module.answer_s = 0.001
            await asyncio.sleep(60)
            assert module.values[0] is True
            await asyncio.sleep(60)
            assert module.values[0] is False

    run_virtual(main())


def test_a_new_pulse_that_waits_behind_the_end_of_the_old_one_runs_its_time() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            module.answer_s = 0.5
            await asyncio.sleep(10.1)  # the end is being written
            await home.order("relays/0", value=True, for_s=100.0)
            module.answer_s = 0.001
            await asyncio.sleep(60)
            assert module.values[0] is True
            await asyncio.sleep(60)
            assert module.values[0] is False

    run_virtual(main())


def test_an_end_that_fails_is_told_once_and_tried_again() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_IO else None
            await asyncio.sleep(60)
            assert len(home.incidents) == 1
            module.fault = lambda _: None
            await asyncio.sleep(10)
            assert module.values[0] is False

    run_virtual(main())


def test_a_pulse_whose_module_is_away_ends_at_the_next_arrival() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            home.unplug(module)
            await asyncio.sleep(60)
            assert module.values[0] is True
            home.plug(module)
            await asyncio.sleep(0.1)
            assert module.values[0] is False

    run_virtual(main())


def test_a_pulse_that_the_owner_of_an_output_ordered_ends_as_any_other() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            claim = home.desk.claim(ref("relays/0"), "thermostat living")
            await home.desk.carry_out(Order(channel=ref("relays/0"), value=True, who="thermostat living", for_s=10.0, claim=claim))
            await asyncio.sleep(9)
            assert module.values[0] is True
            await asyncio.sleep(2)
            assert module.values[0] is False

    run_virtual(main())


def test_a_pulse_of_an_owner_ends_with_the_claim() -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            home.desk.claim(ref("relays/0"), "thermostat living")
            await asyncio.sleep(60)
            assert module.values[0] is True, "the new owner looks after it"

    run_virtual(main())


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_a_wall_clock_that_jumps_moves_no_pulse_and_no_poll(jump: timedelta) -> None:
    async def main() -> None:
        module = relays()
        async with living(Household([RELAYS]), module) as home:
            await home.order("relays/0", value=True, for_s=10.0)
            home.wall += jump
            polls = len(module.times_of(Opcode.GET_IO_GROUP))
            await asyncio.sleep(9.5)
            assert module.values[0] is True
            assert len(module.times_of(Opcode.GET_IO_GROUP)) - polls == pytest.approx(9.5, abs=1)
            await asyncio.sleep(1)
            assert module.values[0] is False

    run_virtual(main())


async def _crash_during_pulse(state_dir: Path, module: ScriptedModule, *, for_s: float) -> None:
    async with living(Household([RELAYS], StateStore(state_dir, writer=InlineExecutor()), now=NOON), module) as home:
        await home.order("relays/0", value=True, for_s=for_s)
        await asyncio.sleep(1.0)  # the document is written within a second


@pytest.mark.parametrize(
    ("restart", "left_s"),
    [
        (NOON + timedelta(seconds=10), 20.0),
        (NOON + timedelta(seconds=500), 0.0),
        (NOON - timedelta(days=400), 30.0),  # a clock without battery: never longer than the pulse was meant to last
    ],
)
def test_a_pulse_outlives_a_crash(tmp_path: Path, restart: datetime, left_s: float) -> None:
    module = relays()

    async def before() -> None:
        await _crash_during_pulse(tmp_path, module, for_s=30.0)

    async def after() -> None:
        assert module.values[0] is True
        async with living(Household([RELAYS], StateStore(tmp_path, writer=InlineExecutor()), now=restart), module, settle_s=0.0):
            await asyncio.sleep(max(left_s - 0.5, 0.0))
            assert module.values[0] is (left_s > 0)
            await asyncio.sleep(1.0)
            assert module.values[0] is False

    run_virtual(before())
    # the arrival itself takes a moment, so an ended pulse is looked for after it
    if left_s:
        run_virtual(after())
    else:

        async def ended() -> None:
            async with living(Household([RELAYS], StateStore(tmp_path, writer=InlineExecutor()), now=restart), module):
                assert module.values[0] is False

        run_virtual(ended())


@pytest.mark.parametrize(
    "entry", ["soon", {"ends_at": "noon", "lasts_s": 5}, {"ends_at": 1, "lasts_s": -5}, {"ends_at": float("nan"), "lasts_s": 9}]
)
def test_a_kept_pulse_that_makes_no_sense_ends_at_once(tmp_path: Path, entry: object) -> None:
    (tmp_path / "pulses.json").write_text(json.dumps({"1/0": entry}))

    async def main() -> None:
        module = relays()
        module.values[0] = True
        async with living(Household([RELAYS], StateStore(tmp_path, writer=InlineExecutor())), module):
            assert module.values[0] is False

    run_virtual(main())


def test_a_pulse_that_ended_is_forgotten_on_disk(tmp_path: Path) -> None:
    async def main() -> None:
        store = StateStore(tmp_path, writer=InlineExecutor())
        async with living(Household([RELAYS], store), relays()) as home:
            await home.order("relays/0", value=True, for_s=2.0)
            await store.flush()
            assert list(json.loads((tmp_path / "pulses.json").read_text())) == ["1/0"]
            await asyncio.sleep(3)
            await store.flush()
            assert json.loads((tmp_path / "pulses.json").read_text()) == {}

    run_virtual(main())
