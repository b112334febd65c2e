import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from lucid2mqtt import __version__
from lucid2mqtt.cli.main import VERBS, main

COMMAND = [sys.executable, "-m", "lucid2mqtt"]
ENVIRON = {key: value for key, value in os.environ.items() if not key.startswith("LUCID2MQTT_")}


def run(*words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=30, env=ENVIRON | (environ or {}), check=False)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_function_and_its_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(getattr(import_module(f"lucid2mqtt.cli.{VERBS[verb].module}"), f"add_{verb.replace('-', '_')}"))
    assert main([verb, "--help"]) == 0
    assert f"usage: lucid2mqtt {verb}" in capsys.readouterr().out


def test_help_names_every_verb_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)
    assert "exit codes" in said


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lucid2mqtt {__version__}\n"


def test_without_a_verb_all_of_them_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr().err
    assert all(f"    {verb}" in said for verb in VERBS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["ru"],
        ["read"],
        ["read", "ttyACM0"],
        ["read", "serial:x"],
        ["read", "udp://x:1"],
        ["write", "/dev/x"],
        ["watch", "/dev/x", "--interval", "0"],
        ["watch", "/dev/x", "--interval", "soon"],
        ["watch", "/dev/x", "--count", "0"],
        ["list", "--port", "COM4"],
        ["check", "--bogus"],
        ["check", "--conf", "x"],
        ["simulate", "--world", "moon"],
        ["simulate", "--speed", "-1"],
        ["demo", "--mqtt-port", "0"],
        ["demo", "--mqtt-port", "99999"],
        ["demo", "--mqtt-port", "usual"],
    ],
    ids=" ".join,
)
def test_usage_errors_are_code_2_with_a_word_on_standard_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err
    assert not said.out


def test_settings_faults_are_code_4_one_a_line_as_editors_read_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("nod: x\nscan_s: 0\n")
    for verb in ("check", "run", "safe-state"):
        assert main([verb, "-c", str(path)]) == 4
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == f"{path}:1:1: nod: unknown key (did you mean 'node'?)"
        assert lines[1].startswith(f"{path}:2:1: scan_s: must be more than 0")


def test_a_port_that_is_not_there_is_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "/dev/there-is-no-such-port", "--console", "/nonexistent/c"]) == 3
    assert "not there" in capsys.readouterr().err


def test_as_a_program_of_its_own(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text("node: az-2\n")
    done = run("check", "-c", str(good))
    assert (done.returncode, done.stderr) == (0, "")
    assert "node az-2" in done.stdout
    faulty = run("check", environ={"LUCID2MQTT_NOD": "x"})
    assert (faulty.returncode, faulty.stdout) == (4, "")
    assert faulty.stderr == "LUCID2MQTT_NOD: nod: unknown key (did you mean 'node'?)\n"
    assert run("fly").returncode == 2


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    writer = subprocess.Popen([*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRON)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.wait(30) == 0
    assert writer.stderr.read() == b""
    writer.stderr.close()


def test_nothing_heavy_is_imported_for_a_light_verb() -> None:
    code = "import sys; from lucid2mqtt.cli.main import main; main(['--version']); print([m for m in ('pydantic', 'asyncio', 'paho', 'ruamel') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.endswith("[]\n")


def test_settings_without_a_file_do_not_load_yaml() -> None:
    code = (
        "import sys; from lucid2mqtt.settings import load; load(None, {}); print([m for m in ('ruamel.yaml', 'paho') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[]\n"
