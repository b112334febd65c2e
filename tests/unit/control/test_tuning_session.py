from __future__ import annotations

import json

import pytest

from lucid2mqtt.control.autotune import AutotuneOptions, Phase
from lucid2mqtt.control.regulator import Direction
from lucid2mqtt.control.tuning_session import TuningSession

OPTIONS = AutotuneOptions()


def test_cooling_is_tuned_in_a_mirror() -> None:
    session = TuningSession.begin(Direction.COOLING, OPTIONS, target_c=24.0, holding_guess=None)
    assert session.step(0.0, measured_c=28.0, outdoor_c=32.0) == 1.0
    assert session.target_c == 24.0
    assert session.progress.phase is Phase.APPROACHING


def test_a_session_survives_the_disk() -> None:
    session = TuningSession.begin(Direction.COOLING, OPTIONS, target_c=24.0, holding_guess=0.5)
    session.step(0.0, measured_c=28.0, outdoor_c=None)
    again = TuningSession.from_saved(json.loads(json.dumps(session.saved())), OPTIONS)
    assert again.direction is Direction.COOLING
    assert again.target_c == 24.0


def test_an_aborted_session_says_why() -> None:
    session = TuningSession.begin(Direction.HEATING, OPTIONS, target_c=21.0, holding_guess=None)
    progress = session.aborted("mode off was chosen")
    assert (progress.phase, progress.reason) == (Phase.FAILED, "mode off was chosen")


@pytest.mark.parametrize("document", [{}, {"direction": "UP", "autotune": {}}, {"direction": "HEATING", "autotune": 3}])
def test_a_spoilt_document_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="saved"):
        TuningSession.from_saved(document, OPTIONS)
