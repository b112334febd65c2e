"""What the broker and Home Assistant were told about each device, so that it can be taken back. Pure.

Home Assistant keeps what a new document leaves out, and after its next start cannot be rid of it any more. A component goes only
by being announced in full, then as a bare marker, then not at all, while Home Assistant is there. Until it certainly was, the
component stays on the list of leftovers. A whole device goes the same way: in full, then with an empty document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lucid2mqtt.domain.names import THERMOSTATS
from lucid2mqtt.mqtt.discovery import Document


@dataclass(frozen=True, slots=True)
class Announcement:
    """One module as it was last announced: its slugs, its components, and components of earlier times that are still to go.

    A thermostat is kept as the only channel of a module that is called as no module may be called.
    """

    module: str
    channels: tuple[str, ...]
    components: Mapping[str, Document] = field(default_factory=dict)
    leftovers: Mapping[str, Document] = field(default_factory=dict)

    def followed_by(self, new: Announcement) -> Announcement:
        """`new`, with what this one had more of as leftovers. A component whose platform changed is another component."""
        once = {**self.components, **self.leftovers}
        leftovers = {
            key: component
            for key, component in once.items()
            if key not in new.components or new.components[key]["platform"] != component["platform"]
        }
        return Announcement(new.module, new.channels, new.components, leftovers)

    def cleaned(self) -> Announcement:
        """The same without leftovers."""
        return Announcement(self.module, self.channels, self.components)


def steps(device: Document, leftovers: Mapping[str, Document]) -> tuple[Document, ...]:
    """The documents to publish one after the other: with the leftovers in full, with their markers, clean."""
    if not leftovers:
        return (device,)
    markers = {key: {"platform": component["platform"]} for key, component in leftovers.items()}
    return tuple(device | {"components": device["components"] | more} for more in (leftovers, markers, {}))


def to_document(announcements: Mapping[str, Announcement]) -> dict[str, Any]:  # Any: JSON
    """For the state store, by device id."""
    return {
        "devices": {
            device_id: {
                "module": known.module,
                "channels": list(known.channels),
                "components": dict(known.components),
                "leftovers": dict(known.leftovers),
            }
            for device_id, known in announcements.items()
        },
    }


def from_document(document: Mapping[str, Any] | None) -> dict[str, Announcement]:  # Any: JSON that a disk gave back
    """The reverse; entries that make no sense are left out, they are announced anew anyway."""
    devices = document.get("devices") if document else None
    if not isinstance(devices, dict):
        return {}
    read = ((device_id, _announcement(entry)) for device_id, entry in devices.items())
    return {device_id: announcement for device_id, announcement in read if announcement is not None}


def _announcement(entry: object) -> Announcement | None:
    match entry:
        case {"module": str(module), "channels": list(channels), "components": dict(components), "leftovers": dict(leftovers)}:
            documents = [*components.values(), *leftovers.values()]
            is_sound = all(isinstance(one, dict) and isinstance(one.get("platform"), str) for one in documents)
            is_sound = is_sound and (module != THERMOSTATS or len(channels) == 1)
            if is_sound and all(isinstance(channel, str) for channel in channels):
                return Announcement(module, tuple(channels), components, leftovers)
    return None
