"""How the heaters of one direction are driven: relays by time proportioning, or an analog output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lucid2mqtt.control.analog_drive import AnalogDrive, AnalogOptions
from lucid2mqtt.control.proportioner import PulseOptions
from lucid2mqtt.control.saved import Document
from lucid2mqtt.control.staging import BankOptions, HeaterBank
from lucid2mqtt.domain.channel import Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveOptions:
    """Either relays (`bank`) or an analog output. Times in seconds; None: from the plant's dead time and the contact.

    `contact` None: what the module says when it arrives, a relay until then.
    """

    bank: BankOptions = field(default_factory=BankOptions)
    contact: Contact | None = None
    cycle_s: float | None = None
    min_on_s: float | None = None
    min_off_s: float | None = None
    analog: AnalogOptions | None = None


_RELAY_CYCLE_DEAD_TIMES = 1.75  # past two dead times the ripple grows fast, below one the wear does
_SHORTEST_RELAY_CYCLE_S = 60.0
_RELAY_MINIMUM_SHARE = 0.05  # of the cycle, as minimum on and off time
_SSR_CYCLE_DEAD_TIMES = 0.25
_SSR_CYCLES_S = (2.0, 60.0)


def pulses_for(options: DriveOptions, dead_time_s: float, learned: Contact | None = None) -> PulseOptions:
    """The times in force: what was settled, else a relay cycle below two dead times, or short ones where there is no wear.

    `learned` is what the module says of its contact, which counts where the options say nothing.
    """
    if (options.contact or learned or Contact.RELAY) is Contact.RELAY:
        proposed = max(_SHORTEST_RELAY_CYCLE_S, round(_RELAY_CYCLE_DEAD_TIMES * dead_time_s / 60.0) * 60.0)
        least_s = _RELAY_MINIMUM_SHARE * (options.cycle_s or proposed)
    else:
        proposed = min(max(_SSR_CYCLE_DEAD_TIMES * dead_time_s, _SSR_CYCLES_S[0]), _SSR_CYCLES_S[1])
        least_s = 0.0
    min_on_s = least_s if options.min_on_s is None else options.min_on_s
    min_off_s = least_s if options.min_off_s is None else options.min_off_s
    # a cycle below the minimum times could not be kept anyway
    return PulseOptions(cycle_s=options.cycle_s or max(proposed, min_on_s + min_off_s), min_on_s=min_on_s, min_off_s=min_off_s)


@dataclass(frozen=True, slots=True)
class Order:
    """What the outputs are to be put to: relays in the order of the settings, or volts/milliamperes."""

    relays: tuple[bool, ...] = ()
    analog: float | None = None
    delivered: float = 0.0  # the part of full power that flows with it, 0..1


class Drive:
    def __init__(self, options: DriveOptions, dead_time_s: float) -> None:
        self._options = options
        self._dead_time_s = dead_time_s
        self._contact: Contact | None = None
        self._outputs: HeaterBank | AnalogDrive
        self._outputs = AnalogDrive(options.analog) if options.analog else HeaterBank(options.bank, pulses_for(options, dead_time_s))

    def retime(self, dead_time_s: float) -> None:
        """Goes on with the times that suit this dead time, as far as they were left open."""
        self._dead_time_s = dead_time_s
        if isinstance(self._outputs, HeaterBank):
            self._outputs.retime(pulses_for(self._options, dead_time_s, self._contact))

    def learn_contact(self, contact: Contact | None) -> None:
        """What the module says of its contacts; None: nothing, which counts as a relay. What the owner settled outweighs it."""
        if contact is not self._contact:
            self._contact = contact
            self.retime(self._dead_time_s)

    def step(self, now: float, duty: float) -> Order:
        """What the outputs are to be for `duty` 0..1."""
        if isinstance(self._outputs, AnalogDrive):
            return Order(analog=self._outputs.step(duty), delivered=duty)
        relays = self._outputs.step(now, duty)
        return Order(relays=relays, delivered=self._outputs.delivered)

    def cut(self, now: float) -> Order:
        """Off at once."""
        if isinstance(self._outputs, AnalogDrive):
            return Order(analog=self._outputs.step(0.0))
        return Order(relays=self._outputs.cut(now))

    def next_switch_s(self, now: float) -> float:
        return self._outputs.next_switch_s(now) if isinstance(self._outputs, HeaterBank) else math.inf

    def saved(self) -> Document:
        return self._outputs.saved() if isinstance(self._outputs, HeaterBank) else {}

    def restore(self, document: Mapping[str, object]) -> None:
        """ValueError for a document that is not ours."""
        if isinstance(self._outputs, HeaterBank):
            self._outputs.restore(document)
