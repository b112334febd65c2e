"""Arming a heater channel: which parameters the dead-man drive needs, and the refusal when a read-back differs.

Abstract: parameters go by the endings of their names ("OnHold" for outDiOnHold or outDi1OnHold), values as the parameter
table reads and writes them. Steps are carried out in their order; the mode comes last, so that nothing runs half set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ParameterValue = int | bool | str

ON_DELAYS_US = (10_000, 20_000)
"""The shortest on-delay, and the one to fall back to: the manual gives 10 ms as a limit that is perhaps excluded (protocol page 7.2)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter to write and read back. `values`: the first that the module takes and reads back counts.

    `is_persistent` also writes the value that holds after a power cut; the memory wears, so the engine does it once per
    module and channel and then writes the volatile value only.
    """

    parameter: str
    values: tuple[ParameterValue, ...]
    is_persistent: bool = False


def recipe(hold_s: float, *, on_delays_us: tuple[int, ...] = ON_DELAYS_US) -> tuple[Setting, ...]:
    """What to set on a channel, in this order, after a 0 was written to it (protocol page 8).

    `hold_s` is 0.01..3600 s. The persisted value 0 keeps a power cut from starting a run by itself.
    """
    return (
        Setting("Value", (0,), is_persistent=True),
        Setting("Inverted", (False,)),
        Setting("CanRetrigger", (True,)),
        Setting("CanCancel", (True,)),
        Setting("OnDelay", on_delays_us),
        Setting("OnHold", (round(hold_s * 1_000_000),)),
        Setting("Mode", ("onOff",)),
    )


def arming_objection(settings: Sequence[Setting], read_back: Mapping[str, ParameterValue], *, output_on: bool | None) -> str | None:
    """Why the channel cannot be armed, as a sentence; None when all is as it should be.

    `read_back` is what the module says after the settings were written, a parameter it does not tell is missing;
    `output_on` is the output's state by then, None when it could not be read.
    """
    for setting in settings:
        wanted = " or ".join(_told(value) for value in setting.values)
        if setting.parameter not in read_back:
            return f"not armed: the module does not tell {setting.parameter}, which must be {wanted}"
        found = read_back[setting.parameter]
        if found not in setting.values:
            return f"not armed: {setting.parameter} reads {_told(found)} instead of {wanted}"
    if output_on is None:
        return "not armed: the output cannot be read"
    return "not armed: the output is on although it was written off" if output_on else None


def _told(value: ParameterValue) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
