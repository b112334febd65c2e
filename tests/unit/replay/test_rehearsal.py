from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lucid2mqtt.control.exchange import Activity, Mode
from lucid2mqtt.control.schedule import parse_schedule
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.window import WindowOptions
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.replay.day import A_MONDAY, Command, Deed
from lucid2mqtt.replay.rehearsal import Rehearsal, Surroundings
from tests.unit.replay.samples import ROOM

COLD = Surroundings(sensors=(Sample(18.0),))


def test_before_the_first_step_there_is_nothing_to_show() -> None:
    with pytest.raises(LookupError):
        _ = Rehearsal(ROOM, A_MONDAY).decision


def test_a_target_a_preset_and_a_mode_are_obeyed() -> None:
    rehearsal = Rehearsal(ROOM, A_MONDAY)
    for deed, value, target_c in (
        (Deed.TARGET, 19.0, 19.0),
        (Deed.PRESET, "eco", 18.0),
        (Deed.PRESET, "none", 19.0),
        (Deed.MODE, "off", 5.0),
    ):
        rehearsal.obey(Command(0.0, deed, value))
        rehearsal.step(0.0, COLD)
        assert rehearsal.moment(0.0, reading_c=18.0, true_c=None, outdoor_c=None, delivered=0.0).target_c == target_c


def test_a_boost_ends_when_its_time_is_over() -> None:
    rehearsal = Rehearsal(ROOM, A_MONDAY)
    rehearsal.obey(Command(0.0, Deed.PRESET, "boost", for_s=120.0))
    assert rehearsal.step(60.0, COLD).target_c == 23.0
    assert rehearsal.step(180.0, COLD).target_c == 21.0


def test_into_manual_the_present_duty_goes_along_until_another_is_set() -> None:
    rehearsal = Rehearsal(ROOM, A_MONDAY)
    before = rehearsal.step(0.0, COLD).duty
    rehearsal.obey(Command(1.0, Deed.MODE, "manual"))
    assert rehearsal.step(1.0, COLD).duty == pytest.approx(before)
    rehearsal.obey(Command(2.0, Deed.DUTY, 0.25))
    assert rehearsal.step(2.0, COLD).duty == 0.25


@pytest.mark.parametrize(
    ("deed", "value"),
    [
        (Deed.MODE, "cool"),
        (Deed.TARGET, 99.0),
        (Deed.PRESET, "party"),
        (Deed.AUTOTUNE, "abort"),
        (Deed.AUTOTUNE, "undo"),
        (Deed.RESET, 1.0),
    ],
)
def test_what_the_thermostat_refuses_is_refused_here(deed: Deed, value: str | float) -> None:
    rehearsal = Rehearsal(ROOM, A_MONDAY)
    rehearsal.step(0.0, COLD)
    with pytest.raises(RequestRejected):
        rehearsal.obey(Command(1.0, deed, value))


def test_the_schedule_is_read_by_the_clock_of_the_day() -> None:
    options = replace(ROOM, schedule=parse_schedule({"daily": ["06:00 comfort", "22:00 eco"]}, UTC), starts_early=False)
    rehearsal = Rehearsal(options, datetime(2026, 1, 5, 5, 59, tzinfo=UTC))
    assert rehearsal.step(0.0, COLD).target_c == 18.0
    assert rehearsal.step(61.0, COLD).target_c == 21.0


def test_an_open_window_stops_the_heat() -> None:
    options = replace(ROOM, window=WindowOptions(open_delay_s=30.0), window_contact=ChannelRef("doors", "window"))
    rehearsal = Rehearsal(options, A_MONDAY)
    is_open = replace(COLD, contact_open=True)
    rehearsal.step(0.0, is_open)
    decision = rehearsal.step(31.0, is_open)
    assert (decision.duty, decision.activity) == (0.0, Activity.IDLE)
    assert "window open" in rehearsal.moment(31.0, reading_c=18.0, true_c=None, outdoor_c=None, delivered=0.0).reason


def test_an_open_window_ends_an_autotune() -> None:
    options = replace(ROOM, window=WindowOptions(open_delay_s=30.0), window_contact=ChannelRef("doors", "window"))
    rehearsal = Rehearsal(options, A_MONDAY)
    rehearsal.step(0.0, COLD)
    rehearsal.obey(Command(1.0, Deed.AUTOTUNE, "start"))
    is_open = replace(COLD, contact_open=True)
    assert rehearsal.step(1.0, is_open).duty == 1.0
    decision = rehearsal.step(32.0, is_open)
    assert decision.duty == 0.0
    assert decision.autotune is not None
    assert "window" in decision.autotune.reason


def test_the_mode_of_the_settings_is_the_first() -> None:
    rehearsal = Rehearsal(replace(ROOM, mode=Mode.OFF), A_MONDAY)
    assert rehearsal.step(0.0, COLD).activity is Activity.OFF
