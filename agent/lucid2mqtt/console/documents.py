"""Modules, channels, readings and ports as JSON: what the console answers and what `--json` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from lucid2mqtt.console.wire import Document
from lucid2mqtt.domain.channel import Channel, Module
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.lucid.families import FAMILIES, UnknownFamily, describe
from lucid2mqtt.lucid.identity import Identity


class PortView(Protocol):
    """A port as the port watch shows it."""

    @property
    def port(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def identity(self) -> Identity | None: ...
    @property
    def counters(self) -> Any: ...  # Any: a dataclass of numbers, or None


def module_document(module: Module) -> Document:
    return {
        "name": module.name,
        "label": module.label,
        "family": module.family,
        "type": module.type_text,
        "serial": module.serial,
        "firmware": module.firmware,
        "hardware": module.hardware,
        "channels": [channel_document(channel) for channel in module.channels],
    }


def channel_document(channel: Channel) -> Document:
    return {
        "number": channel.number,
        "name": channel.ref.channel,
        "label": channel.label,
        "kind": channel.kind.value,
        "signal": channel.signal.value,
        "output": channel.is_output,
        "unit": channel.unit,
        "decimals": channel.decimals,
        "minimum": channel.minimum,
        "maximum": channel.maximum,
    }


def reading_document(reading: Reading, channel: Channel) -> Document:
    """`value` is null exactly when `quality` is not "good"; then `reason` says why."""
    return {
        "module": reading.channel.module,
        "channel": channel.number,
        "name": reading.channel.channel,
        "label": channel.label,
        "value": reading.value,
        "unit": reading.unit,
        "decimals": channel.decimals,
        "quality": reading.quality.value,
        "reason": reading.reason,
        "taken_at": reading.taken_at.isoformat(),
    }


def port_document(port: PortView) -> Document:
    return {
        "port": port.port,
        "state": str(port.state),
        "detail": port.detail,
        "module": None if port.identity is None else identity_document(port.identity),
        "counters": None if port.counters is None else asdict(port.counters),
    }


def identity_document(identity: Identity) -> Document:
    """What a module says of itself; family and type are null where nobody published them."""
    family = FAMILIES.get(identity.class_code)
    try:
        text = describe(identity).text
    except UnknownFamily:
        text = None
    return {
        "family": None if family is None else family.name,
        "type": text,
        "serial": identity.serial,
        "firmware": identity.firmware,
        "hardware": identity.hardware,
        "channels": None if family is None else len(family.channels),
    }
