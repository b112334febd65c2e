"""Modules and channels to talk about."""

from __future__ import annotations

from datetime import UTC, datetime

from lucid2mqtt.domain.channel import Channel, ChannelKind, Module, Signal
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading, Value

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

_SIGNALS = {
    ChannelKind.DIGITAL_INPUT: (Signal.STATE, "", None),
    ChannelKind.DIGITAL_OUTPUT: (Signal.STATE, "", None),
    ChannelKind.ANALOG_INPUT: (Signal.VOLTAGE, "V", 4),
    ChannelKind.ANALOG_OUTPUT: (Signal.VOLTAGE, "V", 3),
    ChannelKind.TEMPERATURE: (Signal.TEMPERATURE, "°C", 2),
}


def channel(kind: ChannelKind, number: int = 0, module: str = "boiler", name: str | None = None, **changes: object) -> Channel:
    """A channel of `kind` with the usual signal, unit and range; `changes` are other fields of Channel."""
    signal, unit, decimals = _SIGNALS[kind]
    fields: dict[str, object] = {"signal": signal, "unit": unit, "decimals": decimals}
    if kind is ChannelKind.ANALOG_OUTPUT:
        fields |= {"minimum": 0.0, "maximum": 10.0, "step": 0.001}
    slug = name or f"c{number}"
    fields |= {"ref": ChannelRef(module, slug), "number": number, "kind": kind, "label": slug.capitalize()} | changes
    return Channel(**fields)  # type: ignore[arg-type]


def module(*channels: Channel, family: str = "RI4", serial: int = 4711, name: str = "boiler") -> Module:
    return Module(
        name=name,
        label="Boiler room",
        family=family,
        type_text="Pt1000",
        serial=serial,
        firmware=22,
        hardware=3,
        channels=channels,
    )


FLOW = channel(ChannelKind.TEMPERATURE, 0, name="flow")
RELAY = channel(ChannelKind.DIGITAL_OUTPUT, 1, module="heaters", name="living")
VALVE = channel(ChannelKind.ANALOG_OUTPUT, 0, module="mixer", name="valve")
DOOR = channel(ChannelKind.DIGITAL_INPUT, 2, module="doors", name="front")


def good(of: Channel, value: Value, at: datetime = NOON) -> Reading:
    return Reading(channel=of.ref, value=value, unit=of.unit, quality=Quality.GOOD, taken_at=at)


def bad(of: Channel, quality: Quality = Quality.OPEN_SENSOR, reason: str = "the sensor is not connected") -> Reading:
    return Reading(channel=of.ref, value=None, unit=of.unit, quality=quality, taken_at=NOON, reason=reason)
