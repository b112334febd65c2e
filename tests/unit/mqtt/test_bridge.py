from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import pytest

from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.orders import Incident, Order, Outcome
from lucid2mqtt.engine.remote import RemoteOptions, RemoteValues
from lucid2mqtt.mqtt.bridge import BIRTH_WITHIN_S, DIAGNOSTICS_EVERY_S, DIAGNOSTICS_PAUSE_S, Bridge
from lucid2mqtt.mqtt.discovery import HUB_KEYS, Origin
from lucid2mqtt.mqtt.link import LinkCounters, LinkListener
from lucid2mqtt.mqtt.messages import Message, Outgoing, Retain, Subscription
from lucid2mqtt.mqtt.options import HomeAssistantOptions, Protocol
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.mqtt.climate import FakeClimate
from tests.unit.mqtt.house import Forgetful, SmallHouse
from tests.unit.mqtt.samples import NOON, bad, channel, good, module
from tests.virtual_clock import run_virtual

FLOW = channel(ChannelKind.TEMPERATURE, 0, name="flow")
LIVING = channel(ChannelKind.DIGITAL_OUTPUT, 0, module="heaters", name="living")
BOILER = module(FLOW)
HEATERS = module(LIVING, family="DO4", serial=12, name="heaters")


class Wire:
    """A link whose broker comes and goes by hand."""

    def __init__(self) -> None:
        self.is_connected = False
        self.protocol: Protocol | None = None
        self.address = "mqtt://test"
        self.counters = LinkCounters()
        self.said: list[Outgoing] = []
        self.listener: LinkListener | None = None
        self.takes_s = 0.0
        self._stopped = asyncio.Event()

    async def run(self, *, will: Outgoing, subscriptions: Sequence[Subscription], listener: LinkListener) -> None:
        self.will = will
        self.subscriptions = subscriptions
        self.listener = listener
        await self._stopped.wait()

    def publish(self, message: Outgoing) -> bool:
        if self.is_connected:
            self.said.append(message)
        return self.is_connected

    async def stop(self, last: Outgoing, *, within_s: float) -> None:
        self.publish(last)
        await asyncio.sleep(self.takes_s)
        self._stopped.set()

    # -- what the test does to it

    def connect(self) -> None:
        self.is_connected = True
        self.protocol = Protocol.V5
        assert self.listener is not None
        self.listener.connected()

    def lose(self) -> None:
        self.is_connected = False
        assert self.listener is not None
        self.listener.disconnected()

    async def hear(self, topic: str, payload: bytes = b"", **more: Any) -> None:
        assert self.listener is not None
        self.listener.received(Message(topic=topic, payload=payload, qos=1, **more))
        await asyncio.sleep(0.01)

    def of_thermostats(self) -> list[Outgoing]:
        """What was said about thermostats, and to whoever asked, since the last time; without discovery."""
        said = [message for message in self.said if "/thermostat/" in message.topic or message.topic == "me"]
        self.said.clear()
        return said

    def take(self) -> list[tuple[str, str]]:
        """What was said since the last time, without discovery and diagnostics; JSON by its quality or reason."""
        said = [(message.topic, message.payload) for message in self.said]
        self.said.clear()
        return [
            (topic.removeprefix("l/n/"), _short(payload))
            for topic, payload in said
            if not topic.startswith("homeassistant") and "diagnostics" not in topic
        ]


def _short(payload: str) -> str:
    if not payload.startswith("{"):
        return payload
    document = json.loads(payload)
    return str(document.get("quality") or document.get("reason") or document.get("result"))


class Stage:
    def __init__(self, house: SmallHouse, **changes: Any) -> None:
        self.house = house
        self.wire = Wire()
        self.rescans = 0
        self.document: dict[str, object] = {"port_errors": 0}
        options: dict[str, Any] = {"home_assistant": HomeAssistantOptions(), "diagnostics": lambda: self.document} | changes
        self.bridge = Bridge(
            link=self.wire,
            topics=Topics("l", "n"),
            house=house,
            board=house.board,
            desk=house,
            store=Forgetful(),
            origin=Origin(version="1"),
            rescan=self._rescan,
            now=lambda: NOON,
            spread=lambda: 1.0,
            **options,
        )

    def _rescan(self) -> None:
        self.rescans += 1

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.wire.said if message.topic == "l/n/diagnostics"]


@contextlib.asynccontextmanager
async def staged(*modules: Any, **changes: Any) -> AsyncIterator[Stage]:
    stage = Stage(SmallHouse(*modules), **changes)
    run = asyncio.create_task(stage.bridge.run())
    await asyncio.sleep(0)
    try:
        yield stage
    finally:
        await stage.bridge.stop()
        await run


def scene(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Runs an async test on a virtual clock."""

    def run() -> None:
        run_virtual(test())

    run.__name__ = test.__name__
    return run


@scene
async def test_on_connect_everything_is_said_in_the_order_home_assistant_needs() -> None:
    async with staged() as stage:
        stage.house.plug(BOILER)
        stage.house.board.update([good(FLOW, 21.3)])
        stage.wire.connect()
        assert [message.topic for message in stage.wire.said] == [
            "homeassistant/device/lucid2mqtt_n/config",
            "homeassistant/device/lucid2mqtt_RI4-4711/config",
            "l/n/boiler/flow/state",
            "l/n/boiler/flow/status",
            "l/n/boiler/flow/attributes",
            "l/n/boiler/status",
            "l/n/status",
        ]
        assert stage.wire.said[-1].payload == "online"
        assert stage.wire.said[-1].retain is Retain.ALWAYS
        assert (stage.wire.will.topic, stage.wire.will.payload, stage.wire.will.qos) == ("l/n/status", "offline", 1)


@scene
async def test_a_module_that_is_away_and_a_channel_never_read_are_offline() -> None:
    async with staged(BOILER) as stage:
        stage.wire.connect()
        assert stage.wire.take() == [("boiler/flow/status", "offline"), ("boiler/status", "offline"), ("status", "online")]


@scene
async def test_nothing_is_said_or_kept_while_the_broker_is_away() -> None:
    async with staged() as stage:
        stage.house.plug(BOILER)
        for degrees in range(100):
            stage.house.board.update([good(FLOW, float(degrees))])
        assert stage.wire.said == []
        stage.wire.connect()
        assert [what for what in stage.wire.take() if what[0] == "boiler/flow/state"] == [("boiler/flow/state", "99.00")]


@scene
async def test_readings_are_told_as_they_come() -> None:
    async with staged() as stage:
        stage.wire.connect()
        stage.house.plug(BOILER)
        stage.wire.take()
        stage.house.board.update([good(FLOW, 21.0)])
        stage.house.board.update([good(FLOW, 21.5), good(channel(ChannelKind.TEMPERATURE, module="stranger"), 1.0)])
        stage.house.board.update([bad(FLOW)])
        assert stage.wire.take() == [
            ("boiler/flow/state", "21.00"),
            ("boiler/flow/status", "online"),
            ("boiler/flow/attributes", "good"),
            ("boiler/flow/state", "21.50"),
            ("boiler/flow/status", "offline"),
            ("boiler/flow/attributes", "open sensor"),
        ]


@scene
async def test_a_module_that_goes_and_comes_is_told() -> None:
    async with staged() as stage:
        stage.wire.connect()
        stage.house.plug(BOILER)
        stage.house.board.update([good(FLOW, 21.0)])
        stage.wire.take()
        stage.house.pull(BOILER)
        assert stage.wire.take() == [
            ("boiler/flow/status", "offline"),
            ("boiler/flow/attributes", "link lost"),
            ("boiler/status", "offline"),
        ]
        stage.house.plug(BOILER)
        stage.house.board.update([good(FLOW, 21.0)])
        assert ("boiler/status", "online") in stage.wire.take()


@scene
async def test_a_channel_that_is_no_more_is_not_told_any_more() -> None:
    async with staged() as stage:
        stage.wire.connect()
        stage.house.plug(BOILER)
        stage.house.plug(module(channel(ChannelKind.TEMPERATURE, 1, name="return")))
        stage.wire.take()
        stage.house.board.update([good(FLOW, 50.0)])
        assert stage.wire.take() == []


@scene
async def test_a_command_switches_and_the_state_says_what_the_module_said() -> None:
    async with staged(HEATERS) as stage:
        stage.wire.connect()
        stage.wire.take()
        await stage.wire.hear("l/n/heaters/living/set", b"ON", response_topic="me")
        assert [order.value for order in stage.house.orders] == [True]
        assert stage.wire.take() == [
            ("heaters/living/state", "ON"),
            ("heaters/living/status", "online"),
            ("heaters/living/attributes", "good"),
            ("me", "done"),
        ]
        await stage.wire.hear("l/n/heaters/living/set", b"ON")
        assert stage.wire.take() == [("heaters/living/state", "ON")]


@scene
async def test_a_poll_on_its_way_does_not_tell_the_old_state_once_more() -> None:
    class SlowHouse(SmallHouse):
        """Its module is polled between a command and the write."""

        async def carry_out(self, order: Order) -> Outcome:
            self.board.update([good(LIVING, value=False)])
            return await super().carry_out(order)

    stage = Stage(SlowHouse(HEATERS))
    run = asyncio.create_task(stage.bridge.run())
    await asyncio.sleep(0)
    stage.house.plug(HEATERS)
    stage.house.board.update([good(LIVING, value=False)])
    stage.wire.connect()
    stage.wire.take()
    await stage.wire.hear("l/n/heaters/living/set", b"ON")
    assert [what for what in stage.wire.take() if what[0] == "heaters/living/state"] == [("heaters/living/state", "ON")]
    await stage.bridge.stop()
    await run


@scene
async def test_thermostats_are_told_with_everything_else_and_offline_at_the_end() -> None:
    climate = FakeClimate()
    async with staged(BOILER, thermostats=(climate,)) as stage:
        await asyncio.sleep(0)
        climate.becomes(mode=Mode.OFF)
        assert stage.wire.said == []
        stage.wire.connect()
        assert [message.topic for message in stage.wire.said if "thermostat" in message.topic] == [
            "homeassistant/device/lucid2mqtt_n__thermostat_living/config",
            "l/n/thermostat/living/state",
            "l/n/thermostat/living/status",
        ]
        assert stage.wire.said[-1].topic == "l/n/status"
        stage.wire.said.clear()
        climate.becomes(mode=Mode.HEAT)
        assert [json.loads(message.payload)["mode"] for message in stage.wire.of_thermostats()] == ["heat"]
        await stage.wire.hear("homeassistant/status", b"online")
        await asyncio.sleep(BIRTH_WITHIN_S)
        assert ("thermostat/living/status", "online") in stage.wire.take()
    assert stage.wire.take() == [("thermostat/living/status", "offline"), ("status", "offline")]


@scene
async def test_a_command_for_a_thermostat_is_followed_by_its_state_also_when_it_was_refused() -> None:
    climate = FakeClimate()
    async with staged(thermostats=(climate,)) as stage:
        stage.wire.connect()
        stage.wire.take()
        await stage.wire.hear("l/n/thermostat/living/target/set", b"22.5", response_topic="me")
        state, answer = stage.wire.of_thermostats()
        assert json.loads(state.payload)["target"] == 22.5
        assert json.loads(answer.payload) == {"result": "done", "state": "22.5"}
        await stage.wire.hear("l/n/thermostat/living/target/set", b"warm")
        error, state = stage.wire.of_thermostats()
        assert (error.topic, error.retain) == ("l/n/thermostat/living/error", Retain.NEVER)
        assert json.loads(state.payload)["target"] == 22.5
        await stage.wire.hear("l/n/thermostat/cellar/target/set", b"22.5")
        assert stage.wire.take() == [("thermostat/cellar/error", "unknown_thermostat")]
        assert climate.asked == [("target", 22.5)]


@scene
async def test_after_an_outage_thermostats_say_the_present_only() -> None:
    climate = FakeClimate()
    async with staged(thermostats=(climate,)) as stage:
        stage.wire.connect()
        stage.wire.lose()
        stage.wire.said.clear()
        for degrees in range(100):
            climate.becomes(current_c=float(degrees))
        await asyncio.sleep(3600)
        assert stage.wire.said == []
        stage.wire.connect()
        states = [json.loads(message.payload)["current"] for message in stage.wire.said if message.topic.endswith("living/state")]
        assert states == [99.0]


@pytest.mark.parametrize("enabled", [True, False])
def test_values_that_come_by_topic_are_listened_to_with_and_without_home_assistant(*, enabled: bool) -> None:
    @scene
    async def scenario() -> None:
        board = Board()
        outdoor = ChannelRef("remote", "outdoor")
        remote = RemoteValues([RemoteOptions(outdoor, "weather/outside")], board, now=lambda: NOON)
        async with staged(remote=remote, home_assistant=HomeAssistantOptions(enabled=enabled)) as stage:
            assert Subscription("weather/outside", as_published=False) in stage.wire.subscriptions
            assert Subscription("l/n/+/+/set") in stage.wire.subscriptions
            stage.wire.connect()
            await stage.wire.hear("weather/outside", b"-3.5", retained=True)
            assert board.latest(outdoor) is None
            await stage.wire.hear("weather/outside", b"-3.5")
            stage.wire.lose()
            await asyncio.sleep(901)
            reading = board.latest(outdoor)
            assert reading is not None
            assert reading.reason == "no news on weather/outside for 15 min"

    scenario()


@scene
async def test_a_command_for_nobody_is_refused_on_the_topic_it_named() -> None:
    async with staged(HEATERS) as stage:
        stage.wire.connect()
        stage.wire.take()
        await stage.wire.hear("l/n/cellar/pump/set", b"ON")
        assert stage.wire.take() == [("cellar/pump/error", "unknown_module")]
        assert stage.bridge.statistics()["refused"] == {"unknown_module": 1}


@scene
async def test_a_read_request_tells_an_unchanged_value() -> None:
    async with staged(BOILER) as stage:
        stage.house.plug(BOILER)
        stage.house.board.update([good(FLOW, 21.0)])
        stage.wire.connect()
        stage.wire.take()
        await stage.wire.hear("l/n/boiler/flow/get", response_topic="me")
        assert stage.wire.take() == [("boiler/flow/state", "21.00"), ("me", "done")]
        await stage.wire.hear("l/n/boiler/get")
        assert stage.wire.take() == [("boiler/flow/state", "21.00")]


@scene
async def test_an_incident_is_told_on_the_error_topic() -> None:
    async with staged(HEATERS) as stage:
        stage.wire.connect()
        stage.house.happens(Incident(channel=LIVING.ref, what="max_on_s", reason=None, message="switched off after 7200 s"))
        (told,) = [message for message in stage.wire.said if message.topic == "l/n/heaters/living/error"]
        assert json.loads(told.payload)["message"] == "switched off after 7200 s"
        assert told.retain is Retain.NEVER


@scene
async def test_home_assistants_birth_makes_everything_said_again_once_within_three_seconds() -> None:
    async with staged(BOILER) as stage:
        stage.wire.connect()
        first = stage.wire.take()
        await stage.wire.hear("homeassistant/status", b"online")
        await stage.wire.hear("homeassistant/status", b"online")
        assert stage.wire.take() == []
        await asyncio.sleep(BIRTH_WITHIN_S)
        assert stage.wire.take() == first
        await asyncio.sleep(BIRTH_WITHIN_S)
        assert stage.wire.take() == []


@scene
async def test_after_an_outage_nobody_knows_whether_home_assistant_is_there() -> None:
    async with staged(BOILER) as stage:
        stage.wire.connect()
        await stage.wire.hear("homeassistant/status", b"online")
        assert stage.bridge._announcer.home_assistant_is_there
        stage.wire.lose()
        stage.wire.connect()
        assert not stage.bridge._announcer.home_assistant_is_there


@pytest.mark.parametrize("payload", [b"offline", b"", b"\xff"])
def test_home_assistants_death_is_no_birth(payload: bytes) -> None:
    @scene
    async def scenario() -> None:
        async with staged(BOILER) as stage:
            stage.wire.connect()
            stage.wire.take()
            await stage.wire.hear("homeassistant/status", payload)
            await asyncio.sleep(BIRTH_WITHIN_S + 1)
            assert stage.wire.take() == []

    scenario()


@scene
async def test_without_home_assistant_there_is_no_discovery_and_no_birth() -> None:
    async with staged(BOILER, home_assistant=HomeAssistantOptions(enabled=False)) as stage:
        stage.wire.connect()
        await stage.wire.hear("homeassistant/status", b"online")
        await asyncio.sleep(BIRTH_WITHIN_S + 1)
        assert [message.topic for message in stage.wire.said if message.topic.startswith("homeassistant")] == []
        assert [what for what in stage.wire.take() if what[0] == "status"] == [("status", "online")]


@scene
async def test_the_desk_hears_when_the_broker_goes_and_comes_but_not_of_a_stop() -> None:
    async with staged() as stage:
        stage.wire.lose()
        stage.wire.connect()
        stage.wire.lose()
    stage.wire.lose()
    assert stage.house.broker == ["lost", "back", "lost"]


@scene
async def test_diagnostics_come_at_once_then_every_half_minute_and_when_modules_change() -> None:
    async with staged() as stage:
        stage.wire.connect()
        await asyncio.sleep(0.1)
        assert len(stage.documents()) == 1
        stage.house.plug(BOILER)
        stage.house.pull(BOILER)
        stage.house.plug(BOILER)
        await asyncio.sleep(DIAGNOSTICS_PAUSE_S)
        assert len(stage.documents()) == 2
        await asyncio.sleep(DIAGNOSTICS_EVERY_S + 2 * DIAGNOSTICS_PAUSE_S)
        assert len(stage.documents()) == 3
        assert stage.documents()[-1] == {
            "started_at": "2026-11-23T12:00:00.000+00:00",
            "modules_online": 1,
            "mqtt_reconnects": 0,
            "port_errors": 0,
        }
        assert set(HUB_KEYS) <= set(stage.documents()[-1])


@scene
async def test_a_rescan_is_done_when_asked_for_and_not_for_a_retained_wish() -> None:
    async with staged() as stage:
        stage.wire.connect()
        await stage.wire.hear("l/n/diagnostics/rescan/set", b"PRESS")
        await stage.wire.hear("l/n/diagnostics/rescan/set", b"PRESS", retained=True)
        assert stage.rescans == 1


@scene
async def test_messages_nobody_asked_for_are_ignored() -> None:
    async with staged() as stage:
        stage.wire.connect()
        stage.wire.take()
        for topic in ("bb/1", "l/n/status", "l/n/boiler/flow/state", "", "l/n/a/b/c/set"):
            await stage.wire.hear(topic, b"x")
        assert stage.wire.take() == []


@scene
async def test_a_clean_stop_says_offline_and_leaves_discovery() -> None:
    async with staged(BOILER) as stage:
        stage.wire.connect()
        await asyncio.sleep(0.1)
        stage.wire.said.clear()
    assert [(message.topic, message.payload, message.retain) for message in stage.wire.said] == [("l/n/status", "offline", Retain.ALWAYS)]


@pytest.mark.parametrize("returns", [False, True])
def test_offline_stays_the_last_word_whatever_comes_while_the_broker_takes_its_time(*, returns: bool) -> None:
    @scene
    async def scenario() -> None:
        async with staged(BOILER, thermostats=(FakeClimate(),)) as stage:
            stage.wire.connect()
            await stage.wire.hear("homeassistant/status", b"online")
            stage.wire.take()
            stage.wire.takes_s = BIRTH_WITHIN_S + 1
            stopping = asyncio.create_task(stage.bridge.stop())
            await asyncio.sleep(0.1)
            assert stage.wire.take() == [("thermostat/living/status", "offline"), ("status", "offline")]
            if returns:
                stage.wire.connect()
            await stage.wire.hear("homeassistant/status", b"online")
            await stopping
            assert [said for said in stage.wire.take() if said[1] == "online"] == []

    scenario()


@scene
async def test_a_forgotten_module_is_taken_back() -> None:
    async with staged(BOILER) as stage:
        stage.wire.connect()
        stage.wire.said.clear()
        assert stage.bridge.forget("boiler")
        assert ("homeassistant/device/lucid2mqtt_RI4-4711/config", "") in [(message.topic, message.payload) for message in stage.wire.said]
        assert not stage.bridge.forget("cellar")


@scene
async def test_a_bug_in_a_command_ends_the_bridge() -> None:
    stage = Stage(SmallHouse(HEATERS))
    stage.house.refusal = ZeroDivisionError()  # type: ignore[assignment]
    run = asyncio.create_task(stage.bridge.run())
    await asyncio.sleep(0)
    stage.wire.connect()
    await stage.wire.hear("l/n/heaters/living/set", b"ON")
    with pytest.raises(ExceptionGroup) as caught:
        await run
    assert caught.group_contains(ZeroDivisionError)


@scene
async def test_the_statistics_tell_how_the_broker_is_reached() -> None:
    async with staged() as stage:
        assert stage.bridge.statistics()["protocol"] is None
        stage.wire.connect()
        assert stage.bridge.statistics() == {
            "broker": "mqtt://test",
            "protocol": "5",
            "published": 0,
            "received": 0,
            "dropped": 0,
            "reconnects": 0,
            "queue_high_water": 0,
            "refused": {},
        }
