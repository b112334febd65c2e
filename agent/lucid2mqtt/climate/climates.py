"""All thermostats of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from lucid2mqtt.climate.climate import Climate
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import Reason, RequestRejected


class Climates:
    """To be made on the running loop. Each thermostat has its own task and its own clock; none waits for another one.

    `stepped` is called with a thermostat's name after each of its steps.
    """

    def __init__(
        self,
        options: Sequence[ClimateOptions],
        house: House,
        board: Board,
        desk: Desk,
        store: StateStore,
        *,
        now: Callable[[], datetime],
        stepped: Callable[[str], None] = lambda _: None,
    ) -> None:
        def made(one: ClimateOptions) -> Climate:
            return Climate(one, house, board, desk, store, now=now, stepped=lambda: stepped(one.name))

        self._climates = {one.name: made(one) for one in options}

    @property
    def all(self) -> tuple[Climate, ...]:
        """In the order of the settings."""
        return tuple(self._climates.values())

    def named(self, name: str) -> Climate:
        """RequestRejected(UNKNOWN_THERMOSTAT) when there is none of that name."""
        climate = self._climates.get(name)
        if climate is None:
            known = ", ".join(self._climates) or "none"
            raise RequestRejected(Reason.UNKNOWN_THERMOSTAT, f"there is no thermostat {name[:40]!r}", f"known thermostats: {known}")
        return climate

    async def run(self) -> None:
        """Controls until `stop`, or until cancelled; a bug in one of them ends all and comes out here."""
        async with asyncio.TaskGroup() as tasks:
            for name, climate in self._climates.items():
                tasks.create_task(climate.run(), name=f"thermostat:{name}")

    async def stop(self, within_s: float) -> None:
        """Heat and cold off everywhere, all at once; what is not off after `within_s` is logged."""
        async with asyncio.TaskGroup() as tasks:
            for climate in self.all:
                tasks.create_task(climate.stop(within_s))
