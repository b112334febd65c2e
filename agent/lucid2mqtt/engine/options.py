"""What the user settled about modules and channels; frozen, checked by the settings, defaults for everything found unasked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Hold = Literal["hold"]
HOLD: Final[Hold] = "hold"

DeclaredState = Hold | bool | float
"""What an output is put to when something happens: left as it is, a switch state, or volts/milliamperes in the channel's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """One channel. Limits, dead band, `offset` and states of analog channels are in the channel's own (scaled) unit."""

    name: str | None = None  # the user's words; the slug is made from them
    enabled: bool = True
    poll_s: float | None = None  # None: as the module
    deadband: float = 0.0
    min_interval_s: float = 0.0
    max_interval_s: float = 60.0
    offset: float = 0.0  # added after scaling
    scale: float = 1.0  # not 0
    decimals: int | None = None  # None: as the value type gives
    unit: str | None = None
    device_class: str | None = None
    start: DeclaredState = HOLD
    exit: DeclaredState = HOLD
    on_broker_loss: DeclaredState = HOLD
    broker_loss_after_s: float = 60.0
    max_on_s: float | None = None
    pulse_s: float | None = None  # every ON ends after this time
    minimum: float | None = None  # analog outputs: narrows the range of the module's type
    maximum: float | None = None
    valid_min: float | None = None  # inputs: a value below is UNDER_RANGE
    valid_max: float | None = None  # inputs: a value above is OVER_RANGE


@dataclass(frozen=True, slots=True)
class ParameterSetting:
    """A module parameter to check at every arrival; `value` as text ("count"), number or flag. Persistent writes wear the memory."""

    value: str | float | bool
    persistent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleOptions:
    """One module, found by `serial`, or by `port` (a device path or address); with neither: the defaults for modules nobody named."""

    serial: int | None = None
    port: str | None = None
    name: str | None = None
    poll_s: float = 1.0
    channels: Mapping[int, ChannelOptions] = field(default_factory=lambda: MappingProxyType({}))
    parameters: Mapping[int, Mapping[str, ParameterSetting]] = field(default_factory=lambda: MappingProxyType({}))
    activate: bool = True  # wake enabled channels that the module reports as inactive

    def channel(self, number: int) -> ChannelOptions:
        """The options of channel `number`; the defaults when the user said nothing about it."""
        return self.channels.get(number, _DEFAULT_CHANNEL)


_DEFAULT_CHANNEL = ChannelOptions()
