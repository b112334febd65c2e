"""What the owner settled about one thermostat of the house: which channels it uses, and what it is to do with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from lucid2mqtt.control.deadman import DriveWish, HoldWindow
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.presets import Preset, PresetOptions
from lucid2mqtt.control.schedule import Schedule
from lucid2mqtt.control.wear import RATED_CLOSURES
from lucid2mqtt.control.window import WindowOptions
from lucid2mqtt.domain.names import ChannelRef, is_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateOptions:
    """Channels by name; those need not be plugged in. ValueError for what does not fit together.

    `mode`, `target_c` and `preset` hold until somebody chooses otherwise. `window` None: windows are not watched.
    """

    name: str  # slug, as it stands in topics
    label: str = ""  # the user's own words
    sensors: tuple[ChannelRef, ...]  # °C, the first counts most
    heating: tuple[ChannelRef, ...] = ()  # relays in the order of the bank, or one analog output
    cooling: tuple[ChannelRef, ...] = ()
    limiter: ChannelRef | None = None
    outdoor: ChannelRef | None = None
    window_contact: ChannelRef | None = None
    window_open_is: bool = True  # what the contact reads while the window is open
    control: ThermostatOptions = field(default_factory=ThermostatOptions)
    presets: PresetOptions = field(default_factory=PresetOptions)
    schedule: Schedule | None = None
    starts_early: bool = True  # so that it is warm at the switching time, once an autotune knows the room
    window: WindowOptions | None = None
    drive: DriveWish = DriveWish.AUTO  # of relays; an analog output keeps its value whatever happens to us
    hold: HoldWindow = field(default_factory=HoldWindow)
    mode: Mode = Mode.HEAT
    target_c: float = 21.0
    preset: Preset = Preset.NONE
    rated_closures: int = RATED_CLOSURES

    def __post_init__(self) -> None:
        if not is_slug(self.name):
            raise ValueError(f"{self.name!r} cannot stand in a topic; use a-z, 0-9, - and _")
        if not self.sensors:
            raise ValueError(f"thermostat {self.name} needs a temperature sensor")
        for what, outputs, drive in (("heating", self.heating, self.control.heating), ("cooling", self.cooling, self.control.cooling)):
            expected = _outputs_of(drive)
            if len(outputs) != expected:
                raise ValueError(f"thermostat {self.name}: {what} needs {expected} outputs, {len(outputs)} are named")
        if len(set(self.outputs)) != len(self.outputs):
            raise ValueError(f"thermostat {self.name} names an output twice")
        if (self.limiter is None) is not (self.control.limiter is None):
            raise ValueError(f"thermostat {self.name}: a limiter needs both its sensor and its limit")
        if self.window_contact is not None and self.window is None:
            raise ValueError(f"thermostat {self.name} has a window contact, but windows are not watched")
        if self.mode not in self.modes:
            raise ValueError(f"thermostat {self.name} has nothing to {self.mode} with")

    @property
    def outputs(self) -> tuple[ChannelRef, ...]:
        """Everything that is claimed."""
        return self.heating + self.cooling

    @property
    def at_rest(self) -> dict[ChannelRef, bool | float]:
        """What every output is while there is neither heat nor cold: False, or the low end of an analog one."""
        drives = dict.fromkeys(self.heating, self.control.heating) | dict.fromkeys(self.cooling, self.control.cooling)
        return {output: drive.analog.low if drive is not None and drive.analog is not None else False for output, drive in drives.items()}

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What can be chosen with these outputs."""
        possible = {Mode.HEAT: bool(self.heating), Mode.COOL: bool(self.cooling), Mode.AUTO: bool(self.heating and self.cooling)}
        return tuple(mode for mode in Mode if possible.get(mode, True))

    @property
    def owner(self) -> str:
        """Whose name stands in the log, and in the refusal of everybody else's orders."""
        return f"thermostat {self.name}"


def _outputs_of(drive: DriveOptions | None) -> int:
    if drive is None:
        return 0
    return 1 if drive.analog is not None else drive.bank.heaters
