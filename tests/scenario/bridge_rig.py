"""A bridge as the agent has it, over a house that stands in for the engine."""

from __future__ import annotations

from datetime import UTC, datetime

from lucid2mqtt.mqtt.bridge import Bridge
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.options import HomeAssistantOptions
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.mqtt.house import Forgetful, SmallHouse


def bridge_over(house: SmallHouse, link: MqttLink, topics: Topics) -> Bridge:
    """Remembers nothing, and answers a birth at once."""
    return Bridge(
        link=link,
        topics=topics,
        house=house,
        board=house.board,
        desk=house,
        store=Forgetful(),
        origin=Origin(version="1"),
        home_assistant=HomeAssistantOptions(),
        diagnostics=dict,
        rescan=lambda: None,
        now=lambda: datetime.now(UTC),
        spread=lambda: 0.0,
    )
