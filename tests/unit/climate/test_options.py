from __future__ import annotations

from dataclasses import replace

import pytest

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.limiter import LimiterOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.staging import BankOptions
from tests.unit.climate.climate_room import HEATER, ROOM, SENSOR
from tests.unit.engine.scripted import ref


def test_modes_follow_from_the_outputs() -> None:
    both = ThermostatOptions(cooling=DriveOptions())
    assert ROOM.modes == (Mode.OFF, Mode.HEAT, Mode.MANUAL)
    assert replace(ROOM, control=both, cooling=(ref("heaters/bath"),)).modes == tuple(Mode)


def test_an_analog_output_is_one_output_and_a_bank_as_many_as_it_has_heaters() -> None:
    valve = ThermostatOptions(heating=DriveOptions(analog=AnalogOptions()))
    pair = ThermostatOptions(heating=DriveOptions(bank=BankOptions(heaters=2)))
    assert ClimateOptions(name="a", sensors=(SENSOR,), heating=(ref("ao/0"),), control=valve).outputs == (ref("ao/0"),)
    assert len(ClimateOptions(name="a", sensors=(SENSOR,), heating=(HEATER, ref("heaters/bath")), control=pair).outputs) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Wohn zimmer"}, "cannot stand in a topic"),
        ({"sensors": ()}, "needs a temperature sensor"),
        ({"heating": ()}, "heating needs 1 outputs, 0 are named"),
        ({"cooling": (ref("heaters/bath"),)}, "cooling needs 0 outputs"),
        ({"limiter": SENSOR}, "both its sensor and its limit"),
        ({"control": ThermostatOptions(limiter=LimiterOptions(limit_c=60.0))}, "both its sensor and its limit"),
        ({"window_contact": SENSOR}, "windows are not watched"),
        ({"mode": Mode.COOL}, "nothing to cool with"),
        ({"control": ThermostatOptions(cooling=DriveOptions()), "cooling": (HEATER,)}, "names an output twice"),
    ],
)
def test_what_does_not_fit_together_is_said(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(ROOM, **wrong)  # type: ignore[arg-type] # whichever field is tried
