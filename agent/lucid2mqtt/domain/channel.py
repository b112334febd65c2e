"""What a module and its channels are, for everybody who shows or commands them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.domain.names import ChannelRef


class ChannelKind(StrEnum):
    """The hardware behind a channel."""

    DIGITAL_INPUT = "digital input"
    DIGITAL_OUTPUT = "digital output"
    ANALOG_INPUT = "analog input"
    ANALOG_OUTPUT = "analog output"
    TEMPERATURE = "temperature input"

    @property
    def is_output(self) -> bool:
        return self in (ChannelKind.DIGITAL_OUTPUT, ChannelKind.ANALOG_OUTPUT)


class Signal(StrEnum):
    """What the value of a channel means, with the type of `Reading.value`."""

    STATE = "state"  # bool
    TOTAL = "total"  # int or float: counted since the total was begun, never falls
    WINDOW = "window"  # int or float: counts of the module's last count-time window
    EDGE = "edge"  # int: edge events seen since the total was begun
    VOLTAGE = "voltage"  # float, V unless scaled
    CURRENT = "current"  # float, mA unless scaled
    TEMPERATURE = "temperature"  # float, °C unless scaled


class Contact(StrEnum):
    """How a digital output switches; the vendor calls relays unsuited to continuous switching."""

    RELAY = "relay"
    SOLID_STATE = "solid state"
    OPEN_COLLECTOR = "open collector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel as users see it. `minimum`, `maximum` and `step` are in `unit`, for analog outputs only."""

    ref: ChannelRef
    number: int
    kind: ChannelKind
    signal: Signal
    label: str  # the user's own words, or "Relay 0"
    unit: str = ""  # "V", "mA", "°C", "bar"; empty where the value has none
    decimals: int | None = None  # digits published after the point; None for bool and plain counts
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    poll_s: float = 1.0
    deadband: float = 0.0  # in `unit`; 0: every change of the value is news
    min_interval_s: float = 0.0
    max_interval_s: float = 60.0  # the heartbeat
    device_class: str | None = None  # Home Assistant's word, checked against signal and unit by the settings
    contact: Contact | None = None

    @property
    def is_output(self) -> bool:
        return self.kind.is_output


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module as users see it; `channels` holds the enabled ones, ascending by number."""

    name: str  # slug
    label: str
    family: str  # "RI4"
    type_text: str  # "Pt1000, -180..180 °C"
    serial: int
    firmware: int
    hardware: int
    channels: tuple[Channel, ...]
