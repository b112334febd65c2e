"""Mode, preset, schedule, window and early start, put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lucid2mqtt.climate.aim import Aim, Aiming, Circumstances
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.presets import Preset, PresetOptions
from lucid2mqtt.control.schedule import parse_schedule
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning import PlantModel, Rule
from lucid2mqtt.control.window import WindowOptions, WindowState
from tests.unit.climate.climate_room import ROOM
from tests.unit.engine.scripted import ref

MODEL = PlantModel(rate_k_per_s=4.0 / 3600.0, dead_time_s=600.0, holding_duty=0.4, ultimate_gain=1.8, ultimate_period_s=3100.0)
TUNED = Tuned(MODEL.gains(Rule.SIMC_PID), MODEL, Origin.AUTOTUNE)
WEEK = parse_schedule({"daily": ["06:00 comfort", "22:00 eco"]}, UTC)
SCHEDULED = replace(ROOM, schedule=WEEK)
BOTH_WAYS = replace(ROOM, control=ThermostatOptions(cooling=DriveOptions()), cooling=(ref("heaters/bath"),))
EVENING = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


def around(**changes: object) -> Circumstances:
    usual = Circumstances(
        now=0.0, wall=EVENING, mode=Mode.HEAT, room_c=18.0, outdoor_c=None, contact_open=None, tuned=Tuned.assumed(Rule.SIMC_PID)
    )
    return replace(usual, **changes)  # type: ignore[arg-type] # whichever field a test names


def at_hour(aiming: Aiming, hours: float, **changes: object) -> Aim:
    """Hours after the evening."""
    return aiming.at(around(now=hours * 3600.0, wall=EVENING + timedelta(hours=hours), **changes))


def test_the_schedule_is_followed_and_a_choice_by_hand_lasts_until_the_next_switching_time() -> None:
    aiming = Aiming(SCHEDULED)
    assert at_hour(aiming, 0.0).target_c == 18.0
    aiming.presets.set_target(22.5)
    assert at_hour(aiming, 1.0).target_c == 22.5
    assert at_hour(aiming, 7.5).target_c == 21.0


def test_a_room_that_is_known_is_heated_before_the_switching_time() -> None:
    aiming = Aiming(SCHEDULED)
    assert at_hour(aiming, 5.0, tuned=TUNED).target_c == 18.0
    early = at_hour(aiming, 6.5, tuned=TUNED)  # 3 K at 4 K/h, and the dead time
    assert (early.target_c, early.reason) == (21.0, "heats early for the next switching time")
    assert at_hour(Aiming(SCHEDULED), 6.5).target_c == 18.0  # nobody knows the room
    assert at_hour(Aiming(replace(SCHEDULED, starts_early=False)), 6.5, tuned=TUNED).target_c == 18.0


@pytest.mark.parametrize("preset", ["away", "frost", "eco"])
def test_who_chose_by_hand_is_not_heated_early(preset: str) -> None:
    aiming = Aiming(SCHEDULED)
    at_hour(aiming, 0.0)
    aiming.presets.choose(preset, 0.0)
    chosen_c = at_hour(aiming, 1.0, tuned=TUNED).target_c
    assert at_hour(aiming, 6.9, tuned=TUNED).target_c == chosen_c


def test_an_unset_clock_is_told_and_holds_what_was_declared() -> None:
    aim = Aiming(SCHEDULED).at(around(wall=datetime(1970, 1, 1, tzinfo=UTC)))
    assert aim.target_c == 21.0
    assert "clock not set" in aim.notices[0]


@pytest.mark.parametrize(("mode", "told"), [(Mode.AUTO, Mode.HEAT), (Mode.COOL, Mode.COOL), (Mode.HEAT, Mode.HEAT)])
def test_nothing_is_cooled_towards_a_saving_preset(mode: Mode, told: Mode) -> None:
    aiming = Aiming(BOTH_WAYS)
    aiming.presets.choose("eco", 0.0)
    aim = aiming.at(around(mode=mode))
    assert aim.mode is told
    assert aim.target_c == (None if mode is Mode.COOL else 18.0)


def test_off_leaves_the_frost_floor_or_nothing() -> None:
    assert Aiming(ROOM).at(around(mode=Mode.OFF)).target_c == 5.0
    bare = replace(ROOM, presets=PresetOptions(frost_floor=False))
    assert Aiming(bare).at(around(mode=Mode.OFF)).target_c is None


def test_an_open_window_leaves_the_frost_floor_and_does_not_hide_what_was_chosen() -> None:
    aiming = Aiming(windowed())
    aiming.at(around(contact_open=True))
    aim = aiming.at(around(now=31.0, contact_open=True))
    assert (aim.target_c, aiming.chosen(31.0).target_c, aiming.window) == (5.0, 21.0, WindowState.OPEN)


def test_a_forgotten_window_is_told_and_heated_against() -> None:
    aiming = Aiming(windowed())
    for now in (0.0, 31.0, 2000.0):
        aim = aiming.at(around(now=now, contact_open=True))
    assert aim.target_c == 21.0
    assert "window open" in aim.notices[0]


def test_choices_and_an_open_window_survive_a_restart() -> None:
    aiming = Aiming(windowed())
    aiming.presets.choose("boost", 0.0, for_s=600.0)
    aiming.at(around(contact_open=True))
    aiming.at(around(now=31.0, contact_open=True))
    later = Aiming(windowed())
    later.restore(aiming.saved(100.0), 9000.0, away_s=60.0)
    assert later.window is WindowState.OPEN
    assert later.chosen(9000.0 + 430.0).preset is Preset.BOOST
    assert later.chosen(9000.0 + 450.0).preset is Preset.NONE


def windowed() -> ClimateOptions:
    return replace(ROOM, window=WindowOptions())


def test_an_open_window_forbids_what_does_not_look_at_its_low_target() -> None:
    aiming = Aiming(replace(ROOM, window=WindowOptions(open_delay_s=30.0)))
    assert at_hour(aiming, 0.0, contact_open=True, room_c=None).pause == ""  # not for long enough
    assert "no temperature" in at_hour(aiming, 0.01, contact_open=True, room_c=None).pause
    assert at_hour(aiming, 0.02, contact_open=True).pause == ""  # the frost target says it all
    assert "window" in at_hour(aiming, 0.03, contact_open=True, is_tuning=True).pause


def test_a_fall_that_an_autotune_makes_itself_forbids_nothing() -> None:
    aiming = Aiming(replace(ROOM, window=WindowOptions()))
    falling = [at_hour(aiming, k / 120, is_tuning=True, room_c=22.0 - k / 20) for k in range(20)]
    assert aiming.window is WindowState.OPEN
    assert {aim.pause for aim in falling} == {""}
