"""What verify-deadman asks, refuses and leaves alone; the trial itself is tried in the engine, and as a program in the system tests."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from lucid2mqtt.cli.main import main
from lucid2mqtt.sim.module import VirtualModule
from tests.unit.cli.virtual import bench_of


def verify(folder: Path, *words: str) -> int:
    path = folder / "s.yaml"
    path.write_text(f"ports: ['{folder}/usb-*']\nstate_dir: {folder}/state\nmodules: [{{match: {{serial: 700001}}, name: heaters}}]\n")
    return main(["verify-deadman", *words, "-c", str(path)])


def assert_untouched(module: VirtualModule) -> None:
    assert not any(request[0] in (0x40, 0x42, 0xA0) for request in module.journal.requests)


def test_without_a_terminal_it_wants_to_be_told_that_the_load_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with bench_of(tmp_path, "DO4") as (module,):
        assert verify(tmp_path, "heaters", "0") == 2
        assert module.journal.requests == []
    assert "disconnect the load, then add --yes" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["", "no\n", "\n", "y\n"])
def test_anything_but_yes_leaves_the_output_alone(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with bench_of(tmp_path, "DO4") as (module,):
        assert verify(tmp_path, "heaters", "0") == 1
        assert_untouched(module)
    said = capsys.readouterr().err
    assert "heaters channel 0 is going to switch on and off for 31 s" in said
    assert "Disconnect what it drives first" in said
    assert said.endswith("nothing was done\n")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("heaters", "7"), 1, "heaters has no channel 7"),
        (("heaters", "0", "--input", "heaters", "1"), 1, "channel 1 of heaters is no digital input"),
        (("cellar", "0"), 3, "cellar was not found"),
        (("heaters", "0", "--hold-s", "0.1"), 2, "'0.1' is not between 0.2 and 60 s"),
        (("heaters", "0", "--hold-s", "nan"), 2, "'nan' is not between"),
        (("heaters", "0", "--by-eye", "--input", "heaters", "1"), 2, "not allowed with"),
        (("serial:x", "0"), 2, "holds no serial number"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_written(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with bench_of(tmp_path, "DO4") as (module,):
        assert verify(tmp_path, *words, "--yes") == code
        assert_untouched(module)
    assert told in capsys.readouterr().err


def test_a_verdict_that_could_not_be_kept_is_not_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    with bench_of(tmp_path, "DO4") as (module,):
        assert verify(tmp_path, "heaters", "0", "--yes") == 4
        assert module.journal.requests == []
    assert "run this as the user of the agent, or as root" in capsys.readouterr().err


def test_an_analog_output_has_no_on_off_mode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "AO4"):
        assert verify(tmp_path, "heaters", "0", "--yes") == 1
    assert "is no digital output" in capsys.readouterr().err


def test_a_trial_that_saw_nothing_leaves_an_earlier_verdict_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").mkdir()
    seen = {"semantics": "extends", "cancels": True, "triggers_after_end": False, "sentence": "it was seen at the contact"}
    with bench_of(tmp_path, "DO4") as (module,):
        (tmp_path / "state" / "verdicts.json").write_text(json.dumps({f"700001/{module.identity.firmware}/0": seen}))
        assert verify(tmp_path, "heaters", "0", "--yes", "--hold-s", "0.2") == 0
    first, kept, last = capsys.readouterr().out.splitlines()
    assert first.startswith("heaters channel 0: inconclusive: ")
    assert kept == "an earlier trial saw more, its verdict is kept: extends: it was seen at the contact"
    assert "drive: deadman use it" in last
