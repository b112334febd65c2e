from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.tuning import CAUTIOUS_ROOM, PATIENT_PLANT, RULE_NOTES, Gains, PlantModel, Rule

models = st.builds(
    PlantModel,
    rate_k_per_s=st.floats(1e-5, 1.0),
    dead_time_s=st.floats(1.0, 1e4),
    holding_duty=st.floats(0.0, 1.0),
    ultimate_gain=st.floats(1e-3, 10.0),
    ultimate_period_s=st.floats(10.0, 1e5),
    loss_duty_per_k=st.floats(0.0, 0.1),
)


@given(model=models, rule=st.sampled_from(Rule))
def test_every_rule_gives_positive_gains_for_every_plant(model: PlantModel, rule: Rule) -> None:
    gains = model.gains(rule)
    assert gains.kp > 0
    assert gains.ki > 0


def test_simc_pi_is_what_skogestad_gives_for_an_integrator() -> None:
    gains = CAUTIOUS_ROOM.gains(Rule.SIMC_PI)
    assert gains.kp == pytest.approx(1 / (CAUTIOUS_ROOM.rate_k_per_s * 2 * 1200.0))
    assert gains.kp / gains.ki == pytest.approx(8 * 1200.0)
    assert gains.kd == 0.0


def test_every_rule_is_explained() -> None:
    assert set(RULE_NOTES) == set(Rule)


@given(model=models)
def test_a_model_survives_the_disk(model: PlantModel) -> None:
    assert PlantModel.from_saved(model.saved()) == model


@pytest.mark.parametrize("spoilt", [{"rate_k_per_s": 0.0}, {"dead_time_s": math.nan}, {"holding_duty": 1.5}, {"ultimate_gain": None}])
def test_a_spoilt_model_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"model|field"):
        PlantModel.from_saved({**CAUTIOUS_ROOM.saved(), **spoilt})


@pytest.mark.parametrize("spoilt", [(-1.0, 0.1, 0.0), (math.nan, 0.1, 0.0), (1.0, 0.1, math.inf)])
def test_gains_that_cannot_be_are_refused(spoilt: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="gains"):
        Gains(*spoilt)


def test_an_unknown_plant_is_judged_more_patiently_than_it_is_controlled() -> None:
    assert PATIENT_PLANT.dead_time_s > CAUTIOUS_ROOM.dead_time_s
    assert PATIENT_PLANT.rate_k_per_s < CAUTIOUS_ROOM.rate_k_per_s
