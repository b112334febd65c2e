import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.replay.day import A_MONDAY
from lucid2mqtt.replay.recording import BadRecording, Playback, Recording, read_recording
from tests.unit.replay.samples import ROOM


def read(*lines: str) -> Recording:
    return read_recording([f"{line}\n" for line in lines], naive=lambda when: when.replace(tzinfo=UTC))


def test_plain_seconds_begin_on_a_monday_at_midnight() -> None:
    recording = read("time,temperature", "100,20.5", "160,20.6")
    assert (recording.begins, [row.at_s for row in recording.rows], recording.length_s) == (A_MONDAY, [0.0, 60.0], 60.0)


def test_wall_clock_times_are_taken_with_and_without_an_offset() -> None:
    recording = read("time,temperature", "2026-01-12T06:00:00,20.5", "2026-01-12T08:00:00+01:00,20.6")
    assert recording.begins == datetime(2026, 1, 12, 6, tzinfo=UTC)
    assert recording.length_s == 3600.0


def test_other_columns_other_separators_and_other_orders_are_understood() -> None:
    recording = read("\ufeffTemperature; Time;OUTDOOR;target;limiter", "20.5;0;3.5;21;40", "20.6;60;;;", "", "unavailable;120;;;")
    first, second, third = recording.rows
    assert (first.temperature_c, first.outdoor_c, first.target_c, first.limiter_c) == (20.5, 3.5, 21.0, 40.0)
    assert (second.outdoor_c, third.temperature_c) == (None, None)


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        (("time,temperatur", "0,1"), 1, "no column 'temperatur'"),
        (("temperature", "1"), 1, "time is missing"),
        (("time,time,temperature", "0,0,1"), 1, "twice"),
        (("time,temperature", "0,20"), 1, "two rows"),
        ((), 1, "time is missing"),
        (("time,temperature", "0,20", "soon,21"), 3, "no time"),
        (("time,temperature", "0,20", "60,warm"), 3, "no number"),
        (("time,temperature", "0,20", "60,20,3", "60,21"), 4, "not after"),
        (("time,temperature", "0,20", "1e12,21"), 3, "70 days"),
        (("time,temperature", "0,20", "2026-01-12T06:00:00,21"), 3, "another form"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(lines: tuple[str, ...], line: int, says: str) -> None:
    with pytest.raises(BadRecording, match=says) as caught:
        read(*lines)
    assert (caught.value.line, bool(caught.value.remedy)) == (line, True)


@given(st.lists(st.text(max_size=40), max_size=8))
def test_garbage_is_refused_and_never_anything_else(lines: list[str]) -> None:
    with contextlib.suppress(BadRecording):
        read_recording(["time,temperature\n", *lines], naive=lambda when: when.replace(tzinfo=UTC))


@given(st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(-40.0, 90.0)), min_size=2, max_size=30))
def test_what_was_written_is_what_is_read(rows: list[tuple[float, float]]) -> None:
    lines, at_s = ["time,temperature"], 0.0
    for gap_s, celsius in rows:
        at_s += gap_s
        lines.append(f"{at_s!r},{celsius!r}")
    assert [row.temperature_c for row in read(*lines).rows] == [celsius for _, celsius in rows]


def test_the_recorded_room_does_not_answer() -> None:
    recording = read("time,temperature", *(f"{600 * k},{18 + k % 2 / 10}" for k in range(12)))
    moments = list(Playback(recording, ROOM).run())
    assert {moment.reading_c for moment in moments} == {18.0, 18.1}
    assert {moment.true_c for moment in moments} == {None}
    assert moments[-1].duty > 0.9


def test_the_recorded_target_is_followed_and_one_out_of_range_is_refused() -> None:
    recording = read("time,temperature,target", "0,18,20", "600,18,21.5", "1200,18,70", "1800,18,")
    playback = Playback(recording, ROOM)
    targets = {moment.at_s // 600: moment.target_c for moment in playback.run()}
    assert targets == {0: 20.0, 1: 21.5, 2: 21.5, 3: 21.5}
    assert [command.value for command, _ in playback.refusals] == [70.0]


def test_a_row_counts_for_an_hour_and_then_the_sensor_was_silent() -> None:
    moments = list(Playback(read("time,temperature", "0,20", "10000,20"), ROOM).run())
    known = [moment.at_s for moment in moments if moment.reading_c is not None]
    assert 3500.0 < max(at_s for at_s in known if at_s < 9000.0) <= 3600.0
    assert {AlarmName.SENSOR_FAULT} <= {alarm.name for moment in moments for alarm in moment.alarms}


def test_an_empty_temperature_is_a_lost_sensor() -> None:
    moments = list(Playback(read("time,temperature", "0,20", "600,", "1200,"), ROOM).run())
    assert moments[-1].stage is not LossStage.NONE
