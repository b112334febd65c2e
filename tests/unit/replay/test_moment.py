import json

from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.exchange import TuningProgress
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.window import WindowState
from lucid2mqtt.replay.moment import document_of
from tests.unit.replay.samples import moment

LOST = Alarm(AlarmName.SENSOR_LOST, "open sensor")


def _tuning(phase: Phase) -> TuningProgress:
    return TuningProgress(phase=phase, target_c=21.0, remaining_s=None)


def test_an_ordinary_moment_has_no_remark() -> None:
    assert moment(0.0).remark == ""


def test_the_remark_names_stage_autotune_window_and_alarms() -> None:
    assert moment(0.0, stage=LossStage.DEGRADED, alarms=(LOST,)).remark == "sensor degraded, sensor_lost"
    assert moment(0.0, autotune=_tuning(Phase.PROBING)).remark == "autotune probing"
    assert moment(0.0, window=WindowState.OPEN).remark == "window open"


def test_an_autotune_that_is_over_is_no_remark() -> None:
    assert {moment(0.0, autotune=_tuning(phase)).remark for phase in (Phase.DONE, Phase.FAILED)} == {""}


def test_the_document_is_json_with_rounded_figures() -> None:
    document = document_of(moment(1.23456, reading_c=None, true_c=20.98765, duty=0.123456, alarms=(LOST,)))
    assert json.loads(json.dumps(document)) == document
    assert (document["at_s"], document["temperature_c"], document["true_c"], document["duty"]) == (1.235, None, 20.99, 0.123)
    assert document["alarms"] == ["sensor_lost"]
