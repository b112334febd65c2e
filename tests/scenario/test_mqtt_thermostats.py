"""Thermostats on a real broker: a real controller on a scripted house, and an ordinary client that looks and commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.remote import RemoteOptions, RemoteValues
from lucid2mqtt.mqtt.bridge import Bridge
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.options import HomeAssistantOptions, MqttOptions, Protocol
from lucid2mqtt.mqtt.topics import Topics
from tests.broker import Broker, Peer, running_broker, until
from tests.unit.climate.climate_room import ROOM, Room
from tests.unit.engine.scripted import Household
from tests.unit.mqtt.house import Forgetful

LIVING = "l/n/thermostat/living"
OUTDOOR = RemoteOptions(ChannelRef("remote", "outdoor"), "weather/outside", key="t")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


@dataclass
class Scene:
    room: Room
    home: Household
    link: MqttLink
    bridge: Bridge


@contextlib.asynccontextmanager
async def scene(broker: Broker, protocol: Protocol = Protocol.V5, board: Board | None = None) -> AsyncIterator[Scene]:
    room = Room(start_c=18.0, options=replace(ROOM, outdoor=OUTDOOR.channel))
    async with room.thermostat() as home:
        link = MqttLink(MqttOptions(url=broker.url, protocol=protocol, client_id="lucid2mqtt-n"), spread=lambda: 0.0)
        bridge = Bridge(
            link=link,
            topics=Topics("l", "n"),
            house=home.house,
            board=home.board,
            desk=home.desk,
            store=Forgetful(),
            origin=Origin(version="1"),
            home_assistant=HomeAssistantOptions(),
            diagnostics=dict,
            rescan=lambda: None,
            now=home.now,
            thermostats=(room.climate,),
            remote=RemoteValues((OUTDOOR,), board or home.board, now=home.now),
            spread=lambda: 0.0,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bridge.run())
            await until(lambda: link.is_connected)
            try:
                yield Scene(room, home, link, bridge)
            finally:
                await bridge.stop()


def told(peer: Peer, topic: str = f"{LIVING}/state") -> dict[str, Any]:  # Any: JSON
    return dict(json.loads(peer.last(topic) or "{}"))


@pytest.mark.parametrize("protocol", [Protocol.V5, Protocol.V311])
async def test_whoever_comes_later_finds_thermostat_state_and_announcement(broker: Broker, protocol: Protocol) -> None:
    async with scene(broker, protocol):
        with Peer(broker.port, f"{LIVING}/#") as early:
            await until(lambda: early.last(f"{LIVING}/status") == "online" and told(early).get("current") is not None)
        with Peer(broker.port, f"{LIVING}/#", "homeassistant/device/+/config") as peer:
            document = "homeassistant/device/lucid2mqtt_n__thermostat_living/config"
            await until(lambda: peer.last(f"{LIVING}/state") is not None and peer.last(document) is not None)
            assert told(peer)["mode"] == "heat"
            state = next(heard for heard in peer.heard if heard.topic == f"{LIVING}/state")
            assert state.retained
            assert (state.expires_s is not None) is (protocol is Protocol.V5)
            assert told(peer, document)["components"]["climate"]["mode_state_topic"] == state.topic


async def test_commands_are_carried_out_answered_and_told(broker: Broker) -> None:
    async with scene(broker) as stage:
        with Peer(broker.port, f"{LIVING}/#", "me") as peer:
            await until(lambda: told(peer).get("current") is not None)
            peer.say(f"{LIVING}/mode/set", "HEAT")  # as Home Assistant sends a temperature with a mode
            peer.say(f"{LIVING}/target/set", "22.5", answer_on="me", correlation=b"7")
            await until(lambda: told(peer)["target"] == 22.5)
            await until(lambda: peer.last("me") == '{"result":"done","state":"22.5"}')
            peer.say(f"{LIVING}/preset/set", "Away")
            await until(lambda: told(peer)["preset"] == "away")
            peer.say(f"{LIVING}/preset/set", '{"preset": "boost", "for_s": 3600}')
            await until(lambda: told(peer)["preset"] == "boost" and "boost for another 60 min" in told(peer)["reason"])
            peer.say(f"{LIVING}/preset/set", "none")
            await until(lambda: told(peer)["preset"] == "none")
            peer.say(f"{LIVING}/mode/set", "manual")
            peer.say(f"{LIVING}/duty/set", "40")
            await until(lambda: told(peer)["manual_duty"] == 40.0 and told(peer)["duty"] == 40.0)
            peer.say(f"{LIVING}/duty/set", "140")
            await until(lambda: told(peer, f"{LIVING}/error"))
            error = told(peer, f"{LIVING}/error")
            assert (error["message"], error["remedy"]) == ("the duty 140% is out of range", "send 0% to 100%")
            peer.say(f"{LIVING}/mode/set", "off")
            await until(lambda: (told(peer)["mode"], told(peer)["action"]) == ("off", "off"))
            assert stage.room.climate.state().mode == "off"
            assert len(peer.all(f"{LIVING}/error")) == 1


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "word"),
    [
        ("living/target", "99", "out_of_range", "send 5 to 35 °C"),
        ("living/target", "nan", "not_understood", "no number"),
        ("living/mode", "dry", "not_understood", "off, heat, manual"),
        ("living/preset", "party", "not_understood", "away"),
        ("living/preset", '{"preset": "boost", "for_s": 1}', "out_of_range", "60"),
        ("living/duty", "40", "busy", "manual"),
        ("living/autotune", "ABORT", "busy", "no autotune is running"),
        ("living/autotune", "UNDO", "not_understood", "no earlier tuning"),
        ("living/reset", "", "busy", "there is no alarm to reset"),
        ("living/temperature", "21", "not_understood", "thermostat/living/target/set"),
        ("living/mode", "", "not_understood", "empty"),
        ("cellar/mode", "heat", "unknown_thermostat", "living"),
    ],
)
async def test_what_cannot_be_done_is_told_with_the_remedy_and_changes_nothing(
    broker: Broker, topic: str, payload: str, reason: str, word: str
) -> None:
    async with scene(broker) as stage:
        name = topic.partition("/")[0]
        with Peer(broker.port, f"l/n/thermostat/{name}/error", f"{LIVING}/state") as peer:
            await until(lambda: peer.last(f"{LIVING}/state"))
            before, states = stage.room.climate.state(), len(peer.all(f"{LIVING}/state"))
            peer.say(f"l/n/thermostat/{topic}/set", payload)
            await until(lambda: peer.heard[-1].topic.endswith("/error") or told(peer, f"l/n/thermostat/{name}/error"))
            error = told(peer, f"l/n/thermostat/{name}/error")
            assert error["reason"] == reason
            assert word in f"{error['message']}; {error['remedy']}"
            after = stage.room.climate.state()
            assert (after.mode, after.target_c, after.preset) == (before.mode, before.target_c, before.preset)
            if name == "living":
                await until(lambda: len(peer.all(f"{LIVING}/state")) > states)


async def test_a_retained_command_moves_nothing(broker: Broker) -> None:
    with Peer(broker.port, f"{LIVING}/error") as peer:
        peer.say(f"{LIVING}/mode/set", "off", retain=True)
        async with scene(broker) as stage:
            await until(lambda: told(peer, f"{LIVING}/error").get("reason") == "retained")
            assert "mosquitto_pub -r -n -t l/n/thermostat/living/mode/set" in told(peer, f"{LIVING}/error")["remedy"]
            assert stage.room.climate.state().mode == "heat"


async def test_the_heater_of_a_thermostat_takes_no_command_of_anybody_else(broker: Broker) -> None:
    async with scene(broker) as stage:
        with Peer(broker.port, "l/n/heaters/#") as peer:
            await until(lambda: peer.last("l/n/heaters/living/state") == "OFF")
            peer.say("l/n/heaters/living/set", "ON")
            await until(lambda: told(peer, "l/n/heaters/living/error"))
            error = told(peer, "l/n/heaters/living/error")
            assert error["reason"] == "claimed"
            assert error["message"] == "heaters/living belongs to thermostat living"
            assert "thermostat living" in error["remedy"]
            assert not stage.room.is_heated
            peer.say("l/n/heaters/bath/set", "ON")  # the neighbour is free
            await until(lambda: peer.last("l/n/heaters/bath/state") == "ON")


async def test_after_an_outage_of_the_broker_the_present_is_told_and_commands_work(broker: Broker) -> None:
    async with scene(broker) as stage:
        broker.kill()
        await until(lambda: not stage.link.is_connected)
        for target in range(10, 30):
            stage.room.climate.set_target(float(target))
        broker.start()
        with Peer(broker.port, f"{LIVING}/#") as peer:
            await until(lambda: peer.last(f"{LIVING}/status") == "online")
            assert json.loads(peer.all(f"{LIVING}/state")[0])["target"] == 29.0
            peer.say(f"{LIVING}/target/set", "20")
            await until(lambda: told(peer)["target"] == 20.0)


async def test_a_stopped_agent_leaves_its_thermostats_offline(broker: Broker) -> None:
    async with scene(broker):
        pass
    with Peer(broker.port, f"{LIVING}/#") as peer:
        await until(lambda: peer.last(f"{LIVING}/status") == "offline")
        assert all(heard.retained for heard in peer.heard if heard.topic == f"{LIVING}/status")


@pytest.mark.parametrize("protocol", [Protocol.V5, Protocol.V311])
async def test_news_of_others_are_taken_also_when_they_publish_them_retained_but_not_what_the_broker_kept(
    broker: Broker, protocol: Protocol
) -> None:
    with Peer(broker.port) as peer:
        peer.say("weather/outside", '{"t": -20}', retain=True)
        async with scene(broker, protocol) as stage:

            def outdoor() -> object:
                reading = stage.home.board.latest(OUTDOOR.channel)
                return None if reading is None else reading.value

            await asyncio.sleep(0.2)
            assert outdoor() is None
            peer.say("weather/outside", '{"t": -3.5}', retain=True)
            await until(lambda: outdoor() == -3.5)
            peer.say("weather/outside", "\x00 garbage")
            await until(lambda: outdoor() is None)
            peer.say("l/n/remote/outdoor/set", "5")  # nobody can set what others measure
            peer.say("weather/outside", '{"t": "4"}')
            await until(lambda: outdoor() == 4.0)
