import pytest

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.house import House, Room
from lucid2mqtt.sim.quirks import Quirks
from tests.unit.sim.talk import PROMPT, read, write

HOUR_S = 3600.0


def house(speed: float = 1.0, quirks: Quirks = PROMPT) -> House:
    return House(speed=speed, quirks=quirks)


def live(world: House, since: float, until: float, step_s: float = 1.0) -> None:
    now = since
    while now <= until:
        world.step(now)
        now += step_s


def test_two_kilowatts_heat_the_room_from_16_to_21_in_an_hour_or_two() -> None:
    room, seconds = Room(16.0), 0.0
    while room.room_c < 21.0:
        room.step(10.0, 2000.0, 5.0)
        seconds += 10.0
    assert 1.0 * HOUR_S < seconds < 2.0 * HOUR_S


def test_a_heater_for_ever_on_overheats_and_one_for_ever_off_lets_it_freeze() -> None:
    hot, cold = Room(20.0), Room(20.0)
    hot.step(7 * 24 * HOUR_S, 2000.0, 5.0)
    cold.step(7 * 24 * HOUR_S, 0.0, -5.0)
    assert hot.room_c == pytest.approx(5.0 + 2000.0 / 60.0, abs=0.1)
    assert cold.room_c == pytest.approx(-5.0, abs=0.1)


def test_the_relay_warms_the_flow_first_and_the_room_after_it() -> None:
    world = house()
    write(world.relays, 0, 1, 0.0)
    live(world, 0.0, 1200.0, step_s=2.0)
    flow, room = (float(read(world.temperatures, channel, ValueType.TMS2, 1210.0)) for channel in (1, 0))
    assert flow > 25.0
    assert 16.0 < room < 20.0


def test_half_the_time_on_is_half_the_power_however_long_the_step() -> None:
    full_steps, one_step = house(), house()
    for world in (full_steps, one_step):
        world.step(0.0)
        write(world.relays, 0, 1, 0.0)
    live(full_steps, 0.0, 10.0, step_s=0.5)
    for world in (full_steps, one_step):
        write(world.relays, 0, 0, 10.0)
    live(full_steps, 10.0, 20.0, step_s=0.5)
    one_step.step(20.0)
    stored = [60e3 * w.room.body_c + 1e6 * w.room.room_c for w in (full_steps, one_step)]
    assert stored[0] == pytest.approx(stored[1], abs=500.0)


def test_speed_scales_the_plant_and_not_the_modules() -> None:
    slow, fast = house(), house(speed=60.0)
    live(slow, 0.0, 600.0)
    live(fast, 0.0, 10.0, step_s=0.1)
    assert fast.age_s == pytest.approx(slow.age_s, rel=0.02)
    assert fast.room.room_c == pytest.approx(slow.room.room_c, abs=0.02)


@pytest.mark.parametrize(("heats", "pulses"), [(False, 50), (True, 383)])
def test_the_meter_counts_a_pulse_per_watt_hour(heats: bool, pulses: int) -> None:
    world = house(speed=60.0)
    if heats:
        write(world.relays, 0, 1, 0.0)
    live(world, 0.0, 10.0, step_s=0.1)
    assert read(world.meter, 0, ValueType.CNT2, 12.0) == pytest.approx(pulses, rel=0.03)


def test_the_valve_heats_and_reports_its_position() -> None:
    shut, opened = house(), house()
    write(opened.analog_out, 0, 10.0, 0.0, ValueType.VOS4)
    for world in (shut, opened):
        live(world, 0.0, 300.0)
    assert opened.room.body_c > shut.room.body_c + 1.0
    assert read(opened.analog_in, 1, ValueType.VOS4, 301.0) == pytest.approx(10.0, abs=0.01)


def test_the_fourth_sensor_is_open_and_reads_the_end_of_the_range() -> None:
    assert read(house().temperatures, 3, ValueType.TMS2, 10.0) == 180.0


def test_outputs_of_the_mixed_module_come_back_on_its_inputs() -> None:
    world = house()
    live(world, 0.0, 1.0, step_s=0.1)
    write(world.mixed, 4, 1, 1.0)
    live(world, 1.1, 2.0, step_s=0.1)
    assert read(world.mixed, 1, ValueType.DI1, 2.1) is True
    assert read(world.mixed, 2, ValueType.DI1, 2.1) is False


def test_a_pulled_relay_module_heats_no_more() -> None:
    world = house()
    write(world.relays, 0, 1, 0.0)
    live(world, 0.0, 60.0)
    world.relays.power_off(60.0)
    warm = world.room.body_c
    live(world, 61.0, 300.0)
    assert world.room.body_c < warm


def test_the_window_is_opened_once_a_day_which_its_contact_tells_and_the_room_feels() -> None:
    world = house(speed=3600.0)
    live(world, 0.0, 11.9, step_s=0.01)
    assert read(world.meter, 1, ValueType.DI1, 11.95) is False
    before = world.room.room_c
    live(world, 11.96, 12.3, step_s=0.01)
    assert read(world.meter, 1, ValueType.DI1, 12.31) is True
    closed = Room(before)
    closed.step(0.4 * HOUR_S, 0.0, world.outside_c)
    assert world.room.room_c < closed.room_c - 0.1
    live(world, 12.32, 12.5, step_s=0.01)
    assert read(world.meter, 1, ValueType.DI1, 12.51) is False
