from __future__ import annotations

from lucid2mqtt.control.changeover import Changeover
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.options import ThermostatOptions

BOTH = ThermostatOptions(cooling=DriveOptions(), dead_zone_k=1.0, changeover_s=600.0)


def test_auto_keeps_its_side_inside_the_dead_zone_and_changes_only_after_a_pause() -> None:
    sides = Changeover(BOTH)
    assert sides.choose(0.0, Mode.AUTO, 22.0, 21.0) is sides.heating
    sides.note_work(0.0)
    assert sides.choose(10.0, Mode.AUTO, 22.0, 22.3) is sides.heating
    assert sides.choose(20.0, Mode.AUTO, 22.0, 23.0) is sides.heating
    assert sides.choose(600.0, Mode.AUTO, 22.0, 23.0) is sides.cooling
    assert sides.choose(610.0, Mode.AUTO, 22.0, 22.0) is sides.cooling


def test_each_side_aims_at_its_own_edge_of_the_dead_zone() -> None:
    sides = Changeover(BOTH)
    assert sides.aim_c(Mode.AUTO, 22.0) == 21.5
    sides.choose(1000.0, Mode.COOL, 22.0, 25.0)
    assert sides.aim_c(Mode.AUTO, 22.0) == 22.5
    assert sides.aim_c(Mode.COOL, 22.0) == 22.0


def test_with_one_output_auto_is_that_output_without_a_dead_zone() -> None:
    sides = Changeover(ThermostatOptions())
    assert sides.choose(0.0, Mode.AUTO, 22.0, 30.0) is sides.heating
    assert sides.aim_c(Mode.AUTO, 22.0) == 22.0


def test_a_mode_without_its_output_has_no_side() -> None:
    assert Changeover(ThermostatOptions()).choose(0.0, Mode.COOL, 22.0, 30.0) is None
    assert Changeover(ThermostatOptions(heating=None, cooling=DriveOptions())).choose(0.0, Mode.OFF, 5.0, 3.0) is None
