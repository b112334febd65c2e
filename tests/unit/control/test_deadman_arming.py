from __future__ import annotations

from collections.abc import Mapping

import pytest

from lucid2mqtt.control.deadman_arming import ParameterValue, arming_objection, recipe
from lucid2mqtt.sim.quirks import COMFORTABLE, Quirks
from tests.unit.control.simulated_output import SimulatedOutput

RECIPE = recipe(15.0)
AS_ARMED: Mapping[str, ParameterValue] = {
    "Value": 0,
    "Inverted": False,
    "CanRetrigger": True,
    "CanCancel": True,
    "OnDelay": 10_000,
    "OnHold": 15_000_000,
    "Mode": "onOff",
}


def test_the_mode_is_set_last_and_a_zero_is_persisted_first() -> None:
    assert (RECIPE[0].parameter, RECIPE[0].values, RECIPE[0].is_persistent) == ("Value", (0,), True)
    assert (RECIPE[-1].parameter, RECIPE[-1].values) == ("Mode", ("onOff",))
    assert [setting.parameter for setting in RECIPE if setting.is_persistent] == ["Value"]


def test_a_channel_that_reads_back_as_wanted_is_armed() -> None:
    assert arming_objection(RECIPE, AS_ARMED, output_on=False) is None
    assert arming_objection(RECIPE, {**AS_ARMED, "OnDelay": 20_000}, output_on=False) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Mode": "reflect"}, "not armed: Mode reads reflect instead of onOff"),
        ({"Mode": 0x33}, "not armed: Mode reads 51 instead of onOff"),
        ({"OnHold": 1_000_000}, "not armed: OnHold reads 1000000 instead of 15000000"),
        ({"OnDelay": 1_000_000}, "not armed: OnDelay reads 1000000 instead of 10000 or 20000"),
        ({"CanRetrigger": False}, "not armed: CanRetrigger reads off instead of on"),
        ({"CanCancel": False}, "not armed: CanCancel reads off instead of on"),
        ({"Inverted": True}, "not armed: Inverted reads on instead of off"),
        ({"Value": 1}, "not armed: Value reads 1 instead of 0"),
    ],
)
def test_arming_is_refused_when_a_read_back_differs(change: dict[str, ParameterValue], sentence: str) -> None:
    assert arming_objection(RECIPE, {**AS_ARMED, **change}, output_on=False) == sentence


@pytest.mark.parametrize("parameter", AS_ARMED)
def test_arming_is_refused_when_the_module_does_not_tell(parameter: str) -> None:
    told = {name: value for name, value in AS_ARMED.items() if name != parameter}
    assert f"does not tell {parameter}" in (arming_objection(RECIPE, told, output_on=False) or "")


@pytest.mark.parametrize(("output_on", "why"), [(True, "the output is on"), (None, "cannot be read")])
def test_arming_is_refused_unless_the_output_is_off(output_on: bool | None, why: str) -> None:
    assert why in (arming_objection(RECIPE, AS_ARMED, output_on=output_on) or "")


@pytest.mark.parametrize(("quirks", "delay_us"), [(Quirks(), 20_000), (COMFORTABLE, 10_000)])
def test_a_simulated_module_fresh_from_the_factory_is_armed_without_a_pulse(quirks: Quirks, delay_us: int) -> None:
    output = SimulatedOutput(quirks, RECIPE)
    assert arming_objection(RECIPE, output.told(RECIPE), output_on=output.read_back()) is None
    assert output.told(RECIPE)["OnDelay"] == delay_us
    assert output.on_seconds(60.0) == 0.0
    output.write(True, 61.0)
    output.module.power_cycle(62.0)
    assert output.on_seconds(200.0) < 5.0
