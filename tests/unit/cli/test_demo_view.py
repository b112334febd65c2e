import io
import os
import shutil
from typing import Any

import pytest

from lucid2mqtt.cli.demo_view import NOTE_LINES, View, thermostat_line

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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(monkeypatch: pytest.MonkeyPatch, *, rows: int, values: int, notes: list[str]) -> list[str]:
    """What two drawings of a view leave between the first line it wrote and the last, without the controls."""
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, rows)))
    out = Terminal()
    view = View(out)
    for number in range(values):
        view.tell(f"hall/{number:02}", "OFF")
    for note in notes:
        view.note(note)
    view.end()
    once = out.getvalue().splitlines()
    view.end()
    assert f"\x1b[{len(once)}A" in out.getvalue()
    return once


def test_a_table_is_never_higher_than_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    # drawn again, the rest would stay above it, once every 0.3 s
    for rows in (3, 10, 24, 40):
        assert len(screen(monkeypatch, rows=rows, values=30, notes=["00:00:01 a note"] * 6)) < rows
    assert screen(monkeypatch, rows=10, values=30, notes=[])[-1] == "  ... and 22 more in a higher window"


def test_notes_are_told_whole_and_the_latest_win(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [f"00:00:0{number} {'words ' * 20}{number}" for number in range(5)]
    lines = screen(monkeypatch, rows=40, values=2, notes=notes)
    assert all(len(line) < 80 for line in lines)
    told = " ".join(line.strip() for line in lines[3:])
    assert told == " ".join(" ".join(note.split()) for note in notes[-(NOTE_LINES // 2) :])
