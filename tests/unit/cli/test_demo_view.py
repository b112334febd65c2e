import io
from typing import Any

import pytest

from lucid2mqtt.cli.demo_view import View, thermostat_line

STATE: dict[str, Any] = {  # Any: JSON
    "mode": "heat",
    "current": 20.94,
    "setpoint": 21.0,
    "duty": 37.5,
    "action": "heating",
    "preset": "none",
    "window": "closed",
    "alarms": [],
    "autotune": None,
}
PROBING = {"phase": "probing", "remaining_s": 125, "reason": ""}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "heat 20.9 -> 21.0 °C 38% on"),
        ({"preset": "boost"}, "heat 20.9 -> 21.0 °C 38% on; boost"),
        ({"window": "open", "preset": "eco"}, "heat 20.9 -> 21.0 °C 38% on; window open"),
        ({"autotune": PROBING}, "heat 20.9 -> 21.0 °C 38% on; tuning probing 3 min"),
        ({"autotune": {**PROBING, "remaining_s": None}}, "heat 20.9 -> 21.0 °C 38% on; tuning probing"),
        ({"autotune": {**PROBING, "phase": "done"}}, "heat 20.9 -> 21.0 °C 38% on"),
        ({"current": None, "setpoint": None, "duty": 0.0, "action": "off"}, "heat - -> - °C 0% off"),
        ({"alarms": [{"name": "limiter"}], "autotune": PROBING}, "heat 20.9 -> 21.0 °C 38% on; ALARM limiter"),
    ],
)
def test_a_thermostat_is_one_line_with_what_matters_most(changes: dict[str, Any], line: str) -> None:
    assert thermostat_line({**STATE, **changes}) == line


def test_the_longest_line_fits_into_eighty_columns_behind_its_topic() -> None:
    topics = len("  valves/radiator-valve  ")
    tuning = thermostat_line({**STATE, "autotune": {**PROBING, "phase": "approaching", "remaining_s": 720}})
    alarm = thermostat_line({**STATE, "mode": "manual", "alarms": [{"name": "limiter_withholds"}]})
    assert topics + max(len(tuning), len(alarm)) < 80


def test_what_is_no_terminal_gets_a_line_for_each_change() -> None:
    out = io.StringIO()
    View(out).tell("thermostat/living", "heat")
    assert out.getvalue() == "thermostat/living heat\n"
