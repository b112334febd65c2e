"""What nobody has published about the modules, as switches.

The default of every switch is the answer that is harder on the program that talks to the module; `COMFORTABLE` has the
easy ones. Section numbers are those of the protocol page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

from lucid2mqtt.lucid.frames import Status


class Fault(Enum):
    """Why a module refuses a request."""

    UNKNOWN_COMMAND = "unknown command"
    WRONG_LENGTH = "wrong length"
    BAD_SELECTOR = "bad channel mask"
    BAD_OPTION = "bad option"
    BAD_VALUE_TYPE = "value type the channel does not have"
    BAD_VALUE = "value out of range"
    NO_CHANNEL = "no such channel"
    NOT_AN_OUTPUT = "not an output"
    NO_PARAMETER = "no such parameter"
    READ_ONLY = "read-only parameter"
    NOT_POSSIBLE = "not possible now"


class Refusal(Exception):
    """Raised inside a virtual module; the requester sees the status code the quirks have for `fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


STATUSES: Mapping[Fault, int] = MappingProxyType(
    {
        Fault.UNKNOWN_COMMAND: Status.NSUP,
        Fault.WRONG_LENGTH: Status.INV_LENGTH,
        Fault.BAD_SELECTOR: Status.INV_P1,
        Fault.BAD_OPTION: Status.INV_P2,
        Fault.BAD_VALUE_TYPE: Status.INV_P2,
        Fault.BAD_VALUE: Status.INV_VALUE,
        Fault.NO_CHANNEL: Status.INV_IOCH,
        Fault.NOT_AN_OUTPUT: Status.INV_IOCH,
        Fault.NO_PARAMETER: Status.INV_PARAM,
        Fault.READ_ONLY: Status.INV_PARAM,
        Fault.NOT_POSSIBLE: Status.ERR_EXEC,
    }
)
"""Which code a module picks for which fault is open (section 6)."""


class SecondOne(StrEnum):
    """SetIo 1 on an on-off output whose run has ended, with no 0 since (section 8)."""

    NEEDS_ZERO_FIRST = "needs zero first"
    TRIGGERS = "triggers"


class Retrigger(StrEnum):
    """SetIo 1 during the run of an on-off output with can-retrigger (section 8)."""

    RESTARTS_DELAY = "restarts delay"  # off for the on-delay, then a whole hold: a gap
    EXTENDS_HOLD = "extends hold"
    IGNORED = "ignored"


class OutputReads(StrEnum):
    """What GetIo says of an on-off or duty-cycle output (section 8)."""

    WRITTEN = "written"
    TIMED = "timed"


class Inactive(StrEnum):
    """A channel in mode inactive: an input read, an output written."""

    PRETENDS = "pretends"  # answers 0, takes the write and does nothing
    REFUSES = "refuses"


class Overflow(StrEnum):
    """The 16-bit counter past 65535 (section 7.1)."""

    SATURATES = "saturates"
    WRAPS = "wraps"


class BrokenSensor(StrEnum):
    """What an open or shorted RTD reads as (section 12, 7)."""

    RANGE_END = "range end"  # exactly the end of the range, like a plausible temperature
    BEYOND = "beyond"
    REFUSED = "refused"
    EXTREME_NUMBER = "extreme number"  # 0x7FFF open, 0x8000 shorted


class FineTemperature(StrEnum):
    """TMS4 (0.01 °C) on a module of 0.1 °C resolution."""

    REFUSED = "refused"
    COARSE = "coarse"
    FINER = "finer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How one virtual module answers the open questions. Times in seconds."""

    reply_delay_s: float = 0.001
    persistent_delay_s: float = 0.02  # on top, for a write to non-volatile memory
    calibration_delay_s: float = 0.5
    inter_byte_timeout_s: float | None = None  # None: half a request waits for its rest for ever
    statuses: Mapping[Fault, int] = field(default_factory=lambda: STATUSES)
    empty_mask_answered: bool = False
    group_write_is_atomic: bool = False  # False: channels before the refused one are already written
    limits_exclude_ends: bool = True  # the manual writes "t_res < T"
    on_delay_zero_accepted: bool = False
    second_one: SecondOne = SecondOne.NEEDS_ZERO_FIRST
    retrigger: Retrigger = Retrigger.RESTARTS_DELAY
    output_reads: OutputReads = OutputReads.WRITTEN
    cancel_latency_s: float = 0.01  # one step of the output engine
    persisted_one_starts: bool = True
    value_parameter_acts: bool = True  # writing Value moves the output at once
    value_parameter_follows: bool = False  # reading Value shows what SetIo wrote
    inactive_read: Inactive = Inactive.PRETENDS
    inactive_write: Inactive = Inactive.PRETENDS
    any_type_in_any_mode: bool = False  # digital inputs: DI1 in count mode, CNT2 outside of it
    edge_read_clears: bool = True
    counter_overflow: Overflow = Overflow.SATURATES
    added_at_window_end: bool = True  # False: add-counter mode counts at once
    open_sensor: BrokenSensor = BrokenSensor.RANGE_END
    shorted_sensor: BrokenSensor = BrokenSensor.RANGE_END
    fine_temperature: FineTemperature = FineTemperature.REFUSED
    analog_output_reads_written: bool = False  # False: GetIo shows the 12-bit step that was chosen
    analog_noise_v: float = 0.0005  # standard deviation of one conversion, V or mA
    temperature_noise_c: float = 0.02
    analog_conversion_s: float = 0.01


COMFORTABLE = Quirks(
    persistent_delay_s=0.0,
    inter_byte_timeout_s=0.1,
    empty_mask_answered=True,
    group_write_is_atomic=True,
    limits_exclude_ends=False,
    on_delay_zero_accepted=True,
    second_one=SecondOne.TRIGGERS,
    retrigger=Retrigger.EXTENDS_HOLD,
    output_reads=OutputReads.TIMED,
    cancel_latency_s=0.0,
    persisted_one_starts=False,
    value_parameter_acts=False,
    value_parameter_follows=True,
    inactive_read=Inactive.REFUSES,
    inactive_write=Inactive.REFUSES,
    any_type_in_any_mode=True,
    edge_read_clears=True,
    counter_overflow=Overflow.WRAPS,
    added_at_window_end=False,
    open_sensor=BrokenSensor.REFUSED,
    shorted_sensor=BrokenSensor.REFUSED,
    fine_temperature=FineTemperature.FINER,
    analog_output_reads_written=True,
)
"""Every open question answered the way a program would like it."""


SWITCHABLE = tuple(each.name for each in fields(Quirks) if isinstance(getattr(COMFORTABLE, each.name), bool | int | float | StrEnum))
"""The switches that `with_quirks` can set by a word."""

_FLAGS = {"true": True, "false": False}


def with_quirks(words: Iterable[str], quirks: Quirks | None = None) -> Quirks:
    """`quirks` (default: the hard ones) with every NAME=VALUE of `words` set, as in "output_reads=timed". ValueError with what can be."""
    changed = quirks or Quirks()
    for word in words:
        name, _, value = word.partition("=")
        if name not in SWITCHABLE:
            raise ValueError(f"{name!r} is no quirk; choose one of {', '.join(SWITCHABLE)}")
        value_of_kind: Any = _value(name, getattr(COMFORTABLE, name), value.strip())  # Any: of the kind the field has
        changed = replace(changed, **{name: value_of_kind})
    return changed


def _value(name: str, example: object, value: str) -> bool | float | StrEnum:
    if isinstance(example, StrEnum):
        kind = type(example)
        if value not in set(kind):
            raise ValueError(f"{name} cannot be {value!r}; choose one of {', '.join(kind)}")
        return kind(value)
    if isinstance(example, bool):
        if value not in _FLAGS:
            raise ValueError(f"{name} cannot be {value!r}; choose true or false")
        return _FLAGS[value]
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= 3600.0:
        raise ValueError(f"{name} cannot be {value!r}; choose a number from 0 to 3600")
    return seconds
