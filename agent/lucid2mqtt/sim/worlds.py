"""Worlds by name: `house`, `all` (one factory-fresh module of every family), `many:N:FAMILY` (N commissioned modules)."""

from __future__ import annotations

from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.sim.house import House
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.world import World

WORLDS = ("house", "all", "many:N:FAMILY")
ALL_SERIALS = 500_200
MANY_SERIALS = 600_000
MOST_MODULES = 1000


def build_world(name: str, *, speed: float = 1.0, quirks: Quirks | None = None) -> World:
    """The world called `name`. Serial numbers are the same every time.

    Raises ValueError, saying what there is, for a name it does not know.
    """
    kind, _, rest = name.partition(":")
    match kind, rest:
        case "house", "":
            return House(speed=speed, quirks=quirks)
        case "all", "":
            return World(_one_of_each(quirks), speed=speed)
        case "many", _:
            count, _, family = rest.partition(":")
            if count.isdecimal() and family:
                return World(many(int(count), family, quirks=quirks), speed=speed)
    raise ValueError(f"no world {name!r}; there are {', '.join(WORLDS)}")


def many(count: int, family: str, *, quirks: Quirks | None = None) -> list[VirtualModule]:
    """`count` (1..1000) commissioned modules of one family; ValueError for an unknown family."""
    if not 1 <= count <= MOST_MODULES:
        raise ValueError(f"{count} modules; possible are 1..{MOST_MODULES}")
    return [VirtualModule(family, serial=MANY_SERIALS + place, quirks=quirks, commissioned=True) for place in range(count)]


def _one_of_each(quirks: Quirks | None) -> list[VirtualModule]:
    names = [family.name for family in FAMILIES.values()]
    return [VirtualModule(name, serial=ALL_SERIALS + place, quirks=quirks) for place, name in enumerate(names)]
