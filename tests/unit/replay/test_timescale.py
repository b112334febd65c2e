from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.replay.timescale import nice_step_s, number_marks, time_marks, time_text

MORNING = datetime(2026, 1, 6, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at_s", "length_s", "seconds", "text"),
    [
        (750.0, 3600.0, True, "0:12:30"),
        (750.0, 3600.0, False, "0:12"),
        (3600.0, 86_400.0, False, "07:30"),
        (3600.0, 86_400.0, True, "07:30:00"),
        (86_400.0, 604_800.0, False, "Wed 06:30"),
    ],
)
def test_times_are_written_as_suits_the_length(at_s: float, length_s: float, seconds: bool, text: str) -> None:
    assert time_text(MORNING, at_s, length_s, seconds=seconds) == text


def test_marks_of_a_day_stand_at_full_hours_of_the_wall_clock() -> None:
    marks = time_marks(MORNING, 86_400.0, 9)
    assert [text for _, text in marks] == ["09:00", "12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00"]
    assert marks[0][0] == 2.5 * 3600.0


def test_marks_of_a_short_replay_count_from_its_begin() -> None:
    assert [text for _, text in time_marks(MORNING, 300.0, 6)] == ["0:00", "0:01", "0:02", "0:03", "0:04", "0:05"]


@given(st.floats(1.0, 400 * 86_400.0), st.integers(2, 30))
def test_there_are_never_more_marks_than_asked_for(length_s: float, most: int) -> None:
    assert length_s / nice_step_s(length_s, most) <= most
    assert len(time_marks(MORNING, length_s, most)) <= most + 1


@given(st.floats(-50.0, 300.0), st.floats(0.0, 300.0), st.integers(2, 12))
def test_number_marks_span_what_is_shown(low: float, span: float, most: int) -> None:
    marks = number_marks(low, low + span, most)
    assert marks[0] <= low + 1e-6
    assert marks[-1] >= low + span - 1e-6
    assert 2 <= len(marks) <= most + 3
