from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from lucid2mqtt.cli.main import main
from lucid2mqtt.port import usb
from tests.unit.cli.virtual import bench_of, console_of, port_of

SOCKET = "pci-0000:00:14.0-usb-0:2:1.0"
FAILING_UDEVADM = "#!/bin/sh\necho \"$2:1 Invalid key 'SYMLNK'.\" >&2\nexit 1\n"
OLD_UDEVADM = "#!/bin/sh\necho 'Unknown command verb verify.' >&2\nexit 1\n"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two virtual modules, of which the first looks as if it were in a USB socket; the folder of their ports."""
    with bench_of(tmp_path, "RI4", "DO4"):
        device = os.path.realpath(port_of(tmp_path, "RI4"))
        monkeypatch.setattr(list_ports, "comports", lambda: [SimpleNamespace(device=device, vid=0x16D0, pid=0x0821)])
        links = tmp_path / "by-path"
        links.mkdir()
        (links / SOCKET).symlink_to(device)
        (links / SOCKET.replace("usb", "usbv2")).symlink_to(device)
        monkeypatch.setattr(usb, "BY_PATH", links)
        yield tmp_path


def _udevadm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin/udevadm"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def _doctor(folder: Path, *words: str) -> int:
    return main(["doctor", "--udev", "--port", f"{folder}/usb-*", *words])


def test_modules_on_usb_are_named_and_the_others_are_told(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _doctor(modules) == 0
    text = capsys.readouterr().out
    assert f'ENV{{ID_PATH}}=="{SOCKET}", SYMLINK+="lucid/700001"' in text
    assert "lucid/700002" not in text
    assert f"# No name for {port_of(modules, 'DO4')}: not on USB" in text


def test_a_module_whose_port_the_agent_holds_is_named_too(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"family": "RI4", "type": "Pt1000", "serial": 4711}
    held = {"port": port_of(modules, "RI4"), "state": "open", "detail": "", "module": told, "counters": None}

    async def status(request: dict[str, object]) -> object:
        return {"ports": [held]}

    with console_of(modules / "console", {"status": status}):
        assert main(["doctor", "--udev", "--port", held["port"], "--console", str(modules / "console")]) == 0  # type: ignore[list-item]
    assert 'SYMLINK+="lucid/4711"' in capsys.readouterr().out


def test_ports_without_a_module_and_without_a_link_of_udev_are_told(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for link in (modules / "by-path").iterdir():
        link.unlink()
    assert main(["doctor", "--udev", "--port", port_of(modules, "RI4"), "--port", f"{modules}/none"]) == 0
    text = capsys.readouterr().out
    assert "by-path" in text
    assert f"# No name for {modules}/none: nothing is there" in text
    assert "SYMLINK" not in text


def test_the_rules_are_written_whole_and_readable_for_udev(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = modules / "rules.d/61-modules.rules"
    file.parent.mkdir()
    assert _doctor(modules, "--write", str(file)) == 0
    assert "SYMLINK" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file]
    said = capsys.readouterr()
    assert "names 1 module;" in said.out
    assert "not on USB" in said.err
    once = file.read_bytes()
    assert _doctor(modules, "--write", str(file)) == 0
    assert file.read_bytes() == once


def test_an_older_udev_that_cannot_verify_is_no_hindrance(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _udevadm(modules, monkeypatch, OLD_UDEVADM)
    assert _doctor(modules, "--write", str(modules / "x.rules")) == 0
    assert (modules / "x.rules").exists()


def test_rules_that_udev_does_not_understand_never_get_to_it(
    modules: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _udevadm(modules, monkeypatch, FAILING_UDEVADM)
    file = modules / "rules.d/61-modules.rules"
    file.parent.mkdir()
    file.write_text("as it was")
    assert _doctor(modules, "--write", str(file)) == 1
    assert file.read_text() == "as it was"
    assert list(file.parent.iterdir()) == [file]
    assert "Invalid key" in capsys.readouterr().err


def test_without_a_module_an_older_file_is_not_touched(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = modules / "x.rules"
    file.write_text("as it was")
    assert main(["doctor", "--udev", "--port", port_of(modules, "DO4"), "--write", str(file)]) == 3
    assert file.read_text() == "as it was"
    assert "lucid2mqtt list" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said_with_a_remedy(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _doctor(modules, "--write", str(modules / "none/x.rules")) == 1
    assert "(sudo" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--udev", "--write", "/etc/udev/rules.d/x.conf"], ["--udev", "--port", "gopher://x"]])
def test_wrong_use_is_said_and_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *words]) == 2
    assert "lucid2mqtt: " in capsys.readouterr().err
