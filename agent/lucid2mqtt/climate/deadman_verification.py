"""Carries out the trial of `control.deadman_trial` on a module that nobody else uses, and puts everything back afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from lucid2mqtt.climate.deadman_channel import FOLLOWS_WITHIN_S, OnOffChannel
from lucid2mqtt.control.deadman import Verdict
from lucid2mqtt.control.deadman_arming import ParameterValue
from lucid2mqtt.control.deadman_judge import judge
from lucid2mqtt.control.deadman_trial import Run, Sample, Trial, Witness, Write
from lucid2mqtt.errors import DeviceRefused, GarbledReply, LinkError, LucidError, Reason, ReplyTimeout, RequestRejected

PUT_BACK_WITHIN_S = 5.0
"""How long setting everything back may take, when the module does not answer any more."""

Look = Callable[[], Awaitable[bool | None]]
"""What the witness sees the output do; None: nothing."""
Tell = Callable[[str], None]


class Verification:
    """One trial of one output. `tell` gets a line whenever something worth knowing happens."""

    def __init__(self, output: OnOffChannel, trial: Trial, witness: Witness, look: Look | None = None, *, tell: Tell) -> None:
        """`look` None: the read-back is the witness."""
        self._output = output
        self._trial = trial
        self._witness = witness
        self._look = output.is_on if look is None else look
        self._tell = tell

    async def run(self) -> Verdict:
        """Tries and judges. However it ends, cancelled too, the output is off then and its parameters are as they were.

        Raises LinkError when a write got no answer, RequestRejected(REFUSED_BY_MODULE) when the output cannot be tried.
        """
        before = await self._output.told(setting.parameter for setting in self._trial.settings)
        try:
            await self._arm()
            samples, written = await self._perform()
        finally:
            await self._put_back(before)
        return judge(self._trial, samples, written, self._witness)

    async def _arm(self) -> None:
        objection = await self._output.arm(self._trial.settings, lambda: self._output.write(is_one=False))
        if objection is not None:
            raise RequestRejected(Reason.REFUSED_BY_MODULE, f"this output cannot be tried, it is {objection}", "nothing was switched")
        if await self._look():
            remedy = "wire it so that it reads on while the output is on"
            raise RequestRejected(Reason.REFUSED_BY_MODULE, f"{self._witness} shows on although the output is off", remedy)

    async def _perform(self) -> tuple[Sequence[Sample], Sequence[Write]]:
        loop, trial = asyncio.get_running_loop(), self._trial
        begun_at = loop.time()
        planned = deque(trial.writes)
        announced = deque((begins_at_s, run) for run, (begins_at_s, _) in trial.windows().items())
        samples: list[Sample] = []
        written: list[Write] = []
        look_at_s = 0.0
        while planned:
            await asyncio.sleep(max(0.0, begun_at + min(planned[0].at_s, look_at_s) - loop.time()))
            now_s = loop.time() - begun_at
            if announced and announced[0][0] <= now_s:
                self._announce(announced.popleft()[1], now_s)
            if planned[0].at_s <= look_at_s:
                written.append(Write(now_s, planned[0].is_one))
                await self._output.write(is_one=planned.popleft().is_one)
            else:
                is_on = await self._see()
                seen_at_s = (now_s + loop.time() - begun_at) / 2
                samples.append(Sample(seen_at_s, is_on))
                look_at_s = now_s + trial.sample_every_s
        return samples, written

    async def _see(self) -> bool | None:
        try:
            return await self._look()
        except (ReplyTimeout, GarbledReply):
            return None

    def _announce(self, run: Run, now_s: float) -> None:
        self._tell(f"{list(Run).index(run) + 1} of {len(Run)}: {run} (another {self._trial.ends_at_s - now_s:.0f} s)")

    async def _put_back(self, before: Mapping[str, ParameterValue]) -> None:
        try:
            async with asyncio.timeout(PUT_BACK_WITHIN_S):
                with contextlib.suppress(DeviceRefused):
                    await self._output.write(is_one=False)
                for name in await self._output.restore(before):
                    self._tell(f"{name} could not be set back to {before[name]}")
                await self._switch_off()
        except (LucidError, TimeoutError) as fault:
            self._tell(f"not everything could be set back, unplug the module once: {fault or 'no answer'}")

    async def _switch_off(self) -> None:
        try:
            await self._output.write(is_one=False)
        except DeviceRefused:
            return  # asleep again, as it was before
        await asyncio.sleep(FOLLOWS_WITHIN_S)
        if await self._output.is_on():
            self._tell("the output still reads on: unplug the module once")


@contextlib.asynccontextmanager
async def wired_input(channel: OnOffChannel) -> AsyncIterator[Look]:
    """An input as the witness; one that sleeps is woken for the time of the block. Raises RequestRejected for one that counts."""
    before = await channel.told(["Mode"])
    mode = before.get("Mode", "reflect")
    if mode not in ("reflect", "inactive"):
        raise RequestRejected(Reason.DISABLED, f"the input is in mode {mode} and shows no state", "choose an input in mode reflect")

    async def nothing_to_write() -> None:
        """An input has no value."""

    stuck = await channel.make_plain(nothing_to_write)
    if stuck is not None:
        raise RequestRejected(Reason.DISABLED, f"the input cannot be read: {stuck}", "choose another input")
    try:
        yield channel.is_on
    finally:
        if mode != "reflect":
            with contextlib.suppress(LinkError):  # it sleeps again after its next power cut; whoever used it is told of the line
                await channel.restore(before)
