"""A module listener that keeps the order of events and the lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lucid2mqtt.lucid.exchange import Transactor
from lucid2mqtt.lucid.identity import Identity


class Household:
    def __init__(self) -> None:
        self.events: list[str] = []
        self.lines: dict[int, Transactor] = {}
        self.reasons: list[str] = []
        self._news = asyncio.Event()

    def module_arrived(self, identity: Identity, line: Transactor, port: str) -> None:
        self.events.append(f"+{identity.serial}@{port}")
        self.lines[identity.serial] = line
        self._news.set()

    def module_left(self, identity: Identity, reason: str) -> None:
        self.events.append(f"-{identity.serial}")
        self.reasons.append(reason)
        self._news.set()

    async def until(self, condition: Callable[[list[str]], bool]) -> None:
        """Waits, at most 5 s, until the events so far meet `condition`."""
        async with asyncio.timeout(5):
            while not condition(self.events):
                self._news.clear()
                await self._news.wait()
