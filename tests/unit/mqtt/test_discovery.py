from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from lucid2mqtt.domain.channel import Channel, ChannelKind, Module, Signal
from lucid2mqtt.domain.device_classes import CONTACT_CLASSES, NUMERIC_CLASSES, SWITCH_CLASSES, class_objection
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.mqtt.discovery import (
    HUB_KEYS,
    Document,
    Origin,
    expire_after_s,
    module_device,
    module_device_id,
    node_device,
    node_device_id,
)
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.mqtt.samples import DOOR, FLOW, RELAY, VALVE, channel, module

TOPICS = Topics("lucid2mqtt", "az-2")
ORIGIN = Origin(version="1.2.3", project_url="https://example.org/")
SCHEMA = jsonschema.Draft202012Validator(json.loads((Path(__file__).parent / "discovery_schema.json").read_text()))
DIGITAL_INPUT, ANALOG_INPUT = ChannelKind.DIGITAL_INPUT, ChannelKind.ANALOG_INPUT


def announce(of: Module) -> Document:
    """The document of a module, after the schema and the rules a schema cannot say."""
    document: Document = json.loads(json.dumps(module_device(of, TOPICS, ORIGIN)))
    check(document)
    return document


def check(document: Document) -> None:
    SCHEMA.validate(document)
    components = document["components"].values()
    ids = [(component["platform"], component["unique_id"]) for component in components]
    assert len(set(ids)) == len(ids)
    names = [component["name"].lower() for component in components if component["name"] is not None]
    assert not any(name.startswith(document["device"]["name"].lower()) for name in names)


def component(of: Channel) -> Document:
    (only,) = announce(module(of))["components"].values()
    return dict(only)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_family_is_announced_by_the_rules_with_one_entity_for_each_channel(family: object) -> None:
    channels = tuple(channel(block.kind, number) for block in family.blocks for number in block.channels)  # type: ignore[attr-defined]
    document = announce(module(*channels, family=family.name))  # type: ignore[attr-defined]
    assert len(document["components"]) == len(channels)


def test_the_agent_is_announced_by_the_rules() -> None:
    document = node_device(TOPICS, ORIGIN)
    check(document)
    assert set(document["components"]) == {"connection", "started", "reconnects", "modules_online", "port_errors", "rescan"}
    templates = [one["value_template"] for one in document["components"].values() if "value_template" in one]
    assert templates == [f"{{{{ value_json.{key} | default(none) }}}}" for key in HUB_KEYS]


def test_modules_hang_on_the_agent() -> None:
    assert (
        announce(module(FLOW))["device"]["via_device"] == node_device(TOPICS, ORIGIN)["device"]["identifiers"][0] == node_device_id("az-2")
    )


def test_ids_come_from_family_serial_and_number_and_survive_every_renaming() -> None:
    before = announce(module(FLOW))
    renamed = replace(module(channel(ChannelKind.TEMPERATURE, 0, module="cellar", name="return")), name="cellar", label="Cellar")
    after = announce(renamed)
    assert before["device"]["identifiers"] == after["device"]["identifiers"] == ["lucid2mqtt_RI4-4711"]
    assert {key: one["unique_id"] for key, one in before["components"].items()} == {"channel_0": "lucid2mqtt_RI4-4711_0"}
    assert {key: one["unique_id"] for key, one in after["components"].items()} == {"channel_0": "lucid2mqtt_RI4-4711_0"}


def test_a_family_nobody_knows_still_gives_an_id_home_assistant_takes() -> None:
    assert module_device_id(module(family="unknown 0x4100", serial=0)) == "lucid2mqtt_unknown-0x4100-0"


def test_an_entity_is_available_only_with_agent_module_and_channel() -> None:
    document = announce(module(FLOW))
    assert document["availability_mode"] == "all"
    assert [one["topic"] for one in document["components"]["channel_0"]["availability"]] == [
        "lucid2mqtt/az-2/status",
        "lucid2mqtt/az-2/boiler/status",
        "lucid2mqtt/az-2/boiler/flow/status",
    ]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (FLOW, {"platform": "sensor", "device_class": "temperature", "unit_of_measurement": "°C", "suggested_display_precision": 1}),
        (replace(FLOW, unit="K"), {"device_class": "temperature", "unit_of_measurement": "K"}),
        (replace(FLOW, unit="Ω"), {"device_class": None, "unit_of_measurement": "Ω", "state_class": "measurement"}),
        (channel(ANALOG_INPUT), {"device_class": "voltage", "unit_of_measurement": "V", "suggested_display_precision": 3}),
        (channel(ANALOG_INPUT, signal=Signal.CURRENT, unit="mA"), {"device_class": "current", "state_class": "measurement"}),
        (channel(ANALOG_INPUT, unit="bar", device_class="pressure"), {"device_class": "pressure", "unit_of_measurement": "bar"}),
        (channel(ANALOG_INPUT, unit="bar"), {"device_class": None, "unit_of_measurement": "bar"}),
        (channel(ANALOG_INPUT, unit=""), {"device_class": None, "unit_of_measurement": None}),
        (DOOR, {"platform": "binary_sensor", "device_class": None}),
        (replace(DOOR, device_class="door"), {"device_class": "door"}),
        (
            channel(DIGITAL_INPUT, signal=Signal.TOTAL),
            {"state_class": "total_increasing", "unit_of_measurement": "pulses", "device_class": None},
        ),
        (
            channel(DIGITAL_INPUT, signal=Signal.TOTAL, unit="m³", device_class="water"),
            {"state_class": "total_increasing", "unit_of_measurement": "m³"},
        ),
        (channel(DIGITAL_INPUT, signal=Signal.WINDOW), {"state_class": "measurement", "unit_of_measurement": "pulses"}),
        (channel(DIGITAL_INPUT, signal=Signal.EDGE), {"platform": "event", "event_types": ["edge"]}),
        (RELAY, {"platform": "switch", "expire_after": None, "device_class": None}),
        (replace(RELAY, device_class="outlet"), {"platform": "switch", "device_class": "outlet"}),
        (replace(RELAY, device_class="light"), {"platform": "light", "device_class": None}),
        (replace(RELAY, device_class="water"), {"platform": "valve", "device_class": "water"}),
        (VALVE, {"platform": "number", "min": 0.0, "max": 10.0, "step": 0.001, "device_class": "voltage", "expire_after": None}),
        (replace(VALVE, step=1e-6), {"step": 0.001}),
        (replace(VALVE, minimum=None), {"platform": "sensor", "device_class": "voltage"}),
    ],
)
def test_a_channel_becomes_the_entity_that_fits(of: Channel, expected: Document) -> None:
    announced = component(of)
    assert {key: announced.get(key) for key in expected} == expected


def test_only_outputs_can_be_commanded() -> None:
    assert component(RELAY)["command_topic"] == "lucid2mqtt/az-2/heaters/living/set"
    assert "command_topic" not in component(FLOW)


def test_a_value_is_old_after_three_heartbeats_or_five_polls() -> None:
    assert expire_after_s(FLOW) == 180
    assert expire_after_s(replace(FLOW, max_interval_s=0.1, poll_s=1.1)) == 6
    assert component(FLOW)["expire_after"] == 180


ALLOWED = [
    *((DOOR, name, "") for name in sorted(CONTACT_CLASSES)),
    *((RELAY, name, "") for name in sorted(SWITCH_CLASSES)),
    *((channel(ANALOG_INPUT), name, unit) for name, numeric in NUMERIC_CLASSES.items() if numeric.measured for unit in numeric.units),
    *(
        (channel(DIGITAL_INPUT, signal=Signal.TOTAL), name, unit)
        for name, numeric in NUMERIC_CLASSES.items()
        if numeric.totalled
        for unit in numeric.units
    ),
]


def test_every_device_class_the_settings_allow_is_announced_by_the_rules() -> None:
    for of, device_class, unit in ALLOWED:
        assert class_objection(device_class, of.signal, is_output=of.is_output, unit=unit) is None
        announced = component(replace(of, device_class=device_class, unit=unit))
        assert announced.get("unit_of_measurement", "") == unit
        assert announced["platform"] in ("light", "valve") or announced["device_class"] == device_class
