"""The thermostat on the running house: a simulated room, modules that go, writes without an answer, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lucid2mqtt.climate.climate import Climate
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Activity, Mode
from lucid2mqtt.control.failure import FailureOptions, LossStage
from lucid2mqtt.control.limiter import LimiterOptions
from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.staging import BankOptions
from lucid2mqtt.control.window import WindowOptions, WindowState
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import Reason, ReplyTimeout
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from tests.unit.climate.climate_room import HEATER, ROOM, Room, with_control
from tests.unit.engine.scripted import InlineExecutor, ScriptedModule, identity, ref
from tests.virtual_clock import run_virtual

HOUR = 3600.0


def test_a_room_is_heated_to_the_target_and_held_there() -> None:
    async def main() -> None:
        room = Room(start_c=18.0)
        async with room.thermostat():
            await asyncio.sleep(5 * HOUR)
            errors: list[float] = []
            for _ in range(60):
                await asyncio.sleep(60.0)
                errors.append(room.plant.body_c - 21.0)
            assert max(map(abs, errors)) < 0.6
            state = room.climate.state()
            assert state.current_c == pytest.approx(21.0, abs=0.5)
            assert (state.mode, state.target_c, state.alarms) == (Mode.HEAT, 21.0, ())
            assert 0.0 < state.duty < 1.0
            closures = sum(value is True for value in room.writes)
            assert state.closures_total == state.closures_today == closures > 3
            assert all(before != after for before, after in zip(room.writes, room.writes[1:], strict=False))
            assert {turn for _, request, turn, _ in room.heater.log if request.opcode == Opcode.SET_IO} == {Turn.SAFETY}

    run_virtual(main())


def test_at_start_a_relay_that_is_off_is_only_read_and_stays_off_for_its_minimum_time() -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            await asyncio.sleep(58.0)
            assert room.writes == []
            await asyncio.sleep(10.0)
            assert room.writes == [True]

    run_virtual(main())


def test_at_start_a_relay_that_was_left_on_goes_off_at_once() -> None:
    async def main() -> None:
        room = Room()
        room.heater.values[0] = True
        async with room.thermostat():
            assert room.writes == [False]
            await asyncio.sleep(50.0)
            assert not room.is_heated

    run_virtual(main())


def test_stop_ends_with_the_heater_off_and_given_back() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat() as home:
            await asyncio.sleep(200.0)
            assert room.is_heated
            before = asyncio.get_running_loop().time()
            await room.climate.stop()
            assert asyncio.get_running_loop().time() - before < 1.0
            assert not room.is_heated
            assert home.desk.claimant(HEATER) is None
            await asyncio.sleep(HOUR)
            assert not room.is_heated

    run_virtual(main())


def test_stop_takes_no_longer_than_allowed_when_the_heater_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat():
            await asyncio.sleep(200.0)
            room.heater.fault = lambda request: ReplyTimeout("silent", sent=True)
            before = asyncio.get_running_loop().time()
            await room.climate.stop(within_s=4.0)
            assert asyncio.get_running_loop().time() - before == pytest.approx(4.0, abs=0.1)

    run_virtual(main())
    assert "do not read off: heaters/living" in caplog.text


def test_a_step_that_hangs_at_the_stop_switches_nothing_on_afterwards() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        control = replace(ROOM.control, cooling=DriveOptions(cycle_s=600.0, min_on_s=0.0, min_off_s=0.0))
        room.options = replace(ROOM, control=control, cooling=(ref("heaters/bath"),))
        async with room.thermostat() as home:
            room.climate.set_mode("manual")
            room.climate.set_duty(-1.0)
            await asyncio.sleep(1.0)
            assert room.heater.values[1]
            await asyncio.sleep(100.0)
            room.heater.answer_s = 8.0
            room.climate.set_duty(1.0)
            await asyncio.sleep(1.0)
            await room.climate.stop(within_s=4.0)
            room.heater.answer_s = 0.001
            before = len(room.writes)
            await asyncio.sleep(60.0)
            assert True not in room.writes[before:]
            assert not room.is_heated
            assert home.desk.claimant(HEATER) is None

    run_virtual(main())


def test_an_order_of_somebody_else_is_refused_with_the_name_of_the_thermostat() -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat() as home:
            refusal = await home.refusal("heaters/living", value=True)
            assert refusal.reason is Reason.CLAIMED
            assert "thermostat living" in str(refusal)
            await home.order("heaters/bath", value=True)  # the neighbour is free
            assert not room.is_heated

    run_virtual(main())


def test_an_output_that_is_taken_is_an_alarm_and_tried_again() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat() as home:
            claim = home.desk.claim(ref("heaters/bath"), "thermostat attic")
            room.options = replace(ROOM, name="bath", heating=(ref("heaters/bath"),))
            second = Climate(room.options, home.house, home.board, home.desk, home.store, now=home.now)
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(second.run())
                await asyncio.sleep(100.0)
                assert [alarm.name for alarm in second.state().alarms] == [AlarmName.ACTUATOR_LOST]
                assert "thermostat attic" in second.state().alarms[0].reason
                assert not room.heater.values[1]
                claim.release()
                await asyncio.sleep(200.0)
                assert second.state().alarms == ()
                assert room.heater.values[1]
                task.cancel()

    run_virtual(main())


def test_a_lost_sensor_goes_through_the_stages_until_the_heater_is_off_and_comes_back() -> None:
    async def main() -> None:
        room = Room(start_c=21.0)
        room.options = with_control(ROOM, failure=FailureOptions(glitch_s=300.0, failed_after_s=2 * HOUR))
        async with room.thermostat() as home:
            await asyncio.sleep(4 * HOUR)
            home.unplug(room.sensor)
            await asyncio.sleep(60.0)
            assert room.climate.state().stage is LossStage.GLITCH
            await asyncio.sleep(0.5 * HOUR)
            assert room.climate.state().stage is LossStage.DEGRADED
            assert AlarmName.SENSOR_LOST in room.alarms()
            assert 0.0 < room.climate.state().duty < 1.0
            await asyncio.sleep(2 * HOUR)
            assert room.climate.state().stage is LossStage.FAILED
            count = len(room.writes)
            await asyncio.sleep(HOUR)
            assert not room.is_heated
            assert len(room.writes) == count
            home.plug(room.sensor)
            await asyncio.sleep(600.0)
            assert room.climate.state().stage is LossStage.NONE
            assert room.alarms() == set()
            assert room.is_heated

    run_virtual(main())


def test_a_heater_module_that_is_away_is_an_alarm_and_is_taken_up_again_as_it_reads() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat() as home:
            await asyncio.sleep(300.0)
            assert room.is_heated
            home.unplug(room.heater)
            await asyncio.sleep(300.0)
            assert room.alarms() == {AlarmName.ACTUATOR_LOST}
            assert room.climate.state().action is Activity.IDLE
            count = len(room.writes)
            home.plug(room.heater)  # its relay kept the state it had: nothing to write
            await asyncio.sleep(1.0)
            assert (room.writes[count:], room.alarms()) == ([], set())
            home.unplug(room.heater)
            await asyncio.sleep(300.0)
            room.heater.values[0] = False  # this time it lost its power
            home.plug(room.heater)
            await asyncio.sleep(1.0)
            assert room.writes[count:] == [True]
            home.unplug(room.heater)
            room.climate.set_target(5.0)
            await asyncio.sleep(300.0)
            home.plug(room.heater)
            await asyncio.sleep(1.0)
            assert room.writes[count:] == [True, False]

    run_virtual(main())


def lose(times: int, fault: Callable[[], Reply | Exception]) -> Callable[[Request], Reply | Exception | None]:
    """Faults of the first `times` SetIo."""
    left = [times]

    def judge(request: Request) -> Reply | Exception | None:
        if request.opcode != Opcode.SET_IO or not left[0]:
            return None
        left[0] -= 1
        return fault()

    return judge


def test_a_write_that_was_carried_out_without_an_answer_is_not_repeated() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        room.heater.fault_after = lose(1, lambda: ReplyTimeout("lost", sent=True))
        async with room.thermostat():
            await asyncio.sleep(300.0)
            assert room.writes == [True]
            assert room.is_heated
            assert room.alarms() == set()

    run_virtual(main())


def test_a_write_that_got_lost_is_written_again_only_after_the_module_was_read() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        room.heater.fault = lose(1, lambda: ReplyTimeout("lost", sent=True))
        async with room.thermostat():
            await asyncio.sleep(300.0)
            assert room.is_heated
            kinds = [request.opcode for _, request, _, _ in room.heater.log]
            first = kinds.index(Opcode.SET_IO)
            second = kinds.index(Opcode.SET_IO, first + 1)
            assert {Opcode.GET_IO, Opcode.GET_IO_GROUP} & set(kinds[first:second])
            assert kinds.count(Opcode.SET_IO) == 2

    run_virtual(main())


def test_while_the_module_stays_silent_after_a_write_nothing_more_is_written() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)

        def fall_silent(request: Request) -> Exception | None:
            is_silent = request.opcode == Opcode.SET_IO or bool(room.writes)
            return ReplyTimeout("silent", sent=True) if is_silent else None

        async with room.thermostat():
            room.heater.fault = fall_silent
            await asyncio.sleep(600.0)
            assert len(room.writes) == 1
            assert room.alarms() == {AlarmName.ACTUATOR_LOST}
            room.heater.fault = lambda request: None
            await asyncio.sleep(300.0)
            assert room.is_heated
            assert room.alarms() == set()

    run_virtual(main())


def test_a_relay_that_refuses_is_an_alarm_and_not_hammered() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        room.heater.fault = lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO else None
        async with room.thermostat():
            await asyncio.sleep(HOUR)
            assert AlarmName.ACTUATOR_LOST in {alarm.name for state in room.told for alarm in state.alarms}
            assert 1 < len(room.writes) < 62

    run_virtual(main())


def test_a_relay_that_somebody_else_switched_is_put_right() -> None:
    async def main() -> None:
        room = Room(start_c=23.0)
        async with room.thermostat():
            await asyncio.sleep(100.0)
            room.heater.values[0] = True
            await asyncio.sleep(6.0)
            assert room.writes == [False]
            assert room.climate.state().closures_total == 1

    run_virtual(main())


def test_after_a_kill_the_integral_goes_on_and_the_minimum_off_time_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        room = Room(start_c=21.0)
        async with room.thermostat(StateStore(tmp_path, writer=InlineExecutor()), stops=False) as home:
            await asyncio.sleep(6 * HOUR)
            for _ in range(900):
                await asyncio.sleep(not room.is_heated)
            room.climate.set_preset("comfort")
            await asyncio.sleep(0.1)
            before, room.wall = room.climate.state(), home.now()
        assert room.is_heated  # plain drive: nobody was left to switch it off
        count = len(room.writes)
        store = StateStore(tmp_path, writer=InlineExecutor())
        async with room.thermostat(store):
            assert room.writes[count:] == [False]
            await asyncio.sleep(55.0)
            assert not room.is_heated
            after = room.climate.state()
            assert after.duty == pytest.approx(before.duty, abs=0.05)
            assert after.preset is Preset.COMFORT
            assert after.closures_total == before.closures_total

    run_virtual(main())


def test_a_spoilt_document_is_begun_afresh_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "thermostat-living.json").write_text('{"saved_at": 5, "mode": "off", "manual_duty": 0, "controller": {"alarms": 3}}')

    async def main() -> None:
        room = Room()
        async with room.thermostat(StateStore(tmp_path, writer=InlineExecutor())):
            await asyncio.sleep(10.0)
            assert room.climate.state().mode is Mode.OFF  # what could be read stands
            assert room.climate.state().target_c == 21.0

    run_virtual(main())
    assert "what was kept of controller cannot be used" in caplog.text


def test_a_tripped_limiter_cuts_within_a_reading_and_stands_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        control = replace(ROOM.control, limiter=LimiterOptions(limit_c=60.0))
        room.options = replace(ROOM, control=control, limiter=ref("rtd/flow"))
        store = StateStore(tmp_path, writer=InlineExecutor())
        async with room.thermostat(store, stops=False):
            await asyncio.sleep(200.0)
            assert room.is_heated
            room.sensor.values[1] = 61.0
            await asyncio.sleep(5.1)
            assert not room.is_heated
            assert AlarmName.LIMITER in room.alarms()
            assert room.refusal("reset_alarms").reason is Reason.BUSY
        room.sensor.values[1] = 40.0
        async with room.thermostat(StateStore(tmp_path, writer=InlineExecutor())):
            await asyncio.sleep(300.0)
            assert room.alarms() == {AlarmName.LIMITER}
            assert not room.is_heated
            room.climate.reset_alarms()
            await asyncio.sleep(100.0)
            assert room.alarms() == set()
            assert room.is_heated

    run_virtual(main())


def test_an_open_window_pauses_the_heater() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        room.options = replace(ROOM, window=WindowOptions(), window_contact=ref("heaters/bath"))
        async with room.thermostat():
            await asyncio.sleep(200.0)
            assert room.is_heated
            room.heater.values[1] = True
            await asyncio.sleep(120.0)
            assert room.climate.state().window is WindowState.OPEN
            assert room.climate.state().target_c == 21.0
            assert room.climate.state().setpoint_c == 5.0
            assert not room.is_heated
            room.heater.values[1] = False
            await asyncio.sleep(200.0)
            assert room.is_heated

    run_virtual(main())


def test_an_open_window_ends_an_autotune() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        room.options = replace(ROOM, window=WindowOptions(), window_contact=ref("heaters/bath"))
        async with room.thermostat():
            await asyncio.sleep(200.0)
            room.climate.start_autotune()
            await asyncio.sleep(60.0)
            assert room.is_heated
            room.heater.values[1] = True
            await asyncio.sleep(120.0)
            assert not room.is_heated
            autotune = room.climate.state().autotune
            assert autotune is not None
            assert "window" in autotune.reason
            assert AlarmName.AUTOTUNE_FAILED in room.alarms()
            await asyncio.sleep(300.0)
            assert not room.is_heated

    run_virtual(main())


def test_an_open_window_pauses_the_heater_without_a_temperature_too() -> None:
    async def main() -> None:
        room = Room(start_c=20.0, outdoor_c=-10.0)
        room.options = replace(ROOM, window=WindowOptions(), window_contact=ref("heaters/bath"))
        async with room.thermostat():
            await asyncio.sleep(3 * HOUR)
            room.sensor.fault = lambda _: ReplyTimeout("silent", sent=True)
            await asyncio.sleep(90.0)
            assert room.climate.state().duty > 0.3
            room.heater.values[1] = True
            await asyncio.sleep(120.0)
            assert room.climate.state().duty == 0.0
            assert not room.is_heated
            room.heater.values[1] = False
            await asyncio.sleep(60.0)
            assert room.climate.state().duty > 0.0

    run_virtual(main())


def test_commands_are_in_force_at_once() -> None:
    async def main() -> None:
        room = Room(start_c=20.0)
        async with room.thermostat():
            await asyncio.sleep(300.0)
            room.climate.set_target(15.0)
            await asyncio.sleep(0.1)
            assert room.climate.state().target_c == 15.0
            await asyncio.sleep(30.0)
            assert room.climate.state().duty == 0.0
            room.climate.set_preset("boost", 120.0)
            await asyncio.sleep(0.1)
            assert room.climate.state().preset is Preset.BOOST
            await asyncio.sleep(160.0)
            assert room.climate.state().target_c == 15.0
            room.climate.set_mode("manual")
            assert room.climate.state().manual_duty == 0.0  # bumpless: what it gave before
            room.climate.set_duty(1.0)
            await asyncio.sleep(70.0)
            assert room.is_heated
            assert room.climate.state().action is Activity.HEATING
            room.climate.set_mode("off")
            await asyncio.sleep(70.0)
            assert not room.is_heated
            assert room.climate.state().action is Activity.OFF

    run_virtual(main())


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("set_mode", ("cool",), Reason.NOT_UNDERSTOOD),
        ("set_mode", ("warm",), Reason.NOT_UNDERSTOOD),
        ("set_target", (90.0,), Reason.OUT_OF_RANGE),
        ("set_target", (float("nan"),), Reason.OUT_OF_RANGE),
        ("set_preset", ("party",), Reason.NOT_UNDERSTOOD),
        ("set_preset", ("boost", 1.0), Reason.OUT_OF_RANGE),
        ("set_duty", (0.5,), Reason.BUSY),
        ("abort_autotune", (), Reason.BUSY),
        ("undo_autotune", (), Reason.NOT_UNDERSTOOD),
        ("reset_alarms", (), Reason.BUSY),
    ],
)
def test_a_wrong_command_is_refused_with_a_remedy(command: str, arguments: tuple[object, ...], reason: Reason) -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            await asyncio.sleep(10.0)
            before = room.climate.state()
            refusal = room.refusal(command, *arguments)
            assert refusal.reason is reason
            assert refusal.remedy
            assert room.climate.state() == before

    run_virtual(main())


@pytest.mark.parametrize("duty", [-0.1, 1.1, float("nan")])
def test_a_duty_the_outputs_cannot_give_is_refused(duty: float) -> None:
    async def main() -> None:
        room = Room()
        async with room.thermostat():
            room.climate.set_mode("manual")
            assert room.refusal("set_duty", duty).reason is Reason.OUT_OF_RANGE
            assert room.climate.state().manual_duty == room.climate.state().duty

    run_virtual(main())


def test_an_autotune_shows_its_phase_and_can_be_aborted() -> None:
    async def main() -> None:
        room = Room(start_c=20.5)
        async with room.thermostat():
            await asyncio.sleep(600.0)
            room.climate.start_autotune()
            await asyncio.sleep(60.0)
            running = room.climate.state().autotune
            assert running is not None
            assert running.target_c == 21.0
            room.climate.abort_autotune()
            await asyncio.sleep(60.0)
            assert "abort" in room.climate.state().autotune.reason  # type: ignore[union-attr]
            assert room.climate.state().alarms == ()

    run_virtual(main())


def test_listeners_hear_changes_at_once_and_drift_every_half_minute() -> None:
    async def main() -> None:
        room = Room(start_c=18.0)
        async with room.thermostat():
            await asyncio.sleep(HOUR)
            assert 60 <= len(room.told) <= 140
            count = len(room.told)
            room.climate.set_target(19.0)
            await asyncio.sleep(0.1)
            assert len(room.told) == count + 1
            assert room.told[-1].target_c == 19.0

    run_virtual(main())


def test_without_any_module_it_waits_says_what_for_and_begins_when_they_come() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat(is_plugged=False) as home:
            await asyncio.sleep(60.0)
            assert {AlarmName.ACTUATOR_LOST, AlarmName.SENSOR_LOST} <= room.alarms()
            home.plug(room.heater)
            home.plug(room.sensor)
            await asyncio.sleep(200.0)
            assert room.alarms() == set()
            assert room.is_heated

    run_virtual(main())


def test_a_cancelled_run_still_stops_with_the_heater_off() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat() as home:
            await room.climate.stop()
            again = Climate(room.options, home.house, home.board, home.desk, home.store, now=home.now)
            task = asyncio.create_task(again.run())
            while_writing = asyncio.Event()

            def slow(request: Request) -> None:
                if request.opcode == Opcode.SET_IO:
                    while_writing.set()

            room.heater.answer_s = 0.2
            room.heater.fault = slow
            await while_writing.wait()
            task.cancel()
            await again.stop()
            assert room.writes[-1] is False
            assert not room.is_heated
            assert home.desk.claimant(HEATER) is None

    run_virtual(main())


def test_an_analog_valve_follows_the_duty_and_closes_at_the_stop() -> None:
    async def main() -> None:
        room = Room(start_c=20.8)
        valve = ScriptedModule(identity("AO4", 0x1001, 3))
        valve.values[0] = 0.0
        control = replace(ROOM.control, heating=DriveOptions(analog=AnalogOptions()))
        room.options = replace(ROOM, control=control, heating=(ref("ao4-3/0"),))
        async with room.thermostat() as home:
            home.plug(valve, "/dev/valve")
            await asyncio.sleep(HOUR)
            assert valve.values[0] == pytest.approx(10.0 * room.climate.state().duty, abs=0.3)
            assert room.climate.state().alarms == ()
            assert 1 <= len(valve.writes) < 120
            await room.climate.stop()
            assert valve.values[0] == 0.0

    run_virtual(main())


def test_two_heaters_are_both_driven_and_one_that_is_silent_does_not_keep_the_other_on() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        control = replace(ROOM.control, heating=replace(ROOM.control.heating or DriveOptions(), bank=BankOptions(heaters=2)))
        room.options = replace(ROOM, control=control, heating=(HEATER, ref("heaters/bath")))
        async with room.thermostat():
            await asyncio.sleep(200.0)
            assert (room.heater.values[0], room.heater.values[1]) == (True, True)
            room.heater.fault = lambda request: ReplyTimeout("silent", sent=True) if request.selector == b"\x00" else None
            await room.climate.stop(within_s=5.0)
            assert not room.heater.values[1]

    run_virtual(main())
