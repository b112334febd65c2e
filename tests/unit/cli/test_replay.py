import csv
import json
import xml.etree.ElementTree as ET
from argparse import ArgumentParser
from pathlib import Path

import pytest

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.replay import add_replay
from lucid2mqtt.errors import RequestRejected, SettingsError

DAY = """
title: A morning
start_c: 20
lasts: "3:00"
events:
  - {at: "1:00", target_c: 99}
  - {at: "1:30", sensor: lost, for: "0:20"}
"""
RECORDED = "time,temperature,target\n2026-01-12T06:00:00,18.2,21\n2026-01-12T06:10:00,18.4,21\n2026-01-12T07:00:00,19.0,21\n"
SETTINGS = """
modules: [{match: {serial: 1}, name: rtd}, {match: {serial: 2}, name: heaters}]
thermostats:
  - {name: Living, sensors: [rtd/0], heater: heaters/0, target_c: 19}
  - {name: Bath, sensors: [rtd/1], heater: heaters/1, target_c: 23}
"""


def replay(*words: object) -> int:
    parser = ArgumentParser()
    add_replay(parser)
    arguments = parser.parse_args([str(word) for word in words])
    return int(arguments.run(arguments))


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def day(tmp_path: Path) -> Path:
    return written(tmp_path, "day.yaml", DAY)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return written(tmp_path, "january.csv", RECORDED)


def test_a_day_is_shown_row_by_row_with_what_stood_out_and_a_summary(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(day, "--every", "1:00") == Exit.DONE
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "A morning"
    assert [line.split()[0] for line in shown if line.startswith(("0:", "1:", "2:"))][:3] == ["0:00:00", "1:00:00", "1:30:00"]
    assert any("sensor_fault" in line for line in shown)
    assert "1:00:00 target_c 99 was refused: the target 99 °C is out of range (send 5 to 35 °C)" in shown
    assert [line.split()[0] for line in shown[-4:]] == ["then", "relay", "heat", "alarms"]


def test_json_has_summary_moments_and_refusals(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay(day, "--json")
    document = json.loads(capsys.readouterr().out)
    assert (document["simulated"], document["title"]) == (True, "A morning")
    assert document["summary"]["closures"] >= 1
    assert document["refused"][0]["at_s"] == 3600.0
    assert {"at_s", "temperature_c", "duty", "alarms"} <= set(document["moments"][0])


def test_a_recording_is_shown_with_the_word_that_its_room_does_not_answer(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(recorded) == Exit.DONE
    shown = capsys.readouterr().out
    assert "does not answer" in shown
    assert "0:00:00  18.2  21.0" in shown


def test_table_and_picture_are_written(day: Path, tmp_path: Path) -> None:
    replay(day, "--csv", tmp_path / "out.csv", "--svg", tmp_path / "out.svg")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 360
    assert {row["alarms"] for row in rows} >= {"", "sensor_fault"}
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")


def test_the_thermostat_comes_from_the_settings(recorded: Path, day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = written(tmp_path, "settings.yaml", SETTINGS)
    plain_day = written(tmp_path, "plain.yaml", "lasts: '1:00'")
    replay(plain_day, "-c", settings, "--name", "bath", "--json")
    assert json.loads(capsys.readouterr().out)["moments"][-1]["target_c"] == 23.0
    replay(recorded, "-c", settings, "--name", "living")
    assert "21.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("day.yaml", "-c", "settings.yaml"), "several thermostats"),
        (("day.yaml", "-c", "settings.yaml", "--name", "attic"), "no thermostat 'attic'"),
        (("day.yaml", "--name", "living"), "--name needs the settings"),
        (("own.yaml", "-c", "settings.yaml", "--name", "living"), "a thermostat of its own"),
        (("day.txt",), "neither a day nor a recording"),
        (("day.yaml", "--svg", "nowhere/out.svg"), "cannot be written"),
        (("day.yaml", "--csv", "nowhere/out.csv"), "cannot be written"),
        (("day.yaml", "--every", "0.5"), "too many rows"),
    ],
)
def test_a_wrong_call_is_refused_with_a_remedy(words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("day.yaml", DAY), ("own.yaml", f"{DAY}thermostat: {{}}"), ("settings.yaml", SETTINGS)):
        written(tmp_path, name, text)
    with pytest.raises(RequestRejected, match=says) as caught:
        replay(*words)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "place", "says"),
    [
        ("gone.csv", None, "gone.csv", "cannot be read"),
        ("gone.yaml", None, "gone.yaml", r"cannot be read: No such file or directory \(name an existing file\)"),
        ("bad.yaml", b"begins: 2026-01-40\n", "bad.yaml:1:9", "'2026-01-40' cannot be read as a date"),
        ("bad.csv", b"time,temperature\n0,20\n60,warm\n", "bad.csv:3:1", "no number"),
        ("bad.csv", b"time,temperature\n0,\xff\n", "bad.csv", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_line(
    name: str, content: bytes | None, place: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(SettingsError, match=says) as caught:
        replay(name)
    assert caught.value.faults[0].place == place


def test_settings_without_a_thermostat_say_what_to_declare(day: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no thermostat"):
        replay(day, "-c", written(tmp_path, "settings.yaml", "node: a"))


@pytest.mark.parametrize("every", ["soon", "0", "-5", "inf", "nan"])
def test_a_time_between_rows_that_is_none_is_a_usage_error(every: str, day: Path) -> None:
    with pytest.raises(SystemExit) as end:
        replay(day, "--every", every)
    assert end.value.code == 2
