from __future__ import annotations

import json

import pytest

from lucid2mqtt.control.alarms import AlarmBoard, AlarmName
from lucid2mqtt.errors import RequestRejected


def test_an_alarm_stands_while_its_cause_is_told_and_no_longer() -> None:
    board = AlarmBoard()
    board.tell(AlarmName.SENSOR_LOST, "no reading")
    assert [alarm.reason for alarm in board.settle()] == ["no reading"]
    board.tell(AlarmName.SENSOR_LOST, "")
    assert board.settle() == ()


def test_a_latched_alarm_keeps_its_first_reason_until_it_is_reset() -> None:
    board = AlarmBoard()
    board.tell(AlarmName.LOOP_BREAK, "first", latches=True, blocks=True)
    board.settle()
    board.tell(AlarmName.LOOP_BREAK, "second", latches=True, blocks=True)
    board.settle()
    with pytest.raises(RequestRejected, match="first"):
        board.reset()
    (alarm,) = board.settle()
    assert alarm.reason == "first"
    assert not alarm.active
    assert board.blocks
    assert board.reset() == ()
    assert not board.blocks


def test_there_is_nothing_to_reset_at_first() -> None:
    with pytest.raises(RequestRejected, match="no alarm"):
        AlarmBoard().reset()


def test_latches_survive_a_restart_and_others_do_not() -> None:
    board, again = AlarmBoard(), AlarmBoard()
    board.tell(AlarmName.LOOP_BREAK, "broken", latches=True, blocks=True)
    board.tell(AlarmName.SENSOR_FAULT, "open")
    board.settle()
    again.restore(json.loads(json.dumps(board.saved())))
    assert [alarm.name for alarm in again.standing] == [AlarmName.LOOP_BREAK]
    assert again.blocks


@pytest.mark.parametrize("document", [{"loop_break": 1}, {"nonsense": {"reason": "x", "blocks": True}}, {"loop_break": {"reason": "x"}}])
def test_a_spoilt_document_is_refused_and_changes_nothing(document: dict[str, object]) -> None:
    board = AlarmBoard()
    with pytest.raises(ValueError, match=r"saved field|AlarmName"):
        board.restore(document)
    assert board.standing == ()


def test_a_latch_opened_by_its_owner_is_gone_and_others_stay() -> None:
    board = AlarmBoard()
    board.tell(AlarmName.LIMITER, "hot", latches=True)
    board.tell(AlarmName.LOOP_BREAK, "broken", latches=True)
    board.settle()
    board.settle()
    assert board.can_reset
    board.forget(AlarmName.LIMITER)
    assert [alarm.name for alarm in board.standing] == [AlarmName.LOOP_BREAK]
