"""Names and describes the channels of a module: identity, options and present modes become what users see."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lucid2mqtt.domain.channel import Channel, ChannelKind, Contact, Module, Signal
from lucid2mqtt.domain.names import ChannelRef, heading, slug
from lucid2mqtt.domain.shaping import Shape, shape_for
from lucid2mqtt.engine.arrival import ChannelState
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.point import Count, Point
from lucid2mqtt.engine.tally import TallyBook
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.parameters import InputMode
from lucid2mqtt.lucid.values import ValueType, unit

FINEST_STEP = 0.001
"""Home Assistant takes no finer step for a number."""

WARM_UP_S = 0.5
"""How long a channel that was just woken is not read, per channel the module scans in turn: until then it may show anything.
The 2013 manual gives a temperature module 500 ms per sensor (protocol page 7.6); for analog inputs it is a guess on the safe side."""

_EDGES = frozenset({InputMode.RISING, InputMode.FALLING})
_SCANNED = frozenset({ChannelKind.ANALOG_INPUT, ChannelKind.TEMPERATURE})
_COUNTED = frozenset({Signal.TOTAL, Signal.EDGE})

_log = logging.getLogger(__name__)


def default_name(identity: Identity, module_type: ModuleType) -> str:
    """The slug of a module nobody named: "ri4-591921152"."""
    return f"{module_type.family.name}-{identity.serial}".lower()


def default_label(identity: Identity, module_type: ModuleType) -> str:
    """What a module nobody named is called: "RI4 591921152"."""
    return f"{module_type.family.name} {identity.serial}"


def channel_slugs(options: ModuleOptions, module_type: ModuleType) -> Mapping[int, str]:
    """A slug for every channel, unique in the module: from the user's name, else the number. A name that is taken is not used."""
    slugs: dict[int, str] = {}
    taken: set[str] = set()
    for number in sorted(module_type.family.channels, key=lambda known: (options.channel(known).name is None, known)):
        name = options.channel(number).name
        wanted = str(number) if name is None else slug(name)
        if wanted in taken:
            _log.warning("the channel name %s is used twice, channel %d is called channel-%d", wanted, number, number)
            wanted = f"channel-{number}"
        slugs[number] = wanted
        taken.add(wanted)
    return slugs


@dataclass(frozen=True, slots=True)
class Fitting:
    """Everything needed to put the channels of one module in service."""

    identity: Identity
    module_type: ModuleType
    name: str
    label: str
    options: ModuleOptions
    tallies: TallyBook

    def fit(self, states: Mapping[int, ChannelState]) -> tuple[Module, tuple[Point, ...]]:
        """The module as users see it and its points, for the channels in `states`."""
        points = tuple(self._points(states))
        module = Module(
            name=self.name,
            label=self.label,
            family=self.module_type.family.name,
            type_text=self.module_type.text,
            serial=self.identity.serial,
            firmware=self.identity.firmware,
            hardware=self.identity.hardware,
            channels=tuple(point.channel for point in points),
        )
        return module, points

    def _points(self, states: Mapping[int, ChannelState]) -> Iterator[Point]:
        slugs = channel_slugs(self.options, self.module_type)
        warm_up_s = WARM_UP_S * sum(state.is_active for state in states.values())
        for number, state in sorted(states.items()):
            options = self.options.channel(number)
            kind = self.module_type.family.block_of(number).kind
            types = self.module_type.read_types(number)
            if kind is ChannelKind.DIGITAL_INPUT and state.mode == InputMode.COUNT:
                types = (ValueType.CNT2,)
            signal = _signal(kind, types[0], state)
            shape = shape_for(signal, scale=options.scale, offset=options.offset, decimals=options.decimals)
            yield Point(
                self._channel(ChannelRef(self.name, slugs[number]), number, kind, signal, types[0], shape),
                options,
                self.module_type,
                key=f"{self.identity.serial}/{number}",
                types=types,
                shape=shape,
                count=self._count(number, signal, state),
                is_active=state.is_active,
                reading_clears=state.resets or signal is Signal.EDGE,
                warm_up_s=warm_up_s if state.was_asleep and kind in _SCANNED else 0.0,
            )

    def _channel(self, ref: ChannelRef, number: int, kind: ChannelKind, signal: Signal, value_type: ValueType, shape: Shape) -> Channel:
        options = self.options.channel(number)
        contact = self.module_type.contact if kind is ChannelKind.DIGITAL_OUTPUT else None
        minimum, maximum = self._limits(options, shape) if kind is ChannelKind.ANALOG_OUTPUT else (None, None)
        return Channel(
            ref=ref,
            number=number,
            kind=kind,
            signal=signal,
            label=heading(options.name) if options.name else f"{_noun(kind, signal, contact)} {number}",
            unit=unit(value_type) if options.unit is None else options.unit,
            decimals=shape.decimals,
            minimum=minimum,
            maximum=maximum,
            step=_step(shape) if kind is ChannelKind.ANALOG_OUTPUT else None,
            poll_s=options.poll_s or self.options.poll_s,
            deadband=options.deadband,
            min_interval_s=options.min_interval_s,
            max_interval_s=options.max_interval_s,
            device_class=options.device_class,
            contact=contact,
        )

    def _limits(self, options: ChannelOptions, shape: Shape) -> tuple[float | None, float | None]:
        """The range of the type in the user's unit, narrowed by the user's own limits."""
        if self.module_type.minimum is None or self.module_type.maximum is None:
            return options.minimum, options.maximum
        low, high = sorted((shape.apply(self.module_type.minimum), shape.apply(self.module_type.maximum)))
        return (
            low if options.minimum is None else max(low, options.minimum),
            high if options.maximum is None else min(high, options.maximum),
        )

    def _count(self, number: int, signal: Signal, state: ChannelState) -> Count | None:
        if signal not in _COUNTED:
            return None
        tally = self.tallies.open(f"{self.identity.serial}/{number}/{signal.value}")
        tally.interrupted()
        # reading takes a pending edge away, so each 1 is one more (inferred: protocol page 7.1)
        return tally.resetting if state.resets or signal is Signal.EDGE else tally.running


def _signal(kind: ChannelKind, value_type: ValueType, state: ChannelState) -> Signal:
    match kind:
        case ChannelKind.DIGITAL_INPUT if state.mode == InputMode.COUNT:
            return Signal.TOTAL if state.adds else Signal.WINDOW
        case ChannelKind.DIGITAL_INPUT if state.mode in _EDGES:
            return Signal.EDGE
        case ChannelKind.DIGITAL_INPUT | ChannelKind.DIGITAL_OUTPUT:
            return Signal.STATE
        case ChannelKind.ANALOG_INPUT | ChannelKind.ANALOG_OUTPUT:
            return Signal.CURRENT if value_type is ValueType.CUS4 else Signal.VOLTAGE
        case ChannelKind.TEMPERATURE:
            return Signal.TEMPERATURE


def _noun(kind: ChannelKind, signal: Signal, contact: Contact | None) -> str:
    match kind:
        case ChannelKind.DIGITAL_INPUT:
            return {Signal.STATE: "Input", Signal.EDGE: "Edge"}.get(signal, "Counter")
        case ChannelKind.DIGITAL_OUTPUT:
            return "Relay" if contact is Contact.RELAY else "Output"
        case ChannelKind.ANALOG_INPUT:
            return "Input"
        case ChannelKind.ANALOG_OUTPUT:
            return "Output"
        case ChannelKind.TEMPERATURE:
            return "Temperature"


def _step(shape: Shape) -> float:
    return FINEST_STEP if shape.decimals is None else max(FINEST_STEP, 10.0**-shape.decimals)
