from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.regulator import LawKind, RegulatorOptions
from lucid2mqtt.domain.names import ChannelRef, slug
from lucid2mqtt.mqtt.discovery import Document, module_device_id, node_device, node_device_id, thermostat_device_id
from lucid2mqtt.mqtt.thermostat_discovery import thermostat_device
from lucid2mqtt.mqtt.thermostat_payloads import thermostat_state
from tests.unit.mqtt.climate import FULL, SIMPLE, state
from tests.unit.mqtt.samples import module
from tests.unit.mqtt.test_discovery import ORIGIN, TOPICS, check

ROOT = "lucid2mqtt/az-2/thermostat"
COLD = replace(
    SIMPLE,
    name="cellar",
    heating=(),
    cooling=SIMPLE.heating,
    mode=Mode.COOL,
    control=ThermostatOptions(heating=None, cooling=DriveOptions()),
)
ANALOG = replace(SIMPLE, control=ThermostatOptions(heating=DriveOptions(analog=AnalogOptions(low=0.0, high=10.0))))
ON_OFF = replace(SIMPLE, control=ThermostatOptions(regulator=RegulatorOptions(law=LawKind.ON_OFF)))
EVERY = [SIMPLE, FULL, COLD, ANALOG, ON_OFF]  # fmt: skip
SLUGS = st.text("abc09-_", min_size=1, max_size=12).map(lambda text: slug(f"a{text}"))


def announce(options: ClimateOptions) -> Document:
    document: Document = json.loads(json.dumps(thermostat_device(options, TOPICS, ORIGIN)))
    check(document)
    return document


def components(options: ClimateOptions) -> dict[str, dict[str, Any]]:  # Any: JSON
    return dict(announce(options)["components"])


@pytest.mark.parametrize("options", EVERY, ids=lambda options: options.name)
def test_every_kind_of_thermostat_is_announced_by_the_rules(options: ClimateOptions) -> None:
    found = components(options)
    assert found["climate"]["platform"] == "climate"
    assert {one["availability"][0]["topic"] for one in found.values()} == {TOPICS.status}
    assert {one["availability"][1]["topic"] for one in found.values()} == {f"{ROOT}/{options.name}/status"}


@pytest.mark.parametrize("options", EVERY, ids=lambda options: options.name)
def test_every_template_asks_for_what_the_state_document_has(options: ClimateOptions) -> None:
    told = json.loads(thermostat_state(state(options.name), options))
    asked = set(re.findall(r"value_json\.(\w+)", json.dumps(components(options))))
    assert asked <= told.keys()
    for component in components(options).values():
        topics = [
            value for key, value in component.items() if key.endswith("state_topic") or key.startswith(("json_attributes_t", "action_t"))
        ]
        assert {topic for topic in topics if "{" not in topic} <= {f"{ROOT}/{options.name}/state"}


def test_a_thermostat_is_a_device_of_its_own_that_hangs_on_the_agent_and_gives_its_name_to_the_climate_entity() -> None:
    document = announce(FULL)
    assert document["device"]["name"] == "Vessel (süd)"
    assert document["device"]["via_device"] == node_device(TOPICS, ORIGIN)["device"]["identifiers"][0]
    assert document["components"]["climate"]["name"] is None
    assert announce(SIMPLE)["device"]["name"] == "Living"


def test_the_climate_entity_offers_what_the_outputs_can_do_and_always_off() -> None:
    assert components(SIMPLE)["climate"]["modes"] == ["off", "heat"]
    assert components(COLD)["climate"]["modes"] == ["off", "cool"]
    assert components(FULL)["climate"]["modes"] == ["off", "heat", "cool", "auto"]
    climate = components(SIMPLE)["climate"]
    assert climate["preset_modes"] == ["away", "eco", "comfort", "boost", "frost"]
    assert (climate["min_temp"], climate["max_temp"], climate["temp_step"]) == (5.0, 35.0, 0.5)
    assert climate["mode_command_topic"] == f"{ROOT}/living/mode/set"
    assert climate["temperature_command_topic"] == f"{ROOT}/living/target/set"
    assert climate["preset_mode_command_topic"] == f"{ROOT}/living/preset/set"


def test_mode_manual_is_nothing_the_climate_entity_claims_but_the_select_entity_has_it() -> None:
    found = components(SIMPLE)
    assert found["climate"]["mode_state_template"] == "{{ value_json.mode if value_json.mode in ['off', 'heat'] else none }}"
    assert found["mode"]["options"] == ["off", "heat", "manual"]
    assert found["mode"]["command_topic"] == f"{ROOT}/living/mode/set"


@pytest.mark.parametrize(("options", "limits"), [(SIMPLE, (0, 100)), (COLD, (-100, 0)), (FULL, (-100, 100))], ids=["heat", "cool", "both"])
def test_the_duty_by_hand_is_there_in_manual_only_and_within_what_the_outputs_can_do(options: ClimateOptions, limits: object) -> None:
    duty = components(options)["manual_duty"]
    assert (duty["min"], duty["max"]) == limits
    assert duty["availability"][2]["value_template"] == "{{ 'online' if value_json.mode == 'manual' else 'offline' }}"


def test_an_owner_sees_at_first_what_he_needs() -> None:
    shown = {key for key, one in components(SIMPLE).items() if one.get("enabled_by_default", True)}
    assert shown == {
        *("climate", "mode", "manual_duty", "reset", "duty", "closures_today", "closures_total", "days_left"),
        *("autotune_start", "autotune_abort", "autotune_undo", "autotune", "problem", "notices"),
    }
    plain = {key for key in shown if "entity_category" not in components(SIMPLE)[key]}
    assert plain == {"climate", "duty"}


def test_every_alarm_that_can_happen_has_an_entity_and_no_other() -> None:
    def alarms(options: ClimateOptions) -> set[str]:
        return {key.removeprefix("alarm_") for key in components(options) if key.startswith("alarm_")}

    assert alarms(FULL) == set(AlarmName)
    assert set(AlarmName) - alarms(SIMPLE) == {"limiter", "limiter_withholds", "sensors_disagree"}
    assert "autotune_failed" not in alarms(ON_OFF)


def test_what_a_thermostat_has_not_got_is_not_announced() -> None:
    assert "window" in components(FULL)
    assert "window" not in components(SIMPLE)
    assert not any(key.startswith("closures") or key == "days_left" for key in components(ANALOG))
    assert not any(key.startswith(("autotune", "tuning")) for key in components(ON_OFF))


@given(SLUGS, SLUGS, SLUGS, SLUGS)
def test_no_two_thermostats_share_an_id_whatever_their_names(node: str, name: str, other_node: str, other_name: str) -> None:
    same = thermostat_device_id(node, name) == thermostat_device_id(other_node, other_name)
    assert same is ((node, name) == (other_node, other_name))
    assert thermostat_device_id(node, name) not in (node_device_id(other_node), module_device_id(module()))


@given(SLUGS, st.text(max_size=20))
def test_whatever_it_is_called_the_document_is_by_the_rules(name: str, label: str) -> None:
    options = replace(SIMPLE, name=name, label=label, heating=(ChannelRef("heaters", name),))
    document = thermostat_device(options, TOPICS, ORIGIN)
    assert document["device"]["name"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", document["device"]["identifiers"][0])


def test_an_autotune_can_be_ended_only_while_it_runs_and_begun_or_undone_only_while_it_does_not() -> None:
    conditions = {key: components(SIMPLE)[f"autotune_{key}"]["availability"][-1]["value_template"] for key in ("start", "abort", "undo")}
    assert conditions["start"] == conditions["undo"]
    assert conditions["start"].startswith("{{ 'online' if not (")
    assert conditions["abort"] == conditions["start"].replace("not (", "").replace(") else", " else")
