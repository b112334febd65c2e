"""A relay armed and driven on virtual modules, whichever way they answer the open questions; judged by the modules' own journals."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lucid2mqtt.climate.claim import OutputClaim
from lucid2mqtt.climate.deadman_output import DECISION_GRACE_S
from lucid2mqtt.climate.output import GRUDGE_S
from lucid2mqtt.climate.relay_output import RelayDrive, RelayOutput
from lucid2mqtt.climate.verdicts import OutputKey, StoredZeros, Verdicts
from lucid2mqtt.control.deadman import DriveKind, DriveWish, HoldWindow, Semantics, Verdict
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import COMFORTABLE, OutputReads, Quirks, Retrigger, SecondOne
from tests.unit.climate.virtual_wire import Wire, plug, verdict_on
from tests.unit.engine.scripted import Household, InlineExecutor, living, ref
from tests.virtual_clock import run_virtual

HOLD_S, CHANNEL = 15.0, 5
HEATER = ref("heaters/living")
MODULES = (ModuleOptions(serial=1, name="heaters", channels={CHANNEL: ChannelOptions(name="living")}),)
KEY = OutputKey(serial=1, firmware=22, channel=CHANNEL)
EXTENDS = replace(COMFORTABLE, retrigger=Retrigger.EXTENDS_HOLD)

VARIANTS = [
    Quirks(retrigger=retrigger, second_one=second, output_reads=reads, cancel_latency_s=latency_s)
    for retrigger, second, reads, latency_s in itertools.product(Retrigger, SecondOne, OutputReads, (0.0, 0.01))
]


def told(quirks: Quirks) -> str:
    return f"{quirks.retrigger}, {quirks.second_one}, reads {quirks.output_reads}, {quirks.cancel_latency_s}"


class Rig:
    """A house with one module of solid-state outputs and a heater on its channel 5."""

    def __init__(self, home: Household, module: VirtualModule, drive: RelayDrive) -> None:
        self.home = home
        self.module = module
        self.loop = asyncio.get_running_loop()
        claim = OutputClaim(HEATER, "thermostat living", home.desk)
        verdicts, zeros = Verdicts(home.store), StoredZeros(home.store)
        self.output = RelayOutput(claim, drive, home.house, home.board, home.desk, verdicts=verdicts, zeros=zeros)
        self.wire: Wire | None = None

    async def arrive(self) -> None:
        self.wire = plug(self.home, self.module)
        await asyncio.sleep(0.1)

    def leave(self) -> None:
        self.home.house.module_left(self.module.identity, "unplugged")

    async def heat(self, for_s: float, *, every_s: float = 20.0) -> None:
        """What a thermostat does: decides, and decides again before its decision is old."""
        until = self.loop.time() + for_s
        while self.loop.time() < until:
            await self.output.put(True, until=self.loop.time() + every_s)
            await asyncio.sleep(min(every_s, until - self.loop.time()))

    @property
    def is_on(self) -> bool:
        return bool(self.module.output(CHANNEL, self.loop.time()))

    @property
    def changes(self) -> list[tuple[float, bool]]:
        return [(at, bool(state)) for at, state in self.module.journal.outputs(CHANNEL)]

    def gaps(self) -> list[float]:
        """How long the output was off between two times on."""
        ends = [at for at, state in self.changes if not state]
        begins = [at for at, state in self.changes if state]
        return [begin - end for end, begin in zip(ends, begins[1:], strict=False)]

    @property
    def fault(self) -> str:
        return self.output.fault(self.loop.time())

    @property
    def mode(self) -> int:
        return self.cells[m.MODE]

    @property
    def cells(self) -> dict[int, int]:
        memory = self.module._channels[CHANNEL].memory  # no request may be made for looking
        return {place: memory[place] for place in (m.MODE, m.FLAGS, m.ON_DELAY, m.ON_HOLD)}


@contextlib.asynccontextmanager
async def rig_of(
    quirks: Quirks = EXTENDS,
    *,
    wish: DriveWish = DriveWish.DEADMAN,
    verdict: Verdict | None = None,
    contact: Contact | None = None,
    store: StateStore | None = None,
    module: VirtualModule | None = None,
    is_verified: bool = True,
) -> AsyncIterator[Rig]:
    loop = asyncio.get_running_loop()
    module = module or VirtualModule("DI4DO4", serial=1, quirks=quirks, commissioned=True, now=loop.time())
    home = Household(MODULES, store or StateStore(None))
    if store is None and is_verified:
        kept = {str(KEY): (verdict or verdict_on(quirks)).saved()}
        home.store.load = lambda name: kept if name == "verdicts" else None  # type: ignore[method-assign]
    async with living(home, settle_s=0.0):
        rig = Rig(home, module, RelayDrive(wish=wish, window=HoldWindow(hold_s=HOLD_S), contact=contact))
        running = asyncio.create_task(rig.output.run())
        await rig.arrive()
        yield rig
        running.cancel()


@pytest.mark.parametrize("quirks", VARIANTS, ids=told)
def test_an_armed_output_is_on_while_wanted_and_off_within_the_hold_window_of_our_death(quirks: Quirks) -> None:
    async def main() -> None:
        async with rig_of(quirks) as rig:
            assert rig.output.drive is DriveKind.DEADMAN
            await rig.output.put(False, until=rig.loop.time() + 60.0)
            assert rig.output.is_at_rest
            await rig.heat(120.0)
            assert rig.is_on
            extends = verdict_on(quirks).semantics is Semantics.EXTENDS
            assert all(gap < 0.2 for gap in rig.gaps())
            assert (rig.gaps() == []) is extends
            assert rig.output.fault(rig.loop.time()) == rig.output.doubt(rig.loop.time()) == ""
            died_at = rig.loop.time()
        assert_drops(rig.module, died_at)
        assert_never_on_without_trigger(rig.module)

    run_virtual(main())


def assert_drops(module: VirtualModule, died_at: float) -> None:
    module.advance(died_at + 3600.0)
    at, state = module.journal.outputs(CHANNEL)[-1]
    assert state is False
    assert at <= died_at + HOLD_S + 0.05


def assert_never_on_without_trigger(module: VirtualModule) -> None:
    one = bytes((Opcode.SET_IO, CHANNEL, 0, 1, 1))
    triggered = [note.at for note in module.journal.notes() if note.data == one]
    for at, state in module.journal.outputs(CHANNEL):
        if state:
            assert any(at - 0.05 <= trigger <= at for trigger in triggered)


@pytest.mark.parametrize("quirks", VARIANTS, ids=told)
def test_off_is_off_at_once(quirks: Quirks) -> None:
    async def main() -> None:
        async with rig_of(quirks) as rig:
            await rig.heat(30.0)
            await rig.output.put(False, until=rig.loop.time() + 60.0)
            await asyncio.sleep(0.05)
            assert not rig.is_on
            await asyncio.sleep(60.0)
            assert not rig.is_on
            assert rig.output.is_at_rest
            await rig.heat(1.0)
            assert rig.is_on

    run_virtual(main())


def test_a_switching_is_one_line_of_the_log_and_a_trigger_none(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with rig_of() as rig:
            with caplog.at_level(logging.INFO):
                await rig.heat(600.0)
                await rig.output.put(False, until=rig.loop.time() + 60.0)
                await asyncio.sleep(1.0)
            switched = [record.message for record in caplog.records if " -> " in record.message]
            assert [message.split(" by ")[0] for message in switched] == ["heaters/living: OFF -> ON", "heaters/living: ON -> OFF"]
            states = [reading.value for reading in rig.home.readings if reading.channel == HEATER]
            assert [state for state, _ in itertools.groupby(states)] == [False, True, False]

    run_virtual(main())


def test_a_decision_that_nobody_renews_lets_the_heater_go_off(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with rig_of() as rig:
            decided_at = rig.loop.time()
            await rig.output.put(True, until=decided_at + 30.0)
            await asyncio.sleep(30.0 + DECISION_GRACE_S - 1.0)
            assert rig.is_on
            await asyncio.sleep(2.0)
            assert not rig.is_on
            await asyncio.sleep(600.0)
            assert not rig.is_on

    run_virtual(main())
    assert caplog.text.count("nobody has decided on heaters/living any more") == 1


def test_a_module_that_lost_its_power_is_armed_again_before_it_heats() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.heat(30.0)
            rig.leave()
            rig.module.power_cycle(rig.loop.time())
            assert rig.mode == m.REFLECT
            await rig.output.put(True, until=rig.loop.time() + 30.0)  # it is away
            assert rig.output.is_away
            await rig.arrive()
            assert not rig.is_on
            await rig.heat(60.0)
            assert (rig.mode, rig.is_on) == (m.ON_OFF, True)
            assert rig.module.persistent_writes == 1
            died_at = rig.loop.time()
        assert_drops(rig.module, died_at)
        assert_never_on_without_trigger(rig.module)

    run_virtual(main())


def test_the_stored_zero_is_written_once_per_output_even_over_restarts(tmp_path: Path) -> None:
    async def main() -> None:
        module = VirtualModule("DI4DO4", serial=1, quirks=EXTENDS, commissioned=True, now=asyncio.get_running_loop().time())
        (tmp_path / "verdicts.json").write_text('{"1/22/5": {"semantics": "extends", "cancels": true, "sentence": ""}}')
        for _ in range(3):
            store = StateStore(tmp_path, writer=InlineExecutor())
            async with rig_of(store=store, module=module) as rig:
                await rig.heat(2.0)
                assert rig.is_on
                rig.leave()
        assert module.persistent_writes == 1

    run_virtual(main())


def test_a_run_from_before_a_restart_is_ended_or_waited_for_before_the_channel_is_armed() -> None:
    async def main() -> None:
        async with rig_of() as first:
            await first.heat(10.0)
        async with rig_of(module=first.module) as rig:
            await rig.output.put(False, until=rig.loop.time() + 30.0)
            await asyncio.sleep(0.1)
            assert not rig.is_on
            assert (rig.output.drive, rig.fault) == (DriveKind.DEADMAN, "")

    run_virtual(main())


def test_an_output_that_was_never_tried_stays_off_and_the_command_is_named() -> None:
    async def main() -> None:
        async with rig_of(is_verified=False) as rig:
            await rig.heat(120.0)
            assert rig.output.drive is DriveKind.REFUSED
            assert "never tried" in rig.fault
            assert rig.fault.endswith("lucid2mqtt verify-deadman heaters living")
            assert rig.changes == []
            assert rig.module.persistent_writes == 0

    run_virtual(main())


def test_a_verdict_for_another_firmware_is_none_for_this_one() -> None:
    async def main() -> None:
        async with rig_of(is_verified=False) as rig:
            kept = {"1/21/5": verdict_on(EXTENDS).saved()}
            rig.home.store.load = lambda name: kept if name == "verdicts" else None  # type: ignore[method-assign]
            await rig.output.put(True, until=rig.loop.time() + 30.0)
            assert "tried with firmware 21, but never with the present one, 22" in rig.fault
            assert rig.changes == []

    run_virtual(main())


@pytest.mark.parametrize("semantics", [Semantics.UNVERIFIED, Semantics.INCONCLUSIVE, Semantics.IGNORED, Semantics.NEVER_DROPS])
def test_without_a_usable_verdict_auto_drives_plainly_and_says_what_that_means(semantics: Semantics) -> None:
    async def main() -> None:
        async with rig_of(wish=DriveWish.AUTO, verdict=Verdict(semantics=semantics)) as rig:
            await rig.heat(60.0)
            assert rig.output.drive is DriveKind.PLAIN
            assert "stays on when this program or its host dies" in rig.output.notice
            assert ("verify-deadman heaters living" in rig.output.notice) is (semantics in (Semantics.UNVERIFIED, Semantics.INCONCLUSIVE))
            assert (rig.mode, rig.is_on, rig.fault) == (m.REFLECT, True, "")
            assert rig.module.persistent_writes == 0

    run_virtual(main())


def test_a_gap_at_every_trigger_is_nothing_for_relays() -> None:
    async def main() -> None:
        gapped = Verdict(semantics=Semantics.RETRIGGERS_WITH_GAP, cancels=True)
        async with rig_of(Quirks(), verdict=gapped, contact=Contact.RELAY) as rig:
            await rig.heat(60.0)
            assert rig.output.drive is DriveKind.REFUSED
            assert rig.changes == []

    run_virtual(main())


def test_a_plain_drive_takes_a_channel_out_of_the_mode_that_a_dead_man_left_it_in() -> None:
    async def main() -> None:
        async with rig_of() as first:
            await first.heat(5.0)
        async with rig_of(module=first.module, wish=DriveWish.PLAIN) as rig:
            await rig.heat(60.0)
            assert (rig.mode, rig.is_on, rig.output.drive) == (m.REFLECT, True, DriveKind.PLAIN)
            assert rig.gaps()[1:] == []

    run_virtual(main())


def refuses(place: int) -> Callable[[Request], Reply | None]:
    """A module that takes no value for one parameter."""
    address = (0x1800 + place).to_bytes(2, "little")

    def fault(request: Request) -> Reply | None:
        return Reply(0xB6) if request.opcode == Opcode.SET_PARAM and request.data[:2] == address else None

    return fault


@pytest.mark.parametrize("place", [m.ON_HOLD, m.ON_DELAY, m.MODE, m.FLAGS, m.VALUE])
def test_a_channel_that_cannot_be_armed_stays_off_where_a_dead_man_is_demanded(place: int) -> None:
    async def main() -> None:
        async with rig_of() as rig:
            assert rig.wire is not None
            rig.wire.fault = refuses(place)
            await rig.heat(180.0)
            assert rig.changes == []
            assert "not armed" in rig.fault
            assert rig.output.drive is DriveKind.REFUSED
            rig.wire.fault = lambda _: None
            await rig.heat(GRUDGE_S + 20.0)
            assert rig.is_on

    run_virtual(main())


@pytest.mark.parametrize("place", [m.ON_HOLD, m.ON_DELAY, m.FLAGS, m.VALUE])
def test_a_channel_that_cannot_be_armed_is_driven_plainly_by_auto_with_its_parameters_as_they_were(place: int) -> None:
    async def main() -> None:
        async with rig_of(wish=DriveWish.AUTO) as rig:
            assert rig.wire is not None
            before = rig.cells
            rig.wire.fault = refuses(place)
            await rig.heat(60.0, every_s=5.0)
            assert rig.output.drive is DriveKind.PLAIN
            assert "not armed" in rig.output.notice
            assert (rig.is_on, rig.fault) == (True, "")
            assert rig.cells == before

    run_virtual(main())


def test_an_inverted_output_is_never_armed_because_it_would_fall_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        module = VirtualModule("DI4DO4", serial=1, quirks=EXTENDS, commissioned=True, now=loop.time())
        module.commission(CHANNEL, {m.FLAGS: m.OUTPUT_INVERTED}, loop.time())
        async with rig_of(module=module) as rig:
            await rig.heat(60.0)
            assert "inverted" in rig.fault
            assert rig.mode == m.REFLECT

    run_virtual(main())


def silent_for(rig: Rig, seconds: float) -> None:
    until = rig.loop.time() + seconds
    assert rig.wire is not None
    rig.wire.fault = lambda request: ReplyTimeout("silent", sent=False) if rig.loop.time() < until else None


def test_two_lost_triggers_are_what_the_hold_window_is_for() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.heat(12.0)
            silent_for(rig, 4.0)
            await rig.heat(30.0)
            assert rig.is_on
            assert rig.gaps() == []
            assert rig.output.doubt(rig.loop.time()) == ""

    run_virtual(main())


def test_a_module_that_nobody_reaches_drops_the_heater_and_gets_it_back(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.heat(12.0)
            silent_for(rig, 40.0)
            await rig.heat(30.0, every_s=5.0)
            assert not rig.is_on
            assert rig.output.doubt(rig.loop.time()) or rig.fault
            await rig.heat(30.0, every_s=5.0)
            assert rig.is_on
            assert rig.output.doubt(rig.loop.time()) == rig.fault == ""

    run_virtual(main())
    assert caplog.text.count("went off although it was wanted on") == 1


def test_a_trigger_that_is_refused_blocks_for_a_minute_and_is_told_until_one_works() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.output.put(False, until=rig.loop.time() + 30.0)
            assert rig.wire is not None
            rig.wire.fault = lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO and request.data == b"\x01" else None
            await rig.heat(30.0)
            assert "heaters/living" in rig.fault
            await rig.heat(GRUDGE_S * 3)
            refused = [note for note in rig.module.journal.notes() if note.data == bytes((Opcode.SET_IO, CHANNEL, 0, 1, 1))]
            assert refused == []
            assert rig.output.doubt(rig.loop.time())
            rig.wire.fault = lambda _: None
            await rig.heat(GRUDGE_S + 20.0)
            assert rig.is_on
            assert rig.output.doubt(rig.loop.time()) == rig.fault == ""

    run_virtual(main())


def test_an_output_seen_off_amidst_a_run_is_switched_on_again() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.heat(12.0)
            rig.module.receive(bytes((Opcode.SET_IO, CHANNEL, 0, 1, 0)), rig.loop.time())  # somebody with a wire of his own
            rig.module.replies_due(rig.loop.time() + 1.0)
            assert not rig.is_on
            await rig.heat(2.0)
            assert rig.is_on

    run_virtual(main())


def test_the_last_word_is_off_and_the_claim_goes_back() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            await rig.heat(12.0)
            await rig.output.put(False, until=rig.loop.time(), is_last=True)
            rig.output.release()
            assert not rig.is_on
            assert rig.home.desk.claimant(HEATER) is None
            await asyncio.sleep(60.0)
            assert not rig.is_on

    run_virtual(main())


def test_somebody_elses_output_is_neither_armed_nor_written() -> None:
    async def main() -> None:
        async with rig_of() as rig:
            claim = rig.home.desk.claim(HEATER, "thermostat attic")
            await rig.heat(30.0)
            assert rig.mode == m.REFLECT
            assert "thermostat attic" in rig.fault
            claim.release()
            await rig.heat(10.0)
            assert rig.is_on

    run_virtual(main())


def test_the_variants_cover_every_usable_answer() -> None:
    assert {verdict_on(quirks).semantics for quirks in VARIANTS} == {
        Semantics.EXTENDS,
        Semantics.RETRIGGERS_WITH_GAP,
        Semantics.NEEDS_ZERO_FIRST,
    }
