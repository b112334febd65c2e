"""The channels a thermostat names: whether they are there, are of the right kind, and whether somebody else wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.options import HOLD
from lucid2mqtt.engine.remote import REPEAT_S
from lucid2mqtt.settings.declared import Declared, Known
from lucid2mqtt.settings.findings import Finding
from lucid2mqtt.settings.modules import ChannelSettings
from lucid2mqtt.settings.thermostat_drive import DriveKeys
from lucid2mqtt.settings.thermostat_sources import SourceSettings, channel_ref
from lucid2mqtt.settings.thermostats import ThermostatSettings
from lucid2mqtt.settings.tree import Path

_THERMOMETERS = frozenset({ChannelKind.TEMPERATURE, ChannelKind.ANALOG_INPUT})
_CELSIUS = "°C"
_MODE = "outdimode"
_PLAIN_MODES = ("reflect", "1")


def review_channels(path: Path, thermostat: ThermostatSettings, declared: Declared, taken: dict[ChannelRef, str]) -> Iterator[Finding]:
    """`taken` are the outputs of the thermostats before, with whose they are; those of this one are added."""
    yield from _sensors(path, thermostat, declared)
    if thermostat.outdoor is not None and thermostat.outdoor.channel is not None:
        yield from _thermometer((*path, "outdoor"), declared.channel(channel_ref(thermostat.outdoor.channel)))
    limiter = thermostat.limiter
    if limiter is not None:
        known = declared.channel(channel_ref(limiter.sensor))
        yield from _thermometer((*path, "limiter", "sensor"), known)
        yield from _stale((*path, "limiter", "stale_s"), limiter.stale_s, known.poll_s)
    if thermostat.window is not None and thermostat.window.contact is not None:
        yield from _contact((*path, "window", "contact"), declared.channel(channel_ref(thermostat.window.contact)))
    if not thermostat.heater and not thermostat.cooler:
        yield Finding(path, "a thermostat needs a heater or a cooler", "name an output, as in heater: heaters/living")
    whose = f"thermostat {thermostat.name!r}"
    for key in ("heater", "cooler"):
        names: Sequence[str] = getattr(thermostat, key)
        drive = thermostat.drive_of(key)
        for place, name in enumerate(names):
            where = (*path, key, place) if len(names) > 1 else (*path, key)
            ref = channel_ref(name)
            if ref in taken:
                yield Finding(where, f"{ref} belongs to {taken[ref]} already", "choose another output")
            taken.setdefault(ref, whose)
            known = declared.channel(ref)
            yield from _output(where, known, is_analog=drive.analog is not None)
            if known.path and taken[ref] == whose:
                yield from _other_wishes((*known.path, "channels", str(known.number)), known.channel, f"the {key} of {whose}")
                yield from _other_settings(known, drive, f"the {key} of {whose}")


def _sensors(path: Path, thermostat: ThermostatSettings, declared: Declared) -> Iterator[Finding]:
    if not thermostat.sensors:
        yield Finding((*path, "sensors"), "a thermostat needs a temperature", "write it like sensors: [boiler/flow]")
    seen: set[ChannelRef | SourceSettings] = set()
    slowest_s = 0.0
    for place, source in enumerate(thermostat.sensors):
        where = (*path, "sensors", place)
        sensor = source if source.channel is None else channel_ref(source.channel)
        if sensor in seen:
            yield Finding(where, "this sensor is named twice", "leave one out")
        seen.add(sensor)
        if isinstance(sensor, ChannelRef):
            known = declared.channel(sensor)
            yield from _thermometer(where, known)
            slowest_s = max(slowest_s, known.poll_s)
        else:
            slowest_s = max(slowest_s, REPEAT_S)
    yield from _stale((*path, "sensing", "stale_s"), thermostat.sensing.stale_s, slowest_s)


def _stale(path: Path, stale_s: float, read_every_s: float) -> Iterator[Finding]:
    if stale_s <= read_every_s:
        yield Finding(path, f"a reading counts for {stale_s:g} s, but comes every {read_every_s:g} s", "make it several times as long")


def _thermometer(path: Path, known: Known) -> Iterator[Finding]:
    if known.doubt is not None:
        yield known.doubt.at(path)
    if known.kind is None:
        return
    if known.kind not in _THERMOMETERS:
        yield Finding(path, f"this is {_a(known.kind)}, it measures no temperature", "name a temperature input")
        return
    unit = known.channel.unit or (_CELSIUS if known.kind is ChannelKind.TEMPERATURE else "")
    if unit != _CELSIUS:
        what = f"is in {unit}" if unit else "is an analog input without a unit"
        yield Finding(path, f"this channel {what}, a thermostat counts in {_CELSIUS}", f"give it scale, offset and unit: {_CELSIUS}")


def _a(kind: ChannelKind) -> str:
    return f"an {kind}" if kind.startswith("a") else f"a {kind}"


def _contact(path: Path, known: Known) -> Iterator[Finding]:
    if known.doubt is not None:
        yield known.doubt.at(path)
    if known.kind not in (None, ChannelKind.DIGITAL_INPUT):
        yield Finding(path, f"this is {_a(known.kind)}, it cannot say open or closed", "name a digital input")


def _output(path: Path, known: Known, *, is_analog: bool) -> Iterator[Finding]:
    if known.doubt is not None:
        yield known.doubt.at(path)
    if known.kind is None:
        return
    if not known.kind.is_output:
        yield Finding(path, f"this is {_a(known.kind)}, it cannot be switched", "name an output")
    elif known.kind is ChannelKind.ANALOG_OUTPUT and not is_analog:
        yield Finding(path, "this is an analog output", "add its range, as in analog: {low: 0, high: 10}")
    elif known.kind is ChannelKind.DIGITAL_OUTPUT and is_analog:
        yield Finding(path, "this is a digital output, it has no range", "leave analog out")


def _other_wishes(path: Path, channel: ChannelSettings, whose: str) -> Iterator[Finding]:
    """What is declared for the output itself. Declared states skip an output that somebody holds; at the exit nobody does any more."""
    if channel.pulse is not None:
        yield Finding((*path, "pulse"), f"a pulse would end what {whose} is told", "leave it out")
    if channel.start not in (HOLD, False):
        yield Finding((*path, "start"), f"{whose} begins without heat or cold", "leave it out, or write off")
    if channel.exit is True:
        yield Finding((*path, "exit"), f"{whose} would stay on with nobody to watch it", "leave it out, or write off")
    if channel.max_on_s is not None:
        message = f"has no effect on {whose}, which decides itself"
        yield Finding((*path, "max_on_s"), message, "write longest_on_s at the thermostat", is_warning=True)
    if channel.on_broker_loss != HOLD:
        message = f"has no effect on {whose}, which needs no broker"
        yield Finding((*path, "on_broker_loss"), message, "leave it out", is_warning=True)


def _other_settings(known: Known, drive: DriveKeys, whose: str) -> Iterator[Finding]:
    """What the module is set to that keeps the output from doing as it is told."""
    for name, setting in known.parameters.items():
        if name.casefold() == _MODE and str(setting.value).casefold() not in _PLAIN_MODES:
            where = (*known.path, "parameters", str(known.number), name)
            yield Finding(where, f"{whose} needs a mode that keeps what it is told; the dead-man drive sets its own", "leave it out")
    if drive.analog is not None:
        for key, limit, beyond in (("minimum", known.channel.minimum, min), ("maximum", known.channel.maximum, max)):
            end = beyond(drive.analog.low, drive.analog.high)
            if limit is not None and beyond(end, limit) != limit:
                yield Finding(
                    (*known.path, "channels", str(known.number), key),
                    f"{limit:g} keeps {whose} from {end:g}",
                    "widen it, or narrow analog of the thermostat",
                )
