"""Which thermostat is replayed: one of the settings file, the part of a day's own file, or the defaults."""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.errors import Reason, RequestRejected, SettingsError, SettingsFault
from lucid2mqtt.settings import Settings, load
from lucid2mqtt.settings.faults import fault_of
from lucid2mqtt.settings.tree import Tree

_ROOM = ChannelRef("replay", "room")
_HEATER = ChannelRef("replay", "heater")
_LIMITER = ChannelRef("replay", "limiter")
_PART, _PLACE = ("thermostat",), ("thermostats", 0)


def default_options() -> ClimateOptions:
    """A room with one sensor and one relay."""
    return ClimateOptions(name="replay", sensors=(_ROOM,), heating=(_HEATER,))


def options_of_settings(path: Path, name: str | None) -> ClimateOptions:
    """The thermostat called `name` of a settings file; without a name there must be one only. SettingsError, RequestRejected."""
    known = {options.name: options for options in load(path, {}).climate_options()}
    if not known:
        fault = SettingsFault(str(path), "thermostats", "there is no thermostat", "declare one under thermostats:, or leave -c out")
        raise SettingsError((fault,))
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name in known:
        return known[name]
    message = "there are several thermostats" if name is None else f"there is no thermostat {name[:40]!r}"
    raise RequestRejected(Reason.NOT_UNDERSTOOD, message, f"name one with --name: {', '.join(known)}")


def climate_options(part: dict[str, Any], tree: Tree, source: str, faults: list[SettingsFault]) -> ClimateOptions | None:
    """What the `thermostat` part of a day file asks for, in the keys of the settings; faults are added, with their places in `tree`.

    Name and channels may be left out: there is only one of each.
    """
    entry = {"name": "replay", "sensors": [str(_ROOM)], **part}
    if "cooler" not in entry:
        entry.setdefault("heater", str(_HEATER))
    if isinstance(entry.get("limiter"), dict):
        entry["limiter"] = {"sensor": str(_LIMITER), **entry["limiter"]}
    places = {(*_PLACE, *path[1:]): place for path, place in tree.places.items() if path[:1] == _PART}
    moved = Tree(values={"thermostats": [entry]}, places=places)
    try:
        return Settings.model_validate(moved.values).climate_options()[0]
    except ValidationError as error:
        faults += [_renamed(fault_of(detail, moved, source)) for detail in error.errors(include_url=False)]
    except ValueError as fault:
        faults.append(SettingsFault(tree.place_of(_PART, source), "thermostat", str(fault)))
    return None


def zone_of(options: ClimateOptions) -> tzinfo:
    """By which clock a day is told: that of the schedule, where there is one."""
    return UTC if options.schedule is None else options.schedule.zone


def _renamed(fault: SettingsFault) -> SettingsFault:
    return SettingsFault(fault.place, fault.key.replace("thermostats.0", "thermostat", 1), fault.message, fault.remedy)
