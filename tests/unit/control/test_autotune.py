from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.control.autotune import Autotune, AutotuneOptions, Phase
from lucid2mqtt.control.plants import LIGHT_ROOM, SLAB_ROOM, VESSEL, Plant, PlantSpec

OPTIONS = AutotuneOptions()


def session(
    spec: PlantSpec,
    *,
    target_c: float,
    start_c: float,
    outdoor_c: float,
    options: AutotuneOptions = OPTIONS,
    reading: Callable[[float, float], float] = lambda _, value: value,
    restarts_at: tuple[int, ...] = (),
) -> tuple[Autotune, float]:
    """Runs a session to its end; gives it and the highest true temperature."""
    autotune = Autotune(options, target_c=target_c)
    plant = Plant(spec, start_c=start_c, outdoor_c=outdoor_c)
    peak_c, k = start_c, 0
    while not autotune.is_over:
        now = k * spec.step_s
        if k in restarts_at:
            autotune = Autotune.from_saved(json.loads(json.dumps(autotune.saved())), options)
        plant.step(autotune.step(now, reading(now, plant.read()), outdoor_c=outdoor_c), outdoor_c=outdoor_c)
        peak_c = max(peak_c, plant.body_c)
        k += 1
    return autotune, peak_c


@pytest.mark.parametrize(
    ("spec", "target_c", "start_c", "rate_k_per_h", "dead_time_s", "excursion_k"),
    [
        (LIGHT_ROOM, 21.0, 18.0, (3.5, 6.0), (400.0, 900.0), 0.5),
        (SLAB_ROOM, 21.0, 19.0, (0.3, 0.6), (1800.0, 3600.0), 0.4),
        (VESSEL, 60.0, 45.0, (250.0, 450.0), (15.0, 35.0), 3.0),
    ],
    ids=lambda value: value.name if isinstance(value, PlantSpec) else None,
)
def test_a_session_finds_the_plant_without_overheating_it(
    spec: PlantSpec,
    target_c: float,
    start_c: float,
    rate_k_per_h: tuple[float, float],
    dead_time_s: tuple[float, float],
    excursion_k: float,
) -> None:
    autotune, peak_c = session(spec, target_c=target_c, start_c=start_c, outdoor_c=2.0)
    model = autotune.model
    assert model is not None, autotune.fault
    assert rate_k_per_h[0] < model.rate_k_per_s * 3600 < rate_k_per_h[1]
    assert dead_time_s[0] < model.dead_time_s < dead_time_s[1]
    at_rest = Plant(spec, start_c=target_c, outdoor_c=2.0).holding_duty
    assert at_rest - 0.03 < model.holding_duty < at_rest + 0.12  # the walls are still warming up
    assert model.loss_duty_per_k == pytest.approx(model.holding_duty / (target_c - 2.0))
    assert peak_c - target_c <= excursion_k


def test_begun_at_the_target_it_waits_until_it_is_cooler() -> None:
    autotune = Autotune(OPTIONS, target_c=21.0)
    assert autotune.step(0.0, 21.0) == 0.0
    assert autotune.saved()["phase"] == Phase.BACKING_OFF
    for k in range(1, 100):
        autotune.step(10.0 * k, 20.0)
    assert autotune.phase is Phase.APPROACHING
    assert autotune.step(1000.0, 20.0) == 1.0


def test_it_refuses_in_mild_weather_with_a_reason() -> None:
    autotune = Autotune(OPTIONS, target_c=21.0)
    for k in range(2000):
        autotune.step(60.0 * k, 22.0 + 0.01 * (k % 3))
    assert autotune.phase is Phase.FAILED
    assert "heating weather" in autotune.fault


def test_it_refuses_where_full_power_does_not_reach_the_target() -> None:
    autotune, _ = session(LIGHT_ROOM, target_c=40.0, start_c=18.0, outdoor_c=-10.0)
    assert autotune.phase is Phase.FAILED
    assert "choose a lower target" in autotune.fault


def test_it_refuses_where_holding_takes_nearly_no_heat() -> None:
    autotune, _ = session(LIGHT_ROOM, target_c=21.0, start_c=19.5, outdoor_c=20.9)
    assert autotune.phase is Phase.FAILED
    assert "no room to swing" in autotune.fault or "not come to rest" in autotune.fault


def test_a_stuck_sensor_ends_the_session_with_the_heater_off() -> None:
    def stuck(now: float, value: float) -> float:
        return 20.0 if now > 3600.0 else value

    autotune, peak_c = session(LIGHT_ROOM, target_c=21.0, start_c=18.0, outdoor_c=2.0, reading=stuck)
    assert autotune.phase is Phase.FAILED
    assert "does not move" in autotune.fault
    assert autotune.step(1e6, 15.0) == 0.0
    assert peak_c < 26.0


def test_a_session_that_takes_too_long_gives_up() -> None:
    autotune, _ = session(SLAB_ROOM, target_c=21.0, start_c=18.0, outdoor_c=2.0, options=AutotuneOptions(longest_s=7200.0))
    assert "not finished within 2 h" in autotune.fault


def test_above_the_excursion_limit_there_is_no_heat_and_the_third_time_it_gives_up() -> None:
    autotune, plant, k = Autotune(OPTIONS, target_c=21.0), Plant(LIGHT_ROOM, start_c=18.0, outdoor_c=2.0), 0
    while autotune.phase is Phase.APPROACHING:
        plant.step(autotune.step(10.0 * k, plant.read()), outdoor_c=2.0)
        k += 1
    while not autotune.is_over:
        sun_c = 23.5 if k // 120 % 2 else 20.5
        duty = autotune.step(10.0 * k, sun_c + 0.01 * (k % 2))
        assert duty == 0.0 or autotune.peak_k < 1.5 or sun_c < 21.0
        k += 1
    assert "again and again" in autotune.fault


@pytest.mark.parametrize("restarts_at", [(50,), (300,), (900,), (1500,), (50, 300, 900, 1500)])
def test_it_survives_a_restart_in_every_phase(restarts_at: tuple[int, ...]) -> None:
    autotune, peak_c = session(LIGHT_ROOM, target_c=21.0, start_c=18.0, outdoor_c=2.0, restarts_at=restarts_at)
    assert autotune.model is not None, autotune.fault
    assert 400.0 < autotune.model.dead_time_s < 900.0
    assert peak_c < 21.7


@settings(max_examples=40)
@given(
    readings=st.lists(st.one_of(st.sampled_from([math.nan, math.inf]), st.floats(-200.0, 900.0), st.floats(10.0, 30.0)), max_size=200),
    gaps=st.floats(0.01, 5000.0),
)
def test_no_course_of_readings_gets_a_duty_out_of_its_limits_or_breaks_the_saved_state(readings: list[float], gaps: float) -> None:
    autotune = Autotune(OPTIONS, target_c=21.0)
    for k, value in enumerate(readings):
        duty = autotune.step(k * gaps, value, outdoor_c=value)
        assert 0.0 <= duty <= 1.0
        again = Autotune.from_saved(json.loads(json.dumps(autotune.saved())), OPTIONS)
        assert again.is_over is autotune.is_over
        assert math.isclose(again.target_c, autotune.target_c)


def test_the_time_left_is_unknown_at_first_and_then_shrinks() -> None:
    autotune = Autotune(OPTIONS, target_c=21.0)
    plant = Plant(LIGHT_ROOM, start_c=18.0, outdoor_c=2.0)
    left: list[float] = []
    for k in range(4000):
        plant.step(autotune.step(10.0 * k, plant.read()), outdoor_c=2.0)
        remaining_s = autotune.remaining_s()
        if remaining_s is not None:
            left.append(remaining_s)
        elif left:
            pytest.fail("forgot how long it takes")
    assert k - len(left) > 10
    assert left[0] > 3600.0
    assert left[-1] == 0.0


@pytest.mark.parametrize("spoilt", [{"phase": "dancing"}, {"target_c": None}, {"phase": "done", "model": None}, {"spent_s": -1.0}])
def test_a_spoilt_document_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Phase|field"):
        Autotune.from_saved({**Autotune(OPTIONS, target_c=21.0).saved(), **spoilt}, OPTIONS)
