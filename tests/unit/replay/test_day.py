from datetime import UTC, datetime

import pytest

from lucid2mqtt.replay.day import Day


def test_the_afternoon_is_warmest_and_the_night_coldest_whenever_the_day_begins() -> None:
    noon = Day(outdoor_c=2.0, outdoor_swing_k=5.0, begins=datetime(2026, 1, 5, 12, tzinfo=UTC))
    assert noon.weather_c(3 * 3600.0) == pytest.approx(7.0)
    assert noon.weather_c(15 * 3600.0) == pytest.approx(-3.0)


def test_weather_without_a_swing_stands_still() -> None:
    assert {Day(outdoor_c=2.0).weather_c(hour * 3600.0) for hour in range(24)} == {2.0}
