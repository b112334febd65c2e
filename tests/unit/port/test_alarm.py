from __future__ import annotations

import asyncio
import itertools

from lucid2mqtt.port.alarm import Alarm
from tests.virtual_clock import run_virtual


def rings_of(*sets: float, stops_at: float | None = None) -> list[float]:
    """When an alarm rang that was set to `sets` one after the other, seconds from then."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        rings: list[float] = []
        alarm = Alarm(lambda: rings.append(round(loop.time() - began, 6)))
        for each in sets:
            alarm.set(began + each)
        if stops_at is not None:
            await asyncio.sleep(stops_at)
            alarm.stop()
            alarm.stop()
        await asyncio.sleep(10)
        return rings

    return run_virtual(main())


def test_it_rings_once_at_the_earliest_time_in_whatever_order_it_was_set() -> None:
    assert rings_of(2.0, 1.0, 3.0) == [1.0]
    assert rings_of(1.0, 2.0) == [1.0]


def test_a_time_that_is_over_rings_at_once() -> None:
    assert rings_of(-1.0) == [0.0]


def test_it_does_not_ring_after_it_was_stopped() -> None:
    assert rings_of(2.0, stops_at=1.0) == []


def test_it_may_be_set_again_while_it_rings_and_after_a_stop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        rings: list[float] = []

        def ring() -> None:
            rings.append(loop.time())
            if len(rings) < 3:
                alarm.set(loop.time() + 1.0)

        alarm = Alarm(ring)
        alarm.set(loop.time() + 1.0)
        await asyncio.sleep(10)
        assert [later - earlier for earlier, later in itertools.pairwise(rings)] == [1.0, 1.0]
        alarm.set(loop.time() + 5.0)
        alarm.stop()
        alarm.set(loop.time() + 7.0)
        await asyncio.sleep(6)
        assert len(rings) == 3
        await asyncio.sleep(2)
        assert len(rings) == 4

    run_virtual(main())
