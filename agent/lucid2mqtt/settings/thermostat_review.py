"""Thermostats as a whole: figures that exclude each other, and that what comes out can be built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC

from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.schedule import parse_entry, parse_schedule
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.settings.declared import Declared
from lucid2mqtt.settings.findings import Finding
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.suggestions import near
from lucid2mqtt.settings.thermostat_channels import review_channels
from lucid2mqtt.settings.thermostat_drive import DriveKeys
from lucid2mqtt.settings.thermostat_options import analog_options, climate_options, limiter_options, preset_temperatures
from lucid2mqtt.settings.thermostat_sources import channel_ref, source_channels
from lucid2mqtt.settings.thermostats import ScheduleSettings, ThermostatSettings
from lucid2mqtt.settings.tree import Path
from lucid2mqtt.settings.zones import machine_zone

_RELAY_KEYS = ("contact", "cycle_s", "min_on_s", "min_off_s", "bank")
_MEDIAN_OF = 3  # sensors; of fewer it is the mean
_EVERY_DAY = "daily"
_SOME_LINES = ("00:00 eco",)  # to have a day judged that has none


def review_thermostats(settings: Settings) -> Iterator[Finding]:
    """Everything that is wrong or doubtful about the thermostats, although each key by itself is right."""
    declared = Declared(settings.modules)
    by_topic = source_channels(source for thermostat in settings.thermostats for source in thermostat.sources)
    taken: dict[ChannelRef, str] = {}
    for number, thermostat in enumerate(settings.thermostats):
        path = ("thermostats", number)
        found = [*review_channels(path, thermostat, declared, taken), *_figures(path, thermostat)]
        yield from found
        if all(finding.is_warning for finding in found):
            try:
                climate_options(thermostat, by_topic)
            except ValueError as fault:
                yield Finding(path, str(fault))


def _figures(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    yield from _targets(path, thermostat)
    yield from _measuring(path, thermostat)
    yield from _modes(path, thermostat)
    yield from _drives(path, thermostat)
    yield from _limiter(path, thermostat)
    outdoor = thermostat.outdoor
    if outdoor is not None and outdoor.channel is not None and channel_ref(outdoor.channel) in _wired_sensors(thermostat):
        message = "is a sensor of the thermostat too: it would take the room for the weather"
        yield Finding((*path, "outdoor"), message, "name a sensor that is outside, or leave outdoor out", is_warning=True)
    if thermostat.schedule is not None:
        yield from _schedule((*path, "schedule"), thermostat.schedule, thermostat)
    window = thermostat.window
    if window is not None and window.contact is None and not window.slope_k_per_h:
        yield Finding((*path, "window", "slope_k_per_h"), "0 without a contact: nothing tells that the window is open", "name a contact")


def _targets(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    low, high = thermostat.minimum_c, thermostat.maximum_c
    if low >= high:
        yield Finding((*path, "minimum_c"), f"{low:g} °C is not below maximum_c, {high:g} °C", "swap them")
        return
    if high > thermostat.sensing.maximum_c:
        message = f"readings above sensing.maximum_c, {thermostat.sensing.maximum_c:g} °C, are not believed"
        yield Finding((*path, "maximum_c"), message, "raise sensing.maximum_c")
    limits = f"minimum_c {low:g} and maximum_c {high:g}"
    if "target_c" in thermostat.model_fields_set and not low <= thermostat.target_c <= high:
        yield Finding((*path, "target_c"), f"{thermostat.target_c:g} °C is outside {limits}", "choose a value inside them")
    for preset, temperature_c in preset_temperatures(thermostat).items():
        key = (*path, "presets", f"{preset}_c")
        if temperature_c > high or (temperature_c < low and preset is not Preset.FROST):
            yield Finding(key, f"{temperature_c:g} °C is outside {limits}", "choose a value inside them")


def _measuring(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    for section, keys in (("sensing", thermostat.sensing), ("weather", thermostat.weather)):
        if keys.minimum_c >= keys.maximum_c:
            yield Finding(
                (*path, section, "minimum_c"), f"{keys.minimum_c:g} °C is not below maximum_c, {keys.maximum_c:g} °C", "swap them"
            )
    if thermostat.fusion == "median" and len(thermostat.sensors) < _MEDIAN_OF:
        yield Finding((*path, "fusion"), "the median of fewer than three sensors is their mean", "name three sensors", is_warning=True)
    if thermostat.law == "pid" and "hysteresis_k" in thermostat.model_fields_set:
        yield Finding((*path, "hysteresis_k"), "has no effect with law: pid", "leave it out, or write law: on_off", is_warning=True)
    if thermostat.law == "on_off" and thermostat.gains is not None:
        yield Finding((*path, "gains"), "have no effect with law: on_off", "leave them out, or write law: pid", is_warning=True)


def _modes(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    missing = {
        "heat": ("heater",) * (not thermostat.heater),
        "cool": ("cooler",) * (not thermostat.cooler),
        "auto": ("heater",) * (not thermostat.heater) + ("cooler",) * (not thermostat.cooler),
    }.get(thermostat.mode or "", ())
    if missing and (thermostat.heater or thermostat.cooler):
        yield Finding((*path, "mode"), f"{thermostat.mode}, but there is no {missing[0]}", f"name a {missing[0]}, or choose another mode")


def _drives(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    if thermostat.cooling is not None and not (thermostat.heater and thermostat.cooler):
        remedy = "write its keys at the thermostat itself" if thermostat.cooler else "name a cooler, or leave it out"
        yield Finding((*path, "cooling"), "is for a cooler beside a heater", remedy)
    if thermostat.hold_s < 3 * thermostat.retrigger_s:
        message = f"{thermostat.hold_s:g} s is less than 3 x retrigger_s, {3 * thermostat.retrigger_s:g} s: single orders may fail"
        yield Finding((*path, "hold_s"), message, "raise hold_s, or lower retrigger_s")
    if thermostat.heater:
        yield from _drive(path, thermostat, len(thermostat.heater))
    if thermostat.cooler:
        own = (*path, "cooling") if thermostat.heater else path
        yield from _drive(own, thermostat.drive_of("cooler"), len(thermostat.cooler))
    is_analog = (thermostat.heater and thermostat.drive_of("heater").analog) or (thermostat.cooler and thermostat.drive_of("cooler").analog)
    if thermostat.drive == "deadman" and is_analog:
        yield Finding((*path, "drive"), "an analog output keeps its value, whatever happens to us", "write plain or auto")


def _drive(path: Path, keys: DriveKeys, outputs: int) -> Iterator[Finding]:
    shares = keys.bank.shares
    if shares and len(shares) != outputs:
        yield Finding((*path, "bank", "shares"), f"{len(shares)} shares for {outputs} outputs", "give each output one, or leave shares out")
    least_s = (keys.min_on_s or 0.0) + (keys.min_off_s or 0.0)
    if keys.cycle_s is not None and least_s > keys.cycle_s:
        message = f"{keys.cycle_s:g} s is shorter than min_on_s and min_off_s together, {least_s:g} s"
        yield Finding((*path, "cycle_s"), message, "make it longer, best 10 times min_on_s")
    if keys.analog is None:
        return
    for key in _RELAY_KEYS:
        if key in keys.model_fields_set:
            yield Finding((*path, key), "is for relays, but the output is analog", f"leave {key} or analog out")
    if outputs > 1:
        yield Finding((*path, "analog"), f"one analog output is driven, {outputs} are named", "name one")
    try:
        analog_options(keys.analog)
    except ValueError as fault:
        key = "high" if keys.analog.low == keys.analog.high else "least_stroke"
        yield Finding((*path, "analog", key), str(fault))


def _wired_sensors(thermostat: ThermostatSettings) -> list[ChannelRef]:
    return [channel_ref(sensor.channel) for sensor in thermostat.sensors if sensor.channel is not None]


def _limiter(path: Path, thermostat: ThermostatSettings) -> Iterator[Finding]:
    limiter = thermostat.limiter
    if limiter is None:
        return
    try:
        limiter_options(limiter)
    except ValueError as fault:
        yield Finding((*path, "limiter", "limit_c"), str(fault))
    if channel_ref(limiter.sensor) in _wired_sensors(thermostat):
        message = "is a sensor of the thermostat too: when it lies, nothing limits"
        yield Finding((*path, "limiter", "sensor"), message, "give the limiter a sensor of its own", is_warning=True)


def _schedule(path: Path, schedule: ScheduleSettings, thermostat: ThermostatSettings) -> Iterator[Finding]:
    if schedule.zone is None and (doubt := machine_zone().doubt):
        remedy = "write the zone of the house, as in zone: Europe/Berlin"
        yield Finding((*path, "zone"), f"{doubt}: switching times are taken as UTC", remedy, is_warning=True)
    days: dict[str, tuple[str, ...]] = {}
    for key, lines in schedule.days.items():
        faults = [*_entries((*path, key), lines, thermostat)] or [*_day((*path, key), key, lines, days)]
        yield from faults
        if not faults:
            days[key] = lines
    if not any(schedule.days.values()):
        yield Finding(path, "has no switching time", 'write for example daily: ["06:30 comfort", "22:00 eco"]')


def _entries(path: Path, lines: tuple[str, ...], thermostat: ThermostatSettings) -> Iterator[Finding]:
    low, high = thermostat.minimum_c, thermostat.maximum_c
    for place, line in enumerate(lines):
        try:
            wanted = parse_entry(line).wanted
        except ValueError as fault:
            yield Finding((*path, place), str(fault))
        else:
            if not isinstance(wanted, Preset) and low < high and not low <= wanted <= high:
                message = f"{wanted:g} °C is outside minimum_c {low:g} and maximum_c {high:g}"
                yield Finding((*path, place), message, "choose a value inside them")


def _day(path: Path, key: str, lines: tuple[str, ...], days: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """`key` beside the `days` before it; its lines are right one by one."""
    if key != _EVERY_DAY and key.strip().lower() == _EVERY_DAY:
        yield Finding(path, "is not a day", f"did you mean {_EVERY_DAY!r}?")
        return
    try:
        parse_schedule({**days, key: lines or _SOME_LINES}, UTC)
    except ValueError as fault:
        yield Finding(path, str(fault), near(key, ScheduleSettings.model_fields))
