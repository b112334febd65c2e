import json
from pathlib import Path

import pytest

from lucid2mqtt.cli.demo_memory import house_model, remember_the_room
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Inputs, Mode
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.control.tuned import Tuned
from lucid2mqtt.settings import load
from lucid2mqtt.sim.house import HEATER_W, Room

OUTSIDE_C, SCAN_S = 5.0, 2.0  # a module reads its four sensors one after the other


def autotuned(speed: float, cycle_s: float, least_s: float) -> tuple[Tuned, float]:
    """What an autotune finds in the room of the house, and how many seconds it takes."""
    room, thermostat = Room(16.0), Thermostat(ThermostatOptions(heating=DriveOptions(cycle_s=cycle_s, min_on_s=least_s, min_off_s=least_s)))
    seen_c, next_at, is_on, now = 16.0, 0.0, False, 0.0
    for k in range(20_000):
        now = 0.1 * k
        if k % round(SCAN_S / 0.1) == 0:
            seen_c = round(room.room_c, 1)
        if now >= next_at:
            decision = thermostat.step(now, Inputs(sensors=(Sample(seen_c),), mode=Mode.HEAT, target_c=21.0, outdoor=Sample(OUTSIDE_C)))
            next_at, is_on = decision.next_at, decision.heating.relays[0]
            if k == 0:
                thermostat.start_autotune()
            if thermostat.tuned.is_measured:
                return thermostat.tuned, now
            assert decision.autotune is None or not decision.autotune.reason, decision.autotune
        room.step(0.1 * speed, HEATER_W * is_on, OUTSIDE_C)
    raise AssertionError("the autotune does not end")


def test_what_is_remembered_is_what_an_autotune_finds_within_minutes() -> None:
    found, took_s = autotuned(60.0, 10.0, 1.0)
    remembered = house_model(60.0)
    assert found.model.rate_k_per_s == pytest.approx(remembered.rate_k_per_s, rel=0.3)
    assert found.model.dead_time_s == pytest.approx(remembered.dead_time_s, rel=0.3)
    assert took_s < 600.0


def test_a_faster_house_is_remembered_as_a_faster_one() -> None:
    slow, fast = house_model(10.0), house_model(100.0)
    assert fast.rate_k_per_s == pytest.approx(10.0 * slow.rate_k_per_s)
    assert fast.dead_time_s < slow.dead_time_s / 4.0


def test_each_thermostat_of_the_settings_finds_a_document_that_it_takes(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "modules: [{match: {serial: 1}, name: rtd}, {match: {serial: 2}, name: relays}]\n"
        "thermostats: [{name: living, sensors: [rtd/0], heater: relays/0}]\n"
        f"state_dir: {tmp_path}/state\n"
    )
    settings = load(file, {})
    remember_the_room(settings, 60.0)
    document = json.loads((tmp_path / "state" / "thermostat-living.json").read_text())
    thermostat = Thermostat(settings.climate_options()[0].control)
    thermostat.restore(document["controller"])
    assert thermostat.tuned.is_measured
    assert {"saved_at", "mode", "manual_duty", "aim", "relays"} <= set(document)


def test_settings_without_thermostats_leave_nothing_behind(tmp_path: Path) -> None:
    remember_the_room(load(None, {}, overrides={"state_dir": (str(tmp_path / "state"), "test")}), 60.0)
    assert not (tmp_path / "state").exists()
