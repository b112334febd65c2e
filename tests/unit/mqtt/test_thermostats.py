from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.announcer import STEP_S, Announcer
from lucid2mqtt.mqtt.discovery import Origin, thermostat_device_id
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.thermostat_payloads import STATE_EXPIRES_S
from lucid2mqtt.mqtt.thermostats import HEARTBEAT_S, Thermostats
from lucid2mqtt.mqtt.topics import ReadThermostat, SetThermostat, Topics
from tests.unit.mqtt.climate import FULL, FakeClimate
from tests.unit.mqtt.test_announcer import Memory
from tests.virtual_clock import run_virtual

TOPICS = Topics("l", "n")
STATE = "l/n/thermostat/living/state"
STATUS = "l/n/thermostat/living/status"


class Stage:
    def __init__(self, *climates: FakeClimate, memory: Memory | None = None, enabled: bool = True) -> None:
        self.said: list[Outgoing] = []
        self.announcer = Announcer(TOPICS, Origin(version="1"), memory or Memory(), publish=self._publish, enabled=enabled)
        self.thermostats = Thermostats(climates, TOPICS, Origin(version="1"), announcer=self.announcer, publish=self._publish)

    def _publish(self, message: Outgoing) -> bool:
        self.said.append(message)
        return True

    def states(self) -> list[dict[str, Any]]:  # Any: JSON
        """What was said on the state topics since the last time."""
        told = [json.loads(message.payload) for message in self.said if message.topic.endswith("/state") and message.payload]
        self.said.clear()
        return told


@contextlib.asynccontextmanager
async def following(*climates: FakeClimate) -> AsyncIterator[Stage]:
    stage = Stage(*climates)
    run = asyncio.create_task(stage.thermostats.run())
    await asyncio.sleep(0)
    try:
        yield stage
    finally:
        run.cancel()


def ask(climate: FakeClimate, what: str, payload: bytes) -> str | None:
    return Stage(climate).thermostats.ask(SetThermostat("living", what), payload)


def test_everything_is_told_in_the_order_home_assistant_needs() -> None:
    async def main() -> None:
        stage = Stage(FakeClimate())
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
        assert [message.topic for message in stage.said] == [
            "homeassistant/device/lucid2mqtt_n__thermostat_living/config",
            STATE,
            STATUS,
        ]
        _, state, status = stage.said
        assert (state.retain, state.expires_s, state.qos) == (Retain.ALWAYS, STATE_EXPIRES_S, 1)
        assert (status.payload, status.retain, status.expires_s) == ("online", Retain.ALWAYS, None)

    run_virtual(main())


def test_every_change_is_told_at_once_and_a_state_that_does_not_change_before_it_is_old() -> None:
    async def main() -> None:
        climate = FakeClimate()
        async with following(climate) as stage:
            climate.becomes(mode=Mode.OFF)
            assert [told["mode"] for told in stage.states()] == ["off"]
            await asyncio.sleep(HEARTBEAT_S - 1.0)
            climate.becomes(alarms=(Alarm(AlarmName.SENSOR_LOST, "the wire is open"),))
            assert [told["alarms"][0]["reason"] for told in stage.states()] == ["the wire is open"]
            await asyncio.sleep(HEARTBEAT_S - 1.0)
            assert stage.states() == []
            await asyncio.sleep(10 * HEARTBEAT_S)
            assert len(stage.states()) == 10
        assert HEARTBEAT_S <= STATE_EXPIRES_S / 3

    run_virtual(main())


def test_each_of_several_has_its_own_heartbeat() -> None:
    async def main() -> None:
        first, second = FakeClimate(), FakeClimate(FULL)
        async with following(first, second) as stage:
            await asyncio.sleep(HEARTBEAT_S / 2)
            second.becomes(duty=0.5)
            stage.said.clear()
            await asyncio.sleep(HEARTBEAT_S + 1.0)
            assert [message.topic for message in stage.said] == [STATE, "l/n/thermostat/vessel/state"]

    run_virtual(main())


def test_at_the_end_nobody_listens_any_more() -> None:
    async def main() -> None:
        climate = FakeClimate()
        async with following(climate) as stage:
            pass
        await asyncio.sleep(0)
        stage.said.clear()
        climate.becomes(mode=Mode.OFF)
        assert stage.said == []

    run_virtual(main())


def test_without_thermostats_there_is_nothing_to_follow_or_to_tell() -> None:
    async def main() -> None:
        stage = Stage()
        await stage.thermostats.run()
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
        stage.thermostats.tell("living")
        stage.thermostats.farewell()
        assert stage.said == []

    run_virtual(main())


def test_at_a_stop_they_are_offline() -> None:
    stage = Stage(FakeClimate())
    stage.thermostats.farewell()
    assert [(message.topic, message.payload, message.retain) for message in stage.said] == [(STATUS, "offline", Retain.ALWAYS)]


@pytest.mark.parametrize(
    ("what", "payload", "asked", "in_force"),
    [
        ("mode", b"OFF", ("mode", "OFF"), "off"),
        ("target", b"22.5", ("target", 22.5), "22.5"),
        ("target", b"20.0", ("target", 20.0), "20"),
        ("preset", b"none", ("preset", "none", None), "none"),
        ("preset", b'{"preset":"boost","for_s":3600}', ("preset", "boost", 3600.0), "boost"),
        ("duty", b"40", ("duty", 0.4), "40"),
        ("autotune", b"START", ("start",), None),
        ("autotune", b"abort", ("abort",), None),
        ("autotune", b"Undo", ("undo",), None),
        ("reset", b"", ("reset",), None),
    ],
)
def test_a_command_reaches_the_thermostat_and_what_is_in_force_comes_back(
    what: str, payload: bytes, asked: tuple[object, ...], in_force: str | None
) -> None:
    climate = FakeClimate()
    assert ask(climate, what, payload) == in_force
    assert climate.asked == [asked]


def test_what_the_thermostat_refuses_comes_back_as_it_is() -> None:
    climate = FakeClimate()
    climate.refusal = RequestRejected(Reason.OUT_OF_RANGE, "the target 99 °C is out of range", "send 5 to 30 °C")
    with pytest.raises(RequestRejected, match="99 °C"):
        ask(climate, "target", b"99")


def test_a_thermostat_there_is_not_is_refused_with_those_there_are() -> None:
    for stage, known in ((Stage(FakeClimate(), FakeClimate(FULL)), "living, vessel"), (Stage(), "none")):
        with pytest.raises(RequestRejected) as caught:
            stage.thermostats.ask(SetThermostat("cellar" * 100, "mode"), b"off")
        assert caught.value.reason is Reason.UNKNOWN_THERMOSTAT
        assert caught.value.remedy == f"known thermostats: {known}"
        assert len(str(caught.value)) < 100


def test_asking_for_the_state_changes_nothing() -> None:
    climate = FakeClimate()
    assert Stage(climate).thermostats.ask(ReadThermostat("living"), b"x") is None
    assert climate.asked == []


def test_a_thermostat_the_settings_name_no_more_disappears_from_home_assistant_and_broker() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), FakeClimate(FULL), memory=memory).thermostats.tell_all(tasks)
        stage = Stage(FakeClimate(), memory=memory)
        stage.announcer.home_assistant_is_there = True
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
        gone = [message for message in stage.said if "vessel" in message.topic]
        config = f"homeassistant/device/{thermostat_device_id('n', 'vessel')}/config"
        assert [message.topic for message in gone[:2]] == [config, config]
        assert "climate" in json.loads(gone[0].payload)["components"], "in full first: else a Home Assistant that restarted would keep it"
        assert gone[1].payload == ""
        assert {message.topic for message in gone[2:]} >= {"l/n/thermostat/vessel/state", "l/n/thermostat/vessel/status"}
        assert {message.payload for message in gone[1:]} == {""}
        assert "l/n/thermostat/status" not in {message.topic for message in stage.said}, "thermostats have no module"
        third = Stage(FakeClimate(), memory=memory)
        async with asyncio.TaskGroup() as tasks:
            third.thermostats.tell_all(tasks)
        assert not any("vessel" in message.topic for message in third.said)

    run_virtual(main())


def test_the_removal_is_repeated_until_home_assistant_was_certainly_there() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), memory=memory).thermostats.tell_all(tasks)
        for is_there, steps in ((False, 2), (True, 2), (True, 0)):
            stage = Stage(memory=memory)
            stage.announcer.home_assistant_is_there = is_there
            async with asyncio.TaskGroup() as tasks:
                stage.thermostats.tell_all(tasks)
            assert len([message for message in stage.said if "config" in message.topic]) == steps

    run_virtual(main())


def test_a_removal_that_is_begun_anew_takes_the_place_of_the_one_under_way() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), memory=memory).thermostats.tell_all(tasks)
        stage = Stage(memory=memory)
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
            await asyncio.sleep(STEP_S / 2)
            stage.thermostats.tell_all(tasks)
        assert [bool(message.payload) for message in stage.said if message.topic.endswith("config")] == [True, True, False]

    run_virtual(main())


def test_thermostats_are_no_module_that_can_be_forgotten() -> None:
    async def main() -> None:
        stage = Stage(FakeClimate())
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
        assert not stage.announcer.forget("thermostat")

    run_virtual(main())


def test_a_thermostat_that_comes_back_while_it_is_taken_back_stays() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), memory=memory).thermostats.tell_all(tasks)
        stage = Stage(memory=memory)
        stage.announcer.home_assistant_is_there = True
        again = Thermostats([FakeClimate()], TOPICS, Origin(version="1"), announcer=stage.announcer, publish=stage.said.append)
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
            await asyncio.sleep(STEP_S / 2)
            again.tell_all(tasks)
            await asyncio.sleep(5 * STEP_S)
        assert [bool(message.payload) for message in stage.said if message.topic.endswith("config")] == [True, True]

    run_virtual(main())


def test_without_home_assistant_only_the_topics_are_cleared_and_what_it_knew_is_taken_back_later() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), memory=memory).thermostats.tell_all(tasks)
        without = Stage(memory=memory, enabled=False)
        async with asyncio.TaskGroup() as tasks:
            without.thermostats.tell_all(tasks)
        assert STATE in {message.topic for message in without.said}
        assert not any("homeassistant" in message.topic for message in without.said)
        later = Stage(memory=memory)
        async with asyncio.TaskGroup() as tasks:
            later.thermostats.tell_all(tasks)
        assert [bool(message.payload) for message in later.said if message.topic.endswith("config")] == [True, False]

    run_virtual(main())


def test_what_was_never_announced_is_forgotten_with_its_topics() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(), memory=memory, enabled=False).thermostats.tell_all(tasks)
        for cleared in (True, False):
            stage = Stage(memory=memory, enabled=False)
            async with asyncio.TaskGroup() as tasks:
                stage.thermostats.tell_all(tasks)
            assert bool(stage.said) is cleared

    run_virtual(main())


def test_an_entity_that_fell_away_is_taken_back_in_steps() -> None:
    async def main() -> None:
        memory = Memory()
        async with asyncio.TaskGroup() as tasks:
            Stage(FakeClimate(FULL), memory=memory).thermostats.tell_all(tasks)
        stage = Stage(FakeClimate(replace(FULL, window=None)), memory=memory)
        async with asyncio.TaskGroup() as tasks:
            stage.thermostats.tell_all(tasks)
        documents = [json.loads(message.payload)["components"] for message in stage.said if message.topic.endswith("config")]
        assert [document.get("window", {}).keys() == {"platform"} for document in documents] == [False, True, False]
        assert ["window" in document for document in documents] == [True, True, False]

    run_virtual(main())
