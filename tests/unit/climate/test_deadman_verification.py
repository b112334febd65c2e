"""The trial on virtual modules: what is found, and that everything is put back however it ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from lucid2mqtt.climate.deadman_channel import OnOffChannel
from lucid2mqtt.climate.deadman_verification import Verification, wired_input
from lucid2mqtt.control.deadman import Semantics, Verdict
from lucid2mqtt.control.deadman_trial import Trial, Witness
from lucid2mqtt.errors import LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.frames import Opcode, Request
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Inactive, OutputReads, Quirks, Retrigger, SecondOne
from tests.unit.climate.virtual_wire import Wire, verdict_on
from tests.virtual_clock import run_virtual

CHANNEL = 5
KEPT = (m.MODE, m.FLAGS, m.ON_DELAY, m.ON_HOLD)
VARIANTS = [Quirks(retrigger=retrigger, second_one=second) for retrigger, second in itertools.product(Retrigger, SecondOne)]


class Bench:
    """One solid-state output on the bench, its load disconnected."""

    def __init__(self, quirks: Quirks, *, commissioned: bool = True, hold_s: float = 2.0) -> None:
        self.loop = asyncio.get_running_loop()
        self.module = VirtualModule("DI4DO4", serial=1, quirks=quirks, commissioned=commissioned, now=self.loop.time())
        self.wire = Wire(self.module)
        self.output = OnOffChannel(self.wire, self.module.type, CHANNEL, client="test")
        self.trial = Trial(hold_s=hold_s)
        self.said: list[str] = []
        self.before = self.parameters

    @property
    def parameters(self) -> list[int]:
        return [self.module._channels[CHANNEL].memory[place] for place in KEPT]  # no request may be made for looking

    async def verify(self, witness: Witness = Witness.READ_BACK, look: Callable[[], Awaitable[bool | None]] | None = None) -> Verdict:
        return await Verification(self.output, self.trial, witness, look, tell=self.said.append).run()

    async def contact(self) -> bool:
        return bool(self.module.output(CHANNEL, self.loop.time()))

    def assert_as_before(self) -> None:
        assert self.parameters == self.before
        self.module.advance(self.loop.time() + 0.05)
        assert not self.module.output(CHANNEL, self.loop.time() + 0.05)
        assert self.module.persistent_writes == 0


@pytest.mark.parametrize("quirks", VARIANTS, ids=lambda quirks: f"{quirks.retrigger}, {quirks.second_one}")
def test_a_read_back_that_follows_the_output_finds_what_the_contact_shows(quirks: Quirks) -> None:
    async def main() -> None:
        bench = Bench(replace(quirks, output_reads=OutputReads.TIMED))
        verdict = await bench.verify()
        seen = verdict_on(quirks)
        assert (verdict.semantics, verdict.cancels, verdict.triggers_after_end) == (seen.semantics, seen.cancels, seen.triggers_after_end)
        bench.assert_as_before()

    run_virtual(main())


@pytest.mark.parametrize("quirks", VARIANTS, ids=lambda quirks: f"{quirks.retrigger}, {quirks.second_one}")
def test_where_the_read_back_shows_what_was_written_an_eye_on_the_contact_finds_it(quirks: Quirks) -> None:
    async def main() -> None:
        written = replace(quirks, output_reads=OutputReads.WRITTEN)
        blind = await Bench(written).verify()
        assert blind.semantics is Semantics.INCONCLUSIVE
        bench = Bench(written)
        verdict = await bench.verify(Witness.WIRED_INPUT, bench.contact)
        assert verdict.semantics is verdict_on(quirks).semantics
        assert "by the input wired to it" in verdict.sentence
        bench.assert_as_before()

    run_virtual(main())


def test_an_output_that_sleeps_is_tried_and_sleeps_again() -> None:
    async def main() -> None:
        for inactive in Inactive:
            bench = Bench(Quirks(output_reads=OutputReads.TIMED, inactive_write=inactive), commissioned=False)
            assert (await bench.verify()).semantics is Semantics.RETRIGGERS_WITH_GAP
            assert bench.parameters[0] == m.INACTIVE
            bench.assert_as_before()

    run_virtual(main())


def test_progress_is_told_run_by_run() -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        await bench.verify()
        assert [line[:6] for line in bench.said] == ["1 of 5", "2 of 5", "3 of 5", "4 of 5", "5 of 5"]
        assert bench.said[0].endswith("(another 30 s)")

    run_virtual(main())


@pytest.mark.parametrize("after_s", [0.02, 0.5, 2.0, 8.0, 30.0])
def test_whoever_breaks_it_off_leaves_the_output_off_and_its_parameters_as_they_were(after_s: float) -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        trial = asyncio.create_task(bench.verify())
        await asyncio.sleep(after_s)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        bench.assert_as_before()

    run_virtual(main())


def test_a_write_without_an_answer_ends_it_with_everything_put_back() -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        ones = [0]

        def lose_the_second_one(request: Request) -> Exception | None:
            ones[0] += request.opcode == Opcode.SET_IO and request.data == b"\x01"
            is_it = request.opcode == Opcode.SET_IO and request.data == b"\x01" and ones[0] == 2
            return ReplyTimeout("lost", sent=True) if is_it else None

        bench.wire.fault = lose_the_second_one
        with pytest.raises(ReplyTimeout):
            await bench.verify()
        bench.assert_as_before()

    run_virtual(main())


def test_answers_that_get_lost_while_looking_are_not_seen_and_nothing_worse() -> None:
    async def main() -> None:
        bench = Bench(Quirks(output_reads=OutputReads.TIMED))
        looks = [0]

        def lose_some(request: Request) -> Exception | None:
            looks[0] += request.opcode == Opcode.GET_IO
            return ReplyTimeout("lost", sent=True) if request.opcode == Opcode.GET_IO and looks[0] % 9 == 5 else None

        bench.wire.fault = lose_some
        assert (await bench.verify()).semantics is Semantics.RETRIGGERS_WITH_GAP

    run_virtual(main())


def test_a_module_that_is_unplugged_amidst_it_is_told_apart_from_a_verdict() -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        trial = asyncio.create_task(bench.verify())
        await asyncio.sleep(3.0)
        bench.module.power_off(bench.loop.time())
        with pytest.raises(LinkLost):
            await trial
        assert any("unplug the module once" in line for line in bench.said)

    run_virtual(main())


def test_an_inverted_output_is_not_switched_at_all() -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        bench.module.commission(CHANNEL, {m.FLAGS: m.OUTPUT_INVERTED}, bench.loop.time())
        began_at = bench.loop.time()
        with pytest.raises(RequestRejected, match="inverted"):
            await bench.verify()
        assert bench.module.output(CHANNEL, bench.loop.time()) is True  # as it was
        assert [at for at, _ in bench.module.journal.outputs(CHANNEL) if at > began_at] == []

    run_virtual(main())


def test_a_witness_that_sees_on_while_the_output_is_off_is_wired_the_wrong_way() -> None:
    async def main() -> None:
        bench = Bench(Quirks())

        async def other_way_round() -> bool:
            return not await bench.contact()

        with pytest.raises(RequestRejected, match="although the output is off"):
            await bench.verify(Witness.WIRED_INPUT, other_way_round)
        assert bench.module.journal.outputs(CHANNEL) == []
        bench.assert_as_before()

    run_virtual(main())


@pytest.mark.parametrize("commissioned", [True, False])
def test_an_input_is_woken_for_the_time_it_is_needed(commissioned: bool) -> None:
    async def main() -> None:
        bench = Bench(Quirks(), commissioned=commissioned)
        channel = OnOffChannel(bench.wire, bench.module.type, 1, client="test")
        async with wired_input(channel) as look:
            assert await look() is False
            bench.module.drive(1, True, bench.loop.time())
            await asyncio.sleep(0.1)
            assert await look() is True
        assert bench.module._channels[1].mode == (m.REFLECT if commissioned else m.INACTIVE)

    run_virtual(main())


def test_an_input_wired_to_the_output_sees_what_the_read_back_cannot() -> None:
    async def main() -> None:
        bench = Bench(Quirks(), commissioned=False)

        async def cable() -> None:
            while True:
                bench.module.drive(1, await bench.contact(), bench.loop.time())
                await asyncio.sleep(0.02)

        wired = asyncio.create_task(cable())
        async with wired_input(OnOffChannel(bench.wire, bench.module.type, 1, client="test")) as look:
            verdict = await bench.verify(Witness.WIRED_INPUT, look)
        wired.cancel()
        assert verdict.semantics is Semantics.RETRIGGERS_WITH_GAP
        assert "by the input wired to it" in verdict.sentence
        bench.assert_as_before()

    run_virtual(main())


def test_an_input_that_counts_is_no_witness() -> None:
    async def main() -> None:
        bench = Bench(Quirks())
        bench.module.commission(1, {m.MODE: m.COUNT}, bench.loop.time())
        with pytest.raises(RequestRejected) as refused:
            async with wired_input(OnOffChannel(bench.wire, bench.module.type, 1, client="test")):
                pass
        assert refused.value.reason is Reason.DISABLED

    run_virtual(main())
