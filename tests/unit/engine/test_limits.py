"""The longest time on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading, Value
from lucid2mqtt.engine.limits import RETRY_S, OnTimeLimits
from tests.virtual_clock import run_virtual

PUMP = ChannelRef("relays", "pump")
FAN = ChannelRef("relays", "fan")


def says(value: Value | None, channel: ChannelRef = PUMP) -> tuple[Reading]:
    quality = Quality.STALE if value is None else Quality.GOOD
    return (Reading(channel=channel, value=value, unit="", quality=quality, taken_at=datetime(2026, 11, 23, tzinfo=UTC)),)


def test_it_counts_from_the_first_reading_that_shows_on_and_repeats_until_off() -> None:
    async def main() -> None:
        exceeded: list[float] = []
        loop = asyncio.get_running_loop()
        began = loop.time()
        limits = OnTimeLimits(lambda _: exceeded.append(loop.time() - began))
        limits.limit(PUMP, 10.0)
        limits.watch(says(True))
        await asyncio.sleep(5)
        limits.watch(says(True))
        limits.watch(says(None))
        limits.watch(says(True, FAN))
        await asyncio.sleep(5.5 + RETRY_S)
        limits.watch(says(False))
        await asyncio.sleep(100)
        assert [round(at) for at in exceeded] == [10, 10 + RETRY_S]

    run_virtual(main())


def test_without_limits_nothing_is_counted() -> None:
    async def main() -> None:
        exceeded: list[ChannelRef] = []
        limits = OnTimeLimits(exceeded.append)
        limits.watch(says(True))
        await asyncio.sleep(1e6)
        assert exceeded == []

    run_virtual(main())
