"""The pictures on the pages are what the commands beside them make, and the page of the thermostat leaves no alarm out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt.cli.main import main
from lucid2mqtt.cli.replay_day import read_day
from lucid2mqtt.control.alarms import AlarmName
from tests.unit.docs.pages import HOW_TO, ROOT, Block, blocks, program_calls

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 60_000


def _drawn() -> Iterator[tuple[str, str]]:
    """Day and picture of each command on a page that draws."""
    for block in blocks("sh"):
        for words in program_calls(block.text):
            if words[:2] == ["thermostat", "replay"] and "--svg" in words:
                yield words[2], words[words.index("--svg") + 1]


@pytest.mark.parametrize(("day", "picture"), sorted(set(_drawn())))
def test_the_command_on_the_page_makes_the_picture_that_is_there(
    day: str, picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["thermostat", "replay", day, "--svg", str(tmp_path / "made.svg")]) == 0
    made = (tmp_path / "made.svg").read_bytes()
    assert made == (ROOT / picture).read_bytes(), f"type: ./run lucid2mqtt thermostat replay {day} --svg {picture}"
    assert len(made) < LARGEST


def test_every_picture_has_its_command_and_is_shown() -> None:
    kept = {str(file.relative_to(ROOT)) for file in PICTURES.glob("*.svg")}
    assert kept == {picture for _, picture in _drawn()}
    shown = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    assert all(f"/{Path(picture).name})" in shown for picture in kept)


@pytest.mark.parametrize("block", blocks("yml"), ids=str)
def test_days_on_the_pages_can_be_played(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(block.text, encoding="utf-8")
    assert read_day(file).day.length_s > 0.0


def test_there_is_a_day_on_a_page() -> None:
    assert blocks("yml")


def test_every_alarm_is_explained_once() -> None:
    page = (HOW_TO / "thermostat.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", page.partition("## Alarms")[2], re.MULTILINE) == list(AlarmName)
