import pytest

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.device_classes import CONTACT_CLASSES, NUMERIC_CLASSES, SWITCH_CLASSES, class_objection, classes_of, unit_objection


@pytest.mark.parametrize("name", NUMERIC_CLASSES)
def test_every_numeric_class_takes_its_own_units_and_no_other(name: str) -> None:
    for unit in NUMERIC_CLASSES[name].units:
        assert unit_objection(name, unit) is None
    assert unit_objection(name, "furlong") is not None


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [("volume_flow_rate", "m3/h", "m³/h"), ("volume_flow_rate", "l/h", "L/h"), ("temperature", "C", "°C"), ("duration", "days", "d")],
)
def test_common_misspellings_of_units_are_refused_with_the_right_one(name: str, wrong: str, right: str) -> None:
    objection = unit_objection(name, wrong)
    assert objection is not None
    assert f"'{right}'" in objection


def test_a_class_without_unit_says_so() -> None:
    assert unit_objection("ph", "") is None
    assert "no unit" in str(unit_objection("ph", "pH"))
    assert unit_objection("power_factor", "") is None


def test_totals_take_meter_classes_and_measurements_do_not() -> None:
    for name in ("energy", "water", "gas"):
        assert class_objection(name, Signal.TOTAL, is_output=False, unit=None) is None
        assert class_objection(name, Signal.VOLTAGE, is_output=False, unit=None) is not None
    for name in ("temperature", "voltage", "volume_flow_rate"):
        assert class_objection(name, Signal.TOTAL, is_output=False, unit=None) is not None
        assert class_objection(name, Signal.WINDOW, is_output=False, unit=None) is None


def test_switch_states_take_contact_classes_as_inputs_and_switch_classes_as_outputs() -> None:
    assert set(classes_of(Signal.STATE, is_output=False)) == CONTACT_CLASSES
    assert set(classes_of(Signal.STATE, is_output=True)) == SWITCH_CLASSES
    assert class_objection("door", Signal.STATE, is_output=True, unit="") is not None


def test_a_unit_that_is_not_known_yet_is_not_judged() -> None:
    assert class_objection("pressure", Signal.VOLTAGE, is_output=False, unit=None) is None
    assert class_objection("pressure", Signal.VOLTAGE, is_output=False, unit="V") is not None


def test_a_near_miss_is_guessed() -> None:
    assert "did you mean 'garage_door'?" in str(class_objection("garagedoor", Signal.STATE, is_output=False, unit=None))


def test_outputs_with_a_number_take_every_numeric_class() -> None:
    assert class_objection("energy", Signal.VOLTAGE, is_output=True, unit="kWh") is None
