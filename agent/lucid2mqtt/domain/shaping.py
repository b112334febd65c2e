"""From the module's unit to the user's and back: scale, offset, digits."""

from __future__ import annotations

from dataclasses import dataclass

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.reading import Value

DEFAULT_DECIMALS = {Signal.VOLTAGE: 4, Signal.CURRENT: 4, Signal.TEMPERATURE: 2}
"""Digits published when the user said nothing: a step of 14 bits over 10 V is 0.6 mV, averaging gives finer; RTDs give 0.01 °C."""

_SCALED_COUNT_DECIMALS = 6  # a scaled count is a meter reading: keep what float arithmetic can keep without noise


@dataclass(frozen=True, slots=True)
class Shape:
    """`value * scale + offset`, rounded to `decimals` (None: the value's own digits). Switch states pass unchanged."""

    scale: float = 1.0
    offset: float = 0.0
    decimals: int | None = None

    def __post_init__(self) -> None:
        if self.scale == 0:
            raise ValueError("a scale of 0 makes every value the same; use any other number")

    @property
    def is_plain(self) -> bool:
        return self.scale == 1 and self.offset == 0

    def apply(self, value: Value) -> Value:
        """The value in the user's unit; whole counts stay whole unless scaled. Never -0.0."""
        if isinstance(value, bool) or (isinstance(value, int) and self.is_plain and self.decimals is None):
            return value
        shaped = value * self.scale + self.offset
        return (shaped if self.decimals is None else round(shaped, self.decimals)) + 0.0

    def inverse(self, value: float) -> float:
        """The value in the module's unit that is shown as `value`."""
        return (value - self.offset) / self.scale


def shape_for(signal: Signal, *, scale: float = 1.0, offset: float = 0.0, decimals: int | None = None) -> Shape:
    """The shape of a channel: the user's digits, else those of the signal; a scaled count gets six."""
    if signal is Signal.STATE:
        return Shape()
    if decimals is None:
        is_scaled = (scale, offset) != (1, 0)
        decimals = DEFAULT_DECIMALS.get(signal, _SCALED_COUNT_DECIMALS if is_scaled else None)
    return Shape(scale, offset, decimals)
