from dataclasses import replace
from datetime import UTC, datetime

from lucid2mqtt.replay.day import Command, Deed, Lesson
from lucid2mqtt.replay.played import OPEN_LOOP, play_day, play_recording
from lucid2mqtt.replay.recording import read_recording
from tests.unit.replay.samples import ROOM, day


def test_a_day_with_a_lesson_is_played_with_what_was_learned() -> None:
    played = play_day(replace(day(hours=3.0), title="A day", lesson=Lesson(target_c=21.0, start_c=18.0)), ROOM)
    rows = dict(played.summary_rows())
    assert (played.title, played.note, played.is_simulated) == ("A day", "", True)
    assert played.learned.startswith("Autotune before: ")
    assert {"room", "at the target", "then off by", "relay", "heat", "alarms"} == set(rows)
    assert "kWh" in rows["heat"]


def test_a_target_that_is_never_reached_is_said_to_be_so() -> None:
    played = play_day(day(hours=0.5, start_c=10.0), ROOM)
    assert dict(played.summary_rows())["at the target"] == "never"


def test_refusals_of_the_day_come_along() -> None:
    assert len(play_day(day(hours=0.5, commands=(Command(60.0, Deed.TARGET, 99.0),)), ROOM).refusals) == 1


def test_a_recording_says_that_its_room_does_not_answer() -> None:
    recording = read_recording(["time,temperature\n", "0,18\n", "3600,19\n"], naive=lambda when: when.replace(tzinfo=UTC))
    played = play_recording(recording, ROOM, title="january")
    rows = dict(played.summary_rows())
    assert (played.note, played.begins) == (OPEN_LOOP, datetime(2026, 1, 5, tzinfo=UTC))
    assert rows["recorded"] == "18.00 to 19.00 °C"
    assert "at the target" not in rows
