from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Activity, Decision, Inputs, Mode
from lucid2mqtt.control.failure import FailureOptions, LoopBreakAction, LossStage
from lucid2mqtt.control.limiter import LimiterOptions, OnTimeOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.plants import LIGHT_ROOM, Plant, PlantSpec
from lucid2mqtt.control.regulator import LawKind, RegulatorOptions
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.staging import BankOptions
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning import PlantModel, Rule
from lucid2mqtt.errors import RequestRejected

HOUR = 3600.0
MODEL = PlantModel(
    rate_k_per_s=4.8 / HOUR, dead_time_s=690.0, holding_duty=0.42, ultimate_gain=1.8, ultimate_period_s=3100.0, loss_duty_per_k=0.0215
)
TUNED = Tuned(MODEL.gains(Rule.SIMC_PID), MODEL, Origin.AUTOTUNE)
ROOM = ThermostatOptions(heating=DriveOptions(cycle_s=600.0, min_on_s=60.0, min_off_s=60.0))


@dataclass
class House:
    """A thermostat in a room; drives it as an engine would, at the times it asks for."""

    options: ThermostatOptions = ROOM
    spec: PlantSpec = LIGHT_ROOM
    start_c: float = 21.0
    outdoor_c: float = 2.0
    tuned: Tuned | None = TUNED
    sensors: int = 1
    now: float = 0.0
    power: float = 1.0
    peak_c: float = -math.inf
    change: Callable[[float, Inputs], Inputs] = field(default=lambda _, inputs: inputs)

    def __post_init__(self) -> None:
        self.thermostat = Thermostat(self.options, sensors=self.sensors)
        if self.tuned is not None:
            self.thermostat.adopt(self.tuned)
        self.plant = Plant(self.spec, start_c=self.start_c, outdoor_c=self.outdoor_c)
        self.next_at = self.now
        self.errors_k: list[float] = []
        self.duties: list[float] = []
        self.alarms: set[AlarmName] = set()

    def run(self, hours: float, *, target_c: float | None = 21.0, mode: Mode = Mode.HEAT, manual_duty: float = 0.0) -> Decision:
        until = self.now + hours * HOUR
        while self.now < until:
            if self.now >= self.next_at:
                reading = Sample(self.plant.read())
                inputs = Inputs(
                    sensors=(reading,) * self.sensors,
                    mode=mode,
                    target_c=target_c,
                    manual_duty=manual_duty,
                    outdoor=Sample(self.outdoor_c),
                    limiter=reading,
                )
                self.decision = self.thermostat.step(self.now, self.change(self.now, inputs))
                assert self.now < self.decision.next_at <= self.now + 30.0
                self.next_at = self.decision.next_at
                self.duties.append(self.decision.duty)
                self.alarms |= {alarm.name for alarm in self.decision.alarms}
            heat = self.decision.heating.delivered - self.decision.cooling.delivered
            self.plant.step(heat * self.power, outdoor_c=self.outdoor_c)
            self.peak_c = max(self.peak_c, self.plant.body_c)
            self.errors_k.append(self.plant.body_c - (target_c or 0.0))
            self.now += self.spec.step_s
        return self.decision

    @property
    def rmse_k(self) -> float:
        return math.sqrt(sum(error**2 for error in self.errors_k) / len(self.errors_k))


def replaced(sample: Sample) -> Callable[[float, Inputs], Inputs]:
    return lambda _, inputs: replace(inputs, sensors=(sample,) * len(inputs.sensors))


# ---- control


def test_a_tuned_room_is_held_within_a_tenth_of_a_kelvin() -> None:
    house = House()
    house.run(3)
    house.errors_k.clear()
    decision = house.run(24)
    assert house.rmse_k < 0.1
    assert not house.alarms
    assert decision.activity in (Activity.HEATING, Activity.IDLE)
    assert decision.stage is LossStage.NONE


def test_a_step_is_reached_quickly_and_hardly_overshot() -> None:
    house = House(start_c=18.0)
    house.run(1.2)
    assert house.plant.body_c > 20.5
    house.run(12)
    assert house.peak_c < 21.15


def test_an_untuned_room_is_held_too() -> None:
    house = House(tuned=None)
    house.run(24)
    assert house.rmse_k < 0.6
    assert house.thermostat.tuned.origin is Origin.ASSUMED


def test_a_week_is_held_with_no_more_steps_than_periods_and_switchings() -> None:
    house = House()
    house.run(24 * 7)
    assert house.rmse_k < 0.1
    assert len(house.duties) <= 7 * (86_400 / 30 + 3 * 144)
    assert not house.alarms


def test_on_off_keeps_its_band_and_minimum_times() -> None:
    house = House(options=replace(ROOM, regulator=RegulatorOptions(law=LawKind.ON_OFF, hysteresis_k=0.3)))
    house.run(24)
    assert set(house.duties) <= {0.0, 1.0}
    assert house.rmse_k < 0.6
    with pytest.raises(RequestRejected, match="on/off"):
        house.thermostat.start_autotune()


def test_an_analog_valve_holds_the_room_and_several_stages_do() -> None:
    for drive in (DriveOptions(analog=AnalogOptions(low=4.0, high=20.0)), DriveOptions(bank=BankOptions(heaters=3))):
        house = House(options=replace(ROOM, heating=drive))
        house.run(12)
        assert house.rmse_k < 0.12
    assert len(house.decision.heating.relays) == 3


def test_cooling_holds_a_hot_room_and_auto_changes_over_by_itself() -> None:
    both = replace(ROOM, cooling=ROOM.heating)
    house = House(options=both, start_c=24.0, outdoor_c=35.0, tuned=None)
    assert house.run(12, target_c=24.0, mode=Mode.COOL).duty <= 0.0
    assert abs(house.plant.body_c - 24.0) < 0.7
    house = House(options=both, start_c=27.0, outdoor_c=30.0, tuned=None)
    house.run(6, target_c=22.0, mode=Mode.AUTO)
    assert house.decision.cooling.relays != ()
    assert house.plant.body_c < 23.5
    assert all(not decision.heating.delivered for decision in [house.decision])
    house.outdoor_c = -10.0
    house.run(24, target_c=22.0, mode=Mode.AUTO)
    assert house.decision.duty > 0.0
    assert 20.8 < house.plant.body_c < 22.2


# ---- modes


def test_off_heats_only_against_frost() -> None:
    house = House(start_c=6.0, outdoor_c=-15.0)
    assert house.run(12, target_c=5.0, mode=Mode.OFF).target_c is None
    assert 4.6 < house.plant.body_c < 5.6
    house = House(start_c=6.0, outdoor_c=-15.0)
    assert house.run(6, target_c=None, mode=Mode.OFF).activity is Activity.OFF
    assert house.plant.body_c < 4.0


def test_manual_duty_is_given_and_the_law_takes_over_without_a_jump() -> None:
    house = House()
    house.run(3)
    assert house.run(0.5, mode=Mode.MANUAL, manual_duty=0.45).duty == 0.45
    house.duties.clear()
    house.run(0.02)
    assert house.duties[0] == pytest.approx(0.45, abs=0.02)


@pytest.mark.parametrize("duty", [math.nan, math.inf, -1.0])
def test_a_manual_duty_that_cannot_be_given_is_none(duty: float) -> None:
    assert House().run(0.2, mode=Mode.MANUAL, manual_duty=duty).duty == 0.0


def test_a_pause_switches_off_and_the_integral_waits() -> None:
    house = House()
    house.run(6)
    before = house.decision.duty
    house.change = lambda _, inputs: replace(inputs, pause="window open")
    assert house.run(0.3).reason == "window open"
    assert house.decision.duty == 0.0
    house.change = lambda _, inputs: inputs
    house.duties.clear()
    house.run(2)
    assert house.duties[-1] == pytest.approx(before, abs=0.25)


def test_a_mode_without_an_output_does_nothing() -> None:
    assert House().run(0.1, mode=Mode.COOL).reason == "nothing to cool with"


# ---- sensors


def test_a_lost_sensor_is_held_then_degraded_then_off_and_resumed_without_a_jump() -> None:
    house = House()
    house.run(8)
    learned = sum(house.duties[-200:]) / 200
    house.change = replaced(Sample(None, reason="sensor open"))
    assert house.run(0.1).stage is LossStage.GLITCH
    assert house.decision.duty == pytest.approx(learned, abs=0.08)
    assert AlarmName.SENSOR_LOST not in house.alarms
    assert house.run(1).stage is LossStage.DEGRADED
    assert 0.0 < house.decision.duty < learned
    assert AlarmName.SENSOR_LOST in house.alarms
    assert house.run(4).stage is LossStage.FAILED
    assert house.decision.duty == 0.0
    house.change = lambda _, inputs: inputs
    house.run(4)
    assert house.decision.alarms == ()
    assert abs(house.plant.body_c - 21.0) < 0.3
    assert house.peak_c < 21.4


def test_a_sensor_lost_before_anything_was_learned_gives_no_heat() -> None:
    house = House(change=replaced(Sample(None)))
    assert house.run(1).stage is LossStage.FAILED
    assert set(house.duties) == {0.0}


def test_a_stuck_sensor_is_found_before_the_room_is_hot() -> None:
    house = House()
    house.run(6)
    house.change = replaced(Sample(20.0))
    decision = house.run(18)
    assert AlarmName.SENSOR_STUCK in house.alarms
    assert house.peak_c < 23.5
    assert decision.duty == 0.0


def test_a_fallback_sensor_takes_over_without_moving_the_duty() -> None:
    house = House(sensors=2)
    house.run(6)
    before = house.decision.duty
    house.change = lambda _, inputs: replace(inputs, sensors=(Sample(None), Sample((inputs.sensors[1].value or 0.0) + 1.0)))
    house.duties.clear()
    house.run(0.05)
    assert max(abs(duty - before) for duty in house.duties) < 0.15
    assert AlarmName.SENSOR_FAULT in house.alarms


@settings(max_examples=60)
@given(
    course=st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(), st.floats(15.0, 25.0)),
            st.sampled_from(Mode),
            st.one_of(st.none(), st.floats(5.0, 30.0)),
            st.one_of(st.none(), st.floats()),
            st.floats(0.0, 4000.0),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_no_course_of_inputs_breaks_the_thermostat_or_its_saved_state(
    course: list[tuple[float | None, Mode, float | None, float | None, float]],
) -> None:
    thermostat, now = Thermostat(replace(ROOM, cooling=DriveOptions())), 0.0
    for value, mode, target_c, outdoor_c, elapsed_s in course:
        now += elapsed_s
        decision = thermostat.step(now, Inputs(sensors=(Sample(value),), mode=mode, target_c=target_c, outdoor=Sample(outdoor_c)))
        assert -1.0 <= decision.duty <= 1.0
        assert now < decision.next_at <= now + 30.0
        assert not (any(decision.heating.relays) and any(decision.cooling.relays) and decision.duty != 0.0 and mode is Mode.MANUAL)
        Thermostat(replace(ROOM, cooling=DriveOptions())).restore(json.loads(json.dumps(thermostat.saved())))


# ---- the weather from a broker


def test_when_the_broker_goes_the_room_does_not_notice() -> None:
    house = House()
    house.run(8)
    lost_at = house.now
    house.change = lambda now, inputs: replace(inputs, outdoor=Sample(house.outdoor_c, age_s=now - lost_at))
    house.errors_k.clear()
    house.run(8)
    assert house.rmse_k < 0.1
    assert not house.alarms


# ---- limiter and heater


def test_the_limiter_stops_heat_at_once_and_stays_until_it_is_reset() -> None:
    house = House(options=replace(ROOM, limiter=LimiterOptions(limit_c=25.0)))
    while AlarmName.LIMITER not in house.alarms and house.now < 6 * HOUR:
        house.run(0.05, mode=Mode.MANUAL, manual_duty=1.0)
    assert not house.decision.heating.delivered
    with pytest.raises(RequestRejected, match="still reads"):
        house.thermostat.reset_alarms()
    house.run(10)
    assert house.peak_c < 25.6
    assert house.plant.body_c < 19.0
    again = Thermostat(house.options)
    again.restore(json.loads(json.dumps(house.thermostat.saved())), away_s=10.0)
    cold = Inputs(sensors=(Sample(15.0),), mode=Mode.HEAT, target_c=21.0, limiter=Sample(15.0))
    assert not any(any(again.step(30.0 * k, cold).heating.relays) for k in range(100))
    again.reset_alarms()
    assert any(any(again.step(3000.0 + 30.0 * k, cold).heating.relays) for k in range(100))


def test_a_limiter_without_its_sensor_means_no_heat() -> None:
    house = House(options=replace(ROOM, limiter=LimiterOptions(limit_c=25.0)))
    house.change = lambda _, inputs: replace(inputs, limiter=None)
    house.run(1)
    assert not house.decision.heating.delivered
    assert AlarmName.LIMITER in house.alarms


def test_a_heater_that_does_not_heat_is_told_and_where_wanted_switched_off_until_reset() -> None:
    safe = replace(ROOM, failure=FailureOptions(loop_break=LoopBreakAction.SAFE))
    house = House(options=safe)
    house.run(6)
    house.power = 0.0
    house.run(8)
    assert AlarmName.LOOP_BREAK in house.alarms
    assert not house.decision.heating.delivered
    house.power = 1.0
    house.run(2)
    assert not house.decision.heating.delivered
    house.thermostat.reset_alarms()
    house.run(6)
    assert house.plant.body_c > 20.5


def test_a_heater_too_weak_for_the_cold_raises_no_alarm() -> None:
    house = House()
    house.run(6)
    house.power = 0.6
    for outdoor_c in (0.0, -4.0, -8.0, -12.0, -16.0, -20.0):
        house.outdoor_c = outdoor_c
        house.run(6)
    assert house.decision.duty == 1.0
    assert AlarmName.LOOP_BREAK not in house.alarms


def test_a_welded_contact_is_told_and_stays_told() -> None:
    house = House()
    house.run(3, target_c=15.0)
    for k in range(360):
        house.plant.step(1.0, outdoor_c=2.0)
        if k % 3 == 0:
            decision = house.thermostat.step(
                house.now, Inputs(sensors=(Sample(house.plant.read()),), mode=Mode.HEAT, target_c=15.0, outdoor=Sample(2.0))
            )
            assert not decision.heating.delivered
        house.now += 10.0
    assert AlarmName.RISE_AT_ZERO_DUTY in {alarm.name for alarm in decision.alarms if alarm.latched}


def test_an_actuator_that_is_gone_or_disobeys_is_told_and_nothing_winds_up() -> None:
    house = House()
    house.run(8)
    house.change = lambda _, inputs: replace(inputs, actuator_fault="module heaters is unplugged")
    assert house.run(2).reason == "module heaters is unplugged"
    assert AlarmName.ACTUATOR_LOST in house.alarms
    house.change = lambda _, inputs: inputs
    house.run(12)
    assert house.peak_c < 21.3
    house.change = lambda _, inputs: replace(inputs, heating_seen=(True,))
    house.run(1)
    assert AlarmName.ACTUATOR_MISMATCH in house.alarms


def test_a_heater_on_for_too_long_is_switched_off() -> None:
    house = House(options=replace(ROOM, on_time=OnTimeOptions(longest_on_s=HOUR)), start_c=10.0)
    house.run(1.2)
    assert AlarmName.ON_TOO_LONG in house.alarms
    assert not house.decision.heating.delivered


@pytest.mark.parametrize(
    "settled",
    [{"on_time": OnTimeOptions(longest_on_s=HOUR)}, {"failure": FailureOptions(loop_break=LoopBreakAction.SAFE)}],
    ids=["on too long", "loop break"],
)
def test_an_alarm_that_blocks_and_heat_never_stand_in_the_same_decision(settled: dict[str, object]) -> None:
    house = House(options=replace(ROOM, **settled), start_c=10.0, power=0.0)  # type: ignore[arg-type] # whichever fields a case names
    decision = house.run(0.5)
    while not any(alarm.blocks for alarm in decision.alarms):
        assert house.now < 3 * HOUR
        decision = house.run(1 / HOUR)
    assert not decision.heating.delivered
    assert decision.activity is Activity.IDLE
    assert "withheld" in decision.reason


# ---- heating and cooling


BOTH = replace(
    ROOM, cooling=DriveOptions(cycle_s=600.0, min_on_s=300.0, min_off_s=0.0), heating=DriveOptions(cycle_s=600.0, min_on_s=300.0)
)


@pytest.mark.parametrize(("first", "second"), [(1.0, -1.0), (-1.0, 1.0)])
def test_while_one_still_keeps_its_minimum_on_time_the_other_waits(first: float, second: float) -> None:
    house = House(options=BOTH)
    decision = house.run(0.05, mode=Mode.MANUAL, manual_duty=first)
    assert (decision.heating if first > 0.0 else decision.cooling).delivered == 1.0
    for _ in range(600):
        decision = house.run(1 / HOUR, mode=Mode.MANUAL, manual_duty=second)
        assert not (decision.heating.delivered and decision.cooling.delivered)
    assert (decision.cooling if second < 0.0 else decision.heating).delivered == 1.0


def test_nothing_is_cooled_while_the_heater_reads_on() -> None:
    house = House(options=BOTH, start_c=30.0, outdoor_c=30.0)
    house.change = lambda _, inputs: replace(inputs, heating_seen=(True,), cooling_seen=(False,))
    decision = house.run(1, mode=Mode.COOL)
    assert not decision.cooling.delivered
    assert "withheld: the output for the other direction is still on" in decision.reason
    house.change = lambda _, inputs: inputs
    assert house.run(1, mode=Mode.COOL).cooling.delivered


# ---- no temperature


def test_off_without_a_temperature_gives_no_learned_heat() -> None:
    house = House()
    house.run(8)
    house.run(0.05, mode=Mode.OFF, target_c=5.0)
    house.change = replaced(Sample(None))
    house.duties.clear()
    house.run(1, mode=Mode.OFF, target_c=5.0)
    assert set(house.duties) == {0.0}


def test_mode_cool_without_a_temperature_gives_no_heat() -> None:
    house = House(options=BOTH)
    house.run(8)
    house.change = replaced(Sample(None))
    house.run(0.01)
    house.duties.clear()
    house.run(1, mode=Mode.COOL)
    assert set(house.duties) == {0.0}


def test_an_autotune_that_waits_for_its_sensor_gives_no_more_than_what_was_learned() -> None:
    house = House(start_c=19.0, outdoor_c=15.0)
    house.run(0.5, target_c=19.0)
    house.thermostat.start_autotune()
    house.run(0.05)
    assert house.duties[-1] == 1.0
    learned = house.thermostat.saved()["heating"]["regulator"]["mean_duty"]  # type: ignore[index]
    house.change = replaced(Sample(None))
    house.duties.clear()
    decision = house.run(0.05)
    assert decision.stage is LossStage.GLITCH
    assert decision.autotune is not None
    assert not decision.autotune.reason
    assert max(house.duties) <= learned < 0.9


def test_a_restart_does_not_begin_the_time_without_a_temperature_anew() -> None:
    house = House()
    house.run(12)
    house.change = replaced(Sample(None))
    house.run(3.9)
    assert house.decision.stage is LossStage.DEGRADED
    document = json.loads(json.dumps(house.thermostat.saved()))
    house.thermostat = Thermostat(house.options)
    house.thermostat.restore(document, away_s=60.0)
    house.next_at = house.now
    assert house.run(0.1).stage is LossStage.FAILED
    house.change = lambda _, inputs: inputs
    house.run(0.5)
    house.change = replaced(Sample(None))
    assert house.run(0.05).stage is LossStage.GLITCH


# ---- restart


def test_a_restart_begins_with_the_relay_off_and_goes_on_where_it_was() -> None:
    house = House()
    house.run(12)
    document = json.loads(json.dumps(house.thermostat.saved()))
    house.thermostat = Thermostat(house.options)
    house.thermostat.restore(document, away_s=60.0)
    house.now += 1e6  # another monotonic clock
    house.next_at = house.now
    house.run(0.005)
    assert not house.decision.heating.delivered
    house.errors_k.clear()
    house.run(6)
    assert house.rmse_k < 0.12
    assert house.thermostat.tuned == TUNED


@pytest.mark.parametrize("spoilt", [{"alarms": 3}, {"heating": {}}, {"autotune": {"direction": "HEATING"}}, {"heating": {"tuning": 1}}])
def test_a_spoilt_document_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="saved field"):
        Thermostat(ROOM).restore(spoilt)


@pytest.mark.parametrize("spoilt", [{"autotune": 1}, {"alarms": 1}, {"alarms": {"of a later version": {}}}, {"lost_s": "long"}])
def test_a_limiter_that_tripped_stands_whatever_else_is_spoilt(spoilt: dict[str, object]) -> None:
    options = replace(ROOM, limiter=LimiterOptions(limit_c=25.0))
    thermostat = Thermostat(options)
    with pytest.raises(ValueError, match=r"saved field|AlarmName"):
        thermostat.restore({"limiter": {"tripped": "too hot"}} | spoilt)
    cold = Inputs(sensors=(Sample(15.0),), mode=Mode.HEAT, target_c=21.0, limiter=Sample(15.0))
    assert not any(any(thermostat.step(30.0 * k, cold).heating.relays) for k in range(20))


def test_the_mean_of_the_day_goes_on_over_restarts() -> None:
    house = House(options=replace(ROOM, on_time=OnTimeOptions(most_duty=0.3)), start_c=5.0)
    for _ in range(8):
        house.run(2)
        document = json.loads(json.dumps(house.thermostat.saved()))
        house.thermostat = Thermostat(house.options)
        house.thermostat.restore(document, away_s=1.0)
    house.duties.clear()
    house.run(1, target_c=30.0)
    assert max(house.duties) == pytest.approx(0.3)


# ---- autotune


def tuning_house() -> House:
    house = House(start_c=18.0, tuned=None)
    house.run(0.02)
    house.thermostat.start_autotune()
    return house


def test_an_autotune_shows_its_phases_and_ends_with_gains_in_force() -> None:
    house, phases = tuning_house(), list[Phase]()
    while not house.thermostat.tuned.is_measured and house.now < 12 * HOUR:
        house.run(0.1)
        progress = house.decision.autotune
        assert progress is not None
        if progress.phase not in phases:
            phases.append(progress.phase)
    assert phases == [Phase.APPROACHING, Phase.SETTLING, Phase.PROBING, Phase.DONE]
    assert house.now < 8 * HOUR
    assert house.peak_c < 21.6
    house.errors_k.clear()
    house.run(12)
    assert house.rmse_k < 0.12
    house.thermostat.undo_tuning()
    assert house.thermostat.tuned.origin is Origin.ASSUMED


@pytest.mark.parametrize("after_h", [0.05, 0.5, 1.5, 3.0, 4.5])
def test_an_abort_at_any_step_leaves_the_gains_as_they_were(after_h: float) -> None:
    house = tuning_house()
    before = house.thermostat.tuned
    house.run(after_h)
    house.thermostat.abort_autotune()
    decision = house.run(0.1)
    assert house.thermostat.tuned == before
    assert decision.autotune is not None
    assert decision.autotune.reason == "aborted by command"
    assert decision.alarms == ()
    with pytest.raises(RequestRejected, match="no autotune"):
        house.thermostat.abort_autotune()


@pytest.mark.parametrize("after_h", [0.5, 2.0, 4.0])
def test_an_autotune_survives_a_restart(after_h: float) -> None:
    house = tuning_house()
    house.run(after_h)
    document = json.loads(json.dumps(house.thermostat.saved()))
    house.thermostat = Thermostat(house.options)
    house.thermostat.restore(document, away_s=60.0)
    while not house.thermostat.tuned.is_measured and house.now < 24 * HOUR:
        house.run(0.2)
    assert house.thermostat.tuned.is_measured
    assert house.peak_c < 21.8


def test_an_autotune_ends_with_an_alarm_when_the_sensor_is_lost_and_without_when_the_mode_changes() -> None:
    house = tuning_house()
    house.run(1)
    house.change = replaced(Sample(None))
    house.run(1)
    assert AlarmName.AUTOTUNE_FAILED in house.alarms
    house.change = lambda _, inputs: inputs
    house.run(1)
    house.thermostat.reset_alarms()
    house.alarms.clear()
    house.thermostat.start_autotune()
    house.run(0.5)
    house.run(0.1, mode=Mode.OFF, target_c=None)
    assert AlarmName.AUTOTUNE_FAILED not in house.alarms


def test_an_autotune_of_the_heating_ends_when_cooling_is_chosen() -> None:
    house = House(options=BOTH, start_c=18.0)
    house.run(0.02)
    house.thermostat.start_autotune()
    house.run(0.2)
    assert house.thermostat.is_tuning
    house.duties.clear()
    decision = house.run(0.2, mode=Mode.COOL)
    assert max(house.duties) <= 0.0
    assert not house.thermostat.is_tuning
    assert decision.autotune is not None
    assert "mode cool" in decision.autotune.reason


def test_an_autotune_is_refused_with_the_reason_where_it_cannot_work() -> None:
    with pytest.raises(RequestRejected, match="no target"):
        Thermostat(ROOM).start_autotune()
    house = House(change=replaced(Sample(None)))
    house.run(0.1)
    with pytest.raises(RequestRejected, match="no temperature"):
        house.thermostat.start_autotune()
    house = House(change=lambda _, inputs: replace(inputs, pause="window open"))
    house.run(0.1)
    with pytest.raises(RequestRejected, match="window open"):
        house.thermostat.start_autotune()
    house = tuning_house()
    house.run(0.1)
    for command in (house.thermostat.start_autotune, house.thermostat.undo_tuning):
        with pytest.raises(RequestRejected, match="is running"):
            command()


@pytest.mark.parametrize("settled", [{"heating": None}, {"dead_zone_k": -1.0}])
def test_options_that_cannot_be_are_refused(settled: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs|cannot"):
        ThermostatOptions(**settled)  # type: ignore[arg-type]  # spoilt on purpose


def test_an_actuator_that_failed_is_told_on_while_it_is_tried_again() -> None:
    house = House()
    house.run(1)
    house.change = lambda _, inputs: replace(inputs, actuator_doubt="heaters/living took no heat")
    house.run(1)
    assert AlarmName.ACTUATOR_LOST in house.alarms
    assert "heats to" in house.decision.reason


def test_full_heat_that_waits_for_the_minimum_off_time_says_so() -> None:
    house = House(start_c=16.0)
    waiting = house.run(0.01)
    assert not any(waiting.heating.relays)
    assert "after the minimum off time: another" in waiting.reason
    heating = house.run(1)
    assert any(heating.heating.relays)
    assert "minimum off time" not in heating.reason
