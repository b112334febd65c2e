"""The bridge on a real broker: what an ordinary client sees of the house, and what becomes of its commands."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.options import MqttOptions, Protocol
from lucid2mqtt.mqtt.topics import Topics
from tests.broker import Broker, Peer, running_broker, until
from tests.scenario.bridge_rig import bridge_over
from tests.unit.mqtt.house import SmallHouse
from tests.unit.mqtt.samples import channel, good, module

FLOW = channel(ChannelKind.TEMPERATURE, 0, name="flow")
LIVING = channel(ChannelKind.DIGITAL_OUTPUT, 0, module="heaters", name="living")
BOILER = module(FLOW)
HEATERS = module(LIVING, family="DO4", serial=12, name="heaters")
SET = "l/n/heaters/living/set"
STATE = "l/n/heaters/living/state"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def agent(broker: Broker, protocol: Protocol = Protocol.V5) -> AsyncIterator[tuple[SmallHouse, MqttLink]]:
    house = SmallHouse(BOILER, HEATERS)
    house.plug(BOILER)
    house.plug(HEATERS)
    house.board.update([good(FLOW, 21.3), good(LIVING, value=False)])
    link = MqttLink(MqttOptions(url=broker.url, protocol=protocol, client_id="lucid2mqtt-n"), spread=lambda: 0.0)
    bridge = bridge_over(house, link, Topics("l", "n"))
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(bridge.run())
        await until(lambda: link.is_connected)
        try:
            yield house, link
        finally:
            await bridge.stop()
            await asyncio.wait((run,), timeout=5)


def retained(peer: Peer) -> dict[str, str]:
    return {heard.topic: heard.payload for heard in peer.heard if heard.retained}


async def test_a_client_that_comes_later_finds_the_whole_house_and_states_expire(broker: Broker) -> None:
    async with agent(broker):
        with Peer(broker.port, "l/#") as early:
            await until(lambda: early.last("l/n/diagnostics") and early.last("l/n/status") == "online")
        with Peer(broker.port, "l/#", "homeassistant/#") as peer:
            await until(lambda: "l/n/diagnostics" in retained(peer) and "l/n/status" in retained(peer))
            tree = retained(peer)
            assert tree["l/n/status"] == tree["l/n/boiler/status"] == tree["l/n/boiler/flow/status"] == "online"
            assert (tree["l/n/boiler/flow/state"], tree[STATE]) == ("21.30", "OFF")
            assert json.loads(tree["homeassistant/device/lucid2mqtt_RI4-4711/config"])["components"]["channel_0"]["expire_after"] == 180
            expiring = {heard.topic for heard in peer.heard if heard.expires_s is not None}
            assert expiring == {
                "l/n/boiler/flow/state",
                "l/n/boiler/flow/attributes",
                STATE,
                "l/n/heaters/living/attributes",
                "l/n/diagnostics",
            }


async def test_on_3_1_1_no_value_is_kept_that_could_grow_old_and_a_birth_brings_it(broker: Broker) -> None:
    async with agent(broker, Protocol.V311):
        with Peer(broker.port, "l/#") as early:
            await until(lambda: early.last("l/n/status") == "online")
        with Peer(broker.port, "l/#") as peer:
            await until(lambda: "l/n/status" in retained(peer) and STATE in retained(peer))
            assert "l/n/boiler/flow/state" not in retained(peer)
            peer.say("homeassistant/status", "online")
            await until(lambda: peer.last("l/n/boiler/flow/state") == "21.30")


async def test_a_command_is_answered_and_its_state_is_seen_within_milliseconds(broker: Broker) -> None:
    async with agent(broker) as (house, _):
        with Peer(broker.port, STATE, "me") as peer:
            peer.say(SET, "ON", answer_on="me", correlation=b"7")
            await until(lambda: peer.last("me"))
            assert peer.last(STATE) == "ON"
            assert next(heard for heard in peer.heard if heard.topic == "me").correlation == b"7"
            assert len(house.orders) == 1


async def test_a_retained_command_moves_nothing_neither_live_nor_at_the_next_start(broker: Broker) -> None:
    with Peer(broker.port, "l/n/heaters/living/error") as peer:
        async with agent(broker) as (house, _):
            peer.say(SET, "ON", retain=True)
            await until(lambda: len(peer.heard) == 1)
        async with agent(broker) as (next_house, _):
            await until(lambda: len(peer.heard) == 2)
            assert (house.orders, next_house.orders) == ([], [])
            assert json.loads(peer.heard[-1].payload)["reason"] == "retained"


async def test_a_megabyte_and_a_hundred_refusals_do_no_harm(broker: Broker) -> None:
    async with agent(broker) as (house, link):
        with Peer(broker.port, STATE, "l/n/heaters/living/error") as peer:
            peer.say(SET, b"\x00" * 1_000_000)
            for _ in range(100):
                peer.say(SET, b"\xff")
            peer.say(SET, "ON")
            await until(lambda: peer.last(STATE) == "ON")
            assert link.is_connected
            assert len(house.orders) == 1
            assert json.loads(peer.all("l/n/heaters/living/error")[0])["reason"] == "too_long"


async def test_after_an_outage_commands_work_within_two_seconds_and_only_the_present_is_told(broker: Broker) -> None:
    async with agent(broker) as (house, link):
        broker.kill()
        await until(lambda: not link.is_connected)
        for degrees in range(50):
            house.board.update([good(FLOW, float(degrees))])
        await asyncio.sleep(1)
        broker.start()
        back = asyncio.get_running_loop().time()
        with Peer(broker.port, "l/n/#") as peer:
            while peer.last(STATE) != "ON":
                peer.say(SET, "ON")
                await asyncio.sleep(0.02)
                assert asyncio.get_running_loop().time() - back < 2
            await until(lambda: peer.last("l/n/status") == "online")
            assert peer.all("l/n/boiler/flow/state") == ["49.00"]
        assert house.broker == ["back", "lost", "back"]


async def test_an_agent_that_took_the_name_of_another_is_told_apart_and_both_live(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    async with agent(broker) as (_, first), agent(broker) as (_, second):
        await until(lambda: "Give each agent its own node" in caplog.text)
        await until(lambda: first.counters.reconnects + second.counters.reconnects > 0)
        assert first.is_connected or second.is_connected
