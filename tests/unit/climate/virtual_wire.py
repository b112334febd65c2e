"""Virtual modules on a house, reached over their bytes, and what their on-off mode does as its contact shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lucid2mqtt.control.deadman import Verdict
from lucid2mqtt.control.deadman_judge import judge
from lucid2mqtt.control.deadman_trial import Trial, Witness
from lucid2mqtt.errors import LinkLost, ReplyTimeout
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from tests.unit.control.on_off_models import witnessed
from tests.unit.control.simulated_output import SimulatedOutput
from tests.unit.engine.scripted import Household

NO_ANSWER_S = 0.25


class Wire:
    """A Transactor over the bytes of a virtual module; what it has begun it finishes. `fault` may answer first, as a `ScriptedModule`'s does."""

    def __init__(self, module: VirtualModule) -> None:
        self.module = module
        self.fault: Callable[[Request], Reply | Exception | None] = lambda _: None
        self._turn = asyncio.Lock()

    async def transact(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> Reply:
        return await asyncio.shield(asyncio.create_task(self._exchange(request)))

    async def _exchange(self, request: Request) -> Reply:
        async with self._turn:
            first = self.fault(request)
            if isinstance(first, Exception):
                raise first
            if first is not None:
                return first
            if not self.module.is_powered:
                raise LinkLost("unplugged")
            loop = asyncio.get_running_loop()
            reader = ReplyReader()
            self.module.receive(request.encode(), loop.time())
            while (due := self.module.next_event()) is not None:
                await asyncio.sleep(max(due - loop.time(), 0.0))
                if replies := reader.feed(self.module.replies_due(max(due, loop.time()))):
                    return replies[0]
            await asyncio.sleep(NO_ANSWER_S)
            raise ReplyTimeout("no answer", sent=True)


def plug(home: Household, module: VirtualModule) -> Wire:
    wire = Wire(module)
    home.house.module_arrived(module.identity, wire, f"/dev/{module.name}")
    return wire


def verdict_on(quirks: Quirks) -> Verdict:
    """What a trial finds when somebody sees the contact."""
    trial = Trial()
    output = SimulatedOutput(quirks, trial.settings)
    return judge(trial, *witnessed(trial, output.write, output.contact), Witness.WIRED_INPUT)
