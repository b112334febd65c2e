"""Every point the published documents leave open and on which the agent takes a side.

One name each, with the section of the protocol page. Where a side had to be taken, it is the one that errs towards telling
the owner. Sides that are decisions over time stand where time is: counters at 65535 in `domain.counter`, edges that reading
takes away in `engine.fitting`, silence and half-sent requests in `port.resync`.
"""

from __future__ import annotations

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.frames import Opcode, Request, status_text
from lucid2mqtt.lucid.values import ValueType, limits

# Time (section 9): no figure is published; field programs do with 50 ms.

REPLY_TIME_S = 0.25
"""How long a module may take to answer."""
SLOW_REPLY_TIME_S = 2.0
"""The same where it writes its non-volatile memory or calibrates."""


def reply_time_s(request: Request, usual_s: float = REPLY_TIME_S) -> float:
    """How long the reply to `request` may take, `usual_s` being the time for everything quick."""
    slow = request.persistent or request.opcode == Opcode.CALIBRATE_IO
    return max(usual_s, SLOW_REPLY_TIME_S) if slow else usual_s


# Units (sections 7.4 and 7.6): the vendor's interface packs offsets as s16 and names a unit for analog outputs only.

ANALOG_INPUT_OFFSET_UNIT = "mV"
TEMPERATURE_OFFSET_UNIT = "0.1 °C"

# Faults of sensors and ranges (sections 10 and 12.7): no fault code is published, so the end of the range is the sign.

ANALOG_INPUT_BITS = 14
UNDER_RANGE_SHARE = 0.01
"""Share of the span an analog input may read below its range; low channels read a little beside zero."""
PLATINUM_C = (-200.0, 850.0)
"""Where platinum sensors are defined (IEC 60751); stands in for the range of a type nobody published."""
_VOLTAGE_ENDS = frozenset(limits(ValueType.VOS2) + limits(ValueType.VOS4))
"""The extreme codes of both voltages: the sign of a fault where the range is unknown."""

_GOOD = (Quality.GOOD, "")


def judge(module_type: ModuleType, channel: int, value: float) -> tuple[Quality, str]:
    """Whether `value`, in the module's unit, can be a measurement; else the fault and a sentence for the owner.

    Outputs and digital inputs are always GOOD: what they say is a state or a count, not a measurement.
    KeyError for a channel the family does not have.
    """
    match module_type.family.block_of(channel).kind:
        case ChannelKind.TEMPERATURE:
            return _judge_temperature(module_type, value)
        case ChannelKind.ANALOG_INPUT:
            return _judge_analog(module_type, value)
        case ChannelKind.DIGITAL_INPUT | ChannelKind.DIGITAL_OUTPUT | ChannelKind.ANALOG_OUTPUT:
            return _GOOD


def judge_refusal(module_type: ModuleType, channel: int, status: int) -> tuple[Quality, str]:
    """What it means when a module answers, but refuses to read this one channel."""
    if module_type.family.block_of(channel).kind is ChannelKind.TEMPERATURE:
        return Quality.OPEN_SENSOR, "the module cannot read this channel: sensor missing, or a wire open or loose"
    return Quality.REFUSED, f"the module refuses to read this channel: {status_text(status)}"


def _judge_temperature(module_type: ModuleType, value: float) -> tuple[Quality, str]:
    low, high = PLATINUM_C
    if module_type.minimum is not None and module_type.maximum is not None:
        low, high = module_type.minimum, module_type.maximum
    if value >= high:
        return Quality.OPEN_SENSOR, f"the reading is at the upper end ({high:g} °C): sensor missing, a wire open or loose, or too hot"
    if value <= low:
        return Quality.UNDER_RANGE, f"the reading is at the lower end ({low:g} °C): sensor or wires shorted, or too cold"
    return _GOOD


def _judge_analog(module_type: ModuleType, value: float) -> tuple[Quality, str]:
    low, high, unit = module_type.minimum, module_type.maximum, module_type.unit
    if low is None or high is None:
        return (Quality.OVER_RANGE, "the input shows the end of its scale") if value in _VOLTAGE_ENDS else _GOOD
    span = high - low
    if value >= high - span / (1 << ANALOG_INPUT_BITS):
        return Quality.OVER_RANGE, f"the signal is at or above the upper end of the input ({high:g} {unit})"
    if value < low - span * UNDER_RANGE_SHARE:
        return Quality.UNDER_RANGE, f"the signal is below the lower end of the input ({low:g} {unit}): are its wires swapped?"
    return _GOOD
