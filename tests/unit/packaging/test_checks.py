from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt import __version__
from tests.release.__main__ import main
from tests.release.build import REPOSITORY
from tests.release.checks import CHECKS, Stage, ask, changelog_faults


def _right(stage: Stage) -> Iterator[str]:
    assert stage.folder.is_dir()
    yield from ()


def _wrong(stage: Stage) -> Iterator[str]:
    del stage
    yield from (f"fault {number}: mend it" for number in range(7))


def _broken(stage: Stage) -> Iterator[str]:
    subprocess.run([sys.executable, "-c", "import sys; sys.exit('why')"], cwd=stage.folder, check=True, capture_output=True, text=True)
    yield "not reached"


def test_all_right_is_one_line_each_and_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask({"one": _right, "two": _right}) == 0
    assert capsys.readouterr().out.splitlines() == ["ok  one", "ok  two", f"{__version__} may be released"]


def test_every_question_is_asked_and_one_no_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask({"one": _wrong, "two": _broken, "three": _right}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line[0] != " "] == ["no  one", "no  two", "ok  three", "2 of 3 say no"]
    assert "      fault 0: mend it" in lines
    assert "      and 2 more" in lines
    assert any("ended with 1: why" in line for line in lines)


@pytest.mark.parametrize(
    "changelog",
    [
        "# Changelog\n",
        "# Changelog\n\n## Unreleased\n\n- news\n\n## 1.2.0 - 2026-01-01\n",
        "# Changelog\n\n## 1.1.0 - 2026-01-01\n\n## 1.2.0 - 2026-01-01\n",
        "# Changelog\n\n## 1.2.0\n",
        "# Changelog\n\n## 11200 - 2026-01-01\n",
    ],
)
def test_a_changelog_without_the_version_on_top_is_told(changelog: str) -> None:
    (fault,) = changelog_faults(changelog, "1.2.0")
    assert "## 1.2.0 - YYYY-MM-DD" in fault


@pytest.mark.parametrize("heading", ["## 1.2.0 - 2026-01-01", "## Unreleased\n\n## [1.2.0] - 2026-01-01"])
def test_a_changelog_with_the_version_on_top_is_right(heading: str) -> None:
    assert list(changelog_faults(f"# Changelog\n\n{heading}\n\n- news\n\n## 1.1.0 - 2025-01-01\n", "1.2.0")) == []


def test_the_version_is_set_in_one_place() -> None:
    faults = list(CHECKS["version in one place and in the changelog"](Stage(Path())))
    assert [fault for fault in faults if not fault.startswith("CHANGELOG")] == []


def test_run_knows_the_verbs_of_a_release(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (arm,) = re.findall(r"^    (release-check.*)\)$", (REPOSITORY / "run").read_text(), re.MULTILINE)
    monkeypatch.setattr(sys, "argv", ["./run", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "{" + ",".join(arm.split(" | ")) + "}" in capsys.readouterr().out
