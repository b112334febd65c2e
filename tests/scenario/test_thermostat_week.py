"""A week of heating without a broker is the same week with one that comes and goes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lucid2mqtt.mqtt.bridge import Bridge
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.options import HomeAssistantOptions
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.climate import climate_room
from tests.unit.climate.climate_room import ROOM, Room
from tests.unit.engine.scripted import Household
from tests.unit.mqtt.test_bridge import Wire
from tests.virtual_clock import run_virtual

HOUR = 3600.0
MOMENT = 7.3219
"""Moves a command away from the steps that follow the one before: what comes first in the same instant nobody can tell."""


async def week(link: Wire | None) -> tuple[Sequence[object], Sequence[object]]:
    """What the heater was told and when, and what the owner was told."""
    room = Room(start_c=16.0, options=ROOM)
    async with room.thermostat() as home, asyncio.TaskGroup() as tasks:
        attendants = [] if link is None else [tasks.create_task(_bridge(link, room, home).run()), tasks.create_task(_flicker(link))]
        for day in range(7):
            await asyncio.sleep(6 * HOUR + MOMENT)
            room.outdoor_c = 8.0 - day
            room.climate.set_preset("eco")  # by hand at the console
            await asyncio.sleep(18 * HOUR + MOMENT)
            room.climate.set_preset("none")
        await asyncio.sleep(MOMENT)
        for task in attendants:
            task.cancel()
        return [(at, request) for at, request, _, _ in room.heater.log if request.is_write], room.told


def _bridge(link: Wire, room: Room, home: Household) -> Bridge:
    return Bridge(
        link=link,
        topics=Topics("lucid2mqtt", "az-2"),
        house=home.house,
        board=home.board,
        desk=home.desk,
        store=home.store,
        origin=Origin(version="1"),
        home_assistant=HomeAssistantOptions(),
        diagnostics=dict,
        rescan=lambda: None,
        now=home.now,
        thermostats=[room.climate],
    )


async def _flicker(link: Wire) -> None:
    """There and gone by turns, ten seconds to half a day."""
    dice = random.Random(1)
    while True:
        await asyncio.sleep(dice.uniform(10.0, 12 * HOUR))
        assert link.listener is not None
        link.is_connected = not link.is_connected
        if link.is_connected:
            link.listener.connected()
        else:
            link.listener.disconnected()


def test_a_week_is_the_same_whatever_the_broker_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climate_room, "MODULES", tuple(replace(each, poll_s=60.0) for each in climate_room.MODULES))
    writes, told = run_virtual(week(None))
    broker = Wire()
    assert run_virtual(week(broker)) == (writes, told)
    assert len(writes) > 300
    states = [message for message in broker.said if message.topic == "lucid2mqtt/az-2/thermostat/living/state"]
    assert 0 < len(states) < len(told)
