"""Presets, the hand-set target, the schedule, the window and the frost floor: which temperature results, and why.

Strongest first: off and an open window (only the frost floor remains), boost while its timer runs, a preset or target
chosen by hand, the schedule, the declared preset, the last target set by hand. Under a schedule a choice stands until the
next switching time, except away and frost, which stand until something else is chosen; `none` goes back to the schedule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.errors import Reason, RequestRejected


class Preset(StrEnum):
    """What can be chosen. `none` is Home Assistant's word for no preset; it commands it, but must not find it in the list it is given."""

    NONE = "none"
    AWAY = "away"
    ECO = "eco"
    COMFORT = "comfort"
    BOOST = "boost"
    FROST = "frost"


Wanted = Preset | float
"""What a schedule asks for: a preset or °C."""

OFFERED = tuple(preset for preset in Preset if preset is not Preset.NONE)
"""What stands in Home Assistant's list of presets."""

LONGEST_BOOST_S = 24 * 3600.0
SHORTEST_BOOST_S = 60.0

_LASTING = (Preset.AWAY, Preset.FROST)
_SAVING = (Preset.AWAY, Preset.ECO, Preset.FROST)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetOptions:
    """Temperatures in °C; the limits bind every target but the frost one. ValueError for what does not fit together.

    `frost_floor`: nothing ever lets the room get colder than `frost_c`. Without it, off and an open window mean no heating at all.
    """

    away_c: float = 16.0
    eco_c: float = 18.0
    comfort_c: float = 21.0
    boost_c: float = 23.0
    frost_c: float = 5.0
    frost_floor: bool = True
    boost_s: float = 1800.0
    minimum_c: float = 5.0
    maximum_c: float = 35.0

    def __post_init__(self) -> None:
        for preset in OFFERED:
            low = -math.inf if preset is Preset.FROST else self.minimum_c
            if not low <= self.of(preset) <= self.maximum_c:
                raise ValueError(f"{preset}_c {self.of(preset):g} is not between the limits {self.minimum_c:g} and {self.maximum_c:g} °C")
        if not SHORTEST_BOOST_S <= self.boost_s <= LONGEST_BOOST_S:
            raise ValueError(f"boost_s {self.boost_s:g} is not between {SHORTEST_BOOST_S:g} and {LONGEST_BOOST_S:g}")

    def of(self, preset: Preset) -> float:
        """The temperature of a preset; KeyError for `none`, which has none."""
        temperatures = {
            Preset.AWAY: self.away_c,
            Preset.ECO: self.eco_c,
            Preset.COMFORT: self.comfort_c,
            Preset.BOOST: self.boost_c,
            Preset.FROST: self.frost_c,
        }
        return temperatures[preset]

    def target_of(self, wanted: Wanted) -> float:
        """The temperature a schedule entry stands for, within the limits."""
        return self.of(wanted) if isinstance(wanted, Preset) else min(max(wanted, self.minimum_c), self.maximum_c)


class InForce(Protocol):
    """The switching time that is in force; `Switch` of the schedule is one."""

    @property
    def at(self) -> datetime: ...
    @property
    def wanted(self) -> Wanted: ...


@dataclass(frozen=True, slots=True)
class Target:
    """What to control to. `target_c` None: no heating at all. `preset` is what is in force, `reason` says why, for the owner.

    `heats_only`: the target is a floor, nothing may be cooled towards it: away, eco and frost save, off and a window pause.
    `from_schedule`: nobody outweighed the schedule by hand.
    """

    target_c: float | None
    preset: Preset
    reason: str
    heats_only: bool = False
    from_schedule: bool = False


class Presets:
    """What was chosen for one thermostat. `now` is monotonic, in seconds; the calendar comes in through the switching times only."""

    def __init__(self, options: PresetOptions, *, manual_c: float, preset: Preset = Preset.NONE) -> None:
        """`manual_c` and `preset` are what the settings declare, for as long as no schedule and nobody says otherwise.

        ValueError for boost, which cannot be declared.
        """
        if preset is Preset.BOOST:
            raise ValueError("boost has a timer and cannot be what a thermostat starts with; declare another preset")
        self._options = options
        self._declared: Preset = preset
        self._declared_c = options.target_of(manual_c)
        self._chosen: Preset | None = None  # None: what was declared stands
        self._manual_c: float | None = None
        self._is_by_hand = False  # and outweighs the schedule
        self._chosen_under: datetime | None = None
        self._boost_until: float | None = None
        self._scheduled: Wanted | None = None
        self._scheduled_at: datetime | None = None

    @property
    def manual_c(self) -> float:
        """The last target that was set by hand, or the declared one."""
        return self._declared_c if self._manual_c is None else self._manual_c

    def choose(self, name: str, now: float, *, for_s: float | None = None) -> None:
        """Puts a preset in force; `for_s` (60 s..24 h) is for boost only. RequestRejected for an unknown name or a wrong time."""
        preset = _preset_named(name)
        if preset is Preset.BOOST:
            self._boost_until = now + _boost_time(self._options.boost_s if for_s is None else for_s)
            return
        if for_s is not None:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"preset {preset} has no timer", "leave the time out, or choose boost")
        self._stand(preset, by_hand=preset is not Preset.NONE)

    def set_target(self, target_c: float) -> None:
        """Sets the target by hand and ends any preset. RequestRejected outside the limits, which is also what NaN is."""
        low, high = self._options.minimum_c, self._options.maximum_c
        if not low <= target_c <= high:
            raise RequestRejected(Reason.OUT_OF_RANGE, f"the target {target_c:g} °C is out of range", f"send {low:g} to {high:g} °C")
        self._manual_c = target_c
        self._stand(Preset.NONE, by_hand=True)

    def follow(self, switch: InForce | None) -> None:
        """Takes note of the switching time in force; None (clock not set) leaves the last one standing.

        A new switching time ends what was chosen by hand, except away and frost; boost runs on. Call it only while the
        schedule is followed.
        """
        if switch is None:
            return
        if self._chosen_under is None:
            self._chosen_under = switch.at  # chosen while no schedule was known: counts from the first one on
        if self._is_by_hand and switch.at != self._chosen_under and self._chosen not in _LASTING:
            self._chosen, self._is_by_hand = None, False
        self._scheduled, self._scheduled_at = switch.wanted, switch.at

    def target(self, now: float, *, follows_schedule: bool, is_off: bool = False, window_open: bool = False) -> Target:
        """What to control to at `now`; ends a boost whose time is over."""
        if self._boost_until is not None and now >= self._boost_until:
            self._boost_until = None
        wish = self._raised(self._wish(now, follows_schedule=follows_schedule))
        if not is_off and not window_open:
            return wish
        why = "off" if is_off else "window open"
        if not self._options.frost_floor:
            return Target(None, wish.preset, f"{why}, no heating", heats_only=True)
        return Target(self._options.frost_c, wish.preset, f"{why}, frost protection only", heats_only=True)

    def saved(self, now: float) -> Document:
        """What `restore` needs, to be kept on disk: what was chosen, not what the settings declare."""
        return {
            "preset": self._chosen,
            "by_hand": self._is_by_hand,
            "manual_c": self._manual_c,
            "chosen_under": self._chosen_under.isoformat() if self._chosen_under else None,
            "boost_left_s": max(0.0, self._boost_until - now) if self._boost_until is not None else None,
            "scheduled": self._scheduled,
        }

    def restore(self, document: Mapping[str, object], now: float, *, outage_s: float | None = None) -> None:
        """Goes on from what `saved` gave; `outage_s` is how long ago that was, None when no clock knows.

        ValueError, and nothing is changed, when the document is not one of ours.
        """
        saved = Saved(document)
        chosen = _saved_preset(saved, "preset") if document.get("preset") is not None else None
        is_by_hand = saved.flag("by_hand") and chosen is not None
        manual_c = saved.optional_number("manual_c")
        chosen_under = saved.optional_instant("chosen_under")
        boost_left_s = saved.optional_number("boost_left_s", minimum=0.0, maximum=LONGEST_BOOST_S) or 0.0
        is_named = isinstance(document.get("scheduled"), str)
        scheduled: Wanted | None = _saved_preset(saved, "scheduled") if is_named else saved.optional_number("scheduled")
        self._chosen, self._is_by_hand, self._chosen_under, self._scheduled = chosen, is_by_hand, chosen_under, scheduled
        self._manual_c = None if manual_c is None else self._options.target_of(manual_c)
        left_s = boost_left_s - max(0.0, outage_s or 0.0)
        self._boost_until = now + left_s if left_s > 0 else None

    def _stand(self, preset: Preset, *, by_hand: bool) -> None:
        self._chosen = preset
        self._is_by_hand = by_hand
        self._chosen_under = self._scheduled_at
        self._boost_until = None

    def _wish(self, now: float, *, follows_schedule: bool) -> Target:
        if self._boost_until is not None:
            minutes = math.ceil((self._boost_until - now) / 60)
            return Target(self._options.boost_c, Preset.BOOST, f"boost for another {minutes} min")
        if follows_schedule and not self._is_by_hand and self._scheduled is not None:
            preset = self._scheduled if isinstance(self._scheduled, Preset) else Preset.NONE
            target_c = self._options.target_of(self._scheduled)
            return Target(target_c, preset, "schedule", heats_only=preset in _SAVING, from_schedule=True)
        standing = self._declared if self._chosen is None else self._chosen
        is_passing = follows_schedule and self._is_by_hand and standing not in _LASTING
        until = ", until the next switching time" if is_passing else ""
        if standing is Preset.NONE:
            why = "target of the settings" if self._manual_c is None else "set by hand"
            return Target(self.manual_c, Preset.NONE, f"{why}{until}")
        return Target(self._options.of(standing), standing, f"preset {standing}{until}", standing in _SAVING)

    def _raised(self, wish: Target) -> Target:
        if not self._options.frost_floor or wish.target_c is None or wish.target_c >= self._options.frost_c:
            return wish
        return replace(wish, target_c=self._options.frost_c, reason=f"{wish.reason}, raised to the frost floor")


def _preset_named(name: str) -> Preset:
    try:
        return Preset(name.strip().lower())
    except ValueError:
        offered = ", ".join(Preset)
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"there is no preset {name[:40]!r}", f"choose one of {offered}") from None


def _saved_preset(saved: Saved, field: str) -> Preset:
    preset = Preset(saved.text(field))
    if preset is Preset.BOOST:
        raise ValueError(f"saved field {field!r} is boost, which ends and is never what stands below")
    return preset


def _boost_time(for_s: float) -> float:
    if not SHORTEST_BOOST_S <= for_s <= LONGEST_BOOST_S:
        message = f"boost for {for_s:g} s is out of range"
        raise RequestRejected(Reason.OUT_OF_RANGE, message, f"choose {SHORTEST_BOOST_S:g} to {LONGEST_BOOST_S:g} s")
    return for_s
