"""Home Assistant discovery documents, built whole from what a module is. Pure; keys in full, never abbreviated.

Every kind of entity is one row of a table. Unique ids come from family, serial number and channel number, never from a name,
so renaming keeps history.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lucid2mqtt.domain.channel import Channel, Module, Signal
from lucid2mqtt.domain.device_classes import NUMERIC_CLASSES
from lucid2mqtt.domain.names import heading
from lucid2mqtt.mqtt.payloads import EDGE_EVENT, OFFLINE, ONLINE
from lucid2mqtt.mqtt.topics import Topics

Document = dict[str, Any]  # Any: a JSON document of Home Assistant's design

MANUFACTURER = "LucidControl"
SMALLEST_STEP = 0.001
"""Home Assistant refuses a number entity with a finer step."""

_PRECISION = {Signal.VOLTAGE: 3, Signal.CURRENT: 3, Signal.TEMPERATURE: 1}
_NATURAL_CLASSES = {Signal.VOLTAGE: "voltage", Signal.CURRENT: "current", Signal.TEMPERATURE: "temperature"}
_PULSES = "pulses"
_SWITCH_PLATFORMS = {
    "switch": ("switch", "switch"),
    "outlet": ("switch", "outlet"),
    "light": ("light", None),
    "water": ("valve", "water"),
    "gas": ("valve", "gas"),
}
"""Our word for a digital output -> platform and device class there: lights and valves are platforms of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who announces; Home Assistant prints it beside every complaint."""

    version: str
    project_url: str | None = None

    def document(self) -> Document:
        url = {"support_url": self.project_url} if self.project_url else {}
        return {"name": "lucid2mqtt", "sw_version": self.version} | url


def node_device_id(node: str) -> str:
    return f"lucid2mqtt_{node}"


def module_device_id(module: Module) -> str:
    """For example `lucid2mqtt_RI4-591921152`; also the identifier of the device and the stem of its unique ids."""
    family = re.sub(r"[^a-zA-Z0-9_-]", "-", module.family)
    return f"lucid2mqtt_{family}-{module.serial}"


def thermostat_device_id(node: str, name: str) -> str:
    """For example `lucid2mqtt_az-2__thermostat_living`; a slug never holds two underscores, so no two things share an id.

    A thermostat has no serial number: node and name are its identity, and another name makes another device.
    """
    return f"{node_device_id(node)}__thermostat_{name}"


def component_key(channel: Channel) -> str:
    return f"channel_{channel.number}"


def expire_after_s(channel: Channel) -> int:
    """Seconds after which a value nobody repeated is old: three heartbeats or five polls, whichever is longer."""
    return math.ceil(max(3 * channel.max_interval_s, 5 * channel.poll_s))


def module_device(module: Module, topics: Topics, origin: Origin) -> Document:
    """The discovery document of one module with all its enabled channels."""
    device_id = module_device_id(module)
    return {
        "device": {
            "identifiers": [device_id],
            "name": module.label,
            "manufacturer": MANUFACTURER,
            "model": heading(module.type_text),  # Home Assistant puts the model_id behind it
            "model_id": module.family,
            "serial_number": str(module.serial),
            "hw_version": str(module.hardware),
            "sw_version": str(module.firmware),
            "via_device": node_device_id(topics.node),
        },
        "origin": origin.document(),
        "availability_mode": "all",
        "qos": 1,
        "components": {component_key(channel): _component(channel, module, device_id, topics) for channel in module.channels},
    }


def thermostat_shell(name: str, label: str, topics: Topics, origin: Origin) -> Document:
    """The discovery document of a thermostat without its components; `label` is its owner's word for it, or empty."""
    return {
        "device": {
            "identifiers": [thermostat_device_id(topics.node, name)],
            "name": heading(label.strip() or name),
            "manufacturer": "lucid2mqtt",
            "model": "Thermostat",
            "sw_version": origin.version,
            "via_device": node_device_id(topics.node),
        },
        "origin": origin.document(),
        "availability_mode": "all",
        "qos": 1,
    }


def _component(channel: Channel, module: Module, device_id: str, topics: Topics) -> Document:
    ref = channel.ref
    common = {
        "unique_id": f"{device_id}_{channel.number}",
        "name": channel.label,
        "availability": [
            {"topic": topics.status},
            {"topic": topics.module_status(module.name)},
            {"topic": topics.channel_status(ref)},
        ],
    }
    match channel.signal:
        case Signal.EDGE:
            return {"platform": "event"} | common | {"event_types": [EDGE_EVENT], "state_topic": topics.event(ref)}
        case Signal.STATE if channel.is_output:
            own = _switch(channel)
        case Signal.STATE:
            own = {"platform": "binary_sensor", "expire_after": expire_after_s(channel)} | _device_class(channel.device_class)
        case _ if channel.is_output and channel.minimum is not None and channel.maximum is not None:
            own = _number(channel, channel.minimum, channel.maximum)
        case _:
            own = _sensor(channel)
    command = {"command_topic": topics.command(ref)} if own["platform"] in _COMMANDED else {}
    return own | common | {"state_topic": topics.state(ref)} | command


_COMMANDED = frozenset({"switch", "light", "valve", "number"})


def _switch(channel: Channel) -> Document:
    platform, device_class = _SWITCH_PLATFORMS.get(channel.device_class or "", ("switch", None))
    words = {"payload_open": "ON", "payload_close": "OFF", "state_open": "ON", "state_closed": "OFF"} if platform == "valve" else {}
    return {"platform": platform} | _device_class(device_class) | words


def _number(channel: Channel, minimum: float, maximum: float) -> Document:
    return {
        "platform": "number",
        "min": minimum,
        "max": maximum,
        "step": max(channel.step or SMALLEST_STEP, SMALLEST_STEP),
        "mode": "box",
    } | _measure(channel, channel.unit)


def _sensor(channel: Channel) -> Document:
    counts = channel.signal in (Signal.TOTAL, Signal.WINDOW)
    state_class = "total_increasing" if channel.signal is Signal.TOTAL else "measurement"
    # an output shown as a sensor is one whose range nobody knows; it is polled like every other
    own = {"platform": "sensor", "state_class": state_class, "expire_after": expire_after_s(channel)}
    if channel.decimals is not None:
        own["suggested_display_precision"] = min(channel.decimals, _PRECISION.get(channel.signal, channel.decimals))
    return own | _measure(channel, channel.unit or (_PULSES if counts and channel.device_class is None else ""))


def _measure(channel: Channel, unit: str) -> Document:
    unit_key = {"unit_of_measurement": unit} if unit else {}
    return _device_class(channel.device_class or _natural_class(channel.signal, unit)) | unit_key


def _natural_class(signal: Signal, unit: str) -> str | None:
    """The class of a channel whose owner chose none; None when the unit was made something else (ohms, bar)."""
    natural = _NATURAL_CLASSES.get(signal)
    return natural if natural is not None and unit in NUMERIC_CLASSES[natural].units else None


def _device_class(device_class: str | None) -> Document:
    return {"device_class": device_class} if device_class else {}


_HUB_SENSORS: Mapping[str, Document] = {
    "started": {"name": "Uptime", "device_class": "uptime", "key": "started_at"},
    "reconnects": {"name": "Broker reconnects", "state_class": "total_increasing", "unit": "reconnects", "key": "mqtt_reconnects"},
    "modules_online": {"name": "Modules online", "state_class": "measurement", "unit": "modules", "key": "modules_online"},
    "port_errors": {"name": "Port errors", "state_class": "total_increasing", "unit": "errors", "key": "port_errors"},
}
"""`key` is what the diagnostics document has to hold at its top level."""

HUB_KEYS = tuple(str(row["key"]) for row in _HUB_SENSORS.values())
"""Top-level keys of the diagnostics document that Home Assistant shows."""


def node_device(topics: Topics, origin: Origin) -> Document:
    """The discovery document of the agent itself, the device all modules hang on."""
    device_id = node_device_id(topics.node)
    connectivity = {
        "platform": "binary_sensor",
        "unique_id": f"{device_id}_connection",
        "name": "Connection",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": topics.status,
        "payload_on": ONLINE,
        "payload_off": OFFLINE,
        # offline is a state of this entity, not its absence: any status at all makes it available
        "availability": [{"topic": topics.status, "value_template": ONLINE}],
    }
    rescan = {
        "platform": "button",
        "unique_id": f"{device_id}_rescan",
        "name": "Look for modules",
        "entity_category": "config",
        "command_topic": topics.rescan,
        "availability": [{"topic": topics.status}],
    }
    sensors = {key: _hub_sensor(f"{device_id}_{key}", row, topics) for key, row in _HUB_SENSORS.items()}
    return {
        "device": {
            "identifiers": [device_id],
            "name": f"lucid2mqtt {topics.node}",
            "manufacturer": "lucid2mqtt",
            "model": "LucidControl to MQTT agent",
            "sw_version": origin.version,
        },
        "origin": origin.document(),
        "availability_mode": "all",
        "qos": 1,
        "components": {"connection": connectivity, **sensors, "rescan": rescan},
    }


def _hub_sensor(unique_id: str, row: Document, topics: Topics) -> Document:
    keys = {"unit_of_measurement": row["unit"]} if "unit" in row else {}
    keys |= {key: row[key] for key in ("device_class", "state_class") if key in row}
    return {
        "platform": "sensor",
        "unique_id": unique_id,
        "name": row["name"],
        "entity_category": "diagnostic",
        "state_topic": topics.diagnostics,
        "value_template": f"{{{{ value_json.{row['key']} | default(none) }}}}",
        "availability": [{"topic": topics.status}],
    } | keys
