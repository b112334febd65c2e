"""Payloads of thermostats in both directions: commands in, the state document out. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lucid2mqtt.domain.numbers import plain_number
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.payloads import object_of, shorten, text_of, to_json

if TYPE_CHECKING:  # a start without thermostats loads nothing of them
    from lucid2mqtt.climate.options import ClimateOptions
    from lucid2mqtt.climate.state import ClimateState

STATE_EXPIRES_S = 180
"""A state nobody repeated for so long is old; the heartbeat is a third of it."""

TARGET_STEP_C = 0.5
"""What the buttons of a user interface move the target by; a command may be finer."""


class Setting(StrEnum):
    """What can be set; the last level but one of a thermostat's command topics."""

    MODE = "mode"
    TARGET = "target"
    PRESET = "preset"
    DUTY = "duty"
    AUTOTUNE = "autotune"
    RESET = "reset"


class Tune(StrEnum):
    """What can be done about an autotune."""

    START = "START"
    ABORT = "ABORT"
    UNDO = "UNDO"


@dataclass(frozen=True, slots=True)
class ThermostatCommand:
    """`value` is a word for mode and preset, °C, a `Tune`, a duty -1..1, or None for a reset; `for_s` belongs to a preset."""

    setting: Setting
    value: str | float | Tune | None = None
    for_s: float | None = None


_REMEDIES: Mapping[Setting, str] = {
    Setting.MODE: "send a mode, such as heat or off",
    Setting.TARGET: "send °C with a decimal point, such as 21.5",
    Setting.PRESET: 'send a preset, such as comfort, or JSON such as {"preset": "boost", "for_s": 3600}',
    Setting.DUTY: "send per cent, such as 40",
    Setting.AUTOTUNE: f"send {', '.join(Tune)}",
}
_PRESET_KEYS = frozenset({"preset", "for_s"})


def parse_thermostat_command(name: str, what: str, payload: bytes) -> ThermostatCommand:
    """Reads a command that came for the thermostat `name`. Case and spaces around do not matter.

    Raises RequestRejected (TOO_LONG, NOT_TEXT, NOT_UNDERSTOOD) and nothing else, whatever the bytes. Which modes, presets and numbers
    there are is the thermostat's business.
    """
    try:
        setting = Setting(what)
    except ValueError:
        known = ", ".join(Setting)
        raise _not_understood(
            f"a thermostat has no {shorten(what)!r} to set", f"publish to thermostat/{shorten(name)}/target/set; there are {known}"
        ) from None
    if setting is Setting.RESET:
        return ThermostatCommand(setting)
    remedy = _REMEDIES[setting]
    text = text_of(payload, remedy)
    if not text:
        raise _not_understood("the command is empty", remedy)
    match setting:
        case Setting.TARGET:
            return ThermostatCommand(setting, _number_in(text, remedy))
        case Setting.DUTY:
            return ThermostatCommand(setting, _number_in(text, remedy) / 100.0)
        case Setting.AUTOTUNE:
            return ThermostatCommand(setting, _tune_in(text, remedy))
        case Setting.PRESET if text.startswith("{"):
            return _timed_preset(object_of(text, remedy), remedy)
    return ThermostatCommand(setting, text)


def _number_in(text: str, remedy: str) -> float:
    number = plain_number(text)
    if number is None:
        raise _not_understood(f"{shorten(text)!r} is no number", remedy)
    return number


def _tune_in(text: str, remedy: str) -> Tune:
    try:
        return Tune(text.upper())
    except ValueError:
        raise _not_understood(f"{shorten(text)!r} is nothing to do about an autotune", remedy) from None


def _timed_preset(document: Mapping[str, object], remedy: str) -> ThermostatCommand:
    unknown = document.keys() - _PRESET_KEYS
    if unknown:
        raise _not_understood(f"unknown key {shorten(min(unknown))!r}", remedy)
    preset, for_s = document.get("preset"), document.get("for_s")
    if not isinstance(preset, str):
        raise _not_understood("the command names no preset", remedy)
    if for_s is None:
        return ThermostatCommand(Setting.PRESET, preset)
    seconds = plain_number(str(for_s)) if isinstance(for_s, int | float) else None
    if seconds is None:
        raise _not_understood("for_s is not a number of seconds", remedy)
    return ThermostatCommand(Setting.PRESET, preset, seconds)


def _not_understood(message: str, remedy: str) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, message, remedy)


def thermostat_state(state: ClimateState, options: ClimateOptions) -> str:
    """The state payload: all a user needs, temperatures in °C, duties in per cent, times in seconds or days."""
    tuning = state.autotune
    return to_json(
        {
            "mode": state.mode,
            "action": state.action,
            "preset": state.preset,
            "target": _rounded(state.target_c),
            "setpoint": _rounded(state.setpoint_c),
            "current": _rounded(state.current_c),
            "duty": _per_cent(state.duty),
            "manual_duty": _per_cent(state.manual_duty),
            "window": state.window,
            "stage": state.stage,
            "reason": state.reason,
            "drive": state.drive,
            "alarms": [
                {"name": alarm.name, "reason": alarm.reason, "latched": alarm.latched, "active": alarm.active} for alarm in state.alarms
            ],
            "notices": list(state.notices),
            "tuning": state.tuning,
            "autotune": None
            if tuning is None
            else {
                "phase": tuning.phase,
                "target": _rounded(tuning.target_c),
                "remaining_s": None if tuning.remaining_s is None else round(tuning.remaining_s),
                "reason": tuning.reason,
            },
            "closures_today": state.closures_today,
            "closures_total": state.closures_total,
            "closures_per_day": _rounded(state.closures_per_day),
            "closures_rated": options.rated_closures,
            "days_left": _rounded(state.days_left),
            "minimum": options.presets.minimum_c,
            "maximum": options.presets.maximum_c,
            "step": TARGET_STEP_C,
        },
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else round(number, 2) + 0.0


def _per_cent(share: float) -> float:
    return round(100.0 * share, 1) + 0.0
