import math
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.cli.replay_day import DayFile, read_day, span_s
from lucid2mqtt.control.plants import LIGHT_ROOM, SLAB_ROOM, VESSEL
from lucid2mqtt.errors import SettingsError
from lucid2mqtt.replay.day import Circumstance, Command, Deed, Lesson, Trouble
from lucid2mqtt.settings.fields import Objection


def read(folder: Path, text: str) -> DayFile:
    file = folder / "day.yaml"
    file.write_text(text, encoding="utf-8")
    return read_day(file)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_an_empty_file_is_a_light_room_for_a_day(tmp_path: Path) -> None:
    described = read(tmp_path, "")
    assert (described.day.plant, described.day.length_s, described.thermostat) == (LIGHT_ROOM, 86_400.0, None)
    assert described.day.title == "light room, 24 h"


def test_plants_are_named_and_their_figures_can_be_changed(tmp_path: Path) -> None:
    assert read(tmp_path, "plant: vessel").day.plant is not None
    assert read(tmp_path, "plant: vessel").day.plant == VESSEL
    assert read(tmp_path, "plant: floor").day.plant == SLAB_ROOM
    assert read(tmp_path, "figures: {power_w: 800}").day.plant.power_w == 800.0


def test_what_happens_is_read_with_its_time(tmp_path: Path) -> None:
    text = """
    begins: 2026-03-01T00:00:00
    autotune: {target_c: 21}
    events:
      - {at: "6:30", target_c: 20.5}
      - {at: "7:00", preset: boost, for: 1800}
      - {at: "8:00", window: open, for: "0:20"}
      - {at: 3600, sensor: stuck}
      - {at: "9:00", sensor: 12.5, for: "1:00:30"}
      - {at: "10:00", mode: off}
    """
    day = read(tmp_path, text).day
    assert day.begins == datetime(2026, 3, 1)  # noqa: DTZ001 - its zone is the thermostat's business
    assert day.lesson == Lesson(target_c=21.0, start_c=18.0)
    assert day.commands == (
        Command(23_400.0, Deed.TARGET, 20.5),
        Command(25_200.0, Deed.PRESET, "boost", 1800.0),
        Command(36_000.0, Deed.MODE, "off"),
    )
    assert day.circumstances == (
        Circumstance(28_800.0, 30_000.0, Trouble.WINDOW, "open"),
        Circumstance(3600.0, math.inf, Trouble.SENSOR, "stuck"),
        Circumstance(32_400.0, 36_030.0, Trouble.SENSOR, 12.5),
    )


def test_the_thermostat_part_has_the_keys_of_the_settings_and_names_nothing_it_need_not(tmp_path: Path) -> None:
    options = read(tmp_path, "thermostat: {target_c: 19, limiter: {limit_c: 50}, cycle_s: 600}").thermostat
    assert options is not None
    assert (options.target_c, len(options.sensors), len(options.heating)) == (19.0, 1, 1)
    assert options.control.limiter is not None
    assert options.control.limiter.limit_c == 50.0


@pytest.mark.parametrize(
    ("text", "place", "says", "remedy"),
    [
        ("plant: cave", "day.yaml:1:1", "no plant 'cave'", "light room"),
        ("lasts: never", "day.yaml:1:1", "no time", "6:30"),
        ("lasts: 5", "day.yaml:1:1", "cannot be played", "24:00"),
        ("lasts: '9600:00'\nplant: vessel", "day.yaml:1:1", "cannot be played", "24:00"),
        ("lasst: 5", "day.yaml:1:1", "unknown key", "lasts"),
        ("figures: {power: 5}", "day.yaml:1:11", "unknown key", "power_w"),
        ("start_c: warm", "day.yaml:1:1", "must be a number", ""),
        ("events: [{at: '1:00'}]", "day.yaml:1:10", "nothing happens", "target_c"),
        ("events: [{at: '1:00', target_c: 3, preset: eco}]", "day.yaml:1:10", "target_c and preset at once", "one of"),
        ("events: [{at: '1:00', mode: heat, for: 5}]", "day.yaml:1:10", "mode has no end", "leave for out"),
        ("events: [{at: '25:00', target_c: 20}]", "day.yaml:1:10", "after the end", "lasts"),
        ("events: [{at: '1:00', sensor: lost, number: 2}]", "day.yaml:1:37", "no sensor 2", "has 1"),
        ("events: [{at: '1:00', sensors: lost}]", "day.yaml:1:23", "unknown key", "sensor"),
        ("figures: {mass_j_per_k: 0}", "day.yaml:1:1", "a mass of 0", "body_to_mass_w_per_k"),
        ("figures: {body_to_outdoor_w_per_k: 0, mass_to_outdoor_w_per_k: 0}", "day.yaml:1:1", "no heat is lost", "give"),
        ("figures: {body_j_per_k: 100}", "day.yaml:1:1", "faster than its step", "step_s"),
        ("thermostat: {cycle_s: -3}", "day.yaml:1:14", "must be", ""),
        ("thermostat: {wibble: 3}", "day.yaml:1:14", "unknown key", ""),
        ("thermostat: {minimum_c: 30, maximum_c: 20}", "day.yaml:1:1", "", ""),
        ("- a", "day.yaml:1:1", "must hold keys", ""),
    ],
)
def test_each_fault_has_place_and_remedy(text: str, place: str, says: str, remedy: str, tmp_path: Path) -> None:
    found = faults(tmp_path, text)
    assert any(fault.startswith(f"{place}:") and says in fault and remedy in fault for fault in found), found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "plant: cave\nlasts: never\nstart_c: warm")) == 3


@given(st.integers(0, 9999), st.integers(0, 59), st.integers(0, 59))
def test_times_are_read_as_written(hours: int, minutes: int, seconds: int) -> None:
    assert span_s(f"{hours}:{minutes:02}:{seconds:02}") == 3600.0 * hours + 60.0 * minutes + seconds


@given(st.text(max_size=20))
def test_other_text_is_a_number_of_seconds_or_an_objection(text: str) -> None:
    try:
        read_s = span_s(text)
    except Objection as objection:
        read_s = float(len(objection.remedy))
    assert isinstance(read_s, float)
