"""Time zones by name, and the one this machine is set to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from lucid2mqtt.settings.fields import Objection

_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"})
_DATABASE = "zoneinfo/"


@dataclass(frozen=True, slots=True)
class MachineZone:
    """The zone of this machine; `doubt` says why it may not be the one of the house, empty when nothing speaks against it."""

    zone: tzinfo
    doubt: str = ""


def zone_named(name: str) -> tzinfo:
    """The zone of the IANA database. Raises Objection with the names that are near, or with the package that is missing."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; no name at all; a folder of the database
        pass
    known = available_timezones()
    if not known:
        raise Objection(
            f"{name!r} cannot be looked up: this system has no time zone database", "install it: sudo apt install tzdata, or write UTC"
        )
    raise Objection(f"{name!r} is no time zone", _near(name, known))


def machine_zone(environ: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")) -> MachineZone:
    """The zone of `TZ`, else of `localtime`, which is a link into the database or a copy from it; else UTC."""
    if name := environ.get("TZ", "").removeprefix(":"):
        return _told(name, "TZ says {!r}, which is no name of a time zone")
    try:
        target = str(localtime.resolve(strict=True))
        if _DATABASE in target:
            return _told(target.rpartition(_DATABASE)[2], "the time zone of this machine, {!r}, cannot be read")
        with localtime.open("rb") as copy:
            return MachineZone(ZoneInfo.from_file(copy, key=str(localtime)))
    except (OSError, ValueError):
        return MachineZone(UTC, "this machine has no time zone")


def _told(name: str, objection: str) -> MachineZone:
    if name in _UTC_NAMES:
        return MachineZone(UTC, "this machine is set to UTC")
    try:
        return MachineZone(zone_named(name))
    except Objection:
        return MachineZone(UTC, objection.format(name))


def _near(name: str, known: set[str]) -> str:
    by_small = {zone.casefold(): zone for zone in known}
    city = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(known, reverse=True)}
    near = [by_small[small] for small in get_close_matches(name.casefold(), by_small, n=3, cutoff=0.75)]
    near += [city[small] for small in get_close_matches(name.rpartition("/")[2].casefold(), city, n=2, cutoff=0.75)]
    if not near:
        return "write the name of a city, as in Europe/Berlin"
    return f"did you mean {' or '.join(repr(zone) for zone in list(dict.fromkeys(near))[:3])}?"
