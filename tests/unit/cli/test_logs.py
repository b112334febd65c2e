import logging
import os
import sys
from pathlib import Path

import pytest

from lucid2mqtt.cli.logs import JournalFormatter, log_to_stderr


def test_the_journal_gets_a_priority_on_every_line() -> None:
    record = logging.LogRecord("lucid2mqtt.port", logging.WARNING, "f", 1, "lost\n%s", ("twice",), None)
    assert JournalFormatter().format(record) == "<4>lucid2mqtt.port: lost\n<4>twice"


def test_people_get_time_and_level_from_the_level_on_they_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning", {})
    logging.getLogger("lucid2mqtt.x").info("quiet")
    logging.getLogger("lucid2mqtt.x").warning("loud")
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "WARNING loud" in said


def test_who_asked_for_everything_gets_the_place_too(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("debug", {})
    logging.getLogger("lucid2mqtt.x").debug("step")
    assert "DEBUG   lucid2mqtt.x: step" in capsys.readouterr().err


def test_the_journals_form_is_used_only_where_the_journal_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "err").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        found = os.fstat(stream.fileno())
        log_to_stderr("info", {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        logging.getLogger("x").error("one")
        log_to_stderr("info", {"JOURNAL_STREAM": "1:1"})
        logging.getLogger("x").error("two")
    first, second = (tmp_path / "err").read_text().splitlines()
    assert first == "<3>x: one"
    assert second.endswith("ERROR   two")
