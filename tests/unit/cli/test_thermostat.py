from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lucid2mqtt.cli.main import main
from tests.unit.cli.virtual import console_of

REFUSED = "heaters/living: drive: deadman cannot be used"
STATE: dict[str, Any] = {  # Any: JSON
    "name": "living",
    "mode": "heat",
    "action": "idle",
    "current_c": 19.96,
    "target_c": 21.0,
    "duty": 0.4,
    "preset": "eco",
    "closures_today": 7,
    "reason": "heats to 21 °C",
    "alarms": [{"name": "actuator_lost", "latched": False, "reason": REFUSED}],
    "notices": [REFUSED, "no dead-man drive"],
}


def test_every_thermostat_is_listed_with_what_is_wrong_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def thermostats(request: dict[str, object]) -> object:
        return [STATE]

    with console_of(tmp_path / "c", {"thermostats": thermostats}):
        assert main(["thermostat", "list", "--console", str(tmp_path / "c")]) == 0
    heading, row, *words = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["thermostat", "mode", "does"]
    assert row.split() == ["living", "heat", "idle", "20.0", "°C", "21.0", "°C", "40", "%", "eco", "7"]
    assert words == ["living: heats to 21 °C", f"living: ALARM actuator_lost: {REFUSED}", "living: no dead-man drive"]


def test_a_command_is_answered_with_what_was_commanded_and_not_with_what_is_to_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, object]] = []

    async def thermostat(request: dict[str, object]) -> object:
        asked.append(request)
        return STATE

    with console_of(tmp_path / "c", {"thermostat": thermostat}):
        assert main(["thermostat", "set", "living", "target=21", "preset=boost:60", "--console", str(tmp_path / "c")]) == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["thermostat", "mode", "target", "preset"]
    assert row.split() == ["living", "heat", "21.0", "°C", "eco"]
    assert [(each["set"], each["value"], each.get("for_s")) for each in asked] == [("target", 21, None), ("preset", "boost", 60)]


@pytest.mark.parametrize(("word", "says"), [("target=21,5", "such as 21.5"), ("target", "write KEY=VALUE"), ("colour=red", "one of mode")])
def test_what_is_no_command_is_told_with_how_to_write_it(word: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thermostat", "set", "living", word]) == 2
    assert says in capsys.readouterr().err
