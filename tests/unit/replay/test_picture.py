import xml.etree.ElementTree as ET

import pytest

from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.replay.day import A_MONDAY, SensorState, Trouble
from lucid2mqtt.replay.picture import draw
from lucid2mqtt.replay.simulation import Simulation
from tests.unit.replay.samples import ROOM, TUNED, day, moment, trouble

LOST = Alarm(AlarmName.SENSOR_LOST, "open sensor")


def words(picture: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_a_day_makes_a_small_well_formed_picture_with_units_and_legend() -> None:
    moments = list(Simulation(day(hours=24.0), ROOM, TUNED).run())
    picture = draw(moments, A_MONDAY, title="A day", note="a note")
    assert {"A day", "a note", "°C", "%", "set-point", "true temperature", "sensor", "12:00"} <= set(words(picture))
    assert len(picture) < 40_000


def test_the_same_moments_give_the_same_bytes() -> None:
    one, two = (list(Simulation(day(hours=1.0), ROOM, TUNED).run()) for _ in range(2))
    assert draw(one, A_MONDAY, title="x") == draw(two, A_MONDAY, title="x")


def test_nothing_comes_from_elsewhere_and_dark_has_its_own_colours() -> None:
    picture = draw([moment(0.0), moment(60.0)], A_MONDAY, title="x")
    assert picture.count("http") == 1, "only the name space"
    assert not {"<script", "@import", "url("} & set(picture.split())
    assert "prefers-color-scheme:dark" in picture


def test_words_of_the_user_cannot_break_the_picture() -> None:
    assert 'A <b> & "c"' in words(draw([moment(0.0), moment(60.0)], A_MONDAY, title='A <b> & "c"'))


def test_a_stretch_out_of_the_ordinary_is_shaded_and_named() -> None:
    moments = list(Simulation(day(troubles=(trouble(Trouble.SENSOR, SensorState.LOST, hours=4.0),)), ROOM, TUNED).run())
    assert any("sensor lost" in text for text in words(draw(moments, A_MONDAY, title="x")))


def test_where_there_is_no_reading_the_line_has_a_gap() -> None:
    readings = [20.0, 20.5, None, None, 21.0, 20.0]
    picture = draw([moment(60.0 * k, reading_c=celsius) for k, celsius in enumerate(readings)], A_MONDAY, title="x")
    assert picture.count('class="read"') == 3, "two stretches and the legend"


def test_cooling_has_room_below_zero() -> None:
    picture = draw([moment(0.0, duty=-0.5, delivered=-1.0), moment(60.0, duty=0.2)], A_MONDAY, title="x")
    assert {"-100", "0", "100"} <= set(words(picture))


def test_a_recorded_room_without_any_reading_can_still_be_drawn() -> None:
    blind = [moment(60.0 * k, reading_c=None, true_c=None, setpoint_c=None, alarms=(LOST,)) for k in range(3)]
    assert "true temperature" not in words(draw(blind, A_MONDAY, title="x"))


def test_one_moment_is_no_picture() -> None:
    with pytest.raises(ValueError, match="two"):
        draw([moment(0.0)], A_MONDAY, title="x")
