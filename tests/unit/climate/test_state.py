from __future__ import annotations

from dataclasses import replace

from lucid2mqtt.climate.state import ClimateNews, ClimateState
from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.control.exchange import Activity, Mode
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.tuned import Origin
from lucid2mqtt.control.window import WindowState

STATE = ClimateState(
    name="living",
    mode=Mode.HEAT,
    action=Activity.IDLE,
    target_c=21.0,
    setpoint_c=21.0,
    current_c=20.0,
    duty=0.5,
    manual_duty=0.0,
    preset=Preset.NONE,
    window=WindowState.CLOSED,
    stage=LossStage.NONE,
    alarms=(),
    notices=(),
    reason="heats",
    autotune=None,
    tuning=Origin.ASSUMED,
    closures_today=0,
    closures_total=0,
)
WARMER = replace(STATE, current_c=20.1)


def test_a_change_is_told_at_once_and_drift_after_half_a_minute() -> None:
    news, told = ClimateNews(), list[ClimateState]()
    news.subscribe(told.append)
    news.tell(STATE, 0.0)
    news.tell(WARMER, 29.0)
    assert told == [STATE]
    news.tell(WARMER, 30.0)
    assert told == [STATE, WARMER]
    news.tell(replace(WARMER, action=Activity.HEATING), 30.0)
    assert told[-1].action is Activity.HEATING
    news.tell(replace(WARMER, action=Activity.HEATING), 300.0)
    assert len(told) == 3


def test_an_alarm_whose_words_count_seconds_is_told_once() -> None:
    first, second = (replace(STATE, alarms=(Alarm(AlarmName.SENSOR_LOST, f"no new reading for {age} s"),)) for age in (60, 61))
    assert first.differs_from(STATE)
    assert not first.differs_from(second)


def test_who_unsubscribed_hears_nothing() -> None:
    news, told = ClimateNews(), list[ClimateState]()
    news.subscribe(told.append)()
    news.tell(STATE, 0.0)
    assert told == []


def test_what_came_of_a_command_is_told_also_when_only_figures_moved() -> None:
    news, told = ClimateNews(), list[ClimateState]()
    news.subscribe(told.append)
    news.tell(STATE, 0.0)
    news.tell(WARMER, 1.0, is_awaited=True)
    assert told == [STATE, WARMER]
