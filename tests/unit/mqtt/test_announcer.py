from __future__ import annotations

import asyncio
import json
from typing import Any

from lucid2mqtt.domain.channel import ChannelKind, Module
from lucid2mqtt.mqtt.announcer import STEP_S, Announcer
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.mqtt.samples import channel, module
from tests.virtual_clock import run_virtual

FLOW = channel(ChannelKind.TEMPERATURE, 0, name="flow")
RETURN = channel(ChannelKind.TEMPERATURE, 1, name="return")
BOTH = module(FLOW, RETURN)
CONFIG = "homeassistant/device/lucid2mqtt_RI4-4711/config"


class Memory:
    """A state store that keeps what a file would keep."""

    def __init__(self) -> None:
        self.text: str | None = None

    def load(self, name: str) -> dict[str, Any] | None:
        assert name == "announced"
        return None if self.text is None else json.loads(self.text)

    def save_soon(self, name: str, document: dict[str, Any]) -> None:
        self.text = json.dumps(document)


class Desktop:
    """An announcer with ears; `restart` is the next start of the program with the same state directory."""

    def __init__(self, memory: Memory | None = None, *, enabled: bool = True) -> None:
        self.memory = memory or Memory()
        self.is_connected = True
        self.messages: list[Outgoing] = []
        self.announcer = Announcer(Topics("l", "n"), Origin(version="1"), self.memory, publish=self._publish, enabled=enabled)

    def _publish(self, message: Outgoing) -> bool:
        if self.is_connected:
            self.messages.append(message)
        return self.is_connected

    async def announce(self, of: Module, *, wait_s: float = 3 * STEP_S + 0.1) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.announcer.announce(of, tasks)
            await asyncio.sleep(wait_s)

    def components(self) -> list[dict[str, list[str]]]:
        """Of each discovery document said: its components with their keys."""
        documents = [json.loads(message.payload)["components"] for message in self.messages if message.topic == CONFIG and message.payload]
        return [{key: sorted(one) for key, one in document.items()} for document in documents]

    def cleared(self) -> list[str]:
        return [message.topic for message in self.messages if not message.payload and message.retain is Retain.ALWAYS]


def keys(components: list[dict[str, list[str]]]) -> list[list[str]]:
    return [sorted(document) for document in components]


def test_a_module_is_announced_once_and_retained() -> None:
    async def scenario() -> None:
        desktop = Desktop()
        await desktop.announce(BOTH)
        assert [(message.topic, message.retain, message.qos) for message in desktop.messages] == [(CONFIG, Retain.ALWAYS, 1)]

    run_virtual(scenario())


def test_a_disabled_channel_is_removed_in_three_steps_and_its_topics_are_cleared() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(BOTH)
        second = Desktop(first.memory)
        second.announcer.home_assistant_is_there = True
        await second.announce(module(FLOW))
        assert keys(second.components()) == [["channel_0", "channel_1"], ["channel_0", "channel_1"], ["channel_0"]]
        assert second.components()[1]["channel_1"] == ["platform"]
        assert second.cleared() == ["l/n/boiler/return/state", "l/n/boiler/return/status", "l/n/boiler/return/attributes"]
        third = Desktop(second.memory)
        await third.announce(module(FLOW))
        assert keys(third.components()) == [["channel_0"]]

    run_virtual(scenario())


def test_a_removal_is_repeated_until_home_assistant_was_certainly_there() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(BOTH)
        second = Desktop(first.memory)
        await second.announce(module(FLOW))
        assert len(second.components()) == 3
        second.announcer.home_assistant_is_there = True
        await second.announce(module(FLOW))
        assert len(second.components()) == 6
        await second.announce(module(FLOW))
        assert len(second.components()) == 7

    run_virtual(scenario())


def test_a_removal_that_lost_the_broker_is_begun_again() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(BOTH)
        second = Desktop(first.memory)
        second.announcer.home_assistant_is_there = True
        async with asyncio.TaskGroup() as tasks:
            second.announcer.announce(module(FLOW), tasks)
            await asyncio.sleep(STEP_S / 2)
            second.is_connected = False
        second.is_connected = True
        await second.announce(module(FLOW))
        assert len(second.components()) == 4
        assert keys(second.components())[-1] == ["channel_0"]

    run_virtual(scenario())


def test_a_new_announcement_takes_the_place_of_a_removal_under_way() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(BOTH)
        second = Desktop(first.memory)
        await second.announce(module(FLOW), wait_s=STEP_S / 2)
        second.messages.clear()
        async with asyncio.TaskGroup() as tasks:
            second.announcer.announce(module(FLOW), tasks)
            await asyncio.sleep(STEP_S / 2)
            second.announcer.announce(BOTH, tasks)
            await asyncio.sleep(3 * STEP_S)
        assert keys(second.components())[-1] == ["channel_0", "channel_1"]
        assert len(second.components()) == 2

    run_virtual(scenario())


def test_a_renamed_module_keeps_its_entities_and_clears_its_old_topics() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(module(FLOW))
        second = Desktop(first.memory)
        await second.announce(module(channel(ChannelKind.TEMPERATURE, 0, module="cellar", name="flow"), name="cellar"))
        assert keys(second.components()) == [["channel_0"]]
        assert "l/n/boiler/status" in second.cleared()
        assert "l/n/boiler/flow/state" in second.cleared()

    run_virtual(scenario())


def test_a_forgotten_module_disappears_from_broker_and_home_assistant() -> None:
    async def scenario() -> None:
        desktop = Desktop()
        await desktop.announce(module(FLOW))
        assert desktop.announcer.forget("boiler")
        assert set(desktop.cleared()) == {
            CONFIG,
            "l/n/boiler/status",
            "l/n/boiler/flow/state",
            "l/n/boiler/flow/status",
            "l/n/boiler/flow/attributes",
        }
        assert not desktop.announcer.forget("boiler")
        assert not Desktop(desktop.memory).announcer.forget("boiler")

    run_virtual(scenario())


def test_a_module_that_is_forgotten_during_a_removal_does_not_come_back() -> None:
    async def scenario() -> None:
        first = Desktop()
        await first.announce(BOTH)
        second = Desktop(first.memory)
        async with asyncio.TaskGroup() as tasks:
            second.announcer.announce(module(FLOW), tasks)
            await asyncio.sleep(STEP_S / 2)
            assert second.announcer.forget("boiler")
            await asyncio.sleep(3 * STEP_S)
        assert [message.payload for message in second.messages if message.topic == CONFIG][-1] == ""

    run_virtual(scenario())


def test_without_home_assistant_nothing_is_announced_but_old_names_are_cleared() -> None:
    async def scenario() -> None:
        first = Desktop(enabled=False)
        first.announcer.announce_node()
        await first.announce(BOTH)
        assert first.messages == []
        second = Desktop(first.memory, enabled=False)
        await second.announce(module(FLOW))
        assert [message.topic for message in second.messages] == second.cleared()
        assert len(second.cleared()) == 3

    run_virtual(scenario())
