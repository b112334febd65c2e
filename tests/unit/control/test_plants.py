from __future__ import annotations

import pytest

from lucid2mqtt.control.plants import PLANTS, Plant, PlantSpec

ALL = pytest.mark.parametrize("spec", PLANTS.values(), ids=PLANTS.keys())


@ALL
def test_a_plant_at_rest_stays_at_rest(spec: PlantSpec) -> None:
    plant = Plant(spec, start_c=25.0, outdoor_c=10.0)
    for _ in range(3000):
        plant.step(plant.holding_duty, outdoor_c=10.0)
    assert plant.body_c == pytest.approx(25.0, abs=0.01)


@ALL
def test_heat_warms_and_its_absence_cools(spec: PlantSpec) -> None:
    warm, cold = Plant(spec, start_c=25.0, outdoor_c=10.0), Plant(spec, start_c=25.0, outdoor_c=10.0)
    for _ in range(3000):
        warm.step(1.0, outdoor_c=10.0)
        cold.step(0.0, outdoor_c=10.0)
    assert warm.body_c > 26.0
    assert cold.body_c < 24.5


@ALL
def test_other_heat_counts_like_the_heaters(spec: PlantSpec) -> None:
    plant = Plant(spec, start_c=25.0, outdoor_c=10.0)
    for _ in range(3000):
        plant.step(plant.holding_duty, outdoor_c=10.0, gain_w=0.1 * spec.power_w)
    assert plant.body_c > 25.2


@ALL
def test_the_same_seed_gives_the_same_readings_in_steps_of_the_sensor(spec: PlantSpec) -> None:
    one, two = Plant(spec, start_c=21.0, outdoor_c=0.0, seed=7), Plant(spec, start_c=21.0, outdoor_c=0.0, seed=7)
    readings = [one.read() for _ in range(50)]
    assert readings == [two.read() for _ in range(50)]
    assert all(round(value / spec.quantum_k) * spec.quantum_k == pytest.approx(value) for value in readings)
