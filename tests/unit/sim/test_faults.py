from typing import Any

import pytest

from lucid2mqtt.lucid.frames import get_io, set_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.faults import (
    ErrorStatus,
    GarbageBeforeReply,
    HalfReply,
    Healthy,
    LateReply,
    ModuleFault,
    Replug,
    Silence,
    StuckSensor,
    SwapNames,
    Unplug,
    parse_fault,
)
from lucid2mqtt.sim.journal import Kind
from lucid2mqtt.sim.module import VirtualModule
from tests.unit.sim.talk import prompt_module, read

ON = set_io(0, ValueType.DI1, b"\x01").encode()
READ = get_io(0, ValueType.DI1).encode()
DONE = b"\x00\x00"


def faulty(fault: ModuleFault) -> VirtualModule:
    module = prompt_module("DO4")
    module.inject(fault, 1.0)
    return module


def sent(module: VirtualModule, request: bytes, now: float) -> bytes:
    module.receive(request, now)
    return module.replies_due(now)


def test_a_silent_module_has_carried_the_write_out_all_the_same() -> None:
    module = faulty(Silence(for_s=5.0))
    assert sent(module, ON, 2.0) == b""
    assert module.output(0, 2.0) is True
    assert sent(module, ON, 6.0) == DONE
    assert module.journal.replies == [DONE]


def test_a_deaf_module_has_not() -> None:
    module = faulty(Silence(for_s=5.0, executes=False))
    assert sent(module, ON, 2.0) == b""
    assert module.output(0, 2.0) is False
    assert module.journal.requests == [ON]
    assert sent(module, ON, 6.0) == DONE


def test_half_a_reply_ends_where_it_ends() -> None:
    module = faulty(HalfReply(keep=1, times=2))
    assert [sent(module, ON, now) for now in (2.0, 3.0, 4.0)] == [b"\x00", b"\x00", DONE]


def test_a_late_reply_comes_later_and_the_next_waits_behind_it() -> None:
    module = faulty(LateReply(by_s=0.5))
    assert sent(module, ON + READ, 2.0) == b""
    assert module.next_event() == 2.5
    assert module.replies_due(2.5) == DONE + b"\x00\x01\x01"


def test_garbage_stands_before_one_reply() -> None:
    module = faulty(GarbageBeforeReply(data="ff0102"))
    assert [sent(module, ON, now) for now in (2.0, 3.0)] == [b"\xff\x01\x02" + DONE, DONE]


def test_an_error_status_means_not_carried_out() -> None:
    module = faulty(ErrorStatus(status=0xFF))
    assert sent(module, ON, 2.0) == b"\xff\x00"
    assert module.output(0, 2.0) is False
    assert sent(module, ON, 3.0) == DONE


def test_faults_of_different_kinds_add_up_and_a_healthy_module_has_none() -> None:
    module = faulty(GarbageBeforeReply(data="ff", times=9))
    module.inject(HalfReply(keep=1, times=9), 1.0)
    assert sent(module, ON, 2.0) == b"\xff\x00"
    module.inject(Healthy(), 3.0)
    assert sent(module, ON, 3.0) == DONE
    assert len(module.journal.notes(Kind.FAULT)) == 3


def test_a_stuck_sensor_keeps_its_value_and_recovers() -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    module.inject(StuckSensor(channel=0, for_s=60.0), 1.0)
    module.drive(0, 80.0, 2.0)
    assert read(module, 0, ValueType.TMS2, 50.0) == 20.0
    module.drive(0, 81.0, 62.0)
    assert read(module, 0, ValueType.TMS2, 70.0) == 81.0


@pytest.mark.parametrize(("family", "signal", "value_type"), [("AI4", 5.0, ValueType.VOS4), ("DI4", True, ValueType.DI1)])
def test_any_input_can_be_stuck_until_it_is_healthy(family: str, signal: float | bool, value_type: ValueType) -> None:
    module = prompt_module(family)
    before = read(module, 0, value_type, 1.0)
    module.inject(StuckSensor(channel=0), 1.0)
    module.drive(0, signal, 2.0)
    assert read(module, 0, value_type, 1000.0) == before
    module.inject(Healthy(), 1000.0)
    module.drive(0, signal, 1001.0)
    assert read(module, 0, value_type, 1010.0) != before


def test_an_output_is_no_sensor_that_could_be_stuck() -> None:
    with pytest.raises(ValueError, match="no input"):
        faulty(StuckSensor(channel=0))


@pytest.mark.parametrize(
    ("name", "options", "fault"),
    [
        ("silence", {"for_s": 5}, Silence(for_s=5)),
        ("half", {}, HalfReply()),
        ("late", {"by_s": 0.5}, LateReply(by_s=0.5)),
        ("garbage", {"data": "00ff"}, GarbageBeforeReply(data="00ff")),
        ("error", {"status": 0xB6, "times": 2}, ErrorStatus(status=0xB6, times=2)),
        ("stuck", {"channel": 1}, StuckSensor(channel=1)),
        ("unplug", {}, Unplug()),
        ("replug", {"name": "x"}, Replug(name="x")),
        ("swap", {"other": "do4-1"}, SwapNames(other="do4-1")),
        ("healthy", {}, Healthy()),
    ],
)
def test_faults_are_known_by_name(name: str, options: dict[str, Any], fault: object) -> None:
    assert parse_fault(name, options) == fault


@pytest.mark.parametrize(
    ("name", "options", "remedy"),
    [
        ("fire", {}, "there are error, garbage"),
        ("silence", {}, "options are for_s"),
        ("half", {"much": 1}, "options are keep, times"),
        ("error", {"status": 0}, "an error status"),
        ("garbage", {"data": "xy"}, "hexadecimal"),
        ("silence", {"for_s": "long"}, "for_s"),
        ("late", {"by_s": -1}, "by_s"),
        ("half", {"times": True}, "times"),
    ],
)
def test_what_is_no_fault_is_told_with_what_there_is(name: str, options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        parse_fault(name, options)
