"""The files a system is set up with say the same as the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.main import VERBS
from lucid2mqtt.cli.reach import SERVICE_CONSOLE
from lucid2mqtt.settings import Settings

CONFIG = Path(__file__).parents[2] / "config"
UNITS = sorted((CONFIG / "systemd").glob("*.service"))
MOST_EXPOSED = 2.0


def _entries(unit: Path) -> list[tuple[str, str]]:
    lines = (line for line in unit.read_text().splitlines() if line and not line.startswith(("#", "[")))
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def _words(unit: Path, name: str) -> list[str]:
    return [value for entry, value in _entries(unit) if entry == name]


AGENT = CONFIG / "systemd/lucid2mqtt.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here; the tests of the service run it")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_the_unit_closed_enough(unit: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"},
    )
    assert said.returncode == 0, said.stdout[-200:] + said.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here; the tests of the service run it")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """In a tree of its own, where the program and the user's files stand for themselves."""
    system = tmp_path / "etc/systemd/system"
    system.mkdir(parents=True)
    shutil.copy(unit, system)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", str(system / unit.name.replace("@", "@boiler"))],
        capture_output=True,
        text=True,
        check=False,
    )
    about_lines = [line for line in said.stderr.splitlines() if re.search(rf"{re.escape(unit.name)}:\d+:", line)]
    assert about_lines == []


def test_the_verbs_the_agents_unit_uses_are_there() -> None:
    lines = [line.split() for name in ("ExecStart", "ExecReload", "ExecStopPost") for line in _words(AGENT, name)]
    verbs = [words[words.index("lucid2mqtt") + 1] for words in lines if "lucid2mqtt" in words]
    assert verbs == ["run", "check", "safe-state"]
    assert set(verbs) <= set(VERBS)


def test_a_reload_checks_the_settings_before_the_agent_is_told() -> None:
    check, tell = _words(AGENT, "ExecReload")
    assert "lucid2mqtt check" in check
    assert tell == "kill -HUP $MAINPID"


def test_everything_the_unit_starts_reads_the_same_settings() -> None:
    lines = [line for name in ("ExecStart", "ExecReload", "ExecStopPost") for line in _words(AGENT, name) if "lucid2mqtt" in line]
    files = {line.partition(" -c ")[2] for line in lines}
    assert files == {"/etc/lucid2mqtt/settings.yaml"}


def test_the_agents_unit_listens_where_the_command_line_looks() -> None:
    assert _words(AGENT, "RuntimeDirectory") == [SERVICE_CONSOLE.parent.name]
    assert int(_words(AGENT, "RuntimeDirectoryMode")[0], 8) & 0o050 == 0o050, "the group must come through to the socket"


def test_only_faults_that_do_not_mend_themselves_keep_the_agent_down() -> None:
    assert set(_words(AGENT, "RestartPreventExitStatus")[0].split()) == {str(int(Exit.USAGE)), str(int(Exit.SETTINGS))}


def test_the_credential_is_a_key_of_the_settings() -> None:
    for credential in _words(AGENT, "LoadCredential"):
        section, key = credential.partition(":")[0].split("__")
        assert key in Settings.model_json_schema()["$defs"][f"{section.capitalize()}Settings"]["properties"]


def test_the_user_of_the_units_is_made() -> None:
    made = re.findall(r"^u (\S+)", (CONFIG / "systemd/lucid2mqtt.sysusers.conf").read_text(), re.MULTILINE)
    assert {user for unit in UNITS for user in _words(unit, "User")} == set(made)


def test_udev_names_the_usb_devices_that_the_settings_look_for() -> None:
    rules = (CONFIG / "udev/60-lucid2mqtt.rules").read_text()
    vendors = re.findall(r'ATTRS?\{idVendor\}=="(\w+)", ATTRS?\{idProduct\}=="(\w+)"', rules)
    assert {f"{vendor}:{product}".upper() for vendor, product in vendors} == set(Settings.model_fields["usb_ids"].default)
    assert len(vendors) == 2, "the device for ModemManager, the port for its name"
