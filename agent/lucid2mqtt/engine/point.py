"""One channel in service: what the wire says becomes a reading, what is ordered becomes bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from lucid2mqtt.domain.channel import Channel, ChannelKind
from lucid2mqtt.domain.counter import PulseCount
from lucid2mqtt.domain.reading import Quality, Reading, Value
from lucid2mqtt.domain.shaping import Shape
from lucid2mqtt.engine.options import ChannelOptions
from lucid2mqtt.engine.orders import Order, Toggle
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.lucid.assumptions import judge
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.values import ValueType, encode

LONGEST_PULSE_S = 7 * 86400.0

_JUDGED = frozenset({ChannelKind.ANALOG_INPUT, ChannelKind.TEMPERATURE})
_STUCK = "the counter stands at 65535: it may have stopped there, pulses may be missing"

Count = Callable[[int, float], PulseCount]
"""Brings a total up to date from a raw counter value taken at a loop time."""


class Point:
    """An enabled channel of a module that is there.

    `value_type`, one of `types`, is what it is read and written with; the poller changes it when the module refuses the first choice.
    `key` ("serial/number") names it on disk: slugs may change with the settings. `answered_at` is the loop time of its last reading of whatever quality. With `reading_clears` a reading takes counts or an edge away
    from whoever reads next.
    """

    def __init__(
        self,
        channel: Channel,
        options: ChannelOptions,
        module_type: ModuleType,
        *,
        types: tuple[ValueType, ...],
        key: str,
        shape: Shape,
        count: Count | None = None,
        is_active: bool = True,
        warm_up_s: float = 0.0,
        reading_clears: bool = False,
    ) -> None:
        self.channel = channel
        self.key = key
        self.options = options
        self.number = channel.number
        self.types = types
        self.value_type = types[0]
        self.is_active = is_active
        self.warm_up_s = warm_up_s
        self.reading_clears = reading_clears
        self.answered_at = -math.inf
        self._type = module_type
        self._is_judged = channel.kind in _JUDGED
        self._shape = shape
        self._count = count
        self._valid_min = -math.inf if options.valid_min is None else options.valid_min
        self._valid_max = math.inf if options.valid_max is None else options.valid_max
        self._tolerance = _output_step(channel)

    @property
    def is_switch(self) -> bool:
        return self.channel.kind is ChannelKind.DIGITAL_OUTPUT

    def reading(self, raw: Value, taken_at: datetime, at: float) -> Reading:
        """The reading of a decoded wire value that was taken at wall time `taken_at`, loop time `at`."""
        self.answered_at = at
        value = raw
        if self._count is not None:
            count = self._count(int(raw), at)
            if count.stuck:
                return self.fault(Quality.OVER_RANGE, _STUCK, taken_at)
            value = count.total
        elif self._is_judged:
            quality, reason = judge(self._type, self.number, raw)
            if quality is not Quality.GOOD:
                return self.fault(quality, reason, taken_at)
        value = self._shape.apply(value)
        if value < self._valid_min:
            return self.fault(Quality.UNDER_RANGE, f"{self.show_value(value)} is below valid_min {self._valid_min:g}", taken_at)
        if value > self._valid_max:
            return self.fault(Quality.OVER_RANGE, f"{self.show_value(value)} is above valid_max {self._valid_max:g}", taken_at)
        return Reading(channel=self.channel.ref, value=value, unit=self.channel.unit, quality=Quality.GOOD, taken_at=taken_at)

    def fault(self, quality: Quality, reason: str, taken_at: datetime) -> Reading:
        """A reading without a value."""
        return Reading(channel=self.channel.ref, value=None, unit=self.channel.unit, quality=quality, taken_at=taken_at, reason=reason)

    def check_order(self, order: Order) -> None:
        """Raises RequestRejected when the channel cannot take the value, whatever its present state."""
        if self.is_switch:
            if not isinstance(order.value, bool | Toggle):
                raise RequestRejected(
                    Reason.NOT_UNDERSTOOD, f"{order.channel} is a switch, {order.value} is no state", "send ON, OFF or TOGGLE"
                )
            self._check_for_s(order)
        else:
            self._check_number(order)

    def _check_for_s(self, order: Order) -> None:
        if order.for_s is None:
            return
        if order.value is False:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{order.channel}: only ON can be limited in time", "send OFF without for_s")
        if not 0 < order.for_s <= LONGEST_PULSE_S:  # NaN too
            raise RequestRejected(
                Reason.OUT_OF_RANGE,
                f"{order.channel}: for_s {order.for_s:g} s is not within 0..{LONGEST_PULSE_S:g} s",
                "choose a time within",
            )

    def _check_number(self, order: Order) -> None:
        value = order.value
        if isinstance(value, bool | Toggle):
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{order.channel} takes a number of {self.channel.unit}", "send a number")
        if order.for_s is not None:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{order.channel} is no switch, for_s has no meaning", "leave for_s out")
        low, high = self.channel.minimum, self.channel.maximum
        is_inside = math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)
        try:
            if is_inside:
                self.encode(value)
        except ValueError:
            is_inside = False
        if not is_inside:
            limits = f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'} {self.channel.unit}"
            raise RequestRejected(
                Reason.OUT_OF_RANGE, f"{order.channel}: {value:g} is not within {limits}", f"send a number within {limits}"
            )

    def encode(self, value: bool | float) -> bytes:
        """The wire bytes of a value in the channel's unit; ValueError when it does not fit."""
        if isinstance(value, bool):
            return encode(self.value_type, value)
        wire = self._shape.inverse(value)
        if self._type.minimum is not None and self._type.maximum is not None:
            wire = min(max(wire, self._type.minimum), self._type.maximum)  # the limits are checked: this is float noise
        return encode(self.value_type, wire)

    def declared(self, state: bool | float) -> bool | float:
        """A state from the settings as a value of this output: "off" of an analog output is its value nearest to 0."""
        if self.is_switch or not isinstance(state, bool):
            return state
        if state:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{self.channel.ref} cannot be put ON", f"declare a number of {self.channel.unit}")
        low, high = self.channel.minimum, self.channel.maximum
        nearest = 0.0 if low is None else max(0.0, low)
        return nearest if high is None else min(nearest, high)

    def shows(self, reading: Reading, value: bool | float) -> bool:
        """True when `reading` is what an output looks like after `value` was written, give or take one step of its converter."""
        if reading.value is None:
            return False
        if isinstance(value, bool):
            return reading.value is value
        return abs(reading.value - value) <= self._tolerance

    def show(self, reading: Reading | None) -> str:
        """A reading in words, for logs and messages."""
        if reading is None:
            return "unknown"
        return reading.quality.value if reading.value is None else self.show_value(reading.value)

    def show_value(self, value: Value) -> str:
        """A value in words: "ON", "2.5 V"."""
        if isinstance(value, bool):
            return "ON" if value else "OFF"
        return f"{value:g} {self.channel.unit}".rstrip()


def _output_step(channel: Channel) -> float:
    """One step of a 12-bit output (protocol page 10), in the channel's unit; its published step where the range is unknown."""
    published = channel.step or 0.0
    if channel.minimum is None or channel.maximum is None:
        return published
    return max(published, (channel.maximum - channel.minimum) / 4096)
