from __future__ import annotations

from collections import deque

import pytest

from lucid2mqtt.control.relay_experiment import MOST_CYCLES, RelayExperiment, slope_of


def an_experiment(**changes: float) -> RelayExperiment:
    settled = {"target_c": 21.0, "holding_duty": 0.4, "swing": 0.3, "hysteresis_k": 0.1, "dead_time_s": 300.0, **changes}
    return RelayExperiment(**settled)


def swing(experiment: RelayExperiment, *, rate: float = 0.001, delay_s: int = 300, holding: float = 0.4, steps: int = 6000) -> None:
    """An integrator with dead time, sampled every 10 s."""
    queue, measured_c = deque([holding] * (delay_s // 10)), 20.8
    for k in range(steps):
        queue.append(experiment.step(10.0 * k, measured_c))
        measured_c += rate * (queue.popleft() - holding) * 10.0
        if experiment.model is not None or experiment.is_hopeless:
            return


def test_an_integrator_with_dead_time_is_found_again() -> None:
    experiment = an_experiment()
    swing(experiment)
    assert experiment.model is not None
    assert experiment.model.rate_k_per_s == pytest.approx(0.001, rel=0.05)
    assert experiment.model.dead_time_s == pytest.approx(300.0, rel=0.1)
    assert experiment.model.holding_duty == pytest.approx(0.4, abs=0.03)


def test_a_wrong_holding_duty_is_corrected_on_the_way() -> None:
    experiment = an_experiment(holding_duty=0.55)
    swing(experiment)
    assert experiment.model is not None
    assert experiment.model.holding_duty == pytest.approx(0.4, abs=0.04)


def test_a_duty_that_never_brings_the_temperature_back_is_shifted_and_at_last_given_up() -> None:
    experiment = an_experiment()
    for k in range(20_000):
        experiment.step(10.0 * k, 19.0)
        if experiment.is_hopeless:
            break
    assert experiment.is_hopeless
    assert experiment.holding_duty > 0.6


def test_cycles_that_never_look_alike_are_given_up() -> None:
    experiment = an_experiment()
    now = 0.0
    for cycle in range(MOST_CYCLES + 2):
        for direction in (1.0, -1.0):
            for k in range(10 * 2**cycle):
                now += 10.0
                experiment.step(now, 21.0 + direction * 0.05 * k)
    assert experiment.model is None
    assert experiment.is_hopeless


def test_the_time_left_shrinks_with_the_cycles_seen() -> None:
    experiment = an_experiment()
    before_s = experiment.remaining_s()
    swing(experiment)
    assert experiment.remaining_s() < before_s


def test_slope_of_a_line_and_of_nothing() -> None:
    assert slope_of([(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)]) == pytest.approx(0.1)
    assert slope_of([]) == slope_of([(5.0, 1.0), (5.0, 2.0)]) == 0.0
