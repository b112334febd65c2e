"""The console's verbs for thermostats."""

from __future__ import annotations

import math
from typing import Any
from unittest.mock import Mock

import pytest

from lucid2mqtt.console.thermostats import ThermostatVerbs
from lucid2mqtt.console.wire import decode, encode
from lucid2mqtt.errors import Reason, RequestRejected
from tests.unit.climate.climate_room import Room
from tests.virtual_clock import run_virtual


class One:
    """A house with one thermostat."""

    def __init__(self, thermostat: Any) -> None:  # Any: a real one or a stand-in
        self.all = (thermostat,)

    def named(self, name: str) -> Any:
        if name != "living":
            raise RequestRejected(Reason.UNKNOWN_THERMOSTAT, f"there is no thermostat {name!r}", "known thermostats: living")
        return self.all[0]


def test_the_state_goes_over_the_wire_and_commands_change_it() -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            verbs = ThermostatVerbs(One(room.climate))
            (found,) = await verbs.thermostats({})
            assert decode(encode(found))["name"] == "living"
            assert (found["name"], found["mode"], found["target_c"], found["outputs"]) == ("living", "heat", 21.0, ["heaters/living"])
            assert "off" in found["modes"]
            for command in (
                {"set": "target", "value": 19.5},
                {"set": "preset", "value": "boost", "for_s": 120},
                {"set": "mode", "value": "manual"},
            ):
                found = await verbs.thermostat({"name": "living", **command})
            assert (found["mode"], found["preset"]) == ("manual", "boost")
            found = await verbs.thermostat({"name": "living", "set": "duty", "value": 40})
            assert found["manual_duty"] == pytest.approx(0.4)
            assert (await verbs.thermostat({"name": "living", "set": "target", "value": 20}))["target_c"] == 20.0

    run_virtual(main())


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ({"set": "target", "value": 99}, "out of range"),
        ({"set": "target", "value": "warm"}, "'warm' is no number"),
        ({"set": "target", "value": True}, "no number"),
        ({"set": "target", "value": math.inf}, "no number"),
        ({"set": "target", "value": 10**400}, "no number"),
        ({"set": "target"}, "no number"),
        ({"set": "mode", "value": "cool"}, "no mode 'cool'"),
        ({"set": "preset", "value": "party"}, "no preset 'party'"),
        ({"set": "preset", "value": "eco", "for_s": 60}, "no timer"),
        ({"set": "duty", "value": 40}, "is in mode heat"),
        ({"set": "autotune", "value": "abort"}, "autotune"),
        ({"set": "autotune", "value": "now"}, "'now' is not understood"),
        ({"set": "alarms", "value": "reset"}, "no alarm to reset"),
        ({"set": "gains", "value": 1}, "'gains' cannot be set"),
        ({}, "None cannot be set"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(command: dict[str, object], complaint: str) -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            verbs = ThermostatVerbs(One(room.climate))
            before = room.climate.state()
            with pytest.raises(RequestRejected, match=complaint):
                await verbs.thermostat({"name": "living", **command})
            after = room.climate.state()
            assert (after.mode, after.target_c, after.preset, after.manual_duty) == (
                before.mode,
                before.target_c,
                before.preset,
                before.manual_duty,
            )

    run_virtual(main())


@pytest.mark.parametrize(
    ("command", "called"),
    [
        ({"set": "autotune", "value": " START "}, "start_autotune"),
        ({"set": "autotune", "value": "undo"}, "undo_autotune"),
        ({"set": "alarms", "value": "reset"}, "reset_alarms"),
    ],
)
def test_words_reach_the_thermostat(command: dict[str, object], called: str) -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            stand_in = Mock(wraps=room.climate)
            stand_in.options = room.climate.options
            setattr(stand_in, called, Mock())
            await ThermostatVerbs(One(stand_in)).thermostat({"name": "living", **command})
            getattr(stand_in, called).assert_called_once_with()

    run_virtual(main())


async def test_without_thermostats_there_are_none_and_the_remedy_says_where_they_are_declared() -> None:
    verbs = ThermostatVerbs(None)
    assert await verbs.thermostats({}) == []
    with pytest.raises(RequestRejected) as caught:
        await verbs.thermostat({"name": "living", "set": "target", "value": 20})
    assert "settings" in caught.value.remedy
