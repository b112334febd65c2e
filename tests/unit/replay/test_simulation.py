from dataclasses import replace

import pytest

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.limiter import LimiterOptions
from lucid2mqtt.control.plants import VESSEL
from lucid2mqtt.control.window import WindowOptions
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.replay.day import Circumstance, Command, Day, Deed, Lesson, SensorState, Trouble
from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.simulation import Simulation, learn
from tests.unit.replay.samples import HOUR_S, ROOM, TUNED, day, trouble


def play(one: Day, options: ClimateOptions = ROOM) -> list[Moment]:
    return list(Simulation(one, options, TUNED).run())


def alarms(moments: list[Moment]) -> set[AlarmName]:
    return {alarm.name for moment in moments for alarm in moment.alarms}


def at(moments: list[Moment], hours: float) -> Moment:
    return next(moment for moment in moments if moment.at_s >= hours * HOUR_S)


def test_the_room_is_held_and_nothing_is_remarkable() -> None:
    moments = play(day())
    assert all(abs((moment.true_c or 0.0) - 21.0) < 0.3 for moment in moments if moment.at_s > HOUR_S)
    assert not any(moment.remark for moment in moments)


def test_the_same_seed_gives_the_same_day_and_another_one_another() -> None:
    first, again, other = (play(replace(day(hours=1.0), seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_command_is_carried_out_at_its_time() -> None:
    moments = play(day(commands=(Command(2 * HOUR_S, Deed.TARGET, 22.0),)))
    assert {moment.target_c for moment in moments if moment.at_s < 2 * HOUR_S} == {21.0}
    assert {moment.target_c for moment in moments if moment.at_s > 2 * HOUR_S + 10.0} == {22.0}


def test_commands_that_are_refused_are_kept_with_the_reason() -> None:
    simulation = Simulation(day(hours=2.0, commands=(Command(HOUR_S, Deed.TARGET, 60.0),)), ROOM)
    assert {moment.target_c for moment in simulation.run()} == {21.0}
    [(command, refusal)] = simulation.refusals
    assert (command.at_s, "60" in str(refusal)) == (HOUR_S, True)


def test_a_lost_sensor_goes_through_its_stages_and_comes_back() -> None:
    moments = play(day(troubles=(trouble(Trouble.SENSOR, SensorState.LOST, hours=2.0),)))
    assert at(moments, 1.05).stage is LossStage.GLITCH
    assert at(moments, 2.5).stage is LossStage.DEGRADED
    assert at(moments, 3.2).stage is LossStage.NONE
    assert at(moments, 2.5).reading_c is None
    assert AlarmName.SENSOR_LOST in alarms(moments)


def test_a_stuck_sensor_says_for_ever_the_same() -> None:
    moments = play(day(troubles=(trouble(Trouble.SENSOR, SensorState.STUCK),)))
    assert len({moment.reading_c for moment in moments if moment.at_s >= HOUR_S}) == 1


def test_a_sensor_that_lies_is_outvoted_by_two_honest_ones() -> None:
    options = replace(ROOM, sensors=tuple(ChannelRef("rtd", name) for name in "abc"))
    moments = play(day(troubles=(trouble(Trouble.SENSOR, 40.0, at_h=0.0),)), options)
    assert AlarmName.SENSORS_DISAGREE in alarms(moments)
    assert abs((moments[-1].true_c or 0.0) - 21.0) < 0.5


def test_an_open_window_cools_the_room_and_its_contact_is_heard() -> None:
    options = replace(ROOM, window=WindowOptions(), window_contact=ChannelRef("doors", "window"))
    moments = play(day(hours=2.0, troubles=(trouble(Trouble.WINDOW, "open", hours=0.4),)), options)
    assert at(moments, 1.35).duty == 0.0
    assert (at(moments, 1.35).true_c or 0.0) < (at(moments, 0.99).true_c or 0.0) - 0.5


def test_other_heat_makes_the_duty_fall_and_a_weak_heater_makes_it_rise() -> None:
    warm = play(day(hours=3.0, troubles=(trouble(Trouble.GAIN, 500.0),)))
    weak = play(day(hours=3.0, troubles=(trouble(Trouble.POWER, 0.5),)))
    assert at(warm, 2.9).duty < at(play(day(hours=3.0)), 2.9).duty - 0.2
    assert at(weak, 2.9).duty > at(play(day(hours=3.0)), 2.9).duty + 0.2


def test_a_dead_heater_is_a_loop_break() -> None:
    assert AlarmName.LOOP_BREAK in alarms(play(day(hours=6.0, troubles=(trouble(Trouble.POWER, 0.0),))))


def test_a_welded_contact_heats_on_and_is_told() -> None:
    moments = play(day(hours=6.0, troubles=(trouble(Trouble.CONTACT, "welded"),)))
    assert at(moments, 5.9).delivered == 1.0
    assert at(moments, 5.9).duty == 0.0
    assert AlarmName.RISE_AT_ZERO_DUTY in alarms(moments)


def test_the_limiter_has_a_sensor_of_its_own_that_does_not_lie_with_the_others() -> None:
    limited = replace(ROOM, limiter=ChannelRef("rtd", "limit"), control=replace(ROOM.control, limiter=LimiterOptions(limit_c=22.0)))
    moments = play(day(hours=8.0, troubles=(trouble(Trouble.SENSOR, 20.3),)), limited)
    assert AlarmName.LIMITER in alarms(moments)
    assert max(moment.true_c or 0.0 for moment in moments) < 22.5


def test_the_weather_can_turn_and_come_back() -> None:
    moments = play(day(hours=3.0, troubles=(trouble(Trouble.OUTDOOR, -15.0, hours=1.0),)))
    assert [at(moments, hour).outdoor_c for hour in (0.5, 1.5, 2.5)] == [1.0, -15.0, 1.0]


def test_of_two_troubles_of_a_kind_the_later_one_holds() -> None:
    both = (trouble(Trouble.OUTDOOR, -15.0, at_h=0.0), Circumstance(HOUR_S, 2 * HOUR_S, Trouble.OUTDOOR, 10.0))
    moments = play(day(hours=3.0, troubles=both))
    assert [at(moments, hour).outdoor_c for hour in (0.5, 1.5, 2.5)] == [-15.0, 10.0, -15.0]


def test_the_lesson_learns_the_plant_it_is_held_on() -> None:
    lesson = replace(day(), plant=VESSEL, outdoor_c=22.0, lesson=Lesson(target_c=60.0, start_c=45.0))
    control = replace(ROOM.control, heating=DriveOptions(cycle_s=8.0))
    options = replace(ROOM, presets=replace(ROOM.presets, maximum_c=90.0), control=control)
    learned = learn(lesson, options)
    assert learned.tuned.is_measured
    assert 5.0 < learned.tuned.model.dead_time_s < 60.0
    assert 60.0 < learned.took_s < HOUR_S
    assert 0.0 <= learned.excursion_k < 3.0


def test_a_lesson_that_cannot_be_held_says_why() -> None:
    with pytest.raises(RequestRejected, match="full power"):
        learn(replace(day(), outdoor_c=-60.0, lesson=Lesson(target_c=25.0, start_c=5.0)), ROOM)
    with pytest.raises(RequestRejected, match="out of range"):
        learn(replace(day(), lesson=Lesson(target_c=60.0, start_c=45.0)), ROOM)
    with pytest.raises(LookupError):
        learn(day(), ROOM)


def test_readings_are_taken_no_more_often_than_the_plant_steps() -> None:
    moments = play(day(hours=0.5))
    assert [moment.at_s for moment in moments[:3]] == [0.0, 10.0, 20.0]
    assert len(moments) == 180
