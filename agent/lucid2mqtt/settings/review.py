"""What no single key shows: names that clash, channels and parameters the family does not have, limits, units, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from lucid2mqtt.domain.channel import ChannelKind, Signal
from lucid2mqtt.domain.device_classes import CONTACT_CLASSES, NUMERIC_CLASSES, SWITCH_CLASSES, class_objection, unit_objection
from lucid2mqtt.domain.names import RESERVED_MODULE_NAMES, slug
from lucid2mqtt.lucid.families import Family
from lucid2mqtt.lucid.parameters import find_parameter, parameters_of
from lucid2mqtt.settings.declared import FAMILY_BY_NAME, Declared
from lucid2mqtt.settings.fields import parse_broker_url
from lucid2mqtt.settings.findings import Finding
from lucid2mqtt.settings.modules import ChannelSettings, ModuleSettings
from lucid2mqtt.settings.schema import MqttSettings, Settings, TlsSettings
from lucid2mqtt.settings.suggestions import suggestion
from lucid2mqtt.settings.tree import Path, dotted

_LONGEST_SOCKET_PATH = 107
"""Bytes a unix socket's address can hold on Linux (unix(7))."""

_OUTPUTS = frozenset({ChannelKind.DIGITAL_OUTPUT, ChannelKind.ANALOG_OUTPUT})
_INPUTS = frozenset(ChannelKind) - _OUTPUTS
_SWITCHES = frozenset({ChannelKind.DIGITAL_OUTPUT})
_KINDS_OF_KEY: dict[str, frozenset[ChannelKind]] = {
    "valid_min": _INPUTS,
    "valid_max": _INPUTS,
    "start": _OUTPUTS,
    "exit": _OUTPUTS,
    "on_broker_loss": _OUTPUTS,
    "broker_loss_after_s": _OUTPUTS,
    "max_on_s": _SWITCHES,
    "pulse": _SWITCHES,
    "minimum": frozenset({ChannelKind.ANALOG_OUTPUT}),
    "maximum": frozenset({ChannelKind.ANALOG_OUTPUT}),
}
_STATE_KEYS = ("start", "exit", "on_broker_loss")
_PAIRS = (("valid_min", "valid_max"), ("minimum", "maximum"), ("min_interval_s", "max_interval_s"))
_SIGNALS: dict[ChannelKind, tuple[Signal, ...]] = {
    ChannelKind.DIGITAL_INPUT: (Signal.STATE, Signal.TOTAL, Signal.WINDOW, Signal.EDGE),
    ChannelKind.DIGITAL_OUTPUT: (Signal.STATE,),
    ChannelKind.ANALOG_INPUT: (Signal.VOLTAGE,),
    ChannelKind.ANALOG_OUTPUT: (Signal.VOLTAGE,),
    ChannelKind.TEMPERATURE: (Signal.TEMPERATURE,),
}


def review(settings: Settings, written: Callable[[Path], Path] = lambda path: path) -> Iterator[Finding]:
    """Everything that is wrong or doubtful although each key by itself is right; `written` gives the path in the file for one of `settings`."""
    yield from _mqtt(settings.mqtt)
    yield from _certificates(("port_tls",), settings.port_tls)
    if len(bytes(settings.console.path)) > _LONGEST_SOCKET_PATH:
        yield Finding(("console", "path"), f"is longer than {_LONGEST_SOCKET_PATH} bytes", "choose a shorter path, such as one in /run")
    modules = settings.modules
    yield from _same_module(modules, written)
    yield from _same_names(((("modules", number), module.name) for number, module in enumerate(modules)), RESERVED_MODULE_NAMES)
    for number, module in enumerate(modules):
        yield from _module(("modules", number), module)
    yield from _same_names(((("thermostats", number), one.name) for number, one in enumerate(settings.thermostats)), RESERVED_MODULE_NAMES)
    if settings.thermostats:
        from lucid2mqtt.settings.thermostat_review import review_thermostats  # noqa: PLC0415  loading control takes a part of every start

        yield from review_thermostats(settings)
    yield from _passthrough(settings)


def _mqtt(mqtt: MqttSettings) -> Iterator[Finding]:
    yield from _files(("mqtt",), {"password_file": mqtt.password_file})
    yield from _certificates(("mqtt", "tls"), mqtt.tls)
    scheme = parse_broker_url(mqtt.url).scheme
    if scheme not in ("mqtts", "wss") and mqtt.tls != TlsSettings():
        yield Finding(("mqtt", "tls"), f"certificates, but {scheme}:// is not encrypted", "write mqtts:// or wss:// in url")


def _certificates(path: Path, tls: TlsSettings) -> Iterator[Finding]:
    yield from _files(path, {"ca": tls.ca, "cert": tls.cert, "key": tls.key})


def _files(path: Path, files: Mapping[str, FilePath | None]) -> Iterator[Finding]:
    for key, file in files.items():
        if file is not None and (fault := _unreadable(file)):
            yield Finding((*path, key), f"{file} cannot be read: {fault}", "check the path and who may read it")


def _unreadable(file: FilePath) -> str | None:
    try:
        file.read_text(encoding="utf-8")
    except OSError as fault:
        return fault.strerror or str(fault)
    except UnicodeDecodeError:
        return "it is not text"
    return None


def _same_module(modules: Sequence[ModuleSettings], written: Callable[[Path], Path]) -> Iterator[Finding]:
    seen: dict[tuple[int | None, str | None], int] = {}
    for number, module in enumerate(modules):
        matched = (module.match.serial, module.match.port)
        if matched in seen:
            first = dotted(written(("modules", seen[matched])))
            yield Finding(("modules", number, "match"), f"this module is described by {first} already", "put both into one entry")
        seen.setdefault(matched, number)


def _same_names(named: Iterable[tuple[Path, str | None]], reserved: frozenset[str] = frozenset()) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, name in named:
        if name is None:
            continue
        topic = slug(name)
        if topic in reserved:
            yield Finding((*path, "name"), f"{topic!r} is a topic of our own", "choose another name")
        elif topic in seen:
            same = "" if seen[topic] == name else f", as {seen[topic]!r} does"
            yield Finding((*path, "name"), f"{name!r} is taken: it would use the topic {topic!r}{same}", "choose another name")
        seen.setdefault(topic, name)


def _passthrough(settings: Settings) -> Iterator[Finding]:
    declared = Declared(settings.modules)
    for number, listener in enumerate(settings.passthrough):
        path = ("passthrough", number)
        if listener.module is not None and (doubt := declared.module(slug(listener.module))[1]) is not None and not doubt.is_warning:
            yield Finding((*path, "module"), doubt.message, doubt.remedy, is_warning=True)
        if listener.port is not None and str(listener.port) in settings.ports:
            message = f"{listener.port} is in ports too: it is searched for a module and kept from the listener's clients"
            yield Finding((*path, "port"), message, "take it out of ports", is_warning=True)


def _module(path: Path, module: ModuleSettings) -> Iterator[Finding]:
    yield from _same_names(((*path, "channels", str(number)), channel.name) for number, channel in module.channels.items())
    for number, channel in module.channels.items():
        if channel.name is not None and slug(channel.name).isdigit() and int(slug(channel.name)) != number:
            yield Finding((*path, "channels", str(number), "name"), f"{channel.name!r} is the number of another channel", "choose a word")
    family = None
    if module.family is not None:
        family = FAMILY_BY_NAME.get(module.family.upper())
        if family is None:
            yield Finding((*path, "family"), f"{module.family!r} is no family", suggestion(module.family, FAMILY_BY_NAME))
    for number, channel in module.channels.items():
        where = (*path, "channels", str(number))
        yield from _limits(where, channel)
        if family is None:
            yield from _device_class(where, channel)
        elif number not in family.channels:
            yield _no_such_channel(where, number, family)
        else:
            yield from _channel_of_kind(where, channel, family.block_of(number).kind)
    yield from _parameters((*path, "parameters"), module, family)


def _no_such_channel(path: Path, number: int, family: Family) -> Finding:
    return Finding(path, f"a {family.name} has no channel {number}", f"its channels are 0 to {family.channels[-1]}")


def _limits(path: Path, channel: ChannelSettings) -> Iterator[Finding]:
    for low_key, high_key in _PAIRS:
        low, high = getattr(channel, low_key), getattr(channel, high_key)
        if low is not None and high is not None and low > high:
            yield Finding((*path, low_key), f"{low:g} is above {high_key}, {high:g}", "swap them")
    for key in _STATE_KEYS:
        state = getattr(channel, key)
        if isinstance(state, float | int) and not isinstance(state, bool) and not _within(state, channel.minimum, channel.maximum):
            yield Finding((*path, key), f"{state:g} is outside minimum and maximum", "choose a value inside them")


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _device_class(path: Path, channel: ChannelSettings) -> Iterator[Finding]:
    """The part that can be judged without knowing what kind of channel it is."""
    name = channel.device_class
    if name is None or name in CONTACT_CLASSES | SWITCH_CLASSES:
        return
    if name not in NUMERIC_CLASSES:
        known = sorted({*CONTACT_CLASSES, *SWITCH_CLASSES, *NUMERIC_CLASSES})
        yield Finding((*path, "device_class"), f"{name!r} is no device class", suggestion(name, known))
    elif channel.unit is not None and (objection := unit_objection(name, channel.unit)):
        yield Finding((*path, "unit"), objection)


def _channel_of_kind(path: Path, channel: ChannelSettings, kind: ChannelKind) -> Iterator[Finding]:
    for key in _KINDS_OF_KEY.keys() & channel.model_fields_set:
        if kind not in _KINDS_OF_KEY[key]:
            yield Finding((*path, key), f"this channel is a {kind}", f"leave {key} out")
    for key in _STATE_KEYS:
        state = getattr(channel, key)
        if kind is ChannelKind.DIGITAL_OUTPUT and not isinstance(state, bool | str):
            yield Finding((*path, key), f"a {kind} cannot be {state:g}", "write hold, on or off")
        elif kind is ChannelKind.ANALOG_OUTPUT and state is True:
            yield Finding((*path, key), f"an {kind} cannot be on", "write hold, off or a value in its unit")
    if channel.device_class is not None:
        objections = [
            class_objection(channel.device_class, signal, is_output=kind.is_output, unit=channel.unit) for signal in _SIGNALS[kind]
        ]
        if all(objections):
            yield Finding((*path, "device_class"), str(objections[0]))


def _parameters(path: Path, module: ModuleSettings, family: Family | None) -> Iterator[Finding]:
    for number, named in module.parameters.items():
        where = (*path, str(number))
        if family is not None and number not in family.channels:
            yield _no_such_channel(where, number, family)
            continue
        for name, setting in named.items():
            yield from _parameter((*where, name), number, setting.value, family)


def _parameter(path: Path, number: int, value: str | float | bool, family: Family | None) -> Iterator[Finding]:
    name = str(path[-1])
    candidates = [one for one in (FAMILY_BY_NAME.values() if family is None else [family]) if number in one.channels]
    known = {spelled for one in candidates for spelled in parameters_of(one, number)}
    if name.casefold() not in {spelled.casefold() for spelled in known}:
        what = "this channel" if family is not None else "any channel"
        yield Finding(path, f"no parameter of {what}", suggestion(name, sorted(known)))
        return
    if family is None:
        return
    parameter = find_parameter(family, number, name)
    try:
        parameter.encode(value, bytes(parameter.width))
    except ValueError as fault:
        yield Finding(path, str(fault))
