from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lucid2mqtt.control.tuned import Origin, Tuned, TuningShelf
from lucid2mqtt.control.tuning import CAUTIOUS_ROOM, Rule
from lucid2mqtt.errors import RequestRejected

ASSUMED = Tuned.assumed(Rule.SIMC_PID)
MODEL = replace(CAUTIOUS_ROOM, dead_time_s=500.0)
MEASURED = Tuned(MODEL.gains(Rule.SIMC_PI), MODEL, Origin.AUTOTUNE)


def test_an_autotune_can_be_undone_and_the_undoing_too() -> None:
    shelf = TuningShelf(ASSUMED)
    shelf.adopt(MEASURED)
    assert shelf.current == MEASURED
    shelf.undo()
    assert shelf.current == ASSUMED
    assert shelf.previous == MEASURED
    shelf.undo()
    assert shelf.current == MEASURED


def test_there_is_nothing_to_undo_at_first() -> None:
    with pytest.raises(RequestRejected, match="no earlier tuning"):
        TuningShelf(ASSUMED).undo()


def test_a_tuning_survives_a_restart() -> None:
    shelf, again = TuningShelf(ASSUMED), TuningShelf(ASSUMED)
    shelf.adopt(MEASURED)
    again.restore(json.loads(json.dumps(shelf.saved())))
    assert (again.current, again.previous) == (MEASURED, ASSUMED)


def test_settled_gains_are_not_kept_so_that_new_settings_count() -> None:
    again = TuningShelf(MEASURED)
    again.restore(TuningShelf(ASSUMED).saved())
    assert again.current == MEASURED


@pytest.mark.parametrize("document", [{"current": 7}, {"current": {}}, {"current": {"gains": {}, "model": {}, "origin": "autotune"}}])
def test_a_spoilt_document_is_refused_and_changes_nothing(document: dict[str, object]) -> None:
    shelf = TuningShelf(ASSUMED)
    with pytest.raises(ValueError, match="saved field"):
        shelf.restore(document)
    assert shelf.current == ASSUMED
